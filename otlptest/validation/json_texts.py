"""Rules about the text of JSON requests: what lenient readers take and senders must not write.

Items under an unknown key fail the test: they were sent, and no reader gets them (OTLP-JSON-012,
-014). Everything else is reported.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from otlptest.errors import Finding
from otlptest.model import Request, Signal
from otlptest.validation.rules import severity_of
from otlptest.wire.otlp.json_rules import TextLook, look_at_text

_INDEX: Final = re.compile(r"\[[0-9]+\]")
_PLACES_NAMED: Final = 3
_KEYS: Final = "OTLP-JSON-012"


class TextFindings(NamedTuple):
    """The findings about texts.

    Attributes:
        lost: Unknown keys that had items under them.
        broken: All other broken rules.
    """

    lost: tuple[Finding, ...]
    broken: tuple[Finding, ...]


class _Row(NamedTuple):
    """One fault in one request."""

    rule: str
    path: str
    problem: str
    hint: str = ""


def text_findings(requests: Iterable[tuple[Signal, Request]]) -> TextFindings:
    """Judge the texts of JSON requests; one finding for each rule and place-shape."""
    lost, broken = _Folded(), _Folded()
    for signal, request in requests:
        if request.packed_json is None:
            continue
        look = look_at_text(signal, zlib.decompress(request.packed_json))
        rows = list(_lost_items(look))
        shapes = {_shape(row.path) for row in rows}
        for row in rows:
            lost.add(request, row)
        for row in _faults(look):
            if row.rule != _KEYS or _shape(row.path) not in shapes:
                broken.add(request, row)
    return TextFindings(tuple(lost.findings()), tuple(broken.findings()))


def _lost_items(look: TextLook) -> Iterator[_Row]:
    for key in look.unread:
        if key.loss == "items":
            problem = f"{key.problem}: what stands under it was not read"
            yield _Row(_KEYS, key.place, problem, key.hint)


def _faults(look: TextLook) -> Iterator[_Row]:
    hints = {_shape(key.place): key.hint for key in look.unread}
    for rule, path, problem in look.faults:
        hint = hints.get(_shape(path), "") if rule == _KEYS else ""
        yield _Row(rule, path, problem, hint)


class _Folded:
    """Faults of several requests, those of one rule and place-shape together."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[tuple[str, _Row]]] = {}

    def add(self, request: Request, row: _Row) -> None:
        place = f"request {request.number}"
        if row.path:
            place += f": {row.path}"
        self._rows.setdefault((row.rule, _shape(row.path)), []).append((place, row))

    def findings(self) -> Iterator[Finding]:
        for rows in self._rows.values():
            first = rows[0][1]
            places = "; ".join(place for place, _ in rows[:_PLACES_NAMED])
            more = len(rows) - _PLACES_NAMED
            yield Finding(
                rule=first.rule,
                where=f"{places}; and {more} more" if more > 0 else places,
                expected="JSON as OTLP maps it",
                received=first.problem,
                severity=severity_of(first.rule),
                hint=first.hint,
            )


def _shape(path: str) -> str:
    return _INDEX.sub("[]", path)

"""Rules about the text of JSON requests: what lenient readers take and no sender must write."""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from otlptest.errors import Finding
from otlptest.model import Request, Signal
from otlptest.validation.rules import severity_of
from otlptest.wire.otlp_json import check_text

__all__ = ["text_findings"]

_INDEX: Final = re.compile(r"\[[0-9]+\]")
_PLACES_NAMED: Final = 3


def text_findings(requests: Iterable[tuple[Signal, Request]]) -> Iterator[Finding]:
    """One finding for each rule and place-shape that the texts of JSON requests break."""
    folded: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for signal, request in requests:
        if request.packed_json is None:
            continue
        for rule, path, problem in check_text(signal, zlib.decompress(request.packed_json)):
            place = f"request {request.number}: {path}" if path else f"request {request.number}"
            folded.setdefault((rule, _INDEX.sub("[]", path)), []).append((place, problem))
    return (_finding(rule, rows) for (rule, _), rows in folded.items())


def _finding(rule: str, rows: list[tuple[str, str]]) -> Finding:
    places = "; ".join(place for place, _ in rows[:_PLACES_NAMED])
    more = len(rows) - _PLACES_NAMED
    return Finding(
        rule=rule,
        where=f"{places}; and {more} more" if more > 0 else places,
        expected="JSON as OTLP maps it",
        received=rows[0][1],
        severity=severity_of(rule),
    )

"""Folds findings: one for each rule and shape of place, with a count of its repeats.

Terms: an *item* is the span, metric, point, record, profile or resource that a rule is about; a
*path* is a place in it (`attributes["x"]`); a *shape* is a path without what changes from item to
item (`attributes`). Places are worded only for the few that a finding names.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from otlptest.errors import Finding
from otlptest.model import Request
from otlptest.validation.rules import DATA_RULES, severity_of

_PLACES_NAMED: Final = 3
_TEXT_SHOWN: Final = 60
_SERVICE_NAME: Final = "service.name"

Message = Any  # a generated class: only `otlptest.wire` knows protobuf


class Context:
    """The request and resource that an item belongs to.

    Attributes:
        request: The request that brought it.
        resource: Its resource message; None if it has no resource.
        strings: The string table of a profiles request, None for every other signal.
    """

    __slots__ = ("request", "resource", "strings")

    def __init__(
        self,
        request: Request,
        resource: Message | None = None,
        strings: Sequence[str] | None = None,
    ) -> None:
        self.request = request
        self.resource = resource
        self.strings = strings

    def __str__(self) -> str:
        """Return both as a finding names them."""
        service = self._service()
        head = f"request {self.request.number}"
        return f"{head}, service {quoted(service)}" if service else head

    def _service(self) -> str:
        attributes = () if self.resource is None else self.resource.attributes
        named = [kv.value.string_value for kv in attributes if kv.key == _SERVICE_NAME]
        return str(named[-1]) if named else ""


class Item(NamedTuple):
    """The subject of a finding.

    Attributes:
        context: The request and resource it came from.
        kind: Its kind: `span`, `metric`, `point`, `log record`, `resource`, ...
        message: The message itself; for a point, the metric that it belongs to.
        number: Its number where it has neither name nor id, from 1; 0 for none.
    """

    context: Context
    kind: str
    message: Message
    number: int = 0

    def __str__(self) -> str:
        """Return it as a finding names it."""
        return f"{self.context}, {self._name()}"

    def _name(self) -> str:
        if self.kind == "span":
            return f"span {quoted(self.message.name)} (span {shown_id(self.message.span_id)})"
        if self.kind in {"metric", "scope"}:
            return f"{self.kind} {quoted(self.message.name)}"
        if self.kind == "point":
            return f"metric {quoted(self.message.name)}, point {self.number}"
        if self.kind == "log record":
            text = getattr(self.message, "event_name", "") or self.message.body.string_value
            return (
                f"log record {self.number} {quoted(text)}" if text else f"log record {self.number}"
            )
        return f"{self.kind} {self.number}" if self.number else self.kind


class _Entry:
    """The record of one rule that was broken in one shape."""

    __slots__ = ("count", "hint", "places", "received", "rule", "severity")

    def __init__(self, rule: str, severity: str, received: str, hint: str) -> None:
        self.hint = hint
        self.rule = rule
        self.severity = severity
        self.received = received
        self.places: list[str] = []
        self.count = 0

    def finding(self) -> Finding:
        data_rule = DATA_RULES[self.rule]
        more = self.count - len(self.places)
        places = "; ".join(self.places)
        return Finding(
            rule=self.rule,
            where=f"{places}; and {more} more" if more else places,
            expected=data_rule.expected,
            received=f"{self.received} (the first of {self.count})"
            if self.count > 1
            else self.received,
            severity=self.severity,
            hint=self.hint or data_rule.hint,
        )


class Notes:
    """A collector of broken rules during one pass; not thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str, str], _Entry] = {}

    def note(
        self,
        rule: str,
        item: Item,
        path: str,
        received: str,
        *,
        shape: str | None = None,
        severity: str = "",
        hint: str = "",
    ) -> None:
        """Record that `item` breaks `rule` at `path`.

        Args:
            rule: A key of `DATA_RULES`.
            item: The item that breaks it.
            path: The place in the item; empty for the item as a whole.
            received: The value there, as text.
            shape: What distinguishes this place from others; the path, unless given.
            severity: `error` or `warning`; by the rule, unless given.
            hint: The cause of the fault, if it shows; the rule's hint, unless given.
        """
        strength = severity or severity_of(rule)
        key = (rule, item.kind, path if shape is None else shape, strength)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(rule, strength, received, hint)
        entry.count += 1
        if len(entry.places) < _PLACES_NAMED:
            entry.places.append(f"{item}: {path}" if path else str(item))

    def findings(self) -> Iterator[Finding]:
        """Yield one finding for each rule and shape, in the order of first occurrence."""
        return (entry.finding() for entry in self._entries.values())


def quoted(text: str) -> str:
    """Return `text` in quotes, cut to a length that a line can take."""
    cut = text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + "…"
    return repr(cut)


def shown_id(identifier: bytes) -> str:
    """Return an id as hex, with its length if that is hard to count."""
    if not identifier:
        return "without an id"
    shown = identifier[:32].hex()
    return shown if len(identifier) in {8, 16} else f"{shown}, {len(identifier)} bytes"

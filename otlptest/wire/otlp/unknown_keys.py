"""Keys of OTLP JSON that no reader knows, and the telemetry that is lost under them.

A reader ignores unknown keys (OTLP-JSON-014): a newer sender may have them. But what a sender puts
under `resource_spans`, or under a key of an older OTLP, is ignored as well, and is lost
silently. So telemetry counts as lost under a key whose value is not empty, and

* which is a field of its message, spelt differently, or as an older OTLP called it; or
* which is a list of the envelope, one level off; or
* whose message should lead to items, but has no key that leads to them; or
* whose message is a choice (a oneof), and nothing was chosen.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from otlptest.errors import nearest_name
from otlptest.wire.otlp.json_tables import MessageTable, plain_key
from otlptest.wire.otlp.signals import SIGNAL_NAMES, lower_camel

Loss: TypeAlias = Literal["items", "parts", "nothing"]
"""Whole items or points; parts of one, or of what describes it; nothing that OTLP has."""


class UnknownKey(NamedTuple):
    """A key that its message does not have.

    Attributes:
        place: Its path in the document.
        problem: A clause that says what is wrong with it.
        loss: The telemetry that may have been lost under it.
        right: The key, or its path, to write instead; empty if unknown.
        hint: The same as advice.
        is_misspelt: Whether it is a misspelt field; if not, it may be one of a newer OTLP.
    """

    place: str
    problem: str
    loss: Loss = "nothing"
    right: str = ""
    hint: str = ""
    is_misspelt: bool = False

    def __str__(self) -> str:
        """Return the place, and the right key if known."""
        return f"{self.place} instead of {self.right}" if self.right else self.place


def _upper_camel(key: str) -> str:
    return key[0].upper() + key[1:]


def _ways_down() -> dict[str, tuple[str, ...]]:
    """Return the keys that lead to items and points, by the message that has them."""
    found: dict[str, tuple[str, ...]] = {}
    for names in SIGNAL_NAMES.values():
        scopes, items = lower_camel(names.scope_field), lower_camel(names.item_field)
        found[names.request] = (names.json_key,)
        found[_upper_camel(names.json_key)] = (scopes,)
        found[_upper_camel(scopes)] = (items,)
    kinds = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
    found["Metric"] = kinds
    found.update((_upper_camel(kind), ("dataPoints",)) for kind in kinds)
    found["Profile"] = ("samples",)
    return found


def _homes() -> dict[str, tuple[str, str]]:
    """Return the lists of the envelope by plain key: the right path, and the parent of each."""
    found: dict[str, tuple[str, str]] = {}
    for signal, names in SIGNAL_NAMES.items():
        scopes, items = lower_camel(names.scope_field), lower_camel(names.item_field)
        top = names.json_key
        path = f"{top}[].{scopes}"
        found[plain_key(top)] = top, f"{top!r} belongs at the top of a request of {signal}"
        found[plain_key(scopes)] = path, f"{scopes!r} belongs in {top}[]"
        found[plain_key(items)] = f"{path}[].{items}", f"{items!r} belongs in {path}[]"
    return found


_WAYS_DOWN: Final = MappingProxyType(_ways_down())
_HOMES: Final = MappingProxyType(_homes())
_ENVELOPE: Final = frozenset({*_WAYS_DOWN, "Resource", "InstrumentationScope"})
_OLD_KEYS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("ResourceSpans", "instrumentationlibraryspans"): "scopeSpans",
        ("ResourceMetrics", "instrumentationlibrarymetrics"): "scopeMetrics",
        ("ResourceLogs", "instrumentationlibrarylogs"): "scopeLogs",
        ("ScopeSpans", "instrumentationlibrary"): "scope",
        ("ScopeMetrics", "instrumentationlibrary"): "scope",
        ("ScopeLogs", "instrumentationlibrary"): "scope",
        ("ScopeLogs", "logs"): "logRecords",
        ("Metric", "intgauge"): "gauge",
        ("Metric", "doublegauge"): "gauge",
        ("Metric", "intsum"): "sum",
        ("Metric", "doublesum"): "sum",
        ("Metric", "inthistogram"): "histogram",
        ("Metric", "doublehistogram"): "histogram",
        ("Metric", "doublesummary"): "summary",
        ("Profile", "sample"): "samples",
    }
)


def loses_telemetry(table: MessageTable, key: str, value: object) -> bool:
    """Return whether `unknown_key` could report a loss; quick, and never wrongly false."""
    if not value:
        return False
    if table.has_oneof or (table.name in _ENVELOPE and isinstance(value, dict | list)):
        return True
    return bool(_meant(table, key))


def unknown_key(
    table: MessageTable, message: Mapping[str, Any], key: str, place: str
) -> UnknownKey:
    """Return the fault of a key that a message does not have, and the loss it causes.

    Args:
        table: The message that has it.
        message: The JSON object of that message.
        key: The key.
        place: Its path.
    """
    value = message[key]
    meant = _meant(table, key)
    ways_down = _WAYS_DOWN.get(table.name, ())
    if meant:
        problem = f"the key is written {key!r}, must be {meant!r}, and is ignored as it is"
        is_lost = bool(value) and message.get(meant) != value  # some write both
        loss: Loss = "nothing" if not is_lost else "items" if meant in ways_down else "parts"
        return UnknownKey(place, problem, loss, meant, f"write {meant!r}", is_misspelt=True)
    problem = f"{table.name} has no field {key!r}"
    if _has_objects(value):
        right, home = _HOMES.get(plain_key(key), ("", ""))
        if right and table.name in _ENVELOPE:
            return UnknownKey(place, problem, "items", right, home, is_misspelt=True)
        if ways_down and all(message.get(way) is None for way in ways_down):
            near = ways_down[0] if len(ways_down) == 1 else nearest_name(key, ways_down)
            hint = f"write {near!r}" if near else f"write one of {', '.join(ways_down)}"
            return UnknownKey(place, problem, "items", near or "", hint)
    if value and table.has_oneof and not _has_choice(table, message):
        return UnknownKey(place, problem, "parts")
    return UnknownKey(place, problem)


def _meant(table: MessageTable, key: str) -> str:
    """Return the field that a key misspells, or that an older OTLP called so."""
    plain = plain_key(key)
    return table.by_plain_key.get(plain) or _OLD_KEYS.get((table.name, plain), "")


def _has_objects(value: object) -> bool:
    """Return whether a value may contain an item, or a message that leads to one."""
    if isinstance(value, list):
        return any(isinstance(element, dict) for element in value)
    return isinstance(value, dict) and bool(value)


def _has_choice(table: MessageTable, message: Mapping[str, Any]) -> bool:
    return any(
        field.oneof is not None and message.get(key) is not None
        for key, field in table.fields.items()
    )

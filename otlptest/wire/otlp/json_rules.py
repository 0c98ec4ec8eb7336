"""Faults that a lenient reader takes and a sender must not write (OTLP-JSON-003 to -031).

`look_at_text` looks at a request as received. It finds what decoding hides, e.g. an integer that
came as a number (OTLP-JSON-016), and counts what each rule was tried on: a text without enums says
nothing about enums.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp.json_tables import (
    FieldTable,
    JsonKind,
    MessageTable,
    table_of,
    table_of_class,
)
from otlptest.wire.otlp.json_text import load_json
from otlptest.wire.otlp.json_values import shown
from otlptest.wire.otlp.mistaken_ids import mistake_in_text
from otlptest.wire.otlp.signals import request_class
from otlptest.wire.otlp.unknown_keys import UnknownKey, unknown_key

_INDEX: Final = re.compile(r"\[[0-9]+\]")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,20}")
_TIME: Final = re.compile(r"[0-9]{1,20}")
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_DOUBLE_WORDS: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_NO_RECORDED_VALUE: Final = 1
_ZEROS: Final = (0, "0", "")  # False and 0.0 equal the first
_HISTOGRAM_POINTS: Final = frozenset({"HistogramDataPoint", "ExponentialHistogramDataPoint"})
_STATISTICS: Final = frozenset({"sum", "min", "max"})
_RULES: Final[Mapping[JsonKind, tuple[str, ...]]] = MappingProxyType(
    {
        JsonKind.INT32: ("OTLP-JSON-021",),
        JsonKind.DOUBLE: ("OTLP-JSON-024",),
        JsonKind.ENUM: ("OTLP-JSON-008", "OTLP-JSON-009"),
        JsonKind.BYTES: ("OTLP-JSON-026",),
    }
)


class _Complaint(NamedTuple):
    """A rule that a value breaks, and the fault."""

    rule: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLook:
    """The findings about one JSON request.

    Attributes:
        faults: Rules for senders that it breaks, as `(rule, path, message)`. The same fault in
            many places is one row, with its first path and their number.
        seen: Rule to the number of values it could fail on; rules without any are left out.
        unknown_keys: Paths of keys that are not misspelt: they may belong to a newer OTLP. Each
            is in `faults`, too.
        unread: The first unknown key of each path-shape that may have lost telemetry.
        is_json: Whether it could be parsed; if not, `faults` has one row that says why.
    """

    faults: tuple[tuple[str, str, str], ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    unknown_keys: tuple[str, ...] = ()
    unread: tuple[UnknownKey, ...] = ()
    is_json: bool = True


def look_at_text(signal: Signal, text: bytes) -> TextLook:
    """Check a JSON request as received, except for faults that decoding refuses.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    try:
        document = load_json(text)
    except WireError as refused:
        fault = (refused.rule, refused.place, refused.problem)
        return TextLook(faults=(fault,), is_json=False)
    return look_at_document(signal, document)


def look_at_document(signal: Signal, document: object) -> TextLook:
    """Check a parsed JSON request as `look_at_text` does.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    walk = _Walk()
    walk.message(table_of_class(request_class(signal)), document, "")
    return TextLook(
        faults=tuple(walk.rows()),
        seen=MappingProxyType({rule: count for rule, count in walk.seen.items() if count}),
        unknown_keys=tuple(walk.unknown_keys),
        unread=tuple(walk.unread.values()),
    )


def check_text(signal: Signal, text: bytes) -> list[tuple[str, str, str]]:
    """Return the faults that `look_at_text` finds.

    Raises:
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    return list(look_at_text(signal, text).faults)


class _Walk:
    """One pass over a document, along the tables of its messages."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.unknown_keys: list[str] = []
        self.unread: dict[str, UnknownKey] = {}
        self._found: dict[tuple[str, str], tuple[str, str, int]] = {}

    def rows(self) -> list[tuple[str, str, str]]:
        return [
            (rule, path, problem if count == 1 else f"{problem} ({count} times in this request)")
            for (rule, _), (path, problem, count) in self._found.items()
        ]

    def message(self, table: MessageTable, value: object, path: str) -> None:
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            place = f"{path}.{key}" if path else key
            field = table.fields.get(key)
            if field is None:
                self._unknown_key(unknown_key(table, value, key, place))
                continue
            self._meet(table, field, item)
            if isinstance(item, list) and field.is_list:
                for index, element in enumerate(item):
                    self._value(field, element, f"{place}[{index}]")
            else:
                self._value(field, item, place)
        check = _MESSAGE_CHECKS.get(table.name)
        if check is not None and value.keys() <= table.fields.keys():
            # A missing value may be under a key that the message does not have.
            self._add(check(value), path)

    def _unknown_key(self, found: UnknownKey) -> None:
        self._add(_Complaint("OTLP-JSON-012", found.problem), found.place)
        shape = _INDEX.sub("[]", found.place)
        if not found.is_misspelt:
            self.unknown_keys.append(shape)
        if found.loss != "nothing":
            self.unread.setdefault(shape, found)

    def _meet(self, table: MessageTable, field: FieldTable, value: object) -> None:
        """Count the values that the rules about keys and about zeros could fail on."""
        self.seen["OTLP-JSON-012"] += field.key != field.name  # one of several words
        if value in _ZEROS:
            self.seen["OTLP-JSON-030"] += field.oneof is not None
            is_statistic = table.name in _HISTOGRAM_POINTS and field.name in _STATISTICS
            self.seen["OTLP-JSON-031"] += is_statistic

    def _value(self, field: FieldTable, value: object, place: str) -> None:
        if value is None:
            return
        if field.kind is JsonKind.MESSAGE:
            self.message(table_of(field.descriptor), value, place)
            return
        if value != "":
            self.seen.update(_rules_of(field))
        self._add(_CHECKS[field.kind](field, value), place)

    def _add(self, complaint: _Complaint | None, place: str) -> None:
        if complaint is None:
            return
        key = (complaint.rule, _INDEX.sub("[]", place))
        path, problem, count = self._found.get(key, (place, complaint.problem, 0))
        self._found[key] = (path, problem, count + 1)


def _rules_of(field: FieldTable) -> tuple[str, ...]:
    """Return the rules about the form of a field that is not empty."""
    if field.kind is JsonKind.INT64:
        return ("OTLP-JSON-023",) if field.is_time else ("OTLP-JSON-016",)
    return (field.id_rule,) if field.kind is JsonKind.HEX_ID else _RULES.get(field.kind, ())


def _check_int32(_field: FieldTable, value: object) -> _Complaint | None:
    if not isinstance(value, str):
        return None
    return _Complaint("OTLP-JSON-021", f"{shown(value)} is a string and must be a number")


def _check_int64(field: FieldTable, value: object) -> _Complaint | None:
    if not isinstance(value, str):
        problem = f"{shown(value)} is a number and must be a string of decimal digits"
        return _Complaint("OTLP-JSON-016", problem)
    if field.is_time and not _TIME.fullmatch(value):
        return _Complaint("OTLP-JSON-023", f"{shown(value)} is no count of nanoseconds")
    if not _DECIMAL.fullmatch(value):
        return _Complaint("OTLP-JSON-016", f"{shown(value)} is not a decimal integer")
    return None


def _check_double(_field: FieldTable, value: object) -> _Complaint | None:
    if not isinstance(value, str) or value in _DOUBLE_WORDS:
        return None
    return _Complaint("OTLP-JSON-024", f"{shown(value)} is a string and must be a number")


def _check_enum(_field: FieldTable, value: object) -> _Complaint | None:
    if isinstance(value, str):
        return _Complaint(
            "OTLP-JSON-009", f"{shown(value)} is a text and must be the enum's number"
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return None
    return _Complaint("OTLP-JSON-008", f"{shown(value)} is not an integer")


def _check_bytes(_field: FieldTable, value: object) -> _Complaint | None:
    if isinstance(value, str) and not _BASE64.fullmatch(value):
        return _Complaint("OTLP-JSON-026", f"{shown(value)} is not a standard base64 with padding")
    return None


def _check_id(field: FieldTable, value: object) -> _Complaint | None:
    digits = 2 * field.id_bytes
    if not value:
        return None  # an absent id is a question about the data, not about JSON
    if isinstance(value, str) and len(value) == digits and _HEX.fullmatch(value):
        return None
    problem = f"{shown(value)} is not {digits} hex digits"
    mistake = mistake_in_text(value, field.id_bytes) if isinstance(value, str) else ""
    return _Complaint(field.id_rule, f"{problem}: {mistake}" if mistake else problem)


def _nothing(_field: FieldTable, _value: object) -> None:
    return None


def _check_number_point(value: Mapping[str, Any]) -> _Complaint | None:
    if value.get("asInt") is not None or value.get("asDouble") is not None:
        return None
    flags = value.get("flags")
    if isinstance(flags, int) and flags & _NO_RECORDED_VALUE:
        return None
    return _Complaint("OTLP-JSON-030", "neither asInt nor asDouble is written; zero must be, too")


def _check_histogram_point(value: Mapping[str, Any]) -> _Complaint | None:
    """Check min and max: one without the other may be an omitted zero."""
    low, high = value.get("min"), value.get("max")
    if (low is None) == (high is None):
        return None
    if low is None:
        is_beside_zero = isinstance(high, int | float) and high >= 0
        there, missing = "max", "min"
    else:
        is_beside_zero = isinstance(low, int | float) and low <= 0
        there, missing = "min", "max"
    if not is_beside_zero:
        return None
    return _Complaint(
        "OTLP-JSON-031", f"{there} is written and {missing} is not; zero must be, too"
    )


_CHECKS: Final[Mapping[JsonKind, Callable[[FieldTable, object], _Complaint | None]]] = (
    MappingProxyType(
        {
            JsonKind.INT32: _check_int32,
            JsonKind.INT64: _check_int64,
            JsonKind.DOUBLE: _check_double,
            JsonKind.ENUM: _check_enum,
            JsonKind.BYTES: _check_bytes,
            JsonKind.HEX_ID: _check_id,
            JsonKind.PROFILE_ID: _nothing,
            JsonKind.BOOL: _nothing,
            JsonKind.TEXT: _nothing,
        }
    )
)
_MESSAGE_CHECKS: Final[Mapping[str, Callable[[Mapping[str, Any]], _Complaint | None]]] = (
    MappingProxyType(
        {
            "NumberDataPoint": _check_number_point,
            "HistogramDataPoint": _check_histogram_point,
            "ExponentialHistogramDataPoint": _check_histogram_point,
        }
    )
)

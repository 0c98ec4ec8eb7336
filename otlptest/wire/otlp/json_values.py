"""Single values of OTLP JSON: the strictness of reading each kind, and their writing.

Read leniently where the mapping says so (64-bit integers as numbers, 32-bit ones as strings,
base64 without padding), never by guessing (an id that is not hex, an enum by its name).
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.wire.otlp.json_tables import FieldTable, JsonKind
from otlptest.wire.otlp.mistaken_ids import mistake_in_text

_INTEGER: Final = re.compile(r"-?[0-9]{1,24}")
_DIGITS: Final = re.compile(r"-?[0-9]+")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final = MappingProxyType(
    {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf},
)
_EXACT: Final = 2.0**53  # from here on a float may differ from the number that was written
_SHOWN: Final = 48
_TO_STANDARD: Final = str.maketrans("-_", "+/")


class JsonFaultError(Exception):
    """A value that OTLP JSON does not have.

    Attributes:
        rule: The requirement that it breaks.
        problem: A clause about the value.
        path: Keys and indexes, innermost first; each caller adds its own.
    """

    def __init__(self, rule: str, problem: str) -> None:
        super().__init__(rule, problem)
        self.rule = f"OTLP-JSON-{rule}" if rule.isdecimal() else rule
        self.problem = problem
        self.path: list[str | int] = []

    def place(self) -> str:
        """Return the path as a person writes it: `resourceSpans[0].scopeSpans[1]`."""
        steps = reversed(self.path)
        parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
        return "".join(parts).removeprefix(".")


def shown(value: object) -> str:
    """Return `value` shortened for a message, so that no error echoes a payload (OTLP-SRV-083)."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!r}… ({len(value)} characters)"
    text = repr(value)
    return text if len(text) <= _SHOWN + 2 else f"{text[:_SHOWN]}…"


def reader_of(field: FieldTable) -> Callable[[Any], Any]:
    """Return a function that reads one JSON value for a field, or raises `JsonFaultError`."""
    return _READERS[field.kind](field)


def writer_of(field: FieldTable) -> Callable[[Any], Any] | None:
    """Return a function that turns a Python value into JSON's; None if they are the same."""
    return _WRITERS.get(field.kind)


def _integer_reader(field: FieldTable) -> Callable[[Any], int]:
    low, high = field.low, field.high

    def read(value: object) -> int:
        if type(value) is int:
            number = value
        elif type(value) is str:
            number = _integer_in(value, field)
        elif type(value) is float:
            number = _whole(value)
        else:
            raise _wrong_type(field, value)
        if low <= number <= high:
            return number
        raise JsonFaultError("019", f"{shown(value)} is not between {low} and {high}")

    return read


def _integer_in(text: str, field: FieldTable) -> int:
    """Return the integer in a string.

    Raises:
        JsonFaultError: It is not an integer.
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DIGITS.fullmatch(text):
        raise JsonFaultError("019", f"{shown(text)} is not between {field.low} and {field.high}")
    if field.is_time:
        problem = (
            f"{shown(text)} is not a time: OTLP wants nanoseconds since 1970 in decimal digits"
        )
        raise JsonFaultError("023", problem)
    raise JsonFaultError("019", f"{shown(text)} is not an integer")


def _whole(value: float) -> int:
    """Return the integer of a JSON number with a point or an exponent (OTLP-JSON-020).

    Raises:
        JsonFaultError: It is not an integer, or may not be the one that was written.
    """
    if value.is_integer() and abs(value) < _EXACT:
        return int(value)
    raise JsonFaultError("020", f"{value!r} is not an integer that can be read exactly")


def _enum_reader(field: FieldTable) -> Callable[[Any], int]:
    integer = _integer_reader(field)

    def read(value: object) -> int:
        if type(value) is str:
            problem = f"{shown(value)} is a text, and OTLP JSON writes enum values as numbers"
            raise JsonFaultError("009", problem)
        return integer(value)

    return read


def _double_reader(field: FieldTable) -> Callable[[Any], float]:
    def read(value: object) -> float:
        if type(value) is float:
            number = value
        elif type(value) is int:
            try:
                return float(value)
            except OverflowError:
                number = math.inf
        elif type(value) is str:
            if value in _WORDS:
                return _WORDS[value]
            if not _NUMBER.fullmatch(value):
                raise JsonFaultError("024", f"{shown(value)} is not a number")
            number = float(value)
        else:
            raise _wrong_type(field, value)
        if math.isinf(number):
            raise JsonFaultError("024", f"{shown(value)} is larger than a double can be")
        return number

    return read


def _bool_reader(field: FieldTable) -> Callable[[Any], bool]:
    def read(value: object) -> bool:
        if value is True or value is False:
            return value
        raise _wrong_type(field, value)

    return read


def _text_reader(field: FieldTable) -> Callable[[Any], str]:
    def read(value: object) -> str:
        if type(value) is not str:
            raise _wrong_type(field, value)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as bad:
                problem = f"half a surrogate pair at character {bad.start} is no Unicode text"
                raise JsonFaultError("035", problem) from bad
        return value

    return read


def _bytes_reader(field: FieldTable) -> Callable[[Any], bytes]:
    def read(value: object) -> bytes:
        if type(value) is not str:
            raise _wrong_type(field, value)
        return _unbase64(value)

    return read


def _unbase64(text: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not (OTLP-JSON-027).

    Raises:
        JsonFaultError: `text` is neither.
    """
    digits = text.translate(_TO_STANDARD).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError as bad:
        raise JsonFaultError("026", f"{shown(text)} is no base64") from bad


def _id_reader(field: FieldTable) -> Callable[[Any], bytes]:
    digits = 2 * field.id_bytes

    def read(value: object) -> bytes:
        if type(value) is not str:
            raise _wrong_type(field, value)
        if len(value) == digits:
            try:
                return binascii.unhexlify(value)
            except ValueError as bad:
                raise JsonFaultError(field.id_rule, f"{shown(value)} is not hex") from bad
        if not value:  # OTLP-FILE-026; whether it may be absent is a question about the data
            return b""
        problem = f"{shown(value)} has {len(value)} characters, and an id {digits} hex digits"
        mistake = mistake_in_text(value, field.id_bytes)
        raise JsonFaultError(field.id_rule, f"{problem}: {mistake}" if mistake else problem)

    return read


def _profile_id_reader(field: FieldTable) -> Callable[[Any], bytes]:
    """Return a reader of hex or base64: the sources do not say which (AMBIG-5)."""
    hexadecimal = _id_reader(field)

    def read(value: object) -> bytes:
        if type(value) is str and value and len(value) != 2 * field.id_bytes:
            identifier = _unbase64(value)
            if len(identifier) == field.id_bytes:
                return identifier
        return hexadecimal(value)

    return read


def _wrong_type(field: FieldTable, value: object) -> JsonFaultError:
    rule = field.id_rule if field.id_bytes else "037"
    return JsonFaultError(rule, f"{shown(value)} stands where {field.kind.value} belongs")


def _write_double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _write_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_READERS: Final[Mapping[JsonKind, Callable[[FieldTable], Callable[[Any], Any]]]] = MappingProxyType(
    {
        JsonKind.INT32: _integer_reader,
        JsonKind.INT64: _integer_reader,
        JsonKind.DOUBLE: _double_reader,
        JsonKind.BOOL: _bool_reader,
        JsonKind.ENUM: _enum_reader,
        JsonKind.TEXT: _text_reader,
        JsonKind.BYTES: _bytes_reader,
        JsonKind.HEX_ID: _id_reader,
        JsonKind.PROFILE_ID: _profile_id_reader,
    }
)
_WRITERS: Final[Mapping[JsonKind, Callable[[Any], Any]]] = MappingProxyType(
    {
        JsonKind.INT64: str,
        JsonKind.DOUBLE: _write_double,
        JsonKind.BYTES: _write_base64,
        JsonKind.HEX_ID: bytes.hex,
        JsonKind.PROFILE_ID: bytes.hex,
    }
)

"""Bytes that a matching item must have: looking at bytes is far cheaper than parsing.

A *needle* is sound: an item without it cannot match, however it was encoded. Text, bytes, doubles
and ids are in protobuf unchanged and in one piece. An integer is a varint, with one usual form
and padded ones; an item is left out only if it has neither the usual form nor the start of a padded
one. A criterion that may match an absent value, or more than one encoding with no fixed part, gives
no needle.
"""

import math
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from otlptest.model import Span
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.messages.wording import ABSENT

_INT_VALUE: Final = 0x18  # tag of AnyValue.int_value: field 3, varint
_ODD_TAG: Final = 0x98  # how a padded form of that tag begins
_MOST_DIGITS: Final = 9  # before the last; a negative number has ten
_TEXT_CRITERIA: Final = ("name", "event_name", "unit", "body", "events")
_ID_CRITERIA: Final = ("trace_id", "span_id", "parent")


class BytePrefilter:
    """The bytes that an item must have.

    Args:
        values: Byte strings of wanted values, all required; likely rare.
        keys: Byte strings of wanted names, all required; likely common.
        numbers: Integers of attributes, all required.
    """

    __slots__ = ("_common", "_numbers", "_rare")

    def __init__(
        self,
        *,
        values: Iterable[bytes] = (),
        keys: Iterable[bytes] = (),
        numbers: Iterable[int] = (),
    ) -> None:
        self._numbers = tuple(_search_for(number) for number in sorted(set(numbers)))
        self._rare = _longest_first(values)
        self._common = _longest_first(keys)

    def may_match(self, item: bytes) -> bool:
        """Return whether an item can match; False is certain."""
        for search in self._numbers:
            if not search(item) and not (_ODD_TAG in item and _has_odd_tag(item)):
                return False
        for piece in self._rare:  # a loop: this runs a million times
            if piece not in item:
                return False
        return all(piece in item for piece in self._common)

    def can_contain(self, body: bytes) -> bool:
        """Return whether an item of a request can match; False is certain. Fast."""
        return not self._rare or self._rare[0] in body


def _longest_first(pieces: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted({piece for piece in pieces if piece}, key=len, reverse=True))


def _search_for(number: int) -> Callable[[bytes], object]:
    """Return a search for any encoding of an int attribute whose tag is written as usual.

    A varint may be padded: the high bit of its last byte set, then any number of 0x80, then
    an end. Only one bit of the tenth byte counts, so the byte may have any value.
    """
    value = number & 0xFFFF_FFFF_FFFF_FFFF
    digits = bytearray([_INT_VALUE])
    while value > 0x7F:  # noqa: PLR2004 -- seven bits
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    usual = re.escape(bytes(digits))
    if len(digits) <= _MOST_DIGITS:
        usual += b"[" + re.escape(bytes([value])) + re.escape(bytes([value | 0x80])) + b"]"
    return re.compile(usual, re.DOTALL).search


def _has_odd_tag(item: bytes) -> bool:
    """Return whether the tag of an int may occur in a padded form, which `_search_for` misses."""
    return b"\x98\x80" in item or b"\x98\x00" in item


def prefilter_of(pushed_down: Mapping[str, object]) -> BytePrefilter:
    """Return the needles of a query's criteria."""
    values: list[bytes] = []
    keys: list[bytes] = []
    numbers: list[int] = []
    for name in _TEXT_CRITERIA:
        values += _text(pushed_down.get(name))
    for name in _ID_CRITERIA:
        values += _id(pushed_down.get(name))
    for key, value in _attributes(pushed_down):
        if isinstance(value, Matcher) and value.matches(ABSENT):
            continue
        keys += _text(key)
        values += _value(value)
        if isinstance(value, int) and not isinstance(value, bool):
            numbers += [int(value)] if -(2**63) <= value < 2**63 else []
    return BytePrefilter(values=values, keys=keys, numbers=numbers)


def _attributes(pushed_down: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    wanted = pushed_down.get("attributes")
    if isinstance(wanted, Mapping):
        yield from wanted.items()


def _text(value: object) -> list[bytes]:
    if not isinstance(value, str):
        return []
    try:
        return [value.encode()]
    except UnicodeEncodeError:  # a lone surrogate: nothing can match, the query will see
        return []


def _id(value: object) -> list[bytes]:
    if isinstance(value, Span):
        value = value.span_id
    if not isinstance(value, str):
        return []
    try:
        return [bytes.fromhex(value)]
    except ValueError:
        return []


def _value(value: object) -> list[bytes]:
    """Return the fixed part of a value's encoding."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, float) and value != 0 and not math.isnan(value):
        return [struct.pack("<d", value)]
    if isinstance(value, list | tuple):
        return [piece for each in value for piece in _value(each)]
    return []

"""Attribute values, keys, texts and ids of all signals, all valid."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.strategies.drawing import (
    SOME_TEXTS,
    TEXTS,
    Draw,
    checked_count,
    new,
    one_in,
    pick,
    upto,
)

_MOST_DEPTH: Final = 60
_MOST_ATTRIBUTES: Final = 15
_KEYS: Final = (
    "k",
    "http.request.method",
    "url.path",
    "db.system.name",
    "user.id",
    "Key",
    "größe",
    "a.b-c_d/e",
    "🔑",
)
_NAMES: Final = (
    "n",
    "POST /checkout",
    "charge",
    "Größe",
    "名前",
    "a\tb",
    "\N{RIGHT-TO-LEFT MARK}x",
)
_INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)
_DOUBLES: Final = st.floats(width=64)
_BYTES: Final = st.binary(max_size=8)
_SCALARS: Final[Mapping[str, SearchStrategy[str | int | bytes]]] = MappingProxyType(
    {"string": TEXTS, "int": _INTEGERS, "bool": st.booleans(), "bytes": _BYTES}
)
_IDS: Final = {size: st.binary(min_size=size, max_size=size) for size in (8, 16)}
_LEAVES: Final = ("string", "int", "bool", "double", "bytes", "empty")
_KINDS: Final = (*_LEAVES, "array", "map")


def any_values(*, depth: int = 2) -> SearchStrategy[Any]:
    """Draw `AnyValue` messages of every kind, including empty ones, NaN, and nested lists.

    Args:
        depth: How deep lists and maps may nest, 0 to 60.

    Raises:
        UsageError: `depth` is out of its range.
    """
    levels = checked_count(depth, "depth", least=0, most=_MOST_DEPTH)
    return st.composite(lambda draw: draw_value(draw, levels))()


def attributes(*, most: int = 3) -> SearchStrategy[list[Any]]:
    """Draw lists of `KeyValue` messages, each key once and none empty.

    Args:
        most: How many there may be, 0 to 15.

    Raises:
        UsageError: `most` is out of its range.
    """
    highest = checked_count(most, "most", least=0, most=_MOST_ATTRIBUTES)
    return st.composite(lambda draw: draw_attributes(draw, most=highest))()


def draw_value(draw: Draw, depth: int = 1) -> Any:  # noqa: ANN401 -- a generated message
    """Return one `AnyValue`."""
    kind = pick(draw, _KINDS if depth else _LEAVES)
    content: dict[str, Any] = {}
    if kind == "array":
        values = [draw_value(draw, depth - 1) for _ in range(upto(draw, 2))]
        content = {"array_value": new("traces", "ArrayValue", values=values)}
    elif kind == "map":
        entries = draw_attributes(draw, most=2, depth=depth - 1)
        content = {"kvlist_value": new("traces", "KeyValueList", values=entries)}
    elif kind != "empty":
        content = {f"{kind}_value": _scalar(draw, kind)}
    return new("traces", "AnyValue", **content)


def _scalar(draw: Draw, kind: str) -> str | int | float | bytes:
    if kind == "double":
        number = draw(_DOUBLES)
        return math.nan if math.isnan(number) else number  # only one kind survives all encodings
    return draw(_SCALARS[kind])


def draw_attributes(
    draw: Draw, *, most: int = 2, depth: int = 1, taken: Iterable[str] = ()
) -> list[Any]:
    """Return some `KeyValue` messages, without the keys `taken`."""
    seen = set(taken)
    found: list[Any] = []
    for _ in range(upto(draw, most)):
        key = draw_key(draw)
        while key in seen:
            key += "2"
        seen.add(key)
        found.append(new("traces", "KeyValue", key=key, value=draw_value(draw, depth)))
    return found


def draw_key(draw: Draw) -> str:
    """Return a key of an attribute."""
    return draw(SOME_TEXTS) if one_in(draw, 8) else pick(draw, _KEYS)


def draw_name(draw: Draw) -> str:
    """Return a name that is not empty."""
    return draw(SOME_TEXTS) if one_in(draw, 8) else pick(draw, _NAMES)


def draw_id(draw: Draw, size: int) -> bytes:
    """Return a trace id (16 bytes) or span id (8), never all zero."""
    found = draw(_IDS[size])
    return found if any(found) else found[:-1] + b"\x01"

"""Helpers that build messages while Hypothesis draws: new messages, and cheap choices.

A *draw* is the function that Hypothesis hands to a composite strategy. Everything here is written
with plain functions that take it: nested composite strategies cost several times as much.
"""

from functools import cache
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from otlptest.errors import UsageError
from otlptest.model import Signal
from otlptest.wire.otlp.message_classes import message_classes

Draw = DrawFn

T = TypeVar("T")

DEFAULT_UNIX_NANO: Final = 1_767_225_600_000_000_000
"""The default time of all data: 2026-01-01, midnight UTC."""

# All sorts of characters rather than all characters: Hypothesis needs seconds to list those.
_CHARACTERS: Final = (
    "".join(map(chr, range(0x20, 0x7F)))
    + "\x00\x01\t\n\r\x1b\x7f\x85\xa0"
    + "äößéñÅ\u0301\u0327\u0600אب한日本語ไท\u200b\u200d\u202e\u2028"
    + "\ud7ff\ue000\ufeff\ufffd\ufffe\uffff😀🔑👩\U0001d49c\U0010ffff"
)

TEXTS: Final = st.text(_CHARACTERS, max_size=12)
"""Any text: ASCII and beyond, including unprintable characters."""

SOME_TEXTS: Final = st.text(_CHARACTERS, min_size=1, max_size=8)
"""The same, but never empty."""

ASCII_TEXTS: Final = st.text(_CHARACTERS[:102], min_size=1, max_size=30)
"""ASCII with control characters, never empty."""

_COUNTS: Final = tuple(st.integers(0, highest) for highest in range(16))


@cache
def _class_and_fields(signal: Signal, name: str) -> tuple[Any, frozenset[str]]:
    kind: Any = message_classes(signal)[name]
    return kind, frozenset(kind.DESCRIPTOR.fields_by_name)


def has_message(signal: Signal, name: str) -> bool:
    """Return whether the installed `opentelemetry-proto` has that message."""
    return name in message_classes(signal)


def new(signal: Signal, kind: str, /, **fields: Any) -> Any:  # noqa: ANN401 -- a generated message
    """Return a new message; fields of None, or that old classes do not have, stay unset."""
    made, known = _class_and_fields(signal, kind)
    return made(
        **{key: value for key, value in fields.items() if value is not None and key in known}
    )


def pick(draw: Draw, choices: "tuple[T, ...] | list[T]") -> T:
    """Return one of some choices; the first is the simplest."""
    return choices[draw(_range(len(choices)))]


@cache
def _range(size: int) -> SearchStrategy[int]:
    return st.integers(0, size - 1)


def upto(draw: Draw, highest: int) -> int:
    """Return a small count."""
    return draw(_COUNTS[highest]) if highest else 0


def one_in(draw: Draw, times: int) -> bool:
    """Return true once in `times` draws; false is the simpler."""
    return draw(_range(times)) == times - 1


def checked_count(count: int, name: str, *, least: int, most: int) -> int:
    """Return `count`, if it is in its range.

    Raises:
        UsageError: It is not.
    """
    if not least <= count <= most:
        raise UsageError(f"{name} must be from {least} to {most} and is {count!r}")
    return count

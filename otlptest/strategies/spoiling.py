"""What is done to a right request: the result, and the small encoders that all of it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hypothesis.strategies import DrawFn

from otlptest.model import Signal

__all__ = ["Expected", "Maker", "Spoilt", "delimited", "field", "varint"]

Expected: TypeAlias = Literal["must_accept", "may_refuse", "must_refuse"]
"""What a receiver has to do with a payload."""

_BITS = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """Bytes, and what is odd or wrong about them; `Payload` has the same attributes."""

    body: bytes
    rule: str
    fault: str
    expected: Expected
    is_decodable: bool = True
    plain: bytes = b""


Maker: TypeAlias = Callable[[DrawFn, Signal, Any], Spoilt]
"""Makes something odd or wrong of a right request of a signal, which it may change."""


def varint(value: int, *, padding: int = 0) -> bytes:
    """A number as protobuf writes it, with `padding` bytes more than it needs."""
    value &= _BITS
    digits = []
    while True:
        digits.append(value & 0x7F)
        value >>= 7
        if not value:
            break
    digits += [0] * padding
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def field(number: int, wire_type: int, content: bytes) -> bytes:
    """One field of a protobuf message."""
    return varint(number << 3 | wire_type) + content


def delimited(number: int, content: bytes) -> bytes:
    """A field of wire type 2: a text, bytes, a message, packed numbers."""
    return varint(number << 3 | 2) + varint(len(content)) + content

"""The result of changing a valid request, and small encoders that all mutations need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hypothesis.strategies import DrawFn

from otlptest.model import Signal
from otlptest.wire.otlp.protobuf_writing import tag

Expected: TypeAlias = Literal["must_accept", "may_refuse", "must_refuse"]
"""The reaction to a payload that is demanded of a receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MutatedPayload:
    """Bytes, and what is odd or wrong about them; `Payload` has the same attributes."""

    body: bytes
    rule: str
    fault: str
    expected: Expected
    is_decodable: bool = True
    plain: bytes = b""


Maker: TypeAlias = Callable[[DrawFn, Signal, Any], MutatedPayload]
"""Makes something odd or wrong of a right request of a signal, which it may change."""


def field(number: int, wire_type: int, content: bytes) -> bytes:
    """One field of a protobuf message."""
    return tag(number, wire_type) + content

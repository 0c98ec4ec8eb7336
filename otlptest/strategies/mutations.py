"""What is done to a right request: the result, and the small encoders that all of it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hypothesis.strategies import DrawFn

from otlptest.model import Signal
from otlptest.wire.otlp.protobuf_writing import tag

Expected: TypeAlias = Literal["must_accept", "may_refuse", "must_refuse"]
"""What a receiver has to do with a payload."""


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

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
    """Bytes, and their oddity or fault; `Payload` has the same attributes."""

    body: bytes
    rule: str
    fault: str
    expected: Expected
    is_decodable: bool = True
    plain: bytes = b""


Maker: TypeAlias = Callable[[DrawFn, Signal, Any], MutatedPayload]
"""A function that makes a valid request odd or invalid; it may change the request."""


def field(number: int, wire_type: int, content: bytes) -> bytes:
    """Return one field of a protobuf message."""
    return tag(number, wire_type) + content

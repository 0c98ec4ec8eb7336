"""Protobuf written field by field: right, odd or wrong, as a case needs it.

The generated classes write only what is right. A message here is the bytes of its fields one after
the other: `chunk(1, number(2, 7))` is field 1, a message whose field 2 is 7.
"""

from typing import Final

from otlptest.wire.otlp.protobuf_writing import chunk, tag, varint

__all__ = ["chunk", "fixed64", "number", "tag", "varint"]

_VARINT: Final = 0
_FIXED64: Final = 1


def number(field: int, value: int) -> bytes:
    """A field of type int32, int64, uint32, uint64, bool or enum."""
    return tag(field, _VARINT) + varint(value)


def fixed64(field: int, value: int) -> bytes:
    """A field of type fixed64 or sfixed64; a double is its bits."""
    return tag(field, _FIXED64) + (value & (1 << 64) - 1).to_bytes(8, "little")

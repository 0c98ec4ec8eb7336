"""Protobuf written field by field: valid, odd or invalid.

The generated classes write only valid messages. A message here is the bytes of its fields one after
the other: `chunk(1, number(2, 7))` is field 1, a message whose field 2 is 7.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from typing import Final

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH_DELIMITED: Final = 2
_MORE: Final = 0x80


def varint(value: int, *, padding: int = 0) -> bytes:
    """Return a number as a varint; a negative one as its 64-bit two's complement.

    Args:
        value: From -2**63 to 2**64 - 1; of any other, the lowest 64 bits.
        padding: Bytes more than it needs, which mean nothing.
    """
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= _MORE:
        out.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    out.append(value)
    if padding:
        out[-1] |= _MORE
        out += bytes([_MORE] * (padding - 1) + [0])
    return bytes(out)


def tag(field: int, wire_type: int) -> bytes:
    """Return the tag that precedes a value."""
    return varint(field << 3 | wire_type)


def chunk(field: int, value: bytes) -> bytes:
    """Return a field of type string, bytes or a message, or packed numbers."""
    return tag(field, _LENGTH_DELIMITED) + varint(len(value)) + value


def number(field: int, value: int) -> bytes:
    """Return a field of type int32, int64, uint32, uint64, bool or enum."""
    return tag(field, _VARINT) + varint(value)


def fixed64(field: int, value: int) -> bytes:
    """Return a field of type fixed64 or sfixed64; a double is its bits."""
    return tag(field, _FIXED64) + (value & (1 << 64) - 1).to_bytes(8, "little")

"""Other encodings of the same protobuf message: valid, but as no SDK writes them.

Fields in another order, integers and tags with padding, unknown fields and groups between them, a
singular message split in two, a singular value written twice, lists of numbers unpacked. Every
reader must read the same message.
"""

import struct
from typing import Any, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.strategies.drawing import Draw, one_in, pick, upto
from otlptest.wire.otlp.protobuf_faults import is_repeated
from otlptest.wire.otlp.protobuf_writing import varint

_VARINT, _FIXED64, _BYTES, _START, _END, _FIXED32 = range(6)
_UNKNOWN_FIELD: Final = 4000  # not a field number of OTLP
_UNKNOWN: Final = ("varint", "bytes", "fixed")
_SMALL: Final = st.binary(max_size=6)
_EIGHT: Final = st.binary(min_size=8, max_size=8)


class _Style(NamedTuple):
    """Options that differ from how SDKs write."""

    has_unknown: bool
    has_groups: bool
    is_shuffled: bool
    has_unpacked: bool


def encodings(message: Any) -> SearchStrategy[bytes]:  # noqa: ANN401 -- a generated message
    """Draw protobuf encodings of a message that all mean the same.

    Args:
        message: Any generated message.
    """
    return st.composite(lambda draw: draw_encoding(draw, message))()


def draw_encoding(
    draw: Draw,
    message: Any,  # noqa: ANN401 -- a generated message
    *,
    has_unknown: bool = True,
    has_groups: bool = True,
    is_shuffled: bool = True,
    has_unpacked: bool = True,
) -> bytes:
    """Return an encoding of `message` that means the same.

    Args:
        draw: Hypothesis' draw function.
        message: What to encode.
        has_unknown: Whether there may be unknown fields.
        has_groups: Whether those may be groups.
        is_shuffled: Whether order, padding, parts and repetitions may differ.
        has_unpacked: Whether lists of numbers may be unpacked.
    """
    return _message(draw, message, _Style(has_unknown, has_groups, is_shuffled, has_unpacked))


def _message(draw: Draw, message: Any, style: _Style) -> bytes:  # noqa: ANN401 -- a generated message
    lanes: list[list[bytes]] = []  # of each field its occurrences, whose order counts
    oneofs: dict[str, list[bytes]] = {}
    for field, value in message.ListFields():
        occurrences = _occurrences(draw, field, value, style)
        group = field.containing_oneof
        if group is not None:
            oneofs.setdefault(group.name, []).extend(occurrences)
        else:
            lanes.append(occurrences)
    lanes += oneofs.values()
    if style.has_unknown and one_in(draw, 2):
        lanes.append([_unknown(draw, style)])
    if not style.is_shuffled:
        return b"".join(part for lane in lanes for part in lane)
    return b"".join(_interleaved(draw, lanes))


def _interleaved(draw: Draw, lanes: list[list[bytes]]) -> list[bytes]:
    """Return all occurrences, those of one field in their order."""
    left = [list(lane) for lane in lanes if lane]
    found = []
    while left:
        lane = pick(draw, left) if len(left) > 1 else left[0]
        found.append(lane.pop(0))
        left = [each for each in left if each]
    return found


def _number(draw: Draw, value: int, style: _Style, *, longest: int = 10) -> bytes:
    """Return `value`, maybe with padding."""
    least = varint(value)
    room = longest - len(least)
    if room <= 0 or not style.is_shuffled or not one_in(draw, 4):
        return least
    return varint(value, padding=1 + upto(draw, min(1, room - 1)))


def _tagged(draw: Draw, number: int, kind: int, content: bytes, style: _Style) -> bytes:
    tag = _number(draw, number << 3 | kind, style, longest=5)
    if kind == _BYTES:
        return tag + _number(draw, len(content), style, longest=5) + content
    return tag + content


def _unknown(draw: Draw, style: _Style) -> bytes:
    """Return a field that no version of OTLP has, maybe a group."""
    kind = pick(draw, (*_UNKNOWN, "group") if style.has_groups else _UNKNOWN)
    if kind == "varint":
        return _tagged(draw, _UNKNOWN_FIELD, _VARINT, b"\x07", style)
    if kind == "bytes":
        return _tagged(draw, _UNKNOWN_FIELD, _BYTES, draw(_SMALL), style)
    if kind == "fixed":
        return _tagged(draw, _UNKNOWN_FIELD, _FIXED64, draw(_EIGHT), style)
    inner = _tagged(draw, 1, _BYTES, draw(_SMALL), style)
    start, end = (varint(_UNKNOWN_FIELD << 3 | kind) for kind in (_START, _END))
    return start + inner + end


def _occurrences(draw: Draw, field: Any, value: Any, style: _Style) -> list[bytes]:  # noqa: ANN401 -- a descriptor and any value
    if is_repeated(field):
        if field.message_type is not None or field.cpp_type == field.CPPTYPE_STRING:
            return [_one(draw, field, item, style) for item in value]
        if style.has_unpacked:
            return [_one(draw, field, item, style) for item in value]
        content = b"".join(_scalar(draw, field, item, style) for item in value)
        return [_tagged(draw, field.number, _BYTES, content, style)]
    if field.message_type is not None:
        return _parts(draw, field, value, style)
    occurrence = _one(draw, field, value, style)
    if style.is_shuffled and one_in(draw, 6):  # the last one counts
        other = type(value)() if isinstance(value, bytes | str) else 7
        return [_one(draw, field, other, style), occurrence]
    return [occurrence]


def _parts(draw: Draw, field: Any, value: Any, style: _Style) -> list[bytes]:  # noqa: ANN401 -- a descriptor and a message
    """Return a message whole, or in two parts that the reader merges."""
    if not style.is_shuffled or not one_in(draw, 2):
        content = _message(draw, value, style)
        return [_tagged(draw, field.number, _BYTES, content, style)]
    first, second = type(value)(), type(value)()
    for place, (inner, held) in enumerate(value.ListFields()):
        part = first if place % 2 else second
        if is_repeated(inner):
            getattr(part, inner.name).extend(held)
        elif inner.message_type is not None:
            getattr(part, inner.name).CopyFrom(held)
        else:
            setattr(part, inner.name, held)
    return [
        _tagged(draw, field.number, _BYTES, _message(draw, part, style), style)
        for part in (first, second)
    ]


def _one(draw: Draw, field: Any, value: Any, style: _Style) -> bytes:  # noqa: ANN401 -- a descriptor and any value
    if field.message_type is not None:
        return _tagged(draw, field.number, _BYTES, _message(draw, value, style), style)
    if field.cpp_type == field.CPPTYPE_STRING:
        content = value.encode() if isinstance(value, str) else value
        return _tagged(draw, field.number, _BYTES, content, style)
    kind = {8: _FIXED64, 4: _FIXED32}.get(_width(field), _VARINT)
    return _tagged(draw, field.number, kind, _scalar(draw, field, value, style), style)


def _width(field: Any) -> int:  # noqa: ANN401 -- a descriptor
    """Return the size of a fixed-size number; 0 for a varint."""
    if field.type in {field.TYPE_DOUBLE, field.TYPE_FIXED64, field.TYPE_SFIXED64}:
        return 8
    return 4 if field.type in {field.TYPE_FIXED32, field.TYPE_SFIXED32} else 0


def _scalar(draw: Draw, field: Any, value: Any, style: _Style) -> bytes:  # noqa: ANN401 -- a descriptor and any value
    if field.type == field.TYPE_DOUBLE:
        return struct.pack("<d", value)
    width = _width(field)
    if width:
        return int(value).to_bytes(width, "little", signed=value < 0)
    if field.type in {field.TYPE_SINT32, field.TYPE_SINT64}:
        value = (value << 1) ^ (value >> 63)
    longest = 5 if field.type == field.TYPE_UINT32 else 10
    return _number(draw, int(value), style, longest=longest)

"""Other encodings of the same protobuf message: right, but as no SDK writes them.

Fields in another order, integers and tags with padding, unknown fields and groups between them, a
singular message split in two, a singular value written twice. Whatever reads the result must see
what it saw before.
"""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from otlptest.wire.protobuf_faults import is_repeated

Draw = Any  # Hypothesis' draw function; its type takes any strategy

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_UNKNOWN_FIELD = 4000  # OTLP has no such number


def varint(draw: Draw, value: int, *, longest: int = 10) -> bytes:
    """`value`, maybe with padding."""
    value &= 0xFFFF_FFFF_FFFF_FFFF
    digits = []
    while True:
        digits.append(value & 0x7F)
        value >>= 7
        if not value:
            break
    padding = draw(st.integers(0, min(2, longest - len(digits)))) if len(digits) < longest else 0
    digits += [0] * padding
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def tagged(draw: Draw, number: int, kind: int, content: bytes) -> bytes:
    """One field."""
    tag = varint(draw, number << 3 | kind, longest=5)
    return tag + (varint(draw, len(content), longest=5) if kind == _BYTES else b"") + content


def unknown(draw: Draw) -> bytes:
    """A field that no version of OTLP has, maybe a group."""
    kind = draw(st.sampled_from(["varint", "bytes", "fixed", "group"]))
    if kind == "varint":
        return tagged(draw, _UNKNOWN_FIELD, _VARINT, varint(draw, draw(st.integers(0, 300))))
    if kind == "bytes":
        return tagged(draw, _UNKNOWN_FIELD, _BYTES, draw(st.binary(max_size=6)))
    if kind == "fixed":
        return tagged(draw, _UNKNOWN_FIELD, _FIXED64, draw(st.binary(min_size=8, max_size=8)))
    inner = tagged(draw, 1, _BYTES, draw(st.binary(max_size=6)))
    start, end = (varint(draw, _UNKNOWN_FIELD << 3 | kind, longest=5) for kind in (3, 4))
    return start + inner + end


def mangled(draw: Draw, message: Message) -> bytes:
    """An encoding of `message` that means the same."""
    lanes: list[list[bytes]] = []  # of each field its occurrences, whose order counts
    oneofs: dict[str, list[bytes]] = {}
    for field, value in message.ListFields():
        occurrences = _occurrences(draw, field, value)
        group = field.containing_oneof
        if group is not None:
            oneofs.setdefault(group.name, []).extend(occurrences)
        else:
            lanes.append(occurrences)
    lanes += oneofs.values()
    lanes += [[unknown(draw)] for _ in range(draw(st.integers(0, 1)))]
    return b"".join(_interleaved(draw, lanes))


def _interleaved(draw: Draw, lanes: list[list[bytes]]) -> list[bytes]:
    """All occurrences, those of one field in their order."""
    order = draw(st.permutations([place for place, lane in enumerate(lanes) for _ in lane]))
    nexts = [iter(lane) for lane in lanes]
    return [next(nexts[place]) for place in order]


def _occurrences(draw: Draw, field: Any, value: Any) -> list[bytes]:  # noqa: ANN401 -- a descriptor and any value
    if is_repeated(field):
        if field.type in {FieldDescriptor.TYPE_MESSAGE, *_LENGTHS}:
            return [_one(draw, field, item) for item in value]
        content = b"".join(_scalar(draw, field, item) for item in value)
        return [tagged(draw, field.number, _BYTES, content)]
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _split(draw, field, value)
    occurrence = _one(draw, field, value)
    if draw(st.integers(0, 5)) == 0:  # the last one counts
        other = type(value)() if isinstance(value, bytes | str) else 7
        return [_one(draw, field, other), occurrence]
    return [occurrence]


def _split(draw: Draw, field: Any, value: Message) -> list[bytes]:  # noqa: ANN401 -- a descriptor
    """A message whole, or in two parts that the reader merges."""
    content = mangled(draw, value)
    if draw(st.booleans()):
        return [tagged(draw, field.number, _BYTES, content)]
    first, second = type(value)(), type(value)()
    for place, (inner, held) in enumerate(value.ListFields()):
        part = first if place % 2 else second
        if is_repeated(inner):
            getattr(part, inner.name).extend(held)
        elif inner.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(part, inner.name).CopyFrom(held)
        else:
            setattr(part, inner.name, held)
    return [tagged(draw, field.number, _BYTES, mangled(draw, part)) for part in (first, second)]


_LENGTHS = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
_FIXED = {
    FieldDescriptor.TYPE_FIXED64: (_FIXED64, 8),
    FieldDescriptor.TYPE_SFIXED64: (_FIXED64, 8),
    FieldDescriptor.TYPE_FIXED32: (_FIXED32, 4),
}


def _one(draw: Draw, field: Any, value: Any) -> bytes:  # noqa: ANN401 -- a descriptor and any value
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return tagged(draw, field.number, _BYTES, mangled(draw, value))
    if field.type in _LENGTHS:
        content = value.encode() if isinstance(value, str) else value
        return tagged(draw, field.number, _BYTES, content)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return tagged(draw, field.number, _FIXED64, _scalar(draw, field, value))
    kind = _FIXED.get(field.type, (_VARINT, 0))[0]
    return tagged(draw, field.number, kind, _scalar(draw, field, value))


def _scalar(draw: Draw, field: Any, value: Any) -> bytes:  # noqa: ANN401 -- a descriptor and any value
    import struct  # noqa: PLC0415 -- used here only

    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return struct.pack("<d", value)
    if field.type in _FIXED:
        size = _FIXED[field.type][1]
        return int(value).to_bytes(size, "little", signed=value < 0)
    if field.type in {FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SINT64}:
        value = (value << 1) ^ (value >> 63)
    return varint(draw, int(value), longest=5 if field.type == FieldDescriptor.TYPE_UINT32 else 10)

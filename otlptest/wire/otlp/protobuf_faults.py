"""A walk over bytes that a parser refused, to find the place and reason of the fault.

Terms: a *tag* is a field number and a wire type; a *group* is the field between a start and an end
tag (wire types 3 and 4). Source: the protobuf encoding guide; OTLP-SRV-001 to -009, -013.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_START_GROUP: Final = 3
_END_GROUP: Final = 4
_FIXED32: Final = 5

_MAX_VARINT_BYTES: Final = 10
_MAX_DEPTH: Final = 101  # nested messages that protobuf's parsers take
_PARSED_FROM: Final = 64  # bytes of a part from which the parser is quicker than the walk
_PARSED_TIMES: Final = 8  # the depth of a span in a request, and more: what one walk may parse
_MAX_TAG: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault in the bytes, and its place.

    Attributes:
        problem: A clause, e.g. `the field needs 12 bytes and 3 are left`.
        place: A field path and an offset: `resource_spans[0].scope_spans[2], byte 117`.
    """

    problem: str
    place: str


class _FaultFoundError(Exception):
    """The end of the walk, with the fault."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem, offset)
        self.problem = problem
        self.offset = offset


class _Frame(NamedTuple):
    """A message or group being read: its end, its type, and the path to it."""

    descriptor: Descriptor | None
    end: int
    path: str
    group: int
    seen: dict[str, int]


def first_fault(kind: type[Message], data: bytes) -> Fault:
    """Return the first place at which `data` stops being a message of class `kind`.

    Takes linear time and no recursion at any depth of nesting. Large parts that
    the parser takes by themselves are not walked, unless that leaves no fault to be seen.
    """
    descriptor: Any = kind.DESCRIPTOR  # its type differs between protobuf's implementations
    for skips_right_parts in (True, False):
        walk = _Walk(descriptor, data, skips_right_parts=skips_right_parts)
        try:
            walk.run()
        except _FaultFoundError as found:
            return Fault(problem=found.problem, place=walk.place(found.offset))
    return Fault(problem="the parser refused it", place="")


class _Walk:
    """One pass over the bytes with an explicit stack of open messages."""

    def __init__(self, descriptor: Descriptor, data: bytes, *, skips_right_parts: bool) -> None:
        self._data = data
        self._to_parse = _PARSED_TIMES * len(data) if skips_right_parts else 0
        self._at = 0
        self._stack = [_Frame(descriptor, len(data), "", 0, {})]
        self._field_path = ""

    def place(self, offset: int) -> str:
        """Return the place of `offset`, for a person."""
        path = self._field_path or self._stack[-1].path
        return f"{path}, byte {offset}" if path else f"byte {offset}"

    def run(self) -> None:
        while self._stack:
            frame = self._stack[-1]
            self._field_path = ""
            if self._at < frame.end:
                self._read_field(frame)
            elif frame.group:
                self._stop(f"group {frame.group} is never closed", frame.end)
            else:
                self._stack.pop()

    def _stop(self, problem: str, offset: int) -> None:
        raise _FaultFoundError(problem, offset)

    def _read_field(self, frame: _Frame) -> None:
        start = self._at
        tag = self._varint(frame.end, "the tag")
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or tag > _MAX_TAG:
            self._stop(f"a field has the number {number}, which protobuf does not have", start)
        if wire_type == _END_GROUP:
            self._close_group(frame, number, start)
            return
        field = frame.descriptor.fields_by_number.get(number) if frame.descriptor else None
        self._field_path = _path_below(frame, field, number)
        if wire_type == _VARINT:
            self._varint(frame.end, "the number")
        elif wire_type in {_FIXED64, _FIXED32}:
            self._skip(8 if wire_type == _FIXED64 else 4, frame.end)
        elif wire_type == _LENGTH:
            self._read_delimited(frame, field)
        elif wire_type == _START_GROUP:
            self._push(_Frame(None, frame.end, self._field_path, number, {}))
        else:
            self._stop(f"the wire type {wire_type} does not exist", start)

    def _read_delimited(self, frame: _Frame, field: FieldDescriptor | None) -> None:
        at = self._at
        length = self._varint(frame.end, "the length")
        start = self._at
        if length > frame.end - start:
            left = frame.end - start
            self._stop(f"the field needs {length} bytes and {left} are left", at)
        if field is None:
            self._at = start + length
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            inner: Any = field.message_type
            if self._may_skip(inner, start, length):
                self._at = start + length
                return
            self._push(_Frame(inner, start + length, self._field_path, 0, {}))
        else:
            self._at = start + length
            self._check_content(field, start, start + length)

    def _may_skip(self, descriptor: Descriptor, start: int, length: int) -> bool:
        """Return whether a part is valid as a whole; called while that is cheaper than walking."""
        if length < _PARSED_FROM or length > self._to_parse:
            return False
        self._to_parse -= length
        return _is_right(descriptor, self._data[start : start + length])

    def _check_content(self, field: FieldDescriptor, start: int, end: int) -> None:
        if field.type == FieldDescriptor.TYPE_STRING:
            try:
                str(memoryview(self._data)[start:end], "utf-8")
            except UnicodeDecodeError as bad:
                self._stop("the text is not UTF-8", start + bad.start)
        elif _is_packed(field):
            self._check_packed(field, start, end)

    def _check_packed(self, field: FieldDescriptor, start: int, end: int) -> None:
        width = _WIDTHS.get(field.type)
        if width is None:
            self._at = start
            while self._at < end:
                self._varint(end, "a packed number")
        elif (end - start) % width:
            self._stop(f"packed numbers of {width} bytes end within one", end)

    def _close_group(self, frame: _Frame, number: int, start: int) -> None:
        if frame.group != number:
            self._stop(f"group {number} is closed and was never opened", start)
        self._stack.pop()

    def _push(self, frame: _Frame) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            self._stop(f"messages nest deeper than {_MAX_DEPTH} levels", self._at)
        self._stack.append(frame)

    def _skip(self, count: int, end: int) -> None:
        if self._at + count > end:
            self._stop(f"the field needs {count} bytes and {end - self._at} are left", self._at)
        self._at += count

    def _varint(self, end: int, what: str) -> int:
        start = at = self._at
        value = 0
        for shift in range(0, 7 * _MAX_VARINT_BYTES, 7):
            if at >= end:
                self._stop(f"{what} is cut off", start)
            byte = self._data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 -- the continuation bit
                self._at = at
                return value
        self._stop(f"{what} is longer than {_MAX_VARINT_BYTES} bytes", start)
        return 0


def _is_right(descriptor: Descriptor, data: bytes) -> bool:
    """Return whether the parser takes `data` as that message."""
    try:
        GetMessageClass(descriptor)().ParseFromString(data)
    except DecodeError:
        return False
    return True


_WIDTHS: Final[dict[int, int]] = {
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
}


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether `field` is a list, asked the way the installed protobuf wants it."""
    older: Any = field  # `label` is gone in new versions, `is_repeated` missing before 6.31
    repeated = getattr(older, "is_repeated", None)
    return bool(older.label == 3 if repeated is None else repeated)  # noqa: PLR2004 -- LABEL_REPEATED


def _is_packed(field: FieldDescriptor) -> bool:
    return is_repeated(field) and field.type not in {
        FieldDescriptor.TYPE_STRING,
        FieldDescriptor.TYPE_BYTES,
    }


def _path_below(frame: _Frame, field: FieldDescriptor | None, number: int) -> str:
    if field is None:
        name = f"field {number}"
    elif is_repeated(field):
        index = frame.seen.get(field.name, 0)
        frame.seen[field.name] = index + 1
        name = f"{field.name}[{index}]"
    else:
        name = field.name
    return f"{frame.path}.{name}" if frame.path else name

"""Recognition of the form of an OTLP file by its first bytes, not by its name.

Forms: JSON text; records behind a length of 4 bytes, the high byte first (the Collector's file
exporter with `format: proto` or `compression: zstd`); records behind a length that is a varint
(protobuf's delimited messages); one protobuf message. No two of them begin alike: in doubt,
the form by which the whole first record is a request decides.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otlptest.wire.otlp.read_ahead import ReadAhead

Framing: TypeAlias = Literal["lengths", "varints"]
Form: TypeAlias = Framing | Literal["json", "message"]

LONGEST_RECORD: Final = 2**31 - 1
"""The size limit of a protobuf message."""

ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"

_HEAD: Final = 4096
_START: Final = 64  # bytes of a record that show whether it can be a request
_WIDEST_PREFIX: Final = 5
_LENGTH_BYTES: Final = 4
_SKIPPED_EMPTY: Final = 64  # bytes
_LENGTH_TYPE: Final = 2
_HIGHEST_FIELD: Final = 7  # of the messages that a request begins with

_JSON_START: Final = re.compile(
    rb"[ \t\r\n]*(?:\{[ \t\r\n]*(?:\"[^\x00-\x1f]|\})|\[[ \t\r\n]*[{\]])"
)
"""The bytes after the brackets: `\\n{` and `{\\n` also begin protobuf messages of 123 bytes."""

_WIDE_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_WIDE_BRACKET: Final = re.compile(
    rb"(?:[ \t\r\n]\x00)*[{\[]\x00[^\x00]\x00|(?:\x00[ \t\r\n])*\x00[{\[]\x00[^\x00]\x00"
)


def is_json_text(data: bytes) -> bool:
    """Return whether bytes begin as a JSON object or list does, and not as protobuf does."""
    return _JSON_START.match(data) is not None


def wide_encoding(head: bytes) -> str:
    """Return `UTF-16` or `UTF-32` for text in that encoding; empty for anything else."""
    for mark, name in _WIDE_MARKS:
        if head.startswith(mark):
            return name
    return "UTF-16" if _WIDE_BRACKET.match(head) else ""


def form_of(
    stream: ReadAhead, is_request: Callable[[bytes], bool], *, is_named_protobuf: bool
) -> Form:
    """Return the form of a file, without consuming it.

    Args:
        stream: The file's plain bytes, from its beginning.
        is_request: Returns whether a record is a request.
        is_named_protobuf: Whether content of unclear form is a protobuf message, not text.
    """
    head = stream.peek(_HEAD)
    if is_json_text(head):
        return "json"
    is_message = _begins_as_request(head, LONGEST_RECORD)
    framing = _fitting(stream, is_request)
    if framing is None and not is_message:  # the first record may be cut or bad
        framing = _beginning(head)
    if framing is not None:
        return framing
    return "message" if is_message or is_named_protobuf else "json"


@dataclass(frozen=True, slots=True)
class Frame:
    """One record and its place.

    Attributes:
        number: 1 for the first of the file.
        offset: The offset of its length, in bytes from the beginning of the file.
        content: The bytes that its length counts.
    """

    number: int
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class FrameFault:
    """A record that is incomplete; nothing can be read after it."""

    number: int
    offset: int
    problem: str


def frames(stream: ReadAhead, form: Framing) -> Iterator[Frame | FrameFault]:
    """Yield the records of a file, and a fault if it ends within a record.

    Lazy: keeps one record in memory at a time.
    """
    prefix_of = _PREFIXES[form]
    number = 0
    while head := stream.peek(_WIDEST_PREFIX):
        number += 1
        offset = stream.offset
        prefix = prefix_of(head)
        if prefix is None:
            problem = f"a length of 4 bytes was expected, and {len(head)} are there"
            if form == "varints":
                problem = f"a length as a varint was expected, and {head.hex(' ')} is none"
            yield FrameFault(number, offset, problem)
            return
        width, size = prefix
        if size > LONGEST_RECORD:
            problem = f"a length was expected, and {size:,} bytes is none that a message has"
            yield FrameFault(number, offset, problem)
            return
        stream.read(width)
        content = stream.read(size)
        if len(content) < size:
            yield FrameFault(
                number,
                offset,
                f"{size:,} bytes were expected by the record's length, and the file ends after"
                f" {len(content):,} of them",
            )
            return
        yield Frame(number, offset, content)


def _four_bytes(head: bytes) -> tuple[int, int] | None:
    """Return size and value of the prefix at the beginning; None if it is incomplete."""
    if len(head) < _LENGTH_BYTES:
        return None
    return _LENGTH_BYTES, int.from_bytes(head[:_LENGTH_BYTES], "big")


def _varint(head: bytes) -> tuple[int, int] | None:
    """Return size and value of the varint at the beginning; None if it is incomplete."""
    value = 0
    for at, byte in enumerate(head[:_WIDEST_PREFIX]):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:  # noqa: PLR2004 -- the bit that says that more follows
            return at + 1, value
    return None


_Prefix: TypeAlias = Callable[[bytes], tuple[int, int] | None]
_PREFIXES: Final[Mapping[Framing, _Prefix]] = {"lengths": _four_bytes, "varints": _varint}


def _fitting(stream: ReadAhead, is_request: Callable[[bytes], bool]) -> Framing | None:
    """Return the framing by which the first record is complete and a request."""
    head = stream.peek(_SKIPPED_EMPTY + _WIDEST_PREFIX + _START)
    for framing in _framings(head):
        at, size = _first_record(head, _PREFIXES[framing]) or (0, 0)
        if _can_be_request(head[at:], size):
            record = stream.peek(at + size)[at:]
            if len(record) == size and is_request(record):
                return framing
    return None


def _beginning(head: bytes) -> Framing | None:
    """Return the framing by which the first record begins as a request of its length does."""
    for framing in _framings(head):
        at, size = _first_record(head, _PREFIXES[framing]) or (0, 0)
        if _can_be_request(head[at:], size) and (framing == "varints" or head[:1] == b"\0"):
            return framing
    return None


def _framings(head: bytes) -> tuple[Framing, ...]:
    return ("lengths",) if head[:1] == b"\0" else ("varints", "lengths")


def _first_record(head: bytes, prefix_of: _Prefix) -> tuple[int, int] | None:
    """Return offset and length of the first record that is not empty."""
    at = 0
    while at < _SKIPPED_EMPTY:
        prefix = prefix_of(head[at:])
        if prefix is None:
            return None
        width, size = prefix
        at += width
        if size:
            return (at, size) if size <= LONGEST_RECORD else None
    return None


def _can_be_request(start: bytes, size: int) -> bool:
    """Return whether a record of that size can begin so: zstd, JSON or protobuf."""
    if not size:
        return False
    is_text = is_json_text(start[:size])
    return start.startswith(ZSTD_MAGIC) or is_text or _begins_as_request(start, size)


def _begins_as_request(start: bytes, size: int) -> bool:
    """Return whether two nested messages begin here and end within `size` bytes."""
    for highest_field in (2, _HIGHEST_FIELD):
        prefix = _varint(start[1:])
        if not start or prefix is None:
            return False
        field, wire_type = start[0] >> 3, start[0] & 7
        width, inner = prefix
        if wire_type != _LENGTH_TYPE or not 1 <= field <= highest_field:
            return False
        if 1 + width + inner > size:
            return False
        if not inner:
            return True
        start, size = start[1 + width :], inner
    return True

"""HTTP/2 frames as bytes (RFC 9113 sections 4 and 6): numbers, layouts, builders.

Nothing here keeps state; both ends of a connection, and a proxy between them, build with it.
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

HEAD: Final = struct.Struct(">HBBBL")  # length in two pieces, type, flags, stream
HEAD_SIZE: Final = 9
LONG: Final = struct.Struct(">L")
SETTING: Final = struct.Struct(">HL")

DATA: Final = 0x0
HEADERS: Final = 0x1
PRIORITY: Final = 0x2
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PUSH_PROMISE: Final = 0x5
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITIZED: Final = 0x20

DEFAULT_WINDOW: Final = 65_535
MAX_WINDOW: Final = 2**31 - 1
MIN_FRAME_SIZE: Final = 2**14
MAX_FRAME_SIZE: Final = 2**24 - 1
STREAM_MASK: Final = 0x7FFFFFFF


class ErrorCode(IntEnum):
    """The error codes of RFC 9113 section 7."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


class Setting(IntEnum):
    """The settings of RFC 9113 section 6.5.2."""

    HEADER_TABLE_SIZE = 0x1
    ENABLE_PUSH = 0x2
    MAX_CONCURRENT_STREAMS = 0x3
    INITIAL_WINDOW_SIZE = 0x4
    MAX_FRAME_SIZE = 0x5
    MAX_HEADER_LIST_SIZE = 0x6


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return one frame."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def settings(values: Iterable[tuple[Setting, int]]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(name, value) for name, value in values))


def settings_ack() -> bytes:
    """Return the acknowledgement of a SETTINGS frame."""
    return frame(SETTINGS, ACK, 0)


def ping_ack(payload: bytes) -> bytes:
    """Return the answer to a PING."""
    return frame(PING, ACK, 0, payload)


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, LONG.pack(increment))


def reset(stream_id: int, code: int) -> bytes:
    """Return an RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream_id, LONG.pack(code))


def goaway(last_stream_id: int, code: int, debug: str = "") -> bytes:
    """Return a GOAWAY frame; `debug` is for people and comes as UTF-8."""
    payload = LONG.pack(last_stream_id) + LONG.pack(code) + debug.encode("utf-8", "replace")
    return frame(GOAWAY, 0, 0, payload[:MIN_FRAME_SIZE])


def data_frame(stream_id: int, payload: bytes, *, ends_stream: bool) -> bytes:
    """Return a DATA frame without padding."""
    return frame(DATA, END_STREAM if ends_stream else 0, stream_id, payload)


def header_frames(
    stream_id: int, block: bytes, *, ends_stream: bool, max_size: int = MIN_FRAME_SIZE
) -> bytes:
    """Return a HEADERS frame and as many CONTINUATION frames as `block` needs."""
    flags = END_STREAM if ends_stream else 0
    if len(block) <= max_size:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    frames = [frame(HEADERS, flags, stream_id, block[:max_size])]
    for start in range(max_size, len(block), max_size):
        piece = block[start : start + max_size]
        is_last = start + max_size >= len(block)
        frames.append(frame(CONTINUATION, END_HEADERS if is_last else 0, stream_id, piece))
    return b"".join(frames)


def canned_parts(head: bytes, body: bytes, trailers: bytes | None) -> tuple[bytes, ...]:
    """Return a response with gaps for the stream id: `packed_id.join(parts)` is its bytes.

    Args:
        head: The header block of the response.
        body: The payload of its only DATA frame, which is omitted if empty.
        trailers: The header block of the trailers; None if the response has none.
    """
    marker = 0x7FFFFFFF
    ends = [trailers is None and not body, trailers is None]
    frames = [header_frames(marker, head, ends_stream=ends[0])]
    if body:
        frames.append(data_frame(marker, body, ends_stream=ends[1]))
    if trailers is not None:
        frames.append(header_frames(marker, trailers, ends_stream=True))
    parts = [frames[0][:5]]
    for current, following in zip(frames, [*frames[1:], b""], strict=True):
        parts.append(current[HEAD_SIZE:] + following[:5])
    return tuple(parts)

"""Checks of HTTP/2 frame payloads that do not depend on the stream (RFC 9113 section 6)."""

from typing import Final

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode
from otlptest.wire.transport.http2_reader import ConnectionFault, Payload

_NAMES: Final = {
    frames.PRIORITY: "PRIORITY",
    frames.RST_STREAM: "RST_STREAM",
    frames.SETTINGS: "SETTINGS",
    frames.PING: "PING",
    frames.GOAWAY: "GOAWAY",
    frames.WINDOW_UPDATE: "WINDOW_UPDATE",
}
_SIZES: Final = {
    frames.PRIORITY: 5,
    frames.RST_STREAM: 4,
    frames.PING: 8,
    frames.WINDOW_UPDATE: 4,
}
_ON_CONNECTION: Final = frozenset({frames.SETTINGS, frames.PING, frames.GOAWAY})
_ON_STREAM: Final = frozenset({frames.PRIORITY, frames.RST_STREAM})
_SETTING_SIZE: Final = 6
_PRIORITY_SIZE: Final = 5


def check_control(kind: int, flags: int, stream_id: int, payload: bytes) -> None:
    """Check the size and the place of a control frame.

    Raises:
        ConnectionFault: Either is wrong.
    """
    if (stream_id and kind in _ON_CONNECTION) or (not stream_id and kind in _ON_STREAM):
        problem = f"{_NAMES[kind]} on stream {stream_id}"
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, problem)
    size = len(payload)
    if kind == frames.SETTINGS:
        fits = size == 0 if flags & frames.ACK else size % _SETTING_SIZE == 0
    else:
        fits = size == _SIZES.get(kind, size)
    if not fits:
        problem = f"{_NAMES[kind]} with {size} bytes"
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, problem)


def parent_stream(payload: bytes) -> int:
    """Return the stream that a PRIORITY frame depends on."""
    return int(frames.LONG.unpack_from(payload)[0]) & frames.STREAM_MASK


def bare_block(flags: int, stream_id: int, payload: bytes) -> bytes:
    """Return the piece of a header block in HEADERS, without padding and priority.

    Raises:
        ConnectionFault: They are longer than the frame, or the stream depends on itself.
    """
    start, end = 0, len(payload)
    if flags & frames.PADDED:
        if not payload:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "no room for the pad length")
        start, end = 1, end - payload[0]
    if flags & frames.PRIORITIZED:
        start += _PRIORITY_SIZE
    if start > end:
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame")
    if flags & frames.PRIORITIZED:
        (parent,) = frames.LONG.unpack_from(payload, start - _PRIORITY_SIZE)
        if parent & frames.STREAM_MASK == stream_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself")
    return payload[start:end]


def bare_data(payload: Payload) -> Payload:
    """Return a DATA payload without its padding.

    Raises:
        ConnectionFault: The padding is longer than the frame.
    """
    if not payload:
        raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "no room for the pad length")
    if payload[0] >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "padding longer than its frame")
    return payload[1 : len(payload) - payload[0]]

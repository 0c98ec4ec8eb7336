"""The server's side of an HTTP/2 connection (RFC 9113), without a socket.

Bytes in by `ServerConnection.receive`, bytes out through the `write` that it was given, requests
to a `StreamHandler`. One request costs one object, a `Stream`. Receive windows are as large as
they can be, so that no upload waits for us; `Limits` restricts what a peer may keep open
instead. Where RFC 7540 and RFC 9113 differ in what a peer may do, the stricter one counts.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_flow import CannedReply, SendFlow, Stream
from otlptest.wire.transport.http2_frames import ErrorCode, Setting
from otlptest.wire.transport.http2_headers import HeaderBlockError, HeaderReader, RequestFields
from otlptest.wire.transport.http2_payloads import (
    bare_block,
    bare_data,
    check_control,
    parent_stream,
)
from otlptest.wire.transport.http2_reader import ConnectionFault, FrameReader, Payload
from otlptest.wire.transport.limits import Limits

_REMEMBERED_STREAMS: Final = 1000
_REFILL_AT: Final = 2**30
_MAX_CONTINUATIONS: Final = 64
_MAX_HELD_REQUESTS: Final = 16  # of the largest size, unfinished on one connection
_EXPLAINED_PER_REQUEST: Final = 8  # control frames that one request may bring along


class StreamHandler(Protocol):
    """The handler of the requests of a connection. Called from within `receive`."""

    def request_started(self, stream: Stream) -> None:
        """Handle a complete header block: set `stream.notify_at`, or reply."""
        ...

    def body_arriving(self, stream: Stream) -> None:
        """Handle `stream.notify_at` or more bytes of an unfinished body; set the next threshold."""
        ...

    def request_finished(self, stream: Stream) -> None:
        """Handle a request that is whole."""
        ...

    def request_cut(self, stream: Stream, reason: str) -> None:
        """Handle a request that will never be whole."""
        ...

    def reply_unwanted(self, stream: Stream) -> None:
        """Handle a peer that gives up a whole request before its reply is whole."""
        ...

    def stream_faulted(self, stream_id: int, problem: str) -> None:
        """Handle a stream that was reset because the peer broke a rule on it."""
        ...

    def connection_faulted(self, fault: ConnectionFault) -> None:
        """Handle the end of the connection; a GOAWAY has been written."""
        ...


class ServerConnection:
    """One HTTP/2 connection from a client. Not thread-safe.

    Args:
        handler: The handler of the requests.
        write: Sends bytes to the peer, in order.
        limits: The limits of the peer.
        clock: Seconds, for the rate of control frames.

    Attributes:
        streams: Requests without a whole reply, by stream id.
        is_over: Whether nothing more is read or written.
    """

    def __init__(
        self,
        handler: StreamHandler,
        write: Callable[[bytes], Any],
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.streams: dict[int, Stream] = {}
        self.is_over = False
        self._handler = handler
        self._write = write
        self._limits = limits
        self._clock = clock
        self._frames = FrameReader()
        self._headers = HeaderReader(limits.header_bytes)
        self._flow = SendFlow(write, self._reply_written)
        self._last_id = 0
        self._closed_ids: deque[int] = deque(maxlen=_REMEMBERED_STREAMS)
        self._reset_ids: deque[int] = deque(maxlen=_REMEMBERED_STREAMS)
        self._has_settings = False
        self._block: list[bytes] = []
        self._block_id = 0
        self._block_flags = 0
        self._consumed = 0
        self._held = 0
        self._allowed = limits.control_frames
        self._window_began = clock()
        self._control: dict[int, Callable[[int, int, bytes], None]] = {
            frames.PRIORITY: self._priority_received,
            frames.RST_STREAM: self._reset_received,
            frames.SETTINGS: self._settings_received,
            frames.PING: self._ping_received,
            frames.GOAWAY: self._goaway_received,
            frames.WINDOW_UPDATE: self._window_update_received,
        }
        write(frames.settings(self._own_settings()))
        write(frames.window_update(0, frames.MAX_WINDOW - frames.DEFAULT_WINDOW))

    def _own_settings(self) -> tuple[tuple[Setting, int], ...]:
        return (
            (Setting.MAX_CONCURRENT_STREAMS, self._limits.streams),
            (Setting.INITIAL_WINDOW_SIZE, frames.MAX_WINDOW),
            (Setting.MAX_HEADER_LIST_SIZE, self._limits.header_bytes),
        )

    @property
    def last_id(self) -> int:
        """The id of the newest stream."""
        return self._last_id

    @property
    def incomplete(self) -> bytes:
        """The beginning of an incomplete frame."""
        return self._frames.pending

    @property
    def frame_progress(self) -> int | None:
        """A number that changes while frames complete; None between frames."""
        return None if self._frames.is_between_frames else self._frames.whole_reads

    # --- what the receiver calls

    def receive(self, data: bytes) -> None:
        """Process what the peer sent; call the handler and write answers."""
        try:
            for kind, flags, stream_id, payload in self._frames.frames(data):
                if self.is_over:
                    return
                if kind == frames.DATA and not self._block_id:
                    self._data_received(flags, stream_id, payload)
                else:
                    self._frame_received(kind, flags, stream_id, bytes(payload))
        except ConnectionFault as fault:
            self.end(fault.code, fault.problem)
            self._handler.connection_faulted(fault)

    def reply_canned(self, stream: Stream, reply: CannedReply) -> None:
        """Answer a request with bytes made before."""
        self._flow.send_canned(stream, reply)

    def reply(
        self, stream: Stream, head: bytes, body: bytes = b"", trailers: bytes | None = None
    ) -> None:
        """Answer a request, whole or not: header block, body, header block of the trailers."""
        self._flow.send(stream, head, body, trailers)

    def end(self, code: ErrorCode = ErrorCode.NO_ERROR, problem: str = "") -> None:
        """Write a GOAWAY; nothing is read or written after it."""
        if not self.is_over:
            self.is_over = True
            self._write(frames.goaway(self._last_id, code, problem))

    def cut(self, reason: str) -> None:
        """End the connection of a peer that sends no more; report requests that stay incomplete."""
        for stream in list(self.streams.values()):
            if not stream.is_remote_closed:
                self._drop(stream)
                self._handler.request_cut(stream, reason)

    # --- requests

    def _frame_received(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        """Handle any frame but DATA.

        Raises:
            ConnectionFault: It may not be there.
        """
        if self._block_id and (kind != frames.CONTINUATION or stream_id != self._block_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "another frame within a header block")
        if not self._has_settings:
            if kind != frames.SETTINGS or flags & frames.ACK:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "no SETTINGS after the preface")
            self._has_settings = True
        if kind == frames.HEADERS:
            self._headers_received(flags, stream_id, payload)
        elif kind == frames.CONTINUATION:
            self._continuation_received(flags, stream_id, payload)
        elif kind in self._control:
            check_control(kind, flags, stream_id, payload)
            self._control[kind](flags, stream_id, payload)
        elif kind == frames.PUSH_PROMISE:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE from a client")
        else:
            self._count(f"frames of the unknown type {kind}")

    def _headers_received(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Begin a header block.

        Raises:
            ConnectionFault: It may not be there.
        """
        if flags & (frames.PADDED | frames.PRIORITIZED):
            payload = bare_block(flags, stream_id, payload)
        if flags & frames.END_HEADERS:
            self._block_received(flags, stream_id, payload)
        else:
            self._block = [payload]
            self._block_id = stream_id
            self._block_flags = flags

    def _continuation_received(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Go on with a header block.

        Raises:
            ConnectionFault: No block was begun, or it is too large.
        """
        if not self._block_id:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "CONTINUATION without HEADERS")
        self._block.append(payload)
        size = sum(map(len, self._block))
        if size > self._limits.header_bytes * 2 or len(self._block) > _MAX_CONTINUATIONS:
            raise ConnectionFault(
                ErrorCode.ENHANCE_YOUR_CALM,
                f"a header block of {size} bytes in {len(self._block)} frames",
                is_flood=True,
            )
        if flags & frames.END_HEADERS:
            block, self._block, self._block_id = b"".join(self._block), [], 0
            self._block_received(self._block_flags, stream_id, block)

    def _block_received(self, flags: int, stream_id: int, block: bytes) -> None:
        """Handle a whole header block: a request or trailers.

        Raises:
            ConnectionFault: It cannot be read, or its stream may not have one.
        """
        try:
            fields = self._headers.read(block)
        except HeaderBlockError as error:
            code = ErrorCode.ENHANCE_YOUR_CALM if error.is_bomb else ErrorCode.COMPRESSION_ERROR
            raise ConnectionFault(code, error.problem, is_flood=error.is_bomb) from error
        if stream_id > self._last_id and stream_id & 1:
            self._last_id = stream_id
            self._open(stream_id, fields, ends_stream=bool(flags & frames.END_STREAM))
            return
        stream = self.streams.get(stream_id)
        if stream is None:
            self._judge_stray("HEADERS", stream_id)
        elif stream.is_remote_closed:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, "HEADERS after the end of a stream")
        elif not flags & frames.END_STREAM or fields.trailer_fault:
            fault = fields.trailer_fault or "trailers that do not end their stream"
            self._fault_stream(stream_id, ErrorCode.PROTOCOL_ERROR, fault)
        else:
            self._finish(stream)

    def _open(self, stream_id: int, fields: RequestFields, *, ends_stream: bool) -> None:
        """Begin a request.

        Raises:
            ConnectionFault: Too many were refused.
        """
        if fields.malformed:
            self._fault_stream(stream_id, ErrorCode.PROTOCOL_ERROR, fields.malformed)
            return
        if len(self.streams) >= self._limits.streams:
            self._count("streams over the limit")
            self._reset(stream_id, ErrorCode.REFUSED_STREAM)
            return
        stream = Stream(stream_id, fields, self._flow.initial_window)
        self.streams[stream_id] = stream
        self._handler.request_started(stream)
        if ends_stream and stream_id in self.streams:
            self._finish(stream)

    def _data_received(self, flags: int, stream_id: int, payload: Payload) -> None:
        """Take a piece of a body.

        Raises:
            ConnectionFault: It may not be there.
        """
        self._consumed += len(payload)
        if self._consumed >= _REFILL_AT:
            self._write(frames.window_update(0, self._consumed))
            self._consumed = 0
        stream = self.streams.get(stream_id)
        if stream is None or stream.is_remote_closed:
            self._judge_stray("DATA", stream_id)
            return
        if flags & frames.PADDED:
            payload = bare_data(payload)
        size = len(payload)
        stream.parts.append(payload)
        stream.size += size
        if flags & frames.END_STREAM:
            self._finish(stream)
            return
        stream.held += size
        self._held += size
        if not size:
            self._count("empty DATA frames")
        elif stream.size >= stream.notify_at:
            self._handler.body_arriving(stream)
        if self._held > _MAX_HELD_REQUESTS * self._limits.request_bytes:
            problem = f"{self._held} bytes in unfinished requests"
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, problem, is_flood=True)

    def _finish(self, stream: Stream) -> None:
        """Hand over a whole request."""
        stream.is_remote_closed = True
        self._allowed += _EXPLAINED_PER_REQUEST
        self._held -= stream.held
        stream.held = 0
        wanted = stream.fields.content_length
        if wanted is not None and wanted != stream.size:
            problem = f"content-length {wanted} and a body of {stream.size} bytes"
            self._fault_stream(stream.id, ErrorCode.PROTOCOL_ERROR, problem)
            return
        self._handler.request_finished(stream)

    def _judge_stray(self, what: str, stream_id: int) -> None:
        """Judge a frame of a request on a stream that cannot take it.

        Raises:
            ConnectionFault: Unless we have reset the stream and the peer could not know.
        """
        if stream_id in self._reset_ids:
            return
        if not self._has_settings:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "no SETTINGS after the preface")
        if stream_id in self.streams or stream_id in self._closed_ids:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"{what} after the end of a stream")
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"{what} on stream {stream_id}")

    # --- the end of a stream

    def _reply_written(self, stream: Stream) -> None:
        """Forget a stream whose reply is written; stop a request that is not whole."""
        self.streams.pop(stream.id, None)
        if stream.is_remote_closed:
            self._closed_ids.append(stream.id)
        else:
            self._held -= stream.held
            self._reset(stream.id, ErrorCode.NO_ERROR)

    def _drop(self, stream: Stream) -> None:
        self.streams.pop(stream.id, None)
        self._flow.forget(stream.id)
        self._held -= stream.held

    def _reset(self, stream_id: int, code: ErrorCode) -> None:
        self._reset_ids.append(stream_id)
        self._write(frames.reset(stream_id, code))

    def _fault_stream(self, stream_id: int, code: ErrorCode, problem: str) -> None:
        """Reset a stream on which the peer broke a rule."""
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._drop(stream)
        self._reset(stream_id, code)
        self._handler.stream_faulted(stream_id, problem)

    # --- control frames

    def _count(self, what: str) -> None:
        """Count a frame that may be part of a flood.

        Raises:
            ConnectionFault: There were too many within the limits' window.
        """
        self._allowed -= 1
        if self._allowed >= 0:
            return
        now = self._clock()
        if now - self._window_began < self._limits.control_window_s:
            raise ConnectionFault(
                ErrorCode.ENHANCE_YOUR_CALM, f"a flood, lastly of {what}", is_flood=True
            )
        self._window_began = now
        self._allowed = self._limits.control_frames

    def _is_idle(self, stream_id: int) -> bool:
        return stream_id > self._last_id or not stream_id & 1

    def _priority_received(self, _flags: int, stream_id: int, payload: bytes) -> None:
        """Ignore a priority, after a check that it is legal.

        Raises:
            ConnectionFault: There were too many.
        """
        self._count("PRIORITY frames")
        if parent_stream(payload) == stream_id:
            self._fault_stream(stream_id, ErrorCode.PROTOCOL_ERROR, "a stream depends on itself")

    def _reset_received(self, _flags: int, stream_id: int, _payload: bytes) -> None:
        """Handle the reset of a stream.

        Raises:
            ConnectionFault: It never began, or there were too many.
        """
        if self._is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "RST_STREAM on an idle stream")
        self._count("RST_STREAM frames")
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._drop(stream)
            self._closed_ids.append(stream_id)
            if stream.is_remote_closed:
                self._handler.reply_unwanted(stream)
            else:
                self._handler.request_cut(stream, "the client reset the stream")

    def _settings_received(self, flags: int, _stream_id: int, payload: bytes) -> None:
        """Take over the peer's settings.

        Raises:
            ConnectionFault: One is illegal, or there were too many frames.
        """
        self._count("SETTINGS frames")
        if not flags & frames.ACK:
            self._flow.settings_received(payload, self.streams)
            self._write(frames.settings_ack())
            self._flow.pump_all()

    def _ping_received(self, flags: int, _stream_id: int, payload: bytes) -> None:
        """Answer a PING.

        Raises:
            ConnectionFault: There were too many.
        """
        self._count("PING frames")
        if not flags & frames.ACK:
            self._write(frames.ping_ack(payload))

    def _goaway_received(self, _flags: int, _stream_id: int, _payload: bytes) -> None:
        """Handle a GOAWAY: the peer opens no more streams; the open ones go on."""
        self._count("GOAWAY frames")

    def _window_update_received(self, _flags: int, stream_id: int, payload: bytes) -> None:
        """Send what the window now allows.

        Raises:
            ConnectionFault: The increment or the stream is illegal.
        """
        increment = frames.LONG.unpack(payload)[0] & frames.STREAM_MASK
        if not stream_id:
            if not increment:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a window update of 0")
            self._flow.connection_window_opened(increment)
            return
        if self._is_idle(stream_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE on an idle stream")
        stream = self.streams.get(stream_id)
        if not increment:
            self._fault_stream(stream_id, ErrorCode.PROTOCOL_ERROR, "a window update of 0")
        elif stream is not None and not self._flow.stream_window_opened(stream, increment):
            problem = "a stream window above 2^31-1"
            self._fault_stream(stream_id, ErrorCode.FLOW_CONTROL_ERROR, problem)

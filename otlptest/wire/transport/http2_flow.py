"""The flow control of an HTTP/2 connection: windows and waiting replies (RFC 9113 5.2, 6.9).

A `Stream` is one request with its reply. `SendFlow` writes replies as far as the peer's windows
allow and the rest when they open.
"""

from collections.abc import Callable
from typing import Any, Final

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode, Setting
from otlptest.wire.transport.http2_headers import RequestFields
from otlptest.wire.transport.http2_reader import ConnectionFault, Payload

_NEVER: Final = 2**62


class Stream:
    """One request and its reply.

    Attributes:
        id: The stream identifier.
        fields: The request's header block.
        parts: The body so far, `size` bytes.
        notify_at: `StreamHandler.body_arriving` is called once `size` reaches this.
        is_remote_closed: Whether the request is whole.
        window: The number of DATA bytes that the peer takes on this stream.
        unsent: The rest of a reply's body that waits for a window.
        trailers: The header block that follows it.
        held: The number of bytes that count as unfinished.
        started_at: When it began, on the handler's clock; set by the handler.
        context: Data that the handler keeps for the stream.
    """

    __slots__ = (
        "context",
        "fields",
        "held",
        "id",
        "is_remote_closed",
        "notify_at",
        "parts",
        "size",
        "started_at",
        "trailers",
        "unsent",
        "window",
    )

    def __init__(self, stream_id: int, fields: RequestFields, window: int) -> None:
        self.id = stream_id
        self.fields = fields
        self.parts: list[Payload] = []
        self.size = 0
        self.notify_at = _NEVER
        self.is_remote_closed = False
        self.window = window
        self.unsent: memoryview | None = None  # so that removing a piece copies nothing
        self.trailers: bytes | None = None
        self.held = 0
        self.started_at = 0.0
        self.context: Any = None

    @property
    def body(self) -> bytes:
        """Return the body as far as it has arrived."""
        return b"".join(self.parts)


class CannedReply:
    """A reply whose bytes are made once; only the stream id is filled in.

    Args:
        head: The header block.
        body: At most 16 KiB.
        trailers: The header block of the trailers, None without them.
    """

    __slots__ = ("body", "head", "parts", "trailers")

    def __init__(self, head: bytes, body: bytes = b"", trailers: bytes | None = None) -> None:
        self.head = head
        self.body = body
        self.trailers = trailers
        self.parts = frames.canned_parts(head, body, trailers)


class SendFlow:
    """A writer of replies within the peer's windows.

    Args:
        write: Sends bytes to the peer.
        ended: Called with each stream whose reply has been written whole.
    """

    def __init__(self, write: Callable[[bytes], Any], ended: Callable[[Stream], None]) -> None:
        self._write = write
        self._ended = ended
        self._window = frames.DEFAULT_WINDOW
        self._waiting: dict[int, Stream] = {}
        self.initial_window = frames.DEFAULT_WINDOW
        self.max_frame_size = frames.MIN_FRAME_SIZE

    def send_canned(self, stream: Stream, reply: CannedReply) -> None:
        """Write a whole canned reply, or as much as the windows allow."""
        size = len(reply.body)
        if size > stream.window or size > self._window:
            self.send(stream, reply.head, reply.body, reply.trailers)
            return
        self._window -= size
        self._write(frames.LONG.pack(stream.id).join(reply.parts))
        self._ended(stream)

    def send(
        self, stream: Stream, head: bytes, body: bytes = b"", trailers: bytes | None = None
    ) -> None:
        """Write a reply, or as much of it as the windows allow."""
        is_bare = not body and trailers is None
        self._write(
            frames.header_frames(stream.id, head, ends_stream=is_bare, max_size=self.max_frame_size)
        )
        if is_bare:
            self._ended(stream)
            return
        stream.unsent = memoryview(body)
        stream.trailers = trailers
        self._pump(stream)

    def forget(self, stream_id: int) -> None:
        """Drop the waiting data of a stream that was reset."""
        self._waiting.pop(stream_id, None)

    def _pump(self, stream: Stream) -> None:
        body = stream.unsent if stream.unsent is not None else memoryview(b"")
        while body:
            size = min(stream.window, self._window, self.max_frame_size, len(body))
            if size <= 0:
                stream.unsent = body
                self._waiting[stream.id] = stream
                return
            is_last = size == len(body) and stream.trailers is None
            self._write(frames.data_frame(stream.id, bytes(body[:size]), ends_stream=is_last))
            stream.window -= size
            self._window -= size
            body = body[size:]
        stream.unsent = None
        self._waiting.pop(stream.id, None)
        if stream.trailers is not None:
            self._write(
                frames.header_frames(
                    stream.id, stream.trailers, ends_stream=True, max_size=self.max_frame_size
                )
            )
        self._ended(stream)

    def pump_all(self) -> None:
        """Write waiting data, as far as the windows allow."""
        for stream in list(self._waiting.values()):
            self._pump(stream)

    def connection_window_opened(self, increment: int) -> None:
        """Add to the window of the connection.

        Raises:
            ConnectionFault: More than a window can be.
        """
        if self._window + increment > frames.MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a connection window above 2^31-1")
        self._window += increment
        self.pump_all()

    def stream_window_opened(self, stream: Stream, increment: int) -> bool:
        """Add to the window of one stream; return False if it overflows."""
        if stream.window + increment > frames.MAX_WINDOW:
            return False
        stream.window += increment
        if stream.unsent:
            self._pump(stream)
        return True

    def settings_received(self, payload: bytes, streams: dict[int, Stream]) -> None:
        """Take over the peer's settings; `pump_all` once they are acknowledged.

        Raises:
            ConnectionFault: One has a value that it cannot have (RFC 9113 section 6.5.2).
        """
        for name, value in frames.SETTING.iter_unpack(payload):
            if name == Setting.ENABLE_PUSH and value > 1:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH {value}")
            if name == Setting.MAX_FRAME_SIZE:
                if not frames.MIN_FRAME_SIZE <= value <= frames.MAX_FRAME_SIZE:
                    raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value}")
                self.max_frame_size = value
            if name == Setting.INITIAL_WINDOW_SIZE:
                self._move_windows(value, streams)

    def _move_windows(self, initial: int, streams: dict[int, Stream]) -> None:
        """Change the window of every open stream, maybe below zero (RFC 9113 section 6.9.2).

        Raises:
            ConnectionFault: One becomes larger than a window can be.
        """
        change = initial - self.initial_window
        largest = max((stream.window for stream in streams.values()), default=0)
        if initial > frames.MAX_WINDOW or largest + change > frames.MAX_WINDOW:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {initial}")
        self.initial_window = initial
        for stream in streams.values():
            stream.window += change

"""A bare HTTP/2 client: it sends the given frames and returns what came back.

Nothing is checked before it goes out. What comes in is kept by stream; SETTINGS and PING are
answered, and receive windows are so large that a server never has to wait for us.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.raw_socket import RawSocket, TlsOrPlain
from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_fields import FieldReader
from otlptest.wire.transport.http2_frames import Setting
from otlptest.wire.transport.http2_headers import HeaderBlockError, encode_fields
from otlptest.wire.transport.http2_reader import ConnectionFault, FrameReader

_WINDOW: Final = 1 << 30
_UNLIMITED_STREAMS: Final = 1 << 31
_HTTP1: Final = b"HTTP/1."


@dataclass(slots=True, eq=False)
class _Stream:
    """The data received on one stream, and its remaining send window."""

    window: int
    started: Deadline
    blocks: list[tuple[tuple[str, str], ...]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    reset: int | None = None
    is_ended: bool = False
    elapsed_s: float = 0.0


class RawHttp2Client(RawSocket):
    """One HTTP/2 connection, begun with preface and SETTINGS. Not thread-safe.

    Args:
        wire: A connected socket.
        timeout_s: Seconds that any one operation may take.
        opens: Whether to begin as a client does.

    Attributes:
        goaway: The error code of a GOAWAY; None if none came.
        goaway_text: Its debug data.
        pings: Payloads of acknowledged PINGs.
        settings_acks: How many of our SETTINGS were acknowledged.
        max_streams: How many streams the server allows at a time.
        problem: What the peer sent that is not HTTP/2; empty if nothing.
    """

    def __init__(self, wire: TlsOrPlain, timeout_s: float, *, opens: bool = True) -> None:
        super().__init__(wire, timeout_s)
        self.goaway: int | None = None
        self.goaway_text = ""
        self.pings: list[bytes] = []
        self.settings_acks = 0
        self.max_streams = _UNLIMITED_STREAMS
        self.problem = ""
        self._has_settings = False
        self._reader = FrameReader(expects_preface=False, max_frame_size=frames.MAX_FRAME_SIZE)
        self._fields = FieldReader()
        self._streams: dict[int, _Stream] = {}
        self._window = self._first_window = frames.DEFAULT_WINDOW
        self._max_frame = frames.MIN_FRAME_SIZE
        self._block: list[bytes] = []
        self._block_flags = 0
        self._next_id = 1
        if opens:
            first = frames.settings([(Setting.INITIAL_WINDOW_SIZE, _WINDOW)])
            self.say(frames.PREFACE + first + frames.window_update(0, _WINDOW))

    # Sending.

    def open(self, fields: Iterable[tuple[str, str]], *, ends_stream: bool = False) -> int:
        """Begin a stream with a header block; return its id."""
        stream_id = self.reserve()
        block = encode_fields(tuple(fields))
        self.say(frames.header_frames(stream_id, block, ends_stream=ends_stream))
        return stream_id

    def reserve(self) -> int:
        """Open a stream whose frames the caller sends; return its id."""
        stream_id = self._next_id
        self._next_id += 2
        self._streams[stream_id] = _Stream(self._first_window, Deadline(0))
        return stream_id

    def body(
        self,
        stream_id: int,
        data: bytes | Iterable[bytes],
        *,
        ends_stream: bool = True,
        frame_size: int = frames.MIN_FRAME_SIZE,
    ) -> bool:
        """Send a body in DATA frames, as fast as the server's windows allow.

        Blocks at most `timeout_s` if the server gives no window.

        Args:
            stream_id: The stream.
            data: The body, in pieces if it is large.
            ends_stream: Whether the stream ends with it.
            frame_size: The largest frame.

        Returns:
            Whether all went out: false if the stream or the connection ended before.
        """
        for piece in (data,) if isinstance(data, bytes) else data:
            view = memoryview(piece)
            while view:
                room = self._room(stream_id, min(len(view), frame_size))
                if not room:
                    return False
                frame = frames.data_frame(stream_id, bytes(view[:room]), ends_stream=False)
                if not self.say(frame):
                    return False
                view = view[room:]
        return not ends_stream or self.say(frames.data_frame(stream_id, b"", ends_stream=True))

    def _room(self, stream_id: int, wanted: int) -> int:
        """Return how many bytes may be sent on a stream, at least one; 0 if none ever may."""
        deadline = Deadline(self.timeout_s)
        stream = self._streams[stream_id]
        self._pump(Deadline(0))
        while min(self._window, stream.window) < 1 and not self._is_over(stream):
            if not self._pump(deadline):
                return 0
        if self._is_over(stream):
            return 0
        room = min(wanted, self._window, stream.window, self._max_frame)
        self._window -= room
        stream.window -= room
        return room

    def _is_over(self, stream: _Stream) -> bool:
        return stream.is_ended or stream.reset is not None or self.end in {"closed", "reset"}

    # Receiving.

    def answer(self, stream_id: int, *, timeout_s: float | None = None) -> GrpcAnswer:
        """Return the answer on a stream, once it has ended.

        Blocks at most `timeout_s`, or the talk's own.
        """
        deadline = Deadline(self.timeout_s if timeout_s is None else timeout_s)
        stream = self._streams[stream_id]
        while not self._is_over(stream) and self._pump(deadline):
            pass
        return GrpcAnswer(
            blocks=tuple(stream.blocks),
            body=b"".join(stream.parts),
            reset=stream.reset,
            goaway=self.goaway,
            goaway_text=self.goaway_text,
            is_ended=stream.is_ended,
            end=self.end,
            problem=self.problem,
            elapsed_s=stream.elapsed_s or stream.started.elapsed_s(),
        )

    def settle(self, *, timeout_s: float | None = None) -> bool:
        """Wait for the server's SETTINGS; return whether they came.

        Blocks at most `timeout_s`, or the talk's own.
        """
        deadline = Deadline(self.timeout_s if timeout_s is None else timeout_s)
        while not self._has_settings:
            if not self._pump(deadline):
                return False
        return True

    def ping(self, payload: bytes, *, timeout_s: float) -> bool:
        """Return whether a PING is answered within some seconds."""
        deadline = Deadline(timeout_s)
        self.say(frames.frame(frames.PING, 0, 0, payload))
        while payload not in self.pings:
            if not self._pump(deadline):
                return False
        return True

    def wait_for_goaway(self, timeout_s: float) -> bool:
        """Return whether the server ends the connection in time, with or without a GOAWAY."""
        deadline = Deadline(timeout_s)
        while self.goaway is None and self.end not in {"closed", "reset"}:
            if not self._pump(deadline):
                break
        return self.goaway is not None or self.end in {"closed", "reset"}

    def _pump(self, deadline: Deadline) -> bool:
        """Process what the server sends next; return whether anything came in time."""
        data = self.receive(deadline)
        if not data:
            return False
        if not self._has_settings and data.startswith(_HTTP1):
            return self._give_up(data, "that is HTTP/1.1")
        try:
            for kind, flags, stream_id, payload in self._reader.frames(data):
                self._take(kind, flags, stream_id, bytes(payload))
        except (ConnectionFault, HeaderBlockError) as fault:
            return self._give_up(data, fault.problem)
        return True

    def _give_up(self, data: bytes, problem: str) -> bool:
        self.problem = f"no HTTP/2 answer but {data[:80]!r}: {problem}"
        self.end = "closed"
        return False

    def _take(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        stream = self._streams.get(stream_id)
        if kind == frames.SETTINGS:
            self._take_settings(flags, payload)
        elif kind == frames.PING:
            self._take_ping(flags, payload)
        elif kind == frames.GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
            self.goaway_text = payload[8:].decode("utf-8", "replace")
        elif kind == frames.WINDOW_UPDATE:
            self._take_window(stream_id, int.from_bytes(payload, "big"))
        elif kind in {frames.HEADERS, frames.CONTINUATION}:
            self._take_headers(kind, flags, stream_id, payload)
        elif stream is not None and kind == frames.DATA:
            stream.parts.append(_unpadded(flags, payload))
            self._end_if(stream, flags)
        elif stream is not None and kind == frames.RST_STREAM:
            stream.reset = int.from_bytes(payload, "big")
            stream.elapsed_s = stream.started.elapsed_s()

    def _take_settings(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            self.settings_acks += 1
            return
        self._has_settings = True
        for name, value in frames.SETTING.iter_unpack(payload):
            if name == Setting.INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self._first_window
                self._first_window = value
            elif name == Setting.MAX_FRAME_SIZE:
                self._max_frame = value
            elif name == Setting.MAX_CONCURRENT_STREAMS:
                self.max_streams = value
        self.say(frames.settings_ack())

    def _take_ping(self, flags: int, payload: bytes) -> None:
        if flags & frames.ACK:
            self.pings.append(payload)
        else:
            self.say(frames.ping_ack(payload))

    def _take_window(self, stream_id: int, increment: int) -> None:
        if stream_id == 0:
            self._window += increment
        elif stream_id in self._streams:
            self._streams[stream_id].window += increment

    def _take_headers(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if kind == frames.HEADERS:
            payload = _unpadded(flags, payload)
            payload = payload[5:] if flags & frames.PRIORITIZED else payload
            self._block_flags = flags
        self._block.append(payload)
        if not flags & frames.END_HEADERS:
            return
        fields = self._fields.read(b"".join(self._block))
        self._block = []
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.blocks.append(fields)
            self._end_if(stream, self._block_flags)

    def _end_if(self, stream: _Stream, flags: int) -> None:
        if flags & frames.END_STREAM:
            stream.is_ended = True
            stream.elapsed_s = stream.started.elapsed_s()


def _unpadded(flags: int, payload: bytes) -> bytes:
    if not flags & frames.PADDED or not payload:
        return payload
    return payload[1 : len(payload) - payload[0]]

"""An HTTP/2 relay before a right receiver, which changes one thing in its answers over gRPC."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.http2_fields import FieldReader
from otlptest.wire.transport.http2_headers import HeaderBlockError, encode_fields
from otlptest.wire.transport.http2_reader import ConnectionFault, FrameReader

Fields = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class Call:
    """A call as it came: its fields and what its DATA frames carried."""

    fields: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.fields.get(":path", "")


@dataclass(kw_only=True)
class Answered:
    """What the right receiver answers, or what a fault makes of it.

    `is_silent`: nothing is answered. `reset`: the stream is reset instead.
    """

    headers: Fields = ()
    body: bytes = b""
    trailers: Fields | None = None
    reset: int | None = None
    is_silent: bool = False

    @property
    def status(self) -> int:
        return int(dict(self.trailers or self.headers).get("grpc-status", -1))


OK_HEAD: Fields = ((":status", "200"), ("content-type", "application/grpc"))


def success(message: bytes = b"") -> Answered:
    """Status OK with a message."""
    return Answered(
        headers=OK_HEAD, body=encode_grpc_frame(message), trailers=(("grpc-status", "0"),)
    )


def failure(status: int, text: str = "no", **more: str) -> Answered:
    """A status, trailers only."""
    extra = tuple((name.replace("_", "-"), value) for name, value in more.items())
    return Answered(
        headers=(*OK_HEAD, ("grpc-status", str(status)), ("grpc-message", text), *extra)
    )


Change2 = Callable[[Call, Answered], Answered]


@dataclass
class _Relayed:
    call: Call
    blocks: list[Fields] = field(default_factory=list)
    body: bytes = b""
    is_silent: bool = False


Drops = Callable[[int, int], bool]
"""Whether a frame of the server, by type and flags, is kept from the client."""


class _Connection:
    """Both directions of one connection."""

    def __init__(
        self, client: socket.socket, server: socket.socket, change: Change2, drops: Drops
    ) -> None:
        self._client, self._server, self._change, self._drops = client, server, change, drops
        self._streams: dict[int, _Relayed] = {}
        self._from_client, self._from_server = FieldReader(), FieldReader()
        self._lock = threading.Lock()

    def up(self) -> None:
        """Client to server: every byte as it comes, and a look at the calls."""
        reader = FrameReader(max_frame_size=frames.MAX_FRAME_SIZE)
        looks = True
        while data := self._client.recv(262144):
            if looks:
                try:
                    self._look(reader, data)
                except (ConnectionFault, HeaderBlockError, ValueError):
                    looks = False
            self._server.sendall(data)

    def _look(self, reader: FrameReader, data: bytes) -> None:
        for kind, flags, stream_id, payload in reader.frames(data):
            if kind == frames.HEADERS and flags & frames.END_HEADERS:
                block = bytes(payload)[5:] if flags & frames.PRIORITIZED else bytes(payload)
                fields = dict(self._from_client.read(block))
                with self._lock:
                    self._streams[stream_id] = _Relayed(Call(fields=fields))
            elif kind == frames.DATA and stream_id in self._streams:
                call = self._streams[stream_id].call
                if len(call.body) < 1_000_000:
                    call.body += bytes(payload)

    def down(self) -> None:
        """Server to client: whole answers are changed, all else goes through."""
        reader = FrameReader(expects_preface=False, max_frame_size=frames.MAX_FRAME_SIZE)
        while data := self._server.recv(262144):
            for kind, flags, stream_id, payload in reader.frames(data):
                self._client.sendall(self._changed(kind, flags, stream_id, bytes(payload)))

    def _changed(self, kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
        stream = self._streams.get(stream_id)
        if self._drops(kind, flags) or (stream is not None and stream.is_silent):
            return b""
        if stream is None or kind not in {frames.HEADERS, frames.DATA}:
            return frames.frame(kind, flags, stream_id, payload)
        if kind == frames.HEADERS:
            stream.blocks.append(self._from_server.read(payload))
        else:
            stream.body += payload
        if not flags & frames.END_STREAM:
            return b""
        right = Answered(
            headers=stream.blocks[0],
            body=stream.body,
            trailers=stream.blocks[-1] if len(stream.blocks) > 1 else None,
        )
        answer = self._change(stream.call, right)
        stream.is_silent = answer.is_silent
        return _encoded(stream_id, answer)


def _encoded(stream_id: int, answer: Answered) -> bytes:
    if answer.is_silent:
        return b""
    if answer.reset is not None:
        return frames.reset(stream_id, answer.reset)
    is_alone = answer.trailers is None and not answer.body
    out = frames.header_frames(stream_id, encode_fields(answer.headers), ends_stream=is_alone)
    for at in range(0, len(answer.body), 16384):
        ends = answer.trailers is None and at + 16384 >= len(answer.body)
        out += frames.data_frame(stream_id, answer.body[at : at + 16384], ends_stream=ends)
    if answer.trailers is not None:
        out += frames.header_frames(stream_id, encode_fields(answer.trailers), ends_stream=True)
    return out


@contextlib.contextmanager
def grpc_front(
    port: int,
    change: Change2 = lambda _, answer: answer,
    *,
    drops: Drops = lambda *_: False,
    keeps_open: bool = False,
) -> Iterator[str]:
    """The `host:port` of a relay before the receiver on `port`.

    Args:
        port: Of the right receiver.
        change: Changes its answers.
        drops: Keeps frames of it from the client.
        keeps_open: What it ends stays open to the client.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    threads: list[threading.Thread] = []
    open_ones: set[socket.socket] = set()

    def run(part: Callable[[], None], ends: tuple[socket.socket, socket.socket]) -> None:
        with contextlib.suppress(OSError, ConnectionFault):
            part()
        for end in ends[1:] if keeps_open else ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def one(client: socket.socket) -> None:
        to = ("127.0.0.1", port)
        with client, contextlib.suppress(OSError), socket.create_connection(to) as server:
            open_ones.add(server)
            both = _Connection(client, server, change, drops)
            up = threading.Thread(target=run, args=(both.up, (client, server)))
            up.start()
            run(both.down, (client, server))
            up.join()

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            open_ones.add(client)
            thread = threading.Thread(target=one, args=(client,))
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join()
        for wire in tuple(open_ones):
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()

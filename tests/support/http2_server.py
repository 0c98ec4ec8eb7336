"""The server's side of HTTP/2 without a socket, and a handler that answers and keeps all."""

from otlptest.wire.transport.http2 import ServerConnection
from otlptest.wire.transport.http2_flow import CannedReply, Stream
from otlptest.wire.transport.http2_headers import encode_fields
from otlptest.wire.transport.http2_reader import ConnectionFault
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits
from tests.support.http2_talk import OPENING, Heard2, Listener

REPLY_HEAD = encode_fields(((":status", "200"),))


class Served2:
    """A `StreamHandler` that answers every request with the same body and maybe trailers.

    Args:
        body: Of each answer.
        trailers: The header block that ends each answer.
        limits: What the peer may do.
        has_seen: What the client sent before the test begins.
    """

    def __init__(
        self,
        *,
        body: bytes = b"",
        trailers: bytes | None = None,
        limits: Limits = DEFAULT_LIMITS,
        has_seen: bytes = OPENING,
    ) -> None:
        self.now = 0.0
        self.requests: list[tuple[int, bytes]] = []
        self.cut: list[tuple[int, str]] = []
        self.unwanted: list[int] = []
        self.faults: list[str] = []
        self.over: list[ConnectionFault] = []
        self.notify_at: int | None = None
        self.arriving: list[int] = []
        self._answer = CannedReply(REPLY_HEAD, body, trailers)
        self._listener = Listener()
        self._written: list[bytes] = []
        self.connection = ServerConnection(self, self._written.append, limits, lambda: self.now)
        self.send(has_seen)

    def send(self, data: bytes) -> Heard2:
        """Bytes from the client; everything that the server has said so far."""
        self.connection.receive(data)
        heard = self._listener.hear(b"".join(self._written))
        self._written.clear()
        return heard

    def request_started(self, stream: Stream) -> None:
        if self.notify_at is not None:
            stream.notify_at = self.notify_at

    def body_arriving(self, stream: Stream) -> None:
        self.arriving.append(stream.size)
        self.connection.reply_canned(stream, self._answer)

    def request_finished(self, stream: Stream) -> None:
        self.requests.append((stream.id, stream.body))
        self.connection.reply_canned(stream, self._answer)

    def request_cut(self, stream: Stream, reason: str) -> None:
        self.cut.append((stream.id, reason))

    def reply_unwanted(self, stream: Stream) -> None:
        self.unwanted.append(stream.id)

    def stream_faulted(self, stream_id: int, problem: str) -> None:
        self.faults.append(f"{stream_id}: {problem}")

    def connection_faulted(self, fault: ConnectionFault) -> None:
        self.over.append(fault)

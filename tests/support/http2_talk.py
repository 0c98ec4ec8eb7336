"""A bare HTTP/2 client for tests: it sends whatever it is told, right or wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hpack import Decoder, Encoder

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.http2_reader import FrameReader
from tests.support.receiving import TRACES, connect, span_request

GRPC_FIELDS = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", TRACES),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
)
OPENING = frames.PREFACE + frames.settings(())


def block(fields: Iterable[tuple[str, str]]) -> bytes:
    """A header block that needs no dynamic table."""
    return Encoder().encode([(name, value, True) for name, value in fields])


def grpc_fields(**replaced: str) -> tuple[tuple[str, str], ...]:
    """The fields of a gRPC call; `path="/x"` replaces `:path`, `grpc_encoding` adds a field."""
    names = {name.lstrip(":"): name for name, _ in GRPC_FIELDS}
    given = {names.get(key, key.replace("_", "-")): value for key, value in replaced.items()}
    kept = [(name, given.pop(name, value)) for name, value in GRPC_FIELDS]
    return (*kept, *given.items())


def call(
    stream_id: int = 1,
    message: bytes | None = None,
    *,
    body: bytes | None = None,
    fields: Iterable[tuple[str, str]] = GRPC_FIELDS,
) -> bytes:
    """The frames of one gRPC call."""
    if body is None:
        body = encode_grpc_frame(span_request("a") if message is None else message)
    sent = frames.header_frames(stream_id, block(fields), ends_stream=False)
    pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
    for piece in pieces[:-1]:
        sent += frames.data_frame(stream_id, piece, ends_stream=False)
    return sent + frames.data_frame(stream_id, pieces[-1], ends_stream=True)


@dataclass
class Answer:
    """What came back on one stream."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    blocks: int = 0
    is_ended: bool = False
    reset: int | None = None

    def __getitem__(self, name: str) -> str:
        return dict(self.fields)[name]

    def get(self, name: str) -> str | None:
        """A field of headers or trailers."""
        return dict(self.fields).get(name)


@dataclass
class Heard2:
    """Everything that came back on one connection."""

    answers: dict[int, Answer] = field(default_factory=dict)
    goaway: int | None = None
    debug: str = ""
    pings: list[bytes] = field(default_factory=list)
    settings_acks: int = 0
    updates: list[tuple[int, int]] = field(default_factory=list)


class Listener:
    """Reads what a server says."""

    def __init__(self) -> None:
        self.heard = Heard2()
        self._reader = FrameReader(expects_preface=False, max_frame_size=frames.MAX_FRAME_SIZE)
        self._decoder = Decoder(max_header_list_size=2**20)
        self._block = b""
        self._ends_stream = False

    def hear(self, data: bytes) -> Heard2:
        """Take bytes from the server."""
        heard = self.heard
        for kind, flags, stream_id, view in self._reader.frames(data):
            payload = bytes(view)
            if kind == frames.GOAWAY:
                heard.goaway = int.from_bytes(payload[4:8], "big")
                heard.debug = payload[8:].decode()
            elif kind == frames.PING:
                heard.pings.append(payload)
            elif kind == frames.SETTINGS:
                heard.settings_acks += flags & frames.ACK
            elif kind == frames.WINDOW_UPDATE:
                heard.updates.append((stream_id, int.from_bytes(payload, "big")))
            elif kind in {frames.HEADERS, frames.CONTINUATION}:
                self._block += payload
                self._ends_stream = self._ends_stream or bool(flags & frames.END_STREAM)
                if flags & frames.END_HEADERS:
                    self._fields(heard.answers.setdefault(stream_id, Answer()))
            elif kind in {frames.DATA, frames.RST_STREAM}:
                self._answer(kind, flags, heard.answers.setdefault(stream_id, Answer()), payload)
        return heard

    def _fields(self, answer: Answer) -> None:
        answer.fields += [(str(n), str(v)) for n, v in self._decoder.decode(self._block)]
        answer.blocks += 1
        answer.is_ended = answer.is_ended or self._ends_stream
        self._block, self._ends_stream = b"", False

    def _answer(self, kind: int, flags: int, answer: Answer, payload: bytes) -> None:
        if kind == frames.RST_STREAM:
            answer.reset = int.from_bytes(payload, "big")
            return
        answer.body += payload
        answer.is_ended = answer.is_ended or bool(flags & frames.END_STREAM)


def talk2(port: int, sent: bytes) -> Heard2:
    """Send bytes on a connection of their own, half-close, hear all that comes back."""
    listener = Listener()
    with connect(port) as connection:
        try:
            connection.sendall(OPENING + sent)
            connection.shutdown(1)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server had enough
        try:
            while data := connection.recv(65536):
                listener.hear(data)
        except ConnectionResetError:
            pass
    return listener.heard

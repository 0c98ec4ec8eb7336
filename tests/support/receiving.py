"""A running receiver, and what it told: for tests of the network side alone."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.collector.server.server import Receiver
from otlptest.model import Connection, Problem, Request
from otlptest.timing import Deadline

PATIENCE_S = 10.0
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


class Heard:
    """An intake that keeps everything. Thread-safe."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.connections: list[Connection] = []
        self.closed: list[Connection] = []
        self.requests: list[Request] = []
        self.replied: list[Request] = []
        self.problems: list[Problem] = []

    def _add(self, kept: list[Any], item: object) -> None:
        with self.changed:
            kept.append(item)
            self.changed.notify_all()

    def connection_opened(self, connection: Connection) -> None:
        self._add(self.connections, connection)

    def connection_closed(self, connection: Connection) -> None:
        self._add(self.closed, connection)

    def request_received(self, request: Request) -> None:
        self._add(self.requests, request)

    def request_replied(self, request: Request) -> None:
        self._add(self.replied, request)

    def problem_found(self, problem: Problem) -> None:
        self._add(self.problems, problem)

    def wait_until(self, is_so: Callable[["Heard"], bool]) -> "Heard":
        """Block until it is so; fails after ten seconds."""
        deadline = Deadline(PATIENCE_S)
        with self.changed:
            while not is_so(self):
                assert deadline.wait_on(self.changed), f"never came to be: {self}"
        return self

    def kinds(self) -> list[str]:
        """The kinds of all problems, those of refused requests among them."""
        refused = [request.problem for request in self.requests]
        return [problem.kind for problem in [*refused, *self.problems] if problem is not None]

    def __repr__(self) -> str:
        return f"{len(self.requests)} requests, {len(self.closed)} closed, {self.problems}"


@contextmanager
def receiving(**options: Any) -> Iterator[tuple[Receiver, Heard]]:  # noqa: ANN401 -- passed on
    """A receiver that runs, and what it told."""
    heard = Heard()
    with Receiver(heard, **options) as receiver:
        yield receiver, heard


def span_request(*names: str) -> bytes:
    """A valid request with one span for each name, in protobuf."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, name in enumerate(names, start=1):
        spans.add(
            trace_id=b"\x01" * 16,
            span_id=number.to_bytes(8, "big"),
            name=name,
            start_time_unix_nano=1,
            end_time_unix_nano=2,
        )
    return request.SerializeToString()


def connect(port: int) -> socket.socket:
    """A plain TCP connection to the receiver."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    """Everything until the receiver ends its side."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def talk(port: int, sent: bytes, *, half_closes: bool = True) -> bytes:
    """Send bytes on a connection of their own; all that comes back until it ends."""
    with connect(port) as connection:
        with contextlib.suppress(OSError):  # the receiver may have had enough
            connection.sendall(sent)
            if half_closes:
                connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def http1(
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/v1/traces",
    content_type: str | None = PROTOBUF,
    headers: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """The bytes of an HTTP/1.1 request."""
    fields = [("Host", "localhost"), ("Content-Length", str(len(body))), *headers]
    if content_type is not None:
        fields.append(("Content-Type", content_type))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

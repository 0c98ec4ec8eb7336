"""Small receivers in a process of their own, each with one habit that a suite may take for a fault.

    with small_receiver("busy", "30") as url: ...

They stand on the standard library and the protobuf classes alone, as somebody else's receiver does.
"""

import contextlib
import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["small_receiver"]

PROTOBUF, JSON = "application/x-protobuf", "application/json"
KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
MANY = 20_000


def status(message: str) -> bytes:
    """A `google.rpc.Status` with a message."""
    text = message.encode()[:100]
    return bytes([0x12, len(text)]) + text


def spans(request: Any) -> int:  # noqa: ANN401 -- a generated message
    return sum(
        len(scope.spans)
        for resource in getattr(request, "resource_spans", ())
        for scope in resource.scope_spans
    )


class Right(BaseHTTPRequestHandler):
    """Takes all signals in protobuf, and JSON not at all."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kinds: ClassVar[dict[str, Any]] = KINDS
    option: ClassVar[str] = ""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self, code: int, body: bytes = b"", **fields: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in {b"\r\n", b"\n", b""}:
                pass
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self) -> None:
        body = self.body()
        path = self.path.partition("?")[0]
        if path not in self.kinds:
            self.answer(404, status("no such path"))
            return
        media_type = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if media_type != PROTOBUF:
            self.not_protobuf()
            return
        coding = (self.headers.get("Content-Encoding") or "identity").lower()
        if coding not in {"gzip", "identity"}:
            self.answer(415, status("unknown coding"))
            return
        try:
            request = self.kinds[path]()
            request.ParseFromString(gzip.decompress(body) if coding == "gzip" else body)
        except (OSError, EOFError, ValueError, DecodeError):
            self.bad()
            return
        self.good(request)

    def not_protobuf(self) -> None:
        self.answer(415, status("protobuf only"))

    def bad(self) -> None:
        self.answer(400, status("no protobuf"))

    def good(self, request: Any) -> None:  # noqa: ANN401 -- a generated message
        del request
        self.answer(200)

    def other(self) -> None:
        self.body()
        self.answer(405, status("POST only"), Allow="POST")

    def do_GET(self) -> None:
        self.other()

    def do_PUT(self) -> None:
        self.other()

    def do_PATCH(self) -> None:
        self.other()

    def do_DELETE(self) -> None:
        self.other()

    def do_HEAD(self) -> None:
        self.other()

    def do_OPTIONS(self) -> None:
        self.other()


class Busy(Right):
    """After very many items at once it says 503 for some seconds, as OTLP says that it should."""

    until = 0.0

    def do_POST(self) -> None:
        if time.monotonic() < Busy.until:
            self.body()
            self.answer(503, status("at capacity"), Retry_After=self.option)
            return
        super().do_POST()

    def good(self, request: Any) -> None:  # noqa: ANN401 -- a generated message
        if spans(request) > MANY:
            Busy.until = time.monotonic() + float(self.option)
        self.answer(200)


class SlowStore(Right):
    """Decodes very many items beside others, then writes them while nobody else is answered."""

    lock = threading.Lock()

    def good(self, request: Any) -> None:  # noqa: ANN401 -- a generated message
        is_slow = spans(request) > MANY
        if is_slow:
            threading.Event().wait(float(self.option) / 2)
        with self.lock:
            if is_slow:
                threading.Event().wait(float(self.option))
        self.answer(200)


class Bytes500(Right):
    """One fault alone: 500 for any attribute value of kind bytes."""

    def good(self, request: Any) -> None:  # noqa: ANN401 -- a generated message
        if has_bytes(request):
            self.answer(500, status("bytes"))
        else:
            self.answer(200)


def has_bytes(message: Any) -> bool:  # noqa: ANN401 -- a generated message
    for field, value in message.ListFields():
        if field.name == "bytes_value":
            return True
        if field.message_type:
            inner = [value] if isinstance(value, Message) else value
            if any(map(has_bytes, inner)):
                return True
    return False


class Dying(Right):
    """Answers 200 before it decodes, then its process dies of what cannot be decoded."""

    def bad(self) -> None:
        self.answer(200)
        self.wfile.flush()
        os._exit(1)


class TracesOnly(Right):
    """Takes traces in protobuf; 405 for other signals, and 415 for JSON."""

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != "/v1/traces":
            self.body()
            self.answer(405, status("traces only"))
            return
        super().do_POST()


class NoJson(Right):
    """Answers JSON as if it were broken protobuf."""

    def not_protobuf(self) -> None:
        self.answer(400, status("no protobuf"))


class Guarded(Right):
    """Wants a header, and answers 422 without it."""

    def do_POST(self) -> None:
        if self.headers.get("X-Tenant") != self.option:
            self.body()
            self.answer(422, status("field required: x-tenant"))
            return
        super().do_POST()


class Silent(Right):
    """Answers so many requests, and nobody afterwards."""

    count = 0

    def do_POST(self) -> None:
        Silent.count += 1
        if Silent.count > int(self.option):
            threading.Event().wait(3600)
        super().do_POST()


class Losing(Right):
    """Writes what it takes to a file, but for the last span of each request."""

    lock = threading.Lock()

    def good(self, request: Any) -> None:  # noqa: ANN401 -- a generated message
        from otlptest.wire.otlp.otlp_json import encode_message  # noqa: PLC0415 -- only here

        for resource in reversed(getattr(request, "resource_spans", ())):
            for scope in reversed(resource.scope_spans):
                if scope.spans:
                    del scope.spans[-1]
                    break
            else:
                continue
            break
        with self.lock, Path(self.option).open("ab") as file:
            file.write(encode_message(request) + b"\n")
        self.answer(200)


RECEIVERS: dict[str, type[Right]] = {
    "right": Right,
    "busy": Busy,
    "slow_store": SlowStore,
    "bytes500": Bytes500,
    "dying": Dying,
    "traces_only": TracesOnly,
    "no_json": NoJson,
    "guarded": Guarded,
    "silent": Silent,
    "losing": Losing,
}


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients may go away."""


@contextlib.contextmanager
def small_receiver(name: str, option: str = "") -> Iterator[str]:
    """The URL of a receiver in a process of its own.

    Args:
        name: Which of `RECEIVERS`.
        option: Seconds of its habit, or whatever else it takes.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__, name, option],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as process:
        try:
            port = (process.stdout.readline() if process.stdout else "").strip()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def main() -> None:
    handler = RECEIVERS[sys.argv[1]]
    handler.option = sys.argv[2]
    server = Server(("127.0.0.1", 0), handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()

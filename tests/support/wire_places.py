"""Where wire faults act, the proxy and the fake, and clients that tell what they saw."""

import contextlib
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import grpc

from otlptest import FakeCollector, OtlpProxy
from tests.support.receiving import PROTOBUF, TRACES, span_request

PATIENCE_S = 30.0
SHORT_S = 0.5  # for what must not come
OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.use_local_subchannel_pool", 1),  # each client has a connection of its own
)

Where = Literal["proxy", "fake"]


@dataclass(frozen=True)
class Place:
    """A fake collector, and where to inject faults and to send to."""

    fake: FakeCollector
    faulty: OtlpProxy | FakeCollector

    @property
    def grpc_port(self) -> int:
        return int(self.faulty.grpc_endpoint.rpartition(":")[2])

    @property
    def http_port(self) -> int:
        return int(self.faulty.http_endpoint.rpartition(":")[2])


@contextmanager
def place(where: Where) -> Iterator[Place]:
    """The fake with a proxy before it, or alone."""
    with FakeCollector() as fake:
        if where == "fake":
            yield Place(fake, fake)
            return
        with OtlpProxy(upstream=fake) as proxy:
            yield Place(fake, proxy)


class HttpClient:
    """One HTTP/1.1 connection at a time; a new one after an error."""

    def __init__(self, port: int, *, timeout_s: float = PATIENCE_S) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def export(self, name: str = "span", *, size: int = 0) -> str:
        """Send a span; the status, or the name of the error."""
        body = span_request(name + "x" * size)
        try:
            self._connection.request("POST", "/v1/traces", body, {"Content-Type": PROTOBUF})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return type(error).__name__
        return str(answer.status)

    def close(self) -> None:
        self._connection.close()


class GrpcClient:
    """One grpcio channel."""

    def __init__(self, port: int, *, timeout_s: float = PATIENCE_S) -> None:
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
        self._export: Any = self._channel.unary_unary(TRACES, None, None)

    def export(self, name: str = "span", *, size: int = 0, waits: bool = False) -> str:
        """Send a span; the status. `waits`: until there is a connection."""
        body = span_request(name + "x" * size)
        try:
            self._export(body, timeout=self._timeout_s, wait_for_ready=waits)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    def close(self) -> None:
        self._channel.close()


@contextmanager
def http_client(at: Place, *, timeout_s: float = PATIENCE_S) -> Iterator[HttpClient]:
    """Sends over HTTP/1.1."""
    with contextlib.closing(HttpClient(at.http_port, timeout_s=timeout_s)) as client:
        yield client


@contextmanager
def grpc_client(at: Place, *, timeout_s: float = PATIENCE_S) -> Iterator[GrpcClient]:
    """Sends over gRPC, with grpcio."""
    with contextlib.closing(GrpcClient(at.grpc_port, timeout_s=timeout_s)) as client:
        yield client

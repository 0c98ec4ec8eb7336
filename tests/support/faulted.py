"""A fake collector that answers as planned, and bare clients that tell what they were told."""

import http.client
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from otlptest import FakeCollector
from otlptest.faults import ReplyFault
from tests.support.http2_talk import Answer, call, talk2
from tests.support.receiving import JSON, PROTOBUF, TRACES, span_request

GOOD = span_request("good")
GOOD_JSON = b'{"resourceSpans":[]}'
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Told:
    """What an HTTP client was told."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@contextmanager
def planned(*faults: ReplyFault, **options: Any) -> Iterator[FakeCollector]:  # noqa: ANN401 -- passed on
    """A collector with these faults planned for traces."""
    with FakeCollector() as fake:
        fake.reply(*faults, **{"signal": "traces", **options})
        yield fake


@contextmanager
def http_client(fake: FakeCollector) -> Iterator[http.client.HTTPConnection]:
    """One HTTP/1.1 connection."""
    client = http.client.HTTPConnection("127.0.0.1", fake.http_port, timeout=TIMEOUT_S)
    try:
        yield client
    finally:
        client.close()


def post(
    fake: FakeCollector,
    body: bytes = GOOD,
    *,
    content_type: str = PROTOBUF,
    path: str = "/v1/traces",
    client: http.client.HTTPConnection | None = None,
) -> Told:
    """One export over HTTP/1.1; JSON if the content type says so."""
    if client is None:
        with http_client(fake) as own:
            return post(fake, body, content_type=content_type, path=path, client=own)
    sent = GOOD_JSON if content_type == JSON and body == GOOD else body
    client.request("POST", path, sent, {"Content-Type": content_type})
    response = client.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Told(response.status, response.read(), headers)


def call_raw(fake: FakeCollector, **options: Any) -> Answer:  # noqa: ANN401 -- passed on
    """One call over bare HTTP/2: all header fields and the body as they came."""
    return talk2(fake.grpc_port, call(message=GOOD, **options)).answers[1]


@contextmanager
def grpc_stub(fake: FakeCollector) -> Iterator[Any]:
    """A call of grpcio on bytes, on one channel."""
    options: Sequence[tuple[str, Any]] = (("grpc.enable_retries", 0),)
    with grpc.insecure_channel(f"127.0.0.1:{fake.grpc_port}", options=options) as channel:
        yield channel.unary_unary(TRACES, None, None)


def call_grpcio(fake: FakeCollector, *, timeout_s: float = TIMEOUT_S) -> Any:  # noqa: ANN401 -- message or error
    """One call of grpcio: the response's bytes, or the error that the caller gets."""
    with grpc_stub(fake) as stub:
        try:
            return stub(GOOD, timeout=timeout_s)
        except grpc.RpcError as error:
            return error

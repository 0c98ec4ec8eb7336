"""Real clients: grpcio, the standard library's, and the exporters of the OpenTelemetry SDK."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otlptest.wire.otlp.signals import SIGNAL_NAMES
from tests.support.receiving import PROTOBUF, TRACES, receiving, span_request

GOOD = span_request("good")


@pytest.fixture(name="calling")
def _calling() -> Iterator[Any]:
    """A receiver, what it heard, and a raw gRPC call to it."""
    with (
        receiving() as (receiver, heard),
        grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel,
    ):

        def send(message: bytes, path: str = TRACES, **options: Any) -> bytes:  # noqa: ANN401
            stub: Any = channel.unary_unary(path, None, None)
            return bytes(stub(message, timeout=20, **options))

        yield receiver, heard, send


def test_grpcio_calls_every_signal(calling: Any) -> None:  # noqa: ANN401 -- see the fixture
    _, heard, send = calling
    for names in SIGNAL_NAMES.values():
        assert send(b"", names.grpc_path) == b""
    assert [request.signal for request in heard.requests] == list(SIGNAL_NAMES)
    assert len(heard.connections) == 1
    assert {request.protocol for request in heard.requests} == {"grpc"}


def test_grpcio_compresses_and_does_not_in_turn(calling: Any) -> None:  # noqa: ANN401
    _, heard, send = calling
    large = span_request(*(f"span {number}" for number in range(1000)))
    for number in range(20):
        compression = grpc.Compression.Gzip if number % 2 else grpc.Compression.NoCompression
        assert send(large, compression=compression) == b""
    assert {request.body for request in heard.requests} == {large}
    assert [request.encoding for request in heard.requests] == ["identity", "gzip"] * 10
    assert heard.requests[1].wire_size < heard.requests[0].wire_size == len(large)


def test_grpcio_uploads_what_is_far_larger_than_its_first_window(calling: Any) -> None:  # noqa: ANN401
    _, heard, send = calling
    large = span_request("x" * 30_000_000)
    assert send(large) == b""
    assert heard.requests[0].body == large


def test_grpcio_makes_many_calls_at_once(calling: Any) -> None:  # noqa: ANN401
    _, heard, send = calling
    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(send, [GOOD] * 300)) == {b""}
    assert len(heard.requests) == 300
    assert {request.grpc_status for request in heard.requests} == {0}


def test_grpcio_reads_what_is_wrong(calling: Any) -> None:  # noqa: ANN401
    _, _, send = calling
    with pytest.raises(grpc.RpcError) as caught:
        send(b"\xff")
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("no ExportTraceServiceRequest")
    assert {key for key, _ in error.trailing_metadata()} == {"grpc-status-details-bin"}


def test_metadata_arrives_and_is_shared_between_like_requests(calling: Any) -> None:  # noqa: ANN401
    _, heard, send = calling
    for _ in range(3):
        send(GOOD, metadata=(("x-tenant", "a"), ("authorization", "secret")))
    first = heard.requests[0]
    assert (first.headers["x-tenant"], first.headers["X-TENANT"]) == ("a", "a")
    assert "secret" not in repr(first.headers)
    assert first.headers["user-agent"].startswith("grpc-python")


def test_a_hundred_requests_share_one_connection_and_one_headers_object() -> None:
    with receiving() as (receiver, heard):
        client = http.client.HTTPConnection("127.0.0.1", receiver.http_port)
        for _ in range(100):
            client.request("POST", "/v1/traces", GOOD, {"Content-Type": PROTOBUF})
            with client.getresponse() as response:
                assert (response.status, response.read()) == (200, b"")
        client.close()
    assert len(heard.connections) == 1
    assert len({id(request.headers) for request in heard.requests}) == 1
    assert heard.connections[0].requests == 100
    assert {request.http_status for request in heard.requests} == {200}


def test_a_hundred_connections_at_once_are_all_served() -> None:
    with receiving() as (receiver, heard):

        def send(_: int) -> int:
            client = http.client.HTTPConnection("127.0.0.1", receiver.http_port)
            client.request("POST", "/v1/traces", GOOD, {"Content-Type": PROTOBUF})
            with client.getresponse() as response:
                client.close()
                return response.status

        with ThreadPoolExecutor(50) as pool:
            assert set(pool.map(send, range(100))) == {200}
    assert len(heard.connections) == 100


def sdk_exporters() -> dict[str, Any]:
    return {
        "gRPC": lambda receiver: GrpcSpanExporter(
            endpoint=f"http://127.0.0.1:{receiver.grpc_port}", insecure=True
        ),
        "gRPC with gzip": lambda receiver: GrpcSpanExporter(
            endpoint=f"http://127.0.0.1:{receiver.grpc_port}",
            insecure=True,
            compression=grpc.Compression.Gzip,
        ),
        "HTTP": lambda receiver: HttpSpanExporter(
            endpoint=f"http://127.0.0.1:{receiver.http_port}/v1/traces"
        ),
        "HTTP with gzip": lambda receiver: HttpSpanExporter(
            endpoint=f"http://127.0.0.1:{receiver.http_port}/v1/traces",
            compression=Compression.Gzip,
        ),
    }


@pytest.mark.parametrize("exporter", sdk_exporters().values(), ids=sdk_exporters())
def test_the_sdks_exporters_deliver(exporter: Any) -> None:  # noqa: ANN401 -- a table of makers
    with receiving() as (receiver, heard):
        provider = TracerProvider()
        sends: SpanExporter = exporter(receiver)
        provider.add_span_processor(SimpleSpanProcessor(sends))
        with provider.get_tracer("test").start_as_current_span("POST /checkout"):
            pass
        provider.shutdown()
    (request,) = heard.requests
    message = ExportTraceServiceRequest.FromString(request.body)
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "POST /checkout"
    assert (request.is_accepted, request.signal) == (True, "traces")
    assert heard.kinds() == []

"""The proxy between what is not ours: grpcio's server and its client, SDKs, many streams."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otlptest import FakeCollector, OtlpProxy, faults
from otlptest.faults import WireFault
from tests.support.receiving import TRACES
from tests.support.wire_places import GrpcClient, Place, grpc_client

pytestmark = pytest.mark.timeout(90)


@contextmanager
def grpcio_server() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver whose header blocks build on earlier ones; its address, and what it got."""
    got: list[bytes] = []

    def export(body: bytes, context: grpc.ServicerContext) -> bytes:
        got.append(body)
        context.set_trailing_metadata((("x-number", str(len(got))), ("x-same", "again")))
        return b""

    server = grpc.server(ThreadPoolExecutor(4))
    service, _, method = TRACES.strip("/").partition("/")
    handler = grpc.unary_unary_rpc_method_handler(export, None, None)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method: handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", got
    finally:
        server.stop(None).wait(10.0)


@pytest.mark.parametrize(
    ("fault", "seen", "arrives"),
    [
        (faults.rst_stream(), "UNAVAILABLE", False),
        (faults.rst_stream("CANCEL", at="before_reply"), "CANCELLED", True),
        (faults.goaway(), "OK", True),
        (faults.goaway(last_stream_id=0), "UNAVAILABLE", False),
        (faults.reset(at="before_reply"), "UNAVAILABLE", True),
        (faults.latency(0.01, direction="both"), "OK", True),
        (faults.slice(slice_bytes=5, direction="both"), "OK", True),
    ],
    ids=repr,
)
def test_grpcio_server_and_client_go_on_after_each_fault(
    fault: WireFault, seen: str, *, arrives: bool
) -> None:
    with (
        grpcio_server() as (address, received),
        OtlpProxy(upstream=address) as proxy,
        closing(GrpcClient(proxy.port)) as client,
    ):
        assert client.export("warm") == "OK"
        with proxy.injecting(fault, times=3) as injection:
            assert [client.export("hit", waits=True) for _ in range(3)] == [seen] * 3
        with closing(GrpcClient(proxy.port)) as later:
            assert [later.export("later", waits=True) for _ in range(4)] == ["OK"] * 4
        # A call may have been sent on a connection of which the client did not know its end.
        hits = sum(b"hit" in body for body in received)
        assert hits == (3 if seen == "OK" else injection.fired if arrives else 0)
        assert injection.fired >= 1


def test_small_window_before_a_grpcio_server_is_given_back() -> None:
    with (
        grpcio_server() as (address, received),
        OtlpProxy(upstream=address) as proxy,
        closing(GrpcClient(proxy.port, timeout_s=1.0)) as client,
    ):
        assert client.export("warm") == "OK"
        with proxy.injecting(faults.window(10)):
            held = [client.export("held", size=100_000) for _ in range(2)]
            assert held[-1] == "DEADLINE_EXCEEDED"
        with closing(GrpcClient(proxy.port)) as patient:
            assert patient.export("large", size=3_000_000) == "OK"
        assert client.export("large", size=500_000) == "OK"
        assert len(received[-1]) > 500_000


def over_grpc(proxy: OtlpProxy) -> SpanExporter:
    return GrpcSpanExporter(endpoint=proxy.grpc_endpoint, insecure=True)


def over_http(proxy: OtlpProxy) -> SpanExporter:
    return HttpSpanExporter(endpoint=f"{proxy.http_endpoint}/v1/traces")


@pytest.mark.parametrize("exporter", [over_grpc, over_http])
@pytest.mark.parametrize(
    "fault", [faults.reset(), faults.reset(after_bytes=200), faults.refuse()], ids=repr
)
def test_sdk_sends_again_after_a_broken_connection(
    exporter: Callable[[OtlpProxy], SpanExporter], fault: WireFault
) -> None:
    with FakeCollector() as fake, OtlpProxy(upstream=fake) as proxy:
        injection = proxy.inject(fault, times=1)
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter(proxy)))
        provider.get_tracer("test").start_span("work").end()
        provider.shutdown()
        assert injection.fired == 1
        assert fake.spans.count(name="work") == 1
        assert proxy.findings() == ()


def test_many_streams_at_once_pass() -> None:
    with FakeCollector() as fake, OtlpProxy(upstream=fake) as proxy:
        at = Place(fake, proxy)
        with ThreadPoolExecutor(40) as pool, grpc_client(at) as one, grpc_client(at) as other:
            calls = [pool.submit((one, other)[n % 2].export, "work", size=n) for n in range(400)]
            assert {call.result() for call in calls} == {"OK"}
        assert proxy.traffic.requests == fake.spans.count() == 400
        assert proxy.traffic.connections == 2

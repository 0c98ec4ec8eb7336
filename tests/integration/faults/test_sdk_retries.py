"""The Python SDK against planned faults: it sends again what it should, and nothing else."""

from collections.abc import Callable, Iterator

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from otlptest import FakeCollector, faults
from otlptest.faults import ReplyFault

pytestmark = pytest.mark.timeout(60)


def over_grpc(fake: FakeCollector) -> SpanExporter:
    return GrpcSpanExporter(endpoint=fake.grpc_endpoint, insecure=True)


def over_http(fake: FakeCollector) -> SpanExporter:
    return HttpSpanExporter(endpoint=f"{fake.http_endpoint}/v1/traces")


@pytest.fixture(name="fake")
def _fake() -> Iterator[FakeCollector]:
    with FakeCollector() as fake:
        yield fake


def export_a_span(exporter: SpanExporter) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("work").end()
    provider.shutdown()


@pytest.mark.parametrize("exporter", [over_grpc, over_http])
@pytest.mark.parametrize(
    "fault", [faults.unavailable(retry_after_s=0.2), faults.ack_lost()], ids=repr
)
def test_sdk_sends_again_after_what_may_pass(
    fake: FakeCollector, exporter: Callable[[FakeCollector], SpanExporter], fault: ReplyFault
) -> None:
    fake.reply(fault, times=1, signal="traces")
    export_a_span(exporter(fake))
    first, second = fake.requests.all()
    assert first.body == second.body
    assert first.reply_fault == fault.text
    assert second.reply_fault == ""
    assert fake.spans.count(name="work") == (2 if first.is_accepted else 1)
    assert fake.failing_findings() == ()


@pytest.mark.parametrize("exporter", [over_grpc, over_http])
@pytest.mark.parametrize(
    "fault",
    [faults.status(400), faults.partial_success(rejected=1, message="no")],
    ids=repr,
)
def test_sdk_does_not_send_again_after_what_is_final(
    fake: FakeCollector, exporter: Callable[[FakeCollector], SpanExporter], fault: ReplyFault
) -> None:
    fake.reply(fault, signal="traces")
    export_a_span(exporter(fake))
    assert [request.reply_fault for request in fake.requests.all()] == [fault.text]

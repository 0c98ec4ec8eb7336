"""The Collector project's own generator: every signal, both protocols, by count and by shape."""

import subprocess
from collections.abc import Mapping

import pytest

from otlptest import ROOT, FakeCollector, Severity, SpanKind, StatusCode
from otlptest.model import (
    AggregationTemporality,
    DataPoint,
    ExponentialHistogramPoint,
    HistogramPoint,
    MetricType,
    NumberPoint,
    Resource,
    SummaryPoint,
)
from tests.integration.scenario.normalised import REMOTE_SPAN, REMOTE_TRACE
from tests.support.peers import require_peer

pytestmark = pytest.mark.needs_telemetrygen

PROTOCOLS = pytest.mark.parametrize(
    "protocol", [pytest.param("grpc", id="grpc"), pytest.param("http/protobuf", id="http")]
)
ATTRIBUTES: Mapping[str, object] = {"text": "x", "number": 3, "flag": True}
RESOURCE = Resource({"service.name": "generator", "region": "eu"})
IN_TRACE = ("--trace-id", REMOTE_TRACE, "--span-id", REMOTE_SPAN)


def generate(otlp: FakeCollector, protocol: str, signal: str, *options: str) -> None:
    """Run the generator to its end; everything that it made has been answered."""
    url = otlp.grpc_endpoint if protocol == "grpc" else otlp.http_endpoint
    command = [
        *(str(require_peer("telemetrygen")), signal, "--otlp-insecure", "--rate", "0"),
        *("--otlp-endpoint", url.removeprefix("http://")),
        *(() if protocol == "grpc" else ("--otlp-http",)),
        *("--service", "generator", "--otlp-attributes", 'region="eu"'),
        *("--telemetry-attributes", 'text="x"', "--telemetry-attributes", "number=3"),
        *("--telemetry-attributes", "flag=true"),
        *options,
    ]
    done = subprocess.run(
        command,
        env=otlp.environ(protocol),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=25.0,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert {request.protocol for request in otlp.requests.all()} == {protocol}


@PROTOCOLS
def test_each_generated_span_arrives_once(protocol: str) -> None:
    with FakeCollector() as otlp:
        options = ("--traces", "50", "--child-spans", "2", "--span-links", "1")
        generate(otlp, protocol, "traces", *options, "--status-code", "Error")
        spans = otlp.spans.all()
        roots = otlp.spans.where(name="lets-go", kind=SpanKind.CLIENT, parent=ROOT).all()
        first, second = (otlp.spans.where(name=f"okey-dokey-{n}").all() for n in range(2))
    assert (len(spans), len(roots), len(first), len(second)) == (150, 50, 50, 50)
    assert len({span.span_id for span in spans}) == 150
    parents = {(span.trace_id, span.span_id) for span in roots}
    for child in (*first, *second):
        assert (child.trace_id, child.parent_span_id) in parents
        assert child.kind is SpanKind.SERVER
        assert len(child.links) == 1
    for span in spans:
        assert span.status.code is StatusCode.ERROR
        assert span.resource == RESOURCE
        assert span.scope.name == "telemetrygen"
        assert span.end_time_unix_nano - span.start_time_unix_nano in {123_000, 246_000}
        assert {key: span.attributes[key] for key in ATTRIBUTES} == ATTRIBUTES


@PROTOCOLS
@pytest.mark.parametrize(
    ("option", "kind", "point_class"),
    [
        pytest.param("Gauge", MetricType.GAUGE, NumberPoint, id="gauge"),
        pytest.param("Sum", MetricType.SUM, NumberPoint, id="sum"),
        pytest.param("Histogram", MetricType.HISTOGRAM, HistogramPoint, id="histogram"),
        pytest.param(
            "ExponentialHistogram",
            MetricType.EXPONENTIAL_HISTOGRAM,
            ExponentialHistogramPoint,
            id="exponential histogram",
        ),
    ],
)
def test_each_generated_point_arrives_once(
    protocol: str, option: str, kind: MetricType, point_class: type[DataPoint]
) -> None:
    with FakeCollector() as otlp:
        options = ("--metrics", "5", "--metric-type", option, "--otlp-metric-name", "made")
        generate(
            otlp, protocol, "metrics", *options, "--aggregation-temporality", "delta", *IN_TRACE
        )
        metric = otlp.metrics.one()
        points = metric.exports.all()
    is_gauge = kind is MetricType.GAUGE
    assert (metric.name, metric.type, metric.resource) == ("made", kind, RESOURCE)
    assert metric.temporality == (None if is_gauge else AggregationTemporality.DELTA)
    assert len(points) == 5
    assert len({point.time_unix_nano for point in points}) == 5
    for point in points:
        assert isinstance(point, point_class)
        assert not isinstance(point, SummaryPoint)
        assert point.attributes == ATTRIBUTES
        (exemplar,) = point.exemplars
        assert (exemplar.trace_id, exemplar.span_id) == (REMOTE_TRACE, REMOTE_SPAN)


@PROTOCOLS
def test_each_generated_log_arrives_once(protocol: str) -> None:
    with FakeCollector() as otlp:
        severity = ("--severity-number", "17", "--severity-text", "ERROR")
        generate(
            otlp, protocol, "logs", "--logs", "50", "--body", "it failed", *severity, *IN_TRACE
        )
        logs = otlp.logs.all()
    assert len(logs) == 50
    for log in logs:
        assert (log.severity, log.severity_text) == (Severity.ERROR, "ERROR")
        assert (log.trace_id, log.span_id) == (REMOTE_TRACE, REMOTE_SPAN)
        assert log.body == "it failed"
        assert log.resource == RESOURCE
        assert log.attributes == {"app": "server", **ATTRIBUTES}
        assert log.dropped_attributes_count == 1

"""Requests that break no data rule, with all that the rules look at in them.

Each builder returns a new message; tests change what they want to see found.
"""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otlptest.wire.otlp.event_names import set_event_name

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
TRACE_ID = bytes.fromhex("5b8aa5a2d2c872e8321cf37308d69df2")
SPAN_ID = bytes.fromhex("5fb397be34d26b51")
PARENT_ID = bytes.fromhex("051581bf3cb55c13")
SCHEMA_URL = "https://opentelemetry.io/schemas/1.21.0"


def attribute(key: str, value: Any = "v") -> KeyValue:  # noqa: ANN401 -- any attribute value
    """One attribute."""
    return KeyValue(key=key, value=any_value(value))


def any_value(value: Any) -> AnyValue:  # noqa: ANN401 -- any attribute value
    """A Python value as the OTLP value of its type."""
    if isinstance(value, dict):
        entries = [attribute(key, inner) for key, inner in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=entries))
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(inner) for inner in value]))
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value)


def resource(service: str = "shop") -> Resource:
    """A resource."""
    return Resource(attributes=[attribute("service.name", service), attribute("host.id", 7)])


def scope() -> InstrumentationScope:
    """An instrumentation scope."""
    return InstrumentationScope(name="tracer", version="1", attributes=[attribute("team")])


def trace_request() -> ExportTraceServiceRequest:
    """A server span with an event, a link, every kind of attribute, and its child."""
    values = {"text": "t", "list": ["a", "b", {"k": "v"}], "map": {"a": 1, "b": {"c": []}}}
    server = Span(
        trace_id=TRACE_ID,
        span_id=PARENT_ID,
        name="POST /checkout",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=START,
        end_time_unix_nano=START + SECOND,
        flags=0x101,
        trace_state="vendor=a1,ot=th:8;rv:0123456789abcd",
        attributes=[attribute(key, value) for key, value in values.items()],
        events=[Span.Event(name="paid", time_unix_nano=START, attributes=[attribute("card")])],
        links=[
            Span.Link(
                trace_id=TRACE_ID, span_id=SPAN_ID, flags=0x301, attributes=[attribute("why")]
            )
        ],
        status=Status(code=Status.STATUS_CODE_ERROR, message="declined"),
    )
    child = Span(
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        parent_span_id=PARENT_ID,
        name="charge",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=START,
        end_time_unix_nano=START,
        flags=0x301,
    )
    request = ExportTraceServiceRequest()
    holder = request.resource_spans.add(resource=resource(), schema_url=SCHEMA_URL)
    holder.scope_spans.add(scope=scope(), schema_url=SCHEMA_URL, spans=[server, child])
    return request


def log_request() -> ExportLogsServiceRequest:
    """A record inside a span and one outside."""
    inside = LogRecord(
        time_unix_nano=START,
        observed_time_unix_nano=START,
        severity_number=SeverityNumber.SEVERITY_NUMBER_ERROR,
        severity_text="ERROR",
        body=any_value({"text": "declined", "codes": [1, {"sub": 2}]}),
        attributes=[attribute("card")],
        flags=1,
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
    )
    set_event_name(inside, "payment.declined")
    outside = LogRecord(observed_time_unix_nano=START, body=any_value("started"))
    request = ExportLogsServiceRequest()
    holder = request.resource_logs.add(resource=resource(), schema_url=SCHEMA_URL)
    holder.scope_logs.add(scope=scope(), schema_url=SCHEMA_URL, log_records=[inside, outside])
    return request


def exemplar(time_unix_nano: int) -> metrics.Exemplar:
    """An exemplar that points at a span."""
    return metrics.Exemplar(
        as_double=2.0,
        time_unix_nano=time_unix_nano,
        trace_id=TRACE_ID,
        span_id=SPAN_ID,
        filtered_attributes=[attribute("user.id")],
    )


def metric_request(*, export: int = 1) -> ExportMetricsServiceRequest:
    """A metric of every kind; `export` tells which of several exports this is, from 1."""
    times: Any = {"start_time_unix_nano": START, "time_unix_nano": START + export * SECOND}
    interval: Any = {**times, "start_time_unix_nano": START + (export - 1) * SECOND}
    route: Any = {"attributes": [attribute("http.route", "/checkout")]}
    number = metrics.NumberDataPoint
    histogram = metrics.HistogramDataPoint(
        **times,
        **route,
        count=3,
        sum=6.0,
        min=1.0,
        max=3.0,
        explicit_bounds=[1.0, 2.0],
        bucket_counts=[1, 0, 2],
        exemplars=[exemplar(START + export * SECOND - 1)],
    )
    exponential = metrics.ExponentialHistogramDataPoint(
        **interval,
        **route,
        count=4,
        sum=7.0,
        min=0.0,
        max=4.0,
        zero_count=1,
        zero_threshold=0.001,
        positive=metrics.ExponentialHistogramDataPoint.Buckets(offset=-1, bucket_counts=[1, 1, 1]),
    )
    quantile = metrics.SummaryDataPoint.ValueAtQuantile
    summary = metrics.SummaryDataPoint(
        **times,
        **route,
        count=export,
        sum=2.0 * export,
        quantile_values=[quantile(quantile=0.5, value=1.0), quantile(quantile=1.0, value=1.5)],
    )
    delta = metrics.AGGREGATION_TEMPORALITY_DELTA
    cumulative = metrics.AGGREGATION_TEMPORALITY_CUMULATIVE
    request = ExportMetricsServiceRequest()
    holder = request.resource_metrics.add(resource=resource(), schema_url=SCHEMA_URL)
    scoped = holder.scope_metrics.add(scope=scope(), schema_url=SCHEMA_URL)
    add = scoped.metrics.add
    gauge = metrics.Gauge(data_points=[number(**times, as_double=0.5)])
    add(name="temperature", unit="Cel", gauge=gauge, metadata=[attribute("help")])
    orders = [
        number(
            **times, **route, as_int=3 * export, exemplars=[exemplar(START + export * SECOND - 1)]
        )
    ]
    add(
        name="orders",
        unit="{order}",
        sum=metrics.Sum(is_monotonic=True, aggregation_temporality=cumulative, data_points=orders),
    )
    hits = [number(**interval, as_int=0), number(**interval, **route, as_int=2)]
    add(
        name="hits",
        sum=metrics.Sum(is_monotonic=True, aggregation_temporality=delta, data_points=hits),
    )
    add(
        name="duration",
        unit="s",
        histogram=metrics.Histogram(aggregation_temporality=cumulative, data_points=[histogram]),
    )
    add(
        name="size",
        unit="By",
        exponential_histogram=metrics.ExponentialHistogram(
            aggregation_temporality=delta, data_points=[exponential]
        ),
    )
    add(name="legacy", summary=metrics.Summary(data_points=[summary]))
    return request

"""Only type-checked: each line checks, or carries the error that it must give.

`warn_unused_ignores` (part of mypy's `strict`) fails the line whose error is no longer found.
"""

from otlptest import faults
from otlptest.collector.view import CollectorView
from otlptest.model import (
    ROOT,
    LogRecord,
    MetricType,
    Profile,
    Request,
    Severity,
    Span,
    SpanKind,
    StatusCode,
)
from otlptest.queries import match
from otlptest.queries.asynchronous import AsyncQueries
from otlptest.queries.log_query import LogQuery
from otlptest.queries.metrics.metric_query import MetricQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.span_query import SpanQuery
from otlptest.queries.traces.trace_query import TraceQuery


def spans(query: SpanQuery) -> None:
    one: Span = query.where(service="shop", kind=SpanKind.CLIENT).one()
    several: tuple[Span, ...] = query.wait_for(3, name=match.regex("x"), timeout_s=1.0)
    is_fast: bool = one.duration_ms < 500  # a float also where the span has no end
    narrowed: SpanQuery = query.where(
        lambda span: span.dropped_attributes_count > 0,
        attributes={"db.system.name": "postgresql", "n": match.less_than(5)},
        status=StatusCode.ERROR,
        parent=ROOT,
        events=["exception", match.starts_with("retry")],
        links=one,
        scope={"name": "http", "version": match.present()},
        duration_ms=match.between(1, 2),
    )
    for span in narrowed:
        kept: Span = span
        del kept
    del several, is_fast
    query.where(nam="x")  # type: ignore[call-arg]
    query.where(status="ERROR")  # type: ignore[arg-type]
    query.where(kind="server")  # type: ignore[arg-type]
    query.where(attributes="a")  # type: ignore[arg-type]
    query.where(name=None)  # type: ignore[arg-type]
    query.where(lambda span: span.nam == "x")  # type: ignore[attr-defined]
    query.where("POST /")  # type: ignore[arg-type]
    query.wait_for("3")  # type: ignore[arg-type]
    query.wait_for_one(timeout_s="5")  # type: ignore[arg-type]
    query.expect_none(after="quiet", name="x")  # type: ignore[arg-type]
    len(query)  # type: ignore[arg-type]


def other_signals(
    logs: LogQuery,
    metrics: MetricQuery,
    profiles: ProfileQuery,
    requests: RequestQuery,
    traces: TraceQuery,
) -> None:
    log: LogRecord = logs.where(severity=match.at_least(Severity.ERROR), body={"a": 1}).one()
    profile: Profile = profiles.where(service="shop").first()
    request: Request = requests.where(signal="traces", protocol="grpc", encoding="gzip").first()
    metrics.where(name="orders", type=MetricType.SUM, unit="1")
    traces.where(containing=log).one()
    del profile, request
    logs.where(severity="ERROR")  # type: ignore[arg-type]
    logs.where(name="x")  # type: ignore[call-arg]
    metrics.where(type="sum")  # type: ignore[arg-type]
    requests.where(signal="spans")  # type: ignore[arg-type]
    requests.where(protocol="http")  # type: ignore[arg-type]
    traces.where(containing="x")  # type: ignore[arg-type]


async def awaited(aio: AsyncQueries) -> None:
    span: Span = await aio.spans.where(name="a").wait_for_one(timeout_s=1.0)
    logs: tuple[LogRecord, ...] = await aio.logs.all()
    total: int | float = await aio.metrics.wait_for_total("orders", 3)
    del span, logs, total
    aio.spans.where(nam="x")  # type: ignore[call-arg]
    await aio.metrics.wait_for_total("orders")  # type: ignore[call-arg]


def planned(otlp: CollectorView) -> None:
    otlp.reply(faults.unavailable(retry_after_s=0.2), faults.ok(), times=2, signal="traces")
    otlp.reply(faults.status("UNAVAILABLE"), where=lambda request: request.size > 1, rate=0.5)
    with otlp.replying(faults.status(429, retry_after_s=1), signal="any"):
        pass
    otlp.reply(faults.unavailable)  # type: ignore[arg-type]
    otlp.reply(faults.goaway())  # type: ignore[arg-type]
    otlp.reply(faults.ok(), signal="spans")  # type: ignore[arg-type]
    otlp.reply(faults.ok(), 2)  # type: ignore[arg-type]
    faults.ack_lost(ending="closed")  # type: ignore[arg-type]


def matchers() -> None:
    match.contain("x")  # type: ignore[attr-defined]
    match.less_than("5")  # type: ignore[arg-type]
    match.regex(5)  # type: ignore[arg-type]
    match.instance_of("int")  # type: ignore[arg-type]

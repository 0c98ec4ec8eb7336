"""The comparison of the SDK scenario sees each kind of fault that a collector could make."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otlptest.model import (
    Attributes,
    Buckets,
    Exemplar,
    ExponentialHistogramPoint,
    HistogramPoint,
    Link,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Resource,
    Scope,
    Severity,
    Span,
    SpanEvent,
    SpanKind,
    Status,
    StatusCode,
)
from tests.integration.scenario.normalised import EXPLICIT_NANOS, Run, normalised
from tests.integration.scenario.resources import Volatile

START = 1_800_000_000_000_000_000
TRACE, ROOT_ID, CHILD_ID = "a" * 32, "b" * 16, "c" * 16
SCOPE = Scope(name="s", version="1", schema_url="u", attributes=Attributes({"k": 1}))
RESOURCE = Resource({"service.name": "x"}, schema_url="u")


def a_span(**differing: Any) -> Span:  # noqa: ANN401 -- fields of many types
    facts: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": CHILD_ID,
        "parent_span_id": ROOT_ID,
        "name": "child",
        "kind": SpanKind.CLIENT,
        "start_time_unix_nano": START + 10,
        "end_time_unix_nano": START + 20,
        "attributes": Attributes({"number": 1, "list": [1, 2]}),
        "events": (SpanEvent(name="e", time_unix_nano=EXPLICIT_NANOS),),
        "links": (Link(trace_id=TRACE, span_id=ROOT_ID),),
        "status": Status(code=StatusCode.ERROR, message="m"),
        "scope": SCOPE,
        "resource": RESOURCE,
    }
    return Span(**{**facts, **differing})


ROOT_SPAN = a_span(
    span_id=ROOT_ID,
    parent_span_id=None,
    name="root",
    start_time_unix_nano=START,
    end_time_unix_nano=START + 100,
)
METRIC = MetricIdentity(name="m", type=MetricType.SUM, scope=SCOPE, resource=RESOURCE, unit="s")
TIMES: dict[str, Any] = {"start_time_unix_nano": START + 1, "time_unix_nano": START + 2}
NUMBER = NumberPoint(
    metric=METRIC,
    value=1,
    exemplars=(Exemplar(time_unix_nano=START, value=1, trace_id=TRACE, span_id=CHILD_ID),),
    **TIMES,
)
HISTOGRAM = HistogramPoint(
    metric=METRIC, count=1, sum=1.0, bucket_counts=(1, 0), explicit_bounds=(2.0,), **TIMES
)
EXPONENTIAL = ExponentialHistogramPoint(
    metric=METRIC, count=1, positive=Buckets(offset=3, bucket_counts=(1,)), **TIMES
)
LOG = LogRecord(
    body="it failed",
    severity_number=Severity.ERROR,
    observed_time_unix_nano=START,
    trace_id=TRACE,
    span_id=CHILD_ID,
    scope=SCOPE,
    resource=RESOURCE,
)
GOOD = Run(
    spans=(ROOT_SPAN, a_span()),
    points=(NUMBER, HISTOGRAM, EXPONENTIAL),
    logs=(LOG,),
    started_unix_nano=START,
    ended_unix_nano=START + 1000,
    clock_step_nanos=0,
)


def with_span(**differing: Any) -> Run:  # noqa: ANN401 -- fields of many types
    return replace(GOOD, spans=(ROOT_SPAN, a_span(**differing)))


def with_point(index: int, **differing: Any) -> Run:  # noqa: ANN401 -- fields of many types
    points = list(GOOD.points)
    points[index] = replace(points[index], **differing)
    return replace(GOOD, points=points)


def with_log(**differing: Any) -> Run:  # noqa: ANN401 -- fields of many types
    return replace(GOOD, logs=(replace(LOG, **differing),))


FAULTS: dict[str, Callable[[], Run]] = {
    "a span is lost": lambda: replace(GOOD, spans=(ROOT_SPAN,)),
    "a span is there twice": lambda: replace(GOOD, spans=(*GOOD.spans, a_span())),
    "a parent is lost": lambda: with_span(parent_span_id=None),
    "a parent is unknown": lambda: with_span(parent_span_id="d" * 16),
    "a trace is unknown": lambda: with_span(trace_id="d" * 32),
    "a child ends after its parent": lambda: with_span(end_time_unix_nano=START + 101),
    "a span ends before it starts": lambda: with_span(end_time_unix_nano=START + 9),
    "a span is older than the run": lambda: with_span(start_time_unix_nano=START - 1),
    "a kind differs": lambda: with_span(kind=SpanKind.SERVER),
    "a status differs": lambda: with_span(status=Status(code=StatusCode.ERROR)),
    "an int became a double": lambda: with_span(attributes=Attributes({"number": 1.0})),
    "an int became text": lambda: with_span(attributes=Attributes({"number": "1"})),
    "a list lost its order": lambda: with_span(
        attributes=Attributes({"number": 1, "list": [2, 1]})
    ),
    "an event's time lost a nanosecond": lambda: with_span(
        events=(SpanEvent(name="e", time_unix_nano=EXPLICIT_NANOS + 1),)
    ),
    "a link leads elsewhere": lambda: with_span(links=(Link(trace_id=TRACE, span_id=CHILD_ID),)),
    "a count of dropped links differs": lambda: with_span(dropped_links_count=1),
    "a scope lost its attributes": lambda: with_span(scope=replace(SCOPE, attributes=Attributes())),
    "a resource differs": lambda: with_span(resource=Resource({"service.name": "y"})),
    "a resource lost its schema": lambda: with_span(resource=Resource({"service.name": "x"})),
    "a value differs in type": lambda: with_point(0, value=1.0),
    "a point has an exemplar of another span": lambda: with_point(
        0, exemplars=(Exemplar(time_unix_nano=START, value=1, trace_id=TRACE, span_id=ROOT_ID),)
    ),
    "a point starts after its time": lambda: with_point(0, start_time_unix_nano=START + 3),
    "a point has no time": lambda: with_point(0, time_unix_nano=0),
    "a bucket lost its count": lambda: with_point(1, bucket_counts=(0, 1)),
    "an absent sum became zero": lambda: with_point(2, sum=0.0),
    "a bucket is one off": lambda: with_point(2, positive=Buckets(offset=4, bucket_counts=(1,))),
    "a unit differs": lambda: with_point(0, metric=replace(METRIC, unit="ms")),
    "a log is lost": lambda: replace(GOOD, logs=()),
    "a log is there twice": lambda: replace(GOOD, logs=(LOG, LOG)),
    "a severity differs": lambda: with_log(severity_number=Severity.ERROR2),
    "a log lost its span": lambda: with_log(span_id=None),
    "a log has no observed time": lambda: with_log(observed_time_unix_nano=0),
    "a body became bytes": lambda: with_log(body=b"it failed"),
}


@pytest.mark.parametrize("fault", [pytest.param(make, id=name) for name, make in FAULTS.items()])
def test_a_planted_fault_is_seen(fault: Callable[[], Run]) -> None:
    assert normalised(fault()) != normalised(GOOD)


def test_the_same_under_other_ids_and_times_is_the_same() -> None:
    later, other_root, other_child = 7, "e" * 16, "f" * 16
    ids = {ROOT_ID: other_root, CHILD_ID: other_child}

    def moved(span: Span) -> Span:
        return replace(
            span,
            span_id=ids[span.span_id],
            parent_span_id=ids.get(span.parent_span_id or ""),
            start_time_unix_nano=span.start_time_unix_nano + later,
            end_time_unix_nano=span.end_time_unix_nano + later,
            links=(Link(trace_id=TRACE, span_id=other_root),),
        )

    exemplar = replace(NUMBER.exemplars[0], span_id=other_child)
    other = replace(
        GOOD,
        spans=[moved(span) for span in GOOD.spans],
        points=(replace(NUMBER, exemplars=(exemplar,)), HISTOGRAM, EXPONENTIAL),
        logs=(replace(LOG, span_id=other_child),),
    )
    assert normalised(other) == normalised(GOOD)


def test_a_volatile_value_is_held_to_its_pattern() -> None:
    expected = {"pid": Volatile(r"\d+"), "args": Volatile(r"\['a'.*\]")}
    assert expected == {"pid": "17", "args": ["a", "b"]}
    assert expected != {"pid": "'17'", "args": ["a", "b"]}
    assert expected != {"pid": "17", "args": ["b"]}

from collections.abc import Mapping
from typing import Any

import pytest

from otlptest.errors import ExpectationError, UsageError
from otlptest.model import Span
from otlptest.queries import match
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.metrics.metric_query import MetricQuery
from otlptest.queries.traces.trace_query import TraceQuery
from tests.support.metric_points import number
from tests.support.received import TRACE_ID, a_log, a_span

ROOT_SPAN = a_span("root", span_id="00000000000000a1")
CHILD = a_span(
    "child", service="payments", span_id="00000000000000a2", parent_span_id="00000000000000a1"
)
ORPHAN = a_span("orphan", trace_id="e" * 32, parent_span_id="00000000000000ff")
NAMELESS = a_span("nameless", service=None, trace_id="d" * 32)
LOG = a_log("x", trace_id=TRACE_ID, span_id="00000000000000a2")

CASES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "trace_id": ({"trace_id": TRACE_ID}, {"trace_id": "0" * 32}),
    "service": ({"service": "payments"}, {"service": "other"}),
    "service matcher": ({"service": match.starts_with("pay")}, {"service": match.contains("z")}),
    "span": ({"containing": CHILD}, {"containing": ORPHAN}),
    "log record": (
        {"containing": LOG},
        {"containing": a_log("x", trace_id=TRACE_ID, span_id="0" * 16)},
    ),
    "criteria": (
        {"containing": {"name": "child", "service": "payments"}},
        {"containing": {"name": "child", "service": "shop"}},
    ),
    "any span": ({"containing": {}, "trace_id": TRACE_ID}, {"containing": {"name": "orphan"}}),
}


def traces(*more: Span) -> TraceQuery:
    return TraceQuery(MemorySource([ROOT_SPAN, CHILD, ORPHAN, NAMELESS, *more]))


@pytest.mark.parametrize("criteria", [good for good, _ in CASES.values()], ids=CASES)
def test_trace_that_meets_the_criterion_is_found(criteria: Mapping[str, Any]) -> None:
    assert traces().one(**criteria).trace_id == TRACE_ID


@pytest.mark.parametrize("criteria", [bad for _, bad in CASES.values()], ids=CASES)
def test_trace_that_fails_the_criterion_is_passed_over(criteria: Mapping[str, Any]) -> None:
    assert traces().all(**criteria) == ()


def test_spans_without_a_service_have_none() -> None:
    assert traces().one(service=match.absent()).trace_id == "d" * 32


DIFFERENCES: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "service": (
        {"service": "shipping", "trace_id": TRACE_ID},
        "service 'shipping'",
        "service: expected 'shipping', received 'payments' and 'shop'",
    ),
    "service matcher": (
        {"service": match.contains("z"), "trace_id": TRACE_ID},
        "service match.contains('z')",
        "service: expected match.contains('z'), received 'payments' and 'shop'",
    ),
    "span": (
        {"containing": {"name": "charge"}, "trace_id": TRACE_ID},
        "this collector",
        "containing: expected a span with named 'charge', received spans 'root', 'child'",
    ),
}


@pytest.mark.parametrize(("criteria", "where", "line"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_difference_of_a_trace(criteria: Mapping[str, Any], where: str, line: str) -> None:
    query = TraceQuery(MemorySource([ROOT_SPAN, CHILD], name="this collector"))
    with pytest.raises(ExpectationError) as caught:
        query.first(**criteria)
    (finding,) = caught.value.findings
    assert finding.where == where
    assert line in finding.closest


def test_missing_ancestor_is_named() -> None:
    with pytest.raises(ExpectationError) as caught:
        traces().first(containing=ORPHAN)
    (finding,) = caught.value.findings
    assert finding.closest.splitlines()[0] == (
        f"trace {'e' * 32}: ancestors: expected a root, and each parent received, received"
        " 'orphan' (parent 00000000000000ff is missing)"
    )


def test_long_traces_are_cut() -> None:
    many = [a_span(f"s{n}", start_time_unix_nano=n) for n in range(12)]
    with pytest.raises(ExpectationError) as caught:
        TraceQuery(MemorySource(many)).first(containing={"name": "x"}, trace_id=TRACE_ID)
    assert "'s9', ...)" not in caught.value.findings[0].closest
    assert caught.value.findings[0].closest.endswith("'s8', 's9', ...")


def test_containing_needs_something_that_a_trace_has() -> None:
    with pytest.raises(UsageError) as caught:
        traces().where(containing="child")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "containing must be a span, a log record or span criteria, and is 'child'\n"
        '  hint: containing={"name": "POST /checkout"}'
    )


def test_metric_is_asked_for_by_the_attributes_of_a_point() -> None:
    points = [number(1, attributes={"region": "eu"}), number(2, attributes={"region": "us"})]
    query = MetricQuery(MemorySource(points))
    assert query.one(attributes={"region": "eu"}).name == "orders"
    with pytest.raises(ExpectationError) as caught:
        query.one(attributes={"region": "asia"})
    (finding,) = caught.value.findings
    assert finding.expected == "a metric with a point with region = 'asia'"
    assert "region: expected 'asia', received " in finding.closest

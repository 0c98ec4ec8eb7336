"""Telemetry that was not read, and points that contradict each other, over real sockets."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from otlptest import FakeCollector, match
from otlptest.errors import ExpectationError

START = 1_700_000_000_000_000_000
SECOND = 10**9
SENT_AS_TRACES = "a request of logs, sent as traces"
SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "charge",
    "kind": 1,
    "startTimeUnixNano": str(START),
    "endTimeUnixNano": str(START + 1),
}


@pytest.fixture
def otlp() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


def post(otlp: FakeCollector, document: object, path: str = "/v1/traces") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", otlp.http_port, timeout=10)
    connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    status, body = answer.status, json.loads(answer.read())
    connection.close()
    return status, body


def hits(value: int, *, seconds: int = 1, start: int = START, temporality: int = 1) -> object:
    point = {
        "asInt": str(value),
        "startTimeUnixNano": str(start),
        "timeUnixNano": str(START + seconds * SECOND),
    }
    total = {"dataPoints": [point], "aggregationTemporality": temporality, "isMonotonic": True}
    metrics = [{"name": "hits", "sum": total}]
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": metrics}]}]}


def failure_of(error: pytest.ExceptionInfo[ExpectationError]) -> tuple[str, str]:
    (finding,) = error.value.findings
    return finding.received, finding.hint


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"resource_spans": [{"scope_spans": [{"spans": [SPAN]}]}]}, "resource_spans"),
        ({"ResourceSpans": [{"ScopeSpans": [{"Spans": [SPAN]}]}]}, "ResourceSpans"),
    ],
    ids=["snake_case", "PascalCase"],
)
def test_json_under_an_unknown_key_is_taken_and_named(
    otlp: FakeCollector, document: object, key: str
) -> None:
    assert post(otlp, document) == (200, {})
    (request,) = otlp.requests.all()
    assert request.unread_keys == (f"{key} instead of resourceSpans",)
    assert request.problem is None
    with pytest.raises(ExpectationError) as caught:
        otlp.spans.wait_for_one(name="charge", timeout_s=0)
    received, hint = failure_of(caught)
    assert f"not read in 1 request: what stands under {key} instead of resourceSpans" in received
    assert hint.startswith(f"the JSON has {key} instead of resourceSpans: ")
    (finding,) = otlp.findings()
    assert (finding.rule, finding.where) == ("OTLP-JSON-012", f"request 1: {key}")


def test_json_of_another_signal_is_refused_with_the_reason(otlp: FakeCollector) -> None:
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "paid"}}]}]}]}
    status, body = post(otlp, logs)
    assert (status, body["message"].partition(";")[0]) == (400, SENT_AS_TRACES)
    (request,) = otlp.requests.all()
    assert request.problem is not None
    assert request.problem.message == SENT_AS_TRACES
    assert (request.problem.kind, request.problem.rule) == ("malformed", "OTLP-JSON-036")
    assert post(otlp, logs, "/v1/logs") == (200, {})


def test_deltas_of_one_interval_that_differ_both_count(otlp: FakeCollector) -> None:
    for value in (3, 4):
        post(otlp, hits(value), "/v1/metrics")
    assert otlp.metrics.wait_for_total("hits", 7, timeout_s=0) == 7
    (finding,) = otlp.findings()
    assert finding.rule == "OTLP-METRIC-021"
    assert finding.received.startswith("two points that differ for the interval (")


def test_two_cumulative_writers_of_one_series_are_named(otlp: FakeCollector) -> None:
    for value, seconds in ((3, 1), (5, 1), (4, 2), (6, 2)):
        post(otlp, hits(value, seconds=seconds, temporality=2), "/v1/metrics")
    with pytest.raises(ExpectationError) as caught:
        otlp.metrics.wait_for_total("hits", 10, timeout_s=0)
    received, hint = failure_of(caught)
    assert received == "11 in 1 series"
    assert hint == (
        "a series may have two writers, see OTLP-METRIC-019: give each process that records it a"
        " service.instance.id of its own"
    )


def test_a_span_that_never_ended_is_not_fast(otlp: FakeCollector) -> None:
    post(
        otlp,
        {"resourceSpans": [{"scopeSpans": [{"spans": [{**SPAN, "endTimeUnixNano": "0"}]}]}]},
    )
    assert otlp.spans.where(duration_ms=match.less_than(500)).count() == 0
    assert not otlp.spans.one().duration_ms < 500

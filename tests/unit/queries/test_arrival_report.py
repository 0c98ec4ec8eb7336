"""Whole messages of a query when nothing of its kind arrived: what happened instead."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.errors import ExpectationError
from otlptest.model import (
    PROBLEM_KINDS,
    AggregationTemporality,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Problem,
)
from otlptest.queries.log_query import LogQuery
from otlptest.queries.messages import arrival_report
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.span_query import SpanQuery
from tests.support.received import (
    a_connection,
    a_log,
    a_refused_request,
    a_request,
    a_source,
    a_span,
    a_store,
    an_epoch,
)

POINT = NumberPoint(
    metric=MetricIdentity(
        name="n", type=MetricType.SUM, temporality=AggregationTemporality.CUMULATIVE
    ),
    value=1,
)


def report(source: StoreSource, query: Any = SpanQuery) -> tuple[Sequence[str], str]:  # noqa: ANN401 -- a class of queries
    with pytest.raises(ExpectationError) as caught:
        query(source).wait_for_first(timeout_s=0.0)
    (finding,) = caught.value.findings
    return finding.received.splitlines(), finding.hint


def test_whole_message_when_nothing_came() -> None:
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(a_source()).wait_for_one(name="POST /checkout", service="shop", timeout_s=0.0)
    assert str(caught.value) == (
        "1 unmet expectation\n"
        "no_matching_span: service 'shop'\n"
        "  expected: a span named 'POST /checkout'\n"
        "  received: no spans, within 0.0 s\n"
        "            no connection was opened\n"
        "  hint:     does the program get the endpoint (otlp.environ(),"
        " OTEL_EXPORTER_OTLP_ENDPOINT), does it still run, is its SDK on, and was it flushed"
        " (force_flush)?\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_connection_without_a_request_hints_at_flushing() -> None:
    store = Store()
    store.connection_opened(a_connection(protocol="h2"))
    store.connection_opened(a_connection())
    lines, hint = report(StoreSource(store))
    assert lines == [
        "no spans, within 0.0 s",
        "2 connections without a request (h2 and nothing said)",
    ]
    assert hint == (
        "it connected and sent nothing yet: flush the SDK (force_flush), or wait longer than its"
        " batch delay (OTEL_BSP_SCHEDULE_DELAY)"
    )


REFUSED: dict[str, tuple[str, str, str]] = {
    "wrong path": (
        "wrong_path",
        "/v1/trace is not a path of OTLP",
        (
            "OTLP/HTTP has /v1/traces, /v1/metrics, /v1/logs; with OTEL_EXPORTER_OTLP_ENDPOINT the"
            " SDK adds them, with OTEL_EXPORTER_OTLP_TRACES_ENDPOINT not"
        ),
    ),
    "wrong content type": (
        "wrong_content_type",
        "text/plain is no media type of OTLP",
        "OTLP/HTTP sends application/x-protobuf or application/json",
    ),
    "undecodable": (
        "malformed",
        "no ExportTraceServiceRequest: field 3 has no end",
        (
            "the sender does not write OTLP of this signal; the finding at the end of the test"
            " tells the place"
        ),
    ),
}


@pytest.mark.parametrize(("kind", "text", "expected"), REFUSED.values(), ids=REFUSED)
def test_refused_request_is_told_with_its_reason(kind: str, text: str, expected: str) -> None:
    refused = a_refused_request(kind, text, path="/v1/x")
    lines, hint = report(a_source(refused, a_refused_request(kind, text, path="/v1/x")))
    assert lines == ["no spans, within 0.0 s", f"refused 2 times ({kind}): {text} (POST /v1/x)"]
    assert hint == expected


PROBLEMS: dict[str, tuple[str, str, str]] = {
    "gRPC on the HTTP port": (
        "wrong_port",
        "gRPC was spoken to the HTTP port",
        (
            "protocol and port do not fit: grpc_endpoint takes gRPC, http_endpoint HTTP;"
            " environ(protocol) sets both"
        ),
    ),
    "TLS on a plain port": (
        "tls_mismatch",
        "TLS was spoken to a plaintext port",
        (
            "one side speaks TLS and the other does not: http:// or https:// in the endpoint,"
            " OTEL_EXPORTER_OTLP_INSECURE, FakeCollector(tls=True)"
        ),
    ),
}


@pytest.mark.parametrize(("kind", "text", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_was_no_request_is_told_once(kind: str, text: str, expected: str) -> None:
    store = Store()
    connection = a_connection()
    store.connection_opened(connection)
    store.problem_found(
        Problem(kind=kind, rule="OTLP-HTTP-001", message=text, connection=connection)
    )
    lines, hint = report(StoreSource(store))
    assert lines == ["no spans, within 0.0 s", f"refused ({kind}): {text}"]
    assert hint == expected


def test_every_kind_of_problem_but_an_attack_has_a_hint() -> None:
    assert set(PROBLEM_KINDS) - {"flood"} == set(arrival_report._HINTS)


def test_many_problems_are_cut() -> None:
    requests = [a_refused_request("wrong_path", f"{number} is none") for number in range(7)]
    lines, _ = report(a_source(*requests))
    assert len(lines) == 7
    assert lines[-1] == "and 2 other problems"


def test_problem_without_a_hint_is_told_all_the_same() -> None:
    lines, hint = report(a_source(a_refused_request("flood", "1,001 pings")))
    assert lines[1:] == ["refused (flood): 1,001 pings (POST /v1/traces)"]
    assert not hint


def test_problem_that_is_also_a_refused_request_is_told_once() -> None:
    refused = a_refused_request("malformed", "bad")
    store = a_store(refused)
    store.problem_found(refused.problem or Problem(kind="", rule="", message=""))
    lines, _ = report(StoreSource(store))
    assert lines[1:] == ["refused (malformed): bad (POST /v1/traces)"]


SIGNALS: dict[str, tuple[Any, Mapping[str, str]]] = {
    "spans": (
        SpanQuery,
        {
            "received": "only other signals: 1 request of metrics and 2 requests of logs",
            "hint": (
                "is the exporter on (OTEL_TRACES_EXPORTER=otlp), the trace sampled, and were its"
                " spans ended and flushed (force_flush)?"
            ),
        },
    ),
    "profiles": (
        ProfileQuery,
        {
            "received": "only other signals: 1 request of metrics and 2 requests of logs",
            "hint": "does the SDK export profiles? Most do not yet",
        },
    ),
}


@pytest.mark.parametrize(("query", "expected"), SIGNALS.values(), ids=SIGNALS)
def test_other_signals_are_told(query: Any, expected: Mapping[str, str]) -> None:  # noqa: ANN401 -- a class of queries
    source = a_source(
        a_request([POINT], signal="metrics"),
        a_request([a_log()], signal="logs"),
        a_request([a_log()], signal="logs"),
    )
    lines, hint = report(source, query)
    assert lines[1:] == [expected["received"]]
    assert hint == expected["hint"]


def test_empty_requests_are_told() -> None:
    lines, hint = report(a_source(a_request([]), a_request([])))
    assert lines == ["no spans, within 0.0 s", "2 requests of traces without spans"]
    assert hint == "the sender exports, but no spans"


def test_keys_that_nothing_was_read_from_are_named_with_the_right_ones() -> None:
    first, second = a_request([]), a_request([])
    first.unread_keys = ("resource_spans instead of resourceSpans",)
    second.unread_keys = (*first.unread_keys, "resourceSpans[0].data")
    lines, hint = report(a_source(first, second))
    assert lines == [
        "no spans, within 0.0 s",
        (
            "not read in 2 requests: what stands under resource_spans instead of resourceSpans and"
            " resourceSpans[0].data"
        ),
        "2 requests of traces without spans",
    ]
    assert hint == (
        "the JSON has resource_spans instead of resourceSpans: a reader of OTLP ignores keys that"
        " it does not know"
    )


def test_keys_of_another_signal_are_not_the_cause() -> None:
    request = a_request([], signal="metrics")
    request.unread_keys = ("resource_metrics instead of resourceMetrics",)
    lines, _ = report(a_source(request))
    assert lines == ["no spans, within 0.0 s", "only other signals: 1 request of metrics"]


def test_keys_that_nothing_was_read_from_are_named_beside_what_was() -> None:
    request = a_request([a_span(name="refund")])
    request.unread_keys = ("resourceSpans[0].spans",)
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(a_source(request)).wait_for_first(name="charge", timeout_s=0.0)
    (finding,) = caught.value.findings
    assert (
        finding.received.splitlines()[-1]
        == "not read in 1 request: what stands under resourceSpans[0].spans"
    )


def test_leftovers_that_are_surely_of_an_earlier_test_are_told() -> None:
    source = a_source(a_request([a_span()], started_at=9.0), epoch=an_epoch())
    lines, hint = report(source)
    assert lines == [
        "no spans, within 0.0 s",
        "left over from an earlier test: 1 request and 1 span",
    ]
    assert hint == (
        "what arrived belongs to an earlier test, which ended before its telemetry came: end it"
        " with evidence or stop its processes"
    )


def test_leftovers_of_an_earlier_test_are_told() -> None:
    source = a_source(
        a_request([a_span(start_time_unix_nano=500), a_span(start_time_unix_nano=600)]),
        epoch=an_epoch(),
    )
    lines, hint = report(source)
    assert lines == [
        "no spans, within 0.0 s",
        "left over from an earlier test: 1 request and 2 spans",
        (
            "one of them: it is dated 5e-07 s before this test, in a request that began in it: it"
            " was sent late, or the clock of its sender may be behind"
        ),
    ]
    assert hint == (
        "if it is of this test, the clock of its sender is the reason: otlp.new_trace() headers for"
        " the call, or otlp_process for the program, say whose it is, whatever the clock says"
    )


def test_no_request_at_all() -> None:
    lines, _ = report(a_source(), RequestQuery)
    assert lines == ["no requests, within 0.0 s", "no connection was opened"]


def test_refusal_beside_what_arrived_is_told_too() -> None:
    source = a_source(a_request([a_log()], signal="logs"), a_refused_request("too_large", "big"))
    with pytest.raises(ExpectationError) as caught:
        LogQuery(source).first(body="other")
    assert caught.value.findings[0].received == (
        "1 log record in 1 request over grpc, now\nrefused (too_large): big (POST /v1/traces)"
    )

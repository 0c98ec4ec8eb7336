"""Whole messages: what a failing test shows."""

from collections.abc import Mapping
from typing import Any

import pytest

from otlptest.errors import ExpectationError
from otlptest.model import ROOT, Span, SpanEvent, SpanKind
from otlptest.queries import match
from otlptest.queries.log_query import LogQuery
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.span_query import SpanQuery
from tests.support.received import a_log, a_request, a_source, a_span

STATUS = "http.response.status_code"
CHECKOUT = "POST /checkout"


def message(*spans: Span, **criteria: Any) -> str:  # noqa: ANN401 -- any criterion
    source = a_source(a_request(spans))
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(source).wait_for_one(timeout_s=0.0, **criteria)
    return str(caught.value)


def numbered(name: str, number: int, **fields: Any) -> Span:  # noqa: ANN401 -- any field
    return a_span(name, span_id=f"{number:016x}", **fields)


def test_the_example_of_the_house_style() -> None:
    spans = [numbered(CHECKOUT, 1, attributes={STATUS: 500})]
    assert message(*spans, name=CHECKOUT, service="shop", attributes={STATUS: 200}) == (
        "1 unmet expectation\n"
        "no_matching_span: service 'shop'\n"
        "  expected: a span named 'POST /checkout' with http.response.status_code = 200\n"
        "  received: 1 span in 1 request over grpc, within 0.0 s\n"
        "  closest:  'POST /checkout' (span 0000000000000001): http.response.status_code:"
        " expected 200, received 500\n"
        "  hint:     the closest did arrive, and differs; if another is meant, flush the SDK"
        " before waiting (force_flush)\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_old_attribute_name_is_pointed_out() -> None:
    spans = [numbered(CHECKOUT, 1, attributes={"http.status_code": 200})]
    assert message(*spans, name=CHECKOUT, attributes={STATUS: 200}) == (
        "1 unmet expectation\n"
        "no_matching_span: this collector\n"
        "  expected: a span named 'POST /checkout' with http.response.status_code = 200\n"
        "  received: 1 span in 1 request over grpc, within 0.0 s\n"
        "  closest:  'POST /checkout' (span 0000000000000001): http.response.status_code:"
        " expected 200, received absent; there is 'http.status_code' = 200\n"
        "  hint:     the attribute has another name than the test expects\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_wrong_type_is_shown_by_type() -> None:
    spans = [numbered(CHECKOUT, 1, attributes={STATUS: "200"})]
    assert message(*spans, attributes={STATUS: 200}) == (
        "1 unmet expectation\n"
        "no_matching_span: this collector\n"
        "  expected: a span with http.response.status_code = 200\n"
        "  received: 1 span in 1 request over grpc, within 0.0 s\n"
        "  closest:  'POST /checkout' (span 0000000000000001): http.response.status_code:"
        " expected int 200, received str '200'\n"
        "  hint:     attribute values compare by OTLP type: 1, 1.0, '1' and True are four values\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_closest_come_first_and_alike_ones_once() -> None:
    spans = [
        numbered("GET /", 1),
        numbered(CHECKOUT, 2, service="payments", kind=SpanKind.SERVER),
        numbered(CHECKOUT, 3, kind=SpanKind.CLIENT),
        numbered(CHECKOUT, 4, kind=SpanKind.CLIENT),
        numbered("POST /check", 5, kind=SpanKind.SERVER),
    ]
    assert message(*spans, name=CHECKOUT, service="shop", kind=SpanKind.SERVER) == (
        "1 unmet expectation\n"
        "no_matching_span: service 'shop'\n"
        "  expected: a span named 'POST /checkout' with kind = SpanKind.SERVER\n"
        "  received: 5 spans in 1 request over grpc, within 0.0 s\n"
        "  closest:  'POST /check' (span 0000000000000005): name: expected 'POST /checkout',"
        " received 'POST /check'\n"
        "            'POST /checkout' (span 0000000000000004): kind: expected SpanKind.SERVER,"
        " received SpanKind.CLIENT (and 1 more like it)\n"
        "            'POST /checkout' (span 0000000000000002): service: expected 'shop',"
        " received 'payments'\n"
        "  hint:     a name much like it was received: is it misspelt, in the test or in the"
        " program?\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_each_differing_field_has_a_line() -> None:
    spans = [numbered(CHECKOUT, 1, kind=SpanKind.CLIENT, attributes={"a": 1, "b": 1})]
    found = message(*spans, name=CHECKOUT, kind=SpanKind.SERVER, attributes={"a": 1, "b": 2})
    assert found == (
        "1 unmet expectation\n"
        "no_matching_span: this collector\n"
        "  expected: a span named 'POST /checkout' with kind = SpanKind.SERVER, a = 1 and b = 2\n"
        "  received: 1 span in 1 request over grpc, within 0.0 s\n"
        "  closest:  'POST /checkout' (span 0000000000000001):\n"
        "              kind: expected SpanKind.SERVER, received SpanKind.CLIENT\n"
        "              b: expected 2, received 1\n"
        "  hint:     the closest did arrive, and differs; if another is meant, flush the SDK"
        " before waiting (force_flush)\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_when_nothing_is_close_services_and_names_are_listed() -> None:
    spans = [
        *(numbered("GET /health", number) for number in range(3)),
        numbered("GET /", 3),
        numbered("tick", 4, service="cron"),
        numbered("lost", 5, service=None),
    ]
    assert message(*spans, name="charge card") == (
        "1 unmet expectation\n"
        "no_matching_span: this collector\n"
        "  expected: a span named 'charge card'\n"
        "  received: 6 spans in 1 request over grpc, within 0.0 s\n"
        "  closest:  nothing close; the spans received:\n"
        "            service 'shop': 'GET /health' (3), 'GET /' (1)\n"
        "            service 'cron': 'tick' (1)\n"
        "            no service.name: 'lost' (1)\n"
        "  hint:     if the SDK batches, flush it before waiting (force_flush)\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_many_services_and_names_are_cut() -> None:
    spans = [
        numbered(f"n{number}", number, service=f"s{number % 7}" if number > 9 else "s0")
        for number in range(20)
    ]
    assert message(*spans, name="charge card").splitlines()[4:-2] == [
        "  closest:  nothing close; the spans received:",
        (
            "            service 's0': 'n0' (1), 'n1' (1), 'n2' (1), 'n3' (1), 'n4' (1) and 6 other"
            " names"
        ),
        "            service 's3': 'n10' (1), 'n17' (1)",
        "            service 's4': 'n11' (1), 'n18' (1)",
        "            service 's5': 'n12' (1), 'n19' (1)",
        "            service 's6': 'n13' (1)",
        "            and 2 other services",
    ]


def test_too_few_say_how_many_there_are() -> None:
    source = a_source(a_request([numbered("a", 1), numbered("a", 2), numbered("ab", 3)]))
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(source).wait_for(3, name="a", timeout_s=0.0)
    assert str(caught.value) == (
        "1 unmet expectation\n"
        "no_matching_span: this collector\n"
        "  expected: at least 3 spans named 'a'\n"
        "  received: 2 matches among 3 spans in 1 request over grpc, within 0.0 s\n"
        "  closest:  'ab' (span 0000000000000003): name: expected 'a', received 'ab'\n"
        "  hint:     a name much like it was received: is it misspelt, in the test or in the"
        " program?\n"
        "  explain:  otlptest explain no_matching_span"
    )


def test_too_many_are_named_with_their_requests() -> None:
    spans = [numbered("a", number) for number in range(5)]
    source = a_source(a_request(spans[:2]), a_request(spans[2:]))
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(source).one(name="a")
    assert str(caught.value) == (
        "1 unmet expectation\n"
        "too_many_matches: this collector\n"
        "  expected: exactly 1 span named 'a'\n"
        "  received: 5 spans:\n"
        "            'a' (span 0000000000000000) in request 1\n"
        "            'a' (span 0000000000000001) in request 1\n"
        "            'a' (span 0000000000000002) in request 2\n"
        "            and 2 more\n"
        "  hint:     narrow the criteria, or use wait_for_first(…) or wait_for(count, …)\n"
        "  explain:  otlptest explain too_many_matches"
    )


def test_the_same_span_twice_is_said_to_be_that() -> None:
    span = numbered("a", 1)
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(a_source(a_request([span]), a_request([span]))).one()
    assert caught.value.findings[0].hint == (
        "all are one and the same, sent more than once: is an exporter registered twice, or did"
        " it retry?"
    )


def test_only_the_newest_are_compared_and_it_says_so() -> None:
    spans = [a_span("GET /item", span_id=f"{number:016x}") for number in range(10_010)]
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(MemorySource(spans)).first(name="GET /items")
    assert caught.value.findings[0].closest == (
        "'GET /item' (span 0000000000002719): name: expected 'GET /items', received 'GET /item'"
        " (and 9,999 more like it)\n"
        "(looked at the newest 10,000 of 10,010 spans)"
    )


DIFFERENCES: dict[str, tuple[Mapping[str, Any], str]] = {
    "matcher": (
        {"duration_ms": match.less_than(-1)},
        "duration_ms: expected match.less_than(-1), received 2.0",
    ),
    "root": ({"parent": ROOT}, "parent: expected ROOT, received span 00000000000000aa"),
    "parent id": (
        {"parent": "00000000000000ab"},
        "parent: expected span 00000000000000ab, received span 00000000000000aa",
    ),
    "parent span": (
        {"parent": a_span("up", span_id="00000000000000ac")},
        "parent: expected 'up' (span 00000000000000ac), received span 00000000000000aa",
    ),
    "parent of another trace": (
        {"parent": a_span("up", span_id="00000000000000aa", trace_id="f" * 32)},
        (
            "parent: expected 'up' (span 00000000000000aa), received span 00000000000000aa of"
            " trace 0af7651916cd43dd8448eb211c80319c"
        ),
    ),
    "parent matcher": (
        {"parent": match.absent()},
        "parent: expected match.absent(), received '00000000000000aa'",
    ),
    "event": ({"events": ["x", "e"]}, "events: expected 'x', received 'e'"),
    "link": ({"links": "0" * 16}, "links: expected '0000000000000000', received none"),
    "resource": (
        {"resource": {"host.name": "b"}},
        "resource.host.name: expected 'b', received absent",
    ),
    "scope": ({"scope": {"version": "1"}}, "scope.version: expected '1', received ''"),
    "unknown service": (
        {"service": match.absent()},
        "service: expected match.absent(), received 'shop'",
    ),
}


@pytest.mark.parametrize(("criteria", "line"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_difference_of_each_kind_of_field(criteria: Mapping[str, Any], line: str) -> None:
    span = numbered(
        "a",
        1,
        parent_span_id="00000000000000aa",
        end_time_unix_nano=2_000_000,
        events=(SpanEvent(name="e"),),
    )
    assert (
        f"  closest:  'a' (span 0000000000000001): {line}"
        in message(span, name="a", **criteria).splitlines()
    )


def test_a_span_that_has_no_end_has_no_duration_to_match() -> None:
    span = numbered("a", 1, start_time_unix_nano=1_700_000_000_000_000_000)
    assert (
        "  closest:  'a' (span 0000000000000001): duration_ms: expected match.less_than(500),"
        " received none: the span has no end (end_time_unix_nano is 0)"
    ) in message(span, name="a", duration_ms=match.less_than(500)).splitlines()


def test_failing_callable_is_named_by_its_place() -> None:
    source = a_source(a_request([numbered("a", 1)]))
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(source).first(lambda span: span.duration_ms > 5, name="a")
    (finding,) = caught.value.findings
    assert finding.closest.startswith(
        "'a' (span 0000000000000001): the lambda in test_nearest_miss.py:"
    )
    assert finding.closest.endswith(": expected true, received false")


def long_enough(span: Span) -> bool:
    return span.duration_ms > 5


def test_named_callable_is_named_by_its_name() -> None:
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(a_source(a_request([numbered("a", 1)]))).first(long_enough, name="a")
    (finding,) = caught.value.findings
    assert finding.expected == "a span named 'a' with long_enough() true"
    assert finding.closest == (
        "'a' (span 0000000000000001): long_enough(): expected true, received false"
    )


def test_long_values_are_cut() -> None:
    found = message(numbered("a", 1, attributes={"x": "y" * 500}), attributes={"x": "z"})
    assert f"received '{'y' * 200}'... (500 characters)" in found


def test_missing_log_record() -> None:
    source = a_source(
        a_request([a_log("card declined")], signal="logs", protocol="http/protobuf"),
        a_request([a_log({"a": 1}, event_name="paid")], signal="logs"),
    )
    with pytest.raises(ExpectationError) as caught:
        LogQuery(source).wait_for_one(body="card accepted", service="shop", timeout_s=0.0)
    assert str(caught.value) == (
        "1 unmet expectation\n"
        "no_matching_log: service 'shop'\n"
        "  expected: a log record with body = 'card accepted'\n"
        "  received: 2 log records in 2 requests over grpc and http/protobuf, within 0.0 s\n"
        "  closest:  log record 'card declined': body: expected 'card accepted', received"
        " 'card declined'\n"
        "            log record 'paid': body: expected str 'card accepted', received mapping"
        " {'a': 1}\n"
        "  hint:     the closest did arrive, and differs; if another is meant, flush the SDK"
        " before waiting (force_flush)\n"
        "  explain:  otlptest explain no_matching_log"
    )


def test_missing_request() -> None:
    source = a_source(a_request([a_span()], headers=[("X-Tenant", "a"), ("authorization", "s")]))
    with pytest.raises(ExpectationError) as caught:
        RequestQuery(source).first(signal="traces", headers={"x-tenant": "b"})
    assert str(caught.value) == (
        "1 unmet expectation\n"
        "no_matching_request: this collector\n"
        "  expected: a request with signal = 'traces' and header x-tenant = 'b'\n"
        "  received: 1 request, now\n"
        "  closest:  request 1 (POST /v1/traces): header x-tenant: expected 'b', received 'a'\n"
        "  hint:     the closest did arrive, and differs; if another is meant,"
        " wait_for_first(…) waits\n"
        "  explain:  otlptest explain no_matching_request"
    )

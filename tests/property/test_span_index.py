"""A query over stored bytes gives what a decoding of everything gives, however it was encoded."""

from typing import Any

from hypothesis import assume, given, settings, strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.collector.store_source import StoreSource
from otlptest.model import Attributes, Resource, Scope, Span, SpanKind, Status, StatusCode
from otlptest.queries import match
from otlptest.queries.criteria.matching import equals
from otlptest.queries.messages.wording import ABSENT
from otlptest.queries.span_query import SpanQuery
from otlptest.strategies import encodings
from otlptest.wire.otlp.otlp_traces import request_from_spans, spans_from_request
from tests.support.received import a_request, a_span, a_store

NAMES = ["GET /", "GET /items", "", "é", "GET"]
KEYS = ["k", "key", "http.response.status_code", "GET /", "é"]
INTS = [0, 1, 5, 7, 127, 128, 200, 404, -1, -200, 2**63 - 1, -(2**63)]
VALUES = st.one_of(
    st.sampled_from(INTS),
    st.sampled_from(["", "GET", "GET /items", "200", "é"]),
    st.booleans(),
    st.sampled_from([0.0, -0.0, 1.0, 200.0, float("nan"), float("inf")]),
    st.sampled_from([b"", b"\x00", b"GET"]),
    st.none(),
    st.lists(st.sampled_from(["GET", 200, 1.0]), max_size=2),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["GET", 200]), max_size=2),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3)
IDS = st.sampled_from([1, 2, 0x98_80])
SERVICES = st.sampled_from(["shop", "payments", None])
SPANS = st.builds(
    lambda name, service, attributes, trace_id, span_id, parent, kind, status: Span(
        name=name,
        trace_id=f"{trace_id:032x}",
        span_id=f"{span_id:016x}",
        parent_span_id=None if parent is None else f"{parent:016x}",
        kind=kind,
        status=Status(code=status),
        attributes=Attributes(attributes),
        resource=Resource({"service.name": service} if service else {}),
        scope=Scope(name="scope"),
        start_time_unix_nano=trace_id,
    ),
    st.sampled_from(NAMES),
    SERVICES,
    ATTRIBUTES,
    IDS,
    IDS,
    st.none() | IDS,
    st.sampled_from(SpanKind),
    st.sampled_from(StatusCode),
)
WANTED = st.one_of(
    VALUES,
    st.just(match.present()),
    st.just(match.absent()),
    st.just(match.not_("GET")),
    st.just(match.at_least(5)),
    st.just(match.contains("GET")),
    st.just(match.one_of(200, match.absent())),
)
CRITERIA = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([*NAMES, "other"]) | st.just(match.regex("GET")),
        "service": st.sampled_from(["shop", "other"]) | st.just(match.absent()),
        "attributes": st.dictionaries(st.sampled_from([*KEYS, "x"]), WANTED, max_size=2),
        "trace_id": st.sampled_from([1, 3]),
        "span_id": st.sampled_from([1, 0x98_80]),
        "parent": st.sampled_from([2, 3]) | st.just(match.absent()),
        "kind": st.sampled_from([SpanKind.SERVER, SpanKind.UNSPECIFIED]),
        "status": st.sampled_from([StatusCode.ERROR, StatusCode.UNSET]),
        "resource": st.just({"service.name": match.regex("s")}),
    },
)


@given(st.data(), st.lists(st.lists(SPANS, max_size=4), max_size=3), st.lists(CRITERIA, max_size=3))
@settings(deadline=None, max_examples=50)
def test_query_over_bytes_gives_what_decoding_everything_gives(
    data: st.DataObject, batches: list[list[Span]], questions: list[dict[str, Any]]
) -> None:
    bodies = []
    for batch in batches:
        message = request_from_spans(batch)
        body = data.draw(encodings(message))
        assert ExportTraceServiceRequest.FromString(body) is not None
        bodies.append(body)
    source = StoreSource(a_store(*(a_request(body=body) for body in bodies)))
    everything = [
        span
        for body in bodies
        for span in spans_from_request(ExportTraceServiceRequest.FromString(body))
    ]
    query = SpanQuery(source)
    assert query.all() == tuple(everything)
    for criteria in questions:
        narrowed = query.where(**criteria)
        expected = [
            span for span in everything if all(c.matches(span) for c in narrowed.conditions)
        ]
        assert narrowed.all() == tuple(expected)


@given(st.data(), st.lists(SPANS, min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_mangled_bytes_mean_the_same(data: st.DataObject, spans: list[Span]) -> None:
    message = request_from_spans(spans)
    again = ExportTraceServiceRequest.FromString(data.draw(encodings(message)))
    assert tuple(spans_from_request(again)) == tuple(spans_from_request(message))


@given(st.data(), SPANS, st.sampled_from([*KEYS, "x"]), WANTED)
@settings(deadline=None, max_examples=100)
def test_span_that_matches_is_never_left_out(
    data: st.DataObject, span: Span, key: str, wanted: object
) -> None:
    """Aimed: the criteria are those that the span meets, so each example tests the prefilter."""
    own: list[dict[str, Any]] = [
        {"name": span.name},
        {"trace_id": span.trace_id, "span_id": span.span_id},
        {"parent": span.parent_span_id or match.absent()},
        {"kind": span.kind, "status": span.status.code},
        *({"attributes": {key: value}} for key, value in span.attributes.items()),
    ]
    if equals(wanted, span.attributes.get(key, ABSENT)):
        own.append({"attributes": {key: wanted}})
    body = data.draw(encodings(request_from_spans([span])))
    query = SpanQuery(StoreSource(a_store(a_request(body=body))))
    for criteria in own:
        assert query.count(**criteria) == 1, criteria


@given(st.data(), st.sampled_from(INTS))
@settings(deadline=None, max_examples=100)
def test_integer_is_found_however_it_is_padded(data: st.DataObject, number: int) -> None:
    span = a_span("a", attributes={"n": number})
    body = data.draw(encodings(request_from_spans([span])))
    query = SpanQuery(StoreSource(a_store(a_request(body=body))))
    assert query.count(attributes={"n": number}) == 1


@given(st.data(), st.sampled_from(INTS), st.sampled_from(INTS))
@settings(deadline=None, max_examples=50)
def test_integer_of_another_value_is_not_found(
    data: st.DataObject, number: int, other: int
) -> None:
    assume(number != other)
    body = data.draw(encodings(request_from_spans([a_span("a", attributes={"n": number})])))
    query = SpanQuery(StoreSource(a_store(a_request(body=body))))
    assert query.count(attributes={"n": other}) == 0

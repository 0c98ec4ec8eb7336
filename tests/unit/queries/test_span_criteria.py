import math
from collections.abc import Mapping
from typing import Any

import pytest

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import (
    ROOT,
    Attributes,
    Link,
    Scope,
    Span,
    SpanEvent,
    SpanKind,
    Status,
    StatusCode,
)
from otlptest.queries import match
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.span_query import SpanQuery
from tests.support.received import TRACE_ID, a_span

PARENT = a_span("parent", span_id="00000000000000aa")
SPAN = a_span(
    "POST /checkout",
    kind=SpanKind.SERVER,
    status=Status(code=StatusCode.ERROR, message="no"),
    attributes={
        "n": 1,
        "f": 1.0,
        "s": "1",
        "b": True,
        "list": [1, "a"],
        "raw": b"\x00",
        "nil": None,
    },
    resource={"service.name": "shop", "host.name": "a"},
    scope=Scope(name="http", version="2", attributes=Attributes({"x": 1})),
    span_id="00000000000000bb",
    parent_span_id="00000000000000aa",
    events=(
        SpanEvent(name="exception", attributes=Attributes({"exception.type": "Boom"})),
        SpanEvent(name="retry"),
    ),
    links=(Link(trace_id=TRACE_ID, span_id="00000000000000aa", attributes=Attributes({"k": 1})),),
    start_time_unix_nano=1_000_000,
    end_time_unix_nano=6_000_000,
    exporter="otlp/tracing",
)
BARE = a_span("bare", service=None, trace_id="f" * 32, span_id="00000000000000cc")
OUTSIDE = a_span("outside", parent_span_id="00000000000000dd", has_outside_parent=True)

# criteria that SPAN meets, criteria that it does not
CASES: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "name": ({"name": "POST /checkout"}, {"name": "POST"}),
    "name matcher": ({"name": match.starts_with("POST")}, {"name": match.absent()}),
    "service": ({"service": "shop"}, {"service": "payments"}),
    "service matcher": ({"service": match.present()}, {"service": match.absent()}),
    "kind": ({"kind": SpanKind.SERVER}, {"kind": SpanKind.CLIENT}),
    "kind number": ({"kind": 2}, {"kind": 77}),
    "kind matcher": (
        {"kind": match.one_of(SpanKind.SERVER, SpanKind.CLIENT)},
        {"kind": match.not_(SpanKind.SERVER)},
    ),
    "status": ({"status": StatusCode.ERROR}, {"status": StatusCode.OK}),
    "attribute int": ({"attributes": {"n": 1}}, {"attributes": {"n": 1.0}}),
    "attribute double": ({"attributes": {"f": 1.0}}, {"attributes": {"f": 1}}),
    "attribute text": ({"attributes": {"s": "1"}}, {"attributes": {"s": 1}}),
    "attribute bool": ({"attributes": {"b": True}}, {"attributes": {"b": 1}}),
    "attribute list": ({"attributes": {"list": [1, "a"]}}, {"attributes": {"list": ["a", 1]}}),
    "attribute tuple": ({"attributes": {"list": (1, "a")}}, {"attributes": {"list": (1,)}}),
    "attribute bytes": ({"attributes": {"raw": b"\x00"}}, {"attributes": {"raw": "\x00"}}),
    "attribute empty": ({"attributes": {"nil": None}}, {"attributes": {"n": None}}),
    "attribute matcher": (
        {"attributes": {"n": match.less_than(2)}},
        {"attributes": {"n": match.less_than(1)}},
    ),
    "attribute absent": (
        {"attributes": {"x": match.absent()}},
        {"attributes": {"n": match.absent()}},
    ),
    "attribute present": (
        {"attributes": {"nil": match.present()}},
        {"attributes": {"x": match.present()}},
    ),
    "attributes, all of them": (
        {"attributes": {"n": 1, "s": "1"}},
        {"attributes": {"n": 1, "s": "2"}},
    ),
    "no attributes asked for": ({"attributes": {}}, {"attributes": {"x": None}}),
    "resource": ({"resource": {"host.name": "a"}}, {"resource": {"host.name": "b"}}),
    "scope name": ({"scope": "http"}, {"scope": "grpc"}),
    "scope matcher": ({"scope": match.regex("^ht")}, {"scope": match.regex("^tt")}),
    "scope parts": (
        {"scope": {"name": "http", "version": match.one_of("1", "2"), "attributes": {"x": 1}}},
        {"scope": {"attributes": {"x": "1"}}},
    ),
    "trace_id": ({"trace_id": TRACE_ID.upper()}, {"trace_id": "f" * 32}),
    "trace_id number": ({"trace_id": int(TRACE_ID, 16)}, {"trace_id": 7}),
    "span_id": ({"span_id": "00000000000000bb"}, {"span_id": 1}),
    "span_id matcher": ({"span_id": match.ends_with("bb")}, {"span_id": match.absent()}),
    "parent id": ({"parent": "00000000000000AA"}, {"parent": "00000000000000bb"}),
    "parent number": ({"parent": 0xAA}, {"parent": 0xAB}),
    "parent span": ({"parent": PARENT}, {"parent": SPAN}),
    "parent span of another trace": ({"parent": PARENT}, {"parent": BARE}),
    "parent matcher": ({"parent": match.present()}, {"parent": match.absent()}),
    "not a root": ({}, {"parent": ROOT}),
    "event": ({"events": "exception"}, {"events": "except"}),
    "events": ({"events": ["retry", "exception"]}, {"events": ["retry", "other"]}),
    "event pattern": ({"events": match.starts_with("exc")}, {"events": match.ends_with("x")}),
    "event with attributes": (
        {"events": {"name": "exception", "attributes": {"exception.type": "Boom"}}},
        {"events": {"name": "retry", "attributes": {"exception.type": "Boom"}}},
    ),
    "event by attributes": (
        {"events": [{"attributes": {"exception.type": match.present()}}]},
        {"events": [{"attributes": {"exception.type": "boom"}}]},
    ),
    "event names": (
        {"events": match.unordered(["retry", "exception"])},
        {"events": match.not_(match.contains("retry"))},
    ),
    "events at all": ({"events": match.present()}, {"events": match.absent()}),
    "link to a span": ({"links": PARENT}, {"links": SPAN}),
    "link by span id": ({"links": "00000000000000AA"}, {"links": "00000000000000bb"}),
    "link by trace id": ({"links": TRACE_ID}, {"links": "f" * 32}),
    "link with attributes": (
        {"links": {"span_id": "00000000000000aa", "attributes": {"k": 1}}},
        {"links": {"trace_id": TRACE_ID, "attributes": {"k": 2}}},
    ),
    "links": ({"links": [PARENT, {"attributes": {"k": 1}}]}, {"links": [PARENT, BARE]}),
    "linked ids": ({"links": match.contains("00000000000000aa")}, {"links": match.absent()}),
    "duration": ({"duration_ms": 5}, {"duration_ms": 5.1}),
    "duration matcher": (
        {"duration_ms": match.between(4, 6)},
        {"duration_ms": match.less_than(5)},
    ),
    "exporter": ({"exporter": "otlp/tracing"}, {"exporter": match.absent()}),
}


NO_END = Span(trace_id="", span_id="", name="open", start_time_unix_nano=1_700_000_000 * 10**9)


def test_a_span_without_an_end_has_no_duration() -> None:
    assert math.isnan(NO_END.duration_ms)
    assert not NO_END.duration_ms < 500
    assert not NO_END.duration_ms > 500
    found = query(NO_END)
    for number in (0, -1e12, match.less_than(500), match.greater_than(0), match.between(-1e18, 0)):
        assert found.where(duration_ms=number).count() == 0
    assert found.where(duration_ms=match.absent()).count() == 1
    assert found.where(duration_ms=match.present()).count() == 0


def test_a_span_that_ends_before_it_starts_keeps_its_negative_duration() -> None:
    span = Span(trace_id="", span_id="", start_time_unix_nano=3_000_000, end_time_unix_nano=10**6)
    assert span.duration_ms == -2
    assert query(span).where(duration_ms=match.less_than(0)).count() == 1


def query(*spans: Span) -> SpanQuery:
    return SpanQuery(MemorySource(spans))


@pytest.mark.parametrize("criteria", [good for good, _ in CASES.values()], ids=CASES)
def test_span_that_meets_the_criterion_is_found(criteria: Mapping[str, Any]) -> None:
    assert query(SPAN).all(**criteria) == (SPAN,)


@pytest.mark.parametrize("criteria", [bad for _, bad in CASES.values()], ids=CASES)
def test_span_that_fails_the_criterion_is_passed_over(criteria: Mapping[str, Any]) -> None:
    assert query(SPAN).all(**criteria) == ()


def test_root_is_a_span_without_parent_or_below_an_invented_one() -> None:
    assert query(SPAN, BARE, OUTSIDE).all(parent=ROOT) == (BARE, OUTSIDE)


def test_what_a_bare_span_lacks_is_absent() -> None:
    absent = match.absent()
    assert query(SPAN, BARE).all(
        service=absent, parent=absent, events=absent, links=absent, exporter=absent
    ) == (BARE,)


WRONG: dict[str, tuple[Mapping[str, Any], str]] = {
    "unknown criterion": (
        {"nam": "x"},
        "unknown criterion of spans 'nam'\n  hint: did you mean 'name'?",
    ),
    "nothing like it": (
        {"zzz": "x"},
        (
            "unknown criterion of spans 'zzz'\n  hint: there are: name, service, kind, status,"
            " attributes, resource, scope, trace_id, span_id, parent, events, links, duration_ms,"
            " exporter"
        ),
    ),
    "None": (
        {"service": None},
        "service must be a value or a matcher, and is None\n  hint: service=match.absent()",
    ),
    "name list": (
        {"name": ["a", "b"]},
        ("name must be text or a matcher, and is ['a', 'b']\n  hint: match.one_of('a', 'b')"),
    ),
    "status text": (
        {"status": "ERROR"},
        (
            "status must be a StatusCode or a matcher, and is 'ERROR'\n"
            "  hint: status=StatusCode.ERROR"
        ),
    ),
    "kind text": (
        {"kind": "client"},
        "kind must be a SpanKind or a matcher, and is 'client'\n  hint: kind=SpanKind.CLIENT",
    ),
    "kind bool": (
        {"kind": True},
        "kind must be a SpanKind or a matcher, and is True\n  hint: kind=SpanKind.CONSUMER",
    ),
    "enum of another kind": (
        {"kind": StatusCode.OK},
        (
            "kind must be a SpanKind or a matcher, and is StatusCode.OK of otlptest.model.enums\n"
            "  hint: kind=SpanKind.CONSUMER"
        ),
    ),
    "attributes text": (
        {"attributes": "a"},
        (
            "attributes must be a mapping of names to values, and is 'a'\n"
            '  hint: attributes={"name": "value"}'
        ),
    ),
    "attribute name": (
        {"attributes": {1: 2}},
        ('attributes must have text as names, and has 1\n  hint: attributes={"name": "value"}'),
    ),
    "attribute value": (
        {"attributes": {"a": {1, 2}}},
        (
            "attributes['a'] must be a value of OTLP or a matcher, and is {1, 2}\n"
            "  hint: match.one_of(1, 2)"
        ),
    ),
    "attribute value within": (
        {"attributes": {"a": [{"b": object}]}},
        (
            "attributes['a']['b'] must be a value of OTLP or a matcher, and is <class 'object'>\n"
            "  hint: name=match.regex(…), name=match.present()"
        ),
    ),
    "scope part": (
        {"scope": {"nam": "x"}},
        "unknown part of a scope 'nam'\n  hint: did you mean 'name'?",
    ),
    "short id": (
        {"trace_id": "abc"},
        "trace_id must be 32 hex digits or a matcher, and is 'abc'",
    ),
    "0x": (
        {"span_id": "0x00000000000000"},
        (
            "span_id must be 16 hex digits or a matcher, and is '0x00000000000000'\n"
            "  hint: leave out the 0x"
        ),
    ),
    "large id": (
        {"span_id": 2**64},
        "span_id must be 16 hex digits or a matcher, and is 18446744073709551616",
    ),
    "events": (
        {"events": []},
        (
            "events must be one or several of what the span has, and is []\n"
            "  hint: events=match.absent() is a span without events"
        ),
    ),
    "event part": (
        {"events": {"nme": "x"}},
        "unknown part of an event 'nme'\n  hint: did you mean 'name'?",
    ),
    "link part": (
        {"links": {"spanid": "x"}},
        "unknown part of a link 'spanid'\n  hint: did you mean 'span_id'?",
    ),
    "link number": ({"links": [5]}, "links must be text or a matcher, and is 5"),
    "duration": (
        {"duration_ms": "5"},
        (
            "duration_ms must be a number or a matcher, and is '5'\n"
            "  hint: match.less_than(50), match.between(10, 20)"
        ),
    ),
    "duration NaN": (
        {"duration_ms": float("nan")},
        (
            "duration_ms must be a number or a matcher, and is nan\n"
            "  hint: match.less_than(50), match.between(10, 20)"
        ),
    ),
}


@pytest.mark.parametrize(("criteria", "message"), WRONG.values(), ids=WRONG)
def test_value_that_cannot_be_meant_is_refused_with_a_hint(
    criteria: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        query(SPAN).where(**criteria)
    assert str(caught.value) == message


def test_compiled_pattern_is_pointed_to_the_matcher() -> None:
    import re  # noqa: PLC0415 -- used here only

    wanted: Any = re.compile("a+")
    with pytest.raises(UsageError) as caught:
        query(SPAN).where(name=wanted)
    assert str(caught.value) == (
        "name must be text or a matcher, and is re.compile('a+')\n  hint: match.regex('a+')"
    )


@pytest.mark.parametrize("test", [match.present(), "x", 5], ids=["matcher", "text", "number"])
def test_what_cannot_be_called_is_no_test(test: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(UsageError, match="a test must be callable with one span, and is "):
        query(SPAN).where(test)


def test_criteria_of_several_wheres_all_hold() -> None:
    wanted = query(SPAN, BARE).where(name="POST /checkout").where(name=match.contains("POST"))
    assert wanted.all(lambda span: span.kind is SpanKind.SERVER) == (SPAN,)
    assert wanted.where(name="bare").all() == ()


def test_unknown_criterion_is_told_apart_in_endings_too() -> None:
    with pytest.raises(UnknownNameError, match="unknown criterion of spans 'servce'"):
        query(SPAN).count(servce="shop")

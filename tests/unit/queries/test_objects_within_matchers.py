"""A span or ROOT inside a matcher is refused: it would match nothing, and absence would pass."""

import pytest

from otlptest.errors import UsageError
from otlptest.model import ROOT, Link, Span
from otlptest.queries.criteria import matchers as match
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.span_query import SpanQuery

TRACE = "ab" * 16
TOP = Span(trace_id=TRACE, span_id="01" * 8, name="top")
CHILD = Span(
    trace_id=TRACE,
    span_id="02" * 8,
    parent_span_id=TOP.span_id,
    name="child",
    links=(Link(trace_id=TRACE, span_id=TOP.span_id),),
)


def spans() -> SpanQuery:
    return SpanQuery(MemorySource([TOP, CHILD], name="two spans"))


@pytest.mark.parametrize(
    "parent",
    [
        match.not_(ROOT),
        match.one_of(ROOT),
        match.all_of(ROOT),
        match.any_of(ROOT, TOP.span_id),
        match.not_(TOP),
        match.any_of(TOP),
        match.one_of(TOP),
        match.any_of(match.not_(match.one_of(ROOT))),
    ],
    ids=repr,
)
def test_a_parent_inside_a_matcher_is_refused(parent: Matcher) -> None:
    with pytest.raises(UsageError, match="parent cannot have a span or ROOT inside a matcher"):
        spans().where(parent=parent)


@pytest.mark.parametrize("several", [False, True], ids=["alone", "in-a-list"])
def test_a_link_inside_a_matcher_is_refused(*, several: bool) -> None:
    inside = match.any_of(TOP)
    with pytest.raises(UsageError, match="links cannot have a span or ROOT inside a matcher"):
        spans().where(links=[inside] if several else inside)


def test_what_the_hint_says_works() -> None:
    assert spans().one(parent=ROOT) == TOP
    assert spans().one(parent=TOP) == CHILD
    assert spans().one(parent=match.one_of(TOP.span_id)) == CHILD
    assert spans().one(parent=match.not_(match.absent())) == CHILD
    assert spans().one(lambda span: span.parent_span_id is not None) == CHILD

import math
from dataclasses import replace

import pytest

from otlptest.errors import UsageError
from otlptest.queries.traces.traces import Trace, traces_of
from otlptest.queries.traces.trees import tree
from tests.support.received import TRACE_ID, a_log
from tests.support.shapes import an_id, placed

SPANS = (
    placed("r", None, (0, 10)),
    placed("a", "r", (1, 4)),
    placed("p", "a", (2, 3), service="payments"),
    placed("b", "r", (5, 9)),
    placed("q", "b", (6, 7), service="payments"),
    placed("n", "q", (6, 7), service=None),
    placed("s", "n", (6, 7), service="stock"),
)
TRACE = Trace(trace_id=TRACE_ID, spans=SPANS)


def test_trace_tells_roots_children_services_and_duration() -> None:
    assert [span.name for span in TRACE.roots] == ["r"]
    assert [span.name for span in TRACE.children_of(SPANS[0])] == ["a", "b"]
    assert [span.name for span in TRACE.children_of(an_id("a"))] == ["p"]
    assert TRACE.children_of(an_id("s")) == TRACE.children_of(an_id("nowhere")) == ()
    assert TRACE.services == {"shop", "payments", "stock"}
    assert TRACE.duration_ms == 10
    assert [span.name for span in TRACE.critical_path] == ["r", "a", "p", "b", "q", "n", "s"]


def test_a_trace_lasts_until_the_last_span_that_has_ended() -> None:
    still_open = replace(placed("o", "r", (8, 9)), end_time_unix_nano=0)
    assert Trace(trace_id=TRACE_ID, spans=(*SPANS, still_open)).duration_ms == 10
    assert math.isnan(Trace(trace_id=TRACE_ID, spans=(still_open,)).duration_ms)


def test_edges_are_direct_children_in_another_named_service() -> None:
    assert TRACE.edges() == {("shop", "payments")}


def test_trace_is_closed_upward_when_no_parent_is_missing() -> None:
    orphan, below_invented = placed("o", "x"), placed("i", "x", has_outside_parent=True)
    assert TRACE.has_all_ancestors
    assert Trace(trace_id=TRACE_ID, spans=(below_invented,)).has_all_ancestors
    assert not Trace(trace_id=TRACE_ID, spans=(*SPANS, orphan)).has_all_ancestors
    assert not Trace(trace_id=TRACE_ID, spans=(*SPANS, placed("c", "c"))).has_all_ancestors
    assert not Trace(trace_id=TRACE_ID).has_all_ancestors
    assert [s.name for s in Trace(trace_id=TRACE_ID, spans=(orphan,)).orphans] == ["o"]


def test_a_log_record_belongs_to_a_trace_by_trace_and_span_id() -> None:
    assert a_log(trace_id=TRACE_ID, span_id=an_id("p")) in TRACE
    assert a_log(trace_id=TRACE_ID) in TRACE
    assert a_log(trace_id=TRACE_ID, span_id=an_id("x")) not in TRACE
    assert a_log(trace_id="f" * 32, span_id=an_id("p")) not in TRACE
    assert a_log() not in TRACE


def test_a_span_belongs_to_a_trace_and_other_things_do_not() -> None:
    assert SPANS[2] in TRACE
    assert placed("p", "a", (2, 3), service="payments", trace_id="f" * 32) not in TRACE
    assert "p" not in TRACE


def test_spans_are_grouped_by_trace_in_order_of_arrival() -> None:
    other = placed("z", trace_id="f" * 32)
    traces = traces_of([SPANS[1], other, SPANS[0], SPANS[1]])
    assert [trace.trace_id for trace in traces] == [TRACE_ID, "f" * 32]
    assert [span.name for span in traces[0].spans] == ["r", "a"]
    assert traces[0] == Trace(trace_id=TRACE_ID, spans=(SPANS[0], SPANS[1]))


def test_a_trace_made_by_hand_has_no_logs_and_no_verdict() -> None:
    assert TRACE.logs == ()
    assert Trace(trace_id=TRACE_ID).duration_ms == 0
    with pytest.raises(UsageError) as caught:
        TRACE.expect_tree(tree("r"))
    assert str(caught.value) == (
        "expect_tree() needs a trace that a query gave: it is fetched again by its id"
    )

# ruff: noqa: ARG002 -- sources that look at nothing they are given
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.errors import ExpectationError, TruncatedResultError, UsageError
from otlptest.model import DataPoint, LogRecord, Span
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.log_query import LogQuery
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.sources import Arrivals, Batch, Kind, ProducerActivity
from otlptest.queries.span_query import SpanQuery
from otlptest.timing import SYSTEM_CLOCK, Clock, Deadline
from tests.support.received import a_log, a_request, a_source, a_span, a_store

QUIET = Evidence(kind="quiet", what="nothing arrived for 1 s", token=99, covers_all=True)


def spans(*items: Span) -> SpanQuery:
    return SpanQuery(MemorySource(items))


def rule_of(call: Callable[[], object]) -> str:
    with pytest.raises(ExpectationError) as caught:
        call()
    return caught.value.findings[0].rule


A, B = a_span("a"), a_span("b")


def test_look_gives_what_is_there_now() -> None:
    query = spans(A, B)
    assert query.all() == (A, B)
    assert list(query) == [A, B]
    assert query.first() == A
    assert query.one(name="b") == B
    assert query.count(name="a") == 1


def test_one_needs_exactly_one() -> None:
    assert rule_of(spans(A, B).one) == "too_many_matches"
    assert rule_of(lambda: spans(A).one(name="b")) == "no_matching_span"


def test_first_needs_at_least_one() -> None:
    assert rule_of(spans().first) == "no_matching_span"


def test_truth_of_a_query_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        bool(spans(A))
    assert str(caught.value) == (
        "a query of spans has no truth value: looking once proves nothing\n"
        "  hint: wait for it with wait_for_first(…), or judge its absence with expect_none(after=…)"
    )


def test_query_has_no_length() -> None:
    with pytest.raises(TypeError):
        len(spans(A))  # type: ignore[arg-type]


def test_query_reads_as_what_it_asks() -> None:
    query = spans().where(name="a", service="shop", attributes={"n": 1})
    assert repr(query) == "<query of spans: named 'a' with n = 1>"


@pytest.mark.parametrize("count", [0, -1, 1.0, True, "2"], ids=repr)
def test_wait_for_needs_a_whole_number(count: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(UsageError, match="count must be a whole number, 1 or more, and is "):
        spans(A).wait_for(count)


def test_waits_return_at_once_when_it_is_there() -> None:
    query = spans(A, B)
    assert query.wait_for_one(name="a", timeout_s=0) == A
    assert query.wait_for_first(timeout_s=0) == A
    assert query.wait_for(2, timeout_s=0) == (A, B)


def test_wait_gives_up_at_once_on_a_source_that_cannot_change() -> None:
    assert rule_of(lambda: spans(A).wait_for(2, timeout_s=60)) == "no_matching_span"


def test_wait_sees_what_arrives_meanwhile() -> None:
    store = Store()
    query = SpanQuery(StoreSource(store))

    def send() -> None:
        for name in ("a", "b", "c"):
            store.request_received(a_request([a_span(name)]))

    sender = threading.Timer(0.05, send)
    sender.start()
    assert [span.name for span in query.wait_for(3, timeout_s=10)] == ["a", "b", "c"]
    sender.join()
    assert query.wait_for_one(name="b", timeout_s=0).name == "b"


def test_wait_for_one_fails_on_a_second_match_that_is_there() -> None:
    source = a_source(a_request([a_span("a")]), a_request([a_span("a")]))
    assert rule_of(lambda: SpanQuery(source).wait_for_one(name="a")) == "too_many_matches"


def test_timed_out_wait_names_its_time() -> None:
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(a_source()).wait_for_one(timeout_s=0.01)
    assert caught.value.findings[0].received == "no spans, within 0.01 s\nno connection was opened"


@pytest.mark.parametrize("timeout_s", [-1, float("nan"), "5"], ids=repr)
def test_timeout_that_is_none_is_refused(timeout_s: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(UsageError, match="timeout_s must be a number of seconds"):
        spans(A).wait_for_one(timeout_s=timeout_s)


class Growing(MemorySource):
    """Gives one more item at each look; never more than asked for."""

    def __init__(self, *items: Span) -> None:
        super().__init__(items)
        self._given = items
        self.looks: list[int | None] = []

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,
    ) -> Batch:
        self.looks.append(since)
        place = len(self.looks)
        items = self._given[since or 0 : place]
        return Batch(items=items, token=place)

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        return token < len(self._given)


def test_waiter_looks_only_at_what_is_new() -> None:
    source = Growing(A, B, A)
    assert SpanQuery(source).wait_for(3, timeout_s=5) == (A, B, A)
    assert source.looks == [None, 1, 2]


def test_waiter_looks_at_everything_once_more_when_the_time_is_up() -> None:
    source = Growing(A)
    assert rule_of(lambda: SpanQuery(source).wait_for(2, timeout_s=5)) == "no_matching_span"
    assert source.looks == [None, None]


class Partial:
    """A source that gives a part of what it holds, and cannot tell trace ids apart."""

    name = "backend"

    @property
    def clock(self) -> Clock:
        return SYSTEM_CLOCK

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,
    ) -> Batch:
        return Batch(
            items=[A], token=0, is_complete=False, lossy_fields=frozenset({"trace_id", "kind"})
        )

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        return False

    def baselines(self) -> Mapping[Any, DataPoint]:
        return {}

    def producers(self) -> tuple[ProducerActivity, ...]:
        return ()

    def arrivals(self) -> Arrivals:
        return Arrivals()


COUNTED: dict[str, Callable[[SpanQuery], object]] = {
    "count": lambda query: query.count(),
    "one": lambda query: query.one(),
    "wait_for_one": lambda query: query.wait_for_one(),
    "expect_none": lambda query: query.expect_none(name="b", after=QUIET),
    "expect_count": lambda query: query.expect_count(1, after=QUIET),
}


@pytest.mark.parametrize("ask", COUNTED.values(), ids=COUNTED)
def test_count_or_absence_is_not_answered_from_a_part(ask: Callable[[SpanQuery], object]) -> None:
    with pytest.raises(TruncatedResultError, match="backend gave only a part of its result"):
        ask(SpanQuery(Partial()))


def test_presence_is_answered_from_a_part() -> None:
    assert SpanQuery(Partial()).first() == A
    assert SpanQuery(Partial()).wait_for_first() == A


def test_criterion_that_the_source_loses_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        SpanQuery(Partial()).all(trace_id="0" * 32)
    assert str(caught.value) == (
        "backend does not keep what the criterion 'trace_id' asks for\n"
        "  hint: leave it out, or ask the source that received the telemetry first"
    )


def test_nearest_miss_works_on_a_source_that_cannot_recall() -> None:
    with pytest.raises(ExpectationError) as caught:
        SpanQuery(Partial()).first(name="aa")
    assert caught.value.findings[0].closest.startswith("'a' (span ")


def test_absence_needs_evidence() -> None:
    with pytest.raises(UsageError, match="a verdict on absence or an exact count needs after="):
        spans(A).expect_none(name="b")


def test_proven_absence_and_count_pass() -> None:
    query = SpanQuery(a_source(a_request([A, B])))
    query.expect_none(name="c", after=QUIET)
    assert query.expect_count(1, name="a", after=[QUIET]) == (A,)
    assert query.expect_count(0, name="c", after=QUIET) == ()


def test_presence_refutes_absence_whatever_the_evidence() -> None:
    query = SpanQuery(a_source(a_request([A, B])))
    assert rule_of(lambda: query.expect_none(name="a", after=QUIET)) == "unexpected_item"
    assert rule_of(lambda: query.expect_count(0, name="a", after=QUIET)) == "wrong_count"
    assert rule_of(lambda: query.expect_count(1, after=QUIET)) == "wrong_count"
    assert rule_of(lambda: query.expect_count(3, after=QUIET)) == "wrong_count"


def test_evidence_that_covers_nobody_proves_nothing() -> None:
    query = SpanQuery(a_source(a_request([A])))
    nobody = Evidence(kind="exited", what="x has exited", token=99)
    assert rule_of(lambda: query.expect_none(name="b", after=nobody)) == "not_proven"


def test_producer_that_cannot_match_needs_no_evidence() -> None:
    query = SpanQuery(a_source(a_request([A])))
    nobody = Evidence(kind="exited", what="x has exited", token=99)
    query.expect_none(name="b", service="payments", after=nobody)
    query.expect_none(name="b", resource={"host.name": "x"}, after=nobody)


def test_second_match_that_comes_late_is_found_at_the_end() -> None:
    store = a_store(a_request([A]))
    source = StoreSource(store)
    SpanQuery(source).wait_for_one(name="a")
    assert source.late_findings() == ()
    store.request_received(a_request([a_span("a", start_time_unix_nano=1)]))
    (finding,) = source.late_findings()
    assert finding.rule == "late_second_match"
    assert finding.expected == "exactly 1 span named 'a'"
    assert finding.hint == (
        "the wait returned before the others arrived; narrow the criteria, or judge with"
        " expect_count(1, after=…)"
    )


def test_second_match_that_began_later_is_another_story() -> None:
    store = a_store(a_request([A]))
    source = StoreSource(store)
    SpanQuery(source).wait_for_one(name="a")
    later = SYSTEM_CLOCK.unix_nanos() + 10**9
    store.request_received(a_request([a_span("a", start_time_unix_nano=later)]))
    store.request_received(a_request([a_span("a")]))  # no time: it cannot be told
    assert source.late_findings() == ()


def test_second_log_record_that_comes_late_is_found_too() -> None:
    def log() -> LogRecord:
        return a_log("x", observed_time_unix_nano=5)

    store = a_store(a_request([log()], signal="logs"))
    source = StoreSource(store)
    LogQuery(source).wait_for_one(body="x")
    store.request_received(a_request([log()], signal="logs"))
    assert [finding.rule for finding in source.late_findings()] == ["late_second_match"]

import threading
from collections.abc import Callable
from typing import Any

import pytest

from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.errors import ExpectationError, TruncatedResultError, UsageError
from otlptest.model import Span
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.sources import Batch, Kind
from otlptest.queries.traces.trace_query import TraceQuery
from otlptest.queries.traces.trees import tree
from otlptest.timing import Deadline
from tests.support.received import TRACE_ID, a_log, a_request, a_source, a_store
from tests.support.shapes import an_id, placed

QUIET = Evidence(kind="quiet", what="nothing arrived for 1 s", token=99, covers_all=True)
NOBODY = Evidence(kind="exited", what="x has exited", token=99)
SHOP = placed("a", None, (0, 9), name="checkout")
CHARGE = placed("b", "a", (1, 8), name="charge", service="payments")
OTHER = placed("z", None, (0, 1), name="ping", service="stock", trace_id="f" * 32)
CHECKOUT = tree("checkout", children=[tree("charge", service="payments")])


def failure_of(call: Callable[[], object]) -> str:
    with pytest.raises(ExpectationError) as caught:
        call()
    return str(caught.value)


def traces(*spans: Span) -> TraceQuery:
    return TraceQuery(a_source(a_request(spans)))


def later(store: Store, *spans: Span) -> threading.Timer:
    """Each span arrives in a request of its own, after a moment."""

    def send() -> None:
        for span in spans:
            store.request_received(a_request([span]))

    sender = threading.Timer(0.05, send)
    sender.start()
    return sender


def test_a_tree_is_waited_for_until_its_last_span_has_come() -> None:
    store = a_store(a_request([OTHER]))
    sender = later(store, CHARGE, SHOP)
    trace = TraceQuery(StoreSource(store)).wait_for_tree(CHECKOUT, timeout_s=10)
    sender.join()
    assert trace.trace_id == TRACE_ID
    assert trace.spans == (SHOP, CHARGE)


def test_a_trace_is_given_once_it_is_closed_upward() -> None:
    store = a_store(a_request([CHARGE]))
    query = TraceQuery(StoreSource(store))
    assert "a root, and each parent received" in failure_of(
        lambda: query.wait_for_one(containing=CHARGE, timeout_s=0)
    )
    sender = later(store, SHOP)
    assert query.wait_for_one(containing=CHARGE, timeout_s=10).has_all_ancestors
    sender.join()


def test_a_tree_that_does_not_come_shows_the_nearest_trace() -> None:
    query = traces(SHOP, OTHER)
    assert failure_of(lambda: query.wait_for_tree(CHECKOUT, timeout_s=0)) == (
        "1 unmet expectation\n"
        "tree_mismatch: this collector\n"
        "  expected: the tree 'checkout' of 2 spans and no others\n"
        "  received: 2 traces of 2 spans, within 0.0 s\n"
        f"  closest:  trace {TRACE_ID}:\n"
        "              expected    received\n"
        "              'checkout'  'checkout' (shop)\n"
        "            -   'charge'\n"
        "              - missing\n"
        "  hint:     if the SDK batches, flush it before waiting (force_flush)\n"
        "  explain:  otlptest explain tree_mismatch"
    )
    assert "received: 0 traces of 0 spans" in failure_of(
        lambda: traces().wait_for_tree(CHECKOUT, timeout_s=0)
    )


def test_rules_of_comparison_are_taken_from_the_call() -> None:
    noise = placed("n", "a", (2, 3), name="middleware")
    last = placed("c", "n", (4, 5), name="last")
    query = traces(SHOP, CHARGE, noise, last)
    both = tree("checkout", children=[tree("last"), tree("charge")])
    assert len(query.wait_for_tree(CHECKOUT, extra="allow", timeout_s=0).spans) == 4
    trace = query.wait_for_tree(both, pruned={"name": "middleware"}, timeout_s=0)
    trace.expect_tree(both, pruned=[{"name": "middleware"}], after=QUIET)
    trace.expect_tree(CHECKOUT, extra="allow", after=QUIET)
    message = failure_of(
        lambda: trace.expect_tree(both, pruned={"name": "middleware"}, order="start", after=QUIET)
    )
    assert (
        "children start in the order 'charge', 'last', expected 'last', 'charge'; they are of"
        " several services, so it depends on their clocks"
    ) in " ".join(message.split())


def test_a_verdict_judges_what_came_after_the_snapshot_too() -> None:
    store = a_store(a_request([SHOP, CHARGE]))
    trace = TraceQuery(StoreSource(store)).wait_for_tree(CHECKOUT, timeout_s=0)
    trace.expect_tree(CHECKOUT, after=[QUIET])
    store.request_received(a_request([placed("l", "a", (2, 3), name="late")]))
    assert failure_of(lambda: trace.expect_tree(CHECKOUT, after=QUIET)) == (
        "1 unmet expectation\n"
        f"tree_mismatch: trace {TRACE_ID}\n"
        "  expected: the tree 'checkout' of 2 spans and no others\n"
        "  received: 3 spans\n"
        "            after quiet: nothing arrived for 1 s; covers every sender\n"
        f"  closest:  trace {TRACE_ID}:\n"
        "              expected    received\n"
        "              'checkout'  'checkout' (shop)\n"
        "                'charge'    'charge' (payments)\n"
        "            +               'late' (shop)\n"
        "              + unexpected\n"
        "  hint:     take what a framework adds out with pruned=, or let others be with"
        ' extra="allow"\n'
        "  explain:  otlptest explain tree_mismatch"
    )


def test_a_verdict_needs_evidence_that_covers_every_sender() -> None:
    store = a_store(a_request([SHOP, CHARGE]), a_request([OTHER]))
    trace = TraceQuery(StoreSource(store)).one(trace_id=TRACE_ID)
    message = failure_of(lambda: trace.expect_tree(CHECKOUT, after=NOBODY))
    assert message.startswith(f"1 unmet expectation\nnot_proven: trace {TRACE_ID}\n")
    assert "the tree 'checkout' of 2 spans and no others, and proof" in message
    assert message.count("is not covered") == 3
    with pytest.raises(UsageError, match="needs after="):
        trace.expect_tree(CHECKOUT)


def test_a_sender_that_goes_on_makes_the_evidence_stale() -> None:
    early = Evidence(kind="quiet", what="nothing arrived for 1 s", token=1, covers_all=True)
    source = a_source(a_request([SHOP, CHARGE]), a_request([OTHER]))
    trace = TraceQuery(source).one(trace_id=TRACE_ID)
    message = failure_of(lambda: trace.expect_tree(CHECKOUT, after=early))
    assert message.startswith(f"1 unmet expectation\nstale_evidence: trace {TRACE_ID}\n")


class Partial(MemorySource):
    """Gives no more than a page."""

    def fetch(self, kind: Kind, **given: Any) -> Batch:  # noqa: ANN401 -- passed on
        batch = super().fetch(kind, **given)
        return Batch(items=batch.items, token=batch.token, is_complete=False)


def test_a_verdict_is_not_made_from_a_part() -> None:
    trace = TraceQuery(Partial([SHOP, CHARGE])).wait_for_tree(CHECKOUT, timeout_s=0)
    with pytest.raises(TruncatedResultError, match="which spans belong to trace"):
        trace.expect_tree(CHECKOUT, after=QUIET)


def test_logs_of_a_trace_are_those_of_now() -> None:
    store = a_store(a_request([SHOP]))
    trace = TraceQuery(StoreSource(store)).one()
    assert not trace.logs
    records = [
        a_log("second", trace_id=TRACE_ID, span_id=an_id("a"), time_unix_nano=2),
        a_log("first", trace_id=TRACE_ID, observed_time_unix_nano=1),
        a_log("other", trace_id="f" * 32),
    ]
    store.request_received(a_request(records, signal="logs"))
    assert [log.body for log in trace.logs] == ["first", "second"]
    assert all(log in trace for log in trace.logs)


def test_the_trace_of_a_log_record_is_found() -> None:
    record = a_log(trace_id=TRACE_ID, span_id=an_id("b"))
    assert traces(SHOP, CHARGE, OTHER).one(containing=record).spans == (SHOP, CHARGE)
    assert traces(OTHER).count(containing=a_log()) == 0


def test_edges_are_waited_for() -> None:
    store = a_store(a_request([SHOP]))
    query = TraceQuery(StoreSource(store))
    assert query.edges() == frozenset()
    sender = later(store, CHARGE, placed("s", "b", service="stock"))
    assert query.wait_for_edges({("payments", "stock")}, timeout_s=10) >= {("payments", "stock")}
    sender.join()
    assert query.edges() == {("shop", "payments"), ("payments", "stock")}


def test_missing_edges_are_told_with_how_far_they_got() -> None:
    inner = placed("i", "b", service=None)
    query = traces(SHOP, CHARGE, inner, placed("s", "i", service="mail"), OTHER)
    wanted = {("shop", "payments"), ("payments", "mail"), ("shop", "stock"), ("shop", "bank")}
    assert failure_of(lambda: query.wait_for_edges(wanted, timeout_s=0)) == (
        "1 unmet expectation\n"
        "missing_edges: this collector\n"
        "  expected: at least payments -> mail, shop -> bank, shop -> payments and shop -> stock\n"
        "  received: shop -> payments, from 2 traces of 5 spans, within 0.0 s\n"
        "  closest:  missing payments -> mail: both services are in one trace, but no span is the"
        " other's direct child\n"
        "            missing shop -> bank: no span of service 'bank' was received\n"
        "            missing shop -> stock: both services sent spans, but in different traces\n"
        "  hint:     an edge needs the callee's span to have the caller's as its direct parent:"
        " is the context propagated (traceparent)?\n"
        "  explain:  otlptest explain missing_edges"
    )
    assert "received: no edges, from 0 traces" in failure_of(
        lambda: traces().wait_for_edges([("a", "b")], timeout_s=0)
    )


WRONG_EDGES: dict[str, tuple[Any, str]] = {
    "text": ("shop", "edges must be pairs of services, and are 'shop'"),
    "no pairs": ([("shop",)], "an edge must be a pair of services, and is ('shop',)"),
    "one pair without a set": (
        ("shop", "stock"),
        "an edge must be a pair of services, and is 'shop'",
    ),
    "none": ([], "no edges were given"),
}


@pytest.mark.parametrize(("edges", "problem"), WRONG_EDGES.values(), ids=WRONG_EDGES.keys())
def test_edges_that_are_none_are_refused(edges: Any, problem: str) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(UsageError) as caught:
        traces().wait_for_edges(edges)
    assert str(caught.value) == (
        f"{problem}\n  hint: edges={{('shop', 'payments')}}: pairs of (caller, callee)"
    )


def test_an_invalid_tree_is_refused_before_waiting() -> None:
    with pytest.raises(UsageError, match="the top of a tree is one span"):
        traces().wait_for_tree(tree("a", times=2), timeout_s=60)
    trace = traces(SHOP).one()
    with pytest.raises(UsageError, match="the top of a tree is one span"):
        trace.expect_tree(tree("a", optional=True), after=QUIET)


def test_a_waiter_compares_a_trace_again_only_when_more_of_it_came() -> None:
    compared: list[str] = []

    class Growing(MemorySource):
        """Gives one span at a time."""

        left: list[Span]

        def fetch(self, kind: Kind, **given: Any) -> Batch:  # noqa: ANN401 -- passed on
            batch = super().fetch(kind, **given)
            more = [self.left.pop(0)] if given["since"] is not None and self.left else []
            return Batch(items=[*batch.items, *more], token=0)

        def wait_for_change(self, token: int, deadline: Deadline) -> bool:  # noqa: ARG002 -- grows by itself
            return bool(self.left)

    source = Growing([OTHER])
    source.left = [SHOP, CHARGE]

    def is_checkout(name: object) -> bool:
        compared.append(str(name))
        return name == "checkout"

    pattern = tree(Matcher("noted", (), is_checkout), children=[tree("charge")])
    assert TraceQuery(source).wait_for_tree(pattern, timeout_s=60).spans == (SHOP, CHARGE)
    assert compared == ["checkout"]  # the others were ruled out by their number of children

from dataclasses import replace
from typing import Any

import pytest

from otlptest.collector.store_source import StoreSource
from otlptest.errors import Finding
from otlptest.model import (
    AggregationTemporality,
    Attributes,
    DataPoint,
    Link,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Problem,
    Producer,
    Profile,
    Request,
    Resource,
    Scope,
)
from otlptest.queries import match
from otlptest.queries.evidence.trace_context import TraceContext
from otlptest.queries.log_query import LogQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.sources import Kind, Notifying, Recalling, Remembering, Source
from otlptest.queries.span_query import SpanQuery
from otlptest.timing import Deadline, SystemClock
from otlptest.wire.otlp.otlp_protobuf import decode_request
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

NOW = 10_500_000_000
SHOP = Resource({"service.name": "shop"})
COUNTER = MetricIdentity(
    name="orders",
    unit="1",
    type=MetricType.SUM,
    temporality=AggregationTemporality.CUMULATIVE,
    is_monotonic=True,
    resource=SHOP,
    scope=Scope(name="s"),
)


def a_point(
    value: int, time: int, metric: MetricIdentity = COUNTER, **attributes: object
) -> DataPoint:
    return NumberPoint(
        metric=metric, value=value, time_unix_nano=time, attributes=Attributes(attributes)
    )


def fetched(source: Source, kind: Kind, since: int | None = None, **pushed: object) -> list[Any]:
    batch = source.fetch(kind, pushed_down=pushed, since=since, deadline=Deadline(1.0))
    return list(batch.items)


def test_source_has_all_that_queries_can_use() -> None:
    source = a_source()
    assert isinstance(source, Recalling)
    assert isinstance(source, Remembering)
    assert isinstance(source, Notifying)
    assert source.name == "this collector"


def test_items_of_each_signal_come_with_their_request() -> None:
    span, log, point = a_span("a", scope=Scope(name="s")), a_log("x"), a_point(1, 5)
    profile = Profile(profile_id="0" * 31 + "1", resource=SHOP)
    sent = [
        a_request([span]),
        a_request([log], signal="logs"),
        a_request([point], signal="metrics"),
        a_request([profile], signal="profiles"),
    ]
    source = a_source(*sent)
    kinds: list[Kind] = ["traces", "logs", "metrics", "profiles"]
    for kind, item, request in zip(kinds, [span, log, point, profile], sent, strict=True):
        (found,) = fetched(source, kind)
        assert found == item
        assert found.request is request
    assert fetched(source, "requests") == sent


def test_refused_requests_have_no_items_but_are_requests() -> None:
    refused = a_refused_request("malformed", "bad")
    source = a_source(refused)
    assert fetched(source, "traces") == []
    assert RequestQuery(source).one(lambda request: not request.is_accepted) is refused


def test_only_what_is_new_is_given_after_a_token() -> None:
    source = a_source(a_request([a_span("a")]), a_request([a_span("b")]))
    assert [span.name for span in fetched(source, "traces", 1)] == ["b"]
    assert fetched(source, "traces", 2) == []


def test_criteria_that_are_pushed_down_leave_out_what_cannot_match() -> None:
    logs = [a_log("card declined", attributes={"n": 5}), a_log("other", service="payments")]
    source = a_source(a_request(logs, signal="logs"))
    assert fetched(source, "logs", body="card declined") == logs[:1]
    assert fetched(source, "logs", attributes={"n": 5}) == logs[:1]
    assert fetched(source, "logs", service="payments") == logs[1:]
    assert fetched(source, "logs", service=match.absent()) == []
    assert fetched(source, "logs", body="none of them") == []


def test_log_profile_and_request_criteria_hold() -> None:
    logs = [a_log("a", severity_number=17, event_name="e", trace_id="f" * 32), a_log("b")]
    profile = Profile(profile_id="1" * 32, resource=SHOP, attributes=Attributes({"k": 1}))
    source = a_source(
        a_request(logs, signal="logs", protocol="http/json", encoding="gzip"),
        a_request([profile], signal="profiles", headers=[("X-Tenant", "a")]),
    )
    query = LogQuery(source)
    assert query.where(severity=17, event_name="e", trace_id="F" * 32).one().body == "a"
    assert query.where(trace_id=match.absent()).one().body == "b"
    assert query.count(severity=match.at_least(17)) == 1
    assert ProfileQuery(source).where(service="shop", attributes={"k": 1}).one() == profile
    requests = RequestQuery(source)
    assert requests.where(protocol="http/json", encoding="gzip", signal="logs").one().number == 1
    assert requests.where(headers={"X-TENANT": "a"}, path="/v1/profiles").one().number == 2
    assert requests.count(headers={"x-tenant": match.absent()}) == 1


def test_invented_parents_make_roots_in_every_view() -> None:
    store = a_store(a_request([a_span("a", parent_span_id="00000000000000aa")]))
    StoreSource(store).add_context(TraceContext(trace_id="1" * 32, span_id="00000000000000aa"))
    assert SpanQuery(StoreSource(store)).one().has_outside_parent


def test_change_is_noticed() -> None:
    source = a_source(a_request([a_span()]))
    assert source.wait_for_change(0, Deadline(0.0))
    assert not source.wait_for_change(source.token(), Deadline(0.0))


# An epoch: the collector started at 100 ns, the view began at 1,000 ns.


@pytest.mark.parametrize(
    ("start", "is_leftover"),
    [(500, True), (100, True), (999, True), (1000, False), (99, False), (0, False)],
    ids=["between", "at the collector's start", "just before", "at the start", "older", "none"],
)
def test_span_is_left_over_by_its_start(start: int, is_leftover: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    request = a_request([a_span("a", start_time_unix_nano=start)])
    source = a_source(request, epoch=an_epoch())
    assert SpanQuery(source).count() == (0 if is_leftover else 1)
    arrivals = source.arrivals()
    assert arrivals.leftovers == ({"requests": 1, "traces": 1} if is_leftover else {})
    assert list(arrivals.requests) == ([] if is_leftover else [request])
    assert len(source.producers()) == (0 if is_leftover else 1)
    assert RequestQuery(source).count() == (0 if is_leftover else 1)


def test_points_logs_and_profiles_are_left_over_by_their_time() -> None:
    old = [
        a_request([a_point(1, 500)], signal="metrics"),
        a_request([a_log(time_unix_nano=500), a_log(observed_time_unix_nano=500)], signal="logs"),
        a_request([Profile(time_unix_nano=500)], signal="profiles"),
    ]
    source = a_source(*old, epoch=an_epoch())
    assert [fetched(source, kind) for kind in ("metrics", "logs", "profiles", "requests")] == [
        [],
        [],
        [],
        [],
    ]
    assert source.arrivals().leftovers == {"requests": 3, "metrics": 1, "logs": 2, "profiles": 1}


def test_request_with_leftovers_and_more_counts() -> None:
    mixed = a_request([a_span("old", start_time_unix_nano=500), a_span("new")])
    source = a_source(mixed, epoch=an_epoch())
    assert SpanQuery(source).one().name == "new"
    assert source.arrivals().leftovers == {"traces": 1}
    assert list(source.arrivals().requests) == [mixed]


def test_what_arrived_before_the_view_is_not_in_it() -> None:
    store = a_store(a_request([a_span("before")]))
    source = StoreSource(store, epoch=an_epoch(token=1))
    store.request_received(a_request([a_span("after")]))
    assert SpanQuery(source).one().name == "after"
    assert len(source.arrivals().requests) == 1


def test_refused_request_counts_if_it_began_within_the_view() -> None:
    kept = a_connection(opened_at=5.0, opened_unix_nano=500)
    old = a_refused_request("malformed", "x", connection=kept, started_at=9.9)
    new = a_refused_request("malformed", "x", connection=kept, started_at=10.0)
    source = a_source(old, new, epoch=an_epoch())
    assert list(source.arrivals().requests) == [new]
    assert source.arrivals().leftovers == {"requests": 1}


@pytest.mark.parametrize(
    ("began_at", "found_at", "ports", "is_leftover"),
    [
        (None, 9.0, {}, True),
        (None, 11.0, {}, False),
        (9.0, 11.0, {}, True),
        (10.5, 11.0, {"opened_at": 1.0}, False),
        (9.0, 11.0, {"owner": "shop", "port_opened_at": 10.0}, False),
        (10.5, 11.0, {"owner": "shop", "port_opened_at": 1.0}, False),
        (10.5, 11.0, {"owner": "shop", "port_opened_at": 1.0, "port_closed_at": 9.0}, True),
        (10.5, 11.0, {"owner": "shop", "port_opened_at": 1.0, "port_closed_at": 10.4}, False),
    ],
    ids=[
        "found before",
        "found within",
        "request began before",
        "old connection",
        "own ports",
        "older ports",
        "ports of an earlier test",
        "ports closed within",
    ],
)
def test_problem_is_left_over_if_its_request_began_before_the_view(
    began_at: float | None,
    found_at: float,
    ports: dict[str, Any],
    is_leftover: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    store = a_store()
    source = StoreSource(store, epoch=an_epoch())
    problem = Problem(
        kind="cut_request",
        rule="",
        message="x",
        began_at=began_at,
        found_at=found_at,
        connection=a_connection(**ports),
    )
    store.problem_found(problem)
    assert list(source.arrivals().problems) == ([] if is_leftover else [problem])


# Stronger signs than the time of an item.

THEIRS, OURS = "aa" * 16, "bb" * 16


class StoppedClock(SystemClock):
    """Stands still."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now


def an_earlier_request(lead: int) -> Request:
    """The request of an earlier test that shows how far the clock of 'shop' is ahead."""
    span = a_span("earlier", start_time_unix_nano=300 + lead)
    return a_request([span], received_unix_nano=300, started_at=2.0)


def a_view(*requests: Request) -> StoreSource:
    """A view in which trace `OURS` was invented, after a view in which `THEIRS` was.

    The first request came before it.
    """
    store = a_store(*requests)
    earlier = StoreSource(store, epoch=an_epoch(monotonic=1.0), clock=StoppedClock(1.0))
    earlier.add_context(TraceContext(trace_id=THEIRS, span_id="00000000000000aa"))
    view = StoreSource(store, epoch=an_epoch(token=1), clock=StoppedClock(10.0))
    view.add_context(TraceContext(trace_id=OURS, span_id="00000000000000bb"))
    return view


AHEAD = {"received_unix_nano": 1200, "seen_before": 400}
SIGNS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]] = {
    # what the span says, what its connection and its request say, whether it is this test's
    "own ports, older time": ({}, {"owner": "a", "port_opened_at": 10.0}, {}, True),
    "own ports, trace of another test": (
        {"trace_id": THEIRS},
        {"owner": "a", "port_opened_at": 10.0},
        {},
        True,
    ),
    "ports of an earlier test, newer time": (
        {"start_time_unix_nano": 2000},
        {"owner": "a", "port_opened_at": 1.0, "port_closed_at": 9.0},
        {},
        False,
    ),
    "ports of an earlier test, own trace": (
        {"trace_id": OURS},
        {"owner": "a", "port_opened_at": 1.0, "port_closed_at": 9.0},
        {},
        False,
    ),
    "ports of the session, older time": ({}, {"owner": "a", "port_opened_at": 1.0}, {}, False),
    "ports of the session, newer time": (
        {"start_time_unix_nano": 2000},
        {"owner": "a", "port_opened_at": 1.0},
        {},
        True,
    ),
    "own trace, older time": ({"trace_id": OURS}, {}, {}, True),
    "link to the own trace, older time": (
        {"links": (Link(trace_id=OURS, span_id="1" * 16),)},
        {},
        {},
        True,
    ),
    "trace of another test, newer time": (
        {"trace_id": THEIRS, "start_time_unix_nano": 2000},
        {},
        {},
        False,
    ),
    "request began before, newer time": (
        {"start_time_unix_nano": 2000},
        {},
        {"started_at": 9.9},
        False,
    ),
    "ended within, began before": ({"end_time_unix_nano": 1000}, {}, {}, True),
    "ended before": ({"end_time_unix_nano": 999}, {}, {}, False),
    "ended before the collector": ({"end_time_unix_nano": 99}, {}, {}, True),
    "by a clock 400 ns ahead, too early": ({"end_time_unix_nano": 1399}, {}, AHEAD, False),
    "by a clock 400 ns ahead": ({"end_time_unix_nano": 1400}, {}, AHEAD, True),
    "by a clock 400 ns ahead, own trace": (
        {"end_time_unix_nano": 1399, "trace_id": OURS},
        {},
        AHEAD,
        True,
    ),
}


@pytest.mark.parametrize(
    ("of_span", "of_connection", "of_request", "is_own"), SIGNS.values(), ids=SIGNS.keys()
)
def test_a_stronger_sign_overrules_a_weaker_one(
    of_span: dict[str, Any],
    of_connection: dict[str, Any],
    of_request: dict[str, Any],
    is_own: bool,  # noqa: FBT001 -- a parameter of the table
) -> None:
    span = a_span("a", **{"start_time_unix_nano": 500, **of_span})
    fields = dict(of_request)
    lead = fields.pop("seen_before", 0)
    request = a_request([span], connection=a_connection(**of_connection), **fields)
    source = a_view(an_earlier_request(lead), request)
    assert SpanQuery(source).count() == (1 if is_own else 0)
    assert RequestQuery(source).count() == (1 if is_own else 0)
    assert source.newest("traces", 5).total == (1 if is_own else 0)
    assert source.newest("traces", 0).total == (1 if is_own else 0)
    assert source.arrivals().leftovers == ({} if is_own else {"requests": 1, "traces": 1})
    assert source.has_arriving(replace(request, number=0)) is is_own
    message: Any = decode_request("traces", request.body, protocol="grpc")
    is_set_aside = source.leftover_items(request)
    (item,) = message.resource_spans[0].scope_spans[0].spans
    assert (is_set_aside is not None and is_set_aside(item)) is not is_own


def test_logs_of_the_own_trace_are_of_the_view_whatever_their_time() -> None:
    logs = [a_log("mine", trace_id=OURS, time_unix_nano=500), a_log("late", time_unix_nano=500)]
    source = a_view(an_earlier_request(0), a_request(logs, signal="logs"))
    assert LogQuery(source).one().body == "mine"
    assert [each.item.body for each in source.set_aside("logs")] == ["late"]


LATE = (
    "before this test, in a request that began in it: it was sent late, or the clock of its sender"
)
DOUBTS: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "behind": (
        {"start_time_unix_nano": NOW - 800_000_001},
        {},
        f"it is dated 0.8 s {LATE} may be behind",
    ),
    "whole seconds": (
        {"start_time_unix_nano": NOW - 500_000_000},
        {},
        f"it is dated 0.5 s {LATE} shows whole seconds",
    ),
    "ahead": (
        {"start_time_unix_nano": NOW + 2_400_000_000},
        {"received_unix_nano": NOW + 100_000_000},
        "the clock of its sender is at least 2.5 s ahead of this machine's",
    ),
    "trace of an earlier test": ({"trace_id": THEIRS}, {}, None),
    "request of an earlier test": ({"start_time_unix_nano": NOW - 1}, {"started_at": 9.0}, None),
    "of this test": ({"start_time_unix_nano": NOW}, {}, None),
}


@pytest.mark.parametrize(("of_span", "of_request", "doubt"), DOUBTS.values(), ids=DOUBTS.keys())
def test_what_only_a_time_puts_into_an_earlier_test_is_doubtful(
    of_span: dict[str, Any], of_request: dict[str, Any], doubt: str | None
) -> None:
    ahead = a_request([a_span(start_time_unix_nano=2_500_000_100)], received_unix_nano=100)
    earlier = [ahead] if "received_unix_nano" in of_request else [an_earlier_request(0)]
    store = a_store(*earlier, a_request([a_span("a", **of_span)], **of_request))
    assert SpanQuery(StoreSource(store)).count() == 2  # the index has seen all
    store.invented_traces[bytes.fromhex(THEIRS)] = 1.0
    source = StoreSource(store, epoch=an_epoch(token=1, unix_nano=NOW))
    found = [(each.item.name, each.reason) for each in source.set_aside("traces")]
    assert found == ([("a", doubt)] if doubt else [])
    assert source.arrivals().doubts == ((doubt,) if doubt else ())


def test_a_cumulative_point_that_repeats_its_baseline_is_in_no_doubt() -> None:
    store = a_store(a_request([a_point(3, 300)], signal="metrics"))
    source = StoreSource(store, epoch=an_epoch(token=1))
    store.request_received(a_request([a_point(3, 500)], signal="metrics"))
    assert list(source.set_aside("metrics")) == []
    store.request_received(a_request([a_point(4, 600)], signal="metrics"))
    assert [each.item.value for each in source.set_aside("metrics")] == [4]


def test_connection_that_had_ended_before_the_view_is_not_in_it() -> None:
    connections = [
        a_connection(number=1, closed_at=9.0),
        a_connection(number=2, closed_at=10.5),
        a_connection(number=3),
    ]
    store = a_store()
    for connection in connections:
        store.connection_opened(connection)
    source = StoreSource(store, epoch=an_epoch())
    assert [connection.number for connection in source.arrivals().connections] == [2, 3]
    assert len(StoreSource(store).arrivals().connections) == 3


# Where cumulative series stood.


def test_baseline_is_the_last_cumulative_point_before_the_view() -> None:
    delta = replace(COUNTER, temporality=AggregationTemporality.DELTA)
    store = a_store(
        a_request([a_point(1, 200), a_point(3, 300, region="eu")], signal="metrics"),
        a_request([a_point(2, 400), a_point(9, 300, metric=delta)], signal="metrics"),
    )
    source = StoreSource(store, epoch=an_epoch(token=2))
    store.request_received(a_request([a_point(5, 500), a_point(7, 2000)], signal="metrics"))
    found = {
        (point.attributes.get("region"), point.value)
        for point in source.baselines().values()
        if isinstance(point, NumberPoint)
    }
    assert found == {(None, 5), ("eu", 3)}  # 5 is left over, so it was before the view


def test_baselines_of_views_in_turn() -> None:
    store = a_store(a_request([a_point(1, 200)], signal="metrics"))
    first = StoreSource(store, epoch=an_epoch(token=1))
    store.request_received(a_request([a_point(2, 5000)], signal="metrics"))
    second = StoreSource(store, epoch=an_epoch(token=2, unix_nano=6000))
    for source, value in ((second, 2), (first, 1), (second, 2)):
        (point,) = source.baselines().values()
        assert isinstance(point, NumberPoint)
        assert point.value == value


def test_point_that_comes_late_does_not_replace_a_newer_one() -> None:
    store = a_store(a_request([a_point(5, 300), a_point(4, 200)], signal="metrics"))
    (point,) = StoreSource(store, epoch=an_epoch(token=1)).baselines().values()
    assert isinstance(point, NumberPoint)
    assert point.value == 5


def test_clearing_forgets_items_and_keeps_baselines() -> None:
    store = a_store(a_request([a_point(5, 300)], signal="metrics"), a_request([a_span("a")]))
    source = StoreSource(store)
    assert SpanQuery(source).count() == 1
    source.clear()
    assert SpanQuery(source).count() == 0
    assert source.producers() == ()
    store.request_received(a_request([a_span("b")]))
    assert SpanQuery(source).one().name == "b"
    assert SpanQuery(source).count(name="a") == 0
    (point,) = source.baselines().values()
    assert isinstance(point, NumberPoint)
    assert point.value == 5
    assert source.arrivals().requests[0].number == 3


# Who sent.


def test_producers_are_told_apart_by_process_and_resource() -> None:
    shop = a_connection(number=1, owner="shop")
    agent = a_connection(number=2)
    headers = [("User-Agent", "sdk/1")]
    source = a_source(
        a_request([a_span()], connection=shop, headers=headers),
        a_request([a_log()], signal="logs", connection=shop),
        a_request([a_span(), a_span(service="payments")], connection=agent),
        a_request([Profile(resource=SHOP)], signal="profiles", connection=agent),
        a_refused_request("malformed", "x"),
        a_request(body=b"", path="/x", signal=None),
    )
    own, other, payments = source.producers()
    assert own.producer == Producer(owner="shop", resource=SHOP)
    assert own.signals == {"traces": 1, "logs": 1}
    assert own.last_tokens == {"traces": 0, "logs": 1}
    assert own.user_agents == {"sdk/1"}
    assert other.producer == Producer(owner=None, resource=SHOP)
    assert other.signals == {"traces": 1, "profiles": 1}
    assert payments.producer.resource.service == "payments"
    assert source.producers() == (own, other, payments)


def test_producers_of_a_request() -> None:
    source = a_source()
    request = a_request([a_span(), a_span(), a_span(service="b")])
    assert [p.resource.service for p in source.producers_of(request)] == ["shop", "b"]
    assert source.producers_of(a_refused_request("malformed", "x")) == ()


# For messages.


def test_newest_items_are_given_with_their_number() -> None:
    sent = [a_request([a_span(f"{n}a"), a_span(f"{n}b")]) for n in range(4)]
    newest = a_source(*sent).newest("traces", 3)
    assert [span.name for span in newest.items] == ["2b", "3a", "3b"]
    assert newest.total == 8


def all_kinds() -> list[Request]:
    return [
        a_request([a_span(), a_span(start_time_unix_nano=500)]),
        a_request([a_point(1, 500), a_point(2, 2000)], signal="metrics"),
        a_request([a_log(), a_log(time_unix_nano=500)], signal="logs"),
        a_request([Profile(), Profile(time_unix_nano=500)], signal="profiles"),
        a_refused_request("malformed", "x"),
    ]


@pytest.mark.parametrize("kind", ["traces", "metrics", "logs", "profiles", "requests"])
def test_number_of_items_is_known_without_decoding_them(kind: Kind) -> None:
    source = a_source(*all_kinds())
    assert source.newest(kind, 0).total == len(fetched(source, kind))
    view = a_source(*all_kinds(), epoch=an_epoch())
    assert view.newest(kind, 0).total == len(fetched(view, kind))


def test_remembered_checks_are_asked_in_the_end_and_findings_told_once() -> None:
    source = a_source()
    finding = Finding(rule="x", where="x", expected="x", received="x")
    source.remember(lambda: None)
    source.remember(lambda: finding)
    source.remember(lambda: finding)
    assert source.late_findings() == (finding,)

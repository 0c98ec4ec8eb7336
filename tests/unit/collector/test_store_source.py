from dataclasses import replace
from typing import Any

import pytest

from otlptest.collector.store_source import StoreSource
from otlptest.errors import Finding
from otlptest.model import (
    AggregationTemporality,
    Attributes,
    DataPoint,
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
from otlptest.queries.log_query import LogQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.sources import Kind, Notifying, Recalling, Remembering, Source
from otlptest.queries.span_query import SpanQuery
from otlptest.timing import Deadline
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
    StoreSource(store).add_outside_parent("00000000000000aa")
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


def test_refused_request_counts_unless_its_connection_is_older() -> None:
    old = a_refused_request("malformed", "x", connection=a_connection(opened_unix_nano=999))
    new = a_refused_request("malformed", "x", connection=a_connection(opened_unix_nano=1000))
    source = a_source(old, new, epoch=an_epoch())
    assert list(source.arrivals().requests) == [new]
    assert source.arrivals().leftovers == {"requests": 1}


def test_problem_counts_unless_it_or_its_connection_is_older() -> None:
    store = a_store()
    source = StoreSource(store, epoch=an_epoch())
    problems = [
        Problem(
            kind="wrong_port",
            rule="",
            message=message,
            found_at=found_at,
            connection=None if opened is None else a_connection(opened_unix_nano=opened),
        )
        for message, found_at, opened in (
            ("found before", 9.0, None),
            ("older connection", 11.0, 999),
            ("no connection", 11.0, None),
            ("new", 11.0, 1000),
        )
    ]
    for problem in problems:
        store.problem_found(problem)
    assert [p.message for p in source.arrivals().problems] == ["no connection", "new"]


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

import threading
from collections.abc import Callable
from typing import Any

import pytest

from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import AggregationTemporality, DataPoint, MetricIdentity, MetricType
from otlptest.queries import match
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.metrics.metric import Metric, metrics_of
from otlptest.queries.metrics.metric_query import MetricQuery
from tests.support.metric_points import (
    DELTA,
    a_gauge,
    a_summary,
    an_identity,
    explicit,
    number,
)
from tests.support.received import a_request, a_source

EU, US = {"region": "eu"}, {"region": "us"}
QUIET = Evidence(kind="quiet", what="nothing arrived for 1 s", token=99, covers_all=True)
NOBODY = Evidence(kind="exited", what="x has exited", token=99)
POINTS: tuple[DataPoint, ...] = (
    number(2, 2, attributes=EU),
    number(3, 3, attributes=EU),
    number(1, 3, attributes=US),
    number(4, 3, metric=an_identity(service="kiosk"), attributes=EU),
    number(7, 3, metric=a_gauge()),
    explicit([0.2, 3], 2),
    a_summary(6),
)


def metrics(*points: DataPoint) -> MetricQuery:
    return MetricQuery(MemorySource(points or POINTS, name="this collector"))


def finding_of(call: Callable[[], object]) -> Finding:
    with pytest.raises(ExpectationError) as caught:
        call()
    (finding,) = caught.value.findings
    return finding


def failure_of(call: Callable[[], object]) -> str:
    with pytest.raises(ExpectationError) as caught:
        call()
    return str(caught.value)


def test_a_metric_is_one_identity() -> None:
    found = metrics().all()
    assert [(each.name, each.service, each.type) for each in found] == [
        ("orders", "shop", MetricType.SUM),
        ("orders", "kiosk", MetricType.SUM),
        ("depth", "shop", MetricType.GAUGE),
        ("duration", "shop", MetricType.HISTOGRAM),
        ("latency", "shop", MetricType.SUMMARY),
    ]
    orders = metrics().wait_for_one(name="orders", unit="1", service="shop")
    assert orders.temporality is AggregationTemporality.CUMULATIVE
    assert orders.is_monotonic is True
    assert orders.resource["service.name"] == "shop"
    assert orders.scope.name == ""
    assert orders.exporter is None


CRITERIA: dict[str, tuple[dict[str, Any], int]] = {
    "unit": ({"unit": "1"}, 5),
    "another unit": ({"unit": "s"}, 0),
    "type": ({"type": MetricType.GAUGE}, 1),
    "temporality": ({"temporality": AggregationTemporality.CUMULATIVE}, 3),
    "no temporality": ({"temporality": match.absent()}, 2),
    "attributes": ({"attributes": EU}, 2),
    "attributes of no point": ({"attributes": {"region": "asia"}}, 0),
    "service": ({"service": "kiosk"}, 1),
}


@pytest.mark.parametrize(("criteria", "count"), CRITERIA.values(), ids=CRITERIA.keys())
def test_metrics_are_selected_by_their_criteria(criteria: dict[str, Any], count: int) -> None:
    assert metrics().where(**criteria).count() == count


def test_points_are_merged_and_exports_are_as_sent() -> None:
    orders = metrics().first(name="orders")
    assert [point.value for point in orders.points] == [3, 1]
    assert orders.points.one(attributes=US).value == 1
    assert orders.points.where(lambda point: point.value == 3).one().attributes == EU
    assert [point.time_unix_nano for point in orders.exports.all(attributes=EU)] == [2, 3]
    assert orders.exports.where(attributes=US).count() == 1
    histogram = metrics().one(type=MetricType.HISTOGRAM)
    point = histogram.points.one()
    assert (point.count, point.quantile(0.5)) == (2, 1)


def test_points_of_a_metric_look_at_the_source_anew() -> None:
    store = Store()
    source = StoreSource(store)
    store.request_received(a_request([number(1, 2)], signal="metrics"))
    metric = MetricQuery(source).wait_for_one(name="orders")
    sent = [number(1, 3, metric=an_identity("other")), number(9, 4, attributes=EU)]
    store.request_received(a_request(sent, signal="metrics"))
    assert metric.points.wait_for_one(attributes=EU, timeout_s=1).value == 9
    assert metric.exports.count() == 2
    assert len(metric.merged()) == 1


def test_points_need_their_metric() -> None:
    orders = metrics().first(name="orders")
    message = failure_of(lambda: orders.points.one(attributes={"region": "asia"}))
    assert message == (
        "1 unmet expectation\n"
        "no_matching_point: service 'shop'\n"
        "  expected: a point of 'orders' with region = 'asia'\n"
        "  received: 7 data points, now\n"
        "  closest:  point {'region': 'us'}: region: expected 'asia', received 'us'\n"
        "            point {'region': 'eu'}: region: expected 'asia', received 'eu'\n"
        "  hint:     the closest did arrive, and differs; if another is meant,"
        " wait_for_first(…) waits\n"
        "  explain:  otlptest explain no_matching_point"
    )


def test_a_verdict_about_points_needs_evidence_about_its_service_only() -> None:
    source = a_source(a_request(POINTS, signal="metrics"))
    shop = MetricQuery(source).one(name="orders", service="shop")
    producers = {str(each.producer): each.producer for each in source.producers()}
    about_shop = Evidence(
        kind="flushed", what="shop", token=99, producers=frozenset([producers["shop"]])
    )
    shop.points.expect_none(attributes={"region": "asia"}, after=about_shop)
    shop.exports.expect_count(3, after=about_shop)
    kiosk = MetricQuery(source).one(name="orders", service="kiosk")
    message = failure_of(lambda: kiosk.points.expect_count(1, after=about_shop))
    assert message.startswith("1 unmet expectation\nnot_proven: service 'kiosk'\n")
    assert "shop" not in message.split("the evidence given")[0]
    nameless = MetricIdentity(name="x", type=MetricType.SUM, temporality=DELTA)
    (metric,) = metrics_of([number(1, metric=nameless)])
    assert metric.points.one().value == 1


def test_of_several_descriptions_the_longest_is_given() -> None:
    texts = ("short", "a longer one", "mid")
    found = metrics_of([number(1, metric=an_identity(description=text)) for text in texts])
    (metric,) = found
    assert metric.description == "a longer one"
    assert Metric(identity=an_identity(description="its own")).description == "its own"
    assert metric.points.one().value == 1


def test_exporters_give_metrics_of_their_own() -> None:
    points = [number(1, exporter=name) for name in ("a", "b")]
    assert [(m.exporter, m.points.one().value) for m in metrics_of(points)] == [("a", 1), ("b", 1)]


TOTALS: dict[str, tuple[dict[str, Any], float]] = {
    "all series and services": ({"name": "orders"}, 8),
    "one attribute": ({"name": "orders", "attributes": EU}, 7),
    "one service": ({"name": "orders", "service": "shop"}, 4),
    "a matcher": ({"name": match.starts_with("ord"), "attributes": {"region": match.present()}}, 8),
    "values of a histogram": ({"name": "duration"}, 2),
    "values of a summary": ({"name": "latency"}, 6),
}


@pytest.mark.parametrize(("selection", "total"), TOTALS.values(), ids=TOTALS.keys())
def test_total_goes_over_all_that_is_selected(selection: dict[str, Any], total: float) -> None:
    query = metrics()
    name = selection.pop("name")
    assert query.wait_for_total(name, total, timeout_s=0, **selection) == total
    query.expect_total(name, total, after=QUIET, **selection)
    for wrong in (total - 1, total + 1):
        with pytest.raises(ExpectationError) as caught:
            query.expect_total(name, wrong, after=QUIET, **selection)
        assert caught.value.findings[0].rule == "wrong_total"


def test_total_is_waited_for() -> None:
    store = Store()
    query = MetricQuery(StoreSource(store))

    def send() -> None:
        for value in (1, 2, 3):
            store.request_received(a_request([number(value, value + 1)], signal="metrics"))

    sender = threading.Timer(0.05, send)
    sender.start()
    assert query.wait_for_total("orders", 3, timeout_s=10) == 3
    sender.join()


def test_a_passed_total_fails_at_once() -> None:
    source = a_source(a_request([number(5, attributes=EU)], signal="metrics"))
    query = MetricQuery(source)
    message = failure_of(lambda: query.wait_for_total("orders", 3, timeout_s=60))
    assert message == (
        "1 unmet expectation\n"
        "wrong_total: this collector\n"
        "  expected: a total of 3 of the metric named 'orders'\n"
        "  received: 5 in 1 series\n"
        "  closest:  5 from service 'shop', {'region': 'eu'}\n"
        "  hint:     something else counted too: narrow it with attributes= or service=\n"
        "  explain:  otlptest explain wrong_total"
    )


def test_two_cumulative_writers_of_one_series_are_named_when_a_total_has_passed() -> None:
    points = [number(3, 2), number(5, 2), number(4, 3), number(6, 3)]
    message = failure_of(lambda: metrics(*points).wait_for_total("orders", 10, timeout_s=60))
    assert message == (
        "1 unmet expectation\n"
        "wrong_total: this collector\n"
        "  expected: a total of 10 of the metric named 'orders'\n"
        "  received: 11 in 1 series\n"
        "  closest:  11 from service 'shop', no attributes\n"
        "              it has 5 and then 4 since one start, which counts as a reset"
        " (OTLP-METRIC-019)\n"
        "              it has 3 and 5 at one time, and the latter counts\n"
        "  hint:     a series may have two writers, see OTLP-METRIC-019: give each process that"
        " records it a service.instance.id of its own\n"
        "  explain:  otlptest explain wrong_total"
    )


def test_two_writers_at_one_time_are_named_when_a_total_falls_short() -> None:
    query = metrics(number(3, 2), number(5, 2))
    finding = finding_of(lambda: query.wait_for_total("orders", 8, timeout_s=0))
    assert finding.hint == (
        "a series may have two writers: give each process that records it a service.instance.id"
        " of its own"
    )


def test_two_writers_of_a_series_that_is_not_selected_are_not_the_cause() -> None:
    query = metrics(number(3, 2), number(5, 2), number(1, attributes=EU))
    finding = finding_of(lambda: query.wait_for_total("orders", 2, attributes=EU, timeout_s=0))
    assert finding.hint == "if the SDK exports in intervals, flush it before waiting (force_flush)"


def test_two_deltas_of_one_interval_both_count_and_are_named_in_a_wrong_total() -> None:
    delta = an_identity(temporality=DELTA)
    query = metrics(number(3, metric=delta), number(4, metric=delta))
    assert query.wait_for_total("orders", 7, timeout_s=0) == 7
    query.expect_total("orders", 7, after=QUIET)
    finding = finding_of(lambda: query.expect_total("orders", 3, after=QUIET))
    assert finding.closest.splitlines() == [
        "7 from service 'shop', no attributes",
        "  it has 3 and 4 for one interval, and both count (OTLP-METRIC-021)",
    ]
    assert finding.hint == (
        "a series may have two writers, see OTLP-METRIC-021: give each process that records it a"
        " service.instance.id of its own"
    )


def test_what_can_fall_again_is_waited_for() -> None:
    up_down = an_identity(is_monotonic=False)
    store = Store()
    store.request_received(a_request([number(5, metric=up_down)], signal="metrics"))
    fall = a_request([number(3, 3, metric=up_down)], signal="metrics")
    sender = threading.Timer(0.05, store.request_received, [fall])
    sender.start()
    assert MetricQuery(StoreSource(store)).wait_for_total("orders", 3, timeout_s=10) == 3
    sender.join()


def test_a_total_not_reached_shows_its_series() -> None:
    resent = [number(1, 9, 8, metric=an_identity(temporality=DELTA, service="till"))] * 2
    query = metrics(*POINTS, *resent)
    message = failure_of(lambda: query.wait_for_total("orders", 20, attributes=EU, timeout_s=0))
    assert message == (
        "1 unmet expectation\n"
        "wrong_total: this collector\n"
        "  expected: a total of 20 of the metric named 'orders', over series with region = 'eu'\n"
        "  received: 7 in 2 series, within 0.0 s\n"
        "  closest:  3 from service 'shop', {'region': 'eu'}\n"
        "            4 from service 'kiosk', {'region': 'eu'}\n"
        "            not selected: 1 from service 'shop', {'region': 'us'}\n"
        "            not selected: 1 from service 'till', no attributes (1 resent, counted once)\n"
        "  hint:     if the SDK exports in intervals, flush it before waiting (force_flush)\n"
        "  explain:  otlptest explain wrong_total"
    )


def test_attributes_of_another_type_select_nothing() -> None:
    query = metrics(number(1, attributes={"n": 1}))
    message = failure_of(
        lambda: query.wait_for_total("orders", 1, attributes={"n": "1"}, timeout_s=0)
    )
    assert "received: 0 in 0 series, within 0.0 s" in message
    assert "hint:     no series has these attributes; values compare by OTLP type" in message


def test_an_unknown_metric_is_told_by_the_nearest_name() -> None:
    message = failure_of(lambda: metrics().wait_for_total("order", 1, timeout_s=0))
    assert message == (
        "1 unmet expectation\n"
        "no_matching_metric: this collector\n"
        "  expected: a metric named 'order'\n"
        "  received: 7 data points, within 0.0 s\n"
        "  closest:  'orders': name: expected 'order', received 'orders' (and 1 more like it)\n"
        "  hint:     a name much like it was received: is it misspelt, in the test or in the"
        " program?\n"
        "  explain:  otlptest explain no_matching_metric"
    )


def test_a_verdict_on_an_unknown_metric_prints_its_evidence() -> None:
    assert failure_of(lambda: metrics().expect_total("order", 1, after=QUIET)) == (
        "1 unmet expectation\n"
        "wrong_total: this collector\n"
        "  expected: a total of 1 of the metric named 'order'\n"
        "  received: 0 in 0 series: none among 7 data points\n"
        "            after quiet: nothing arrived for 1 s; covers every sender\n"
        "  closest:  'orders': name: expected 'order', received 'orders' (and 1 more like it)\n"
        "  hint:     a name much like it was received: is it misspelt, in the test or in the"
        " program?\n"
        "  explain:  otlptest explain wrong_total"
    )
    nothing = MetricQuery(MemorySource([], name="this collector"))
    message = failure_of(lambda: nothing.expect_total("order", 1, after=QUIET))
    assert "received: 0 in 0 series: no data points\n" in message
    assert "wrong_total" in message


SHORT: dict[str, tuple[Evidence, tuple[str, ...]]] = {
    "all has arrived": (
        QUIET,
        (
            "            after quiet: nothing arrived for 1 s; covers every sender",
            "  closest:  3 from service 'shop', {'region': 'eu'}",
            (
                "  hint:     all that the evidence covers has arrived: the rest was not recorded,"
                " or is in another metric"
            ),
        ),
    ),
    "a sender is not covered": (
        NOBODY,
        (
            "            after exited: x has exited; covers nobody",
            (
                "            gap: shop has sent in this test (1 request of metrics) and is"
                " not covered"
            ),
            "  closest:  3 from service 'shop', {'region': 'eu'}",
            (
                "  hint:     more may be on its way: cover each sender: after=[otlp.exited(a),"
                " otlp.fence(b)], or narrow the criteria with service="
            ),
        ),
    ),
}


@pytest.mark.parametrize(("evidence", "lines"), SHORT.values(), ids=SHORT.keys())
def test_a_total_that_falls_short_of_a_verdict_is_told_with_its_evidence(
    evidence: Evidence, lines: tuple[str, ...]
) -> None:
    query = MetricQuery(a_source(a_request([number(3, 3, attributes=EU)], signal="metrics")))
    message = failure_of(lambda: query.expect_total("orders", 8, after=evidence))
    assert message.splitlines()[4:-1] == list(lines)


def test_many_series_are_cut_short() -> None:
    query = metrics(*(number(1, attributes={"n": n}) for n in range(15)))
    message = failure_of(lambda: query.wait_for_total("orders", 99, timeout_s=0))
    assert "            and 5 more series\n" in message


def test_doubles_are_compared_with_room_for_rounding() -> None:
    metric = an_identity(temporality=DELTA)
    tenths = [number(0.1, n + 1, n, metric=metric) for n in range(1, 11)]
    assert metrics(*tenths).wait_for_total("orders", 1, timeout_s=0) == 1.0
    metrics(number(0.1 + 0.2)).expect_total("orders", 0.3, after=QUIET)
    with pytest.raises(ExpectationError):
        metrics(number(0.3001)).expect_total("orders", 0.3, after=QUIET)


def test_a_total_of_nothing_is_zero_when_proven() -> None:
    metrics().expect_total("refunds", 0, after=QUIET)
    metrics().expect_total("orders", 0, attributes={"region": "asia"}, after=QUIET)
    with pytest.raises(ExpectationError):
        metrics().wait_for_total("refunds", 0, timeout_s=0)


def test_an_exact_total_is_proven_or_no_verdict() -> None:
    source = a_source(a_request(POINTS, signal="metrics"))
    query = MetricQuery(source)
    query.expect_total("orders", 8, after=[QUIET])
    message = failure_of(lambda: query.expect_total("orders", 8, after=NOBODY))
    assert message.startswith("1 unmet expectation\nnot_proven: this collector\n")
    assert "a total of 8 of the metric named 'orders'" in message
    query.expect_total("orders", 0, service="none", after=NOBODY)


def test_a_later_increment_makes_the_evidence_stale() -> None:
    early = Evidence(kind="quiet", what="nothing arrived for 1 s", token=1, covers_all=True)
    first = a_request([number(2, 2, attributes=EU)], signal="metrics")
    same = a_request([number(2, 3, attributes=EU)], signal="metrics")
    other = a_request([number(1, 3, attributes=US)], signal="metrics")
    MetricQuery(a_source(first, same)).expect_total("orders", 2, after=early)
    MetricQuery(a_source(first, other)).expect_total("orders", 2, attributes=EU, after=early)
    query = MetricQuery(a_source(first, other))
    message = failure_of(lambda: query.expect_total("orders", 3, after=early))
    assert message.startswith("1 unmet expectation\nstale_evidence: this collector\n")


REFUSED: dict[str, tuple[Callable[[MetricQuery], object], str]] = {
    "a gauge": (
        lambda query: query.wait_for_total("depth", 7),
        (
            "'depth' is a gauge, and gauges have no total\n  hint: look at metric.points, or wait"
            " for a point with a test: points.wait_for_first(lambda point: point.value == 3)"
        ),
    ),
    "the total of a gauge": (
        lambda query: query.expect_total("depth", 7, after=QUIET),
        (
            "'depth' is a gauge, and gauges have no total\n  hint: look at metric.points, or wait"
            " for a point with a test: points.wait_for_first(lambda point: point.value == 3)"
        ),
    ),
    "a total as text": (
        lambda query: query.wait_for_total("orders", "8"),  # type: ignore[arg-type]  # as an untyped caller may
        "a total must be a number, and is '8'",
    ),
    "attributes that are none": (
        lambda query: query.wait_for_total("orders", 8, attributes="eu"),  # type: ignore[arg-type]  # as above
        (
            "attributes must be a mapping of names to values, and is 'eu'\n"
            '  hint: attributes={"name": "value"}'
        ),
    ),
    "no evidence": (
        lambda query: query.expect_total("orders", 8),
        (
            "a verdict on absence or an exact count needs after=\n  hint: give"
            " after=otlp.exited(process), otlp.fence(send), otlp_sdk.flushed() or otlp.quiet(s)"
        ),
    ),
    "a timeout that is none": (
        lambda query: query.wait_for_total("orders", 8, timeout_s=-1),
        (
            "timeout_s must be a number of seconds, 0 or more, and is -1\n"
            "  hint: 0 means: look once, now"
        ),
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused(
    call: Callable[[MetricQuery], object], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        call(metrics())
    assert str(caught.value) == message


def test_a_view_counts_from_where_a_series_stood_before_it() -> None:
    store = Store()
    store.request_received(a_request([number(5, 2), explicit([1, 2], 2)], signal="metrics"))
    view = StoreSource(store)
    view.clear()
    later = [number(7, 3), explicit([1, 2, 3], 3), number(4, 3, attributes=EU)]
    store.request_received(a_request(later, signal="metrics"))
    query = MetricQuery(view)
    assert query.wait_for_total("orders", 6, timeout_s=0) == 6
    assert query.one(name="duration").points.one().count == 1


def test_two_writers_before_a_view_both_count() -> None:
    store = Store()
    store.request_received(a_request([number(5, 2, 1), number(8, 2, 2)], signal="metrics"))
    view = StoreSource(store)
    view.clear()
    store.request_received(a_request([number(6, 3, 1), number(9, 3, 2)], signal="metrics"))
    assert MetricQuery(view).wait_for_total("orders", 2, timeout_s=0) == 2

import math
from collections.abc import Sequence
from typing import Any

import pytest

from otlptest.errors import UsageError
from otlptest.model import (
    AggregationTemporality,
    Attributes,
    DataPoint,
    Exemplar,
    ExponentialHistogramPoint,
    HistogramPoint,
    QuantileValue,
)
from otlptest.queries.metrics.exponential import bucket_bounds
from otlptest.queries.metrics.metric_points import MergedPoint, merged_points
from otlptest.queries.metrics.quantiles import quantile_rank
from tests.support.metric_points import (
    DELTA,
    a_gauge,
    a_histogram,
    a_summary,
    an_identity,
    explicit,
    exponential,
    number,
)
from tests.support.received import a_connection, a_request

SUM_DELTA = an_identity(temporality=DELTA)
UP_DOWN = an_identity(is_monotonic=False)
GAUGE = a_gauge()
UNSAID = an_identity(temporality=AggregationTemporality.UNSPECIFIED)
NO_VALUE = 1


def merged(points: Sequence[DataPoint], before: Sequence[DataPoint] = ()) -> MergedPoint:
    (point,) = merged_points(points, before)
    return point


def owned(owner: str) -> Any:  # noqa: ANN401 -- a request
    return a_request(signal="metrics", body=b"", connection=a_connection(owner=owner))


def carried(body: bytes) -> Any:  # noqa: ANN401 -- a request
    return a_request(signal="metrics", body=body)


# points as they arrive, points before the view, the value
VALUES: dict[str, tuple[list[DataPoint], list[DataPoint], object]] = {
    "deltas add up": (
        [number(2, 2, 1, metric=SUM_DELTA), number(3, 3, 2, metric=SUM_DELTA)],
        [],
        5,
    ),
    "a delta sent twice counts once": ([number(2, 2, 1, metric=SUM_DELTA)] * 2, [], 2),
    "deltas of one interval that differ are two": (
        [number(3, 2, 1, metric=SUM_DELTA), number(4, 2, 1, metric=SUM_DELTA)],
        [],
        7,
    ),
    "each of two deltas of one interval sent twice": (
        [number(value, 2, 1, metric=SUM_DELTA) for value in (3, 4, 3, 4)],
        [],
        7,
    ),
    "deltas without a start that differ are two": (
        [number(1, 2, 0, metric=SUM_DELTA), number(4, 2, 0, metric=SUM_DELTA)],
        [],
        5,
    ),
    "a delta of another type is another one": (
        [number(2, 2, 1, metric=SUM_DELTA), number(2.0, 2, 1, metric=SUM_DELTA)],
        [],
        4.0,
    ),
    "a delta with other exemplars is another one": (
        [
            number(2, 2, 1, metric=SUM_DELTA),
            number(2, 2, 1, metric=SUM_DELTA, exemplars=(Exemplar(value=2),)),
        ],
        [],
        4,
    ),
    "NaN sent twice counts once": (
        [number(float("nan"), 2, 1, metric=SUM_DELTA) for _ in range(2)],
        [],
        math.nan,
    ),
    "equal deltas of one tick in one and the same request, sent twice": (
        [number(2, 2, 2, metric=SUM_DELTA, request=carried(b"a")) for _ in range(2)],
        [],
        2,
    ),
    "equal deltas of one tick in different requests": (
        [
            number(2, 2, start, metric=SUM_DELTA, request=carried(body))
            for body in (b"a", b"b")
            for start in (0, 2)
        ],
        [],
        8,
    ),
    "deltas without a time are all counted": ([number(2, 0, 0, metric=SUM_DELTA)] * 2, [], 4),
    "deltas of two processes are two": (
        [number(2, metric=SUM_DELTA, request=owned(name)) for name in "ab"],
        [],
        4,
    ),
    "a gap between deltas": (
        [number(2, 2, 1, metric=SUM_DELTA), number(3, 9, 8, metric=SUM_DELTA)],
        [],
        5,
    ),
    "integers and doubles are one series": (
        [number(2, 2, 1, metric=SUM_DELTA), number(0.5, 3, 2, metric=SUM_DELTA)],
        [],
        2.5,
    ),
    "cumulative: the last": ([number(2, 2), number(7, 3)], [], 7),
    "cumulative out of order": ([number(7, 3), number(2, 2)], [], 7),
    "cumulative sent again": ([number(2, 2), number(2, 2), number(2, 3)], [], 2),
    "never seen before: counts from 0, whatever its start": ([number(7, 99, 5)], [], 7),
    "less the last value before": ([number(9, 5)], [number(4, 3)], 5),
    "unchanged since before": ([number(4, 5)], [number(4, 3)], 0),
    "a late one from before": ([number(3, 2), number(9, 5)], [number(4, 3)], 5),
    "only late ones from before": ([number(3, 2)], [number(4, 3)], 0),
    "begun anew with a new start": ([number(3, 5, 4)], [number(4, 3)], 3),
    "begun anew without a new start": ([number(3, 5)], [number(4, 3)], 3),
    "a reset by start": ([number(4, 3), number(3, 5, 4)], [], 7),
    "a reset by start to a higher value": ([number(4, 3), number(6, 5, 4)], [], 10),
    "a reset by falling": ([number(4, 3), number(3, 5), number(5, 6)], [], 9),
    "no reset between points of one time": ([number(4, 3), number(3, 3)], [], 4),
    "two writers that take turns": (
        [number(2, 2, 1), number(5, 3, 2), number(4, 4, 1), number(6, 5, 2)],
        [],
        10,
    ),
    "two processes with one start": (
        [number(5, 2, request=owned("a")), number(3, 3, request=owned("b"))],
        [],
        8,
    ),
    "an up-down counter falls without a reset": (
        [number(4, 3, metric=UP_DOWN), number(1, 4, metric=UP_DOWN)],
        [],
        1,
    ),
    "an up-down counter that falls within one tick": (
        [number(4, 3, metric=UP_DOWN), number(1, 3, metric=UP_DOWN)],
        [],
        1,
    ),
    "an up-down counter below where it was": (
        [number(1, 4, metric=UP_DOWN)],
        [number(4, 3, metric=UP_DOWN)],
        -3,
    ),
    "a temporality that is not said is taken for cumulative": (
        [number(4, 3, metric=UNSAID), number(6, 4, metric=UNSAID)],
        [],
        6,
    ),
    "the last of a gauge": ([number(9, 3, metric=GAUGE), number(4, 2, metric=GAUGE)], [], 9),
    "of gauge points of one time the last to arrive": (
        [number(9, 3, metric=GAUGE), number(4, 3, metric=GAUGE)],
        [],
        4,
    ),
    "an ended gauge": (
        [number(9, 3, metric=GAUGE), number(0, 4, metric=GAUGE, flags=NO_VALUE)],
        [],
        None,
    ),
    "a gauge that has come back": (
        [number(0, 3, metric=GAUGE, flags=NO_VALUE), number(9, 4, metric=GAUGE)],
        [],
        9,
    ),
    "an ended counter keeps what it counted": (
        [number(9, 3), number(0, 4, flags=NO_VALUE)],
        [],
        9,
    ),
    "only the end of a counter": ([number(0, 4, flags=NO_VALUE)], [number(3, 3)], None),
    "a point without a value": ([number(None, 3), number(2, 4)], [], 2),
    "infinities of both signs": (
        [number(math.inf, 2, 1, metric=SUM_DELTA), number(-math.inf, 3, 2, metric=SUM_DELTA)],
        [],
        math.nan,
    ),
}


@pytest.mark.parametrize(("points", "before", "value"), VALUES.values(), ids=VALUES.keys())
def test_value_of_a_merged_point(
    points: list[DataPoint], before: list[DataPoint], value: object
) -> None:
    received = merged(points, before).value
    assert received == value or (value != value and received != received)  # noqa: PLR0124 -- NaN
    assert type(received) is type(value)


HISTOGRAM_DELTA = a_histogram(temporality=DELTA)
EXPONENTIAL_DELTA = an_identity(
    "x", type=exponential([]).metric.type, temporality=DELTA, is_monotonic=None
)
RESET = ", which counts as a reset"

# points, the count or value, the signs that two writers sent them
CONFLICTS: dict[str, tuple[list[DataPoint], float, list[str]]] = {
    "deltas of one interval that differ": (
        [number(3, 2, 1, metric=SUM_DELTA), number(4, 2, 1, metric=SUM_DELTA)],
        7,
        ["it has 3 and 4 for one interval, and both count (OTLP-METRIC-021)"],
    ),
    "deltas of an unknown interval that differ": (
        [number(3, 2, 0, metric=SUM_DELTA), number(4, 2, 0, metric=SUM_DELTA)],
        7,
        ["it has 3 and 4 for one interval, and both count"],
    ),
    "histograms of one interval that differ in a bucket": (
        [explicit([value], 2, 1, metric=HISTOGRAM_DELTA, sum=0.0) for value in (-3, 4)],
        2,
        ["it has 1 and 1 for one interval, and both count (OTLP-METRIC-021)"],
    ),
    "a histogram sent again": ([explicit([5], 2, 1, metric=HISTOGRAM_DELTA)] * 2, 1, []),
    "exponential histograms of one interval that differ in a bucket": (
        [exponential([value], 2, 1, metric=EXPONENTIAL_DELTA) for value in (3, 40)],
        2,
        ["it has 1 and 1 for one interval, and both count (OTLP-METRIC-021)"],
    ),
    "an exponential histogram sent again": (
        [exponential([3], 2, 1, metric=EXPONENTIAL_DELTA)] * 2,
        1,
        [],
    ),
    "two cumulative writers that take turns": (
        [number(3, 2), number(5, 2), number(4, 3), number(6, 3)],
        11,
        [
            f"it has 5 and then 4 since one start{RESET} (OTLP-METRIC-019)",
            "it has 3 and 5 at one time, and the latter counts",
        ],
    ),
    "two cumulative writers at one time": (
        [number(3, 2), number(5, 2)],
        5,
        ["it has 3 and 5 at one time, and the latter counts"],
    ),
    "a cumulative point sent again": ([number(3, 2), number(3, 2), number(5, 3)], 5, []),
    "a fall without a start": ([number(5, 2, 0), number(3, 3, 0)], 8, []),
    "a reset with a new start": ([number(5, 2, 1), number(3, 4, 3)], 8, []),
    "an up-down counter that falls": (
        [number(5, 2, metric=UP_DOWN), number(3, 3, metric=UP_DOWN)],
        3,
        [],
    ),
    "a cumulative histogram that falls": (
        [explicit([1, 2], 2), explicit([3], 3)],
        3,
        [f"it has 2 and then 1 since one start{RESET}"],
    ),
    "a summary that falls": (
        [a_summary(7, 1.0, 2, 1), a_summary(2, 1.0, 3, 1)],
        9,
        [f"it has 7 and then 2 since one start{RESET} (OTLP-METRIC-046)"],
    ),
    "gauges of one time": ([number(9, 3, metric=GAUGE), number(4, 3, metric=GAUGE)], 4, []),
}


@pytest.mark.parametrize(
    ("points", "amount", "conflicts"), CONFLICTS.values(), ids=CONFLICTS.keys()
)
def test_signs_of_two_writers_are_kept_with_what_counts(
    points: list[DataPoint], amount: float, conflicts: list[str]
) -> None:
    point = merged(points)
    assert (point.value if point.recorded is None else point.count) == amount
    assert [str(each) for each in point.conflicts] == conflicts


def test_many_deltas_of_one_tick_are_told_apart_in_time() -> None:
    point = merged([number(value, 2, 0, metric=SUM_DELTA) for value in range(5_000)])
    assert (point.value, point.export_count) == (sum(range(5_000)), 5_000)


def test_a_fall_below_what_was_before_the_view_is_a_sign_too() -> None:
    (sign,) = merged([number(3, 5)], [number(4, 3)]).conflicts
    assert sign.clause == "it has 4 and then 3 since one start, which counts as a reset"


def test_merged_point_tells_what_it_was_made_of() -> None:
    exemplar = Exemplar(value=3, trace_id="f" * 32)
    points = [
        number(2, 3, 2, metric=SUM_DELTA, exemplars=(exemplar,)),
        number(2, 2, 1, metric=SUM_DELTA),
        number(2, 2, 1, metric=SUM_DELTA),
        number(0, 4, 3, metric=SUM_DELTA, flags=NO_VALUE),
    ]
    point = merged(points)
    assert (point.start_time_unix_nano, point.time_unix_nano) == (1, 4)
    assert (point.export_count, point.resent_count, point.has_ended) == (3, 1, True)
    assert point.exemplars == (exemplar,)
    assert point.service == "shop"
    assert (point.count, point.sum, point.min, point.max) == (None, None, None, None)
    assert (point.explicit_bounds, point.bucket_counts) == ((), ())
    assert (point.scale, point.zero_count, point.zero_threshold) == (None, None, None)
    assert (point.positive, point.negative) == ({}, {})


def test_series_differ_by_the_type_of_an_attribute() -> None:
    values: list[object] = [1, 1.0, "1", True, 1]
    points = [number(n, attributes={"k": value}) for n, value in enumerate(values)]
    found = merged_points(points)
    assert [(p.attributes, p.value) for p in found] == [
        (Attributes({"k": 1}), 4),
        (Attributes({"k": 1.0}), 1),
        (Attributes({"k": "1"}), 2),
        (Attributes({"k": True}), 3),
    ]


def test_exporters_of_a_collector_are_kept_apart() -> None:
    points = [number(2, metric=SUM_DELTA, exporter=name) for name in ("a", "b")]
    assert [(p.exporter, p.value) for p in merged_points(points)] == [("a", 2), ("b", 2)]


def test_histogram_counts_sums_and_extremes_of_deltas() -> None:
    metric = a_histogram(temporality=DELTA)
    point = merged([explicit([-3, 4], 2, 1, metric=metric), explicit([0.5], 3, 2, metric=metric)])
    assert (point.count, point.sum, point.min, point.max) == (3, 1.5, -3, 4)
    assert point.bucket_counts == (1, 0, 1, 1, 0)


def test_cumulative_histogram_is_less_what_was_before() -> None:
    before = explicit([0.5, 4], 2)
    point = merged([explicit([0.5, 4, 0.7], 3)], [before])
    assert (point.count, point.bucket_counts) == (1, (0, 0, 1, 0, 0))
    assert point.sum == pytest.approx(0.7)
    assert (point.min, point.max) == (None, None)  # 0.5 and 4 are older
    lower = merged([explicit([0.5, 4, 0.2, 20], 3)], [before])
    assert (lower.min, lower.max) == (0.2, 20)


def test_histogram_that_has_fallen_began_anew() -> None:
    point = merged([explicit([1, 2, 3], 2), explicit([20], 3)])
    assert (point.count, point.sum) == (4, 26)
    other = merged([explicit([1, 2], 2), explicit([20, 20], 3)])  # not fewer, but other buckets
    assert other.count == 4


def test_absent_sum_and_extremes_stay_absent() -> None:
    metric = a_histogram(temporality=DELTA)
    nothing: dict[str, Any] = {"sum": None, "min": None, "max": None}
    point = merged(
        [explicit([1], 2, 1, metric=metric), explicit([2], 3, 2, metric=metric, **nothing)]
    )
    assert (point.count, point.sum, point.min, point.max) == (2, None, None, None)
    empty = merged([explicit([1], 2, 1, metric=metric), explicit([], 3, 2, metric=metric)])
    assert (empty.sum, empty.min, empty.max) == (1, 1, 1)


def test_histogram_quantiles_are_bucket_bounds() -> None:
    point = merged([explicit([-5, 0.5, 0.6, 10, 11])])
    assert point.quantile(0.6) == 1
    assert point.quantile_bounds(0.5) == (0, 1)
    assert point.quantile_bounds(0) == (-math.inf, -1)
    assert point.quantile_bounds(0.8) == (1, 10)  # bounds are inclusive above
    assert point.quantile(1) == math.inf


def test_quantile_counts_as_it_is_written() -> None:
    assert quantile_rank(0.07, 100) == 7
    assert quantile_rank(0.0, 5) == 1
    assert quantile_rank(1, 5) == 5


def test_exponential_histogram_merges_at_the_lowest_scale() -> None:
    metric = exponential([]).metric
    metric = an_identity("x", type=metric.type, temporality=DELTA, is_monotonic=None)
    point = merged(
        [
            exponential([1.5, 3, -5, 0], 2, 1, scale=4, metric=metric),
            exponential([1.9], 3, 2, scale=0, metric=metric),
        ]
    )
    assert (point.scale, point.zero_count, point.zero_threshold) == (0, 1, 0.0)
    assert (dict(point.positive), dict(point.negative)) == ({0: 2, 1: 1}, {2: 1})
    assert point.quantile_bounds(0.1) == (-8, -4)
    assert point.quantile_bounds(0.4) == (0, 0)
    assert point.quantile_bounds(0.5) == (1, 2)
    assert (point.count, point.min, point.max) == (5, -5, 3)


def test_exponential_histogram_that_has_fallen_began_anew() -> None:
    point = merged([exponential([1, 2, 3], 2), exponential([5, 6, 7], 3)])
    assert point.count == 6
    assert merged([exponential([1, 2], 2), exponential([1], 3)]).count == 3
    assert merged([exponential([1, 2], 2), exponential([1, 2, 3], 3)]).count == 3


def test_summary_gives_its_latest_quantiles() -> None:
    quantiles = (
        QuantileValue(quantile=0.5, value=10.0),
        QuantileValue(quantile=0.9, value=20.0),
    )
    point = merged(
        [a_summary(7, 70.0, 3, quantile_values=quantiles), a_summary(3, 30.0, 2)],
        [a_summary(1, 10.0, 1)],
    )
    assert (point.count, point.sum) == (6, 60.0)
    assert point.quantile(0.5) == 10
    assert point.quantile_bounds(0.7) == (10, 20)
    assert point.quantile_bounds(0.95) == (20, math.inf)
    assert merged([a_summary(7, 1.0, 2), a_summary(2, 1.0, 3)]).count == 9


def test_histogram_without_buckets_says_nothing_about_quantiles() -> None:
    point = merged([explicit([1, 2], bucket_counts=(), explicit_bounds=())])
    assert point.count == 2
    assert point.quantile_bounds(0.5) == (-math.inf, math.inf)


def bare(counts: tuple[int, ...], bounds: tuple[float, ...], time: int) -> HistogramPoint:
    return HistogramPoint(
        metric=a_histogram(temporality=DELTA),
        start_time_unix_nano=time - 1,
        time_unix_nano=time,
        count=sum(counts),
        bucket_counts=counts,
        explicit_bounds=bounds,
    )


PROBLEMS: dict[str, tuple[MergedPoint, float, str]] = {
    "a sum": (
        merged([number(3, attributes={"k": 1})]),
        0.5,
        "'orders' {'k': 1} is a sum and has no quantiles\n  hint: use value",
    ),
    "no values": (merged([explicit([])]), 0.5, "'duration' {} has no values, so no quantiles"),
    "out of range": (
        merged([explicit([1])]),
        99,
        (
            "a quantile must be a number from 0 to 1, and is 99\n"
            "  hint: quantile(0.99) for the 99th percentile"
        ),
    ),
    "changed bounds": (
        merged([bare((1, 2), (5.0,), 2), bare((1, 2), (0.25,), 3)]),
        0.5,
        (
            "'duration' {} has no quantiles over all exports: its bounds changed between exports:"
            " [5] and then [0.25]\n  hint: ask one of metric.exports instead"
        ),
    ),
    "buckets in one export only": (
        merged(
            [
                bare((1, 2), (5.0,), 2),
                explicit(
                    [1],
                    3,
                    2,
                    metric=a_histogram(temporality=DELTA),
                    bucket_counts=(),
                    explicit_bounds=(),
                ),
            ]
        ),
        0.5,
        (
            "'duration' {} has no quantiles over all exports: its bounds changed between exports:"
            " [5] and then no buckets\n  hint: ask one of metric.exports instead"
        ),
    ),
    "bounds that do not fit": (
        merged([bare((1, 2, 3), (5.0,), 2)]),
        0.5,
        (
            "'duration' {} has no quantiles over all exports: a point has 3 buckets for 1 bounds"
            " (OTLP-METRIC-025)\n  hint: ask one of metric.exports instead"
        ),
    ),
}


@pytest.mark.parametrize(("point", "q", "message"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_quantile_that_cannot_be_told_is_refused(
    point: MergedPoint, q: float, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        point.quantile(q)
    assert str(caught.value) == message


def test_counts_of_a_histogram_whose_bounds_changed_are_still_added() -> None:
    point = merged([bare((1, 2), (5.0,), 2), bare((1, 2), (0.25,), 3)])
    assert (point.count, point.bucket_counts) == (6, ())


def test_a_cumulative_point_replaces_those_of_other_bounds() -> None:
    point = merged([explicit([1, 2], 2, bounds=(5.0,)), explicit([1, 2, 3], 3, bounds=(2.0,))])
    assert point.count == 3
    assert point.bucket_counts == (2, 1)


def test_absurd_scales_do_no_harm() -> None:
    for scale in (-(2**31), 2**31 - 1):
        points = [exponential([1.5], 2), exponential([1.5], 3, scale=3)]
        odd = ExponentialHistogramPoint(
            metric=points[0].metric,
            start_time_unix_nano=3,
            time_unix_nano=4,
            count=2,
            scale=scale,
            positive=points[0].positive,
            zero_count=1,
        )
        point = merged([*points, odd])
        assert point.count == 3
        low, high = point.quantile_bounds(1)
        assert 0 <= low <= high


BUCKETS: dict[str, tuple[int, int, tuple[float, float]]] = {
    "scale 0": (0, 3, (8, 16)),
    "a half": (1, 2, (2, math.sqrt(8))),
    "negative scale": (-2, -1, (2.0**-4, 1)),
    "above every double": (0, 1023, (2.0**1023, math.inf)),
    "far above": (-10, 2**31, (math.inf, math.inf)),
    "below every double": (0, -(2**31), (0, 0)),
    "the finest scale": (2**31 - 1, -5, (1, 1)),
    "the coarsest scale": (-(2**31), 0, (1, math.inf)),
}


@pytest.mark.parametrize(("scale", "index", "bounds"), BUCKETS.values(), ids=BUCKETS.keys())
def test_bounds_of_exponential_buckets(scale: int, index: int, bounds: tuple[float, float]) -> None:
    assert bucket_bounds(scale, index) == bounds

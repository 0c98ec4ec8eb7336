"""However a stream of increments is cut into exports, the merged points say the same."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given, strategies as st

from otlptest.model import AggregationTemporality, DataPoint
from otlptest.queries.metrics.exponential import ExponentialBuckets, bucket_bounds, combined_buckets
from otlptest.queries.metrics.metric_points import MergedPoint, merged_points
from tests.support.metric_points import (
    BOUNDS,
    CUMULATIVE,
    DELTA,
    a_histogram,
    an_identity,
    explicit,
    exponential,
    number,
)

INTERVAL = 10
VALUES = st.floats(-100, 100, allow_subnormal=False).filter(lambda v: v == 0 or abs(v) > 1e-6)
TEMPORALITIES = st.sampled_from([DELTA, CUMULATIVE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was recorded in each interval, and how it was exported.

    Attributes:
        recorded: The values of each interval.
        resets: Intervals before which the program started anew.
        seen_before: How many exports a view has not seen, as they came before it.
        resent: Places in the list of exports that were sent again.
        order: The order of arrival.
    """

    recorded: list[list[float]]
    resets: set[int]
    seen_before: int
    resent: list[int]
    order: list[int]

    def arrived(self, points: Sequence[DataPoint]) -> list[DataPoint]:
        """The points that a view has seen, as they arrived."""
        mine = list(points[self.seen_before :])
        mine += [points[place] for place in self.resent if place >= self.seen_before]
        return [mine[place % len(mine)] for place in self.order if mine] + mine

    def baselines(self, points: Sequence[DataPoint]) -> list[DataPoint]:
        """The last point before the view."""
        return list(points[self.seen_before - 1 : self.seen_before]) if self.seen_before else []

    def counted(self) -> list[float]:
        """The values that the view counts."""
        return [value for values in self.recorded[self.seen_before :] for value in values]

    def exports(self, temporality: AggregationTemporality) -> list[tuple[list[float], int, int]]:
        """Values, start and time of each export."""
        found: list[tuple[list[float], int, int]] = []
        held: list[float] = []
        start = 1
        for place, values in enumerate(self.recorded):
            begun = 1 + place * INTERVAL
            if temporality == DELTA:
                found.append((values, begun, begun + INTERVAL))
                continue
            if place in self.resets:
                held, start = [], begun
            held = held + values
            found.append((held, start, begun + INTERVAL))
        return found


@st.composite
def exported(draw: st.DrawFn, values: st.SearchStrategy[float]) -> Exported:
    recorded = draw(st.lists(st.lists(values, max_size=4), min_size=1, max_size=6))
    places = st.integers(0, len(recorded) - 1)
    return Exported(
        recorded=recorded,
        resets=draw(st.sets(places)),
        seen_before=draw(places),
        resent=draw(st.lists(places, max_size=3)),
        order=draw(st.lists(st.integers(0, 20), max_size=6)),
    )


def merged(case: Exported, points: Sequence[DataPoint]) -> MergedPoint:
    (point,) = merged_points(case.arrived(points), case.baselines(points))
    return point


@given(exported(st.integers(0, 50).map(int)), TEMPORALITIES)
def test_any_split_of_increments_gives_the_same_total(
    case: Exported, temporality: AggregationTemporality
) -> None:
    metric = an_identity(temporality=temporality)
    points = [
        number(int(sum(values)), time, start, metric=metric)
        for values, start, time in case.exports(temporality)
    ]
    assert merged(case, points).value == sum(case.counted())


@given(exported(st.integers(-50, 50).map(int)), TEMPORALITIES)
def test_any_split_of_an_up_down_counter_gives_the_same_total(
    case: Exported, temporality: AggregationTemporality
) -> None:
    metric = an_identity(temporality=temporality, is_monotonic=False)
    points = [
        number(int(sum(values)), time, start, metric=metric)
        for values, start, time in case.exports(temporality)
    ]
    assert merged(case, points).value == sum(case.counted())


@given(exported(VALUES.map(abs)), TEMPORALITIES)
def test_totals_of_doubles_do_not_depend_on_the_order_of_arrival(
    case: Exported, temporality: AggregationTemporality
) -> None:
    metric = an_identity(temporality=temporality)
    points = [
        number(math.fsum(values), time, start, metric=metric)
        for values, start, time in case.exports(temporality)
    ]
    value = merged(case, points).value
    assert value is not None
    assert math.isclose(value, math.fsum(case.counted()), rel_tol=1e-9, abs_tol=1e-9)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.randoms())
def test_a_falling_value_is_a_reset_without_a_new_start(values: list[int], random: object) -> None:
    expected = values[0] + sum(
        later if later < earlier else later - earlier
        for earlier, later in itertools.pairwise(values)
    )
    points = [number(value, time) for time, value in enumerate(values, start=2)]
    random.shuffle(points)  # type: ignore[attr-defined]  # a Random of Hypothesis
    assert merged_points(points)[0].value == expected


def true_quantile(values: Sequence[float], q: float) -> float:
    rank = max(1, math.ceil(Fraction(repr(q)) * len(values)))
    return sorted(values)[rank - 1]


def holds(point: MergedPoint, q: float, values: Sequence[float]) -> bool:
    low, high = point.quantile_bounds(q)
    return low <= true_quantile(values, q) <= high == point.quantile(q)


@given(exported(VALUES), TEMPORALITIES, st.floats(0, 1))
def test_any_split_of_a_histogram_gives_the_same_buckets(
    case: Exported, temporality: AggregationTemporality, q: float
) -> None:
    metric = a_histogram(temporality=temporality)
    points = [
        explicit(values, time, start, metric=metric)
        for values, start, time in case.exports(temporality)
    ]
    point, values = merged(case, points), case.counted()
    whole = explicit(values)
    assert (point.count, point.bucket_counts) == (whole.count, whole.bucket_counts)
    assert point.explicit_bounds == BOUNDS
    assert point.sum is not None
    assert math.isclose(point.sum, math.fsum(values), rel_tol=1e-9, abs_tol=1e-9)
    assert point.min in {None, min(values, default=None)}
    assert point.max in {None, max(values, default=None)}
    assert not values or holds(point, q, values)


@given(
    exported(VALUES),
    TEMPORALITIES,
    st.floats(0, 1),
    st.lists(st.integers(-3, 8), min_size=6, max_size=6),
    st.sampled_from([0.0, 1e-5, 0.5]),
)
def test_any_split_of_an_exponential_histogram_gives_the_same_buckets(
    case: Exported,
    temporality: AggregationTemporality,
    q: float,
    scales: list[int],
    threshold: float,
) -> None:
    metric = exponential([]).metric
    metric = an_identity(metric.name, type=metric.type, temporality=temporality, is_monotonic=None)
    points = [
        exponential(values, time, start, metric=metric, scale=scales[n], zero_threshold=threshold)
        for n, (values, start, time) in enumerate(case.exports(temporality))
    ]
    point, values = merged(case, points), case.counted()
    assert point.count == len(values)
    assert not values or holds(point, q, values)
    if point.scale is not None and threshold == 0.0:
        whole = ExponentialBuckets.of(exponential(values, scale=point.scale))
        assert dict(point.positive) == dict(whole.positive)
        assert dict(point.negative) == dict(whole.negative)
        assert point.zero_count == whole.zero_count


@given(st.lists(VALUES.map(abs).filter(bool), max_size=6), st.integers(-4, 20), st.integers(0, 9))
def test_lowering_the_scale_agrees_with_counting_again(
    values: list[float], scale: int, steps: int
) -> None:
    fine = ExponentialBuckets.of(exponential(values, scale=min(scale, 8)))
    low = min(scale, 8) - steps
    coarse = ExponentialBuckets.of(exponential(values, scale=low))
    assert dict(fine.at_scale(low).positive) == dict(coarse.positive)


@given(
    st.lists(
        st.tuples(
            st.lists(VALUES, max_size=4), st.integers(-2, 6), st.sampled_from([0.0, 1e-4, 0.3, 2.0])
        ),
        min_size=1,
        max_size=3,
    )
)
def test_merging_keeps_every_value_in_a_bucket_that_holds_it(
    parts: list[tuple[list[float], int, float]],
) -> None:
    whole = combined_buckets(
        [
            ExponentialBuckets.of(exponential(values, scale=scale, zero_threshold=threshold))
            for values, scale, threshold in parts
        ]
    )
    every = sorted(value for values, _, _ in parts for value in values)
    bounds = [pair for pair, count in whole.in_order() for _ in range(count)]
    assert len(bounds) == len(every)
    assert all(low <= value <= high for value, (low, high) in zip(every, bounds, strict=True))


@given(st.integers(-15, 30), st.integers(-(2**33), 2**33))
def test_bucket_bounds_are_exact_at_powers_of_two_and_never_fall(scale: int, index: int) -> None:
    low, high = bucket_bounds(scale, index)
    assert 0 <= low <= high
    if scale >= 0 and index % (1 << scale) == 0:
        whole = index >> scale
        assert low == (math.inf if whole > 1023 else math.ldexp(1.0, max(whole, -2000)))

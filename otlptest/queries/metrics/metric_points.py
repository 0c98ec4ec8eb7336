"""Merged points: the combined content of all data points of one series.

A *series* is a metric with one set of attributes; a *stream* is the part of one writer since
one start time. Points are merged by their times, in whatever order they arrived:

* delta points are added; a repeated one counts once, and only equal points are
  repetitions: two different points of one stream and time are two (OTLP-METRIC-021);
* of cumulative points the last of each stream counts, less the last one before the view began; a
  new start time begins a new stream, and a falling value shows a reset without one. Streams are
  added, so two writers of one series do not look like resets of each other;
* of a gauge the last value counts;
* a point with NO_RECORDED_VALUE carries no value and ends the series (OTLP-METRIC-056).

MDM "Timeseries Model", "Resets and Gaps", "Overlap".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from otlptest.errors import UsageError
from otlptest.model import (
    AggregationTemporality,
    Attributes,
    DataPoint,
    Exemplar,
    MetricIdentity,
    NumberPoint,
    QuantileValue,
    SummaryPoint,
)
from otlptest.queries.messages.wording import show
from otlptest.queries.metrics.amounts import (
    Distribution,
    ExplicitBuckets,
    Stretch,
    distribution,
    has_fallen,
    total_of,
)
from otlptest.queries.metrics.conflicts import Conflict, Conflicts, all_it_says, amount_of
from otlptest.queries.metrics.exponential import ExponentialBuckets
from otlptest.queries.metrics.point_series import StreamKey, is_cumulative, series_key, stream_key
from otlptest.queries.metrics.quantiles import checked_quantile, quantile_rank, ranked_bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPoint:
    """One series: the combined amount of its data points received in this view.

    Attributes:
        metric: The identity that it belongs to.
        attributes: The series' attributes.
        exporter: The exporter of a Collector under test that sent it, if known.
        start_time_unix_nano: The earliest start time; 0 where none was set.
        time_unix_nano: The latest time.
        value: The value of a gauge or sum; None for other types, and for a gauge that has ended.
        exemplars: Those of all points, by time.
        has_ended: Whether the latest point has no value any more (NO_RECORDED_VALUE).
        export_count: How many data points were merged, the resent ones not counted.
        resent_count: How many delta points were sent more than once; each counts once.
        conflicts: Signs that two writers share this series, as text by `str`.
        recorded: The combined amount of histogram and summary points.
        quantile_values: The quantiles of the latest summary point.
    """

    metric: MetricIdentity
    attributes: Attributes = field(default_factory=Attributes)
    exporter: str | None = None
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    value: int | float | None = None
    exemplars: tuple[Exemplar, ...] = ()
    has_ended: bool = False
    export_count: int = 0
    resent_count: int = 0
    conflicts: tuple[Conflict, ...] = ()
    recorded: Distribution | None = None
    quantile_values: tuple[QuantileValue, ...] = ()

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.metric.service

    @property
    def count(self) -> int | None:
        """Return the number of values of a histogram or summary; None for other types."""
        return self.recorded.count if self.recorded else None

    @property
    def sum(self) -> float | None:
        """Return the sum of the values of a histogram or summary; None if a producer omits it."""
        return self.recorded.sum if self.recorded else None

    @property
    def min(self) -> float | None:
        """Return the lowest value; None if it is unknown or may be older than this view."""
        return self.recorded.min if self.recorded else None

    @property
    def max(self) -> float | None:
        """Return the highest value; None if it is unknown or may be older than this view."""
        return self.recorded.max if self.recorded else None

    @property
    def explicit_bounds(self) -> tuple[float, ...]:
        """Return the bounds of a histogram's buckets; empty for other types."""
        return self._explicit.bounds if self._explicit else ()

    @property
    def bucket_counts(self) -> tuple[int, ...]:
        """Return the counts of a histogram's buckets; empty for other types."""
        return self._explicit.counts if self._explicit else ()

    @property
    def scale(self) -> int | None:
        """Return the scale of an exponential histogram: the lowest of its points."""
        return self._exponential.scale if self._exponential else None

    @property
    def zero_count(self) -> int | None:
        """Return how many values of an exponential histogram are in its zero bucket."""
        return self._exponential.zero_count if self._exponential else None

    @property
    def zero_threshold(self) -> float | None:
        """Return how far the zero bucket of an exponential histogram reaches."""
        return self._exponential.zero_threshold if self._exponential else None

    @property
    def positive(self) -> Mapping[int, int]:
        """Return counts of an exponential histogram's positive values, by bucket index."""
        return self._exponential.positive if self._exponential else {}

    @property
    def negative(self) -> Mapping[int, int]:
        """Return counts of an exponential histogram's negative values, by bucket index."""
        return self._exponential.negative if self._exponential else {}

    @property
    def _explicit(self) -> ExplicitBuckets | None:
        buckets = self.recorded.buckets if self.recorded else None
        return buckets if isinstance(buckets, ExplicitBuckets) else None

    @property
    def _exponential(self) -> ExponentialBuckets | None:
        buckets = self.recorded.buckets if self.recorded else None
        return buckets if isinstance(buckets, ExponentialBuckets) else None

    def quantile(self, q: float) -> float:
        """Return the upper bound of the bucket that contains the quantile.

        The value of rank `⌈q·count⌉` is at most this. Infinite in a histogram's last bucket. For a
        summary it is the reported quantile, or the next reported one.

        Args:
            q: From 0 to 1; 0.99 for the 99th percentile.

        Raises:
            UsageError: `q` is out of range, or the series has no distribution.
        """
        __tracebackhide__ = True
        return self.quantile_bounds(q)[1]

    def quantile_bounds(self, q: float) -> tuple[float, float]:
        """Return lower and upper bound of the bucket that contains the quantile.

        Args:
            q: From 0 to 1; 0.99 for the 99th percentile.

        Raises:
            UsageError: `q` is out of range, or the series has no distribution.
        """
        __tracebackhide__ = True
        checked = checked_quantile(q)
        recorded = self.recorded
        if recorded is None:
            raise UsageError(
                f"{self._called()} is a {self.metric.type.value} and has no quantiles", "use value"
            )
        if recorded.count <= 0:
            raise UsageError(f"{self._called()} has no values, so no quantiles")
        if recorded.problem:
            raise UsageError(
                f"{self._called()} has no quantiles over all exports: {recorded.problem}",
                "ask one of metric.exports instead",
            )
        if self.quantile_values:
            return self._reported_bounds(checked)
        whole = (float("-inf"), float("inf"))
        if recorded.buckets is None:
            return whole
        rank = quantile_rank(checked, recorded.count)
        return ranked_bounds(rank, recorded.buckets.in_order()) or whole

    def _reported_bounds(self, q: float) -> tuple[float, float]:
        """Return the values of a summary between which the quantile lies."""
        below = [each.value for each in self.quantile_values if each.quantile <= q]
        above = [each.value for each in self.quantile_values if each.quantile >= q]
        return max(below, default=float("-inf")), min(above, default=float("inf"))

    def _called(self) -> str:
        return f"{show(self.metric.name)} {show(self.attributes)}"


def merged_points(
    points: Iterable[DataPoint], baselines: Iterable[DataPoint] = ()
) -> tuple[MergedPoint, ...]:
    """Return one point per series, in the order in which the series arrived.

    Args:
        points: Data points as sent, of any metrics.
        baselines: The last cumulative point of each stream before the view began. A series
            without one counts from 0, whatever its start time.
    """
    before = {stream_key(point): point for point in baselines}
    series: dict[object, list[DataPoint]] = {}
    for point in points:
        series.setdefault((series_key(point), point.exporter), []).append(point)
    return tuple(_merged(members, before) for members in series.values())


def _merged(points: Sequence[DataPoint], before: Mapping[StreamKey, DataPoint]) -> MergedPoint:
    ordered = sorted(points, key=_moment if is_cumulative(points[0]) else _time)
    latest = ordered[-1]
    valued = [point for point in ordered if not _has_no_value(point)]
    conflicts = Conflicts()
    kept = _once_each(valued, conflicts) if _is_delta(latest) else valued
    stretches = _stretches(kept, before, conflicts)
    first = points[0]
    last = kept[-1] if kept else None
    has_ended = latest.has_no_recorded_value
    is_number = isinstance(first, NumberPoint)
    return MergedPoint(
        metric=first.metric,
        attributes=first.attributes,
        exporter=first.exporter,
        start_time_unix_nano=min(
            (p.start_time_unix_nano for p in kept if p.start_time_unix_nano), default=0
        ),
        time_unix_nano=latest.time_unix_nano,
        value=_value(stretches, last, has_ended=has_ended) if is_number else None,
        exemplars=tuple(e for p in kept if not isinstance(p, SummaryPoint) for e in p.exemplars),
        has_ended=has_ended,
        export_count=len(points) - (len(valued) - len(kept)),
        resent_count=len(valued) - len(kept),
        conflicts=conflicts.found(),
        recorded=None if is_number else distribution(stretches),
        quantile_values=last.quantile_values if isinstance(last, SummaryPoint) else (),
    )


def _time(point: DataPoint) -> int:
    return point.time_unix_nano


def _moment(point: DataPoint) -> tuple[int, float]:
    """Return a sort key: the time, then the lower value, to avoid seeing a false reset.

    Points that may fall keep the order of arrival.
    """
    if point.metric.is_monotonic is False:
        return point.time_unix_nano, 0.0
    amount = amount_of(point)
    return point.time_unix_nano, amount if amount is not None and amount == amount else 0.0  # noqa: PLR0124 -- NaN


def _has_no_value(point: DataPoint) -> bool:
    return point.has_no_recorded_value or (isinstance(point, NumberPoint) and point.value is None)


def _is_delta(point: DataPoint) -> bool:
    return point.metric.temporality == AggregationTemporality.DELTA


def _once_each(points: Sequence[DataPoint], conflicts: Conflicts) -> list[DataPoint]:
    """Yield delta points without repetitions; those without a time cannot be told apart."""
    kept: list[DataPoint] = []
    firsts: dict[object, DataPoint] = {}
    seen: dict[object, set[object]] = {}
    for point in points:
        key = (stream_key(point), point.time_unix_nano) if point.time_unix_nano else None
        first = firsts.get(key)
        if first is not None:
            said, known = all_it_says(point), seen.setdefault(key, {all_it_says(first)})
            if said in known:
                continue
            known.add(said)
            conflicts.add_same_interval(first, point)
        elif key is not None:
            firsts[key] = point
        kept.append(point)
    return kept


def _value(
    stretches: Sequence[Stretch], last: DataPoint | None, *, has_ended: bool
) -> int | float | None:
    if not isinstance(last, NumberPoint):
        return None
    if last.metric.temporality is None:
        return None if has_ended else last.value
    terms: list[int | float] = []
    for point, earlier in stretches:
        if isinstance(point, NumberPoint) and point.value is not None:
            terms.append(point.value)
        if isinstance(earlier, NumberPoint) and earlier.value is not None:
            terms.append(-earlier.value)
    return total_of(terms)


def _stretches(
    points: Sequence[DataPoint], before: Mapping[StreamKey, DataPoint], conflicts: Conflicts
) -> list[Stretch]:
    """Return the stretches of one series' points in order of time."""
    if not points or not is_cumulative(points[0]):
        return [(point, None) for point in points]
    streams: dict[StreamKey, list[DataPoint]] = {}
    for point in points:
        streams.setdefault(stream_key(point), []).append(point)
    return [
        stretch
        for key, members in streams.items()
        for stretch in _stream_stretches(members, before.get(key), conflicts)
    ]


def _stream_stretches(
    points: Sequence[DataPoint], baseline: DataPoint | None, conflicts: Conflicts
) -> list[Stretch]:
    """Yield stretches from one reset to the next, each counted from its start."""
    found: list[Stretch] = []
    earlier = last = baseline
    for point in points:
        if baseline is not None and 0 < point.time_unix_nano < baseline.time_unix_nano:
            continue  # it arrived late: the baseline contains it
        if last is not None:
            conflicts.add_cumulative(last, point)
        if last is not None and has_fallen(point, last):
            conflicts.add_fall(last, point)
            if last is not baseline:
                found.append((last, earlier))
            earlier = None
        last = point
    if last is not None:
        found.append((last, earlier))
    return found

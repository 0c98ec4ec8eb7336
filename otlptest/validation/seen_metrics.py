"""Counts of the occasions of rules about metrics: metrics, points, and pairs of points."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from otlptest.model import AggregationTemporality
from otlptest.validation.finding_builder import Context, Message, Notes
from otlptest.validation.metrics import NO_RECORDED_VALUE
from otlptest.validation.occasions import Occasion
from otlptest.validation.payloads import identity_of, producer_of
from otlptest.validation.series import AllSeries

_DELTA: Final = int(AggregationTemporality.DELTA)
_HISTOGRAMS: Final = frozenset({"histogram", "exponential_histogram"})
_NUMBERS: Final = frozenset({"gauge", "sum"})


class _AttributeCount(Protocol):
    def __call__(self, attributes: Sequence[Message]) -> None: ...


class SeenMetrics:
    """The metrics of one walk.

    Args:
        counts: The counts to update.
        count_attributes: Takes every list of attributes.
    """

    def __init__(self, counts: Counter[Occasion], count_attributes: _AttributeCount) -> None:
        self._counts = counts
        self._count_attributes = count_attributes
        self._names: set[object] = set()
        self._series = AllSeries()
        self._notes = Notes()  # of `AllSeries`, which judges while it adds; not used

    def scope(self, context: Context, scope: Message) -> None:
        """Count in the metrics of one scope."""
        owner = (producer_of(context), scope.schema_url, identity_of(scope.scope))
        for metric in scope.metrics:
            self._series.add(self._notes, context, owner, metric)
            name = (owner, metric.name)
            self._counts[Occasion.NAMED_AGAIN] += name in self._names
            self._names.add(name)
            self._metric(metric)

    def count_series(self) -> None:
        """Count the pairs of successive points, once all requests are in."""
        for pair in self._series.pairs():
            if not pair.is_successive:
                continue
            if pair.temporality == _DELTA:
                self._counts[Occasion.DELTA_PAIR] += pair.has_starts
            elif pair.has_same_start and pair.type == "summary":
                self._counts[Occasion.SUMMARY_PAIR] += 1
            elif pair.has_same_start and pair.temporality:
                self._counts[Occasion.CUMULATIVE_PAIR] += 1
                is_counter = pair.type == "sum" and pair.is_monotonic
                self._counts[Occasion.MONOTONIC_PAIR] += is_counter

    def _metric(self, metric: Message) -> None:
        counts = self._counts
        counts[Occasion.METRIC] += 1
        counts[Occasion.UNIT] += bool(metric.unit)
        self._count_attributes(getattr(metric, "metadata", ()))
        kind = metric.WhichOneof("data")
        if kind is None:
            return
        data = getattr(metric, kind)
        counts[Occasion.AGGREGATED_METRIC] += kind in _HISTOGRAMS or kind == "sum"
        counts[Occasion.SEVERAL_POINTS] += len(data.data_points) > 1
        for point in data.data_points:
            counts[Occasion.POINT] += 1
            self._count_attributes(point.attributes)
            if not point.flags & NO_RECORDED_VALUE:
                self._point(kind, data, point)

    def _point(self, kind: str, data: Message, point: Message) -> None:
        counts = self._counts
        if kind != "gauge":
            has_times = bool(point.start_time_unix_nano and point.time_unix_nano)
            counts[Occasion.POINT_WITH_START] += has_times
            counts[Occasion.AGGREGATED_POINT] += kind != "summary"
        if kind in _NUMBERS:
            is_delta = getattr(data, "aggregation_temporality", 0) == _DELTA
            counts[Occasion.NUMBER_POINT] += 1
            counts[Occasion.MONOTONIC_DELTA] += is_delta and data.is_monotonic
        elif kind in _HISTOGRAMS:
            self._histogram_point(point)
            _COUNTS[kind](counts, point)
        else:
            counts[Occasion.SUMMARY_POINT] += 1
            counts[Occasion.QUANTILES] += bool(point.quantile_values)
        for exemplar in getattr(point, "exemplars", ()):
            counts[Occasion.EXEMPLAR] += 1
            counts[Occasion.FILTERED_ATTRIBUTES] += bool(exemplar.filtered_attributes)
            self._count_attributes(exemplar.filtered_attributes)

    def _histogram_point(self, point: Message) -> None:
        """Count the occasions that both kinds of histogram have."""
        counts = self._counts
        has_extremes = point.HasField("min") and point.HasField("max")
        counts[Occasion.EMPTY_HISTOGRAM] += not point.count
        counts[Occasion.EXTREMES] += bool(point.count and has_extremes)
        is_negative = point.HasField("min") and point.min < 0
        has_negative = hasattr(point, "negative") and any(point.negative.bucket_counts)
        counts[Occasion.NEGATIVE_HISTOGRAM] += bool(point.count and (is_negative or has_negative))


def _count_histogram(counts: Counter[Occasion], point: Message) -> None:
    counts[Occasion.HISTOGRAM_POINT] += 1
    counts[Occasion.BUCKETS] += bool(point.bucket_counts)
    counts[Occasion.BOUNDS] += bool(point.explicit_bounds)


def _count_exponential(counts: Counter[Occasion], point: Message) -> None:
    has_buckets = bool(point.positive.bucket_counts or point.negative.bucket_counts)
    counts[Occasion.EXPONENTIAL_POINT] += 1
    counts[Occasion.EXPONENTIAL_BUCKETS] += has_buckets


_COUNTS: Final[Mapping[str, Callable[[Counter[Occasion], Message], None]]] = MappingProxyType(
    {"histogram": _count_histogram, "exponential_histogram": _count_exponential}
)

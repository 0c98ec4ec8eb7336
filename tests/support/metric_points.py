"""Data points built in one line; times are small numbers of nanoseconds."""

# ruff: noqa: ANN401 -- builders pass any field on
import bisect
import math
from collections.abc import Iterable, Mapping
from typing import Any

from otlptest.model import (
    AggregationTemporality,
    Attributes,
    Buckets,
    ExponentialHistogramPoint,
    HistogramPoint,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Resource,
    SummaryPoint,
)
from otlptest.queries.metrics.exponential import bucket_bounds

DELTA = AggregationTemporality.DELTA
CUMULATIVE = AggregationTemporality.CUMULATIVE
BOUNDS = (-1.0, 0.0, 1.0, 10.0)


def an_identity(name: str = "orders", service: str = "shop", **fields: Any) -> MetricIdentity:
    """A monotonic cumulative sum."""
    given = {
        "unit": "1",
        "type": MetricType.SUM,
        "temporality": CUMULATIVE,
        "is_monotonic": True,
        **fields,
    }
    return MetricIdentity(name=name, resource=Resource({"service.name": service}), **given)


def a_gauge(name: str = "depth", **fields: Any) -> MetricIdentity:
    """The identity of a gauge."""
    given = {"type": MetricType.GAUGE, "temporality": None, "is_monotonic": None, **fields}
    return an_identity(name, **given)


def a_histogram(name: str = "duration", **fields: Any) -> MetricIdentity:
    """The identity of a histogram."""
    return an_identity(name, **{"type": MetricType.HISTOGRAM, "is_monotonic": None, **fields})


def number(
    value: float | None,
    time: int = 2,
    start: int = 1,
    *,
    metric: MetricIdentity | None = None,
    attributes: Mapping[str, object] | None = None,
    **fields: Any,
) -> NumberPoint:
    """A point of a sum or gauge."""
    return NumberPoint(
        metric=metric or an_identity(),
        attributes=Attributes(attributes),
        start_time_unix_nano=start,
        time_unix_nano=time,
        value=value,
        **fields,
    )


def explicit(
    values: Iterable[float],
    time: int = 2,
    start: int = 1,
    *,
    bounds: tuple[float, ...] = BOUNDS,
    **fields: Any,
) -> HistogramPoint:
    """A histogram point that holds these values."""
    held = list(values)
    counts = [0] * (len(bounds) + 1)
    for value in held:
        counts[bisect.bisect_left(bounds, value)] += 1
    usual: dict[str, Any] = {
        "metric": a_histogram(),
        "count": len(held),
        "sum": math.fsum(held),
        "min": min(held, default=None),
        "max": max(held, default=None),
        "bucket_counts": tuple(counts),
        "explicit_bounds": bounds,
    }
    return HistogramPoint(start_time_unix_nano=start, time_unix_nano=time, **{**usual, **fields})


def an_index(value: float, scale: int) -> int:
    """The bucket of a positive value."""
    index = math.ceil(math.log2(value) * 2.0**scale) - 1
    while bucket_bounds(scale, index)[0] >= value:
        index -= 1
    while bucket_bounds(scale, index)[1] < value:
        index += 1
    return index


def exponential(
    values: Iterable[float],
    time: int = 2,
    start: int = 1,
    *,
    scale: int = 3,
    zero_threshold: float = 0.0,
    **fields: Any,
) -> ExponentialHistogramPoint:
    """An exponential histogram point that holds these values."""
    held = list(values)
    given = {"metric": a_histogram(type=MetricType.EXPONENTIAL_HISTOGRAM), **fields}
    return ExponentialHistogramPoint(
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=len(held),
        sum=math.fsum(held),
        scale=scale,
        zero_count=sum(abs(value) <= zero_threshold for value in held),
        zero_threshold=zero_threshold,
        positive=_buckets([v for v in held if v > zero_threshold], scale),
        negative=_buckets([-v for v in held if -v > zero_threshold], scale),
        min=min(held, default=None),
        max=max(held, default=None),
        **given,
    )


def _buckets(values: list[float], scale: int) -> Buckets:
    if not values:
        return Buckets()
    indexes = [an_index(value, scale) for value in values]
    counts = [indexes.count(index) for index in range(min(indexes), max(indexes) + 1)]
    return Buckets(offset=min(indexes), bucket_counts=tuple(counts))


def a_summary(
    count: int, total: float = 0.0, time: int = 2, start: int = 1, **fields: Any
) -> SummaryPoint:
    """A summary point."""
    metric = a_histogram("latency", type=MetricType.SUMMARY, temporality=None)
    return SummaryPoint(
        metric=metric,
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=count,
        sum=total,
        **fields,
    )

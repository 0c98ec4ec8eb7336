"""The identity of a series: the metric's identity and the attributes.

MDM "Timeseries Model": a stream is a metric with one set of attributes.
"""

from collections.abc import Mapping
from typing import TypeAlias

from otlptest.model import (
    AggregationTemporality,
    DataPoint,
    MetricIdentity,
    NumberPoint,
    SummaryPoint,
)
from otlptest.queries.messages.wording import otlp_type

SeriesKey: TypeAlias = tuple[MetricIdentity, tuple[object, ...]]
"""Hashable; equal for points of one series."""

StreamKey: TypeAlias = tuple[SeriesKey, str | None, str | None, int]
"""Hashable; equal for points of one series that one writer sends since one start time."""


def series_key(point: DataPoint) -> SeriesKey:
    """Return the series of a data point; attribute values count with their OTLP type."""
    return (point.metric, _frozen(point.attributes))


def stream_key(point: DataPoint) -> StreamKey:
    """Return the stream of a data point: series, process, exporter and start time.

    Two programs with the same resource are two writers, though they should not be (MDM
    "Single-Writer"); so are two that differ only in their start time.
    """
    owner = point.request.connection.owner if point.request is not None else None
    return (series_key(point), owner, point.exporter, point.start_time_unix_nano)


def is_cumulative(point: DataPoint) -> bool:
    """Return whether a point covers everything since its start time; by default a sum does.

    Summaries are cumulative without saying so (OTLP-METRIC-046).
    """
    temporality = point.metric.temporality
    return isinstance(point, SummaryPoint) or temporality not in {
        None,
        AggregationTemporality.DELTA,
    }


def numbers(point: DataPoint) -> tuple[object, ...]:
    """Return the numbers of a point: its value, or its count and sum."""
    return (point.value,) if isinstance(point, NumberPoint) else (point.count, point.sum)


def _frozen(value: object) -> tuple[object, ...]:
    """Return a hashable key that is equal exactly for values of one OTLP type and value."""
    if isinstance(value, Mapping):
        return ("mapping", *sorted((key, _frozen(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return ("list", *map(_frozen, value))
    if isinstance(value, float):
        return ("double", repr(value))  # NaN equals NaN, and differs from every number
    return (otlp_type(value), value)

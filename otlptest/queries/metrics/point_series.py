"""What makes two data points belong to one series: the metric's identity and the attributes.

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
    """The series that a data point belongs to; attribute values count with their OTLP type."""
    return (point.metric, _frozen(point.attributes))


def stream_key(point: DataPoint) -> StreamKey:
    """The stream that a data point belongs to: series, process, exporter and start time.

    Two programs with the same resource are two writers, though they should not be (MDM
    "Single-Writer"); so are two that differ in their start time only.
    """
    owner = point.request.connection.owner if point.request is not None else None
    return (series_key(point), owner, point.exporter, point.start_time_unix_nano)


def is_cumulative(point: DataPoint) -> bool:
    """Return whether a point tells all since its start time; a sum that does not say is taken to.

    Summaries are cumulative without saying so (OTLP-METRIC-046).
    """
    temporality = point.metric.temporality
    return isinstance(point, SummaryPoint) or temporality not in {
        None,
        AggregationTemporality.DELTA,
    }


def numbers(point: DataPoint) -> tuple[object, ...]:
    """Return what a point recorded: its value, or its count and sum."""
    return (point.value,) if isinstance(point, NumberPoint) else (point.count, point.sum)


def _frozen(value: object) -> tuple[object, ...]:
    """Something hashable that is equal exactly for values of one OTLP type and value."""
    if isinstance(value, Mapping):
        return ("mapping", *sorted((key, _frozen(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return ("list", *map(_frozen, value))
    if isinstance(value, float):
        return ("double", repr(value))  # NaN equals NaN, and stands apart from every number
    return (otlp_type(value), value)

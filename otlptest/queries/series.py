"""What makes two data points belong to one series: the metric's identity and the attributes.

MDM "Timeseries Model": a stream is a metric with one set of attributes.
"""

from collections.abc import Mapping
from typing import TypeAlias

from otlptest.model import DataPoint, MetricIdentity
from otlptest.queries.wording import otlp_type

__all__ = ["SeriesKey", "series_key"]

SeriesKey: TypeAlias = tuple[MetricIdentity, tuple[object, ...]]
"""Hashable; equal for points of one series."""


def series_key(point: DataPoint) -> SeriesKey:
    """The series that a data point belongs to; attribute values count with their OTLP type."""
    return (point.metric, _frozen(point.attributes))


def _frozen(value: object) -> tuple[object, ...]:
    """Something hashable that is equal exactly for values of one OTLP type and value."""
    if isinstance(value, Mapping):
        return ("mapping", *sorted((key, _frozen(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return ("list", *map(_frozen, value))
    if isinstance(value, float):
        return ("double", repr(value))  # NaN equals NaN, and stands apart from every number
    return (otlp_type(value), value)

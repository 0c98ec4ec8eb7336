"""OTLP's data as frozen dataclasses: spans, metric points, log records, profiles, requests.

Field names are OTLP's own (`start_time_unix_nano`, `dropped_attributes_count`); ids are lower-case
hex; an absent id is None. Additions for tests (`service`, `duration_ms`) are properties.
Nothing here reads or writes bytes: that is `otlptest.wire`.
"""

from otlptest.model.attributes import Attributes, AttributeValue, Resource, Scope, same_value
from otlptest.model.enums import (
    ROOT,
    SIGNALS,
    AggregationTemporality,
    MetricType,
    Protocol,
    Root,
    Severity,
    Signal,
    SpanKind,
    StatusCode,
)
from otlptest.model.logs import LogRecord
from otlptest.model.metrics import (
    Buckets,
    DataPoint,
    Exemplar,
    ExponentialHistogramPoint,
    HistogramPoint,
    MetricIdentity,
    NumberPoint,
    QuantileValue,
    SummaryPoint,
)
from otlptest.model.profiles import Frame, Profile, Sample, ValueType
from otlptest.model.requests import (
    PROBLEM_KINDS,
    Connection,
    Headers,
    Problem,
    Producer,
    Request,
)
from otlptest.model.traces import Link, Span, SpanEvent, Status

__all__ = [
    "PROBLEM_KINDS",
    "ROOT",
    "SIGNALS",
    "AggregationTemporality",
    "AttributeValue",
    "Attributes",
    "Buckets",
    "Connection",
    "DataPoint",
    "Exemplar",
    "ExponentialHistogramPoint",
    "Frame",
    "Headers",
    "HistogramPoint",
    "Link",
    "LogRecord",
    "MetricIdentity",
    "MetricType",
    "NumberPoint",
    "Problem",
    "Producer",
    "Profile",
    "Protocol",
    "QuantileValue",
    "Request",
    "Resource",
    "Root",
    "Sample",
    "Scope",
    "Severity",
    "Signal",
    "Span",
    "SpanEvent",
    "SpanKind",
    "Status",
    "StatusCode",
    "SummaryPoint",
    "ValueType",
    "same_value",
]

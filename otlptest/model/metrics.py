"""Metric points as sent (metrics.proto), and the identity that joins them into one metric.

`otlptest.queries` handles what points mean together (merging, resets, totals, quantiles).
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from otlptest.model.attributes import Attributes, Resource, Scope
from otlptest.model.enums import AggregationTemporality, MetricType
from otlptest.model.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricIdentity:
    """The identity shared by data points of one metric: all but the description.

    MDM "Opentelemetry Protocol data model": name, resource, scope, unit, type; for sums and
    histograms also temporality, for sums monotonicity.
    """

    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    name: str = ""
    unit: str = ""
    type: MetricType = MetricType.NONE
    temporality: AggregationTemporality | int | None = None
    is_monotonic: bool | None = None
    description: str = field(default="", compare=False)

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.resource.service


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """metrics.proto `Exemplar`; ids are lower-case hex, None where absent."""

    filtered_attributes: Attributes = field(default_factory=Attributes)
    time_unix_nano: int = 0
    value: int | float | None = None
    trace_id: str | None = None
    span_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """The common part of every kind of data point.

    Attributes:
        metric: The identity that the point belongs to.
        flags: Bit 0: no recorded value (OTLP-METRIC-055).
    """

    metric: MetricIdentity = field(default_factory=MetricIdentity)
    attributes: Attributes = field(default_factory=Attributes)
    start_time_unix_nano: int = 0
    time_unix_nano: int = 0
    flags: int = 0
    exporter: str | None = field(default=None, compare=False)
    request: Request | None = field(default=None, compare=False, repr=False)

    @property
    def has_no_recorded_value(self) -> bool:
        """Return whether the producer says that the series has no value at this time."""
        return bool(self.flags & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPoint(_Point):
    """metrics.proto `NumberDataPoint`: a point of a gauge or a sum."""

    value: int | float | None = None
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramPoint(_Point):
    """metrics.proto `HistogramDataPoint`; an absent `sum`, `min` or `max` is None."""

    count: int = 0
    sum: float | None = None
    bucket_counts: tuple[int, ...] = ()
    explicit_bounds: tuple[float, ...] = ()
    min: float | None = None
    max: float | None = None
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """metrics.proto `ExponentialHistogramDataPoint.Buckets`."""

    offset: int = 0
    bucket_counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialHistogramPoint(_Point):
    """metrics.proto `ExponentialHistogramDataPoint`; an absent `sum`, `min` or `max` is None."""

    count: int = 0
    sum: float | None = None
    scale: int = 0
    zero_count: int = 0
    zero_threshold: float = 0.0
    positive: Buckets = field(default_factory=Buckets)
    negative: Buckets = field(default_factory=Buckets)
    min: float | None = None
    max: float | None = None
    exemplars: tuple[Exemplar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileValue:
    """metrics.proto `SummaryDataPoint.ValueAtQuantile`."""

    quantile: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryPoint(_Point):
    """metrics.proto `SummaryDataPoint`."""

    count: int = 0
    sum: float = 0.0
    quantile_values: tuple[QuantileValue, ...] = ()


DataPoint: TypeAlias = NumberPoint | HistogramPoint | ExponentialHistogramPoint | SummaryPoint
"""One data point as sent."""

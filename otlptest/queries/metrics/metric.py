"""A metric: what is one identity on the wire, with its points."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from otlptest.model import (
    AggregationTemporality,
    DataPoint,
    MetricIdentity,
    MetricType,
    Resource,
    Scope,
)
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.metrics.metric_points import MergedPoint, merged_points
from otlptest.queries.metrics.point_query import ExportQuery, PointQuery, conditions_of
from otlptest.queries.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One identity: resource, scope, name, unit, type, temporality and monotonicity.

    The description is not part of it (OTLP-METRIC-006): of several the longest is given. Integer
    and double points belong to one metric (OTLP-METRIC-015).

    Attributes:
        identity: What makes its points one metric.
        exporter: Which exporter of a Collector under test sent it, if that is known.
        received: Its data points when the metric was looked at, oldest arrival first.
        baselines: The last cumulative points of its source before the view began.
        source: Where it was taken from; None if it was made of points by hand.
    """

    identity: MetricIdentity
    exporter: str | None = None
    received: tuple[DataPoint, ...] = field(default=(), repr=False)
    baselines: tuple[DataPoint, ...] = field(default=(), repr=False, compare=False)
    source: Source | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.identity.name

    @property
    def service(self) -> str | None:
        """`service.name` of the resource."""
        return self.identity.service

    @property
    def unit(self) -> str:
        """Its unit as sent, case kept."""
        return self.identity.unit

    @property
    def type(self) -> MetricType:
        """Gauge, sum, histogram, exponential histogram or summary."""
        return self.identity.type

    @property
    def temporality(self) -> AggregationTemporality | int | None:
        """Delta or cumulative; None for gauges and summaries."""
        return self.identity.temporality

    @property
    def is_monotonic(self) -> bool | None:
        """Return whether a sum only grows; None for other types."""
        return self.identity.is_monotonic

    @property
    def description(self) -> str:
        """Its description; where points differ in it, the longest."""
        texts = (point.metric.description for point in self.received)
        return max(texts, key=len, default=self.identity.description)

    @property
    def resource(self) -> Resource:
        """The attributes of what produced it."""
        return self.identity.resource

    @property
    def scope(self) -> Scope:
        """The instrumentation scope."""
        return self.identity.scope

    @property
    def points(self) -> PointQuery:
        """A query over one merged point per series; it looks at the source anew."""
        return PointQuery(self._live(), conditions_of(self.identity, self.exporter))

    @property
    def exports(self) -> ExportQuery:
        """A query over each data point as sent; it looks at the source anew."""
        return ExportQuery(self._live(), conditions_of(self.identity, self.exporter))

    def merged(self) -> tuple[MergedPoint, ...]:
        """One merged point per series, of what had been received when it was looked at."""
        return merged_points(self.received, self.baselines)

    def _live(self) -> Source:
        return self.source if self.source is not None else MemorySource(self.received)


def metrics_of(
    points: Iterable[DataPoint],
    *,
    baselines: Iterable[DataPoint] = (),
    source: Source | None = None,
) -> tuple[Metric, ...]:
    """Group data points into metrics, in the order of each metric's first point."""
    members: dict[tuple[MetricIdentity, str | None], list[DataPoint]] = {}
    for point in points:
        members.setdefault((point.metric, point.exporter), []).append(point)
    before = tuple(baselines)
    return tuple(
        Metric(
            identity=identity,
            exporter=exporter,
            received=tuple(found),
            baselines=before,
            source=source,
        )
        for (identity, exporter), found in members.items()
    )

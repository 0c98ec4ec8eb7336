"""A metric: one identity on the wire, with its points."""

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

    The description is not part of it (OTLP-METRIC-006): the longest one is used. Integer
    and double points belong to one metric (OTLP-METRIC-015).

    Attributes:
        identity: The identity of all its points.
        exporter: The exporter of a Collector under test that sent it, if known.
        received: Its data points when the metric was looked at, oldest arrival first.
        baselines: The last cumulative points of its source before the view began.
        source: Its source; None if it was made of points by hand.
    """

    identity: MetricIdentity
    exporter: str | None = None
    received: tuple[DataPoint, ...] = field(default=(), repr=False)
    baselines: tuple[DataPoint, ...] = field(default=(), repr=False, compare=False)
    source: Source | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Return its name."""
        return self.identity.name

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.identity.service

    @property
    def unit(self) -> str:
        """Return its unit as sent, case kept."""
        return self.identity.unit

    @property
    def type(self) -> MetricType:
        """Return gauge, sum, histogram, exponential histogram or summary."""
        return self.identity.type

    @property
    def temporality(self) -> AggregationTemporality | int | None:
        """Return delta or cumulative; None for gauges and summaries."""
        return self.identity.temporality

    @property
    def is_monotonic(self) -> bool | None:
        """Return whether a sum only grows; None for other types."""
        return self.identity.is_monotonic

    @property
    def description(self) -> str:
        """Return its description; if points differ in it, the longest."""
        texts = (point.metric.description for point in self.received)
        return max(texts, key=len, default=self.identity.description)

    @property
    def resource(self) -> Resource:
        """Return the attributes of its resource."""
        return self.identity.resource

    @property
    def scope(self) -> Scope:
        """Return the instrumentation scope."""
        return self.identity.scope

    @property
    def points(self) -> PointQuery:
        """Return a query over one merged point per series; it fetches from the source again."""
        return PointQuery(self._live(), conditions_of(self.identity, self.exporter))

    @property
    def exports(self) -> ExportQuery:
        """Return a query over each data point as sent; it fetches from the source again."""
        return ExportQuery(self._live(), conditions_of(self.identity, self.exporter))

    def merged(self) -> tuple[MergedPoint, ...]:
        """Return one merged point per series, from the data points in `received`."""
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

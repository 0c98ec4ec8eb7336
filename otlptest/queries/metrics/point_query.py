"""Queries of the points of one metric: merged ones, and those as sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, Unpack

from otlptest.model import DataPoint, MetricIdentity
from otlptest.queries.criteria.conditions import Condition, Difference, FieldCondition
from otlptest.queries.criteria.criteria import PointCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import POINTS
from otlptest.queries.messages.wording import show
from otlptest.queries.metrics.metric_points import MergedPoint, merged_points
from otlptest.queries.query import Query
from otlptest.queries.query_run import GroupingSieve, ItemFilter
from otlptest.queries.sources import Kind


def conditions_of(metric: MetricIdentity, exporter: str | None) -> tuple[Condition, ...]:
    """Return the conditions of a metric's points, merged or as sent.

    The service is a separate condition, so that a verdict needs no evidence about others.
    """
    own = OfMetric(metric, exporter)
    if metric.service is None:
        return (own,)
    return (FieldCondition("service", metric.service, _service), own)


def _service(item: Any) -> object:  # noqa: ANN401 -- a point, or what a producer could send
    return getattr(item, "metric", item).service


@dataclass(frozen=True, slots=True)
class OfMetric:
    """The condition that a point, merged or as sent, belongs to a metric."""

    wanted: MetricIdentity
    exporter: str | None
    criterion: str = "metric"

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- a data point or a merged point
        """See `Condition.matches`."""
        return item.exporter == self.exporter and bool(item.metric == self.wanted)

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        if self.matches(item):
            return ()
        return (
            Difference(
                field="metric", expected=_called(self.wanted), received=_called(item.metric)
            ),
        )

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return (f"of {show(self.wanted.name)}",)


def _called(metric: MetricIdentity) -> str:
    return f"{show(metric.name)} of service {show(metric.service)}"


def _pushed_down(conditions: Sequence[Any]) -> Mapping[str, object]:
    """Return the name and service of the metric: only these let a source skip others."""
    pushed: dict[str, object] = {}
    for condition in conditions:
        if isinstance(condition, OfMetric):
            pushed["name"] = condition.wanted.name
            if condition.wanted.service is not None:
                pushed["service"] = condition.wanted.service
    return pushed


class PointQuery(Query[MergedPoint]):
    """A question about the series of a metric, each as one merged point: `metric.points`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "metrics"
    vocabulary: ClassVar[Vocabulary] = POINTS

    def where(
        self, *tests: Callable[[MergedPoint], object], **criteria: Unpack[PointCriteria]
    ) -> Self:
        """Narrow the query to points that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

    def _sieve(self) -> ItemFilter[MergedPoint]:
        own = [each for each in self._conditions if isinstance(each, OfMetric)]

        def group(points: Sequence[DataPoint]) -> Sequence[MergedPoint]:
            mine = (point for point in points if all(each.matches(point) for each in own))
            return merged_points(mine, self._source.baselines().values())

        return GroupingSieve(self._conditions, group)

    def _pushed_down(self) -> Mapping[str, object]:
        return _pushed_down(self._conditions)


class ExportQuery(Query[DataPoint]):
    """A question about the data points of a metric, each as sent: `metric.exports`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "metrics"
    vocabulary: ClassVar[Vocabulary] = POINTS

    def where(
        self, *tests: Callable[[DataPoint], object], **criteria: Unpack[PointCriteria]
    ) -> Self:
        """Narrow the query to data points that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

    def _pushed_down(self) -> Mapping[str, object]:
        return _pushed_down(self._conditions)

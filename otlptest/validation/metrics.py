"""Rules about metrics, and about the common fields of all kinds of data points.

Source: metrics.proto; section 7 of the requirements. Rules about the values of one kind of point
are in `otlptest.validation.points`, rules across points in `otlptest.validation.series`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from otlptest.model import AggregationTemporality
from otlptest.validation.attributes import check_attributes
from otlptest.validation.exemplars import check_exemplars
from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted
from otlptest.validation.points import (
    check_exponential_histogram,
    check_histogram,
    check_number,
    check_summary,
)

NO_RECORDED_VALUE: Final = 1
_MAX_UNIT: Final = 63
_WITH_TEMPORALITY: Final = frozenset({"sum", "histogram", "exponential_histogram"})
_TEMPORALITIES: Final = frozenset(
    {int(AggregationTemporality.DELTA), int(AggregationTemporality.CUMULATIVE)}
)
_VALUE_CHECKS: Final[Mapping[str, Callable[[Notes, Item, Message, Message], None]]] = (
    MappingProxyType(
        {
            "gauge": check_number,
            "sum": check_number,
            "histogram": check_histogram,
            "exponential_histogram": check_exponential_histogram,
            "summary": check_summary,
        }
    )
)


def check_metric(notes: Notes, context: Context, metric: Message) -> None:
    """Check one metric and each of its points by itself."""
    item = Item(context, "metric", metric)
    if not metric.name:
        notes.note("OTLP-METRIC-001", item, "name", "an empty name")
    if len(metric.unit) > _MAX_UNIT or not metric.unit.isascii():
        notes.note("OTLP-METRIC-004", item, "unit", quoted(metric.unit))
    check_attributes(notes, item, "metadata", getattr(metric, "metadata", ()))
    kind = metric.WhichOneof("data")
    if kind is None:
        notes.note("OTLP-METRIC-002", item, "data", "none of them")
        return
    data = getattr(metric, kind)
    if not data.data_points:
        notes.note("OTLP-METRIC-003", item, kind, "no data points")
    if kind in _WITH_TEMPORALITY and data.aggregation_temporality not in _TEMPORALITIES:
        received = str(data.aggregation_temporality)
        notes.note("OTLP-METRIC-016", item, "aggregation_temporality", received)
    for number, point in enumerate(data.data_points, start=1):
        _check_point(notes, Item(context, "point", metric, number), kind, data, point)


def _check_point(notes: Notes, item: Item, kind: str, data: Message, point: Message) -> None:
    check_attributes(notes, item, "attributes", point.attributes)
    if not point.time_unix_nano:
        notes.note("OTLP-METRIC-007", item, "time_unix_nano", "0")
    if point.flags & ~NO_RECORDED_VALUE:
        notes.note("OTLP-METRIC-055", item, "flags", f"{point.flags:#x}")
    if point.flags & NO_RECORDED_VALUE:
        return
    if kind != "gauge":  # readers ignore a gauge's start (OTLP-METRIC-012)
        _check_start(notes, item, kind, point)
    _VALUE_CHECKS[kind](notes, item, data, point)
    if kind != "summary" and point.exemplars:
        check_exemplars(notes, item, point, has_start=kind != "gauge")


def _check_start(notes: Notes, item: Item, kind: str, point: Message) -> None:
    start, time = point.start_time_unix_nano, point.time_unix_nano
    if not start and kind != "summary":
        notes.note("OTLP-METRIC-009", item, "start_time_unix_nano", "0")
    elif start > time > 0:
        received = f"a start {(start - time) / 1e6:g} ms after the time"
        notes.note("OTLP-METRIC-010", item, "start_time_unix_nano", received)

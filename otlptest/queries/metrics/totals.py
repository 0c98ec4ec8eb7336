"""Totals of metrics over all their series, and the messages of wrong ones."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from otlptest.errors import UsageError
from otlptest.model import MetricType
from otlptest.queries.criteria.conditions import AttributesCondition
from otlptest.queries.evidence.judging import Proof
from otlptest.queries.messages.wording import show
from otlptest.queries.metrics.amounts import total_of
from otlptest.queries.metrics.metric import Metric
from otlptest.queries.metrics.metric_points import MergedPoint

_SHOWN = 10
_TWO_WRITERS = "give each process that records it a service.instance.id of its own"
_RELATIVE = 1e-9  # doubles are added in another order than the program under test added them


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a total.

    Attributes:
        metric: The metric that it belongs to.
        point: Its merged point.
        amount: Its contribution: the value of a sum, the count of a histogram or summary.
        is_selected: Whether it has the wanted attributes.
    """

    metric: Metric
    point: MergedPoint
    amount: int | float
    is_selected: bool

    def __str__(self) -> str:
        """Return one line: service, attributes, amount; then a line for each conflict."""
        service = show(self.point.service) if self.point.service else "no service.name"
        attributes = show(dict(self.point.attributes)) if self.point.attributes else "no attributes"
        resent = self.point.resent_count
        again = f" ({resent} resent, counted once)" if resent else ""
        line = f"{self.amount!r} from service {service}, {attributes}{again}"
        return "\n  ".join([line, *map(str, self.point.conflicts)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The total of all series of the selected metrics."""

    series: tuple[Series, ...]

    @property
    def selected(self) -> tuple[Series, ...]:
        """Return the series that count."""
        return tuple(each for each in self.series if each.is_selected)

    @property
    def amount(self) -> int | float:
        """Return the sum of the series that count; 0 without any."""
        return total_of(each.amount for each in self.selected)

    def equals(self, total: float) -> bool:
        """Return whether it is this much: exact for integers, to 1e-9 of it for doubles."""
        amount = self.amount
        if isinstance(amount, int) and isinstance(total, int):
            return amount == total
        return math.isclose(amount, total, rel_tol=_RELATIVE, abs_tol=_RELATIVE)

    def has_passed(self, total: float) -> bool:
        """Return whether it is above and cannot come back, because all of it only grows."""
        only_grows = all(
            each.metric.type is not MetricType.SUM or each.metric.is_monotonic is True
            for each in self.selected
        )
        return only_grows and self.amount > total and not self.equals(total)

    def lines(self) -> str:
        """Return the series with their amounts, those that count first."""
        return "\n".join(
            [
                *_lines(self.selected, ""),
                *_lines([each for each in self.series if not each.is_selected], "not selected: "),
            ]
        )


def _lines(series: Sequence[Series], prefix: str) -> Iterator[str]:
    for each in series[:_SHOWN]:
        yield f"{prefix}{each}"
    if len(series) > _SHOWN:
        yield f"{prefix}and {len(series) - _SHOWN:,} more series"


def checked_total(total: float) -> int | float:
    """Return `total` itself, if it is a number.

    Raises:
        UsageError: It is not a number.
    """
    given: object = total  # callers may be untyped
    if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given):
        return given
    raise UsageError(f"a total must be a number, and is {show(given)}")


def total_over(metrics: Iterable[Metric], attributes: Mapping[str, object]) -> Total:
    """Return the total of all series that have these attributes.

    Raises:
        UsageError: One of the metrics is a gauge: its values do not add up.
    """
    condition = AttributesCondition("attributes", attributes, lambda point: point.attributes)
    found: list[Series] = []
    for metric in metrics:
        if metric.type is MetricType.GAUGE:
            raise UsageError(
                f"{show(metric.name)} is a gauge, and gauges have no total",
                "look at metric.points, or wait for a point with a test:"
                " points.wait_for_first(lambda point: point.value == 3)",
            )
        for point in metric.merged():
            amount = point.value if point.recorded is None else point.recorded.count
            found.append(
                Series(
                    metric=metric,
                    point=point,
                    amount=0 if amount is None else amount,
                    is_selected=condition.matches(point),
                )
            )
    return Total(series=tuple(found))


def total_hint(total: float, found: Total, proof: Proof | None) -> str:
    """Return a hint for a wrong total; `proof` is that of a verdict, None after a wait."""
    if found.series and not found.selected:
        return "no series has these attributes; values compare by OTLP type: 1, 1.0, '1' and True"
    conflicts = [conflict for each in found.selected for conflict in each.point.conflicts]
    if conflicts:
        rule = next((f", see {each.rule}" for each in conflicts if each.rule), "")
        return f"a series may have two writers{rule}: {_TWO_WRITERS}"
    if found.amount > total:
        return "something else counted too: narrow it with attributes= or service="
    if proof is None:
        return "if the SDK exports in intervals, flush it before waiting (force_flush)"
    return proof.advice or (
        "all that the evidence covers has arrived: the rest was not recorded, or is in another"
        " metric"
    )

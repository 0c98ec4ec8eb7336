"""Queries of metrics, and their totals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, Unpack

from otlptest.errors import ExpectationError, Finding
from otlptest.model import DataPoint
from otlptest.queries.criteria.criteria import AttributesWanted, MetricCriteria, Vocabulary
from otlptest.queries.criteria.criterion_values import attributes_wanted
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.criteria.vocabularies import METRICS
from otlptest.queries.evidence import verdicts
from otlptest.queries.evidence.judging import (
    After,
    Proof,
    Selection,
    checked_evidence,
    examined,
    judge,
)
from otlptest.queries.messages import nearest_miss
from otlptest.queries.messages.hints import with_loop_hint
from otlptest.queries.messages.wording import listed, show
from otlptest.queries.metrics.metric import Metric, metrics_of
from otlptest.queries.metrics.totals import Total, checked_total, total_hint, total_over
from otlptest.queries.query import Query
from otlptest.queries.query_run import GroupingSieve, ItemFilter, QueryRun
from otlptest.queries.sources import Kind
from otlptest.queries.waiting import wait_until

_PUSHED = ("name", "service", "unit")


class MetricQuery(Query[Metric]):
    """A question about metrics: `otlp.metrics`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "metrics"
    vocabulary: ClassVar[Vocabulary] = METRICS

    def where(self, *tests: Callable[[Metric], object], **criteria: Unpack[MetricCriteria]) -> Self:
        """Narrow the query to metrics that meet all criteria and tests as well.

        `attributes` asks for a point with these; it does not narrow the metric's `points`.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

    def wait_for_total(
        self,
        name: str | Matcher,
        total: float,
        *,
        attributes: AttributesWanted | None = None,
        service: str | Matcher | None = None,
        timeout_s: float = 5.0,
    ) -> int | float:
        """Return the total of a metric over all series and services, as soon as it is `total`.

        Sums count by their value, histograms and summaries by the number of their values.
        Cumulative series count their gain in this view. Integers are compared exactly,
        doubles to 1e-9 of the total. Fails at once when a total that can only grow has passed.

        Blocks the calling thread, at most `timeout_s` seconds. It does not prove that the total
        stays: `expect_total` does.

        Args:
            name: The metric's name, or a matcher for it.
            total: The expected total.
            attributes: The attributes of the series to count.
            service: The service to count.
            timeout_s: Seconds, measured on the source's clock.

        Raises:
            UsageError: An argument is invalid, or the metric is a gauge.
            ExpectationError: It was not reached in time, or was exceeded.
        """
        __tracebackhide__ = True
        wanted = checked_total(total)
        query, selected = self._of(name, attributes, service)
        passed: list[bool] = []

        def is_met(metrics: Sequence[Metric]) -> bool:
            found = total_over(metrics, selected)
            passed[:] = [found.has_passed(wanted)]
            return passed[0] or (bool(found.selected) and found.equals(wanted))

        waited = wait_until(self._source, query._new_look, is_met, timeout_s)  # noqa: SLF001 -- own class
        found = total_over(waited.items, selected)
        if waited.is_met and not passed[0]:
            return found.amount
        if not waited.items:
            look = query._look()  # noqa: SLF001 -- own class
            raise ExpectationError([nearest_miss.missing(query, look, 1, waited.deadline)])
        when = "" if passed[0] else f", {waited.within()}"
        raise ExpectationError([query._wrong_total(wanted, found, selected, when)])  # noqa: SLF001 -- own class

    def expect_total(
        self,
        name: str | Matcher,
        total: float,
        *,
        attributes: AttributesWanted | None = None,
        service: str | Matcher | None = None,
        after: After | None = None,
    ) -> None:
        """Check that the total of a metric is exactly `total`. Does not wait.

        It counts as `wait_for_total` does; a metric without received points has the total 0.

        Args:
            name: The metric's name, or a matcher for it.
            total: The expected total.
            attributes: The attributes of the series to count.
            service: The service to count.
            after: Evidence, one or several pieces; nothing is proven without it.

        Raises:
            UsageError: There is no evidence, an argument is invalid, or the metric is a
                gauge.
            TruncatedResultError: The source returned only a part.
            ExpectationError: The total differs, or is not proven.
        """
        __tracebackhide__ = True
        wanted = checked_total(total)
        query, selected = self._of(name, attributes, service)
        evidence = checked_evidence(after)
        look = query._look()  # noqa: SLF001 -- own class
        look.check_complete(f"what the total of {show(name)} is")
        found = total_over(look.matches(), selected)
        selection = Selection(
            kind=self.kind,
            where=nearest_miss.place(query),
            expected=query._expected(wanted, selected),  # noqa: SLF001 -- own class
            received=f"a total of {found.amount!r}",
            could_match=lambda producer: verdicts.could_match(query.conditions, producer),
            selects=lambda point: bool(
                [
                    series
                    for metric in query.grouped([point])
                    if all(condition.matches(metric) for condition in query.conditions)
                    for series in total_over([metric], selected).selected
                ]
            ),
        )
        if not found.equals(wanted):
            proof = examined(self._source, selection, evidence)
            finding = query._wrong_total(wanted, found, selected, "", proof)  # noqa: SLF001 -- own class
            raise ExpectationError([finding])
        judge(self._source, selection, evidence)

    # Implementation.

    def _of(
        self,
        name: str | Matcher,
        attributes: AttributesWanted | None,
        service: str | Matcher | None,
    ) -> tuple["MetricQuery", Mapping[str, Any]]:
        """Return the query of the metrics of a total, and the attributes of its series."""
        criteria: dict[str, object] = {"name": name}
        if service is not None:
            criteria["service"] = service
        wanted = {} if attributes is None else attributes_wanted("attributes", attributes)
        return self._narrowed((), criteria), wanted

    def _sieve(self) -> ItemFilter[Metric]:
        def group(points: Sequence[DataPoint]) -> Sequence[Metric]:
            before = self._source.baselines().values()
            return metrics_of(points, baselines=before, source=self._source)

        return GroupingSieve(self._conditions, group)

    def _new_look(self) -> QueryRun[Metric]:
        return QueryRun(self._source, self.kind, self._pushed_down(), self._sieve())

    def _pushed_down(self) -> Mapping[str, object]:
        """Return the conditions that hold for each point of a matching metric."""
        pushed = super()._pushed_down()
        return {name: wanted for name, wanted in pushed.items() if name in _PUSHED}

    def _expected(self, total: float, attributes: Mapping[str, Any]) -> str:
        described_metric = nearest_miss.amount(self, 1).removeprefix("a ")
        of = f"a total of {total!r} of the {described_metric}"
        if not attributes:
            return of
        shown = listed([f"{key} = {show(value)}" for key, value in attributes.items()])
        return f"{of}, over series with {shown}"

    def _wrong_total(
        self,
        total: float,
        found: Total,
        attributes: Mapping[str, Any],
        when: str,
        proof: Proof | None = None,
    ) -> Finding:
        received = f"{found.amount!r} in {len(found.selected)} series{when}"
        closest, hint = found.lines(), ""
        if not found.series:
            miss = nearest_miss.nearest(self)
            among = f"none among {miss.received}" if miss.total else miss.received
            received, closest, hint = f"{received}: {among}", miss.closest, miss.hint
        if proof is not None:
            received += f"\nafter {proof}"
        advice = hint or total_hint(total, found, proof)
        return Finding(
            rule="wrong_total",
            where=nearest_miss.place(self),
            expected=self._expected(total, attributes),
            received=received,
            closest=closest,
            hint=with_loop_hint(advice, "metrics") if when else advice,
        )

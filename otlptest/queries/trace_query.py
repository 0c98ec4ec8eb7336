"""Queries of traces: the spans received, grouped by trace id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, Unpack

from otlptest.model import LogRecord
from otlptest.queries.conditions import Condition
from otlptest.queries.criteria import TraceCriteria, Vocabulary
from otlptest.queries.looking import GroupingSieve, Sieve
from otlptest.queries.query import Query
from otlptest.queries.sources import Kind, Source
from otlptest.queries.traces import Trace, traces_of
from otlptest.queries.vocabularies import TRACES
from otlptest.timing import Deadline

__all__ = ["TraceQuery"]

_LOOK_S = 30.0
_FEW_TRACES = 20  # up to here the logs of each are asked for by its id


class TraceQuery(Query[Trace]):
    """A question about traces: `otlp.traces`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "traces"
    vocabulary: ClassVar[Vocabulary] = TRACES

    def where(self, *tests: Callable[[Trace], object], **criteria: Unpack[TraceCriteria]) -> Self:
        """Only traces that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value cannot be meant.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

    def edges(self) -> frozenset[tuple[str, str]]:
        """(caller, callee): the services that call each other in the traces of now."""
        return frozenset(edge for trace in self._look().matches() for edge in trace.edges())

    def _sieve(self) -> Sieve[Trace]:
        return _TraceSieve(self._conditions, self._source)

    def _pushed_down(self) -> Mapping[str, object]:
        """Only the trace id: of a trace that has one matching span, all spans are needed."""
        pushed = super()._pushed_down()
        return {name: wanted for name, wanted in pushed.items() if name == "trace_id"}


class _TraceSieve(GroupingSieve[Trace]):
    """Groups spans into traces; the log records are only fetched for those that match."""

    def __init__(self, conditions: Sequence[Condition], source: Source) -> None:
        super().__init__(conditions, traces_of)
        self._source = source
        self._with_logs: tuple[Sequence[Trace], Sequence[Trace]] = ((), ())

    def matches(self) -> Sequence[Trace]:
        """See `Sieve.matches`."""
        bare = super().matches()
        if bare is not self._with_logs[0]:
            self._with_logs = (bare, self._completed(bare))
        return self._with_logs[1]

    def _completed(self, bare: Sequence[Trace]) -> Sequence[Trace]:
        spans = [span for trace in bare for span in trace.spans]
        return traces_of(spans, self._logs([trace.trace_id for trace in bare]))

    def _logs(self, trace_ids: Sequence[str]) -> list[LogRecord]:
        if len(trace_ids) <= _FEW_TRACES:
            wanted: list[dict[str, object]] = [{"trace_id": each} for each in trace_ids]
        else:
            wanted = [{}]
        return [log for criteria in wanted for log in self._fetched(criteria)]

    def _fetched(self, criteria: Mapping[str, object]) -> Any:  # noqa: ANN401 -- as the source gives them
        deadline = Deadline(_LOOK_S, self._source.clock)
        batch = self._source.fetch("logs", pushed_down=criteria, since=None, deadline=deadline)
        return batch.items

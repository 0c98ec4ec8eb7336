"""Queries of traces: their trees, and the service edges in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Self, Unpack

from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import LogRecord, Span
from otlptest.queries.criteria.conditions import Condition
from otlptest.queries.criteria.criteria import TraceCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import TRACES
from otlptest.queries.evidence.judging import After, Selection, checked_evidence, examined, judge
from otlptest.queries.messages.arrival_report import losses
from otlptest.queries.messages.hints import FLUSH, with_loop_hint
from otlptest.queries.messages.nearest_miss import newest_of, place
from otlptest.queries.messages.wording import listed, show
from otlptest.queries.query import Query
from otlptest.queries.query_run import ItemFilter, QueryRun
from otlptest.queries.sources import Kind
from otlptest.queries.traces.forest import Forest, forest_of
from otlptest.queries.traces.traces import Trace, TraceHome, traces_of
from otlptest.queries.traces.tree_matching import has_tree
from otlptest.queries.traces.tree_report import tree_finding, tree_text
from otlptest.queries.traces.trees import Extra, Order, Pruned, Tree, TreeRules, checked_top
from otlptest.queries.waiting import Waited, wait_until
from otlptest.timing import Deadline

_EDGE_HINT: Final = (
    "an edge needs the callee's span to have the caller's as its direct parent: is the context"
    " propagated (traceparent)?"
)
_LOOK_S = 30.0  # patience of a look that does not wait, for sources on a network
_EXPECTED_EDGES = "edges={('shop', 'payments')}: pairs of (caller, callee)"


class TraceQuery(Query[Trace]):
    """A question about traces: `otlp.traces`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "traces"
    vocabulary: ClassVar[Vocabulary] = TRACES

    def where(self, *tests: Callable[[Trace], object], **criteria: Unpack[TraceCriteria]) -> Self:
        """Narrow the query to traces that meet all criteria and tests as well.

        `containing` requires more than the span: the trace must be closed upward
        (`Trace.has_all_ancestors`), or a wait would return it before its upper spans have come.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

    def edges(self) -> frozenset[tuple[str, str]]:
        """Return (caller, callee) of all these traces so far. Does not wait."""
        return _edges(self._look().matches())

    def wait_for_edges(
        self, edges: Iterable[tuple[str, str]], /, *, timeout_s: float = 5.0
    ) -> frozenset[tuple[str, str]]:
        """Return all service edges, as soon as these (caller, callee) are among them.

        Blocks the calling thread, at most `timeout_s` seconds.

        Raises:
            UsageError: `edges` are not pairs of service names.
            ExpectationError: Not all of them came in time.
        """
        __tracebackhide__ = True
        wanted = _checked_edges(edges)
        waited = wait_until(
            self._source, self._new_look, lambda traces: wanted <= _edges(traces), timeout_s
        )
        if not waited.is_met:
            raise ExpectationError([self._missing_edges(wanted, waited)])
        return _edges(waited.items)

    def wait_for_tree(
        self,
        pattern: Tree,
        /,
        *,
        timeout_s: float = 5.0,
        order: Order = "any",
        extra: Extra = "forbid",
        pruned: Pruned = None,
    ) -> Trace:
        """Return the first trace that is this tree, as soon as there is one.

        Blocks the calling thread, at most `timeout_s` seconds. It does not prove that nothing else
        comes: `Trace.expect_tree` does.

        Args:
            pattern: The result of `tree(...)`.
            timeout_s: Seconds, measured on the source's clock.
            order: `any`, or `start`: children start in the order of their patterns; equal starts
                in any order. Across services that depends on their clocks.
            extra: `forbid`, or `allow` further spans above, next to and below those of the tree.
                `children` stay direct children: use `descendants` or `pruned` for spans between.
            pruned: Criteria of spans, or a list of them, e.g. `{"scope": "express"}`: spans that
                meet one are taken out first, and their children move up to the next ancestor.

        Raises:
            UsageError: An argument is invalid.
            ExpectationError: No trace became that tree in time; shows the nearest.
        """
        __tracebackhide__ = True
        rules = TreeRules.made(order=order, extra=extra, pruned=pruned)
        top = checked_top(pattern, rules)
        found: list[Trace] = []
        tried: dict[str, Trace] = {}

        def is_met(traces: Sequence[Trace]) -> bool:
            for trace in traces:
                if tried.get(trace.trace_id) is not trace:
                    tried[trace.trace_id] = trace
                    if has_tree(_forest(trace.spans, rules), top, rules):
                        found.append(trace)
                        return True
            return False

        waited = wait_until(self._source, self._new_look, is_met, timeout_s)
        if not found:
            lost = losses("traces", self._source)
            finding = tree_finding(
                [(trace.trace_id, _forest(trace.spans, rules)) for trace in waited.items],
                top,
                rules,
                where=place(self),
                received=f"{_amounts(waited.items)}, {waited.within()}\n{lost.received}".rstrip(),
                hint=with_loop_hint(lost.hint or FLUSH, "traces"),
                elsewhere=newest_of(self._source, "traces").items,
            )
            raise ExpectationError([finding])
        return found[0]

    # The interface of a trace to its origin (TraceHome).

    def logs(self, trace_id: str) -> tuple[LogRecord, ...]:
        """Return the current log records of a trace, by time."""
        batch = self._source.fetch(
            "logs",
            pushed_down={"trace_id": trace_id},
            since=None,
            deadline=Deadline(_LOOK_S, self._source.clock),
        )
        records = (record for record in batch.items if record.trace_id == trace_id)
        return tuple(sorted(records, key=_logged_at))

    def expect_tree(
        self,
        trace_id: str,
        pattern: Tree,
        *,
        after: After | None,
        order: Order,
        extra: Extra,
        pruned: Pruned,
    ) -> None:
        """See `Trace.expect_tree`.

        Raises:
            UsageError: There is no evidence, or an argument is invalid.
            TruncatedResultError: The source returned only a part.
            ExpectationError: The trace is a different tree, or it is not proven.
        """
        __tracebackhide__ = True
        rules = TreeRules.made(order=order, extra=extra, pruned=pruned)
        top = checked_top(pattern, rules)
        evidence = checked_evidence(after)
        spans = self._again(trace_id)
        forest = _forest(spans, rules)
        where = f"trace {trace_id}"
        selection = Selection(
            kind="traces",
            where=where,
            expected=tree_text(top, rules),
            received="that tree",
            could_match=lambda _: True,
            selects=lambda item: item.trace_id == trace_id,
        )
        if not has_tree(forest, top, rules):
            proof = examined(self._source, selection, evidence)
            finding = tree_finding(
                [(trace_id, forest)],
                top,
                rules,
                where=where,
                received=f"{_counted_spans(spans)}\nafter {proof}",
                hint=proof.advice,
                elsewhere=newest_of(self._source, "traces").items,
            )
            raise ExpectationError([finding])
        judge(self._source, selection, evidence)

    def _again(self, trace_id: str) -> tuple[Span, ...]:
        """Return the spans of a trace, complete."""
        look = QueryRun(self._source, self.kind, {"trace_id": trace_id}, _TraceSieve((), self))
        look.fetch_all(Deadline(_LOOK_S, self._source.clock))
        look.check_complete(f"which spans belong to trace {trace_id}")
        return tuple(
            span for trace in look.matches() for span in trace.spans if span.trace_id == trace_id
        )

    # Implementation.

    def _sieve(self) -> ItemFilter[Trace]:
        return _TraceSieve(self._conditions, self)

    def _new_look(self) -> QueryRun[Trace]:
        return QueryRun(self._source, self.kind, self._pushed_down(), self._sieve())

    def _pushed_down(self) -> Mapping[str, object]:
        """Return the trace id: no other criterion holds for each span of a matching trace."""
        for condition in self._conditions:
            if condition.criterion == "trace_id":
                return {"trace_id": condition.wanted}
            wanted: Any = condition.wanted
            if condition.criterion == "containing" and isinstance(wanted, Span | LogRecord):
                return {"trace_id": wanted.trace_id} if wanted.trace_id else {}
        return {}

    def _missing_edges(self, wanted: frozenset[tuple[str, str]], waited: Waited[Trace]) -> Finding:
        received = _edges(waited.items)
        services = frozenset(s for trace in waited.items for s in trace.services)
        shown = _shown_edges(received) if received else "no edges"
        came = f"{shown}, from {_amounts(waited.items)}, {waited.within()}"
        lost = losses("traces", self._source)
        return Finding(
            rule="missing_edges",
            where=place(self),
            expected=f"at least {_shown_edges(wanted)}",
            received=f"{came}\n{lost.received}".rstrip(),
            closest="\n".join(
                f"missing {_shown_edges([edge])}: {_why_missing(edge, waited.items, services)}"
                for edge in sorted(wanted - received)
            ),
            hint=with_loop_hint(lost.hint or _EDGE_HINT, "traces"),
        )


class _TraceSieve(ItemFilter[Trace]):
    """Groups spans into traces; rebuilds only those with new spans."""

    def __init__(self, conditions: Sequence[Condition], home: TraceHome) -> None:
        super().__init__(conditions)
        self._home = home
        self._spans: dict[str, list[Span]] = {}
        self._traces: dict[str, Trace] = {}

    def group(self, items: Sequence[Any]) -> Sequence[Trace]:
        """See `ItemFilter.group`."""
        return traces_of(items, home=self._home)

    def feed(self, items: Iterable[Any]) -> None:
        """See `ItemFilter.feed`."""
        for span in items:
            self._spans.setdefault(span.trace_id, []).append(span)
            self._traces.pop(span.trace_id, None)

    def matches(self) -> Sequence[Trace]:
        """See `ItemFilter.matches`."""
        found = []
        for trace_id, spans in self._spans.items():
            trace = self._traces.get(trace_id)
            if trace is None:
                trace = Trace(trace_id=trace_id, spans=tuple(spans), home=self._home)
                self._traces[trace_id] = trace
            if self.passes(trace):
                found.append(trace)
        return found


def _forest(spans: Sequence[Span], rules: TreeRules) -> Forest:
    return forest_of(spans).without(rules.prunes)


def _edges(traces: Iterable[Trace]) -> frozenset[tuple[str, str]]:
    return frozenset(edge for trace in traces for edge in trace.edges())


def _checked_edges(edges: object) -> frozenset[tuple[str, str]]:
    if isinstance(edges, str) or not isinstance(edges, Iterable):
        raise UsageError(f"edges must be pairs of services, and are {show(edges)}", _EXPECTED_EDGES)
    found: set[tuple[str, str]] = set()
    for edge in edges:
        if not isinstance(edge, tuple | list) or [type(part) for part in edge] != [str, str]:
            raise UsageError(
                f"an edge must be a pair of services, and is {show(edge)}", _EXPECTED_EDGES
            )
        found.add((edge[0], edge[1]))
    if not found:
        raise UsageError("no edges were given", _EXPECTED_EDGES)
    return frozenset(found)


def _shown_edges(edges: Iterable[tuple[str, str]]) -> str:
    return listed([f"{caller} -> {callee}" for caller, callee in sorted(edges)])


def _why_missing(edge: tuple[str, str], traces: Iterable[Trace], services: frozenset[str]) -> str:
    """Return how far the edge got, as a hint."""
    absent = [show(service) for service in edge if service not in services]
    if absent:
        return f"no span of service {listed(absent, 'or')} was received"
    if any(set(edge) <= trace.services for trace in traces):
        return "both services are in one trace, but no span is the other's direct child"
    return "both services sent spans, but in different traces"


def _amounts(traces: Sequence[Trace]) -> str:
    spans = sum(len(trace.spans) for trace in traces)
    number = len(traces)
    return f"{number:,} trace{'s' * (number != 1)} of {spans:,} span{'s' * (spans != 1)}"


def _counted_spans(spans: Sequence[Span]) -> str:
    return f"{len(spans):,} span{'s' * (len(spans) != 1)}"


def _logged_at(record: LogRecord) -> int:
    return record.time_unix_nano or record.observed_time_unix_nano

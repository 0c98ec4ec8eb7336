"""Hints for a trace that is not the expected tree: where the missing spans are instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otlptest.model import Span
from otlptest.queries.messages.hints import closest_hint
from otlptest.queries.messages.wording import show
from otlptest.queries.traces.forest import Forest
from otlptest.queries.traces.tree_alignment import Row
from otlptest.queries.traces.trees import Tree, TreeRules
from otlptest.queries.traces.waterfall import printable

_FAR = 0.5  # a name with at least this distance is a different one
_MOST_NAMES = 6


def lacks(rows: Sequence[Row]) -> bool:
    """Return whether a span is missing; a top is if its span has a different name."""
    return any(
        row.mark == "missing"
        or any(d.field == "name" and d.distance >= _FAR for d in row.differences)
        for row in rows
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A trace next to the tree that it does not match.

    Attributes:
        trace_id: The id of the trace.
        forest: Its spans, already pruned.
        pattern: The expected tree.
        rules: The rules of the comparison.
        rows: The result.
    """

    trace_id: str
    forest: Forest
    pattern: Tree
    rules: TreeRules
    rows: Sequence[Row]

    def hint(self, elsewhere: Iterable[Span]) -> str:
        """Return a hint; empty if only later spans can help.

        Args:
            elsewhere: Spans of any trace, which may include the missing ones.
        """
        forest, is_strict = self.forest, self.rules.extra == "forbid"
        if is_strict and forest.orphans and not forest.roots:
            return (
                "the parent was never received; begin the trace with otlp.new_trace(), so that it"
                ' counts as outside, or use extra="allow"'
            )
        if lacks(self.rows):
            return self._in_this_trace() or self._stray(elsewhere)
        differences = [each for row in self.rows for each in row.differences]
        if differences:
            return closest_hint(differences)
        if any(row.mark == "unexpected" for row in self.rows):
            return (
                'take what a framework adds out with pruned=, or let others be with extra="allow"'
            )
        return 'order="any" does not ask for the order' if self.rules.order == "start" else ""

    def _in_this_trace(self) -> str:
        """Return where in the trace the first misplaced span is."""
        spans = self.forest.spans
        places = {id(span): place for place, span in enumerate(spans)}
        taken = {places[id(row.span)] for row in self.rows if row.span and row.pattern}
        free = [place for place in range(len(spans)) if place not in taken]
        if self.rules.extra == "forbid" and self.rows[0].differences:
            depths = self.forest.depths()
            tops = [p for p in free if depths[p] and self.pattern.fits(spans[p])]
            if tops:
                levels = _levels(depths[tops[0]])
                return (
                    f"{_name(spans[tops[0]])} is in this trace, {levels} below the top:"
                    ' extra="allow" lets spans stand above it'
                )
        for row in self.rows:
            if row.above is None or row.pattern is None:
                continue
            found = [place for place in free if row.pattern.fits(spans[place])]
            if found:
                return self._misplaced(row, row.above, found, taken)
        return ""

    def _misplaced(self, row: Row, above: int, found: Sequence[int], taken: set[int]) -> str:
        """Return a hint for a span that is in the trace, but not in its place below `above`."""
        spans, parents = self.forest.spans, self.forest.parents
        ways = [(len(way), place, way) for place in found if (way := self._way(above, place))]
        if ways and not row.is_descendant:
            _, place, way = min(ways)
            return self._deeper(place, way[1:], taken)
        place = min(ways)[1] if ways else found[0]
        parent = parents[place]
        under = "at the top" if parent is None else f"under {_name(spans[parent])}"
        if ways:
            return (
                f"{_name(spans[place])} arrived {under}, below a span that stands for another"
                " pattern: expect it there, in that pattern's children or descendants"
            )
        where = "below" if row.is_descendant else "directly under"
        return (
            f"{_name(spans[place])} is in this trace, {under}, and is expected {where}"
            f" {_name(spans[above])}: in which context was it started?"
        )

    def _way(self, above: int, place: int) -> list[int]:
        """Return the spans from one up to just below another; empty if it is not below it."""
        way: list[int] = []
        at = self.forest.parents[place]
        while at is not None:
            way.append(at)
            if at == above:
                return way[::-1]
            at = self.forest.parents[at]
        return []

    def _deeper(self, place: int, between: Sequence[int], taken: set[int]) -> str:
        """Return the hint that a missing child is below other spans, and how to express that."""
        spans = [self.forest.spans[each] for each in between]
        names = [_name(span) for span in spans]
        if len(names) > _MOST_NAMES:
            names[_MOST_NAMES - 1 : -1] = ["…"]
        scopes = list(dict.fromkeys(span.scope.name for span in spans if span.scope.name))
        shown = f" (scope{'s' * (len(scopes) != 1)} {_listed(scopes)})" if scopes else ""
        prune = self._pruning(spans, [self.forest.spans[each] for each in (*taken, place)])
        taken_out = f"{prune} takes such spans out, and " if prune else ""
        return (
            f"{_name(self.forest.spans[place])} arrived {_levels(len(between))} deeper, under"
            f" {', '.join(names)}{shown}: {taken_out}descendants=[…] finds it below them"
        )

    def _pruning(self, spans: Sequence[Span], wanted: Sequence[Span]) -> str:
        """Return the `pruned=` that takes out these spans and no wanted one, if possible."""
        if any(each.fits(span) for each in self.pattern.walk() for span in spans):
            return ""
        for criterion, texts, kept in (
            ("scope", [s.scope.name for s in spans], {s.scope.name for s in wanted}),
            ("name", [s.name for s in spans], {s.name for s in wanted}),
        ):
            distinct = list(dict.fromkeys(texts))
            if all(distinct) and not kept.intersection(distinct):
                listed = _listed(distinct)
                value = listed if len(distinct) == 1 else f"match.one_of({listed})"
                return f"pruned={{'{criterion}': {value}}}"
        return ""

    def _stray(self, elsewhere: Iterable[Span]) -> str:
        """Return a hint for a missing span that was pruned, or came in another (newest) trace."""
        missing = [row.pattern for row in self.rows if row.pattern is not None and lacks([row])]
        found: dict[int, Span] = {}
        for span in elsewhere:
            if self.rules.prunes(span) == (span.trace_id == self.trace_id):
                found |= {at: span for at, pattern in enumerate(missing) if pattern.fits(span)}
        if not found:
            return ""
        span = found[min(found)]
        if span.trace_id == self.trace_id:
            return f"{_name(span)} is in this trace, and pruned= takes it out"
        service = f" of service {show(span.service)}" if span.service else ""
        return (
            f"{_name(span)}{printable(service)} arrived in another trace, {span.trace_id}: does its"
            " caller pass the context on (traceparent), and does it read it?"
        )


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(printable(show(text)) for text in texts)


def _levels(number: int) -> str:
    return f"{number} level{'s' * (number != 1)}"


def _name(span: Span) -> str:
    return printable(show(span.name))

"""How a tree of spans differs from a pattern: which span was meant by which pattern.

Only for messages. Whole matches are paired first (as in the verdict), then what is left by the
fewest differences in the criteria; what remains is *missing* or *unexpected*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from otlptest.model import Span
from otlptest.queries.assignment import assigned, widest
from otlptest.queries.conditions import Difference
from otlptest.queries.forest import Forest
from otlptest.queries.tree_matching import Fits, fits_of
from otlptest.queries.tree_order import assigned_in_order
from otlptest.queries.trees import Tree, TreeRules
from otlptest.queries.wording import show

__all__ = ["Mark", "Row", "faults", "nearest_alignment"]

Mark: TypeAlias = Literal["same", "differs", "missing", "unexpected"]

_MOST_PAIRS = 20_000  # of patterns and spans that are compared field by field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pattern beside the span that it was meant for.

    Attributes:
        mark: How they compare; a span whose children alone differ is `same`.
        depth: How far below the top.
        pattern: None beside an unexpected span.
        span: None beside a missing one.
        differences: The fields that differ.
        note: What else is wrong, e.g. that a parent is missing.
    """

    mark: Mark
    depth: int
    pattern: Tree | None = None
    span: Span | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""


def faults(rows: Sequence[Row]) -> int:
    """How many rows are not as expected, differing fields counted one by one."""
    return sum(max(1, len(row.differences)) for row in rows if row.mark != "same")


def nearest_alignment(forest: Forest, pattern: Tree, rules: TreeRules) -> tuple[Row, ...]:
    """The pattern beside that tree of the forest which it is closest to."""
    fits = fits_of(forest, pattern, rules)
    aligner = _Aligner(forest, fits, rules)
    candidates = forest.tops if rules.extra == "forbid" else range(len(forest.spans))
    if not candidates:
        return tuple(_missing(pattern, 0))
    ranked = sorted(candidates, key=lambda place: _distance(pattern, forest.spans[place]))
    aligned = [tuple(aligner.rows(place)) for place in ranked[:5]]
    best = min(aligned, key=faults)
    if rules.extra == "allow":
        return best
    top = ranked[aligned.index(best)]
    return (
        *best,
        *(row for other in forest.tops if other != top for row in aligner.unexpected(other)),
    )


class _Aligner:
    def __init__(self, forest: Forest, fits: Fits, rules: TreeRules) -> None:
        self._forest = forest
        self._fits = fits
        self._rules = rules
        self._orphans = frozenset(forest.orphans)
        self._circles = frozenset(forest.circles)

    def rows(self, top: int) -> Iterator[Row]:
        """The top pattern beside the tree below `top`."""
        stack: list[tuple[int, int | None, int]] = [(len(self._fits.patterns) - 1, top, 0)]
        while stack:
            number, place, depth = stack.pop()
            if number < 0 and place is not None:
                yield from self._below_as_extra(place, depth)
            elif place is None:
                yield from _missing(self._fits.patterns[number], depth)
            else:
                yield self._row(number, place, depth)
                pairs = self._pairs(number, place)
                stack.extend((n, child, depth + 1) for n, child in reversed(pairs))

    def unexpected(self, top: int) -> Iterator[Row]:
        """A tree that no pattern stands for."""
        yield from self._below_as_extra(top, 0)

    def _below_as_extra(self, top: int, depth: int) -> Iterator[Row]:
        for place, below in self._forest.walk(top):
            span = self._forest.spans[place]
            note = self._top_note(place)
            yield Row(mark="unexpected", depth=depth + below, span=span, note=note)

    def _top_note(self, place: int) -> str:
        if place in self._orphans:
            return f"its parent {self._forest.spans[place].parent_span_id} has not been received"
        return "it is among its own ancestors" if place in self._circles else ""

    def _row(self, number: int, place: int, depth: int) -> Row:
        pattern, span = self._fits.patterns[number], self._forest.spans[place]
        differences = _differences(pattern, span)
        note = self._top_note(place) if depth == 0 and self._rules.extra == "forbid" else ""
        note = note or self._order_note(number, place)
        mark: Mark = "differs" if differences or note else "same"
        return Row(
            mark=mark, depth=depth, pattern=pattern, span=span, differences=differences, note=note
        )

    def _fitting(self, number: int, place: int) -> list[int]:
        """For each child of a span the patterns of children that it matches wholly."""
        children = self._fits.children[number]
        return [
            sum(1 << at for at, each in enumerate(children) if child in self._fits.spans[each])
            for child in self._forest.children[place]
        ]

    def _order_note(self, number: int, place: int) -> str:
        """That the right children are there, in a wrong order."""
        if self._rules.order == "any":
            return ""
        patterns = self._fits.patterns[number].children
        least, most = [p.least for p in patterns], [p.times for p in patterns]
        fitting = self._fitting(number, place)
        spans = [self._forest.spans[child] for child in self._forest.children[place]]
        covers_all = self._rules.extra == "forbid"
        starts = [span.start_time_unix_nano for span in spans]
        if assigned(fitting, least, most, covers_all=covers_all) is None or assigned_in_order(
            fitting, starts, least, most, covers_all=covers_all
        ):
            return ""
        wanted = ", ".join(show(pattern.name) for pattern in patterns)
        note = f"children start in the order {', '.join(show(span.name) for span in spans)}"
        clocks = len({span.service for span in spans}) > 1
        reason = "; they are of several services, so it depends on their clocks" if clocks else ""
        return f"{note}, expected {wanted}{reason}"

    def _pairs(self, number: int, place: int) -> list[tuple[int, int | None]]:
        """The children's patterns with their spans; None for what is missing, -1 for extra."""
        numbers = self._fits.children[number]
        patterns = [self._fits.patterns[each] for each in numbers]
        children = self._forest.children[place]
        given = list(widest(self._fitting(number, place), [p.times for p in patterns]))
        self._pair_the_rest(patterns, children, given)
        found: list[tuple[int, int | None]] = []
        for at, each in enumerate(numbers):
            mine: list[int | None] = [
                child for child, to in zip(children, given, strict=True) if to == at
            ]
            mine += [None] * (patterns[at].least - len(mine))
            found += [(each, child) for child in mine]
        if self._rules.extra == "forbid":
            found += [(-1, child) for child, to in zip(children, given, strict=True) if to is None]
        return found

    def _pair_the_rest(
        self, patterns: Sequence[Tree], children: Sequence[int], given: list[int | None]
    ) -> None:
        """Give spans that match nothing wholly to the patterns that they come close to."""
        room = [p.times - given.count(at) for at, p in enumerate(patterns)]
        loose = [at for at, to in enumerate(given) if to is None]
        if sum(map(bool, room)) * len(loose) > _MOST_PAIRS:
            return
        near: list[tuple[float, int, int]] = []
        for at in loose:
            span = self._forest.spans[children[at]]
            for to, pattern in enumerate(patterns):
                distance = _distance(pattern, span)
                if room[to] and _is_near(pattern, span, distance):
                    near.append((distance, to, at))
        for _, to, at in sorted(near):
            if room[to] and given[at] is None:
                given[at] = to
                room[to] -= 1


def _differences(pattern: Tree, span: Span) -> tuple[Difference, ...]:
    return tuple(d for condition in pattern.conditions for d in condition.differences(span))


def _distance(pattern: Tree, span: Span) -> float:
    return sum(each.weight for each in _differences(pattern, span))


def _is_near(pattern: Tree, span: Span, distance: float) -> bool:
    """Whether a reader would say that the pattern was meant for the span."""
    name = next(condition for condition in pattern.conditions if condition.criterion == "name")
    return name.matches(span) or distance < 1.0


def _missing(pattern: Tree, depth: int) -> Iterator[Row]:
    """A pattern without a span, and those below it that must be there."""
    stack = [(pattern, depth, 1)]
    while stack:
        each, below, times = stack.pop()
        for _ in range(times):
            yield Row(mark="missing", depth=below, pattern=each)
        stack.extend(
            (child, below + 1, child.least) for child in reversed(each.children) if child.least
        )

"""The differences of a tree of spans from a pattern: which span is meant by which pattern.

Only messages use this. Whole matches are paired first (as in the verdict), then the rest by the
fewest differences in the criteria; the remainder is *missing* or *unexpected*. Spans between a
span and its descendant are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from otlptest.model import Span
from otlptest.queries.criteria.conditions import Difference
from otlptest.queries.messages.wording import show
from otlptest.queries.traces.assignment import assigned, widest
from otlptest.queries.traces.forest import Forest
from otlptest.queries.traces.tree_matching import Candidates, Fits, candidates_below, fits_of
from otlptest.queries.traces.tree_order import assigned_in_order
from otlptest.queries.traces.trees import Tree, TreeRules

Mark: TypeAlias = Literal["same", "differs", "missing", "unexpected"]

_MOST_PAIRS = 20_000  # of patterns and spans that are compared field by field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pattern next to the span that it is compared with.

    Attributes:
        mark: The result; a span of which only the children differ is `same`.
        depth: The depth below the top.
        pattern: The pattern; None for an unexpected span.
        span: The span; None for a missing one.
        differences: The fields that differ.
        note: Another mistake, e.g. that a parent is missing.
        is_descendant: Whether the pattern is that of a descendant: there may be spans between.
        count: The number of such rows in succession.
        above: For a missing span, the place of the span below which it is expected.
    """

    mark: Mark
    depth: int
    pattern: Tree | None = None
    span: Span | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""
    is_descendant: bool = False
    count: int = 1
    above: int | None = None


def faults(rows: Sequence[Row]) -> int:
    """Return the number of faulty rows, with each differing field counted."""
    return sum(row.count * max(1, len(row.differences)) for row in rows if row.mark != "same")


def nearest_alignment(forest: Forest, pattern: Tree, rules: TreeRules) -> tuple[Row, ...]:
    """Return the pattern next to the nearest tree of the forest.

    If extra spans are allowed the top may be any span: one that meets the criteria of the
    pattern's top, else one that nearly does, else a top of the forest; never a span
    further down only because more of its descendants fit.
    """
    fits = fits_of(forest, pattern, rules)
    aligner = _Aligner(forest, fits, rules)
    tops = forest.tops if rules.extra == "forbid" else _possible_tops(forest, pattern)
    if not tops:
        return tuple(_missing(pattern, 0))
    ranked = sorted(tops, key=lambda place: _distance(pattern, forest.spans[place]))
    aligned = [tuple(aligner.rows(place)) for place in ranked[:5]]
    best = min(aligned, key=faults)
    if rules.extra == "allow":
        return best
    top = ranked[aligned.index(best)]
    others = (row for other in forest.tops if other != top for row in aligner.unexpected(other))
    return (*best, *others)


def _possible_tops(forest: Forest, pattern: Tree) -> Sequence[int]:
    """Return the spans that the top of a pattern may mean."""
    distances = [_distance(pattern, span) for span in forest.spans]
    fitting = [place for place, distance in enumerate(distances) if not distance]
    near = [p for p, d in enumerate(distances) if _is_near(pattern, forest.spans[p], d)]
    return fitting or near or forest.tops


class _Aligner:
    def __init__(self, forest: Forest, fits: Fits, rules: TreeRules) -> None:
        self._forest = forest
        self._fits = fits
        self._rules = rules
        self._orphans = frozenset(forest.orphans)
        self._circles = frozenset(forest.circles)

    def rows(self, top: int) -> Iterator[Row]:
        """Return the rows of the top pattern next to the tree below `top`."""
        stack = [_Pair(number=len(self._fits.patterns) - 1, place=top)]
        while stack:
            pair = stack.pop()
            if pair.number is None:
                yield from self._below_as_extra(pair.place, pair.depth)
                continue
            pattern = self._fits.patterns[pair.number]
            if pair.missing:
                yield from _missing(pattern, pair.depth, pair)
                continue
            yield self._row(pair)
            stack.extend(reversed(self._pairs(pair)))

    def unexpected(self, top: int) -> Iterator[Row]:
        """Return the rows of a tree without a pattern."""
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

    def _row(self, pair: "_Pair") -> Row:
        pattern, span = self._fits.patterns[pair.number or 0], self._forest.spans[pair.place]
        differences = _differences(pattern, span)
        is_top = pair.depth == 0 and self._rules.extra == "forbid"
        note = (self._top_note(pair.place) if is_top else "") or self._order_note(pair)
        return Row(
            mark="differs" if differences or note else "same",
            depth=pair.depth,
            pattern=pattern,
            span=span,
            differences=differences,
            note=note,
            is_descendant=pair.is_descendant,
        )

    def _candidates(self, pair: "_Pair") -> Candidates:
        number = pair.number or 0
        matching = [self._fits.spans[each] for each in self._fits.below[number]]
        pattern = self._fits.patterns[number]
        return candidates_below(self._forest, pair.place, pattern, matching, self._rules)

    def _order_note(self, pair: "_Pair") -> str:
        """Return a note if the right children are in a wrong order."""
        if self._rules.order == "any":
            return ""
        pattern = self._fits.patterns[pair.number or 0]
        least, most = [p.least for p in pattern.below], [p.times for p in pattern.below]
        found = self._candidates(pair)
        spans = [self._forest.spans[each] for each in found.places]
        covers_all = self._rules.extra == "forbid"
        starts = [span.start_time_unix_nano for span in spans]
        fitting = found.fitting
        if assigned(fitting, least, most, covers_all=covers_all) is None or assigned_in_order(
            fitting, starts, least, most, covers_all=covers_all
        ):
            return ""
        wanted = ", ".join(show(each.name) for each in pattern.below)
        kind = "descendants" if pattern.descendants else "children"
        note = f"{kind} start in the order {', '.join(show(span.name) for span in spans)}"
        clocks = len({span.service for span in spans}) > 1
        reason = "; they are of several services, so it depends on their clocks" if clocks else ""
        return f"{note}, expected {wanted}{reason}"

    def _pairs(self, pair: "_Pair") -> list["_Pair"]:
        """Return the patterns below with their spans, the missing and the extra ones."""
        numbers = self._fits.below[pair.number or 0]
        patterns = [self._fits.patterns[each] for each in numbers]
        found = self._candidates(pair)
        places = [*found.places, *found.strays]
        fitting = [*found.fitting, *(0 for _ in found.strays)]
        given = list(widest(fitting, [p.times for p in patterns]))
        first_descendant = len(self._fits.patterns[pair.number or 0].children)
        self._pair_the_rest(pair.place, patterns, first_descendant, places, given)
        pairs: list[_Pair] = []
        for at, each in enumerate(numbers):
            base = _Pair(
                number=each,
                place=pair.place,
                depth=pair.depth + 1,
                is_descendant=at >= first_descendant,
            )
            mine = [p for p, to in zip(places, given, strict=True) if to == at]
            pairs += [replace(base, place=place) for place in mine]
            if patterns[at].least > len(mine):
                pairs.append(replace(base, missing=patterns[at].least - len(mine)))
        if self._rules.extra == "forbid":
            extra = [p for p, to in zip(places, given, strict=True) if to is None]
            pairs += [_Pair(number=None, place=place, depth=pair.depth + 1) for place in extra]
        return pairs

    def _pair_the_rest(
        self,
        above: int,
        patterns: Sequence[Tree],
        first_descendant: int,
        places: Sequence[int],
        given: list[int | None],
    ) -> None:
        """Give spans without a whole match to the patterns that they come close to."""
        room = [p.times - given.count(at) for at, p in enumerate(patterns)]
        loose = [at for at, to in enumerate(given) if to is None]
        if sum(map(bool, room)) * len(loose) > _MOST_PAIRS:
            return
        near: list[tuple[float, int, int]] = []
        for at in loose:
            span = self._forest.spans[places[at]]
            is_direct = self._forest.parents[places[at]] == above
            for to, pattern in enumerate(patterns):
                distance = _distance(pattern, span)
                is_possible = is_direct or to >= first_descendant
                if room[to] and is_possible and _is_near(pattern, span, distance):
                    near.append((distance, to, at))
        for _, to, at in sorted(near):
            if room[to] and given[at] is None:
                given[at] = to
                room[to] -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A pattern, and the place of the span that it is compared with.

    `number` is None for a span without a pattern; `missing` is the number of missing spans, and
    `place` is then the span below which they are expected.
    """

    number: int | None
    place: int
    depth: int = 0
    is_descendant: bool = False
    missing: int = 0


def _differences(pattern: Tree, span: Span) -> tuple[Difference, ...]:
    return tuple(d for condition in pattern.conditions for d in condition.differences(span))


def _distance(pattern: Tree, span: Span) -> float:
    return sum(each.weight for each in _differences(pattern, span))


def _is_near(pattern: Tree, span: Span, distance: float) -> bool:
    """Return whether a reader would pair the pattern with the span."""
    name = next(condition for condition in pattern.conditions if condition.criterion == "name")
    return name.matches(span) or distance < 1.0


def _missing(pattern: Tree, depth: int, pair: _Pair | None = None) -> Iterator[Row]:
    """Return the rows of a pattern without a span, and of the required ones below it."""
    is_descendant = pair is not None and pair.is_descendant
    count = pair.missing if pair is not None else 1
    above = pair.place if pair is not None else None
    stack = [(pattern, depth, count, is_descendant, above)]
    while stack:
        each, level, times, deeper, below = stack.pop()
        yield Row(
            mark="missing",
            depth=level,
            pattern=each,
            is_descendant=deeper,
            count=times,
            above=below,
        )
        parts = [(one, False) for one in each.children] + [(one, True) for one in each.descendants]
        stack.extend(
            (one, level + 1, one.least, is_deeper, None)
            for one, is_deeper in reversed(parts)
            if one.least
        )

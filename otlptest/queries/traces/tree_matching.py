"""The exact test that a trace has a tree, however similar the names are.

The spans for the patterns are an assignment (see `assignment`), solved again
for each pair of a pattern and a span, patterns from the bottom up; each pair is judged once. So a
span that fits two patterns goes to the one that needs it, at any depth.

*Candidates* are the spans among which an assignment chooses: the direct children of a span and,
where its pattern has descendants, spans further down. With `extra="forbid"` those are the first on
each way down that meet the criteria of a descendant: the spans that are only between never depend
on the assignment, or it could not be solved in reasonable time (unordered tree inclusion is
NP-complete). With `extra="allow"` they are all spans below.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from otlptest.queries.traces.assignment import assigned
from otlptest.queries.traces.forest import Forest
from otlptest.queries.traces.tree_order import assigned_in_order
from otlptest.queries.traces.trees import Tree, TreeRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """The spans that stand for each pattern, with everything below them.

    Attributes:
        patterns: The patterns, each after those below it; the last is the top.
        below: For each pattern the places of its children's patterns, then of its descendants'.
        spans: For each pattern the places of the spans that match it wholly.
    """

    patterns: tuple[Tree, ...]
    below: tuple[tuple[int, ...], ...]
    spans: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The spans below a span that may stand for the patterns below a pattern.

    Attributes:
        places: Their places, by start.
        fitting: For each the patterns that it matches wholly, as a bit mask: children's first,
            then descendants'.
        strays: Spans that stand for nothing and lead to nothing, none of them below another;
            only where the pattern has descendants and extra spans are forbidden.
    """

    places: tuple[int, ...]
    fitting: tuple[int, ...]
    strays: tuple[int, ...] = ()


def has_tree(forest: Forest, pattern: Tree, rules: TreeRules) -> bool:
    """Return whether the spans, pruned, match the pattern.

    With `extra="forbid"` they are one tree with a root, and each of them stands for a pattern. With
    `extra="allow"` the top of the pattern may be any span.
    """
    if rules.extra == "forbid" and not has_one_root(forest):
        return False
    matching = fits_of(forest, pattern, rules).spans[-1]
    return forest.roots[0] in matching if rules.extra == "forbid" else bool(matching)


def has_one_root(forest: Forest) -> bool:
    """Return whether there is one tree, and its root has been received."""
    return len(forest.roots) == 1 and not forest.orphans and not forest.circles


def fits_of(forest: Forest, pattern: Tree, rules: TreeRules) -> Fits:
    """Return the spans that match each pattern."""
    patterns, below, depths = _flat(pattern)
    pool = _Pool(forest, is_by_depth=rules.extra == "forbid")
    found: list[frozenset[int]] = []
    for number, each in enumerate(patterns):
        fitting = [
            place
            for place in pool.candidates(each, depths[number])
            if _counts_can_match(each, len(forest.children[place]), rules)
            and each.fits(forest.spans[place])
        ]
        matching = [found[one] for one in below[number]]
        found.append(frozenset(p for p in fitting if _below_fits(each, matching, forest, p, rules)))
    return Fits(patterns=patterns, below=below, spans=tuple(found))


class _Pool:
    """The spans by name and by depth, which limits the comparisons for each pattern."""

    def __init__(self, forest: Forest, *, is_by_depth: bool) -> None:
        self._is_by_depth = is_by_depth
        self._at_depth: dict[int | None, list[int]] = {}
        self._named: dict[tuple[int | None, str], list[int]] = {}
        depths = forest.depths()
        for place, span in enumerate(forest.spans):
            for depth in (None, depths[place]) if is_by_depth else (None,):
                self._at_depth.setdefault(depth, []).append(place)
                self._named.setdefault((depth, span.name), []).append(place)

    def candidates(self, pattern: Tree, depth: int | None) -> Sequence[int]:
        """Return the spans that the pattern could stand for, by name and depth (None: any)."""
        at = depth if self._is_by_depth else None
        if isinstance(pattern.name, str):
            return self._named.get((at, pattern.name), ())
        return self._at_depth.get(at, ())


def _flat(
    pattern: Tree,
) -> tuple[tuple[Tree, ...], tuple[tuple[int, ...], ...], tuple[int | None, ...]]:
    """Return the patterns, lower ones first, with the places of those below and the depths.

    At or below a descendant the depth is None.
    """
    order: list[tuple[Tree, int | None]] = []
    numbers_above: list[int] = []
    stack: list[tuple[Tree, int | None, int]] = [(pattern, 0, -1)]
    while stack:
        each, depth, above = stack.pop()
        numbers_above.append(above)
        here = len(order)
        order.append((each, depth))
        deeper = None if depth is None else depth + 1
        stack.extend((one, None, here) for one in reversed(each.descendants))
        stack.extend((child, deeper, here) for child in reversed(each.children))
    last = len(order) - 1
    below: list[list[int]] = [[] for _ in order]
    for number, above in enumerate(numbers_above):
        if above >= 0:
            below[last - above].append(last - number)
    return (
        tuple(each for each, _ in reversed(order)),
        tuple(map(tuple, below)),
        tuple(depth for _, depth in reversed(order)),
    )


def _counts_can_match(pattern: Tree, children: int, rules: TreeRules) -> bool:
    """Return whether the number of children allows a match; saves most of the work."""
    if children < sum(child.least for child in pattern.children):
        return False
    if rules.extra == "allow" or pattern.descendants:
        return True
    return children <= sum(child.times for child in pattern.children)


def _below_fits(
    pattern: Tree,
    matching: Sequence[frozenset[int]],
    forest: Forest,
    place: int,
    rules: TreeRules,
) -> bool:
    """Return whether the spans below a span can be assigned to the patterns below a pattern."""
    if not pattern.below:
        return True  # their number has ruled out extra children
    found = candidates_below(forest, place, pattern, matching, rules)
    if found.strays:
        return False
    least = [each.least for each in pattern.below]
    most = [each.times for each in pattern.below]
    covers_all = rules.extra == "forbid"
    if rules.order == "any":
        return assigned(found.fitting, least, most, covers_all=covers_all) is not None
    starts = [forest.spans[each].start_time_unix_nano for each in found.places]
    return assigned_in_order(found.fitting, starts, least, most, covers_all=covers_all)


def candidates_below(
    forest: Forest, place: int, pattern: Tree, matching: Sequence[frozenset[int]], rules: TreeRules
) -> Candidates:
    """Return the spans below one that may stand for the patterns below its pattern.

    Args:
        forest: The spans.
        place: The span.
        pattern: The pattern that it stands for.
        matching: For each pattern below, the spans that match it wholly.
        rules: The rules of the comparison.
    """
    direct = forest.children[place]
    if not pattern.descendants:
        return Candidates(places=direct, fitting=tuple(_mask(matching, child) for child in direct))
    strays: list[int] = []
    if rules.extra == "allow":
        places = _all_below(forest, place, pattern)
    else:
        places, strays = _first_below(forest, place, pattern)
    children = (1 << len(pattern.children)) - 1
    masks = {
        each: _mask(matching, each) & (-1 if forest.parents[each] == place else ~children)
        for each in places
    }
    places.sort()
    return Candidates(
        places=tuple(places), fitting=tuple(masks[each] for each in places), strays=tuple(strays)
    )


def _mask(matching: Sequence[frozenset[int]], place: int) -> int:
    return sum(1 << number for number, spans in enumerate(matching) if place in spans)


def _all_below(forest: Forest, place: int, pattern: Tree) -> list[int]:
    """Return the direct children, and the spans further down that meet a descendant's criteria."""
    return [
        each
        for each, depth in forest.walk(place)
        if depth == 1
        or (depth > 1 and any(one.fits(forest.spans[each]) for one in pattern.descendants))
    ]


def _first_below(forest: Forest, place: int, pattern: Tree) -> tuple[list[int], list[int]]:
    """Return the first spans on each way down that meet a pattern's criteria; and the strays."""
    places: list[int] = []
    passed: list[int] = []  # parents before their children
    stack = list(reversed(forest.children[place]))
    while stack:
        each = stack.pop()
        span = forest.spans[each]
        wanted = pattern.below if forest.parents[each] == place else pattern.descendants
        if any(one.fits(span) for one in wanted):
            places.append(each)
        else:
            passed.append(each)
            stack.extend(reversed(forest.children[each]))
    leading = set(places)
    for each in reversed(passed):
        if any(child in leading for child in forest.children[each]):
            leading.add(each)
    strays = [
        each
        for each in passed
        if each not in leading
        and (forest.parents[each] == place or forest.parents[each] in leading)
    ]
    return places, strays

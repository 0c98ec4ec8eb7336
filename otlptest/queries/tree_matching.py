"""Whether a trace has a tree: exact, whatever the names have in common.

Which child stands for which pattern is an assignment (`otlptest.queries.assignment`), solved anew
for each pair of a pattern and a span, patterns from the bottom up; each pair is judged once. So a
span that fits two patterns is given to the one that needs it, at any depth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from otlptest.queries.assignment import assigned
from otlptest.queries.forest import Forest
from otlptest.queries.tree_order import assigned_in_order
from otlptest.queries.trees import Tree, TreeRules

__all__ = ["Fits", "fits_of", "has_tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """Which spans stand for which patterns, children included.

    Attributes:
        patterns: The patterns, each after its children; the last is the top.
        children: For each pattern the places of its children's patterns.
        spans: For each pattern the places of the spans that match it wholly.
    """

    patterns: tuple[Tree, ...]
    children: tuple[tuple[int, ...], ...]
    spans: tuple[frozenset[int], ...]


def has_tree(forest: Forest, pattern: Tree, rules: TreeRules) -> bool:
    """Whether the spans, pruned, are as the pattern says.

    With `extra="forbid"` they are one tree with a root, and each of them stands for a pattern. With
    `extra="allow"` the top of the pattern may be any span.
    """
    if rules.extra == "forbid" and not has_one_root(forest):
        return False
    matching = fits_of(forest, pattern, rules).spans[-1]
    return forest.roots[0] in matching if rules.extra == "forbid" else bool(matching)


def has_one_root(forest: Forest) -> bool:
    """Whether there is one tree, and its root has been received."""
    return len(forest.roots) == 1 and not forest.orphans and not forest.circles


def fits_of(forest: Forest, pattern: Tree, rules: TreeRules) -> Fits:
    """Find the spans that match each pattern."""
    patterns, children, depths = _flat(pattern)
    pool = _Pool(forest, is_by_depth=rules.extra == "forbid")
    found: list[frozenset[int]] = []
    for number, each in enumerate(patterns):
        below = children[number]
        candidates = [
            place
            for place in pool.candidates(each, depths[number])
            if _counts_can_match(each, len(forest.children[place]), rules)
            and each.fits(forest.spans[place])
        ]
        found.append(
            frozenset(
                place
                for place in candidates
                if _children_fit(each, [found[child] for child in below], forest, place, rules)
            )
        )
    return Fits(patterns=patterns, children=children, spans=tuple(found))


class _Pool:
    """The spans by name and by depth, so that each pattern is asked about few of them."""

    def __init__(self, forest: Forest, *, is_by_depth: bool) -> None:
        self._is_by_depth = is_by_depth
        self._at_depth: dict[int, list[int]] = {}
        self._named: dict[tuple[int, str], list[int]] = {}
        depths = forest.depths()
        for place, span in enumerate(forest.spans):
            depth = depths[place] if is_by_depth else 0
            self._at_depth.setdefault(depth, []).append(place)
            self._named.setdefault((depth, span.name), []).append(place)

    def candidates(self, pattern: Tree, depth: int) -> Sequence[int]:
        """The spans that the pattern could stand for, by depth and name."""
        at = depth if self._is_by_depth else 0
        if isinstance(pattern.name, str):
            return self._named.get((at, pattern.name), ())
        return self._at_depth.get(at, ())


def _flat(pattern: Tree) -> tuple[tuple[Tree, ...], tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """The patterns, children first, with the places of their children and their depths."""
    order: list[tuple[Tree, int]] = []
    numbers_above: list[int] = []
    stack = [(pattern, 0, -1)]
    while stack:
        each, depth, above = stack.pop()
        numbers_above.append(above)
        here = len(order)
        order.append((each, depth))
        stack.extend((child, depth + 1, here) for child in reversed(each.children))
    last = len(order) - 1
    children: list[list[int]] = [[] for _ in order]
    for number, above in enumerate(numbers_above):
        if above >= 0:
            children[last - above].append(last - number)
    return (
        tuple(each for each, _ in reversed(order)),
        tuple(map(tuple, children)),
        tuple(depth for _, depth in reversed(order)),
    )


def _counts_can_match(pattern: Tree, children: int, rules: TreeRules) -> bool:
    """Whether the number of children leaves a chance; spares most of the work."""
    if children < sum(child.least for child in pattern.children):
        return False
    return rules.extra == "allow" or children <= sum(child.times for child in pattern.children)


def _children_fit(
    pattern: Tree,
    matching: Sequence[frozenset[int]],
    forest: Forest,
    place: int,
    rules: TreeRules,
) -> bool:
    """Whether the children of a span can be given to the patterns of a pattern's children."""
    if not pattern.children:
        return True  # extra children were ruled out by their number
    children = forest.children[place]
    fitting = [
        sum(1 << number for number, spans in enumerate(matching) if child in spans)
        for child in children
    ]
    least = [child.least for child in pattern.children]
    most = [child.times for child in pattern.children]
    covers_all = rules.extra == "forbid"
    if rules.order == "any":
        return assigned(fitting, least, most, covers_all=covers_all) is not None
    starts = [forest.spans[child].start_time_unix_nano for child in children]
    return assigned_in_order(fitting, starts, least, most, covers_all=covers_all)

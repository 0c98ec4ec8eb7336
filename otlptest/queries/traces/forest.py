"""Spans as trees of parents and children, whatever the payload says.

A *root* is a span without a parent, or below a parent that otlptest invented. An *orphan* is a
span whose parent has not been received. A *circle* is a set of spans that are each other's
ancestors (such as a span that is its own parent); its earliest span is taken as its top, so every
span is reached exactly once from the tops.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from otlptest.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """The spans of one trace by start, and their places in trees, as indexes into `spans`.

    Attributes:
        spans: The spans by start, the longer first, then by span id and name; each one
            once.
        parents: The index of each span's parent; None for a top.
        children: The indexes of each span's children, by start.
        roots: Tops that have no parent, or one that otlptest invented.
        orphans: Tops whose parent has not been received.
        circles: Tops of circles.
    """

    spans: tuple[Span, ...]
    parents: tuple[int | None, ...]
    children: tuple[tuple[int, ...], ...]
    roots: tuple[int, ...]
    orphans: tuple[int, ...]
    circles: tuple[int, ...]

    @property
    def tops(self) -> tuple[int, ...]:
        """Return roots, orphans and tops of circles, by start."""
        return tuple(sorted((*self.roots, *self.orphans, *self.circles)))

    def walk(self, top: int) -> Iterator[tuple[int, int]]:
        """Yield each span at or below `top` with its depth, parents first, children by start."""
        stack = [(top, 0)]
        while stack:
            place, depth = stack.pop()
            yield place, depth
            stack.extend((child, depth + 1) for child in reversed(self.children[place]))

    def depths(self) -> tuple[int, ...]:
        """Return the depth of each span, 0 for a top."""
        found = [0] * len(self.spans)
        for top in self.tops:
            for place, depth in self.walk(top):
                found[place] = depth
        return tuple(found)

    def without(self, is_pruned: Callable[[Span], bool]) -> "Forest":
        """Return the forest without such spans; their children move up to the next ancestor.

        Children of a pruned root become roots, children of a pruned orphan orphans.
        """
        kept = [place for place, span in enumerate(self.spans) if not is_pruned(span)]
        if len(kept) == len(self.spans):
            return self
        renumbered = {place: number for number, place in enumerate(kept)}
        parents: list[int | None] = [None] * len(kept)
        tops_as: dict[str, list[int]] = {}
        for kind, tops in (
            ("roots", self.roots), ("orphans", self.orphans), ("circles", self.circles)
        ):  # fmt: skip
            found = tops_as.setdefault(kind, [])
            for top in tops:
                for place, above in self._nearest_above(top, renumbered):
                    parents[renumbered[place]] = above
                    if above is None:
                        found.append(renumbered[place])
            found.sort()
        return Forest(
            spans=tuple(self.spans[place] for place in kept),
            parents=tuple(parents),
            children=_children(parents),
            roots=tuple(tops_as["roots"]),
            orphans=tuple(tops_as["orphans"]),
            circles=tuple(tops_as["circles"]),
        )

    def _nearest_above(self, top: int, kept: Mapping[int, int]) -> Iterator[tuple[int, int | None]]:
        """Yield each kept span at or below `top` with the number of its nearest kept ancestor."""
        above: dict[int, int | None] = {}
        for place, _ in self.walk(top):
            parent = self.parents[place]
            above[place] = None if parent is None else kept.get(parent, above[parent])
            if place in kept:
                yield place, above[place]


def forest_of(spans: Iterable[Span]) -> Forest:
    """Arrange the spans of one trace; equal ones count once.

    If different spans share an id, their children belong to the one that started first.
    """
    ordered = sorted(
        dict.fromkeys(spans),
        key=lambda s: (s.start_time_unix_nano, -s.end_time_unix_nano, s.span_id, s.name),
    )
    by_id: dict[str, int] = {}
    for place, span in enumerate(ordered):
        by_id.setdefault(span.span_id, place)
    roots: list[int] = []
    orphans: list[int] = []
    parents: list[int | None] = []
    for place, span in enumerate(ordered):
        if span.parent_span_id is None or span.has_outside_parent:
            roots.append(place)
            parents.append(None)
        elif span.parent_span_id in by_id:
            parents.append(by_id[span.parent_span_id])
        else:
            orphans.append(place)
            parents.append(None)
    circles = _cut_circles(parents)
    return Forest(
        spans=tuple(ordered),
        parents=tuple(parents),
        children=_children(parents),
        roots=tuple(roots),
        orphans=tuple(orphans),
        circles=tuple(circles),
    )


def _cut_circles(parents: list[int | None]) -> list[int]:
    """Remove the parent of the earliest span of each circle; return their places."""
    settled = [False] * len(parents)
    tops: list[int] = []
    for start in range(len(parents)):
        trail: list[int] = []
        seen: set[int] = set()
        place: int | None = start
        while place is not None and not settled[place] and place not in seen:
            trail.append(place)
            seen.add(place)
            place = parents[place]
        if place in seen and place is not None:
            top = min(trail[trail.index(place) :])
            parents[top] = None
            tops.append(top)
        for passed in trail:
            settled[passed] = True
    return tops


def _children(parents: list[int | None]) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = [[] for _ in parents]
    for place, parent in enumerate(parents):
        if parent is not None:
            found[parent].append(place)
    return tuple(map(tuple, found))

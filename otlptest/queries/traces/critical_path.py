"""The critical path: the spans that determine when a trace ends.

The walk goes back from the end. At a time within a span, the path goes into the child that
finishes last before it (with everything below the child); the time that no child covers is the
span's own time; the walk goes on at the child's start. A child that was still running when the
next one on the path began delayed nothing and is not on it. Work that outlives its parent
(a consumer of a message) counts, so the path ends where the trace ends. Of several tops the one
whose tree ends last is followed; a child that ends before its parent starts shows skewed clocks
and is left out.
"""

from collections.abc import Sequence

from otlptest.queries.traces.forest import Forest


def critical_path(forest: Forest) -> tuple[int, ...]:
    """Return the places of the spans on the critical path, by start, parents first."""
    if not forest.spans:
        return ()
    starts = [span.start_time_unix_nano for span in forest.spans]
    ends = [max(span.start_time_unix_nano, span.end_time_unix_nano) for span in forest.spans]
    tree_ends = _tree_ends(forest, ends)
    top = max(forest.tops, key=lambda place: (tree_ends[place], -place))
    path: list[int] = []
    pending = [(top, tree_ends[top])]
    while pending:
        place, until = pending.pop()
        path.append(place)
        pending.extend(
            _blocking(forest.children[place], starts[place], until, (starts, ends, tree_ends))
        )
    depths = forest.depths()
    return tuple(sorted(path, key=lambda place: (starts[place], depths[place])))


def _tree_ends(forest: Forest, ends: Sequence[int]) -> list[int]:
    """Return when the last span at or below each one ends."""
    found = list(ends)
    for top in forest.tops:
        for place, _ in reversed(list(forest.walk(top))):
            parent = forest.parents[place]
            if parent is not None:
                found[parent] = max(found[parent], found[place])
    return found


def _blocking(
    children: Sequence[int],
    since: int,
    until: int,
    times: tuple[Sequence[int], Sequence[int], Sequence[int]],
) -> list[tuple[int, int]]:
    """Return the children on the path within `since` to `until`, each with its exit time.

    A child counts with the end of its whole tree if that is in time, else with its own end.
    Both lists are in descending order and `until` only falls, so each is passed through once.
    """
    starts, ends, tree_ends = times
    by_tree = sorted(children, key=lambda c: (tree_ends[c], starts[c], -c))
    by_own = sorted(children, key=lambda c: (ends[c], starts[c], -c))
    taken: set[int] = set()
    found: list[tuple[int, int]] = []
    while until >= since:
        candidates = []
        for queue, end_of in ((by_tree, tree_ends), (by_own, ends)):
            while queue and (end_of[queue[-1]] > until or queue[-1] in taken):
                queue.pop()
            if queue and end_of[queue[-1]] >= since:
                candidates.append((end_of[queue[-1]], starts[queue[-1]], -queue[-1]))
        if not candidates:
            break
        left_at, start, negated = max(candidates)
        taken.add(-negated)
        found.append((-negated, left_at))
        until = min(until, start)
    return found

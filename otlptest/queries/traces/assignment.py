"""Assignment of items to places, where not every item fits every place.

A *place* takes a limited number of items. Sets of places are bit masks: bit `p` stands for place
`p`. Solved by augmenting paths (maximum bipartite matching, places with capacities), so the answer
is exact: an item moves over when another one needs its place. At most O(items² · places / 64).
"""

from collections import deque
from collections.abc import Sequence


def assigned(
    fitting: Sequence[int], least: Sequence[int], most: Sequence[int], *, covers_all: bool
) -> tuple[int | None, ...] | None:
    """Return a place for each item such that each place has enough; None if impossible.

    First the places get the items that they need, then more up to their limits. An augmenting
    path never empties a place, so the first step's result holds; and if both are possible on their
    own, filling the places and covering the items, then they are possible at once (the theorem of
    Mendelsohn and Dulmage).

    Args:
        fitting: For each item the places that it fits, as a bit mask.
        least: How many items each place needs.
        most: How many items each place takes.
        covers_all: Whether every item must have a place; otherwise items may be left over (None).
    """
    needed = sum(least)
    if needed > len(fitting) or (covers_all and len(fitting) > sum(most)):
        return None
    places = widest(fitting, least)
    if sum(place is not None for place in places) < needed:
        return None
    places = widest(fitting, most, places)
    if covers_all and None in places:
        return None
    return places


def widest(
    fitting: Sequence[int], most: Sequence[int], places: Sequence[int | None] | None = None
) -> tuple[int | None, ...]:
    """Return places for as many items as possible; each item in `places` keeps some place."""
    found = list(places or [None] * len(fitting))
    members: list[set[int]] = [set() for _ in most]
    for item, place in enumerate(found):
        if place is not None:
            members[place].add(item)
    spare = sum(1 << place for place, limit in enumerate(most) if len(members[place]) < limit)
    for item in range(len(fitting)):
        if found[item] is None and fitting[item]:
            last = _augment(item, fitting, found, members, spare)
            if last is not None and len(members[last]) >= most[last]:
                spare &= ~(1 << last)
    return tuple(found)


def _augment(
    item: int,
    fitting: Sequence[int],
    found: list[int | None],
    members: list[set[int]],
    spare: int,
) -> int | None:
    """Give `item` a place by moving others; return the place that has one more now, if any."""
    unseen = -1
    reached_by: dict[int, int] = {}
    queue = deque([item])
    while queue:
        mover = queue.popleft()
        reached = fitting[mover] & unseen
        unseen &= ~reached
        free = reached & spare
        if free:
            last = free.bit_length() - 1
            reached_by[last] = mover
            _move(last, reached_by, found, members)
            return last
        while reached:
            place = (reached & -reached).bit_length() - 1
            reached &= reached - 1
            reached_by[place] = mover
            queue.extend(members[place])
    return None


def _move(
    place: int,
    reached_by: dict[int, int],
    found: list[int | None],
    members: list[set[int]],
) -> None:
    """Move each item of the path one place on, from its end back to the new item."""
    mover, target = reached_by[place], place
    while True:
        left = found[mover]
        found[mover] = target
        members[target].add(mover)
        if left is None:
            return
        members[left].discard(mover)
        mover, target = reached_by[left], left

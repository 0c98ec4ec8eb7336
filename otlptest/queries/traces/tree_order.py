"""Assignments in which items come in the order of their places.

A place that takes several items is as many *slots* in a row. A *position* says how many slots have
been handled; sets of positions are bit masks. Items are taken in *groups* of equal time; within
one any order is valid, so a group is an assignment of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from otlptest.queries.traces.assignment import assigned


def assigned_in_order(
    fitting: Sequence[int],
    times: Sequence[int],
    least: Sequence[int],
    most: Sequence[int],
    *,
    covers_all: bool,
) -> bool:
    """Return whether items can get places such that no later item has an earlier place.

    Args:
        fitting: For each item the places that it fits, as a bit mask; items in order of time.
        times: The time of each item; equal times may take any order.
        least: How many items each place needs: all that it takes, or none.
        most: How many items each place takes.
        covers_all: Whether every item must have a place.
    """
    grouped = groupby(range(len(fitting)), key=lambda item: times[item])
    groups = [[fitting[item] for item in items] for _, items in grouped]
    if covers_all:
        return _Lane(least, most).can_take_all(groups)
    # If items may be left over, items that no place needs can be ignored.
    return _Lane(least, least).can_be_filled(groups)


class _Lane:
    """Slots in a row, each of a place; slots of places without a need can be skipped."""

    def __init__(self, least: Sequence[int], most: Sequence[int]) -> None:
        self._places = [place for place, limit in enumerate(most) for _ in range(limit)]
        self._is_needed = [least[place] > 0 for place in self._places]
        self._skippable = sum(1 << n for n, needed in enumerate(self._is_needed) if not needed)
        self._slots_of = [0] * len(most)
        for slot, place in enumerate(self._places):
            self._slots_of[place] |= 1 << slot
        self._end = len(self._places)

    def can_be_filled(self, groups: Sequence[Sequence[int]]) -> bool:
        """Return whether every slot can have an item, in order; items may be left over.

        After each group only the furthest position counts: from there on fewer items are needed.
        """
        position = 0
        for group in groups:
            start = position
            position = _last_possible(
                start,
                min(self._end, start + len(group)),
                lambda end, start=start, group=group: self._can_pass(  # type: ignore[misc]  # bound now
                    start, end, group, covers_all=False
                ),
            )
        return position == self._end

    def can_take_all(self, groups: Sequence[Sequence[int]]) -> bool:
        """Return whether every item can have a slot, in order, with every required slot filled."""
        reached = self._skipped_on(1)
        for group in groups:
            if len(group) == 1:
                reached = (reached & self._slots(group[0])) << 1
            else:
                reached = self._after(reached, group)
            if not reached:
                return False
            reached = self._skipped_on(reached)
        return bool(reached >> self._end & 1)

    def _slots(self, places: int) -> int:
        """Return the slots of a set of places."""
        found = 0
        while places:
            found |= self._slots_of[(places & -places).bit_length() - 1]
            places &= places - 1
        return found

    def _skipped_on(self, positions: int) -> int:
        """Return the positions with all that follow them over skippable slots."""
        passable, step = self._skippable << 1, 1
        while passable:
            positions |= passable & (positions << step)
            passable &= passable << step
            step *= 2
        return positions

    def _after(self, reached: int, group: Sequence[int]) -> int:
        """Return the first positions in each run of skippable slots that a group can lead to.

        A start that another one reaches by skipping is left out: it can do no more than that one.
        """
        starts = reached & ~((reached & self._skippable) << 1)
        found = 0
        while starts:
            start = (starts & -starts).bit_length() - 1
            starts &= starts - 1
            for low, high in self._runs(start, len(group)):
                end = _first_possible(
                    low,
                    high,
                    lambda end, start=start: self._can_pass(start, end, group, covers_all=True),  # type: ignore[misc]  # bound now
                )
                if end is not None:
                    found |= 1 << end
        return found

    def _runs(self, start: int, items: int) -> Iterator[tuple[int, int]]:
        """Yield first and last position of each run of skippable slots that the items may reach."""
        needed, low = 0, start
        for end in range(start, self._end + 1):
            if end < self._end and not self._is_needed[end]:
                continue
            if end - start >= items:
                yield max(low, start + items), end
            needed, low = needed + 1, end + 1
            if needed > items:
                return

    def _can_pass(self, start: int, end: int, group: Sequence[int], *, covers_all: bool) -> bool:
        """Return whether the group can fill the slots from one position to another."""
        if start == end:
            return not (covers_all and group)
        first, last = self._places[start], self._places[end - 1]
        most = [0] * (last - first + 1)
        least = list(most)
        for slot in range(start, end):
            most[self._places[slot] - first] += 1
            least[self._places[slot] - first] += self._is_needed[slot]
        window = (1 << len(most)) - 1
        fitting = [places >> first & window for places in group]
        return assigned(fitting, least, most, covers_all=covers_all) is not None


def _last_possible(low: int, high: int, is_possible: Callable[[int], bool]) -> int:
    """Return the last possible number up to `high`, if all from `low` up to it are possible."""
    while low < high:
        middle = (low + high + 1) // 2
        if is_possible(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _first_possible(low: int, high: int, is_possible: Callable[[int], bool]) -> int | None:
    """Return the number from `low` to `high` from which all are possible; None without one."""
    if not is_possible(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if is_possible(middle):
            high = middle
        else:
            low = middle + 1
    return low

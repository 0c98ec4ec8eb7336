"""What stands before a collector and may hold back bytes that clients have sent already: a proxy.

Evidence that nothing more can come must ask it: what a client sent before it ended may be there.
"""

import threading
from collections.abc import Collection
from typing import Protocol

from otlptest.timing import Deadline

__all__ = ["WayIn", "add_way_in", "held_back", "remove_way_in"]


class WayIn(Protocol):
    """Something that passes bytes on to ports of this process, and may be late with them."""

    def pass_on(self, deadline: Deadline) -> str:
        """Wait until all that clients had sent before the call is passed on.

        Returns:
            What is held back all the same, as a clause; empty if nothing is.
        """
        ...


_lock = threading.Lock()
_ways: list[tuple[WayIn, frozenset[int]]] = []


def add_way_in(way: WayIn, ports: Collection[int]) -> None:
    """From now on, evidence about collectors that listen on `ports` asks `way`. Thread-safe."""
    with _lock:
        _ways.append((way, frozenset(ports)))


def remove_way_in(way: WayIn) -> None:
    """It has passed on all that it will. Thread-safe."""
    with _lock:
        _ways[:] = [entry for entry in _ways if entry[0] is not way]


def held_back(ports: Collection[int], deadline: Deadline) -> tuple[str, ...]:
    """What the ways to `ports` hold back, as clauses; blocks until each has passed on its own."""
    with _lock:
        leading = [way for way, to in _ways if not to.isdisjoint(ports)]
    return tuple(held for held in (way.pass_on(deadline) for way in leading) if held)

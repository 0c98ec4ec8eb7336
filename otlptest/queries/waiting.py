"""Waits for combinations of items: a tree, an edge, a total."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from otlptest.queries.query_run import QueryRun
from otlptest.queries.sources import Source
from otlptest.timing import Deadline

T = TypeVar("T")

_LOOK_S = 30.0  # patience of the last look, for sources on a network


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited(Generic[T]):
    """The end of a wait.

    Attributes:
        is_met: Whether the condition was met in time.
        items: The matches at the end.
        deadline: The deadline.
    """

    is_met: bool
    items: Sequence[T]
    deadline: Deadline

    def within(self) -> str:
        """Return the time limit in words, for messages."""
        return f"within {self.deadline.timeout_s:.1f} s"


def wait_until(
    source: Source,
    make_look: Callable[[], QueryRun[T]],
    is_met: Callable[[Sequence[T]], Any],
    timeout_s: float,
) -> Waited[T]:
    """Check the matches now and at each change, until `is_met` or the deadline.

    Blocks the calling thread, at most `timeout_s` seconds. Checks everything once more at the
    end.

    Raises:
        UsageError: `timeout_s` is not a usable number of seconds.
    """
    deadline = Deadline(timeout_s, source.clock)
    look = make_look()
    look.fetch_all(deadline)
    while not is_met(look.matches()):
        if not source.wait_for_change(look.token, deadline):
            last = make_look()
            last.fetch_all(Deadline(_LOOK_S, source.clock))
            met = bool(is_met(last.matches()))
            return Waited(is_met=met, items=last.matches(), deadline=deadline)
        look.fetch_new(deadline)
    return Waited(is_met=True, items=look.matches(), deadline=deadline)

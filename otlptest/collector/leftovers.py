"""Telling what an earlier test left over from what belongs to this one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from otlptest.collector.contents import Contents
from otlptest.collector.snapshots import Snapshot
from otlptest.model import LogRecord, Problem, Profile, Request, Span
from otlptest.wire.envelopes import span_start_times

__all__ = ["Epoch", "LeftoverCount", "Leftovers", "item_time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """When a view begins.

    Attributes:
        token: The store's position at that time.
        collector_unix_nano: When the collector started.
        unix_nano: When the view began.
        monotonic: The same, on the collector's clock.
    """

    token: int
    collector_unix_nano: int
    unix_nano: int
    monotonic: float

    def is_before(self, unix_nano: int) -> bool:
        """Whether a time lies between the start of the collector and the start of the view."""
        return self.collector_unix_nano <= unix_nano < self.unix_nano


@dataclass(frozen=True, slots=True)
class LeftoverCount:
    """How many items a request has, and how many of them are left over."""

    items: int
    leftover: int

    @property
    def is_whole(self) -> bool:
        """Whether the request holds nothing but leftovers."""
        return 0 < self.items == self.leftover


class Leftovers:
    """Judges items and requests by an epoch. Thread-safe; each request is decoded once at most."""

    def __init__(self, contents: Contents, epoch: Epoch) -> None:
        self._contents = contents
        self._epoch = epoch
        self._counts: dict[int, LeftoverCount] = {}

    def has(self, item: Any) -> bool:  # noqa: ANN401 -- span, point, record or profile
        """Whether an item is left over."""
        return self._epoch.is_before(item_time(item))

    def has_request(self, request: Request) -> bool:
        """Whether a request is: by its items, or by its connection if they cannot be read."""
        if request.problem is not None:
            return request.connection.opened_unix_nano < self._epoch.unix_nano
        return self.count(request).is_whole

    def has_problem(self, problem: Problem) -> bool:
        """Whether a problem is: found before the view began, or on an older connection."""
        if problem.found_at < self._epoch.monotonic:
            return True
        connection = problem.connection
        return connection is not None and connection.opened_unix_nano < self._epoch.unix_nano

    def count(self, request: Request) -> LeftoverCount:
        """How much of a decodable request is left over."""
        found = self._counts.get(request.number)
        if found is None:
            found = self._counted(request)
            self._counts[request.number] = found
        return found

    def times_before(self, request: Request) -> Callable[[int], bool] | None:
        """What tells the leftovers of a decodable request by their times; None if it has none."""
        return self._epoch.is_before if self.count(request).leftover else None

    def has_arriving(self, request: Request) -> bool:
        """Whether a request is that has no number yet: it is not stored."""
        return self._counted(request).is_whole

    def _counted(self, request: Request) -> LeftoverCount:
        times = self._times(request)
        return LeftoverCount(len(times), sum(map(self._epoch.is_before, times)))

    def _times(self, request: Request) -> Sequence[int]:
        if request.signal is None:
            return ()
        if request.signal == "traces":
            return span_start_times(request.body)
        only = Snapshot([request], offset=0, start=0, stop=1)
        return [item_time(item) for item in self._contents.items(request.signal, only, {})]


def item_time(item: Any) -> int:  # noqa: ANN401 -- span, point, record or profile
    """The time by which an item is dated; 0 if it has none."""
    if isinstance(item, Span):
        return item.start_time_unix_nano
    if isinstance(item, LogRecord):
        return item.time_unix_nano or item.observed_time_unix_nano
    if isinstance(item, Profile):
        return item.time_unix_nano
    time: int = item.time_unix_nano
    return time

"""Distinction between items of this test and leftovers of an earlier one.

Signs are read from the strongest to the weakest; the first decisive one counts:

1. the port pair that brought it: opened within the test, or closed before it (`Connection`);
2. a trace id that a test invented (`new_trace`, `fence`), of the item itself or of its links;
3. the start of the request: one that began before the test is left over;
4. the time of the item: the end of a span (its start where it never ended), the time of a point,
   record or profile. From the start of the test on it is the test's. One that is older than the
   collector, or has no time, counts by arrival: it is replayed, or its clock is far off.

Items dated between the start of the collector and the start of the test, in a request that began
within the test, are *doubtful*: late leftovers, or from a clock that is behind or has whole
seconds. So are items that only a clock ahead dates into the test (`ClockLeads`). Doubtful items
are set aside like leftovers, and each verdict on absence or a count that they could match is not
proven (`queries.evidence`).
"""

import enum
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otlptest.collector.item_decoder import StoredItemDecoder
from otlptest.collector.snapshots import Snapshot
from otlptest.model import LogRecord, Problem, Request, Span
from otlptest.wire.otlp.envelopes import ItemHead, head_of_message, item_heads, newest_time

_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The start of a view.

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


class Standing(enum.Enum):
    """The relation of an item or a request to a test."""

    OWN = "of this test"
    LEFTOVER = "of an earlier test"
    DOUBTFUL = "of an earlier test, or dated by a wrong clock"


@dataclass(frozen=True, slots=True)
class LeftoverCount:
    """The number of items in a request, and of those that are set aside.

    Attributes:
        items: All of them.
        leftover: Those that are set aside, doubtful ones included.
        doubtful: Those that may belong to this test.
    """

    items: int
    leftover: int
    doubtful: int

    @property
    def is_whole(self) -> bool:
        """Return whether all items of the request are set aside."""
        return 0 < self.items == self.leftover


class ClockLeads:
    """The leads of senders' clocks, as their items show them. Thread-safe.

    An item that is dated after it was received comes from a clock that is ahead, by at least the
    difference. The longest one on a connection counts as the lead of its sender.

    Args:
        requests: Gives all stored requests after a token.
    """

    def __init__(self, requests: Callable[[int], Snapshot[Request]]) -> None:
        self._requests = requests
        self._lock = threading.Lock()
        self._next_token = 0
        self._leads: dict[int, int] = {}  # by the number of the connection

    def of(self, request: Request) -> int:
        """Return the least lead of a request's sender's clock, in nanoseconds."""
        with self._lock:
            new = self._requests(self._next_token)
            self._next_token = new.stop
            for each in new:
                self._add(each)
            return self._leads.get(request.connection.number, 0)

    def _add(self, request: Request) -> None:
        signal = request.signal
        if signal is None or signal == "profiles" or not request.is_accepted:
            return
        lead = newest_time(signal, request.body) - request.received_unix_nano
        if lead > self._leads.get(request.connection.number, 0) and request.received_unix_nano:
            self._leads[request.connection.number] = lead


class Leftovers:
    """Judges items, requests and problems by an epoch. Thread-safe.

    The times in a request are read once at most.

    Args:
        contents: Reads items.
        epoch: When the view begins.
        invented: The time at which a test invented each trace id, by its bytes; grows.
        leads: The leads of senders' clocks.
    """

    def __init__(
        self,
        contents: StoredItemDecoder,
        epoch: Epoch,
        invented: Mapping[bytes, float],
        leads: ClockLeads,
    ) -> None:
        self._contents = contents
        self._epoch = epoch
        self._invented = invented
        self._leads = leads
        self._counts: dict[int, LeftoverCount] = {}

    def has(self, item: Any) -> bool:  # noqa: ANN401 -- span, point, record or profile
        """Return whether an item is set aside."""
        return self.standing_of(item) is not Standing.OWN

    def standing_of(self, item: Any) -> Standing:  # noqa: ANN401 -- span, point, record or profile
        """Return how an item relates to the test."""
        request: Request = item.request
        whole = self._by_request(request)
        return whole or self._standing(request, _head_of(item))

    def has_request(self, request: Request) -> bool:
        """Return whether a request is set aside: as a whole, or with all its items."""
        whole = self._by_request(request)
        if whole is not None:
            return whole is not Standing.OWN
        if request.problem is not None:
            return False  # it began within the test
        return self.count(request).is_whole

    def has_problem(self, problem: Problem) -> bool:
        """Return whether a problem is left over: its request began before the test."""
        connection = problem.connection
        if connection is not None and connection.owner is not None:
            if connection.port_opened_at >= self._epoch.monotonic:
                return False
            if _closed_before(connection.port_closed_at, self._epoch.monotonic):
                return True
        at = problem.found_at if problem.began_at is None else problem.began_at
        return at < self._epoch.monotonic

    def count(self, request: Request) -> LeftoverCount:
        """Return how much of a decodable request is set aside."""
        found = self._counts.get(request.number)
        if found is None:
            found = self._counts[request.number] = self._counted(request)
        return found

    def message_test(self, request: Request) -> Callable[[Any], bool] | None:
        """Return a test of the protobuf items that are set aside; None if there are none."""
        signal = request.signal
        if signal is None or not self.count(request).leftover:
            return None
        if self._by_request(request) is Standing.LEFTOVER:
            return lambda _: True
        return lambda message: (
            self._standing(request, head_of_message(signal, message)) is not Standing.OWN
        )

    def has_arriving(self, request: Request) -> bool:
        """Return whether a request that is not stored yet, so has no number, is set aside."""
        return self._counted(request).is_whole

    def doubt(self, item: Any) -> str:  # noqa: ANN401 -- span, point, record or profile
        """Return why it is doubtful that an item is left over, as a clause that names the clock."""
        return self._doubt(item.request, _head_of(item))

    def doubts(self, request: Request) -> str:
        """Return the same for the first doubtful item of a request; empty if it has none."""
        if not self.count(request).doubtful:
            return ""
        heads = self._heads(request)
        of = (head for head in heads if self._standing(request, head) is Standing.DOUBTFUL)
        return next((self._doubt(request, head) for head in of), "")

    # The signs.

    def _by_request(self, request: Request) -> Standing | None:
        """Return the standing of the whole request; None if its items decide."""
        connection, start = request.connection, self._epoch.monotonic
        if connection.owner is not None:
            if connection.port_opened_at >= start:
                return Standing.OWN
            if _closed_before(connection.port_closed_at, start):
                return Standing.LEFTOVER
        return Standing.LEFTOVER if request.started_at < start else None

    def _standing(self, request: Request, head: ItemHead) -> Standing:
        if self._invented:
            for trace_id in (head.trace_id, *head.linked_traces):
                invented_at = self._invented.get(trace_id)
                if invented_at is not None:
                    is_own = invented_at >= self._epoch.monotonic
                    return Standing.OWN if is_own else Standing.LEFTOVER
        if head.time < self._epoch.collector_unix_nano:
            return Standing.OWN  # by arrival
        if head.time < self._epoch.unix_nano:
            return Standing.DOUBTFUL
        is_own = head.time - self._leads.of(request) >= self._epoch.unix_nano
        return Standing.OWN if is_own else Standing.DOUBTFUL

    def _counted(self, request: Request) -> LeftoverCount:
        if request.signal is None or not request.is_accepted:
            return LeftoverCount(0, 0, 0)
        whole = self._by_request(request)
        if whole is not None:
            count = self._contents.count(request.signal, request)
            return LeftoverCount(count, 0 if whole is Standing.OWN else count, 0)
        standings = [self._standing(request, head) for head in self._heads(request)]
        doubtful = standings.count(Standing.DOUBTFUL)
        return LeftoverCount(
            len(standings), doubtful + standings.count(Standing.LEFTOVER), doubtful
        )

    def _heads(self, request: Request) -> Sequence[ItemHead]:
        if request.signal is None:
            return ()
        if request.signal != "profiles":
            return item_heads(request.signal, request.body)
        return [_head_of(profile) for profile in self._profiles(request)]

    def _profiles(self, request: Request) -> Iterator[Any]:
        only = Snapshot([request], offset=0, start=0, stop=1)
        return self._contents.items("profiles", only, {})

    def _doubt(self, request: Request, head: ItemHead) -> str:
        before = self._epoch.unix_nano - head.time
        if before <= 0:
            lead = self._leads.of(request) / _SECOND
            return f"the clock of its sender is at least {lead:.3g} s ahead of this machine's"
        clock = "shows whole seconds" if head.time % _SECOND == 0 else "may be behind"
        return (
            f"it is dated {before / _SECOND:.3g} s before this test, in a request that began in it:"
            f" it was sent late, or the clock of its sender {clock}"
        )


def _closed_before(closed_at: float | None, when: float) -> bool:
    return closed_at is not None and closed_at < when


def _head_of(item: Any) -> ItemHead:  # noqa: ANN401 -- span, point, record or profile
    """Return the same head that `item_heads` reads from the bytes."""
    if isinstance(item, Span):
        return ItemHead(
            item.end_time_unix_nano or item.start_time_unix_nano,
            bytes.fromhex(item.trace_id),
            tuple(bytes.fromhex(link.trace_id) for link in item.links),
        )
    if isinstance(item, LogRecord):
        time = item.time_unix_nano or item.observed_time_unix_nano
        return ItemHead(time, bytes.fromhex(item.trace_id or ""))
    return ItemHead(item.time_unix_nano)

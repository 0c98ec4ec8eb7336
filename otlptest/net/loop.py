"""The loop of the receiver's thread: sockets that are ready, calls from other threads, a tick.

asyncio does not fit: its clock stops under freezegun, its wake-up socket cannot be made under
pytest-socket, a test's event loop policy would affect it, and a wake-up costs more. This module has
the needed part of it.
"""

import contextlib
import heapq
import itertools
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

_JOB_ROUND_S: Final = 0.002
_EVENTS_IN_ROUND: Final = 256

_Ready: TypeAlias = Callable[[int], None]


class _Epoll:
    """Linux's epoll without the overhead of `selectors`, a tenth of a small request."""

    def __init__(self) -> None:
        import select  # noqa: PLC0415 -- its epoll is on Linux only

        self._epoll = select.epoll()
        self._ready: dict[int, _Ready] = {}
        self._masks = {READ: select.EPOLLIN, WRITE: select.EPOLLOUT, 0: 0}
        self._masks[READ | WRITE] = select.EPOLLIN | select.EPOLLOUT
        self._only_read = select.EPOLLIN

    def __len__(self) -> int:
        return len(self._ready)

    def watch(self, descriptor: int, events: int, ready: _Ready) -> None:
        if descriptor in self._ready:
            self._epoll.modify(descriptor, self._masks[events])
        else:
            self._epoll.register(descriptor, self._masks[events])
        self._ready[descriptor] = ready

    def unwatch(self, descriptor: int) -> None:
        if self._ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def wait(self, seconds: float | None) -> None:
        """Call the handlers of ready descriptors; an error or a hang-up counts as both."""
        timeout = -1 if seconds is None else seconds
        for descriptor, event in self._epoll.poll(timeout, _EVENTS_IN_ROUND):
            ready = self._ready.get(descriptor)
            if ready is None:
                continue  # closed by what came before it in this round
            if event == self._only_read:
                ready(READ)
            else:
                is_both = event & ~(self._masks[READ | WRITE])
                events = READ | WRITE if is_both else 0
                events |= READ if event & self._masks[READ] else 0
                ready(events | (WRITE if event & self._masks[WRITE] else 0))

    def close(self) -> None:
        self._epoll.close()


class _Selector:
    """The selector that `selectors` finds on other systems."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def __len__(self) -> int:
        return len(self._selector.get_map())

    def watch(self, descriptor: int, events: int, ready: _Ready) -> None:
        self.unwatch(descriptor)
        if events:
            self._selector.register(descriptor, events, ready)

    def unwatch(self, descriptor: int) -> None:
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def wait(self, seconds: float | None) -> None:
        for key, events in self._selector.select(seconds):
            if key.fd in self._selector.get_map():
                key.data(events)

    def close(self) -> None:
        self._selector.close()


class ReadinessLoop:
    """Calls handlers of file descriptors, in the thread that runs `run`.

    `post` is thread-safe, all else belongs to that thread.

    Args:
        tick: Called about every `period_s` while descriptors are watched.
        period_s: Seconds.
        uses_epoll: Whether to wait with epoll; by default where it exists.
    """

    def __init__(
        self,
        tick: Callable[[], None],
        period_s: float,
        *,
        uses_epoll: bool = hasattr(selectors, "EpollSelector"),
    ) -> None:
        self._tick = tick
        self._period_s = period_s
        self._poller = _Epoll() if uses_epoll else _Selector()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._poller.watch(self._wake_reader, READ, self._woken)
        self._posted: deque[Callable[[], None]] = deque()
        self._jobs: list[Callable[[], bool]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = itertools.count()
        self._lock = threading.Lock()
        self._is_stopping = False
        self._is_closed = False
        self.watch = self._poller.watch
        self.unwatch = self._poller.unwatch

    def add_job(self, job: Callable[[], bool]) -> None:
        """Call `job` after each round of events until it returns True; rounds are short then."""
        self._jobs.append(job)

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Call `call` once, when the clock given to `run` reaches `when` seconds."""
        heapq.heappush(self._timers, (when, next(self._timer_numbers), call))

    def post(self, call: Callable[[], None]) -> bool:
        """Call `call` in the loop's thread; return False if the loop has ended. Thread-safe."""
        with self._lock:
            if self._is_closed:
                return False
            self._posted.append(call)
            with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
                os.write(self._wake_writer, b"\0")
            return True

    def stop(self) -> None:
        """Leave `run` after this round. Belongs to the loop's thread."""
        self._is_stopping = True

    def run(self, now: Callable[[], float]) -> None:
        """Work until `stop`; `now` returns the seconds for the tick."""
        wait, period_s = self._poller.wait, self._period_s
        next_tick = now() + period_s
        while True:
            if self._jobs:
                self._jobs = [job for job in self._jobs if not job()]
            if self._is_stopping:
                break
            if self._jobs:
                wait(_JOB_ROUND_S)
            elif self._timers:
                wait(min(period_s, max(0.0, self._timers[0][0] - now())))
            else:
                wait(period_s if len(self._poller) > 1 else None)
            if self._timers:
                self._call_due(now())
            if now() >= next_tick:
                next_tick = now() + period_s
                self._tick()

    def close(self) -> None:
        """Close the loop's own descriptors; `post` returns False from now on."""
        with self._lock:
            self._is_closed = True
            self._poller.close()
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def _call_due(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _woken(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_reader, 4096)  # unread bytes wake the loop again
        while self._posted:
            self._posted.popleft()()

"""The loop of the receiver's thread: sockets that are ready, calls from other threads, a tick.

Why not asyncio: its clock stops under freezegun, its wake-up socket cannot be made under
pytest-socket, and a test's event loop policy would reach into it. What is needed of it is this.
"""

import contextlib
import os
import selectors
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

__all__ = ["READ", "WRITE", "ReadinessLoop"]

READ: Final = selectors.EVENT_READ
WRITE: Final = selectors.EVENT_WRITE

_JOB_ROUND_S: Final = 0.002

_Ready: TypeAlias = Callable[[int], None]


class ReadinessLoop:
    """Calls whoever waits for a file descriptor, in the thread that runs `run`.

    `post` and `stop` are thread-safe, all else belongs to that thread.

    Args:
        tick: Called about every `period_s` while descriptors are watched.
        period_s: Seconds.
    """

    def __init__(self, tick: Callable[[], None], period_s: float) -> None:
        self._tick = tick
        self._period_s = period_s
        self._selector = selectors.DefaultSelector()
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._selector.register(self._wake_reader, READ, self._woken)
        self._posted: deque[Callable[[], None]] = deque()
        self._jobs: list[Callable[[], bool]] = []
        self._lock = threading.Lock()
        self._is_stopping = False
        self._is_closed = False

    def watch(self, descriptor: int, events: int, ready: _Ready) -> None:
        """Call `ready(events)` whenever `descriptor` is; changes what was asked for before."""
        if descriptor in self._selector.get_map():
            self._selector.modify(descriptor, events, ready)
        else:
            self._selector.register(descriptor, events, ready)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching."""
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)

    def add_job(self, job: Callable[[], bool]) -> None:
        """Call `job` after each round of events until it returns True; rounds are short then."""
        self._jobs.append(job)

    def post(self, call: Callable[[], None]) -> bool:
        """Have `call` called in the loop's thread; False if the loop has ended. Thread-safe."""
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
        """Work until `stop`; `now` gives seconds for the tick."""
        next_tick = now() + self._period_s
        while not self._is_stopping:
            watches_sockets = len(self._selector.get_map()) > 1
            wait = max(0.0, next_tick - now()) if watches_sockets else None
            for key, events in self._selector.select(_JOB_ROUND_S if self._jobs else wait):
                key.data(events)
            if now() >= next_tick:
                next_tick = now() + self._period_s
                self._tick()
            if self._jobs:
                self._jobs = [job for job in self._jobs if not job()]

    def close(self) -> None:
        """Free the loop's own descriptors; whoever posts from now on is told so."""
        with self._lock:
            self._is_closed = True
            self._selector.close()
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def _woken(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_reader, 4096)  # what is left wakes again
        while self._posted:
            self._posted.popleft()()

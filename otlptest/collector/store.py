"""What the receivers have told, kept as it came: requests with their bytes, connections, problems.

A *token* is a position in the list of requests: that many had arrived. Tokens go on after
`clear()`, so that one taken before it still means the same point in time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from otlptest.model import Connection, Problem, Request
from otlptest.timing import Deadline

__all__ = ["Snapshot", "Store"]

T_co = TypeVar("T_co", covariant=True)


class Snapshot(Sequence[T_co], Generic[T_co]):
    """A part of a list that only grows, without a copy of it. Immutable and thread-safe.

    Attributes:
        start: Token of its first item.
        stop: Token after its last item.
    """

    __slots__ = ("_items", "_offset", "start", "stop")

    def __init__(self, items: Sequence[T_co], *, offset: int, start: int, stop: int) -> None:
        self._items = items
        self._offset = offset
        self.start = max(start, offset)
        self.stop = max(stop, self.start)

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        """An item, or a copy of some.

        Raises:
            IndexError: There is no such item.
        """
        first = self.start - self._offset
        if isinstance(index, slice):
            return [self._items[first + each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"no item {index} among {len(self)}")
        return self._items[first + (index if index >= 0 else len(self) + index)]

    def __iter__(self) -> Iterator[T_co]:
        items, offset = self._items, self._offset
        for token in range(self.start, self.stop):
            yield items[token - offset]


class Store:
    """Keeps what arrives; an `otlptest.collector.intake.Intake`.

    The receivers call it in their thread; everything else may be called in any.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._requests: list[Request] = []
        self._offset = 0  # token of the first request that is kept
        self._connections: list[Connection] = []
        self._problems: list[Problem] = []
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()

    # What the receivers tell.

    def connection_opened(self, connection: Connection) -> None:
        """See `Intake.connection_opened`."""
        with self._condition:
            self._connections.append(connection)
            self._wake()

    def connection_closed(self, connection: Connection) -> None:  # noqa: ARG002 -- it is kept already
        """See `Intake.connection_closed`."""
        with self._condition:
            self._wake()

    def request_received(self, request: Request) -> None:
        """See `Intake.request_received`."""
        with self._condition:
            self._requests.append(request)
            request.number = self._offset + len(self._requests)
            self._wake()

    def request_replied(self, request: Request) -> None:  # noqa: ARG002 -- it is kept already
        """See `Intake.request_replied`."""
        with self._condition:
            self._wake()

    def problem_found(self, problem: Problem) -> None:
        """See `Intake.problem_found`."""
        with self._condition:
            self._problems.append(problem)
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._condition.notify_all()
        for listener in self._listeners:
            listener()

    # What is there.

    def token(self) -> int:
        """The position of now: how many requests have arrived."""
        return self._offset + len(self._requests)

    def requests(self, since: int = 0) -> Snapshot[Request]:
        """The requests after a token, refused ones included, oldest arrival first."""
        with self._condition:
            items, offset = self._requests, self._offset
            return Snapshot(items, offset=offset, start=since, stop=offset + len(items))

    def connections(self) -> Snapshot[Connection]:
        """All connections, open and closed, oldest first."""
        with self._condition:
            items = self._connections
            return Snapshot(items, offset=0, start=0, stop=len(items))

    def problems(self) -> Snapshot[Problem]:
        """What was not even a request, oldest first."""
        with self._condition:
            items = self._problems
            return Snapshot(items, offset=0, start=0, stop=len(items))

    def clear(self) -> None:
        """Forget all requests and problems, and the connections that are closed."""
        with self._condition:
            self._offset += len(self._requests)
            self._requests = []
            self._problems = []
            self._connections = [c for c in self._connections if c.closed_at is None]
            self._wake()

    # Waiting.

    def wait_for_request(self, token: int, deadline: Deadline) -> bool:
        """Block until a request arrives after `token`; False when the deadline passed."""
        return self.wait_until(lambda: self.token() > token, deadline)

    def wait_until(self, is_so: Callable[[], bool], deadline: Deadline) -> bool:
        """Block until `is_so()`, asked again at each change; False when the deadline passed.

        Args:
            is_so: Called while the store is locked: quick, and without taking locks of its own.
            deadline: How long to wait.
        """
        with self._condition:
            self._waiting += 1
            try:
                while not is_so():
                    if not deadline.wait_on(self._condition):
                        return is_so()
                return True
            finally:
                self._waiting -= 1

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` at each change, in the thread that made it; returns what ends it.

        The store is locked meanwhile: `listener` must be quick and must not raise.
        """
        with self._condition:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._condition:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

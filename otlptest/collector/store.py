"""The receivers' data, kept unchanged: requests with their bytes, connections, problems.

A *token* is a position in the list of requests: the number that had arrived. Tokens go on after
`clear()`, so an earlier token still means the same point in time.
"""

import threading
from collections.abc import Callable

from otlptest.collector.baselines import Baselines
from otlptest.collector.item_decoder import StoredItemDecoder
from otlptest.collector.leftovers import ClockLeads
from otlptest.collector.snapshots import Snapshot
from otlptest.model import Connection, Problem, Request
from otlptest.timing import Deadline


class Store:
    """Keeps what arrives; an `otlptest.collector.intake.Intake`.

    The receivers call it in their thread; everything else may be called in any.

    Attributes:
        contents: Decodes the items of the requests; shared by all views of this store.
        baselines: The values of cumulative series at a token; shared likewise.
        clock_leads: The leads of senders' clocks.
        invented_traces: The time at which a test invented each trace id, by its bytes.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._requests: list[Request] = []
        self._offset = 0  # token of the first request that is kept
        self._connections: list[Connection] = []
        self._problems: list[Problem] = []
        self._waiting = 0
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.contents = StoredItemDecoder()
        self.baselines = Baselines(self.contents)
        self.invented_traces: dict[bytes, float] = {}
        self.clock_leads = ClockLeads(self.requests)

    # The events of the receivers.

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

    # The content.

    def token(self) -> int:
        """Return the current position: the number of requests that have arrived."""
        with self._condition:
            return self._offset + len(self._requests)

    def requests(self, since: int = 0) -> Snapshot[Request]:
        """Return the requests after a token, refused ones included, oldest arrival first."""
        with self._condition:
            items, offset = self._requests, self._offset
            return Snapshot(items, offset=offset, start=since, stop=offset + len(items))

    def connections(self) -> Snapshot[Connection]:
        """Return all connections, open and closed, oldest first."""
        with self._condition:
            items = self._connections
            return Snapshot(items, offset=0, start=0, stop=len(items))

    def problems(self) -> Snapshot[Problem]:
        """Return everything that was not even a request, oldest first."""
        with self._condition:
            items = self._problems
            return Snapshot(items, offset=0, start=0, stop=len(items))

    def forget(self, token: int) -> None:
        """Forget the requests before a token, all problems, and connections that are closed."""
        with self._condition:
            kept = self._requests[max(0, token - self._offset) :]
            self._offset += len(self._requests) - len(kept)
            self._requests = kept
            self._problems = []
            self._connections = [c for c in self._connections if c.closed_at is None]
            self._wake()

    # Waiting.

    def wait_for_request(self, token: int, deadline: Deadline) -> bool:
        """Block until a request arrives after `token`; return False at the deadline."""
        return self.wait_until(lambda: self.token() > token, deadline)

    def wait_until(self, is_so: Callable[[], bool], deadline: Deadline) -> bool:
        """Block until `is_so()`, checked at each change; return False at the deadline.

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
        """Call `listener` at each change, in its thread; return a function that ends this.

        The store is locked meanwhile: `listener` must be quick and must not raise.
        """
        with self._condition:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._condition:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

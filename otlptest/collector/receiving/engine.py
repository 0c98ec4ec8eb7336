"""The receiver's thread: accepts, reads, and carries out what callers ask for."""

import threading
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from otlptest.collector.receiving.connection import SocketConnection
from otlptest.collector.receiving.endpoints import Endpoint
from otlptest.collector.receiving.readiness import READ, ReadinessLoop
from otlptest.collector.receiving.reception import Reception
from otlptest.collector.receiving.sockets import accepted, close_socket
from otlptest.errors import ReceiverError
from otlptest.model import Connection
from otlptest.timing import Deadline

__all__ = ["Engine"]

_LONGEST_TICK_S: Final = 1.0
_SHORTEST_TICK_S: Final = 0.02
_QUIET_ROUNDS: Final = 2
_LAST_REQUESTS_S: Final = 0.2


class _Answer:
    """What a call into the loop's thread came to."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.is_done = False
        self.error: BaseException | None = None

    def set(self, error: BaseException | None = None) -> None:
        with self.changed:
            if not self.is_done:
                self.error = error
            self.is_done = True
            self.changed.notify_all()

    def wait(self, deadline: Deadline) -> bool:
        with self.changed:
            while not self.is_done:
                if not deadline.wait_on(self.changed):
                    break
            return self.is_done


class Engine:
    """Runs in a daemon thread of its own from `start` to `stop`.

    Methods are called from other threads, those with an underscore in the engine's own.

    Args:
        reception: What all connections share.
    """

    def __init__(self, reception: Reception) -> None:
        limits = reception.limits
        shortest = min(limits.patience_s, limits.handshake_s, limits.idle_s, limits.drain_s)
        period_s = max(_SHORTEST_TICK_S, min(_LONGEST_TICK_S, shortest / 4))
        self._reception = reception
        self._loop = ReadinessLoop(self._check_patience, period_s)
        self._endpoints: list[Endpoint] = []
        self._pending: list[_Answer] = []
        self._has_ended = False
        self._end: BaseException = ReceiverError("the receiver was closed")
        self._thread = threading.Thread(target=self._run, name="otlptest-receiver", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def open(self, endpoints: Sequence[Endpoint], deadline: Deadline) -> None:
        """Accept connections from `endpoints`, which are closed if that cannot be.

        Raises:
            ReceiverError: The engine does not run any more.
        """
        try:
            self._call(lambda: self._add_endpoints(endpoints), deadline, "open ports")
        except BaseException:
            for endpoint in endpoints:
                endpoint.close()
            raise

    def close_ports(self, owner: str, deadline: Deadline) -> None:
        """Accept what has connected to the ports of `owner`, then stop listening there.

        Raises:
            ReceiverError: The engine does not run any more.
        """
        self._call(lambda: self._remove_endpoints(owner), deadline, "close ports")

    def apply_wire_plan(self, deadline: Deadline) -> None:
        """Have every connection look at the wire faults in force.

        Raises:
            ReceiverError: The engine does not run any more.
        """
        if threading.current_thread() is self._thread:  # the `where` of a planned reply may inject
            self._look_at_wire_plan()
            return
        self._call(self._look_at_wire_plan, deadline, "inject faults")

    def drain(self, owner: str, deadline: Deadline) -> list[Connection]:
        """Wait until every connection of `owner` is read to its end; those that are not.

        Raises:
            ReceiverError: The engine does not run any more.
        """
        answer = _Answer()
        self._call(lambda: self._begin_drain(owner, answer), deadline, "drain")
        if self._is_answered(answer, deadline, "drain"):
            return []
        open_ones: list[Connection] = []
        self._call(
            lambda: open_ones.extend(
                each.record for each in self._connections(owner) if not each.is_read_to_its_end
            ),
            Deadline(1.0),
            "list connections",
        )
        return open_ones

    def settle(self, deadline: Deadline) -> None:
        """Wait until all that had been sent when this was called has been handled.

        Raises:
            ReceiverError: The engine does not run any more, or time ran out.
        """
        answer = _Answer()
        self._call(lambda: self._begin_settling(answer), deadline, "settle")
        if not self._is_answered(answer, deadline, "settle"):
            raise ReceiverError(
                f"the receiver had not read everything after {deadline.timeout_s:g} s",
                "a client may be sending without a pause",
            )

    def stop(self, deadline: Deadline) -> bool:
        """Read what is there, close every socket, end the thread; whether it ended in time."""
        if self._thread.is_alive():
            self._loop.post(self._begin_stop)
            self._thread.join(deadline.remaining_s())
        return not self._thread.is_alive()

    def _call(self, action: Callable[[], None], deadline: Deadline, what: str) -> None:
        """Have `action` run in the engine's thread and wait for it.

        Raises:
            ReceiverError: It could not, or not in time.
        """
        answer = _Answer()

        def act() -> None:
            try:
                action()
            except Exception as error:  # noqa: BLE001 -- it is the caller's
                answer.set(error)
            else:
                answer.set()

        if not self._loop.post(act):
            raise ReceiverError(f"cannot {what}: the receiver has ended", "it was closed")
        if not self._is_answered(answer, deadline, what):
            raise ReceiverError(f"cannot {what}: the receiver did not answer in time")

    def _is_answered(self, answer: _Answer, deadline: Deadline, what: str) -> bool:
        """Wait for an answer from the engine's thread; False if it did not come in time.

        Raises:
            ReceiverError: It was an error, or the thread has ended.
        """
        self._pending.append(answer)
        if self._has_ended:
            answer.set(self._end)
        is_done = answer.wait(deadline)
        self._pending.remove(answer)
        if answer.error is not None:
            raise ReceiverError(f"cannot {what}: {answer.error}") from answer.error
        return is_done

    # --- in the engine's thread

    def _run(self) -> None:
        try:
            self._loop.run(self._reception.clock.monotonic)
        except BaseException as broken:  # noqa: BLE001 -- kept for whoever closes the receiver
            self._end = broken
            self._reception.failed(broken)
        finally:
            self._close_all()
            self._loop.close()
            self._has_ended = True
            for answer in list(self._pending):
                answer.set(self._end)

    def _connections(self, owner: str | None = None) -> list[SocketConnection]:
        return [
            connection
            for endpoint in self._endpoints
            if owner is None or endpoint.owner == owner
            for connection in endpoint.connections
        ]

    def _add_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        for endpoint in endpoints:
            endpoint.opened_at = self._reception.clock.monotonic()
            self._endpoints.append(endpoint)

            def accept(_events: int, endpoint: Endpoint = endpoint) -> None:
                self._accept(endpoint)

            for listener in endpoint.listeners:
                self._loop.watch(listener.fileno(), READ, accept)

    def _accept(self, endpoint: Endpoint) -> None:
        """Accept all that has connected."""
        if not endpoint.is_open:
            return
        for socket, peer in chain.from_iterable(map(accepted, endpoint.listeners)):
            try:
                connection = SocketConnection(socket, peer, endpoint, self._reception, self._loop)
            except Exception as error:  # noqa: BLE001 -- the others go on
                self._reception.failed(error)
                close_socket(socket)
                continue
            endpoint.connections.add(connection)
            if self._reception.wire_plan.injections:
                connection.look_at_wire_plan(is_new=True)
            connection.ready(READ)

    def _look_at_wire_plan(self) -> None:
        for connection in self._connections():
            try:
                connection.look_at_wire_plan()
            except Exception as error:  # noqa: BLE001 -- the others go on
                connection.fail(error)

    def _remove_endpoints(self, owner: str) -> None:
        for endpoint in self._endpoints:
            if endpoint.owner == owner and endpoint.is_open:
                self._accept(endpoint)
                self._stop_listening(endpoint)
                for connection in endpoint.connections:
                    connection.record.port_closed_at = self._reception.clock.monotonic()
        self._endpoints = [each for each in self._endpoints if each.is_open or each.connections]

    def _stop_listening(self, endpoint: Endpoint) -> None:
        for listener in endpoint.listeners:
            self._loop.unwatch(listener.fileno())
        endpoint.close()

    def _begin_drain(self, owner: str, answer: _Answer) -> None:
        def is_drained() -> bool:
            if answer.is_done:
                return True
            for endpoint in self._endpoints:
                if endpoint.owner == owner:
                    self._accept(endpoint)
            for connection in self._connections(owner):
                connection.ready(READ)
            if not all(each.is_read_to_its_end for each in self._connections(owner)):
                return False
            answer.set()
            return True

        self._loop.add_job(is_drained)

    def _begin_settling(self, answer: _Answer) -> None:
        quiet_rounds = 0

        def is_settled() -> bool:
            nonlocal quiet_rounds
            if self._read_all():
                quiet_rounds += 1
            if quiet_rounds < _QUIET_ROUNDS:
                return False
            answer.set()
            return True

        self._loop.add_job(is_settled)

    def _read_all(self) -> bool:
        """Accept and read everything once; whether every socket was found empty."""
        for endpoint in self._endpoints:
            self._accept(endpoint)
        is_empty = True
        for connection in self._connections():
            is_empty = connection.read_guarded() and is_empty
        return is_empty

    def _check_patience(self) -> None:
        now = self._reception.clock.monotonic()
        for connection in self._connections():
            try:
                connection.check_patience(now)
            except Exception as error:  # noqa: BLE001 -- the others go on
                connection.fail(error)

    def _begin_stop(self) -> None:
        """Accept no more, and leave once what has begun is whole, or very soon."""
        for endpoint in self._endpoints:
            if endpoint.is_open:
                self._accept(endpoint)
                self._stop_listening(endpoint)
        clock = self._reception.clock
        give_up_at = clock.monotonic() + _LAST_REQUESTS_S

        def is_over() -> bool:
            self._read_all()
            has_open = any(each.is_within_request for each in self._connections())
            if has_open and clock.monotonic() < give_up_at:
                return False
            self._loop.stop()
            return True

        self._loop.add_job(is_over)

    def _close_all(self) -> None:
        for endpoint in self._endpoints:
            endpoint.close()
        for connection in self._connections():
            try:
                connection.go_away()
            except Exception as error:  # noqa: BLE001 -- the others must be closed too
                connection.fail(error)

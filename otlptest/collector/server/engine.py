"""The receiver's thread: accepts, reads, and carries out requests of callers."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from otlptest.collector.server.connection import SocketConnection
from otlptest.collector.server.listeners import Endpoint
from otlptest.collector.server.server_context import ServerContext
from otlptest.errors import ReceiverError
from otlptest.model import Connection
from otlptest.net.loop import READ, ReadinessLoop
from otlptest.net.server_thread import ServerThread
from otlptest.net.sockets import accepted, close_socket
from otlptest.timing import Deadline

_LONGEST_TICK_S: Final = 1.0
_SHORTEST_TICK_S: Final = 0.02
_QUIET_ROUNDS: Final = 2
_LAST_REQUESTS_S: Final = 0.2


class Engine:
    """Runs in a daemon thread of its own from `start` to `stop`.

    Methods are called from other threads, those with an underscore in the engine's own.

    Args:
        reception: The state that all connections share.
    """

    def __init__(self, reception: ServerContext) -> None:
        limits = reception.limits
        shortest = min(limits.patience_s, limits.handshake_s, limits.idle_s, limits.drain_s)
        period_s = max(_SHORTEST_TICK_S, min(_LONGEST_TICK_S, shortest / 4))
        self._reception = reception
        self._loop = ReadinessLoop(self._check_patience, period_s)
        self._endpoints: list[Endpoint[SocketConnection]] = []
        self._thread = ServerThread(
            "the receiver",
            self._loop,
            now=reception.clock.monotonic,
            close=self._close_all,
            failed=reception.failed,
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def open(self, endpoints: Sequence[Endpoint[SocketConnection]], deadline: Deadline) -> None:
        """Accept connections from `endpoints`; close them if that fails.

        Raises:
            ReceiverError: The engine has stopped.
        """
        try:
            self._thread.call(lambda: self._add_endpoints(endpoints), deadline, "open ports")
        except BaseException:
            for endpoint in endpoints:
                endpoint.close()
            raise

    def close_ports(self, owner: str, deadline: Deadline) -> None:
        """Accept pending connections to the ports of `owner`, then stop listening there.

        Raises:
            ReceiverError: The engine has stopped.
        """
        self._thread.call(lambda: self._remove_endpoints(owner), deadline, "close ports")

    def apply_wire_plan(self, deadline: Deadline) -> None:
        """Have every connection look at the wire faults in force.

        Raises:
            ReceiverError: The engine has stopped.
        """
        if self._thread.is_current:  # the `where` of a planned reply may inject
            self._look_at_wire_plan()
            return
        self._thread.call(self._look_at_wire_plan, deadline, "inject faults")

    def drain(self, owner: str, deadline: Deadline) -> list[Connection]:
        """Wait until every connection of `owner` is read to its end; return the others.

        Raises:
            ReceiverError: The engine has stopped.
        """
        if self._thread.wait_until(lambda: self._is_drained(owner), deadline, "drain"):
            return []
        open_ones: list[Connection] = []
        self._thread.call(
            lambda: open_ones.extend(
                each.record for each in self._connections(owner) if not each.is_read_to_its_end
            ),
            Deadline(1.0),
            "list connections",
        )
        return open_ones

    def settle(self, deadline: Deadline) -> None:
        """Wait until everything sent before the call has been handled.

        Raises:
            ReceiverError: The engine has stopped, or time ran out.
        """
        quiet_rounds = 0

        def is_settled() -> bool:
            nonlocal quiet_rounds
            if self._read_all():
                quiet_rounds += 1
            return quiet_rounds >= _QUIET_ROUNDS

        if not self._thread.wait_until(is_settled, deadline, "settle"):
            raise ReceiverError(
                f"the receiver had not read everything after {deadline.timeout_s:g} s",
                "a client may be sending without a pause",
            )

    def stop(self, deadline: Deadline) -> bool:
        """Read pending bytes, close sockets, end the thread; return whether it ended in time."""
        return self._thread.stop(self._begin_stop, deadline)

    # --- in the engine's thread

    def _connections(self, owner: str | None = None) -> list[SocketConnection]:
        return [
            connection
            for endpoint in self._endpoints
            if owner is None or endpoint.owner == owner
            for connection in endpoint.connections
        ]

    def _add_endpoints(self, endpoints: Sequence[Endpoint[SocketConnection]]) -> None:
        for endpoint in endpoints:
            endpoint.opened_at = self._reception.clock.monotonic()
            self._endpoints.append(endpoint)

            def accept(_events: int, endpoint: Endpoint[SocketConnection] = endpoint) -> None:
                self._accept(endpoint)

            for listener in endpoint.listeners:
                self._loop.watch(listener.fileno(), READ, accept)

    def _accept(self, endpoint: Endpoint[SocketConnection]) -> None:
        """Accept all pending connections."""
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

    def _stop_listening(self, endpoint: Endpoint[SocketConnection]) -> None:
        for listener in endpoint.listeners:
            self._loop.unwatch(listener.fileno())
        endpoint.close()

    def _is_drained(self, owner: str) -> bool:
        """Read new bytes for `owner`; return whether each connection is read to its end."""
        for endpoint in self._endpoints:
            if endpoint.owner == owner:
                self._accept(endpoint)
        for connection in self._connections(owner):
            connection.ready(READ)
        return all(each.is_read_to_its_end for each in self._connections(owner))

    def _read_all(self) -> bool:
        """Accept and read everything once; return whether every socket was empty."""
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
        """Stop accepting, and leave once open requests are whole, or very soon."""
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

"""The proxy's thread: accepts, relays, and carries out requests of callers."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from otlptest.errors import ReceiverError
from otlptest.faults.injection.injections import WirePlan
from otlptest.net.local_network import Losses
from otlptest.net.loop import READ, ReadinessLoop
from otlptest.net.server_thread import ServerThread
from otlptest.net.sockets import Socket, accepted, close_socket
from otlptest.proxy.relay import ProxyContext, Relay
from otlptest.proxy.traffic import Ledger
from otlptest.proxy.upstreams import Upstream
from otlptest.timing import Clock, Deadline

_TICK_S: Final = 0.25
_LAST_REQUESTS_S: Final = 0.2
_BUFFER_BYTES: Final = 1024 * 1024
_QUIET_ROUNDS: Final = 2


class Listener:
    """A port of the proxy and its upstream.

    Args:
        sockets: Listening, non-blocking, all with the same port.
        upstream: The target of its connections.
    """

    def __init__(self, sockets: Sequence[Socket], upstream: Upstream) -> None:
        self.sockets = tuple(sockets)
        self.upstream = upstream
        self.port: int = sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening."""
        for socket in self.sockets:
            close_socket(socket)


class Engine:
    """Runs in a daemon thread of its own from the beginning to `stop`.

    Methods are called from other threads, those with an underscore in the engine's own.

    Args:
        listeners: The ports.
        plan: The faults in force.
        ledger: Counts the traffic.
        clock: Where times come from.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        plan: WirePlan,
        ledger: Ledger,
        losses: Losses,
        clock: Clock,
    ) -> None:
        self._listeners = tuple(listeners)
        self._clock = clock
        self._loop = ReadinessLoop(self._check_patience, _TICK_S)
        self._around = ProxyContext(
            self._loop, plan, ledger, losses=losses, now=clock.monotonic, buffer_size=_BUFFER_BYTES
        )
        for listener in self._listeners:
            self._watch(listener)
        self._thread = ServerThread(
            "the proxy",
            self._loop,
            now=clock.monotonic,
            close=self._close_all,
            failed=self._around.failures.append,
        )
        self._thread.start()

    @property
    def failures(self) -> Sequence[BaseException]:
        """Return errors of ours."""
        return self._around.failures

    def apply_plan(self, deadline: Deadline) -> None:
        """Let every connection apply the faults in force.

        Raises:
            ReceiverError: The proxy has stopped.
        """
        self._thread.call(self._look_at_plan, deadline, "inject faults")

    def open(self, listener: Listener, deadline: Deadline) -> None:
        """Accept connections at another port.

        Raises:
            ReceiverError: The proxy has stopped; the port is closed then.
        """
        try:
            self._thread.call(lambda: self._watch(listener), deadline, "open a port")
        except BaseException:
            listener.close()
            raise
        self._listeners = (*self._listeners, listener)

    def pass_on(self, deadline: Deadline) -> int:
        """Wait until clients' bytes are passed on; return how many connections hold some back."""
        quiet_rounds = 0

        def is_passed_on() -> bool:
            nonlocal quiet_rounds
            quiet_rounds = quiet_rounds + 1 if self._look_for_requests() else 0
            return quiet_rounds >= _QUIET_ROUNDS

        try:
            if self._thread.wait_until(is_passed_on, deadline, "pass on"):
                return 0
        except ReceiverError:
            return 0  # the proxy was closed meanwhile, with all connections
        return sum(relay.holds_requests for relay in tuple(self._around.relays)) or 1

    def stop(self, deadline: Deadline) -> bool:
        """Pass bytes on, close every socket, end the thread; return whether it ended in time."""
        return self._thread.stop(self._begin_stop, deadline)

    # --- in the engine's thread

    def _look_at_plan(self) -> None:
        for relay in tuple(self._around.relays):
            try:
                relay.plan_changed()
            except Exception as error:  # noqa: BLE001 -- the others go on
                relay.fail(error)

    def _watch(self, listener: Listener) -> None:
        def accept(_events: int) -> None:
            self._accept(listener)

        for socket in listener.sockets:
            self._loop.watch(socket.fileno(), READ, accept)

    def _accept(self, listener: Listener) -> None:
        """Accept all pending connections."""
        for client, _ in chain.from_iterable(map(accepted, listener.sockets)):
            Relay(client, listener.port, listener.upstream, self._around)

    def _check_patience(self) -> None:
        now = self._clock.monotonic()
        for relay in tuple(self._around.relays):
            relay.check_patience(now)

    def _look_for_requests(self) -> bool:
        """Accept and read everything once; return whether nothing came and nothing is held back."""
        for listener in self._listeners:
            self._accept(listener)
        relays = tuple(self._around.relays)
        has_moved = [relay.look() for relay in relays]
        return not any(has_moved) and not any(relay.holds_requests for relay in relays)

    def _begin_stop(self) -> None:
        """Stop accepting, and leave once open requests are whole, or very soon."""
        for listener in self._listeners:
            self._accept(listener)
        give_up_at = self._clock.monotonic() + _LAST_REQUESTS_S
        quiet_rounds = 0

        def is_over() -> bool:
            nonlocal quiet_rounds
            settled = [relay.has_settled() for relay in tuple(self._around.relays)]
            quiet_rounds = quiet_rounds + 1 if all(settled) else 0
            if quiet_rounds < _QUIET_ROUNDS and self._clock.monotonic() < give_up_at:
                return False
            self._loop.stop()
            return True

        self._loop.add_job(is_over)

    def _close_all(self) -> None:
        for listener in self._listeners:
            for socket in listener.sockets:
                self._loop.unwatch(socket.fileno())
            listener.close()
        for relay in tuple(self._around.relays):
            try:
                relay.stop()
            except Exception as error:  # noqa: BLE001 -- the others must be closed too
                relay.fail(error)

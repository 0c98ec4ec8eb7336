"""One connection through the proxy: a client's socket, one to the upstream, faults between them."""

import errno
import os
import socket
from collections.abc import Callable
from typing import Final

from otlptest.faults.injection.injections import WirePlan
from otlptest.faults.injection.injector import ConnectionFaultInjector
from otlptest.faults.wire_faults import WireFault
from otlptest.net.local_network import Losses, local_network
from otlptest.net.loop import READ, WRITE, ReadinessLoop
from otlptest.net.sockets import Socket
from otlptest.proxy.peer_socket import PeerSocket, connecting
from otlptest.proxy.traffic import Ledger
from otlptest.proxy.upstreams import Upstream

_CONNECT_S: Final = 10.0
_LAST_BYTES_S: Final = 2.0


class ProxyContext:
    """The state that all relays of a proxy share. Belongs to the proxy's thread.

    Args:
        loop: Reports when sockets are ready.
        plan: The faults in force.
        ledger: Counts the traffic.
        losses: Receives what faults keep from the upstream.
        now: Returns the time in seconds.
        buffer_size: How much is read at once.

    Attributes:
        relays: The open relays.
        failures: Errors of ours, raised when the proxy is closed.
    """

    def __init__(
        self,
        loop: ReadinessLoop,
        plan: WirePlan,
        ledger: Ledger,
        *,
        losses: Losses,
        now: Callable[[], float],
        buffer_size: int,
    ) -> None:
        self.loop = loop
        self.plan = plan
        self.ledger = ledger
        self.losses = losses
        self.now = now
        self.buffer = memoryview(bytearray(buffer_size))
        self.relays: set[Relay] = set()
        self.failures: list[BaseException] = []


class Relay:
    """Passes bytes both ways until both sides have ended. See `interference.passage.Peer`.

    Args:
        client: Accepted, non-blocking.
        port: The proxy's port that it came to.
        upstream: The target.
        around: The state shared with others.
    """

    needs_reply_blocks = True

    def __init__(self, client: Socket, port: int, upstream: Upstream, around: ProxyContext) -> None:
        self._around = around
        self._upstream = upstream
        self.record = around.ledger.opened(port, upstream.url, around.now())
        self._is_over = False
        self._is_connected = False
        self._local = ""  # our end of the connection to the upstream
        self._began_at = around.now()
        self._leaves_at: float | None = None  # any bytes still missing then
        self._has_moved = False
        self._server_was_reset = False
        self._server: PeerSocket | None = None
        self._client = PeerSocket(
            client,
            around.loop,
            around.buffer,
            arrived=self._from_client,
            ended=self._client_ended,
            drained=self._look,
            failed=self.fail,
        )
        self._interference = ConnectionFaultInjector(
            self, around.plan, self.record.number, around.now
        )
        around.relays.add(self)
        try:
            self._interference.plan_changed(is_new=True)
            self._interference.opened()
            if not self._is_over:
                self._connect()
        except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
            self.fail(error)

    # --- towards the upstream

    def _connect(self) -> None:
        try:
            connection = connecting(self._upstream.family, self._upstream.address)
        except OSError as error:
            self._cannot_connect(error.errno)
            return
        # Known before the first byte can pass, for a fault that acts at once.
        host, port = connection.getsockname()[:2]
        self._local = f"{host}:{port}"
        local_network.peer_connected(self._local)
        around = self._around
        self._server = PeerSocket(
            connection,
            around.loop,
            around.buffer,
            arrived=self._from_server,
            ended=self._server_ended,
            drained=self._look,
            failed=self.fail,
        )
        descriptor = connection.fileno()

        def connected(_events: int) -> None:
            around.loop.unwatch(descriptor)
            self._connected(connection)

        around.loop.watch(descriptor, WRITE, connected)

    def _connected(self, connection: Socket) -> None:
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._cannot_connect(code)
            return
        self._is_connected = True
        self._look()

    def _cannot_connect(self, code: int | None) -> None:
        """Reset the client, as for a connection that nobody accepts."""
        reason = os.strerror(code or errno.EIO)
        self._around.ledger.could_not_reach(f"{self._upstream.url}: {reason}")
        self.abort(f"the upstream {self._upstream.url} could not be reached: {reason}")

    # --- bytes and ends arrive

    def _from_client(self, data: memoryview) -> None:
        self._has_moved = True
        self._interference.from_client(data)
        self._note()
        self._look()

    def _from_server(self, data: memoryview) -> None:
        self._has_moved = True
        self._interference.from_server(data)
        self._look()

    def _client_ended(self, why: str) -> None:
        self.record.close_reason = self.record.close_reason or _told("client", why)
        if why:  # nobody is left to receive the upstream's bytes
            self._leaves_at = self._around.now() + _LAST_BYTES_S
        self._interference.client_ended()
        self._look()

    def _server_ended(self, why: str) -> None:
        self.record.close_reason = self.record.close_reason or _told("upstream", why)
        self._server_was_reset = bool(why)
        self._interference.server_ended()
        self._look()

    def _note(self) -> None:
        conversation = self._interference.conversation
        if conversation is not None:
            self.record.requests = conversation.requests
            self.record.protocol = conversation.protocol

    def _look(self) -> None:
        """Read from the sides whose bytes are wanted; leave if nothing is left to do."""
        server = self._server
        if self._is_over or server is None:
            return
        if self._is_done(server):
            self._leave(self.record.close_reason)
            return
        interference = self._interference
        wants_client = self._is_connected and server.is_drained and not interference.up_is_full
        wants_server = (
            self._is_connected and self._client.is_drained and not interference.down_is_full
        )
        if wants_client != self._client.is_reading:
            self._client.want(reading=wants_client)
        if wants_server != server.is_reading:
            server.want(reading=wants_server)

    def _is_done(self, server: PeerSocket) -> bool:
        has_passed = server.is_finished and server.is_drained
        has_passed = has_passed and self._client.is_finished and self._client.is_drained
        return has_passed and self._client.has_ended and server.has_ended

    # --- called by the interference

    def to_server(self, data: bytes | memoryview) -> None:
        """See `Peer`."""
        self.record.bytes_to_upstream += len(data)
        if self._server is not None:
            self._server.write(data)

    def to_client(self, data: bytes | memoryview) -> None:
        """See `Peer`."""
        self.record.bytes_to_client += len(data)
        self._note()
        self._client.write(data)

    def end_to_server(self) -> None:
        """See `Peer`. A reset of the client's ends in order: its earlier bytes must arrive."""
        if self._server is not None:
            self._server.finish()

    def end_to_client(self) -> None:
        """See `Peer`."""
        if self._server_was_reset and self._client.is_drained:
            self._leave(self.record.close_reason, by_reset=True)
        else:
            self._client.finish()

    def request_lost(self, stream_id: int | None) -> None:  # noqa: ARG002 -- of `Peer`
        """See `Peer`: evidence must count what did not arrive."""
        self._around.losses.add(self._around.now(), self.record.wire_fault)

    def reply_passed(self, request: int) -> None:
        """See `Peer`."""

    def fired(self, fault: WireFault) -> None:
        """See `Peer`."""
        self.record.wire_fault = repr(fault)
        local_network.note_fault(self._local, repr(fault), corrupts=fault.corrupts_requests)

    def abort(self, reason: str) -> None:
        """See `Peer`."""
        self._leave(reason, by_reset=True)

    def close(self, reason: str) -> None:
        """See `Peer`: nothing more passes, and later bytes are dropped for a while."""
        self.record.close_reason = reason
        self._client.finish()
        if self._server is not None:
            self._server.finish()
        self._leaves_at = self._around.now() + _LAST_BYTES_S

    def wake_at(self, when: float) -> None:
        """See `Peer`."""
        self._around.loop.call_at(when, self._wake)

    def _wake(self) -> None:
        if self._is_over:
            return
        try:
            self._interference.wake()
            self._look()
        except Exception as error:  # noqa: BLE001 -- one connection must not end its neighbours
            self.fail(error)

    # --- called by the proxy

    def plan_changed(self) -> None:
        """Apply the changed faults in force."""
        self._interference.plan_changed()
        self._look()

    def fail(self, error: Exception) -> None:
        """Keep an error of ours until the proxy is closed, and close."""
        self._around.failures.append(error)
        self._leave("an error in the proxy", by_reset=True)

    def check_patience(self, now: float) -> None:
        """Give up after a timeout."""
        if self._leaves_at is not None and now >= self._leaves_at:
            self._leave(self.record.close_reason)
        elif not self._is_connected and now - self._began_at > _CONNECT_S:
            self._cannot_connect(errno.ETIMEDOUT)

    def has_settled(self) -> bool:
        """Pass bytes on; return whether nothing came since the last call and nothing is due."""
        has_moved = self.look()
        conversation = self._interference.conversation
        is_under_way = conversation is not None and conversation.under_way > 0
        return self._is_over or not (has_moved or is_under_way or not self._is_connected)

    def look(self) -> bool:
        """Read both sides, as far as bytes are wanted; return whether some came."""
        self._has_moved = False
        self._client.ready(READ | WRITE)
        if self._server is not None:
            self._server.ready(READ | WRITE)
        return self._has_moved

    @property
    def holds_requests(self) -> bool:
        """Return whether bytes from the client have not gone on."""
        if self._is_over:
            return False
        is_drained = self._server is not None and self._server.is_drained
        return self._interference.holds_up or not self._is_connected or not is_drained

    def stop(self) -> None:
        """Release what faults hold back, and close both sides."""
        if not self._is_over:
            self._interference.flush()
        self._leave("the proxy was closed")

    def _leave(self, reason: str, *, by_reset: bool = False) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._interference.is_over = True
        self._note()
        for leg in (self._client, self._server):
            if leg is not None and by_reset:
                leg.reset()
            elif leg is not None:
                leg.close()
        self.record.close_reason = reason
        self.record.closed_at = self._around.now()
        self._around.relays.discard(self)


def _told(side: str, why: str) -> str:
    return f"{why} by the {side}" if why else f"closed by the {side}"

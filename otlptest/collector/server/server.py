"""The network side of a fake collector, as the rest of the package sees it."""

import os
import ssl
import threading
import warnings
from typing import Final, Self

from otlptest.collector.intake import Intake
from otlptest.collector.server.connection import SocketConnection
from otlptest.collector.server.cors import CorsPolicy
from otlptest.collector.server.engine import Engine
from otlptest.collector.server.listeners import Endpoint
from otlptest.collector.server.replies import PlannedReplies
from otlptest.collector.server.server_context import ServerContext
from otlptest.errors import ReceiverError
from otlptest.faults.injection.injections import Injection, WirePlan
from otlptest.faults.reply_rules import ReplyRules
from otlptest.model import Connection
from otlptest.net.local_network import local_network
from otlptest.timing import SYSTEM_CLOCK, Clock, Deadline
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits

_START_S: Final = 5.0
_STOP_S: Final = 5.0
_ALPN: Final = ["h2", "http/1.1"]


class Receiver:
    """Two ports, one for OTLP/gRPC and one for OTLP/HTTP, served by one daemon thread.

    Methods may be called from any thread, but not from the intake. In a forked child all of it is
    inert: the parent's ports stay as they are.

    Args:
        intake: Receives connections, requests and problems, in the receiver's thread.
        host: Address to listen on.
        grpc_port: For OTLP/gRPC; 0 takes a free one.
        http_port: For OTLP/HTTP; 0 takes a free one.
        tls: Makes both TLS ports; ALPN is set on it.
        limits: The limits for a peer.
        cors: The pages that may send from browsers; None: none.
        clock: The clock for connections and requests.

    Attributes:
        script: The faults that are planned as replies.
        wire_plan: The faults in force on the wire.
    """

    def __init__(
        self,
        intake: Intake,
        *,
        host: str = "127.0.0.1",
        grpc_port: int = 0,
        http_port: int = 0,
        tls: ssl.SSLContext | None = None,
        limits: Limits = DEFAULT_LIMITS,
        cors: CorsPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.host = host
        self.grpc_port = grpc_port
        self.http_port = http_port
        self._tls = tls
        self.script = ReplyRules()
        choose_reply = PlannedReplies(self.script).choose
        self.wire_plan = WirePlan(self._wire_plan_changed)
        self._reception = ServerContext(
            intake, limits, cors, clock, choose_reply, wire_plan=self.wire_plan
        )
        self._engine: Engine | None = None
        self._ports: set[int] = set()
        self._pid = os.getpid()
        self._is_closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Listen; clients can connect when this returns. A second call does nothing.

        Raises:
            PortTakenError: A requested port is in use.
            ReceiverError: The address is not available, or the receiver was closed.
        """
        if self._engine is not None:
            return
        if self._is_closed:
            raise ReceiverError("the receiver was closed", "make a new one")
        if self._tls is not None:
            self._tls.set_alpn_protocols(_ALPN)
        endpoints = self._listen(self.grpc_port, self.http_port, None)
        self.grpc_port, self.http_port = (endpoint.port for endpoint in endpoints)
        self._pid = os.getpid()
        engine = Engine(self._reception)
        engine.start()
        self._engine = engine
        engine.open(endpoints, Deadline(_START_S))

    def open_ports(self, owner: str, *, host: str | None = None) -> tuple[int, int]:
        """Listen on another gRPC port and another HTTP port.

        Args:
            owner: The `Connection.owner` of connections to these ports.
            host: Address to listen on; the receiver's own if None.

        Raises:
            ReceiverError: The receiver does not run, or the address is not available.
        """
        engine = self._running()
        endpoints = self._listen(0, 0, owner, host=host)
        engine.open(endpoints, Deadline(_START_S))
        return endpoints[0].port, endpoints[1].port

    def close_ports(self, owner: str) -> None:
        """Stop listening on the ports of `owner`; connections made before are still read.

        Raises:
            ReceiverError: The receiver broke.
        """
        if self._engine is not None and not self._is_closed and not self._is_inert():
            self._engine.close_ports(owner, Deadline(_STOP_S))

    def drain(self, owner: str, deadline: Deadline) -> list[Connection]:
        """Read everything that an ended process sent to its ports.

        Blocks until each of its connections, those in the accept queues included, is read to its
        end, at most until `deadline`.

        Returns:
            The connections still open at the deadline: something else holds them.

        Raises:
            ReceiverError: The receiver does not run.
        """
        return self._running().drain(owner, deadline)

    def settle(self, deadline: Deadline) -> None:
        """Wait until everything sent to any port before the call is handled.

        Raises:
            ReceiverError: The receiver does not run, or time ran out.
        """
        self._running().settle(deadline)

    def held_back(self, deadline: Deadline) -> tuple[str, ...]:
        """Read what proxies have got from clients; return what they hold back, as text.

        Raises:
            ReceiverError: The receiver does not run, or time ran out.
        """
        held = local_network.held_back(self._ports, deadline)
        if not held:
            self._running().settle(deadline)
        return held

    def lost_on_the_way(self, since: float) -> tuple[str, ...]:
        """Return what faults of proxies have kept from any port since then, as clauses."""
        return local_network.lost_before(self._ports, since)

    def injections_before(self) -> tuple[Injection, ...]:
        """Return the faults injected in proxies of any port."""
        return tuple(
            each
            for proxy in local_network.proxies_before(self._ports)
            for each in proxy.injections
            if isinstance(each, Injection)
        )

    def close(self) -> None:
        """Answer what has arrived, close every socket, end the thread. Blocks at most 5 s.

        A second call, or a call in a forked child, does nothing.

        Raises:
            ReceiverError: The thread did not end, or had an error that was ours.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        if self._engine is None or self._is_inert():
            return
        if not self._engine.stop(Deadline(_STOP_S)):
            raise ReceiverError(f"the receiver's thread did not end within {_STOP_S:g} s")
        if self._reception.failures:
            first = self._reception.failures[0]
            count = len(self._reception.failures)
            more = f" (the first of {count} errors)" if count > 1 else ""
            raise ReceiverError(
                f"the receiver had an error: {type(first).__name__}: {first}{more}",
                "this is a fault in otlptest: please report it",
            ) from first

    def __enter__(self) -> Self:
        """Start the receiver."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the receiver."""
        self.close()

    def __del__(self) -> None:
        """Warn where `close` was forgotten."""
        if getattr(self, "_engine", None) is not None and not self._is_closed:
            if self._is_inert():
                return
            text = f"unclosed receiver on {self.host}"
            warnings.warn(text, ResourceWarning, stacklevel=2, source=self)
            self.close()

    def _wire_plan_changed(self) -> None:
        """Let every connection apply the changed wire faults before the change returns."""
        if self._engine is not None and not self._is_closed and not self._is_inert():
            self._engine.apply_wire_plan(Deadline(_START_S))

    def _is_inert(self) -> bool:
        return os.getpid() != self._pid

    def _running(self) -> Engine:
        """Return the engine.

        Raises:
            ReceiverError: It does not run.
        """
        if self._engine is None or self._is_closed or self._is_inert():
            raise ReceiverError("the receiver does not run", "start() it, or use it earlier")
        return self._engine

    def _listen(
        self, grpc_port: int, http_port: int, owner: str | None, *, host: str | None = None
    ) -> list[Endpoint[SocketConnection]]:
        address = host or self.host
        grpc = Endpoint[SocketConnection](address, grpc_port, "grpc", owner=owner, tls=self._tls)
        try:
            http = Endpoint[SocketConnection](
                address, http_port, "http", owner=owner, tls=self._tls
            )
        except BaseException:
            grpc.close()
            raise
        self._ports |= {grpc.port, http.port}
        return [grpc, http]

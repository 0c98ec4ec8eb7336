"""The ports that otlptest listens on in this process, and the proxies before them.

A proxy may hold back bytes that clients have sent already, so evidence that nothing more can come
must ask it. And it may break them on purpose, which is not the client's mistake.
"""

import threading
import weakref
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from otlptest.timing import Deadline


class LocalProxy(Protocol):
    """A proxy that passes bytes on to ports of this process, maybe late."""

    @property
    def grpc_endpoint(self) -> str:
        """Return its endpoint for OTLP/gRPC."""
        ...

    @property
    def http_endpoint(self) -> str:
        """Return its endpoint for OTLP/HTTP."""
        ...

    def open_port(self, endpoint: str, grpc_port: int, http_port: int) -> str:
        """Open another endpoint like `endpoint` that leads to other ports of the same collector.

        Args:
            endpoint: One of its own two.
            grpc_port: The port that it leads to if `endpoint` is for OTLP/gRPC.
            http_port: The port that it leads to if `endpoint` is for OTLP/HTTP.

        Raises:
            ReceiverError: No port can be opened.
        """
        ...

    @property
    def injections(self) -> Sequence[object]:
        """Return all faults that were injected there, ended ones too."""
        ...

    def pass_on(self, deadline: Deadline) -> str:
        """Wait until everything that clients sent before the call is passed on.

        Returns:
            What is still held back, as a clause; empty if nothing is.
        """
        ...


class Losses:
    """The losses to the collector from the faults of one proxy. Thread-safe.

    Args:
        where: The name of the proxy in messages: `the proxy before http://127.0.0.1:4317`.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._lost: list[tuple[float, str]] = []

    def add(self, at: float, fault: str) -> None:
        """Note that `fault`, as a test writes it, kept a request or a whole connection away."""
        self._lost.append((at, fault))

    def since(self, start: float) -> Iterator[str]:
        """Yield the losses from `start` on, as clauses; one for each fault."""
        counts = Counter(fault for at, fault in tuple(self._lost) if at >= start)
        for fault, count in counts.items():
            what = "a request" if count == 1 else f"{count} requests"
            yield f"{fault} of {self._where} kept {what} from this collector"

    def __bool__(self) -> bool:
        return bool(self._lost)


@dataclass(frozen=True, slots=True)
class PeerFault:
    """The fault that acted on a proxy's connection to a port of this process.

    Attributes:
        fault: The last fault, as a test writes it.
        corrupts: Whether one of them changed requests.
    """

    fault: str
    corrupts: bool


@dataclass(slots=True, eq=False)
class _Entry:
    proxy: "weakref.ref[LocalProxy]"
    ports: frozenset[int]
    losses: Losses


class LocalNetwork:
    """The listening ports and proxies of this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._roles: dict[int, str] = {}
        self._faults: dict[str, PeerFault] = {}  # by the local end of a proxy's connection
        self._proxies: list[_Entry] = []
        self._closed: list[_Entry] = []  # their losses stay known

    # Ports.

    def port_opened(self, port: int, role: str) -> None:
        """Note that a receiver listens on a port: for `grpc` or for `http`."""
        with self._lock:
            self._roles[port] = role

    def port_closed(self, port: int) -> None:
        """Note that a receiver no longer listens there."""
        with self._lock:
            self._roles.pop(port, None)

    def role_of(self, port: int) -> str | None:
        """Return the purpose of a port, `grpc` or `http`; None if no receiver listens there."""
        with self._lock:
            return self._roles.get(port)

    # Proxies.

    def add_proxy(self, proxy: LocalProxy, ports: Collection[int], losses: Losses) -> None:
        """Let evidence about collectors that listen on `ports` ask `proxy` from now on.

        Args:
            proxy: The proxy; forgotten once it is gone.
            ports: The ports that it leads to.
            losses: Its losses; used after that, too.
        """
        with self._lock:
            self._proxies.append(_Entry(weakref.ref(proxy), frozenset(ports), losses))

    def remove_proxy(self, proxy: LocalProxy) -> None:
        """Note that a proxy passes nothing more on."""
        with self._lock:
            gone = [entry for entry in self._proxies if entry.proxy() in {proxy, None}]
            self._proxies = [entry for entry in self._proxies if entry not in gone]
            self._closed.extend(entry for entry in gone if entry.losses)

    def proxies_before(self, ports: Collection[int]) -> list[LocalProxy]:
        """Return the proxies that lead to one of `ports`."""
        with self._lock:
            found = [entry.proxy() for entry in self._proxies if not entry.ports.isdisjoint(ports)]
        return [proxy for proxy in found if proxy is not None]

    def find_proxy(self, endpoint: str, ports: Collection[int]) -> LocalProxy | None:
        """Return the proxy that listens at `endpoint` and leads to one of `ports`, if any."""
        leading = self.proxies_before(ports)
        return next((p for p in leading if endpoint in {p.grpc_endpoint, p.http_endpoint}), None)

    def lost_before(self, ports: Collection[int], since: float) -> tuple[str, ...]:
        """Return what planned faults of proxies have kept from `ports` since then, as clauses."""
        with self._lock:
            known = (*self._closed, *self._proxies)
            asked = [entry for entry in known if not entry.ports.isdisjoint(ports)]
        return tuple(clause for entry in asked for clause in entry.losses.since(since))

    def held_back(self, ports: Collection[int], deadline: Deadline) -> tuple[str, ...]:
        """Return what the proxies before `ports` hold back, as clauses.

        Blocks until each has passed on what it can, or time is over.
        """
        held = (proxy.pass_on(deadline) for proxy in self.proxies_before(ports))
        return tuple(clause for clause in held if clause)

    # Connections of proxies.

    def peer_connected(self, local: str) -> None:
        """Note that a proxy has connected from `local`, `HOST:PORT`, which may be reused."""
        with self._lock:
            self._faults.pop(local, None)

    def note_fault(self, local: str, fault: str, *, corrupts: bool) -> None:
        """Note that a fault has acted on the connection that a proxy made from `local`."""
        with self._lock:
            before = self._faults.get(local)
            corrupts = corrupts or (before is not None and before.corrupts)
            self._faults[local] = PeerFault(fault, corrupts)

    def fault_of(self, peer: str) -> PeerFault | None:
        """Return the fault that acted on the connection from `peer`, if any."""
        with self._lock:
            return self._faults.get(peer)


local_network: Final = LocalNetwork()
"""The local network of this process."""

"""What stands before a collector in this process: a proxy.

It may hold back bytes that clients have sent already, so evidence that nothing more can come must
ask it. And it may break them on purpose, which is not the client's mistake.
"""

import threading
import weakref
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from otlptest.faults.interference.plan import Injection
from otlptest.faults.wire_faults import WireFault
from otlptest.model import Connection
from otlptest.timing import Deadline

__all__ = [
    "Losses",
    "WayIn",
    "add_way_in",
    "begin_connection",
    "blame_planned_faults",
    "held_back",
    "injections_before",
    "lost_on_the_way",
    "note_fault",
    "remove_way_in",
    "way_at",
]


class WayIn(Protocol):
    """Something that passes bytes on to ports of this process, and may be late with them."""

    @property
    def grpc_endpoint(self) -> str:
        """Where it takes OTLP/gRPC."""
        ...

    @property
    def http_endpoint(self) -> str:
        """Where it takes OTLP/HTTP."""
        ...

    def open_port(self, endpoint: str, grpc_port: int, http_port: int) -> str:
        """A further endpoint like `endpoint`, that leads to other ports of the same collector.

        Args:
            endpoint: One of its own two.
            grpc_port: Where it leads to if `endpoint` is for OTLP/gRPC.
            http_port: Where it leads to if `endpoint` is for OTLP/HTTP.

        Raises:
            ReceiverError: No port can be opened.
        """
        ...

    @property
    def injections(self) -> tuple[Injection, ...]:
        """All faults that were injected there, ended ones too."""
        ...

    def pass_on(self, deadline: Deadline) -> str:
        """Wait until all that clients had sent before the call is passed on.

        Returns:
            What is held back all the same, as a clause; empty if nothing is.
        """
        ...


class Losses:
    """What the faults of one way have kept from the collector. Thread-safe.

    Args:
        where: What messages call the way: `the proxy before http://127.0.0.1:4317`.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._lost: list[tuple[float, str]] = []

    def add(self, at: float, fault: str) -> None:
        """Note that `fault`, as a test writes it, kept a request or a whole connection away."""
        self._lost.append((at, fault))

    def since(self, start: float) -> Iterator[str]:
        """What was kept away from `start` on, as clauses; one for each fault."""
        counts = Counter(fault for at, fault in tuple(self._lost) if at >= start)
        for fault, count in counts.items():
            what = "a request" if count == 1 else f"{count} requests"
            yield f"{fault} of {self._where} kept {what} from this collector"

    def __bool__(self) -> bool:
        return bool(self._lost)


@dataclass(slots=True, eq=False)
class _Entry:
    way: "weakref.ref[WayIn]"
    ports: frozenset[int]
    losses: Losses


_lock = threading.Lock()
_faults: dict[str, tuple[str, bool]] = {}  # by the local end of a way's connection
_ways: list[_Entry] = []
_gone: list[_Entry] = []  # what they have lost is lost for good


def _leading_to(ports: Collection[int]) -> list[WayIn]:
    with _lock:
        found = [entry.way() for entry in _ways if not entry.ports.isdisjoint(ports)]
    return [way for way in found if way is not None]


def add_way_in(way: WayIn, ports: Collection[int], losses: Losses) -> None:
    """From now on, evidence about collectors that listen on `ports` asks `way`. Thread-safe.

    Args:
        way: It is forgotten once it is gone.
        ports: Where it leads to.
        losses: What it loses; asked after that, too.
    """
    with _lock:
        _ways.append(_Entry(weakref.ref(way), frozenset(ports), losses))


def lost_on_the_way(ports: Collection[int], since: float) -> tuple[str, ...]:
    """What planned faults kept from `ports` since then, as clauses. Thread-safe."""
    with _lock:
        asked = [entry for entry in (*_gone, *_ways) if not entry.ports.isdisjoint(ports)]
    return tuple(clause for entry in asked for clause in entry.losses.since(since))


def way_at(endpoint: str, ports: Collection[int]) -> WayIn | None:
    """The way in that takes what is sent to `endpoint` and leads to one of `ports`, if any."""
    leading = _leading_to(ports)
    return next((w for w in leading if endpoint in {w.grpc_endpoint, w.http_endpoint}), None)


def remove_way_in(way: WayIn) -> None:
    """It has passed on all that it will. Thread-safe."""
    with _lock:
        gone = [entry for entry in _ways if entry.way() in {way, None}]
        _ways[:] = [entry for entry in _ways if entry not in gone]
        _gone.extend(entry for entry in gone if entry.losses)


def begin_connection(local: str) -> None:
    """A way in has connected from `local`, `HOST:PORT`, where another may have been before."""
    _faults.pop(local, None)


def note_fault(local: str, fault: WireFault) -> None:
    """A fault has acted on the connection that a way in has made from `local`."""
    _, was_corrupted = _faults.get(local, ("", False))
    _faults[local] = repr(fault), was_corrupted or fault.corrupts_requests


def blame_planned_faults(connection: Connection) -> None:
    """Have the record of a connection say which fault acted on it on its way here, if one did."""
    fault, is_corrupted = _faults.get(connection.peer, ("", False))
    if fault:
        connection.wire_fault = fault
        connection.is_corrupted = connection.is_corrupted or is_corrupted


def injections_before(ports: Collection[int]) -> tuple[Injection, ...]:
    """The faults that were injected on the ways to `ports`. Thread-safe."""
    return tuple(injection for way in _leading_to(ports) for injection in way.injections)


def held_back(ports: Collection[int], deadline: Deadline) -> tuple[str, ...]:
    """What the ways to `ports` hold back, as clauses; blocks until each has passed on its own."""
    held = (way.pass_on(deadline) for way in _leading_to(ports))
    return tuple(clause for clause in held if clause)

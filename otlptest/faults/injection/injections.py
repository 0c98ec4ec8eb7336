"""The wire faults in force, and the effects of each."""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType

from otlptest.errors import Finding, UsageError
from otlptest.faults.arguments import checked_count
from otlptest.faults.wire_faults import WireFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One action of a wire fault.

    Attributes:
        fault: The fault.
        connection: The number of the connection, 1 for the first.
        stream_id: The HTTP/2 stream that it acted on or was caused by, if any.
        at: The time in seconds, on the clock of the proxy or the collector.
    """

    fault: WireFault
    connection: int
    stream_id: int | None
    at: float


class Injection:
    """One wire fault in force, until it has fired `times` times or is ended. Thread-safe.

    A fault that shapes what passes (`latency`, `bandwidth`, `trickle`, `slice`, `window`,
    `blackhole`) fires once for each connection.

    Attributes:
        fault: The fault.
        times: How often it may fire; None: without limit.
    """

    def __init__(self, fault: WireFault, times: int | None) -> None:
        self.fault = fault
        self.times = times
        self._lock = threading.Lock()
        self._firings: list[Firing] = []
        self._is_ended = False

    @property
    def firings(self) -> tuple[Firing, ...]:
        """Return all its actions so far."""
        with self._lock:
            return tuple(self._firings)

    @property
    def fired(self) -> int:
        """Return how often it acted so far."""
        return len(self._firings)

    @property
    def is_ended(self) -> bool:
        """Return whether its scope is over: it releases what it holds back."""
        return self._is_ended

    @property
    def is_in_force(self) -> bool:
        """Return whether it may still fire."""
        return not self._is_ended and (self.times is None or len(self._firings) < self.times)

    def take(self, connection: int, stream_id: int | None, at: float) -> bool:
        """Fire if possible; return whether it fired."""
        with self._lock:
            if not self.is_in_force:
                return False
            firing = Firing(fault=self.fault, connection=connection, stream_id=stream_id, at=at)
            self._firings.append(firing)
            return True

    def end(self) -> None:
        """Stop it from firing again."""
        with self._lock:
            self._is_ended = True

    def __repr__(self) -> str:
        times = "" if self.times is None else f" of {self.times}"
        return f"<{self.fault!r}, fired {self.fired}{times} times>"


class WirePlan:
    """The wire faults of one proxy or one collector, oldest first. Thread-safe.

    Args:
        changed: Called after each change, in the thread that makes it; lets the connections apply
            `injections` before it returns. A bound method does not keep its object
            alive.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = _weakly(changed)
        self._lock = threading.Lock()
        self.injections: tuple[Injection, ...] = ()

    def add(self, fault: WireFault, times: int | None) -> Injection:
        """Put a fault in force.

        Raises:
            UsageError: It is not a wire fault, or `times` is below 1.
        """
        injection = Injection(checked_fault(fault), _checked_times(times))
        with self._lock:
            self.injections = (*(i for i in self.injections if not i.is_ended), injection)
        self._changed()
        return injection

    def end(self, *injections: Injection) -> None:
        """End faults, and release what they hold back."""
        if not any(injection in self.injections for injection in injections):
            return
        for injection in injections:
            injection.end()
        with self._lock:
            self.injections = tuple(i for i in self.injections if not i.is_ended)
        self._changed()


def _weakly(call: Callable[[], None]) -> Callable[[], None]:
    """Return a caller of a bound method that does not keep its object alive."""
    if not isinstance(call, MethodType):
        return call
    reference = weakref.WeakMethod(call)

    def call_if_there() -> None:
        found = reference()
        if found is not None:
            found()

    return call_if_there


class Injector:
    """The fault interface of a proxy, a collector or a view: temporary faults and their findings.

    Args:
        plan: The plan that they are added to.
        where: The name of the place in findings: `the proxy before http://127.0.0.1:4317`.
    """

    def __init__(self, plan: WirePlan, where: str) -> None:
        self._plan = plan
        self._where = where
        self._lock = threading.Lock()
        self._injections: list[Injection] = []

    @property
    def injections(self) -> tuple[Injection, ...]:
        """Return all faults that were put in force here, ended ones too."""
        with self._lock:
            return tuple(self._injections)

    def inject(self, fault: WireFault, times: int | None) -> Injection:
        """Put a fault in force until it has fired `times` times, or `end`.

        Raises:
            UsageError: It is not a wire fault, or `times` is below 1.
        """
        injection = self._plan.add(fault, times)
        with self._lock:
            self._injections.append(injection)
        return injection

    @contextmanager
    def injecting(self, fault: WireFault, times: int | None) -> Iterator[Injection]:
        """Put a fault in force for a block.

        Raises:
            UsageError: It is not a wire fault, or `times` is below 1.
        """
        injection = self.inject(fault, times)
        try:
            yield injection
        finally:
            self._plan.end(injection)

    def end(self) -> None:
        """End all faults in force from here."""
        self._plan.end(*self.injections)

    def findings(self) -> tuple[Finding, ...]:
        """Return one finding for each fault that never fired."""
        return tuple(self._never_fired(i) for i in self.injections if not i.fired)

    def _never_fired(self, injection: Injection) -> Finding:
        fault = injection.fault
        hint = "nothing came by that it could act on: is the client's endpoint the one given here?"
        if fault.acts_on_frames:
            hint = "it needs HTTP/2: does the client speak gRPC, and to this endpoint?"
        elif fault.after_bytes:
            hint = f"no connection passed {fault.after_bytes} bytes {_way(fault)}"
        return Finding(
            rule="fault_never_fired",
            where=self._where,
            expected=f"{fault!r} acts at least once",
            received="it never did",
            hint=hint,
        )


def _way(fault: WireFault) -> str:
    return {"up": "from the client", "down": "to the client"}.get(fault.direction, "either way")


def checked_fault(fault: object) -> WireFault:
    """Return `fault` itself, if it is a wire fault.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(fault, WireFault):
        raise UsageError(
            f"inject() takes a wire fault, and got {fault!r}",
            "one of reset, refuse, blackhole, trickle, slice, latency, bandwidth, truncate, "
            "corrupt, goaway, rst_stream, window of otlptest.faults; reply() takes the others",
        )
    return fault


def _checked_times(times: int | None) -> int | None:
    return None if times is None else checked_count("times", times, least=1)

"""A connection without sockets, with faults on it: what went where, on a clock that tests move."""

from dataclasses import dataclass, field

from otlptest.faults import WireFault
from otlptest.faults.injection.injections import Injection, Injector, WirePlan
from otlptest.faults.injection.injector import ConnectionFaultInjector
from otlptest.faults.injection.protocol_tracker import Conversation


@dataclass
class Passed:
    """What an interference did, in order: `("up", bytes)`, `("down", bytes)`, `("abort", why)`."""

    needs_reply_blocks: bool = True
    events: list[tuple[str, object]] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    lost_requests: list[int | None] = field(default_factory=list)
    passed_replies: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def to_server(self, data: bytes | memoryview) -> None:
        self.events.append(("up", bytes(data)))

    def to_client(self, data: bytes | memoryview) -> None:
        self.events.append(("down", bytes(data)))

    def end_to_server(self) -> None:
        self.events.append(("end", "up"))

    def end_to_client(self) -> None:
        self.events.append(("end", "down"))

    def request_lost(self, stream_id: int | None) -> None:
        self.lost_requests.append(stream_id)

    def reply_passed(self, request: int) -> None:
        self.passed_replies.append(request)

    def fired(self, fault: WireFault) -> None:
        self.faults.append(repr(fault))

    def abort(self, reason: str) -> None:
        self.events.append(("abort", reason))

    def close(self, reason: str) -> None:
        self.events.append(("close", reason))

    def wake_at(self, when: float) -> None:
        self.alarms.append(when)


class Wire:
    """An interference on one connection.

    Args:
        faults: In force from the beginning, each any number of times.
        conversation: What is spoken already: the faults come in the middle of a connection.
        needs_reply_blocks: As the proxy says, or the fake.
    """

    def __init__(
        self,
        *faults: WireFault,
        conversation: Conversation | None = None,
        needs_reply_blocks: bool = True,
    ) -> None:
        self.now = 0.0
        self.passed = Passed(needs_reply_blocks)
        self.plan = WirePlan(self._changed)
        self.injector = Injector(self.plan, "a wire")
        self.interference: ConnectionFaultInjector | None = None
        self.injections: list[Injection] = [self.injector.inject(fault, None) for fault in faults]
        wire = ConnectionFaultInjector(
            self.passed, self.plan, 1, lambda: self.now, conversation=conversation
        )
        self.interference = wire
        wire.plan_changed(is_new=True)
        wire.opened()
        self.up = wire.from_client
        self.down = wire.from_server

    def _changed(self) -> None:
        if self.interference is not None:
            self.interference.plan_changed()

    def inject(self, fault: WireFault, times: int | None = None) -> Injection:
        return self.injector.inject(fault, times)

    def end(self, injection: Injection) -> None:
        self.plan.end(injection)

    def wake(self, now: float) -> None:
        """Move the clock and have the alarms ring."""
        self.now = now
        assert self.interference is not None
        self.interference.wake()

    def ended(self) -> None:
        assert self.interference is not None
        self.interference.client_ended()
        self.interference.server_ended()

    def seen(self, way: str) -> bytes:
        """All that went one way."""
        return b"".join(self.pieces(way))

    def pieces(self, way: str) -> list[bytes]:
        """All that went one way, as it was handed over."""
        return [data for to, data in self.passed.events if to == way and isinstance(data, bytes)]

    @property
    def fate(self) -> list[tuple[str, object]]:
        """How the connection ended."""
        return [event for event in self.passed.events if event[0] in {"abort", "close", "end"}]

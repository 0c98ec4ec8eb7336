"""What a query reads from: the fake collector, a capture file, a real backend.

A *source* holds received telemetry. A *token* is a position in it: what `fetch(since=token)`
returns is new. A *batch* says whether it is all there is; a verdict on absence over an incomplete
one is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from otlptest.errors import Finding
from otlptest.model import Connection, DataPoint, Problem, Producer, Request, Signal
from otlptest.timing import Clock, Deadline

Kind: TypeAlias = Signal | Literal["requests"]
"""What can be fetched; `metrics` gives data points, `traces` gives spans."""

ITEM_NOUNS: Final[Mapping[str, str]] = {
    "requests": "request",
    "traces": "span",
    "metrics": "data point",
    "logs": "log record",
    "profiles": "profile",
}
"""What one item of each kind is called; all take an `s` in the plural."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one fetch gave.

    Attributes:
        items: Spans, data points, log records, profiles or requests, oldest arrival first. May be
            a one-pass iterable that decodes as it goes.
        token: The position after these items.
        is_complete: Whether nothing was cut off (a backend's page limit).
        lossy_fields: Criteria that this source cannot answer, e.g. `temporality`.
    """

    items: Iterable[Any]
    token: int
    is_complete: bool = True
    lossy_fields: frozenset[str] = frozenset()


def producer_of(item: Any) -> Producer:  # noqa: ANN401 -- span, point, record or profile
    """Return who sent an item: the process that its connection belongs to, and its resource."""
    owner = item.request.connection.owner if item.request is not None else None
    return Producer(owner=owner, resource=getattr(item, "metric", item).resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerActivity:
    """What one producer has sent so far.

    Attributes:
        producer: Who.
        signals: Number of accepted requests by signal.
        last_tokens: Position of its newest accepted request, by signal.
        connections: Numbers of the connections that brought them.
        user_agents: As its requests told.
    """

    producer: Producer
    signals: Mapping[Signal, int]
    last_tokens: Mapping[Signal, int]
    connections: frozenset[int] = frozenset()
    user_agents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Everything that came since the view began, for the message of a failure.

    Attributes:
        requests: Accepted and refused ones.
        connections: Open and closed ones.
        problems: What was not even a request.
        leftovers: How many items were set aside as an earlier test's, by kind.
        lost: What planned faults of a proxy kept from the source, as clauses.
        abrupt_ends: By the owner of its ports, each program of the test that had no chance to
            flush: `orders was killed by kill()`.
        doubts: Why some of these may be of this test, as clauses about one of them; name the clock.
        notes: What else may explain that something is missing, a sentence each.
    """

    requests: Sequence[Request] = ()
    connections: Sequence[Connection] = ()
    problems: Sequence[Problem] = ()
    leftovers: Mapping[str, int] = field(default_factory=dict)
    lost: Sequence[str] = ()
    abrupt_ends: Mapping[str, str] = field(default_factory=dict)
    doubts: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An item that a view leaves out as an earlier test's, though it may be of this one.

    Attributes:
        item: A span, data point, log record or profile.
        reason: Why that is doubtful, as a clause about the item; names the clock if it may be that.
    """

    item: Any
    reason: str


class Source(Protocol):
    """Anything that holds received telemetry. Implementations are thread-safe."""

    @property
    def name(self) -> str:
        """Return what a message calls it: `this collector`, `capture.jsonl`."""
        ...

    @property
    def clock(self) -> Clock:
        """Return whose time its deadlines are measured in."""
        ...

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,
    ) -> Batch:
        """Items that may match, after `since`; all if it is None.

        Args:
            kind: What to fetch.
            pushed_down: Criteria that the source may use to leave out what cannot match. It may
                ignore any: the query checks each item again.
            since: A token of an earlier batch of the same source.
            deadline: How long a remote source may take.
        """
        ...

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        """Block until there may be something after `token`; False when the deadline passed."""
        ...

    def baselines(self) -> Mapping[Any, DataPoint]:
        """The last cumulative point of each stream before the view began, by stream key."""
        ...

    def producers(self) -> Sequence[ProducerActivity]:
        """Return who has sent in this view."""
        ...

    def arrivals(self) -> Arrivals:
        """Return what came in this view, for messages."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest items that a source holds, for messages.

    Attributes:
        items: At most as many as were asked for, oldest arrival first.
        total: How many the source holds in all.
    """

    items: Sequence[Any]
    total: int


@runtime_checkable
class Recalling(Protocol):
    """A source that can give its newest items without decoding all."""

    def newest(self, kind: Kind, limit: int) -> Newest:
        """The newest `limit` items, and how many there are in all."""
        ...


@runtime_checkable
class SettingAside(Protocol):
    """A source that leaves out what may be of an earlier test."""

    def set_aside(self, kind: Kind) -> Iterable[SetAside]:
        """The items that were left out and may be of this view, oldest arrival first."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A source that judges again when the test ends."""

    def remember(self, check: Callable[[], Finding | None]) -> None:
        """Call `check` when the test ends; what it returns is a finding."""
        ...


@runtime_checkable
class Notifying(Protocol):
    """A source that can tell without blocking a thread that something changed."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each change, in any thread; returns what ends it."""
        ...

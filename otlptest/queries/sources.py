"""Sources of queries: the fake collector, a capture file, a real backend.

A *source* holds received telemetry. A *token* is a position in it: `fetch(since=token)`
returns newer items. A *batch* says whether it is complete; a verdict on absence over an incomplete
one is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

from otlptest.errors import Finding
from otlptest.model import Connection, DataPoint, Problem, Producer, Request, Signal
from otlptest.timing import Clock, Deadline

Kind: TypeAlias = Signal | Literal["requests"]
"""The kinds of items to fetch; `metrics` returns data points, `traces` spans."""

ITEM_NOUNS: Final[Mapping[str, str]] = {
    "requests": "request",
    "traces": "span",
    "metrics": "data point",
    "logs": "log record",
    "profiles": "profile",
}
"""The name of one item of each kind; all take an `s` in the plural."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The result of one fetch.

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
    """Return the producer of an item: the process of its connection, and its resource."""
    owner = item.request.connection.owner if item.request is not None else None
    return Producer(owner=owner, resource=getattr(item, "metric", item).resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerActivity:
    """The activity of one producer so far.

    Attributes:
        producer: The producer.
        signals: The number of accepted requests by signal.
        last_tokens: The position of its newest accepted request, by signal.
        connections: The numbers of the connections that it used.
        user_agents: The user agents in its requests.
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
        requests: Accepted and refused requests.
        connections: Open and closed connections.
        problems: Arrivals that were not even requests.
        leftovers: How many items were set aside as an earlier test's, by kind.
        lost: Losses through planned faults of a proxy, as clauses.
        abrupt_ends: By the owner of its ports, each program of the test that had no chance to
            flush: `orders was killed by kill()`.
        doubts: Why some of these may be of this test, as clauses that name the clock.
        notes: Further explanations of missing items, a sentence each.
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
        reason: The doubt, as a clause about the item; names the clock if it may be the cause.
    """

    item: Any
    reason: str


class Source(Protocol):
    """Anything that holds received telemetry. Implementations are thread-safe."""

    @property
    def name(self) -> str:
        """Return its name in messages: `this collector`, `capture.jsonl`."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the clock of its deadlines."""
        ...

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,
    ) -> Batch:
        """Return items after `since` that may match; all if it is None.

        Args:
            kind: The kind of items.
            pushed_down: Criteria that the source may use to leave out impossible matches. It may
                ignore any: the query checks each item again.
            since: A token of an earlier batch of the same source.
            deadline: How long a remote source may take.
        """
        ...

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        """Block until something may have come after `token`; return False at the deadline."""
        ...

    def baselines(self) -> Mapping[Any, DataPoint]:
        """Return the last cumulative point of each stream before the view, by stream key."""
        ...

    def producers(self) -> Sequence[ProducerActivity]:
        """Return the producers that have sent in this view."""
        ...

    def arrivals(self) -> Arrivals:
        """Return the arrivals in this view, for messages."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest items of a source, for messages.

    Attributes:
        items: At most the requested number, oldest arrival first.
        total: The total number in the source.
    """

    items: Sequence[Any]
    total: int


@runtime_checkable
class Recalling(Protocol):
    """A source that can return its newest items without decoding all."""

    def newest(self, kind: Kind, limit: int) -> Newest:
        """Return the newest `limit` items, and the total number."""
        ...


@runtime_checkable
class SettingAside(Protocol):
    """A source that leaves out items that may be of an earlier test."""

    def set_aside(self, kind: Kind) -> Iterable[SetAside]:
        """Return the items that were set aside but may be of this view, oldest arrival first."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A source that judges again when the test ends."""

    def remember(self, check: Callable[[], Finding | None]) -> None:
        """Call `check` when the test ends; its results are findings."""
        ...


@runtime_checkable
class Notifying(Protocol):
    """A source that can report a change without blocking a thread."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` at each change, in any thread; return a function that ends this."""
        ...

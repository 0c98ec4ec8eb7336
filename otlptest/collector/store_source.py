"""The source of a view's queries: a store, and the start of the view in it.

A view with an *epoch* begins with a test. Leftovers of an earlier test, and items that may be, are
set aside: reported, but not returned or counted. `otlptest.collector.leftovers` has the signs.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from otlptest.collector.baselines import Baselines
from otlptest.collector.leftovers import Epoch, Leftovers, Standing
from otlptest.collector.producer_activity import ProducerRecords
from otlptest.collector.snapshots import Snapshot
from otlptest.collector.store import Store
from otlptest.errors import Finding
from otlptest.model import Connection, DataPoint, Problem, Producer, Request
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.evidence.gathering import Process
from otlptest.queries.evidence.trace_context import TraceContext
from otlptest.queries.metrics.point_series import StreamKey, is_cumulative, numbers, stream_key
from otlptest.queries.sources import Arrivals, Batch, Kind, Newest, ProducerActivity, SetAside
from otlptest.timing import SYSTEM_CLOCK, Clock, Deadline

Explanation = Callable[[Kind, Arrivals], Iterable[Circumstance]]
"""A function that returns what the test did that explains missing items of a kind."""


class StoreSource:
    """A source over a store: all of it, or the part of one test. Thread-safe.

    Args:
        store: The received telemetry.
        clock: The clock of deadlines.
        epoch: The start of the view; None for everything received.
        lost: Returns what planned faults of proxies lost since a time, as clauses.
        name: The name in messages.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = SYSTEM_CLOCK,
        epoch: Epoch | None = None,
        lost: Callable[[float], Sequence[str]] = lambda _: (),
        name: str = "this collector",
    ) -> None:
        self._store = store
        self._contents = store.contents
        self._clock = clock
        self._name = name
        self._epoch = epoch
        self._start = 0 if epoch is None else epoch.token
        self._leftovers = (
            None
            if epoch is None
            else Leftovers(store.contents, epoch, store.invented_traces, store.clock_leads)
        )
        self._producers = ProducerRecords(store.contents.producers_of, self._start)
        self._lost = lost
        self._began_at = clock.monotonic() if epoch is None else epoch.monotonic
        self._lock = threading.Lock()
        self._checks: list[Callable[[], Finding | None]] = []
        self._programs: list[Process] = []
        self._explanations: list[Explanation] = []
        self._notes: list[str] = []

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._name

    @property
    def clock(self) -> Clock:
        """See `Source.clock`."""
        return self._clock

    # What was received.

    def token(self) -> int:
        """Return the current position."""
        return self._store.token()

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,  # noqa: ARG002 -- everything is in memory
    ) -> Batch:
        """See `Source.fetch`; decodes during iteration."""
        requests = self._requests(since)
        return Batch(items=self._items(kind, requests, pushed_down), token=requests.stop)

    def _requests(self, since: int | None) -> Snapshot[Request]:
        return self._store.requests(max(self._start, since or 0))

    def _items(
        self, kind: Kind, requests: Snapshot[Request], pushed_down: Mapping[str, object]
    ) -> Iterator[Any]:
        if kind == "requests":
            return (request for request in requests if not self._is_leftover(request))
        items = self._contents.items(kind, requests, pushed_down)
        leftovers = self._leftovers
        if leftovers is None:
            return items
        return (item for item in items if not leftovers.has(item))

    def _is_leftover(self, request: Request) -> bool:
        return self._leftovers is not None and self._leftovers.has_request(request)

    def has_arriving(self, request: Request) -> bool:
        """Return whether a request that is being received, not stored yet, belongs to the view."""
        return self._leftovers is None or not self._leftovers.has_arriving(request)

    def newest(self, kind: Kind, limit: int) -> Newest:
        """See `Recalling.newest`; decodes only as many requests as needed."""
        requests = self._requests(None)
        found: deque[Sequence[Any]] = deque()
        total = decoded = 0
        for token in range(requests.stop - 1, requests.start - 1, -1):
            one = requests.between(token, token + 1)
            if decoded < limit:
                items = list(self._items(kind, one, {}))
                found.appendleft(items)
                decoded += len(items)
                total += len(items)
            else:
                total += self._count(kind, one[0])
        kept = list(chain.from_iterable(found))
        return Newest(items=tuple(kept[max(0, len(kept) - limit) :]), total=total)

    def _count(self, kind: Kind, request: Request) -> int:
        if kind == "requests":
            return 0 if self._is_leftover(request) else 1
        if request.signal != kind or not request.is_accepted:
            return 0
        if self._leftovers is None:
            return self._contents.count(kind, request)
        count = self._leftovers.count(request)
        return count.items - count.leftover

    # Waiting.

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        """See `Source.wait_for_change`."""
        return self._store.wait_for_request(token, deadline)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """See `Notifying.subscribe`."""
        return self._store.subscribe(callback)

    # Further knowledge besides the items.

    def baselines(self) -> Mapping[StreamKey, DataPoint]:
        """See `Source.baselines`; leftovers of an earlier test count as before."""
        before = self._store.baselines.before(self._start, self._store.requests())
        if self._leftovers is None:
            return before
        late = filter(
            self._leftovers.has, self._contents.items("metrics", self._requests(None), {})
        )
        return Baselines.joined(before, late)

    def producers(self) -> Sequence[ProducerActivity]:
        """See `Source.producers`; a sender of leftovers only does not count."""
        producers = self._producers  # `clear` puts another in its place
        requests = self._requests(producers.next_token)
        producers.take(
            (requests.start + place, request)
            for place, request in enumerate(requests)
            if not self._is_leftover(request)
        )
        return producers.activities()

    def producers_of(self, request: Request) -> tuple[Producer, ...]:
        """Return the producers in a request, each once; empty for a refused one."""
        return self._contents.producers_of(request)

    def set_aside(self, kind: Kind) -> Iterator[SetAside]:
        """See `SettingAside.set_aside`."""
        leftovers = self._leftovers
        if leftovers is None or kind == "requests":
            return
        before: Mapping[StreamKey, DataPoint] = {}
        if kind == "metrics":
            before = self._store.baselines.before(self._start, self._store.requests())
        requests = self._requests(None)
        for token, request in zip(range(requests.start, requests.stop), requests, strict=True):
            if request.signal != kind or not request.is_accepted:
                continue
            if not leftovers.count(request).doubtful:
                continue
            for item in self._contents.items(kind, requests.between(token, token + 1), {}):
                if leftovers.standing_of(item) is Standing.DOUBTFUL and not _repeats(item, before):
                    yield SetAside(item=item, reason=leftovers.doubt(item))

    def arrivals(self) -> Arrivals:
        """See `Source.arrivals`."""
        requests: list[Request] = []
        leftovers: Counter[str] = Counter()
        doubts: dict[str, None] = {}
        for request in self._requests(None):
            if self._is_leftover(request):
                leftovers["requests"] += 1
            else:
                requests.append(request)
            if self._leftovers is not None and request.is_accepted:
                count = self._leftovers.count(request).leftover
                leftovers[request.signal or "traces"] += count
                doubts[self._leftovers.doubts(request)] = None
        return Arrivals(
            requests=tuple(requests),
            connections=tuple(filter(self._has_connection, self._store.connections())),
            problems=tuple(filter(self._has_problem, self._store.problems())),
            leftovers={kind: count for kind, count in leftovers.items() if count},
            lost=tuple(self._lost(self._began_at)),
            abrupt_ends=self._abrupt_ends(),
            doubts=tuple(filter(None, doubts)),
            notes=tuple(self._notes),
        )

    def _abrupt_ends(self) -> Mapping[str, str]:
        with self._lock:
            programs = tuple(self._programs)
        ends = {program.owner: program.ending.abrupt for program in programs}
        names = {program.owner: program.name for program in programs}
        return {owner: f"{names[owner]} {end}" for owner, end in ends.items() if end}

    def note(self, text: str) -> None:
        """Add a note to `arrivals` about what may have gone elsewhere; one sentence."""
        self._notes.append(text)

    def _has_connection(self, connection: Connection) -> bool:
        """Return whether a connection was open in the view's time, so belongs to it."""
        if self._epoch is None or connection.closed_at is None:
            return True
        return connection.closed_at >= self._epoch.monotonic

    def _has_problem(self, problem: Problem) -> bool:
        return self._leftovers is None or not self._leftovers.has_problem(problem)

    def leftover_items(self, request: Request) -> Callable[[Any], bool] | None:
        """Return the test for items that are set aside, if the request has such; else None."""
        if self._leftovers is None or not request.is_accepted:
            return None
        return self._leftovers.message_test(request)

    @property
    def begin(self) -> float:
        """Return when the view began, on the collector's monotonic clock."""
        return self._began_at

    def explain_with(self, explain: Explanation) -> None:
        """Also ask `explain` for reasons why something is missing."""
        with self._lock:
            self._explanations.append(explain)

    def circumstances(self, kind: Kind) -> tuple[Circumstance, ...]:
        """See `Explaining.circumstances`."""
        with self._lock:
            explanations = tuple(self._explanations)
        arrivals = self.arrivals()
        return tuple(each for explain in explanations for each in explain(kind, arrivals))

    # Actions of the view.

    def add_context(self, context: TraceContext) -> None:
        """Note an invented context: the span below it is a root, in every view.

        In the view of a test, the trace belongs to that test whatever its times.
        """
        self._contents.add_outside_parent(context.span_id)
        if self._epoch is not None:
            self._store.invented_traces[bytes.fromhex(context.trace_id)] = self._clock.monotonic()

    def add_program(self, program: Process) -> None:
        """Let evidence use the ending of a program of the test."""
        with self._lock:
            self._programs.append(program)

    def clear(self) -> None:
        """Forget everything received so far; cumulative series go on from their last value."""
        token = self._store.token()
        self._store.baselines.before(token, self._store.requests())
        self._store.forget(token)
        with self._lock:
            self._start = max(self._start, token)
            self._began_at = self._clock.monotonic()
            self._producers = ProducerRecords(self._contents.producers_of, self._start)

    def remember(self, check: Callable[[], Finding | None]) -> None:
        """See `Remembering.remember`."""
        with self._lock:
            self._checks.append(check)

    def late_findings(self) -> tuple[Finding, ...]:
        """Return the current findings of the remembered checks, each finding once."""
        with self._lock:
            checks = tuple(self._checks)
        found = (check() for check in checks)
        return tuple(dict.fromkeys(finding for finding in found if finding is not None))


def _repeats(item: Any, before: Mapping[StreamKey, DataPoint]) -> bool:  # noqa: ANN401 -- any kind
    """Return whether an item is a cumulative point that repeats the last one before the view."""
    if not isinstance(item, DataPoint) or not is_cumulative(item):
        return False
    known = before.get(stream_key(item))
    return numbers(item) == numbers(known) if known is not None else not any(numbers(item))

"""A source over items in memory: a capture file, a metric's points, a test's own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otlptest.model import (
    SIGNALS,
    DataPoint,
    LogRecord,
    Producer,
    Profile,
    Request,
    Signal,
    Span,
)
from otlptest.queries.sources import Arrivals, Batch, Kind, Newest, ProducerActivity, producer_of
from otlptest.timing import SYSTEM_CLOCK, Clock, Deadline


class MemorySource:
    """A source that never changes: a wait on it ends immediately. Thread-safe.

    Args:
        items: Spans, data points, log records, profiles and requests, in any mixture.
        name: The name in messages: `capture.jsonl`.
        clock: The clock of deadlines.
    """

    def __init__(
        self, items: Iterable[Any], *, name: str = "memory", clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._by_kind: dict[Kind, list[Any]] = {}
        for item in items:
            self._by_kind.setdefault(_kind_of(item), []).append(item)
        self._logs_by_trace: dict[str | None, list[Any]] = {}
        for record in self._by_kind.get("logs", ()):
            self._logs_by_trace.setdefault(record.trace_id, []).append(record)
        self._name = name
        self._clock = clock

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._name

    @property
    def clock(self) -> Clock:
        """See `Source.clock`."""
        return self._clock

    def fetch(
        self,
        kind: Kind,
        *,
        pushed_down: Mapping[str, object],
        since: int | None,
        deadline: Deadline,  # noqa: ARG002 -- everything is here
    ) -> Batch:
        """See `Source.fetch`; nothing follows the first fetch."""
        trace_id = pushed_down.get("trace_id")
        if since is not None:
            items: Sequence[Any] = ()
        elif kind == "logs" and isinstance(trace_id, str):  # each of many traces asks for its own
            items = self._logs_by_trace.get(trace_id, ())
        else:
            items = self._by_kind.get(kind, ())
        return Batch(items=tuple(items), token=0)

    def newest(self, kind: Kind, limit: int) -> Newest:
        """See `Recalling.newest`."""
        items = self._by_kind.get(kind, [])
        return Newest(items=tuple(items[-limit:]), total=len(items))

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:  # noqa: ARG002 -- nothing will change
        """See `Source.wait_for_change`; returns False immediately."""
        return False

    def baselines(self) -> Mapping[Any, DataPoint]:
        """See `Source.baselines`; empty."""
        return {}

    def producers(self) -> Sequence[ProducerActivity]:
        """See `Source.producers`: one for each resource; counts items, not requests."""
        signals: dict[Producer, dict[Signal, int]] = {}
        for signal in SIGNALS:
            for item in self._by_kind.get(signal, ()):
                counts = signals.setdefault(producer_of(item), {})
                counts[signal] = counts.get(signal, 0) + 1
        return tuple(
            ProducerActivity(
                producer=producer, signals=counts, last_tokens=dict.fromkeys(counts, 0)
            )
            for producer, counts in signals.items()
        )

    def arrivals(self) -> Arrivals:
        """See `Source.arrivals`; the requests that the items name."""
        requests: dict[int, Request] = {id(r): r for r in self._by_kind.get("requests", ())}
        for signal in SIGNALS:
            for item in self._by_kind.get(signal, ()):
                if item.request is not None:
                    requests.setdefault(id(item.request), item.request)
        return Arrivals(requests=tuple(requests.values()))


def _kind_of(item: object) -> Kind:
    if isinstance(item, Span):
        return "traces"
    if isinstance(item, LogRecord):
        return "logs"
    if isinstance(item, Profile):
        return "profiles"
    return "requests" if isinstance(item, Request) else "metrics"

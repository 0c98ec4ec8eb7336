"""The fence: a call whose telemetry shows that everything before it has arrived.

`send(headers)` makes the service under test do something that it traces. Its span comes out of
the same queue, through the same exporter, as what the service ended before; when the *fence item*
has arrived, those were exported or dropped. For logs the item is a record of the same trace, for
metrics a point later than the fence span's end.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import SIGNALS, LogRecord, Producer, Signal, Span
from otlptest.queries.evidence.export_order import (
    export_doubts,
    forwarder_gaps,
    rejected_request_gaps,
)
from otlptest.queries.evidence.gathering import EvidenceContext
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.evidence.trace_context import TraceContext, invent
from otlptest.queries.sources import producer_of
from otlptest.timing import Deadline

Send = Callable[[Mapping[str, str]], object]
"""Calls the service with these headers."""

_PATIENCE_S: Final = 1.0
# How long to wait for one call's telemetry before the next call: several batch delays of
# otlptest's environment, and far below the timeout.


@dataclass(slots=True, kw_only=True)
class _Progress:
    """The telemetry of the calls so far.

    Attributes:
        contexts: The trace contexts sent, by trace id.
        span_ends: The end of the newest fence span of each producer.
        items: Producers whose fence item has arrived, by signal.
    """

    contexts: dict[str, TraceContext] = field(default_factory=dict)
    span_ends: dict[Producer, int] = field(default_factory=dict)
    items: dict[Signal, set[Producer]] = field(default_factory=dict)

    def proven(self, signals: Iterable[Signal]) -> set[Producer]:
        """Return the producers whose fence items of every signal have arrived."""
        found = set(self.span_ends)
        for signal in signals:
            found &= self.items.get(signal, set())
        return found


def fence(
    scene: EvidenceContext,
    send: Send,
    *,
    on_context: Callable[[TraceContext], None],
    producers: int,
    signals: Iterable[Signal],
    timeout_s: float,
) -> Evidence:
    """Return evidence that what producers ended before the call has arrived, or was dropped.

    Blocks, at most `timeout_s` plus one call of `send`. Calls `send` again, with a fresh context,
    when telemetry does not come within a second: a service may drop, sample or balance a call.

    Args:
        scene: The view that receives.
        send: Makes the service do something that it traces.
        on_context: Called with each context before it is sent.
        producers: How many producers must answer.
        signals: The signals to prove; the wait always includes traces.
        timeout_s: How long to wait in all.

    Raises:
        UsageError: `producers` is below 1, a signal is unknown, or `signals` is empty.
        ExpectationError: Rule `not_proven`: the fence item did not come.
    """
    __tracebackhide__ = True
    wanted = _checked(producers, signals)
    deadline = Deadline(timeout_s, scene.source.clock)
    progress = _Progress()
    start = scene.token()
    while len(progress.proven(wanted)) < producers:
        if deadline.has_passed():
            raise ExpectationError([_no_fence(scene, progress, producers, wanted, timeout_s)])
        context = invent()
        progress.contexts[context.trace_id] = context
        on_context(context)
        send(context.headers)
        _wait(scene, progress, start, wanted, producers=producers, deadline=deadline)
    held = scene.held_back(Deadline(_PATIENCE_S, scene.source.clock))
    scene.settle(deadline)
    covered = frozenset(progress.proven(wanted))
    return Evidence(
        kind="fence",
        what=f"a traced call came through ({len(progress.contexts)} sent)",
        token=scene.token(),
        signals=wanted,
        producers=covered,
        gaps=tuple(dict.fromkeys((*held, *_gaps(scene, covered, wanted)))),
        trace_ids=frozenset(progress.contexts),
    )


def _checked(producers: int, signals: Iterable[Signal]) -> frozenset[Signal]:
    if isinstance(producers, bool) or producers < 1:
        raise UsageError(f"producers must be 1 or more, and is {producers!r}")
    names: tuple[str, ...] = (signals,) if isinstance(signals, str) else tuple(signals)
    wanted = frozenset(signal for signal in SIGNALS if signal in names)
    if not wanted or len(wanted) < len(set(names)) or "profiles" in wanted:
        raise UsageError(
            f"a fence proves traces, logs or metrics, not {names!r}", 'signals=("traces", "logs")'
        )
    return wanted


def _wait(
    scene: EvidenceContext,
    progress: _Progress,
    start: int,
    signals: frozenset[Signal],
    *,
    producers: int,
    deadline: Deadline,
) -> None:
    """Wait for the items of all calls made so far, for a second or until the deadline."""
    patience = Deadline(min(_PATIENCE_S, deadline.remaining_s()), scene.source.clock)
    token = start
    while True:
        seen = scene.token()
        _look(scene, progress, token, signals)
        if len(progress.proven(signals)) >= producers:
            return
        token = seen
        if not scene.source.wait_for_change(seen, patience):
            _look(scene, progress, start, signals)
            return


def _look(
    scene: EvidenceContext, progress: _Progress, since: int, signals: frozenset[Signal]
) -> None:
    """Record every fence item that arrived after `since`."""
    deadline = Deadline(_PATIENCE_S, scene.source.clock)
    traces = progress.items.setdefault("traces", set())
    for span in _fetched(scene, "traces", since, deadline):
        if isinstance(span, Span) and span.trace_id in progress.contexts:
            producer = producer_of(span)
            traces.add(producer)
            end = max(progress.span_ends.get(producer, 0), span.end_time_unix_nano)
            progress.span_ends[producer] = end
    if "logs" in signals:
        logs = progress.items.setdefault("logs", set())
        for record in _fetched(scene, "logs", since, deadline):
            if isinstance(record, LogRecord) and record.trace_id in progress.contexts:
                logs.add(producer_of(record))
    if "metrics" in signals:
        _look_at_metrics(scene, progress, deadline)


def _look_at_metrics(scene: EvidenceContext, progress: _Progress, deadline: Deadline) -> None:
    """Record points from after the fence span's end; search all, since they may be old arrivals."""
    metrics = progress.items.setdefault("metrics", set())
    for point in _fetched(scene, "metrics", None, deadline):
        producer = producer_of(point)
        end = progress.span_ends.get(producer)
        if end is not None and point.time_unix_nano > end:
            metrics.add(producer)


def _fetched(
    scene: EvidenceContext, signal: Signal, since: int | None, deadline: Deadline
) -> Iterable:  # type: ignore[type-arg]  # items differ by signal
    return scene.source.fetch(signal, pushed_down={}, since=since, deadline=deadline).items


def _gaps(
    scene: EvidenceContext, covered: frozenset[Producer], signals: frozenset[Signal]
) -> Iterable[str]:
    arrivals = scene.source.arrivals()
    activities = {activity.producer: activity for activity in scene.source.producers()}
    for producer in covered:
        for signal in SIGNALS:
            if signal in signals:
                yield from export_doubts(arrivals.requests, scene.producers_of, producer, signal)
        yield from rejected_request_gaps(
            arrivals.requests, arrivals.problems, scene.producers_of, producer
        )
        if producer in activities:
            yield from forwarder_gaps(activities[producer], arrivals.requests, scene.producers_of)


def _no_fence(
    scene: EvidenceContext,
    progress: _Progress,
    producers: int,
    signals: frozenset[Signal],
    timeout_s: float,
) -> Finding:
    """Report how far the fence came, and the usual reasons."""
    count = f"{producers} producer{'s' if producers > 1 else ''}"
    answered = ", ".join(sorted(map(str, progress.span_ends))) or "nobody"
    missing = [
        f"no {signal} fence item from {producer}"
        for producer in progress.span_ends
        for signal in SIGNALS
        if signal in signals and producer not in progress.items.get(signal, set())
    ]
    if progress.span_ends:
        hint = (
            "a log record inside the traced call proves logs, a metric reader with a short interval"
            " proves metrics; producers= counts processes that answer, one call reaches one of them"
        )
    else:
        hint = (
            "usual reasons: the endpoint is excluded from tracing, a sampler drops it, the service"
            " does not read traceparent, or send() does not pass the headers on"
        )
    return Finding(
        rule="not_proven",
        where="fence",
        expected=f"a span of the fence's trace from {count} within {timeout_s} s",
        received=f"{len(progress.contexts)} call(s) sent, spans from {answered}",
        closest="\n".join(missing) or _senders(scene),
        hint=hint,
    )


def _senders(scene: EvidenceContext) -> str:
    sent = [str(activity.producer) for activity in scene.source.producers()]
    return f"telemetry of other calls came from {', '.join(sent)}" if sent else ""

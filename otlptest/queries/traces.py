"""A trace: the spans that share a trace id, with their log records."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from otlptest.model import LogRecord, Span
from otlptest.queries.critical_path import critical_path
from otlptest.queries.edges import service_edges
from otlptest.queries.forest import Forest, forest_of
from otlptest.queries.waterfall import waterfall

__all__ = ["Trace", "traces_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What has been received of one trace so far; a snapshot that does not change.

    `print(trace)` draws it as a waterfall.

    Attributes:
        trace_id: Lower-case hex.
        spans: By start; a span that was sent twice is here once.
        logs: The log records that carry its trace id, by time.
    """

    trace_id: str
    spans: tuple[Span, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    _forest: Forest = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forest = forest_of(span for span in self.spans if span.trace_id == self.trace_id)
        object.__setattr__(self, "_forest", forest)
        object.__setattr__(self, "spans", forest.spans)

    @property
    def roots(self) -> tuple[Span, ...]:
        """Spans without a parent, or below one that otlptest invented (`new_trace()`)."""
        return self._at(self._forest.roots)

    @property
    def orphans(self) -> tuple[Span, ...]:
        """Spans whose parent has not been received by this collector."""
        return self._at(self._forest.orphans)

    @property
    def has_all_ancestors(self) -> bool:
        """Whether it is closed upward: there is a root, and no span's parent is missing.

        It says nothing about children: a span that has not been sent yet cannot be known.
        """
        forest = self._forest
        return bool(forest.roots) and not forest.orphans and not forest.circles

    @property
    def services(self) -> frozenset[str]:
        """The services (`service.name`) that its spans come from."""
        return frozenset(span.service for span in self.spans if span.service is not None)

    @property
    def duration_ms(self) -> float:
        """From the first start to the last end, in milliseconds; 0 without spans."""
        if not self.spans:
            return 0.0
        since = min(span.start_time_unix_nano for span in self.spans)
        return (max(span.end_time_unix_nano for span in self.spans) - since) / 1e6

    @property
    def critical_path(self) -> tuple[Span, ...]:
        """The spans that determine when the trace ends, by start.

        Walked back from the end: into the child that finishes last, then on from its start.
        """
        return self._at(critical_path(self._forest))

    def children_of(self, span: Span | str) -> tuple[Span, ...]:
        """The direct children of a span, or of a span id, by start; empty if it has none."""
        span_id = span if isinstance(span, str) else span.span_id
        for place, candidate in enumerate(self.spans):
            if candidate.span_id == span_id:
                return self._at(self._forest.children[place])
        return ()

    def edges(self) -> frozenset[tuple[str, str]]:
        """(caller, callee): services of which the one's span is the other's direct parent."""
        return service_edges(self._forest)

    def waterfall(self, *, width: int = 80, encoding: str = "utf-8") -> str:
        """The trace as text: names, services, durations, status, the critical path marked `*`.

        Args:
            width: Columns to fit into, at least 40.
            encoding: What it will be written in; ASCII lines where it has no others.

        Raises:
            UsageError: `width` is below 40.
        """
        return waterfall(
            self._forest,
            trace_id=self.trace_id,
            logs=len(self.logs),
            width=width,
            encoding=encoding,
        )

    def __contains__(self, item: object) -> bool:
        """Whether a span, or a log record by its trace and span id, belongs to it."""
        if isinstance(item, Span):
            return item in self.spans
        if isinstance(item, LogRecord) and item.trace_id == self.trace_id:
            return item.span_id is None or any(s.span_id == item.span_id for s in self.spans)
        return False

    def __str__(self) -> str:
        """The waterfall, in what standard output can show."""
        return self.waterfall(encoding=getattr(sys.stdout, "encoding", None) or "utf-8")

    def _at(self, places: Iterable[int]) -> tuple[Span, ...]:
        return tuple(self._forest.spans[place] for place in places)


def traces_of(spans: Iterable[Span], logs: Iterable[LogRecord] = ()) -> tuple[Trace, ...]:
    """Group spans and their log records into traces, in the order of each trace's first span.

    A log record whose trace has no span is in none of them.
    """
    spans_by_id: dict[str, list[Span]] = {}
    for span in spans:
        spans_by_id.setdefault(span.trace_id, []).append(span)
    logs_by_id: dict[str, list[LogRecord]] = {}
    for log in logs:
        if log.trace_id in spans_by_id:
            logs_by_id.setdefault(log.trace_id, []).append(log)
    return tuple(
        Trace(
            trace_id=trace_id,
            spans=tuple(members),
            logs=tuple(
                sorted(
                    logs_by_id.get(trace_id, ()),
                    key=lambda log: log.time_unix_nano or log.observed_time_unix_nano,
                )
            ),
        )
        for trace_id, members in spans_by_id.items()
    )

"""A trace: the spans that share a trace id, with their log records."""

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from otlptest.errors import UsageError
from otlptest.model import LogRecord, Span
from otlptest.queries.evidence.judging import After
from otlptest.queries.messages.screen import screen_columns
from otlptest.queries.traces.critical_path import critical_path
from otlptest.queries.traces.edges import service_edges
from otlptest.queries.traces.forest import Forest, forest_of
from otlptest.queries.traces.trees import Extra, Order, Pruned, Tree
from otlptest.queries.traces.waterfall import LEAST_WIDTH, waterfall


class TraceHome(Protocol):
    """The origin of a trace, which can be asked for it again."""

    def logs(self, trace_id: str) -> tuple[LogRecord, ...]:
        """Return the current log records of the trace, by time."""
        ...

    def expect_tree(  # noqa: D102 -- see Trace
        self,
        trace_id: str,
        pattern: Tree,
        *,
        after: After | None,
        order: Order,
        extra: Extra,
        pruned: Pruned,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The received part of one trace; a snapshot that does not change.

    `print(trace)` draws it as a waterfall.

    Attributes:
        trace_id: Lower-case hex.
        spans: The spans by start, each once.
        home: Its origin; None if it was made of spans by hand.
    """

    trace_id: str
    spans: tuple[Span, ...] = ()
    home: TraceHome | None = field(default=None, repr=False, compare=False)
    _forest: Forest = field(init=False, repr=False, compare=False)
    _places: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        forest = forest_of(span for span in self.spans if span.trace_id == self.trace_id)
        object.__setattr__(self, "_forest", forest)
        object.__setattr__(self, "spans", forest.spans)
        places: dict[str, int] = {}
        for place, span in enumerate(forest.spans):
            places.setdefault(span.span_id, place)
        object.__setattr__(self, "_places", places)

    @property
    def logs(self) -> tuple[LogRecord, ...]:
        """Return the current log records with its trace id, by time."""
        return self.home.logs(self.trace_id) if self.home is not None else ()

    @property
    def roots(self) -> tuple[Span, ...]:
        """Return spans without a parent, or below one that otlptest invented (`new_trace()`)."""
        return self._at(self._forest.roots)

    @property
    def orphans(self) -> tuple[Span, ...]:
        """Return spans whose parent has not been received by this collector."""
        return self._at(self._forest.orphans)

    @property
    def has_all_ancestors(self) -> bool:
        """Return whether it is closed upward: it has a root, and no span's parent is missing.

        This says nothing about children: a span that has not been sent yet is unknown.
        """
        forest = self._forest
        return bool(forest.roots) and not forest.orphans and not forest.circles

    @property
    def services(self) -> frozenset[str]:
        """Return the services (`service.name`) of its spans."""
        return frozenset(span.service for span in self.spans if span.service is not None)

    @property
    def duration_ms(self) -> float:
        """Return the time from the first start to the last end in milliseconds; 0 without spans.

        Spans without an end (an `end_time_unix_nano` of 0) are left out; NaN if none has one.
        """
        if not self.spans:
            return 0.0
        last = max(span.end_time_unix_nano for span in self.spans)
        since = min(span.start_time_unix_nano for span in self.spans)
        return (last - since) / 1e6 if last else math.nan

    @property
    def critical_path(self) -> tuple[Span, ...]:
        """Return the spans that determine when the trace ends, by start.

        The walk goes back from the end: into the child that finishes last, then on from its start.
        """
        return self._at(critical_path(self._forest))

    def children_of(self, span: Span | str) -> tuple[Span, ...]:
        """Return the direct children of a span, or of a span id, by start; empty if it has none."""
        span_id = span if isinstance(span, str) else span.span_id
        place = self._places.get(span_id)
        return () if place is None else self._at(self._forest.children[place])

    def edges(self) -> frozenset[tuple[str, str]]:
        """Return (caller, callee) for services with a direct parent and child span."""
        return service_edges(self._forest)

    def expect_tree(
        self,
        pattern: Tree,
        /,
        *,
        after: After | None = None,
        order: Order = "any",
        extra: Extra = "forbid",
        pruned: Pruned = None,
    ) -> None:
        """Check that the trace is this tree, and that nothing else belongs to it.

        Fetches the trace again by its id, so spans after this snapshot are judged too. Does not
        wait: the evidence has.

        Args:
            pattern: The result of `tree(...)`.
            after: Evidence, one or several pieces; nothing is proven without it.
            order: `any`, or `start`: children start in the order of their patterns; equal starts
                in any order. Across services that depends on their clocks.
            extra: `forbid`, or `allow` further spans above, next to and below those of the tree.
                `children` stay direct children: use `descendants` or `pruned` for spans between.
            pruned: Criteria of spans, or a list of them, e.g. `{"scope": "express"}`: spans that
                meet one are taken out first, and their children move up to the next ancestor.

        Raises:
            UsageError: There is no evidence, an argument is invalid, or the trace was made by
                hand.
            TruncatedResultError: The source returned only a part.
            ExpectationError: The trace is a different tree, or it is not proven.
        """
        __tracebackhide__ = True
        if self.home is None:
            raise UsageError(
                "expect_tree() needs a trace that a query gave: it is fetched again by its id"
            )
        self.home.expect_tree(
            self.trace_id, pattern, after=after, order=order, extra=extra, pruned=pruned
        )

    def waterfall(self, *, width: int = 80, encoding: str = "utf-8") -> str:
        """Return the trace as text: names, services, durations, status, critical path marked `*`.

        Args:
            width: Columns to fit into, at least 40.
            encoding: The output encoding; ASCII lines if it has no others.

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
        """Return whether a span, or a log record by its trace and span id, belongs to it."""
        if isinstance(item, Span):
            return item in self.spans
        if isinstance(item, LogRecord) and item.trace_id == self.trace_id:
            return item.span_id is None or item.span_id in self._places
        return False

    def __str__(self) -> str:
        """Return the waterfall, as wide as the screen and in the encoding of standard output."""
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        return self.waterfall(width=max(LEAST_WIDTH, screen_columns()), encoding=encoding)

    def _at(self, places: Iterable[int]) -> tuple[Span, ...]:
        return tuple(self._forest.spans[place] for place in places)


def traces_of(spans: Iterable[Span], *, home: TraceHome | None = None) -> tuple[Trace, ...]:
    """Group spans into traces, in the order of each trace's first span."""
    members: dict[str, list[Span]] = {}
    for span in spans:
        members.setdefault(span.trace_id, []).append(span)
    return tuple(
        Trace(trace_id=trace_id, spans=tuple(found), home=home)
        for trace_id, found in members.items()
    )

"""What a collector received from one run of the scenario, as plain data that can be compared.

Ids become roles (the name of the span that has the id, `REMOTE` for the invented caller), times
become relations (`in its parent`, `in the run`) unless the program set them itself, items are keyed
by what they are called, values become their Python spelling (so that 1, 1.0, True and '1' differ),
and exponential buckets are keyed by their index. Nothing else is changed or left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from otlptest.model import (
    Buckets,
    DataPoint,
    Exemplar,
    ExponentialHistogramPoint,
    HistogramPoint,
    Link,
    LogRecord,
    NumberPoint,
    Resource,
    Scope,
    Span,
    SpanEvent,
)

__all__ = ["EXPLICIT_NANOS", "REMOTE_SPAN", "REMOTE_TRACE", "Plain", "Run", "normalised", "spelt"]

REMOTE_TRACE = "0af7651916cd43dd8448eb211c80319c"
REMOTE_SPAN = "b7ad6b7169203331"
EXPLICIT_NANOS = 1_700_000_000_123_456_789
_EXPLICIT_TIMES = range(EXPLICIT_NANOS, EXPLICIT_NANOS + 25)

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a program left in the collector.

    Attributes:
        started_unix_nano: Just before the program was started.
        ended_unix_nano: Just after it had ended.
        clock_step_nanos: How far the clocks of the program may be apart.
    """

    spans: Sequence[Span]
    points: Sequence[DataPoint]
    logs: Sequence[LogRecord]
    started_unix_nano: int
    ended_unix_nano: int
    clock_step_nanos: int


def normalised(run: Run) -> Plain:
    """Everything that the run sent, as plain data."""
    roles = _Roles(run)
    resources = [span.resource for span in run.spans] + [log.resource for log in run.logs]
    resources += [point.metric.resource for point in run.points]
    return {
        "resources": _distinct(map(_resource, resources)),
        "spans": _keyed((span.name, roles.span(span)) for span in run.spans),
        "metrics": _metrics(run.points, roles),
        "logs": _keyed((_log_name(log), roles.log(log)) for log in run.logs),
    }


def spelt(value: object) -> Any:  # noqa: ANN401 -- text, or a mapping of such
    """A value the way Python writes it, mappings in the order of their keys."""
    if isinstance(value, Mapping):
        return {key: spelt(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [spelt(each) for each in value]
    if isinstance(value, Enum):
        return value.name
    return repr(value)


def _keyed(pairs: Iterable[tuple[str, Plain]]) -> Plain:
    """By name; a second item of a name gets a name of its own, so that it cannot be overlooked."""
    named: Plain = {}
    for name, item in pairs:
        key = name
        while key in named:
            key += " (again)"
        named[key] = item
    return named


def _distinct(items: Iterable[Plain]) -> list[Plain]:
    found: list[Plain] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _resource(resource: Resource) -> Plain:
    return {
        "attributes": spelt(resource),
        "dropped_attributes": resource.dropped_attributes_count,
        "schema_url": resource.schema_url,
    }


def _scope(scope: Scope) -> Plain:
    return {
        "name": scope.name,
        "version": scope.version,
        "attributes": spelt(scope.attributes),
        "dropped_attributes": scope.dropped_attributes_count,
        "schema_url": scope.schema_url,
    }


def _log_name(log: LogRecord) -> str:
    if log.event_name:
        return f"event {log.event_name}"
    return log.body if isinstance(log.body, str) else "structured"


class _Roles:
    """Gives ids and times the names of what they are in this run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.by_id = {(span.trace_id, span.span_id): span for span in run.spans}
        self.traces = {
            span.trace_id: span.name for span in run.spans if span.parent_span_id is None
        } | {REMOTE_TRACE: "REMOTE"}

    def trace(self, trace_id: str | None) -> str | None:
        return None if trace_id is None else self.traces.get(trace_id, f"unknown {trace_id}")

    def named(self, trace_id: str | None, span_id: str | None) -> str | None:
        if span_id is None:
            return None
        if (trace_id, span_id) == (REMOTE_TRACE, REMOTE_SPAN):
            return "REMOTE"
        span = self.by_id.get((trace_id or "", span_id))
        return span.name if span else f"unknown {span_id}"

    def time(self, nanos: int, within: Span | None = None) -> str:
        if nanos == 0:
            return "absent"
        if nanos in _EXPLICIT_TIMES:
            return f"explicit + {nanos - EXPLICIT_NANOS}"
        step = self.run.clock_step_nanos
        if not self.run.started_unix_nano - step <= nanos <= self.run.ended_unix_nano + step:
            return f"outside the run: {nanos}"
        if within is None:
            return "in the run"
        start, end = within.start_time_unix_nano, within.end_time_unix_nano
        return "in its span" if start - step <= nanos <= end + step else f"outside: {nanos}"

    def duration(self, span: Span) -> str:
        if span.start_time_unix_nano > span.end_time_unix_nano:
            return "ends before it starts"
        parent = self.by_id.get((span.trace_id, span.parent_span_id or ""))
        ends = {
            self.time(span.start_time_unix_nano, parent),
            self.time(span.end_time_unix_nano, parent),
        }
        return " to ".join(sorted(ends))

    def span(self, span: Span) -> Plain:
        return {
            "trace": self.trace(span.trace_id),
            "parent": self.named(span.trace_id, span.parent_span_id),
            "trace_state": span.trace_state,
            "flags": span.flags,
            "kind": spelt(span.kind),
            "status": (spelt(span.status.code), span.status.message),
            "scope": _scope(span.scope),
            "times": self.duration(span),
            "attributes": spelt(span.attributes),
            "dropped_attributes": span.dropped_attributes_count,
            "events": [self.event(event, span) for event in span.events],
            "dropped_events": span.dropped_events_count,
            "links": [self.link(link) for link in span.links],
            "dropped_links": span.dropped_links_count,
        }

    def event(self, event: SpanEvent, span: Span) -> Plain:
        return {
            "name": event.name,
            "time": self.time(event.time_unix_nano, span),
            "attributes": spelt(event.attributes),
            "dropped_attributes": event.dropped_attributes_count,
        }

    def link(self, link: Link) -> Plain:
        return {
            "trace": self.trace(link.trace_id),
            "span": self.named(link.trace_id, link.span_id),
            "trace_state": link.trace_state,
            "flags": link.flags,
            "attributes": spelt(link.attributes),
            "dropped_attributes": link.dropped_attributes_count,
        }

    def log(self, log: LogRecord) -> Plain:
        return {
            "time": self.time(log.time_unix_nano),
            "observed": self.time(log.observed_time_unix_nano),
            "severity": spelt(log.severity_number),
            "severity_text": log.severity_text,
            "body": spelt(log.body),
            "scope": _scope(log.scope),
            "attributes": spelt(log.attributes),
            "dropped_attributes": log.dropped_attributes_count,
            "flags": log.flags,
            "trace": self.trace(log.trace_id),
            "span": self.named(log.trace_id, log.span_id),
        }

    def point(self, point: DataPoint) -> Plain:
        starts = self.time(point.start_time_unix_nano)
        is_ordered = point.start_time_unix_nano <= point.time_unix_nano
        return {
            "attributes": spelt(point.attributes),
            "flags": point.flags,
            "start": starts if is_ordered else "after its time",
            "time": self.time(point.time_unix_nano),
            **_values(point),
            "exemplars": [self.exemplar(each) for each in getattr(point, "exemplars", ())],
        }

    def exemplar(self, exemplar: Exemplar) -> Plain:
        return {
            "value": spelt(exemplar.value),
            "attributes": spelt(exemplar.filtered_attributes),
            "time": self.time(exemplar.time_unix_nano),
            "trace": self.trace(exemplar.trace_id),
            "span": self.named(exemplar.trace_id, exemplar.span_id),
        }


def _metrics(points: Sequence[DataPoint], roles: _Roles) -> Plain:
    """Metrics by scope and name; their points in the order of their attributes."""
    named: Plain = {}
    for point in points:
        metric = point.metric
        told = {
            "type": metric.type.value,
            "unit": metric.unit,
            "description": metric.description,
            "temporality": spelt(metric.temporality),
            "is_monotonic": metric.is_monotonic,
            "scope": _scope(metric.scope),
        }
        known = named.setdefault(f"{metric.scope.name}/{metric.name}", {**told, "points": []})
        known["points"].append(roles.point(point))
        for key, value in told.items():
            if known[key] != value:
                known[key] = f"differs within the metric: {known[key]}, {value}"
    for metric in named.values():
        metric["points"].sort(key=lambda point: str(point["attributes"]))
    return named


def _values(point: DataPoint) -> Plain:
    match point:
        case NumberPoint():
            return {"value": spelt(point.value)}
        case HistogramPoint():
            return {
                **_summary(point),
                "buckets": list(point.bucket_counts),
                "bounds": list(point.explicit_bounds),
            }
        case ExponentialHistogramPoint():
            return {
                **_summary(point),
                "scale": point.scale,
                "zero_count": point.zero_count,
                "zero_threshold": point.zero_threshold,
                "positive": _by_index(point.positive),
                "negative": _by_index(point.negative),
            }
        case _:
            return {"summary": repr(point)}


def _summary(point: HistogramPoint | ExponentialHistogramPoint) -> Plain:
    return {"count": point.count, "sum": point.sum, "min": point.min, "max": point.max}


def _by_index(buckets: Buckets) -> dict[int, int]:
    """Counts by bucket index; SDKs pad with zeros as they like."""
    counts = enumerate(buckets.bucket_counts, start=buckets.offset)
    return {index: count for index, count in counts if count}

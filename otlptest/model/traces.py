"""Spans, their events, links and status (trace.proto)."""

import math
from dataclasses import dataclass, field

from otlptest.model.attributes import Attributes, Resource, Scope
from otlptest.model.enums import SpanKind, StatusCode
from otlptest.model.requests import Request

_FLAG_HAS_IS_REMOTE = 0x100
_FLAG_IS_REMOTE = 0x200


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """trace.proto `Status`; absent on the wire means UNSET."""

    code: StatusCode | int = StatusCode.UNSET
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEvent:
    """trace.proto `Span.Event`."""

    name: str
    time_unix_nano: int = 0
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """trace.proto `Span.Link`; ids are lower-case hex, `""` where absent."""

    trace_id: str
    span_id: str
    trace_state: str = ""
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span as received.

    Two spans are equal when all their OTLP fields are equal, whichever request brought
    them.

    Attributes:
        trace_id: Lower-case hex, 32 digits if the payload is correct.
        span_id: Lower-case hex, 16 digits if the payload is correct.
        parent_span_id: Lower-case hex, None for a root.
        exporter: The exporter of a Collector under test that sent it (`otlp/tracing`); None where
            only one sender uses the endpoint.
        request: The request that brought it; None for spans that were not received.
        has_outside_parent: Whether otlptest invented the parent (`new_trace()`).
    """

    trace_id: str
    span_id: str
    trace_state: str = ""
    parent_span_id: str | None = None
    flags: int = 0
    name: str = ""
    kind: SpanKind | int = SpanKind.UNSPECIFIED
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0
    events: tuple[SpanEvent, ...] = ()
    dropped_events_count: int = 0
    links: tuple[Link, ...] = ()
    dropped_links_count: int = 0
    status: Status = field(default_factory=Status)
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
    exporter: str | None = field(default=None, compare=False)
    request: Request | None = field(default=None, compare=False, repr=False)
    has_outside_parent: bool = field(default=False, compare=False, repr=False)

    @property
    def service(self) -> str | None:
        """Return `service.name` of the resource."""
        return self.resource.service

    @property
    def duration_ms(self) -> float:
        """Return the time from start to end in milliseconds; negative if the payload has it so.

        NaN if the span has no end (an `end_time_unix_nano` of 0, OTLP-TRACE-014): it has no
        duration, and every comparison is false, `duration_ms < 500` and `duration_ms > 500`. The
        criterion `duration_ms` takes it as absent.
        """
        if not self.end_time_unix_nano:
            return math.nan
        return (self.end_time_unix_nano - self.start_time_unix_nano) / 1e6

    @property
    def is_local_root(self) -> bool:
        """Return whether it has no parent in its process: none, an invented one, or a remote one.

        `flags` bits 8 and 9 mark a remote parent (OTLP-TRACE-030); where a producer does not
        set them, only spans without a parent, or with an invented one, count.
        """
        if self.parent_span_id is None or self.has_outside_parent:
            return True
        return bool(self.flags & _FLAG_HAS_IS_REMOTE and self.flags & _FLAG_IS_REMOTE)

    def __repr__(self) -> str:
        """Return the text for a failed assertion: which span it is, not all its fields."""
        ids = f"span_id={self.span_id!r}, trace_id={self.trace_id!r}"
        return f"<Span {self.name!r} of service {self.service!r}, {ids}>"

    def __hash__(self) -> int:
        return hash((self.trace_id, self.span_id))

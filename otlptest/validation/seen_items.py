"""Counts of each occasion in what was received (`otlptest.validation.occasions`).

Separate from the walk that checks, so that tests that only want findings do not pay for it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from otlptest.errors import WireError
from otlptest.model import Request, Signal
from otlptest.validation.finding_builder import Context, Message
from otlptest.validation.occasions import Occasion
from otlptest.validation.payloads import decoded_message, producer_of
from otlptest.validation.seen_metrics import SeenMetrics
from otlptest.validation.seen_profiles import count_profiles
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_REMOTE_MASK: Final = 0x300  # HAS_IS_REMOTE and IS_REMOTE
_IS_REMOTE: Final = 0x200
_SPAN_ID_BYTES: Final = 8


def count_occasions(requests: Iterable[Request]) -> Mapping[Occasion, int]:
    """Return the count of each occasion that came.

    Refused requests, and accepted ones that cannot be decoded after all, are passed over, as
    `validate_requests` does with them. Takes about as long; thread-safe.
    """
    walk = _Walk()
    for request in requests:
        if request.signal is not None and request.problem is None:
            with suppress(WireError):
                walk.request(request.signal, request, decoded_message(request.signal, request))
    walk.metrics.count_series()
    return MappingProxyType({occasion: n for occasion, n in walk.counts.items() if n})


class _Walk:
    """One walk over a set of requests."""

    def __init__(self) -> None:
        self.counts: Counter[Occasion] = Counter()
        self.metrics = SeenMetrics(self.counts, self._attributes)
        self._traces: set[object] = set()

    def request(self, signal: Signal, request: Request, message: Message | None) -> None:
        """Count in the message of one request."""
        if message is None:
            return
        names = SIGNAL_NAMES[signal]
        for holder in getattr(message, names.field):
            context = Context(request, holder.resource)
            self._holder(signal, holder)
            for scope in getattr(holder, names.scope_field):
                self._scope(signal, scope)
                _WALKS[signal](self, context, scope)
        if signal == "profiles":
            count_profiles(self.counts, message)

    def _holder(self, signal: Signal, holder: Message) -> None:
        self.counts[Occasion.RESOURCE] += 1
        self.counts[Occasion.SCHEMA_URL] += bool(holder.schema_url)
        self.counts[Occasion.ENTITY] += len(getattr(holder.resource, "entity_refs", ()))
        self._attributes(holder.resource.attributes, in_profiles=signal == "profiles")

    def _scope(self, signal: Signal, scope: Message) -> None:
        self.counts[Occasion.SCHEMA_URL] += bool(scope.schema_url)
        self._attributes(scope.scope.attributes, in_profiles=signal == "profiles")

    def _attributes(self, attributes: Sequence[Message], *, in_profiles: bool = False) -> None:
        count = len(attributes)
        self.counts[Occasion.ATTRIBUTE] += count
        self.counts[Occasion.SEVERAL_ATTRIBUTES] += count > 1
        kind = Occasion.PROFILES_ATTRIBUTE if in_profiles else Occasion.PLAIN_ATTRIBUTE
        self.counts[kind] += count
        for attribute in attributes:
            self._value(attribute.value)

    def _value(self, value: Message) -> None:
        """Count the maps in a value, at any depth."""
        stack = [value]
        while stack:
            inner = stack.pop()
            kind = inner.WhichOneof("value")
            if kind == "kvlist_value":
                entries = inner.kvlist_value.values
                self.counts[Occasion.MAP_VALUE] += len(entries) > 1
                stack.extend(entry.value for entry in entries)
            elif kind == "array_value":
                stack.extend(inner.array_value.values)

    def spans(self, context: Context, scope: Message) -> None:
        """Count in the spans of one scope."""
        producer = producer_of(context)
        for span in scope.spans:
            self._span(span)
            trace = (producer, span.trace_id)
            self.counts[Occasion.RELATED_SPAN] += trace in self._traces or bool(span.parent_span_id)
            self._traces.add(trace)

    def _span(self, span: Message) -> None:
        counts = self.counts
        is_root = not any(span.parent_span_id)
        counts[Occasion.SPAN] += 1
        counts[Occasion.ROOT_SPAN] += is_root
        counts[Occasion.ROOT_OR_REMOTE_SPAN] += is_root or bool(span.flags & _IS_REMOTE)
        counts[Occasion.TIMED_SPAN] += bool(span.start_time_unix_nano and span.end_time_unix_nano)
        counts[Occasion.TRACE_STATE] += bool(span.trace_state)
        members = (member.strip() for member in span.trace_state.split(","))
        counts[Occasion.OT_MEMBER] += any(member.startswith("ot=") for member in members)
        counts[Occasion.STATUS] += span.HasField("status")
        counts[Occasion.STATUS_MESSAGE] += bool(span.status.message)
        self._attributes(span.attributes)
        for event in span.events:
            counts[Occasion.EVENT] += 1
            self._attributes(event.attributes)
        for link in span.links:
            counts[Occasion.LINK] += 1
            counts[Occasion.REMOTE_LINK] += bool(getattr(link, "flags", 0) & _REMOTE_MASK)
            self._attributes(link.attributes)

    def metric_scope(self, context: Context, scope: Message) -> None:
        """Count in the metrics of one scope."""
        self.metrics.scope(context, scope)

    def log_records(self, _context: Context, scope: Message) -> None:
        """Count in the log records of one scope."""
        counts = self.counts
        for record in scope.log_records:
            has_span_id = len(record.span_id) == _SPAN_ID_BYTES and any(record.span_id)
            counts[Occasion.LOG_RECORD] += 1
            counts[Occasion.LOG_TIME] += bool(record.time_unix_nano)
            counts[Occasion.LOG_TIME] += bool(record.observed_time_unix_nano)
            counts[Occasion.LOG_ID] += bool(record.trace_id or record.span_id)
            counts[Occasion.LOG_OUTSIDE_SPAN] += not (any(record.trace_id) and any(record.span_id))
            counts[Occasion.LOG_SPAN_ID] += has_span_id
            self._attributes(record.attributes)
            self._value(record.body)

    def nothing(self, _context: Context, _scope: Message) -> None:
        """Do nothing: profiles are counted by request, since they share a dictionary."""


_WALKS: Final[Mapping[Signal, Callable[[_Walk, Context, Message], None]]] = MappingProxyType(
    {
        "traces": _Walk.spans,
        "metrics": _Walk.metric_scope,
        "logs": _Walk.log_records,
        "profiles": _Walk.nothing,
    }
)

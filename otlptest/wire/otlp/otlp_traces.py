"""Spans: generated messages to the model and back (trace.proto)."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage, Status as StatusMessage

from otlptest.model import (
    Link,
    Request,
    Resource,
    Scope,
    Span,
    SpanEvent,
    SpanKind,
    Status,
    StatusCode,
)
from otlptest.wire.otlp.grouping import ScopeEntries, writing, written_id
from otlptest.wire.otlp.otlp_values import (
    NO_ATTRIBUTES,
    attributes_from_message,
    attributes_into_message,
    resource_from_message,
    scope_from_message,
)

_KINDS: Final[dict[int, SpanKind]] = {kind.value: kind for kind in SpanKind}
_CODES: Final[dict[int, StatusCode]] = {code.value: code for code in StatusCode}
_UNSET: Final = Status()


def span_from_message(
    message: SpanMessage,
    resource: Resource,
    scope: Scope,
    request: Request | None = None,
    *,
    exporter: str | None = None,
    has_outside_parent: bool = False,
) -> Span:
    """Return the span of `message`.

    Args:
        message: One span.
        resource: Of its envelope, shared between spans.
        scope: Of its envelope, shared between spans.
        request: Its request.
        exporter: See `Span.exporter`.
        has_outside_parent: See `Span.has_outside_parent`.
    """
    attributes = message.attributes
    events = message.events
    links = message.links
    return Span(
        trace_id=message.trace_id.hex(),
        span_id=message.span_id.hex(),
        trace_state=message.trace_state,
        parent_span_id=message.parent_span_id.hex() or None,
        flags=message.flags,
        name=message.name,
        kind=_KINDS.get(message.kind, message.kind),
        start_time_unix_nano=message.start_time_unix_nano,
        end_time_unix_nano=message.end_time_unix_nano,
        attributes=attributes_from_message(attributes) if attributes else NO_ATTRIBUTES,
        dropped_attributes_count=message.dropped_attributes_count,
        events=tuple(map(_event, events)) if events else (),
        dropped_events_count=message.dropped_events_count,
        links=tuple(map(_link, links)) if links else (),
        dropped_links_count=message.dropped_links_count,
        status=_status(message.status) if message.HasField("status") else _UNSET,
        resource=resource,
        scope=scope,
        exporter=exporter,
        request=request,
        has_outside_parent=has_outside_parent,
    )


def spans_from_request(
    message: ExportTraceServiceRequest, request: Request | None = None
) -> Iterator[Span]:
    """Yield every span of a request, in its order."""
    for envelope in message.resource_spans:
        resource = resource_from_message(envelope.resource, envelope.schema_url)
        for entry in envelope.scope_spans:
            scope = scope_from_message(entry.scope, entry.schema_url)
            for span in entry.spans:
                yield span_from_message(span, resource, scope, request)


def request_from_spans(spans: Iterable[Span]) -> ExportTraceServiceRequest:
    """Return a request with these spans, grouped by resource and scope.

    Raises:
        UsageError: A span has an id that is not hex, or a value out of OTLP's range.
    """
    request = ExportTraceServiceRequest()
    for span, message in ScopeEntries("traces", request).items(spans):
        with writing(f"the span {span.name!r}"):
            span_into_message(span, message)
    return request


def span_into_message(span: Span, message: Any) -> None:  # noqa: ANN401 -- its enum fields take open numbers
    """Write all of a span but its resource and scope.

    Raises:
        UsageError: It has an id that is not hex, or a value that OTLP does not have.
    """
    message.trace_id = written_id(span.trace_id)
    message.span_id = written_id(span.span_id)
    message.trace_state = span.trace_state
    message.parent_span_id = written_id(span.parent_span_id)
    message.flags = span.flags
    message.name = span.name
    message.kind = span.kind
    message.start_time_unix_nano = span.start_time_unix_nano
    message.end_time_unix_nano = span.end_time_unix_nano
    attributes_into_message(span.attributes, message.attributes)
    message.dropped_attributes_count = span.dropped_attributes_count
    for event in span.events:
        _event_into_message(event, message.events.add())
    message.dropped_events_count = span.dropped_events_count
    for link in span.links:
        _link_into_message(link, message.links.add())
    message.dropped_links_count = span.dropped_links_count
    if span.status != _UNSET:
        message.status.code = span.status.code
        message.status.message = span.status.message


def _status(message: StatusMessage) -> Status:
    return Status(code=_CODES.get(message.code, message.code), message=message.message)


def _event(message: SpanMessage.Event) -> SpanEvent:
    return SpanEvent(
        name=message.name,
        time_unix_nano=message.time_unix_nano,
        attributes=attributes_from_message(message.attributes),
        dropped_attributes_count=message.dropped_attributes_count,
    )


def _link(message: SpanMessage.Link) -> Link:
    return Link(
        trace_id=message.trace_id.hex(),
        span_id=message.span_id.hex(),
        trace_state=message.trace_state,
        attributes=attributes_from_message(message.attributes),
        dropped_attributes_count=message.dropped_attributes_count,
        flags=message.flags,
    )


def _event_into_message(event: SpanEvent, message: SpanMessage.Event) -> None:
    message.name = event.name
    message.time_unix_nano = event.time_unix_nano
    attributes_into_message(event.attributes, message.attributes)
    message.dropped_attributes_count = event.dropped_attributes_count


def _link_into_message(link: Link, message: SpanMessage.Link) -> None:
    message.trace_id = written_id(link.trace_id)
    message.span_id = written_id(link.span_id)
    message.trace_state = link.trace_state
    attributes_into_message(link.attributes, message.attributes)
    message.dropped_attributes_count = link.dropped_attributes_count
    message.flags = link.flags

"""Single items (a span, a metric, a log record), cut from stored requests, to the model.

Resources and scopes are the same few over and over: each is read once and shared.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as LogRecordMessage
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric as MetricMessage
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from otlptest.model import DataPoint, LogRecord, Profile, Request, Resource, Scope, Span
from otlptest.wire.otlp.envelopes import Envelope
from otlptest.wire.otlp.otlp_logs import log_from_message
from otlptest.wire.otlp.otlp_metrics import points_from_message, points_from_request
from otlptest.wire.otlp.otlp_profiles import profiles_from_request
from otlptest.wire.otlp.otlp_traces import span_from_message
from otlptest.wire.otlp.otlp_values import resource_from_message, scope_from_message
from otlptest.wire.otlp.signals import request_class

_MOST_SHARED: Final = 4096  # resources and scopes; with more, a sender always invents new ones

T = TypeVar("T")


class ItemReader:
    """A reader of items that shares their resources and scopes. Thread-safe."""

    def __init__(self) -> None:
        self._resources: dict[tuple[bytes, str], Resource] = {}
        self._scopes: dict[tuple[bytes, str], Scope] = {}

    def resource(self, data: bytes, schema_url: str) -> Resource:
        """Return the resource of a `Resource` message and its schema URL."""
        key = (data, schema_url)
        found = self._resources.get(key)
        if found is None:
            found = resource_from_message(ResourceMessage.FromString(data), schema_url)
            _keep(self._resources, key, found)
        return found

    def scope(self, data: bytes, schema_url: str) -> Scope:
        """Return the scope of an `InstrumentationScope` message and its schema URL."""
        key = (data, schema_url)
        found = self._scopes.get(key)
        if found is None:
            found = scope_from_message(InstrumentationScope.FromString(data), schema_url)
            _keep(self._scopes, key, found)
        return found

    def span_message(self, item: bytes) -> SpanMessage:
        """Return an item of a traces request, parsed: enough to judge it by one field."""
        return SpanMessage.FromString(item)

    def span(
        self,
        message: SpanMessage,
        envelope: Envelope,
        request: Request,
        outside_parents: frozenset[bytes],
    ) -> Span:
        """Return the span of an item of a traces request.

        Args:
            message: The item, parsed.
            envelope: Its envelope.
            request: Its request.
            outside_parents: Span ids that otlptest invented.
        """
        return span_from_message(
            message,
            self.resource(envelope.resource, envelope.resource_schema_url),
            self.scope(envelope.scope, envelope.schema_url),
            request,
            has_outside_parent=message.parent_span_id in outside_parents,
        )

    def points(self, item: bytes, envelope: Envelope, request: Request) -> Iterator[DataPoint]:
        """Return the data points of an item of a metrics request."""
        return points_from_message(
            MetricMessage.FromString(item),
            self.resource(envelope.resource, envelope.resource_schema_url),
            self.scope(envelope.scope, envelope.schema_url),
            request,
        )

    def point_count(self, request: Request) -> int:
        """Return how many data points a metrics request has."""
        message: Any = request_class("metrics").FromString(request.body)
        return sum(1 for _ in points_from_request(message, request))

    def log(self, item: bytes, envelope: Envelope, request: Request) -> LogRecord:
        """Return the record of an item of a logs request."""
        return log_from_message(
            LogRecordMessage.FromString(item),
            self.resource(envelope.resource, envelope.resource_schema_url),
            self.scope(envelope.scope, envelope.schema_url),
            request,
        )

    def profiles(self, request: Request) -> tuple[Profile, ...]:
        """Return the profiles of a request, read together because they share a dictionary."""
        message: Any = request_class("profiles").FromString(request.body)
        return tuple(profiles_from_request(message, request))


def _keep(shared: dict[tuple[bytes, str], T], key: tuple[bytes, str], value: T) -> None:
    if len(shared) >= _MOST_SHARED:
        shared.clear()
    shared[key] = value

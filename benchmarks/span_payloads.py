"""Requests of spans of about 220 bytes each, with ids of their own."""

import random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["spans_request"]

_START = 1_700_000_000_000_000_000
_ATTRIBUTES = (
    ("http.request.method", "POST"),
    ("url.path", "/checkout/42"),
    ("server.address", "shop.internal"),
    ("user_agent.original", "curl/8.5.0"),
)


def spans_request(count: int, *, seed: int = 1) -> bytes:
    """An `ExportTraceServiceRequest` with `count` spans, in protobuf."""
    chance = random.Random(seed)  # noqa: S311 -- not for secrets
    request = ExportTraceServiceRequest()
    entry = request.resource_spans.add()
    entry.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = entry.scope_spans.add()
    scope.scope.name = "benchmark"
    for number in range(count):
        span = scope.spans.add(
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            parent_span_id=chance.randbytes(8),
            name="POST /checkout",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=_START + number * 1000,
            end_time_unix_nano=_START + number * 1000 + 500,
        )
        for key, value in _ATTRIBUTES:
            span.attributes.add(key=key).value.string_value = value
        span.attributes.add(key="http.response.status_code").value.int_value = 200
    return request.SerializeToString()

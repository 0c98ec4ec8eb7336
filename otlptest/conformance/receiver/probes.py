"""Small valid requests that show whether a receiver is there, and what it takes."""

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.model import (
    Attributes,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Resource,
    Scope,
    Severity,
    Signal,
    Span,
    SpanKind,
)
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.otlp_protobuf import encode_message
from otlptest.wire.otlp.otlp_requests import request_from_items

_RESOURCE: Final = Resource({"service.name": "otlptest-conformance"})
_SCOPE: Final = Scope(name="otlptest.conformance")


def probe_request(signal: Signal, marker: str) -> bytes:
    """Return a valid request with one item, which carries `marker` as `MARKER_ATTRIBUTE`."""
    item = _MAKERS[signal](Attributes({MARKER_ATTRIBUTE: marker}))
    return encode_message(request_from_items([item])[1])


def _span(attributes: Attributes) -> Span:
    now = SYSTEM_CLOCK.unix_nanos()
    return Span(
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        name="probe",
        kind=SpanKind.INTERNAL,
        start_time_unix_nano=now - 1_000_000,
        end_time_unix_nano=now,
        attributes=attributes,
        resource=_RESOURCE,
        scope=_SCOPE,
    )


def _point(attributes: Attributes) -> NumberPoint:
    metric = MetricIdentity(
        resource=_RESOURCE, scope=_SCOPE, name="otlptest.probe", unit="1", type=MetricType.GAUGE
    )
    now = SYSTEM_CLOCK.unix_nanos()
    return NumberPoint(metric=metric, attributes=attributes, time_unix_nano=now, value=1)


def _record(attributes: Attributes) -> LogRecord:
    now = SYSTEM_CLOCK.unix_nanos()
    return LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        severity_number=Severity.INFO,
        severity_text="INFO",
        body="probe",
        attributes=attributes,
        resource=_RESOURCE,
        scope=_SCOPE,
    )


_MAKERS: Final[Mapping[str, Callable[[Attributes], Any]]] = MappingProxyType(
    {"traces": _span, "metrics": _point, "logs": _record}
)

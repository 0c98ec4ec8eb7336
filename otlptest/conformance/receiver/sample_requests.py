"""Requests of each signal, in protobuf and in JSON, with room for a case's data.

All signals nest alike: request, resource entry, scope entry, item. An item of the metrics signal is
a gauge with one point; its attributes, as those of spans and log records, carry the marker.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.model import Signal
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.protobuf_writing import chunk, fixed64, number
from otlptest.wire.otlp.signals import SIGNAL_NAMES, lower_camel

_SERVICE: Final = "otlptest-conformance"
_SCOPE: Final = "otlptest.conformance"

TEXT_FIELDS: Final[Mapping[Signal, int]] = MappingProxyType({"traces": 5, "metrics": 1, "logs": 3})
"""The number of a string field of each signal's item: name, name, severity_text."""

TIME_FIELDS: Final[Mapping[Signal, int]] = MappingProxyType({"traces": 7, "logs": 1})
"""The number of a fixed64 field of each signal's item: start_time_unix_nano, time_unix_nano."""


def text(value: str | bytes) -> bytes:
    """Return an AnyValue with `string_value`."""
    return chunk(1, value.encode() if isinstance(value, str) else value)


def attribute(key: str | bytes, value: bytes) -> bytes:
    """Return a KeyValue; `value` is the bytes of an AnyValue."""
    return chunk(1, key.encode() if isinstance(key, str) else key) + chunk(2, value)


def sample_item(
    signal: Signal, marker: str, *, attributes: tuple[bytes, ...] = (), more: bytes = b""
) -> bytes:
    """Return a valid item in protobuf.

    Args:
        signal: Its signal.
        marker: The value of `MARKER_ATTRIBUTE`.
        attributes: Further KeyValues.
        more: Further fields of the item: of the span, the metric or the log record.
    """
    pairs = (attribute(MARKER_ATTRIBUTE, text(marker)), *attributes)
    now = SYSTEM_CLOCK.unix_nanos()
    if signal == "traces":
        times = fixed64(7, now - 1_000_000) + fixed64(8, now)
        ids = chunk(1, secrets.token_bytes(16)) + chunk(2, secrets.token_bytes(8))
        return ids + chunk(5, b"probe") + number(6, 1) + times + _all(9, pairs) + more
    if signal == "logs":
        times = fixed64(1, now) + fixed64(11, now)
        body = chunk(5, text("probe"))
        return times + number(2, 9) + chunk(3, b"INFO") + body + _all(6, pairs) + more
    point = _all(7, pairs) + fixed64(3, now) + fixed64(6, 1)
    return chunk(1, b"otlptest.probe") + chunk(3, b"1") + chunk(5, chunk(1, point)) + more


def _all(field: int, values: tuple[bytes, ...]) -> bytes:
    return b"".join(chunk(field, value) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    resource: bytes
    scope: bytes


_ENVELOPE: Final = _Envelope(
    resource=chunk(1, attribute("service.name", text(_SERVICE))), scope=chunk(1, _SCOPE.encode())
)


def wrapped(  # the five places where a case puts something in
    *items: bytes,
    resource: bytes = b"",
    scope: bytes = b"",
    entry: bytes = b"",
    scope_entry: bytes = b"",
    request: bytes = b"",
) -> bytes:
    """Return a request in protobuf with some items.

    Args:
        *items: Bytes of spans, metrics or log records.
        resource: Further fields of the resource.
        scope: Further fields of the scope.
        entry: Further fields of the resource entry, before its own.
        scope_entry: Further fields of the scope entry.
        request: Further fields of the request, before its own.
    """
    inner = chunk(1, _ENVELOPE.scope + scope) + _all(2, items) + scope_entry
    outer = entry + chunk(1, _ENVELOPE.resource + resource) + chunk(2, inner)
    return request + chunk(1, outer)


def sample_request(
    signal: Signal, marker: str, *, attributes: tuple[bytes, ...] = (), more: bytes = b""
) -> bytes:
    """Return a valid request in protobuf with one item; see `sample_item`."""
    return wrapped(sample_item(signal, marker, attributes=attributes, more=more))


# JSON.


def json_attribute(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a KeyValue; `value` is an AnyValue, e.g. `{"stringValue": "x"}`."""
    return {"key": key, "value": dict(value)}


def json_item(
    signal: Signal,
    marker: str,
    *,
    attributes: tuple[Mapping[str, Any], ...] = (),
    more: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return a valid item in JSON.

    Args:
        signal: Its signal.
        marker: The value of `MARKER_ATTRIBUTE`.
        attributes: Further KeyValues.
        more: Further or other keys: of the span, the log record or the data point.
    """
    pairs = [json_attribute(MARKER_ATTRIBUTE, {"stringValue": marker}), *attributes]
    now = SYSTEM_CLOCK.unix_nanos()
    if signal == "traces":
        return {
            "traceId": secrets.token_hex(16),
            "spanId": secrets.token_hex(8),
            "name": "probe",
            "kind": 1,
            "startTimeUnixNano": str(now - 1_000_000),
            "endTimeUnixNano": str(now),
            "attributes": pairs,
            **more,
        }
    if signal == "logs":
        return {
            "timeUnixNano": str(now),
            "observedTimeUnixNano": str(now),
            "severityNumber": 9,
            "severityText": "INFO",
            "body": {"stringValue": "probe"},
            "attributes": pairs,
            **more,
        }
    point = {"attributes": pairs, "timeUnixNano": str(now), "asInt": "1", **more}
    return {"name": "otlptest.probe", "unit": "1", "gauge": {"dataPoints": [point]}}


def json_request(signal: Signal, *items: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request in JSON with some items."""
    names = SIGNAL_NAMES[signal]
    scope = {"scope": {"name": _SCOPE}, lower_camel(names.item_field): list(items)}
    resource = {"attributes": [json_attribute("service.name", {"stringValue": _SERVICE})]}
    return {names.json_key: [{"resource": resource, lower_camel(names.scope_field): [scope]}]}


def json_bytes(document: object) -> bytes:
    """Return a document as UTF-8 text."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

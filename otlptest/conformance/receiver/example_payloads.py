"""JSON payloads with everything that the examples of the specification's repository use.

One each of traces, metrics, logs and events: upper-case ids, a scope with version and attributes,
every kind of value, every metric type, `eventName`. Their times are current: a store may
refuse old ones.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.conformance.receiver.sample_requests import json_bytes
from otlptest.model import Signal
from otlptest.timing import SYSTEM_CLOCK

# Placeholders of the times and of the marker.
_START: Final = "@start"
_END: Final = "@end"
_SECOND: Final = 1_000_000_000
_MARK: Final = {"key": MARKER_ATTRIBUTE, "value": {"stringValue": "@marker"}}


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


_RESOURCE: Final = {"attributes": [_text("service.name", "till"), _MARK]}
_SCOPE: Final = {
    "name": "till.library",
    "version": "1.0.0",
    "attributes": [_text("till.scope", "a scope attribute")],
}


def _point(**more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    return {
        "startTimeUnixNano": _START,
        "timeUnixNano": _END,
        "attributes": [_text("till.point", "an attribute"), _MARK],
        **more,
    }


_TRACES: Final = {
    "resourceSpans": [
        {
            "resource": _RESOURCE,
            "scopeSpans": [
                {
                    "scope": _SCOPE,
                    "spans": [
                        {
                            "traceId": "4BF92F3577B34DA6A3CE929D0E0E4736",
                            "spanId": "00F067AA0BA902B7",
                            "parentSpanId": "53995C3F42CD8AD8",
                            "name": "pay",
                            "startTimeUnixNano": _START,
                            "endTimeUnixNano": _END,
                            "kind": 2,
                            "attributes": [_text("till.span", "an attribute"), _MARK],
                        }
                    ],
                }
            ],
        }
    ]
}

_METRICS: Final = {
    "resourceMetrics": [
        {
            "resource": _RESOURCE,
            "scopeMetrics": [
                {
                    "scope": _SCOPE,
                    "metrics": [
                        {
                            "name": "till.payments",
                            "unit": "1",
                            "description": "a sum",
                            "sum": {
                                "aggregationTemporality": 1,
                                "isMonotonic": True,
                                "dataPoints": [_point(asDouble=5)],
                            },
                        },
                        {
                            "name": "till.drawer",
                            "unit": "1",
                            "description": "a gauge",
                            "gauge": {"dataPoints": [_point(asDouble=10)]},
                        },
                        {
                            "name": "till.amounts",
                            "unit": "1",
                            "description": "a histogram",
                            "histogram": {
                                "aggregationTemporality": 1,
                                "dataPoints": [
                                    _point(
                                        count="2",
                                        sum=2,
                                        bucketCounts=["1", "1"],
                                        explicitBounds=[1],
                                        min=0,
                                        max=2,
                                    )
                                ],
                            },
                        },
                        {
                            "name": "till.delays",
                            "unit": "1",
                            "description": "an exponential histogram",
                            "exponentialHistogram": {
                                "aggregationTemporality": 1,
                                "dataPoints": [
                                    _point(
                                        count="3",
                                        sum=10,
                                        scale=0,
                                        zeroCount="1",
                                        positive={"offset": 1, "bucketCounts": ["0", "2"]},
                                        min=0,
                                        max=5,
                                        zeroThreshold=0,
                                    )
                                ],
                            },
                        },
                    ],
                }
            ],
        }
    ]
}

_VALUES: Final = [
    _text("till.text", "some text"),
    {"key": "till.flag", "value": {"boolValue": True}},
    {"key": "till.count", "value": {"intValue": "10"}},
    {"key": "till.share", "value": {"doubleValue": 637.704}},
    {
        "key": "till.list",
        "value": {"arrayValue": {"values": [{"stringValue": "many"}, {"stringValue": "values"}]}},
    },
    {"key": "till.map", "value": {"kvlistValue": {"values": [_text("some.map.key", "a value")]}}},
]


def _record(**more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    return {
        "timeUnixNano": _START,
        "observedTimeUnixNano": _START,
        "severityNumber": 10,
        "severityText": "Information",
        "traceId": "4BF92F3577B34DA6A3CE929D0E0E4736",
        "spanId": "00F067AA0BA902B7",
        "attributes": [*_VALUES, _MARK],
        **more,
    }


def _logs(record: Mapping[str, Any]) -> dict[str, Any]:
    scope = {"scope": _SCOPE, "logRecords": [record]}
    return {"resourceLogs": [{"resource": _RESOURCE, "scopeLogs": [scope]}]}


EXAMPLES: Final[Mapping[str, tuple[Signal, dict[str, Any]]]] = MappingProxyType(
    {
        "traces": ("traces", _TRACES),
        "metrics": ("metrics", _METRICS),
        "logs": ("logs", _logs(_record(body={"stringValue": "an example"}))),
        "events": ("logs", _logs(_record(eventName="till.opened"))),
    }
)
"""The signal and document of each example, for `example_bytes`."""


def example_bytes(document: object, marker: str) -> bytes:
    """Return an example, or a part of one, as JSON text with current times.

    Args:
        document: A document of `EXAMPLES`.
        marker: The value of `MARKER_ATTRIBUTE` in it.
    """
    now = SYSTEM_CLOCK.unix_nanos()
    text = json_bytes(document).replace(b"@marker", marker.encode())
    return text.replace(b"@start", b"%d" % (now - _SECOND)).replace(b"@end", b"%d" % now)

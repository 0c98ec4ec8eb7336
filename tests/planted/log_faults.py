"""Faults of log records, and what looks like one and is none."""

from typing import Any

from tests.planted.planting import plants, put
from tests.support.right_requests import START, TRACE_ID, any_value, attribute


def inside(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_logs[0].scope_logs[0].log_records[0]


def outside(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return requests[0].resource_logs[0].scope_logs[0].log_records[1]


LOG_PLANTS = plants(
    "logs",
    ("OTLP-LOG-001", "severity 25", lambda r: put(inside(r), severity_number=25)),
    ("OTLP-LOG-001", "severity -1", lambda r: put(inside(r), severity_number=-1)),
    (None, "no severity", lambda r: put(inside(r), severity_number=0)),
    (None, "severity that contradicts its text", lambda r: put(inside(r), severity_number=1)),
    ("OTLP-LOG-009", "not observed", lambda r: put(outside(r), observed_time_unix_nano=0)),
    (
        "OTLP-LOG-012",
        "time in milliseconds",
        lambda r: put(inside(r), time_unix_nano=START // 10**6),
    ),
    (
        "OTLP-LOG-012",
        "observed in microseconds",
        lambda r: put(inside(r), observed_time_unix_nano=START // 1000),
    ),
    (None, "unknown time", lambda r: put(inside(r), time_unix_nano=0)),
    ("OTLP-LOG-015", "trace id of 15 bytes", lambda r: put(inside(r), trace_id=TRACE_ID[1:])),
    ("OTLP-LOG-015", "span id of 4 bytes", lambda r: put(inside(r), span_id=b"1234")),
    ("OTLP-LOG-016", "zero ids", lambda r: put(outside(r), trace_id=bytes(16), span_id=bytes(8))),
    ("OTLP-LOG-017", "span id alone", lambda r: put(inside(r), trace_id=b"")),
    (None, "trace id alone", lambda r: put(inside(r), span_id=b"")),
    ("OTLP-LOG-021", "bit 8", lambda r: put(inside(r), flags=0x101)),
    (None, "no body", lambda r: outside(r).ClearField("body")),
    ("OTLP-COMMON-001", "key twice", lambda r: inside(r).attributes.append(attribute("card"))),
    (
        "OTLP-COMMON-002",
        "key twice in the body",
        lambda r: inside(r).body.kvlist_value.values.append(attribute("text")),
    ),
    (
        "OTLP-COMMON-002",
        "key twice deep in an attribute",
        lambda r: inside(r).attributes.append(_deep()),
    ),
    ("OTLP-COMMON-003", "empty key", lambda r: inside(r).attributes.append(attribute(""))),
    (None, "empty key in a map", lambda r: inside(r).attributes.append(attribute("map", {"": 1}))),
)


def _deep() -> Any:  # noqa: ANN401 -- a generated class
    inner = any_value({"a": 1})
    inner.kvlist_value.values.append(attribute("a", 2))
    outer = attribute("deep", [1])
    outer.value.array_value.values.append(inner)
    return outer

"""The JSON that `--format json` prints: verdicts, findings and received items.

Field names are the model's, enumerations are given by name, times are nanoseconds since 1970 as
integers, bytes are base64, and the numbers that JSON does not have are `"NaN"`, `"Infinity"` and
`"-Infinity"` as in OTLP/JSON. The text is ASCII, so that no pipe can spoil it.
"""

import base64
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from enum import Enum, IntEnum
from typing import Any

from otlptest.errors import Finding
from otlptest.model import DataPoint, LogRecord, Problem, Profile, Request, Span

Record = dict[str, Any]

_FINDING_FIELDS = ("rule", "severity", "where", "expected", "received", "closest", "hint")


def json_text(record: object, *, indent: int | None = None) -> str:
    """Return `record` as JSON, in ASCII; on one line without `indent`."""
    return json.dumps(record, ensure_ascii=True, allow_nan=False, indent=indent)


def verdict_record(findings: Iterable[Finding], **facts: object) -> Record:
    """Return `ok`, the findings, and what else the command reports."""
    listed = list(findings)
    return {
        "ok": not any(finding.severity == "error" for finding in listed),
        "findings": [
            {field: getattr(finding, field) for field in _FINDING_FIELDS} for finding in listed
        ],
        **{name: plain_value(value) for name, value in facts.items()},
    }


def item_record(item: Span | DataPoint | LogRecord | Profile | Problem) -> Record:
    """Return one received item with `type` first: span, metric, log, profile or problem."""
    match item:
        case Span():
            more: Record = {"duration_ms": duration_value(item.duration_ms)}
            return _record("span", item.service, item, more)
        case LogRecord():
            return _record("log", item.service, item, {})
        case Profile():
            return _record("profile", item.service, item, {})
        case Problem():
            connection = item.connection
            more = {"endpoint": connection.endpoint if connection else None}
            return {"type": "problem", **_fields(item, leave_out=("found_at",)), **more}
        case _:
            return _record("metric", item.metric.service, item, {})


def duration_value(duration_ms: float) -> float | None:
    """Return a duration for JSON: null where a span, or all spans of a trace, have no end."""
    return None if math.isnan(duration_ms) else duration_ms


def fault_record(request: Request) -> Record:
    """Return one request that a planned fault answered."""
    return {
        "type": "fault",
        "fault": request.reply_fault,
        "signal": request.signal,
        "protocol": request.protocol,
        "wire_size": request.wire_size,
        "is_discarded": request.is_discarded,
    }


def _record(kind: str, service: str | None, item: object, more: Record) -> Record:
    return {"type": kind, "service": service, **more, **_fields(item)}


def _fields(item: Any, leave_out: tuple[str, ...] = ()) -> Record:  # noqa: ANN401 -- any dataclass
    """Return the content of an item, without otlptest's own fields."""
    hidden = {"request", "connection", "has_outside_parent", *leave_out}
    return {
        field.name: plain_value(getattr(item, field.name))
        for field in dataclasses.fields(item)
        if field.name not in hidden
    }


def plain_value(value: object) -> object:
    """Return `value` in the types that JSON has."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case Enum():
            return value.name if isinstance(value, IntEnum) else value.value
        case float():
            return _number(value)
        case None | bool() | int() | str():
            return value
        case Mapping():
            return {str(key): plain_value(entry) for key, entry in value.items()}
        case _:
            return _other(value)


def _other(value: object) -> object:
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(entry) for entry in value]
    return _fields(value) if dataclasses.is_dataclass(value) else str(value)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")

"""The small exporter's telemetry: all that the data rules look at, with new ids and live times.

It is that of `tests.support.right_requests`, moved to now. `WRONG` may name a planted fault of
`tests.planted` by its id, such as `OTLP-TRACE-009: empty name`; it is planted before the move.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tests.subjects.exporters.attribute_limits import limit_attributes
from tests.subjects.exporters.planted import WRONG
from tests.support.right_requests import (
    SECOND,
    START,
    any_value,
    log_request,
    metric_request,
    trace_request,
)

__all__ = ["requests_of"]

_LATEST_MADE_UP: Final = START - 3_600_000_000_000  # earlier times are planted ones
_RIGHT: Final[dict[str, Callable[[], Any]]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
}
_ITEMS: Final = {"traces": "spans", "metrics": "metrics", "logs": "logs"}


def requests_of(
    kind: str, resource: bytes, *, collections: int = 1, one_by_one: bool = False
) -> list[bytes]:
    """What is sent of a signal, a message for each export.

    Args:
        kind: The signal.
        resource: Attributes of the resource, as a serialized `Resource`.
        collections: How often metrics are collected.
        one_by_one: Each span and log record in an export of its own.
    """
    requests = [_RIGHT[kind]()]
    if kind == "metrics":
        requests += [metric_request(export=number) for number in range(2, collections + 1)]
    for request in requests:
        _enrich(kind, request)
    _plant(kind, requests)
    if os.environ.get("OTEL_TRACES_SAMPLER") == "always_off":
        requests = _unsampled(kind, requests)
    if kind == "metrics" and WRONG == "the start moves":
        for number, request in enumerate(requests):
            _move_starts(request, number)
    move = _Move()
    for request in requests:
        for holder in getattr(request, f"resource_{_ITEMS[kind]}"):
            _tell(holder, Resource.FromString(resource).attributes)
        move.message(request)
        limit_attributes(kind, request)
    if one_by_one and kind != "metrics":
        requests = [single for request in requests for single in _singles(kind, request)]
    return [request.SerializeToString() for request in requests]


def _enrich(kind: str, request: Any) -> None:  # noqa: ANN401 -- a generated class
    """What rules of JSON, and of histograms, look at beside."""
    if kind == "traces":
        span = request.resource_spans[0].scope_spans[0].spans[0]
        span.attributes.extend(_more_attributes())
    if kind == "logs":
        record = request.resource_logs[0].scope_logs[0].log_records[0]
        record.attributes.extend(_more_attributes())
    if kind == "metrics":
        metrics = request.resource_metrics[0].scope_metrics[0].metrics
        duration = next(each for each in metrics if each.name == "duration")
        rows: tuple[tuple[str, dict[str, float]], ...] = (
            ("idle", {"count": 0}),
            ("change", {"count": 2, "min": -2.0, "max": 3.0}),
        )
        for name, numbers in rows:
            metric = metrics.add(name=name, histogram=duration.histogram)
            point = metric.histogram.data_points[0]
            for field in ("sum", "min", "max", "exemplars", "explicit_bounds", "bucket_counts"):
                point.ClearField(field)
            for field, number in numbers.items():
                setattr(point, field, number)
            point.attributes.add(key="zone").value.string_value = "eu-central"


def _more_attributes() -> list[KeyValue]:
    values: list[Any] = [
        AnyValue(bytes_value=b"\xff\xfe\xfd"),
        AnyValue(bytes_value=b"longer"),
        AnyValue(bool_value=False),
        AnyValue(int_value=1234567),
        AnyValue(string_value="gr\u00f6\u00dfer als"),
        any_value(["several", "words"]),
        any_value({"several": "entries", "more": "of them"}),
    ]
    return [KeyValue(key=f"value.{index}", value=value) for index, value in enumerate(values)]


def _plant(kind: str, requests: list[Any]) -> None:
    if not WRONG.startswith(("OTLP-", "legal: ")):
        return
    from tests.planted.common_faults import COMMON_PLANTS  # noqa: PLC0415 -- for wrong ones alone
    from tests.planted.log_faults import LOG_PLANTS  # noqa: PLC0415 -- as above
    from tests.planted.metric_faults import METRIC_PLANTS  # noqa: PLC0415 -- as above
    from tests.planted.series_faults import SERIES_PLANTS  # noqa: PLC0415 -- as above
    from tests.planted.span_faults import SPAN_PLANTS  # noqa: PLC0415 -- as above

    for plant in (*SPAN_PLANTS, *METRIC_PLANTS, *SERIES_PLANTS, *LOG_PLANTS, *COMMON_PLANTS):
        if plant.test_id == WRONG and plant.signal == kind:
            del requests[1:]
            plant.change(requests)


def _unsampled(kind: str, requests: list[Any]) -> list[Any]:
    """What is left where no span is sampled: neither spans nor exemplars."""
    if kind == "traces":
        for span in requests[0].resource_spans[0].scope_spans[0].spans:
            span.flags &= ~1
        if WRONG == "an empty request where nothing is sampled":
            del requests[0].resource_spans[0].scope_spans[0].spans[:]
            return requests
        return requests if WRONG == "exports what is not sampled" else []
    if kind == "metrics":
        for request in requests:
            for metric in request.resource_metrics[0].scope_metrics[0].metrics:
                for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
                    if hasattr(point, "exemplars"):
                        del point.exemplars[:]
    return requests


def _move_starts(request: Any, number: int) -> None:  # noqa: ANN401 -- as above
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
            if point.start_time_unix_nano:
                point.start_time_unix_nano = START + number * SECOND


def _tell(holder: Any, attributes: Iterable[KeyValue]) -> None:  # noqa: ANN401 -- as above
    """Put the told attributes into a resource, if there is one."""
    if not holder.HasField("resource"):
        return
    told = {each.key: each for each in attributes}
    if "telemetry.sdk.name" not in told:
        name = AnyValue(string_value="opentelemetry")
        told["telemetry.sdk.name"] = KeyValue(key="telemetry.sdk.name", value=name)
    for attribute in holder.resource.attributes:
        if attribute.key in told:
            attribute.CopyFrom(told.pop(attribute.key))
    holder.resource.attributes.extend(told.values())


class _Move:
    """Moves times to now, and gives each id another one, the same wherever it stands."""

    def __init__(self) -> None:
        self._later = time.time_ns() - START
        self._ids: dict[bytes, bytes] = {}

    def message(self, message: Any) -> None:  # noqa: ANN401 -- as above
        for field, value in message.ListFields():
            if field.name == "flags" and WRONG == "no sampled flag":
                message.flags &= ~1
            elif field.name == "flags" and WRONG == "no flags":
                message.flags = 0
            elif field.name.endswith("_unix_nano") and value > _LATEST_MADE_UP:
                setattr(message, field.name, value + self._later)
            elif field.name in {"trace_id", "span_id", "parent_span_id"}:
                setattr(message, field.name, self._id(value))
            elif field.message_type is not None:
                for inner in [value] if hasattr(value, "ListFields") else value:
                    self.message(inner)

    def _id(self, value: bytes) -> bytes:
        if not any(value) or WRONG == "the same ids in every run":
            return value
        return self._ids.setdefault(value, secrets.token_bytes(len(value)))


def _singles(kind: str, request: Any) -> Iterator[Any]:  # noqa: ANN401 -- as above
    """The request once for each of its items."""
    for number in range(len(_items(kind, request))):
        single = deepcopy(request)
        items = _items(kind, single)
        kept = deepcopy(items[number])
        del items[:]
        items.append(kept)
        yield single


def _items(kind: str, request: Any) -> Any:  # noqa: ANN401 -- as above
    if kind == "traces":
        return request.resource_spans[0].scope_spans[0].spans
    return request.resource_logs[0].scope_logs[0].log_records

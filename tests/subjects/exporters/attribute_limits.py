"""The small exporter's attribute limits: lengths of values and numbers of attributes.

Planted here, as `WRONG`: the words below.
"""

import os
from typing import Any, Final

from tests.subjects.exporters.planted import WRONG

__all__ = ["limit_attributes"]

_OWN: Final = {"traces": "SPAN", "logs": "LOGRECORD"}


def limit_attributes(kind: str, request: Any) -> None:  # noqa: ANN401 -- a generated class
    """Cut and drop what the environment limits, of spans and log records."""
    length, count = _limit(kind, "VALUE_LENGTH"), _limit(kind, "COUNT")
    for item in _items(kind, request):
        if count is not None:
            _drop(item, count)
        if length is not None:
            _cut_all(item, length)
            if WRONG == "cuts bodies" and kind == "logs":
                _cut(item.body, length)
            if WRONG == "what is cut is dropped":
                item.dropped_attributes_count += 1
    _limit_the_exempt(kind, request, length, count)


def _limit(kind: str, name: str) -> int | None:
    general = os.environ.get(f"OTEL_ATTRIBUTE_{name}_LIMIT", "")
    own = os.environ.get(f"OTEL_{_OWN.get(kind, kind)}_ATTRIBUTE_{name}_LIMIT", "")
    value = general if WRONG == "the general limit wins" and general else own or general
    return int(value) if value.isdigit() else None


def _items(kind: str, request: Any) -> list[Any]:  # noqa: ANN401 -- as above
    if kind == "traces":
        return [each for scope in _scopes(request.resource_spans, "spans") for each in scope.spans]
    if kind == "logs":
        scopes = _scopes(request.resource_logs, "logs")
        return [each for scope in scopes for each in scope.log_records]
    return []


def _scopes(holders: Any, name: str) -> list[Any]:  # noqa: ANN401 -- as above
    return [scope for holder in holders for scope in getattr(holder, f"scope_{name}")]


def _drop(item: Any, count: int) -> None:  # noqa: ANN401 -- as above
    left = count + 1 if WRONG == "one attribute too many" else count
    dropped = len(item.attributes) - left
    if dropped > 0:
        del item.attributes[left:]
        if WRONG != "counts nothing that is dropped":
            item.dropped_attributes_count += dropped


def _cut_all(item: Any, length: int) -> None:  # noqa: ANN401 -- as above
    for attribute in item.attributes:
        _cut(attribute.value, length)


def _cut(value: Any, length: int) -> None:  # noqa: ANN401 -- as above
    kind = value.WhichOneof("value")
    if kind == "string_value":
        whole = value.string_value
        value.string_value = whole[:length]
        if WRONG == "cuts by bytes":
            value.string_value = whole.encode()[:length].decode("utf-8", "ignore")
    elif kind == "bytes_value" and WRONG != "cuts no bytes":
        value.bytes_value = value.bytes_value[:length]
    elif kind == "array_value" and WRONG != "cuts nothing in lists":
        for inner in value.array_value.values:
            _cut(inner, length)
    elif kind == "kvlist_value" and WRONG != "cuts nothing in maps":
        for entry in value.kvlist_value.values:
            _cut(entry.value, length)
    elif kind == "int_value" and WRONG == "cuts numbers":
        value.string_value = str(value.int_value)[:length]


def _limit_the_exempt(
    kind: str,
    request: Any,  # noqa: ANN401 -- as above
    length: int | None,
    count: int | None,
) -> None:
    """Planted: resources and data points are exempt."""
    exempt: list[Any] = []
    if WRONG == "limits resources":
        name = {"traces": "spans"}.get(kind, kind)
        exempt = [holder.resource for holder in getattr(request, f"resource_{name}")]
    if WRONG == "limits data points" and kind == "metrics":
        for scope in _scopes(request.resource_metrics, "metrics"):
            for metric in scope.metrics:
                exempt += getattr(metric, str(metric.WhichOneof("data"))).data_points
    for each in exempt:
        if count is not None:
            del each.attributes[count:]
        if length is not None:
            _cut_all(each, length)

"""Telemetry as a store holds it, built in one line: spans, records, requests, connections."""

# ruff: noqa: ANN401 -- builders pass any field on
import itertools
from collections.abc import Iterable
from typing import Any

from otlptest.collector.leftovers import Epoch
from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.model import (
    Attributes,
    Connection,
    Headers,
    LogRecord,
    Problem,
    Protocol,
    Request,
    Resource,
    Signal,
    Span,
)
from otlptest.wire.otlp.otlp_logs import request_from_logs
from otlptest.wire.otlp.otlp_metrics import request_from_points
from otlptest.wire.otlp.otlp_profiles import request_from_profiles
from otlptest.wire.otlp.otlp_traces import request_from_spans

_WRITERS: dict[Signal, Any] = {
    "traces": request_from_spans,
    "metrics": request_from_points,
    "logs": request_from_logs,
    "profiles": request_from_profiles,
}
_IDS = itertools.count(1)
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def a_span(name: str = "GET /", service: str | None = "shop", **fields: Any) -> Span:
    """A span with ids of its own; `attributes` may be a plain dict."""
    number = next(_IDS)
    attributes = Attributes(fields.pop("attributes", None))
    resource = fields.pop("resource", {"service.name": service} if service else {})
    given = {"trace_id": TRACE_ID, "span_id": f"{number:016x}", **fields}
    return Span(name=name, attributes=attributes, resource=Resource(resource), **given)


def a_log(body: object = "hello", service: str = "shop", **fields: Any) -> LogRecord:
    """A log record."""
    attributes = Attributes(fields.pop("attributes", None))
    resource = Resource({"service.name": service})
    return LogRecord(body=body, attributes=attributes, resource=resource, **fields)


def a_connection(**fields: Any) -> Connection:
    """A connection to the gRPC port."""
    return Connection(**{"number": 1, "endpoint": "grpc", "port": 4317, **fields})


def a_request(
    items: Iterable[Any] = (),
    *,
    signal: Signal | None = "traces",
    protocol: Protocol = "grpc",
    headers: Iterable[tuple[str, str]] = (),
    **fields: Any,
) -> Request:
    """An accepted request with these items."""
    fields.setdefault("connection", a_connection())
    fields.setdefault("started_at", 11.0)  # within the view of `an_epoch`
    if "body" not in fields:
        fields["body"] = _WRITERS[signal or "traces"](items).SerializeToString()
    return Request(
        signal=signal,
        protocol=protocol,
        headers=Headers(tuple(headers)),
        path=fields.pop("path", f"/v1/{signal}"),
        **fields,
    )


def a_refused_request(kind: str, message: str, **fields: Any) -> Request:
    """A request that was not taken."""
    problem = Problem(kind=kind, rule="OTLP-HTTP-008", message=message)
    return a_request(body=b"", problem=problem, **fields)


def a_store(*requests: Request) -> Store:
    """A store that has received these requests, and their connections."""
    store = Store()
    for connection in {id(r.connection): r.connection for r in requests}.values():
        store.connection_opened(connection)
    for request in requests:
        request.connection.requests += 1
        store.request_received(request)
    return store


def a_source(*requests: Request, epoch: Epoch | None = None) -> StoreSource:
    """A view's source over a store that has received these requests."""
    return StoreSource(a_store(*requests), epoch=epoch)


def an_epoch(**fields: Any) -> Epoch:
    """A view that began at 1,000 ns, of a collector that started at 100 ns."""
    usual: dict[str, Any] = {
        "token": 0,
        "collector_unix_nano": 100,
        "unix_nano": 1000,
        "monotonic": 10.0,
    }
    return Epoch(**{**usual, **fields})

"""The outer layers of OTLP requests, read without their contents.

Traces, metrics and logs share one shape: a request has resources, each has scopes, each has items
(spans, metrics, log records). Here upb parses that shape with the items left as bytes, which is
some 20 times faster than parsing them, and is right for any valid protobuf, since it is upb that
reads it: fields in any order, repeated, unknown or split ones.

A singular message that occurs several times is merged by protobuf; the concatenation of the
occurrences is the same message (protobuf.dev, "Last One Wins"). So resources and scopes are read
as repeated bytes and joined.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from otlptest.model import Signal

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "otlptest.envelopes"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The items of one scope of one resource.

    Attributes:
        resource: The `Resource` message as bytes.
        resource_schema_url: Its schema URL.
        scope: The `InstrumentationScope` message as bytes.
        schema_url: The schema URL of the scope.
        items: The spans, metrics or log records as bytes each, in order.
    """

    resource: bytes
    resource_schema_url: str
    scope: bytes
    schema_url: str
    items: Sequence[bytes]


class ItemHead(NamedTuple):
    """The time of an item, and the traces that it belongs to.

    Attributes:
        time: The end of a span, or its start where it has no end; the time of a log record, or
            when it was observed; the time of a data point or profile. Unix nanoseconds, 0 if none.
        trace_id: That of a span or log record; empty if absent.
        linked_traces: The trace ids of a span's links.
    """

    time: int
    trace_id: bytes = b""
    linked_traces: tuple[bytes, ...] = ()


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="otlptest/envelopes.proto", package=_PACKAGE, syntax="proto3"
    )
    _message(file, "Request", resources=(1, "Resources"))
    _message(
        file, "Resources", resource=(1, "bytes"), scopes=(2, "Scopes"), schema_url=(3, "bytes")
    )
    _message(file, "Scopes", scope=(1, "bytes"), items=(2, "bytes"), schema_url=(3, "bytes"))
    _message(file, "SpanRequest", resources=(1, "SpanResources"))
    _message(file, "SpanResources", scopes=(2, "SpanScopes"))
    _message(file, "SpanScopes", items=(2, "SpanHead"))
    _message(
        file,
        "SpanHead",
        trace_id=(1, "last bytes"),
        name=(5, "last bytes"),
        start_time_unix_nano=(7, "last fixed64"),
        end_time_unix_nano=(8, "last fixed64"),
        links=(13, "Link"),
    )
    _message(file, "Link", trace_id=(1, "last bytes"))
    _message(file, "LogRequest", resources=(1, "LogResources"))
    _message(file, "LogResources", scopes=(2, "LogScopes"))
    _message(file, "LogScopes", items=(2, "LogHead"))
    _message(
        file,
        "LogHead",
        time_unix_nano=(1, "last fixed64"),
        trace_id=(9, "last bytes"),
        observed_time_unix_nano=(11, "last fixed64"),
    )
    _message(file, "MetricRequest", resources=(1, "MetricResources"))
    _message(file, "MetricResources", scopes=(2, "MetricScopes"))
    _message(file, "MetricScopes", items=(2, "MetricHead"))
    numbers = {"gauge": 5, "sum": 7, "histogram": 9, "exponential_histogram": 10, "summary": 11}
    _message(file, "MetricHead", **{name: (at, "one Points") for name, at in numbers.items()})
    _message(file, "Points", data_points=(1, "PointHead"))
    _message(file, "PointHead", time_unix_nano=(3, "last fixed64"))
    return file


def _message(
    file: descriptor_pb2.FileDescriptorProto, message: str, /, **fields: tuple[int, str]
) -> None:
    """Add a message. A field is repeated unless it says `last …`; `one …` fields share a oneof."""
    kind = file.message_type.add(name=message)
    for field, (number, content) in fields.items():
        added = kind.field.add(name=field, number=number)
        how, _, content_type = content.rpartition(" ")
        added.label = _Field.LABEL_OPTIONAL if how else _Field.LABEL_REPEATED
        if how == "one":
            if not kind.oneof_decl:
                kind.oneof_decl.add(name="data")
            added.oneof_index = 0
        if content.endswith("bytes"):
            added.type = _Field.TYPE_BYTES
        elif content.endswith("fixed64"):
            added.type = _Field.TYPE_FIXED64
        else:
            added.type = _Field.TYPE_MESSAGE
            added.type_name = f".{_PACKAGE}.{content_type}"


def _classes() -> tuple[Any, ...]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    made: list[type[Message]] = [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in ("Request", "SpanRequest", "LogRequest", "MetricRequest")
    ]
    return tuple(made)


# Any: these classes are made at run time, no checker knows their fields.
_Request, _SpanRequest, _LogRequest, _MetricRequest = _classes()


def envelopes(body: bytes) -> Iterator[Envelope]:
    """Yield the scopes of a traces, metrics or logs request, in order.

    Args:
        body: A valid request message; the receiver has decoded it whole.
    """
    for resources in _Request.FromString(body).resources:
        resource = b"".join(resources.resource)
        url = _last_text(resources.schema_url)
        for scopes in resources.scopes:
            yield Envelope(
                resource, url, b"".join(scopes.scope), _last_text(scopes.schema_url), scopes.items
            )


def _last_text(values: Sequence[bytes]) -> str:
    return values[-1].decode() if values else ""


def resources_of(body: bytes) -> list[tuple[bytes, str]]:
    """Return the `Resource` messages of a request, as bytes with their schema URLs, in order."""
    return [
        (b"".join(resources.resource), _last_text(resources.schema_url))
        for resources in _Request.FromString(body).resources
    ]


def item_count(body: bytes) -> int:
    """Return how many spans, metrics or log records a request has."""
    return sum(
        len(scopes.items)
        for resources in _Request.FromString(body).resources
        for scopes in resources.scopes
    )


def span_names(body: bytes) -> list[bytes]:
    """Return the names of a traces request's spans, in order."""
    return [
        span.name
        for resources in _SpanRequest.FromString(body).resources
        for scopes in resources.scopes
        for span in scopes.items
    ]


def item_heads(signal: Signal, body: bytes) -> list[ItemHead]:
    """Return the heads of a request's spans, log records or data points, in order.

    Args:
        signal: Traces, logs or metrics.
        body: A valid request message.
    """
    if signal == "metrics":
        return [ItemHead(point.time_unix_nano) for point in _points(body)]
    is_traces = signal == "traces"
    read = _span_head if is_traces else _log_head
    return [
        read(item)
        for resources in (_SpanRequest if is_traces else _LogRequest).FromString(body).resources
        for scopes in resources.scopes
        for item in scopes.items
    ]


def newest_time(signal: Signal, body: bytes) -> int:
    """Return the latest `ItemHead.time` of a request's spans, log records or points; 0 if none."""
    if signal == "metrics":
        return max((point.time_unix_nano for point in _points(body)), default=0)
    if signal == "logs":
        return max((head.time for head in item_heads(signal, body)), default=0)
    return max(
        (
            span.end_time_unix_nano or span.start_time_unix_nano
            for resources in _SpanRequest.FromString(body).resources
            for scopes in resources.scopes
            for span in scopes.items
        ),
        default=0,
    )


def _points(body: bytes) -> Iterator[Any]:
    for resources in _MetricRequest.FromString(body).resources:
        for scopes in resources.scopes:
            for metric in scopes.items:
                kind = metric.WhichOneof("data")
                if kind is not None:
                    yield from getattr(metric, kind).data_points


def head_of_message(signal: Signal, message: Any) -> ItemHead:  # noqa: ANN401 -- of generated classes
    """Return the head of a decoded span, log record, data point or profile."""
    if signal == "traces":
        return _span_head(message)
    return _log_head(message) if signal == "logs" else ItemHead(message.time_unix_nano)


def _span_head(span: Any) -> ItemHead:  # noqa: ANN401 -- of generated classes
    time = span.end_time_unix_nano or span.start_time_unix_nano
    links = span.links
    if not links:
        return ItemHead(time, span.trace_id)
    return ItemHead(time, span.trace_id, tuple(link.trace_id for link in links))


def _log_head(record: Any) -> ItemHead:  # noqa: ANN401 -- of generated classes
    return ItemHead(record.time_unix_nano or record.observed_time_unix_nano, record.trace_id)

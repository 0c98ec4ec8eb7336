"""Receivers that are wrong with data of sections 6 to 10: some is refused, lost or changed."""

import html
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.unknown_fields import UnknownFieldSet

from otlptest.model import Attributes, HistogramPoint, LogRecord, NumberPoint, Signal, Span
from otlptest.wire.otlp.event_names import event_name_of
from otlptest.wire.otlp.signals import SIGNAL_NAMES, request_class
from tests.subjects.wrong_receivers.http_front import Heard, Said
from tests.subjects.wrong_receivers.planted import (
    Stored,
    When,
    Wrong,
    partial,
    sent,
    turned,
    with_fields,
    with_value,
    without,
    wrong,
)

KEY = "otlptest.value"
DELTA = 1
Predicate = Callable[[Any], object]


# What is in a request.


def _signal_of(heard: Heard) -> Signal:
    return next(each for each, names in SIGNAL_NAMES.items() if names.http_path in heard.target)


def _entries(heard: Heard) -> Iterator[tuple[Any, Any]]:
    """Each resource entry with each of its scope entries."""
    names = SIGNAL_NAMES[_signal_of(heard)]
    message = request_class(_signal_of(heard)).FromString(heard.body)
    for entry in getattr(message, names.field):
        for scope_entry in getattr(entry, names.scope_field):
            yield entry, scope_entry


def _items(heard: Heard) -> Iterator[Any]:
    field = SIGNAL_NAMES[_signal_of(heard)].item_field
    for _, scope_entry in _entries(heard):
        yield from getattr(scope_entry, field)


def item(signal: Signal, is_it: Predicate) -> When:
    """A request has a span, metric or log record of that kind."""
    return lambda heard, _: _signal_of(heard) == signal and any(map(is_it, _items(heard)))


def point(kind: str, is_it: Predicate) -> When:
    """A request has a data point of that kind."""
    return item(
        "metrics",
        lambda metric: (
            metric.WhichOneof("data") == kind and any(map(is_it, getattr(metric, kind).data_points))
        ),
    )


def attributes(is_it: Predicate) -> When:
    """A span has attributes like these."""
    return item("traces", lambda span: is_it(span.attributes))


def _repeats(pairs: Any) -> bool:  # noqa: ANN401 -- a generated list
    keys = [pair.key for pair in pairs]
    return len(keys) != len(set(keys))


def _has_retired_field(record: Any) -> bool:  # noqa: ANN401 -- a generated message
    fields: Any = UnknownFieldSet(record)  # its stubs do not tell that it can be iterated
    return any(each.field_number == 4 for each in fields)


def _fetches(heard: Heard, said: Said) -> Said:
    """Looks a schema up before it answers."""
    for entry, _ in _entries(heard):
        url = urlsplit(entry.schema_url) if "127.0.0.1" in entry.schema_url else None
        if url is not None and url.port:
            socket.create_connection(("127.0.0.1", url.port), timeout=10).close()
    return said


# What is stored.


def losing(is_it: Predicate) -> Stored:
    """Items of that kind are lost."""
    return lambda items: tuple(each for each in items if not is_it(each))


def altered(is_it: Predicate, **fields: Any) -> Stored:  # noqa: ANN401 -- fields of an item
    """Items of that kind have other fields."""
    return lambda items: tuple(replace(each, **fields) if is_it(each) else each for each in items)


def now_one_now_another() -> Stored:
    """What is kept of a key that comes twice is never the same."""
    told: dict[str, int] = {}

    def alter(items: tuple[Any, ...]) -> tuple[Any, ...]:
        told["times"] = told.get("times", 0) + 1
        return with_value(KEY, lambda _: f"value {told['times']}")(items)

    return alter


def _as_double(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def with_doubles(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Integers among the attributes have become doubles."""
    return tuple(
        replace(each, attributes=Attributes({k: _as_double(v) for k, v in each.attributes.items()}))
        for each in items
    )


def _is(kind: type, is_it: Predicate) -> Predicate:
    return lambda each: isinstance(each, kind) and is_it(each)


SPANS = (
    wrong("spans without a kind are refused", "data/spans", "TRACE-012",
          change=turned(item("traces", lambda span: not span.kind), status=400)),
    wrong("spans that end too early are its own fault", "data/spans", "TRACE-017",
          change=turned(
              item("traces", lambda span: span.end_time_unix_nano < span.start_time_unix_nano),
              status=500),
          harm="server_error"),
    wrong("reserved bits hide the trace flags", "data/spans", "TRACE-033",
          stored=altered(_is(Span, lambda span: span.flags > 0x3FF), flags=0)),
    wrong("spans without flags are not sampled", "data/spans", "TRACE-034",
          stored=losing(_is(Span, lambda span: span.name == "without flags"))),
    wrong("orphans are lost", "data/spans", "TRACE-046",
          stored=losing(_is(Span, lambda span: span.parent_span_id))),
)  # fmt: skip

METRICS = (
    wrong("histograms without buckets are refused", "data/metrics", "METRIC-030",
          change=turned(point("histogram", lambda each: not each.bucket_counts), status=400)),
    wrong("histograms without buckets are rejected", "data/metrics", "METRIC-030",
          change=turned(point("histogram", lambda each: not each.bucket_counts),
                        body=partial("metrics", 1, "no buckets"))),
    wrong("what is absent is 0", "data/metrics", "METRIC-034",
          stored=altered(_is(HistogramPoint, lambda each: each.sum is None), sum=0.0)),
    wrong("no minimum of 0", "data/metrics", "METRIC-034",
          stored=altered(_is(HistogramPoint, lambda each: each.min == 0.0), min=None)),
    wrong("negative scales are refused", "data/metrics", "METRIC-038",
          change=turned(point("exponential_histogram", lambda each: each.scale < 0), status=400)),
    wrong("scales are never negative", "data/metrics", "METRIC-038",
          stored=lambda items: tuple(
              replace(each, scale=abs(each.scale)) if hasattr(each, "scale") else each
              for each in items
          )),
    wrong("deltas are lost", "data/metrics", "METRIC-061",
          stored=losing(_is(NumberPoint, lambda each: each.metric.temporality == DELTA))),
    wrong("deltas are rejected without a word", "data/metrics", "METRIC-061",
          change=turned(
              item("metrics", lambda metric: metric.sum.aggregation_temporality == DELTA),
              body=partial("metrics", 1, ""))),
    wrong("deltas become cumulative", "data/metrics", "METRIC-061",
          stored=lambda items: tuple(
              replace(each, metric=replace(each.metric, temporality=2))
              if each.metric.temporality == DELTA else each for each in items
          )),
    wrong("a wrong metric takes its neighbour along", "data/metrics", "METRIC-062",
          stored=losing(_is(NumberPoint, lambda each: (
              each.metric.temporality is None and "otlptest.corner" in each.attributes)))),
    wrong("integers become doubles, which another case judges", "data/metrics",
          stored=with_doubles),
    wrong("a metric without data is its own fault", "data/metrics", "METRIC-062",
          change=turned(item("metrics", lambda metric: not metric.WhichOneof("data")), status=500),
          harm="server_error"),
)  # fmt: skip

LOGS = (
    wrong("the number follows the text", "data/logs_protobuf", "LOG-006",
          stored=altered(_is(LogRecord, lambda each: each.severity_text == "FATAL"),
                         severity_number=21)),
    wrong("unknown severities are its own fault", "data/logs_protobuf", "LOG-007",
          change=turned(item("logs", lambda record: record.severity_number > 24), status=500),
          harm="server_error"),
    wrong("a record with an unknown severity takes its neighbour along", "data/logs_protobuf",
          "LOG-007",
          change=turned(item("logs", lambda record: record.severity_number < 0), status=503),
          harm="server_error"),
    wrong("without a time it is 1970", "data/logs_protobuf", "LOG-013",
          stored=altered(_is(LogRecord, lambda each: not each.time_unix_nano),
                         observed_time_unix_nano=0)),
    wrong("records without times are refused", "data/logs_protobuf", "LOG-014", "LOG-038",
          change=turned(
              item("logs", lambda record: (
                  not record.time_unix_nano and not record.observed_time_unix_nano)),
              status=400)),
    wrong("ids of zeros get others", "data/logs_protobuf", "LOG-018",
          stored=with_fields(trace_id="1" * 32)),
    wrong("high bits of flags are refused", "data/logs_protobuf", "LOG-022",
          change=turned(item("logs", lambda record: record.flags > 0xFF), status=400)),
    wrong("high bits hide the trace flags", "data/logs_protobuf", "LOG-022",
          stored=altered(_is(LogRecord, lambda each: each.flags > 0xFF), flags=0)),
    wrong("bytes become text", "data/logs_protobuf", "LOG-023",
          stored=altered(_is(LogRecord, lambda each: isinstance(each.body, bytes)), body="/wD+")),
    wrong("maps become text", "data/logs_protobuf", "LOG-023",
          stored=altered(_is(LogRecord, lambda each: isinstance(each.body, Mapping)), body="{}")),
    wrong("doubles become integers", "data/logs_protobuf", "LOG-023",
          stored=altered(_is(LogRecord, lambda each: each.body == 2.0), body=2)),
    wrong("records without a body are refused", "data/logs_protobuf", "LOG-024", "LOG-038",
          change=turned(item("logs", lambda record: not record.HasField("body")), status=400)),
    wrong("events are refused", "data/logs_protobuf", "LOG-034",
          change=turned(item("logs", event_name_of), status=400)),
    wrong("the retired field is refused", "data/logs_protobuf", "LOG-037",
          change=turned(item("logs", _has_retired_field), status=400)),
    wrong("records of zero bytes are refused", "data/logs_protobuf", "LOG-038",
          change=turned(item("logs", lambda record: not record.ByteSize()), status=400)),
    wrong("texts end at a NUL", "data/logs_protobuf", "LOG-039",
          stored=altered(
              _is(LogRecord, lambda each: isinstance(each.body, str) and "\0" in each.body),
              body="before")),
)  # fmt: skip

VALUES = (
    wrong("repeated keys are its own fault", "data/values", "COMMON-007",
          change=turned(attributes(_repeats), status=500), harm="server_error"),
    wrong("of repeated keys any is kept", "data/values", "COMMON-007",
          stored=now_one_now_another()),
    wrong("bytes are lost", "data/values", "COMMON-008", stored=without(f"{KEY}.6")),
    wrong("integers become doubles", "data/values", "COMMON-008", stored=with_doubles),
    wrong("attributes of events are lost", "data/values", "COMMON-008",
          stored=lambda items: tuple(
              replace(each, events=()) if isinstance(each, Span) else each for each in items
          )),
    wrong("empty values are refused", "data/values", "COMMON-009",
          change=turned(
              attributes(lambda pairs: any(
                  pair.HasField("value") and not pair.value.WhichOneof("value")
                  for pair in pairs)),
              status=400)),
    wrong("attributes without a value are refused", "data/values", "COMMON-010",
          change=turned(
              attributes(lambda pairs: any(not pair.HasField("value") for pair in pairs)),
              status=400)),
    wrong("empty lists are lost", "data/values", "COMMON-014",
          stored=with_value(f"{KEY}.1", lambda value: (
              None if isinstance(value, list | tuple) and not value else value))),
    wrong("one of equal resources is enough", "data/values", "COMMON-041",
          stored=lambda items: items[:1]),
    wrong("long schema URLs are refused", "data/values", "COMMON-044",
          change=turned(sent(b"u" * 1024), status=400)),
    wrong("schemas are fetched at once", "data/values", "COMMON-044", change=_fetches),
    wrong("spans without a scope are refused", "data/values", "COMMON-048",
          change=turned(
              lambda heard, _: any(not each.HasField("scope") for _, each in _entries(heard)),
              status=400)),
    wrong("dangling entities are refused", "data/values", "COMMON-051",
          change=turned(sent(b"no.such.key"), status=400)),
    wrong("string indexes are refused", "data/values", "PROF-033",
          change=turned(sent(b"\x12\x02\x40\x01\x18\x01"), status=400)),
    wrong("many attributes are its own fault", "data/values", "COMMON-052",
          change=turned(attributes(lambda pairs: len(pairs) > 500), status=500),
          harm="server_error"),
    wrong("control characters are dropped", "data/values", "COMMON-053",
          stored=with_value(f"{KEY}.0", lambda value: (
              value.replace("\0", "") if isinstance(value, str) else value))),
    wrong("texts are escaped", "data/values", "COMMON-054",
          stored=with_value(f"{KEY}.0", lambda value: (
              html.escape(value) if isinstance(value, str) else value))),
)  # fmt: skip

DATA_FAULTS: tuple[Wrong, ...] = (*SPANS, *METRICS, *LOGS, *VALUES)

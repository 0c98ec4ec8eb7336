"""Messages become model items field by field, and what OTLP cannot say is refused."""

from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otlptest.errors import UsageError
from otlptest.model import (
    Attributes,
    Frame,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Profile,
    Resource,
    Sample,
    Scope,
    Span,
    SpanKind,
    StatusCode,
)
from otlptest.wire.otlp.grouping import written_id
from otlptest.wire.otlp.otlp_logs import logs_from_request
from otlptest.wire.otlp.otlp_metrics import points_from_request, request_from_points
from otlptest.wire.otlp.otlp_profiles import profiles_from_request, request_from_profiles
from otlptest.wire.otlp.otlp_requests import items_from_request, request_from_items, signal_of_item
from otlptest.wire.otlp.otlp_traces import request_from_spans, spans_from_request
from otlptest.wire.otlp.otlp_values import attributes_from_message, value_into_message
from otlptest.wire.otlp.signals import request_class
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits
from tests.support.signals import needs_profiles


def test_items_of_one_envelope_share_resource_and_scope() -> None:
    request = ExportTraceServiceRequest()
    envelope = request.resource_spans.add(schema_url="https://example.test/r")
    envelope.resource.attributes.add(key="service.name").value.string_value = "shop"
    entry = envelope.scope_spans.add(schema_url="https://example.test/s")
    entry.scope.name = "lib"
    entry.spans.add(name="a")
    entry.spans.add(name="b")
    first, second = spans_from_request(request)
    assert first.resource is second.resource
    assert first.scope is second.scope
    assert (first.service, first.resource.schema_url) == ("shop", "https://example.test/r")
    assert (first.scope.name, first.scope.schema_url) == ("lib", "https://example.test/s")


def test_absent_fields_of_a_span_are_what_the_model_says() -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add()
    (span,) = spans_from_request(request)
    assert span == Span(trace_id="", span_id="")
    assert span.parent_span_id is None
    assert span.kind is SpanKind.UNSPECIFIED
    assert span.status.code is StatusCode.UNSET


def test_enum_numbers_without_a_name_stay_numbers() -> None:
    request = ExportTraceServiceRequest()
    span: Any = request.resource_spans.add().scope_spans.add().spans.add()
    span.kind, span.status.code = 99, 7
    (read,) = spans_from_request(request)
    assert (read.kind, read.status.code) == (99, 7)
    assert not isinstance(read.kind, SpanKind)


def test_empty_ids_of_a_log_record_are_none() -> None:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add()
    assert list(logs_from_request(request)) == [LogRecord()]


def test_the_last_of_repeated_attribute_names_counts() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.attributes.add(key="a").value.int_value = 1
    record.attributes.add(key="a").value.string_value = "two"
    record.attributes.add(key="b")
    assert attributes_from_message(record.attributes) == {"a": "two", "b": None}


def test_a_metric_without_data_has_no_points() -> None:
    request = ExportMetricsServiceRequest()
    request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    assert list(points_from_request(request)) == []


def test_items_are_grouped_by_resource_and_scope() -> None:
    shop, other = Resource({"a": 1}), Resource({"a": 1}, schema_url="https://example.test")
    lib = Scope(name="lib")
    spans = [
        Span(trace_id="", span_id="", name=name, resource=resource, scope=scope)
        for name, resource, scope in (
            ("1", shop, lib),
            ("2", other, lib),
            ("3", Resource({"a": 1}), Scope(name="lib")),
            ("4", shop, Scope(name="lib", version="2")),
            ("5", Resource({"a": True}), lib),
        )
    ]
    request = request_from_spans(spans)
    names = [
        [[span.name for span in entry.spans] for entry in envelope.scope_spans]
        for envelope in request.resource_spans
    ]
    assert names == [[["1", "3"], ["4"]], [["2"]], [["5"]]]


def test_points_are_grouped_by_metric() -> None:
    sums = [
        MetricIdentity(name="m", type=MetricType.SUM, is_monotonic=monotonic, description=text)
        for monotonic, text in ((True, ""), (False, ""), (True, "other"))
    ]
    request = request_from_points(
        [NumberPoint(metric=metric, value=number) for number in (1, 2) for metric in sums]
    )
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    assert [[p.as_int for p in metric.sum.data_points] for metric in metrics] == [[1, 2]] * 3


DEEP: dict[str, Any] = {"l": [1, ["x"], {"k": b"v"}], "none": None, "t": (True,)}


def test_lists_mappings_and_tuples_are_written() -> None:
    message = AnyValue()
    value_into_message(DEEP, message)
    keys = [item.key for item in message.kvlist_value.values]
    assert keys == ["l", "none", "t"]
    assert not message.kvlist_value.values[1].HasField("value")
    value_into_message(None, message)
    assert message == AnyValue()


UNWRITABLE: dict[str, tuple[object, str]] = {
    "integer": (2**63, "does not fit into 64 bits"),
    "object": (object(), "is not an attribute value"),
    "set": ({1}, "is not an attribute value"),
    "key": ({1: "a"}, "the attribute name 1 is not text"),
    "surrogate": ("a\ud800", "is no Unicode text"),
    "inside": ([[complex(1)]], "is not an attribute value"),
}


@pytest.mark.parametrize(("value", "problem"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_value_that_otlp_does_not_have_is_refused(value: object, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        value_into_message(value, AnyValue())


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(Span(trace_id="", span_id="", flags=-1), id="span-flags"),
        pytest.param(Span(trace_id="", span_id="", start_time_unix_nano=2**64), id="span-time"),
        pytest.param(Span(trace_id="xy", span_id=""), id="span-id"),
        pytest.param(LogRecord(span_id="abc"), id="log-id"),
        pytest.param(LogRecord(attributes=Attributes({"a": 2**64})), id="log-attribute"),
        pytest.param(
            NumberPoint(metric=MetricIdentity(type=MetricType.GAUGE), value=2**63), id="point"
        ),
        pytest.param(NumberPoint(value=1), id="point-without-a-type"),
    ],
)
def test_an_item_out_of_range_is_one_error(item: object) -> None:
    with pytest.raises(UsageError):
        request_from_items([item])


def test_one_request_holds_items_of_one_signal() -> None:
    span = Span(trace_id="", span_id="")
    signal, message = request_from_items(iter([span, span]))
    assert signal == "traces"
    assert list(items_from_request("traces", message)) == [span, span]
    with pytest.raises(UsageError, match="cannot be made from LogRecord, Span"):
        request_from_items([span, LogRecord()])
    with pytest.raises(UsageError, match="cannot be made from str"):
        request_from_items(["a"])
    with pytest.raises(UsageError, match="no items were given"):
        request_from_items([])
    assert signal_of_item("a") is None


def test_ids_are_written_from_hex() -> None:
    assert (written_id(None), written_id(""), written_id("0aFF")) == (b"", b"", b"\x0a\xff")


def profile_request() -> Any:  # noqa: ANN401 -- old opentelemetry-proto has no such class
    request: Any = request_class("profiles")()
    tables = request.dictionary
    tables.string_table.extend(["", "main", "app.py", "cpu", "ns", "service.name", "shop"])
    tables.function_table.add()
    tables.function_table.add(name_strindex=1, filename_strindex=2)
    tables.mapping_table.add()
    tables.location_table.add()
    location = tables.location_table.add(address=7)
    location.lines.add(function_index=1, line=3)
    location.lines.add(function_index=1, line=9)
    tables.stack_table.add()
    tables.stack_table.add(location_indices=[1])
    envelope = request.resource_profiles.add()
    attribute = envelope.resource.attributes.add(key_strindex=5)
    attribute.value.string_value_strindex = 6
    profile = envelope.scope_profiles.add().profiles.add()
    profile.sample_type.type_strindex, profile.sample_type.unit_strindex = 3, 4
    profile.samples.add(stack_index=1, values=[5])
    profile.samples.add(stack_index=1, values=[6])
    return request


@needs_profiles
def test_a_profile_is_resolved_against_its_dictionary() -> None:
    (profile,) = profiles_from_request(profile_request())
    assert profile.service == "shop"
    assert (profile.sample_type.type, profile.sample_type.unit) == ("cpu", "ns")
    inlined, caller = (
        Frame(function="main", filename="app.py", line=line, address=7) for line in (3, 9)
    )
    assert [sample.stack for sample in profile.samples] == [(inlined, caller)] * 2
    assert profile.samples[0].stack is profile.samples[1].stack


@needs_profiles
def test_an_index_that_points_nowhere_gives_an_empty_value() -> None:
    request = profile_request()
    profile = request.resource_profiles[0].scope_profiles[0].profiles[0]
    profile.sample_type.type_strindex = 99
    profile.attribute_indices.extend([99, -1])
    profile.samples.add(stack_index=99, link_index=99)
    request.dictionary.stack_table.add(location_indices=[99, 1])
    request.dictionary.location_table[1].lines[0].function_index = 99
    profile.samples.add(stack_index=2)
    (read,) = profiles_from_request(request)
    assert (read.sample_type.type, dict(read.attributes)) == ("", {})
    lost, partly = read.samples[2:]
    assert (lost.stack, lost.trace_id, lost.span_id) == ((), None, None)
    assert partly.stack[:2] == (Frame(), Frame(line=3, address=7))


@needs_profiles
def test_a_dictionary_has_each_entry_once_and_zero_first() -> None:
    (profile,) = profiles_from_request(profile_request())
    same = Profile(samples=profile.samples, sample_type=profile.sample_type)
    tables = request_from_profiles([profile, same, profile]).dictionary
    assert len(set(tables.string_table)) == len(tables.string_table)
    assert tables.string_table[0] == ""
    assert len(tables.stack_table) == 2
    assert len(tables.function_table) == 2
    assert len(tables.location_table) == 3
    for name in ("mapping", "location", "function", "attribute", "stack"):
        zero: Message = getattr(tables, f"{name}_table")[0]
        assert zero == type(zero)()
    assert tables.link_table[0].trace_id == bytes(16)


@needs_profiles
def test_a_frame_without_content_is_the_zero_location() -> None:
    request = request_from_profiles([Profile(samples=(Sample(stack=(Frame(),)),))])
    assert len(request.dictionary.location_table) == 1
    (read,) = profiles_from_request(request)
    assert read.samples[0].stack == (Frame(),)


def test_a_limit_of_nothing_is_refused() -> None:
    assert DEFAULT_LIMITS.request_bytes == 64 * 1024 * 1024
    with pytest.raises(UsageError, match="the limit patience_s must be above 0 and is 0"):
        Limits(patience_s=0)

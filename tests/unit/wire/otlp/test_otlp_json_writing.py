"""OTLP JSON is written as senders must write it, and the checker of senders agrees."""

import json
import math
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from otlptest.model import Signal
from otlptest.wire.otlp import otlp_json
from otlptest.wire.otlp.event_names import set_event_name
from otlptest.wire.otlp.json_rules import check_text
from otlptest.wire.otlp.signals import request_class, response_class, signal_names
from tests.support.signals import EACH_SIGNAL


def written(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(otlp_json.encode_message(message))
    return document


def trace_request() -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    entry = request.resource_spans.add(schema_url="https://example.test/1")
    entry.resource.attributes.add(key="service.name").value.string_value = "shop"
    span = entry.scope_spans.add().spans.add(
        trace_id=bytes(range(16)),
        span_id=b"\xab" * 8,
        name="naïve\n",
        kind=2,
        start_time_unix_nano=2**64 - 1,
        flags=257,
        dropped_attributes_count=3,
    )
    span.status.code = Status.STATUS_CODE_ERROR
    span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    for key, member, value in (
        ("text", "string_value", ""),
        ("bool", "bool_value", False),
        ("int", "int_value", 0),
        ("big", "int_value", -(2**63)),
        ("double", "double_value", 0.0),
        ("nan", "double_value", math.nan),
        ("up", "double_value", math.inf),
        ("down", "double_value", -math.inf),
        ("bytes", "bytes_value", b"\xff\xfe\xfd"),
    ):
        setattr(span.attributes.add(key=key).value, member, value)
    span.attributes.add(key="list").value.array_value.values.add().string_value = "a"
    span.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 1
    span.attributes.add(key="empty").value.SetInParent()
    span.attributes.add(key="absent")
    return request


def test_a_span_is_written_as_the_rules_want() -> None:
    (entry,) = written(trace_request())["resourceSpans"]
    assert entry["schemaUrl"] == "https://example.test/1"
    (span,) = entry["scopeSpans"][0]["spans"]
    attributes = span.pop("attributes")
    assert span == {
        "traceId": "000102030405060708090a0b0c0d0e0f",
        "spanId": "ab" * 8,
        "name": "naïve\n",
        "kind": 2,
        "startTimeUnixNano": "18446744073709551615",
        "flags": 257,
        "droppedAttributesCount": 3,
        "status": {"code": 2},
        "links": [{"traceId": "01" * 16, "spanId": "02" * 8}],
    }
    assert {item["key"]: item.get("value") for item in attributes} == {
        "text": {"stringValue": ""},
        "bool": {"boolValue": False},
        "int": {"intValue": "0"},
        "big": {"intValue": "-9223372036854775808"},
        "double": {"doubleValue": 0.0},
        "nan": {"doubleValue": "NaN"},
        "up": {"doubleValue": "Infinity"},
        "down": {"doubleValue": "-Infinity"},
        "bytes": {"bytesValue": "//79"},
        "list": {"arrayValue": {"values": [{"stringValue": "a"}]}},
        "map": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}},
        "empty": {},
        "absent": None,
    }


def metric_request() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="g").gauge.data_points.add(as_int=0)
    histogram = metrics.add(name="h").histogram
    histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    histogram.data_points.add(
        sum=0.0, min=0.0, max=0.0, bucket_counts=[1, 0], explicit_bounds=[0.5]
    ).exemplars.add(as_double=0.0, trace_id=b"\x01" * 16)
    exponential = metrics.add(name="e").exponential_histogram.data_points.add(
        scale=-2, zero_count=3
    )
    exponential.positive.offset = -1
    exponential.positive.bucket_counts.extend([1, 2**64 - 1])
    metrics.add(name="s").summary.data_points.add().quantile_values.add(quantile=0.0, value=1.5)
    return request


def test_points_keep_presence_and_their_zeros() -> None:
    metrics = written(metric_request())["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    gauge, histogram, exponential, summary = metrics
    assert gauge["gauge"]["dataPoints"] == [{"asInt": "0"}]
    assert histogram["histogram"]["aggregationTemporality"] == 2
    assert histogram["histogram"]["dataPoints"] == [
        {
            "sum": 0.0,
            "min": 0.0,
            "max": 0.0,
            "bucketCounts": ["1", "0"],
            "explicitBounds": [0.5],
            "exemplars": [{"asDouble": 0.0, "traceId": "01" * 16}],
        }
    ]
    assert exponential["exponentialHistogram"]["dataPoints"] == [
        {
            "scale": -2,
            "zeroCount": "3",
            "positive": {"offset": -1, "bucketCounts": ["1", "18446744073709551615"]},
        }
    ]
    assert summary["summary"]["dataPoints"] == [{"quantileValues": [{"value": 1.5}]}]


def log_request() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    record = (
        request.resource_logs.add()
        .scope_logs.add()
        .log_records.add(severity_number=17, trace_id=b"\x01" * 16)
    )
    set_event_name(record, "e")
    record.body.kvlist_value.values.add(key="k").value.bytes_value = b""
    return request


REQUESTS: dict[Signal, Message] = {
    "traces": trace_request(),
    "metrics": metric_request(),
    "logs": log_request(),
}


@pytest.mark.parametrize("signal", REQUESTS)
def test_what_is_written_reads_back_and_breaks_no_rule(signal: Signal) -> None:
    text = otlp_json.encode_message(REQUESTS[signal])
    assert b"\n" not in text
    assert otlp_json.encode_message(otlp_json.decode_request(signal, text)) == text
    assert check_text(signal, text) == []


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_partial_success_is_written_with_a_text_count(signal: Signal) -> None:
    names = signal_names(signal)
    response: Any = response_class(signal)()
    assert written(response) == {}
    setattr(response.partial_success, names.rejected_field, 3)
    response.partial_success.error_message = "quota"
    (inner,) = written(response).values()
    assert inner.pop("errorMessage") == "quota"
    assert list(inner.values()) == ["3"]
    assert otlp_json.decode_response(signal, otlp_json.encode_message(response)) == response


def test_a_numeric_rejected_count_is_read() -> None:
    for count in (b"3", b'"3"'):
        text = b'{"partialSuccess":{"rejectedSpans":' + count + b"}}"
        message = otlp_json.decode_response("traces", text)
        assert isinstance(message, ExportTraceServiceResponse)
        assert message.partial_success.rejected_spans == 3


def test_a_set_but_empty_partial_success_is_written() -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.SetInParent()
    assert written(response) == {"partialSuccess": {}}


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_names_of_a_signal_agree_with_its_messages(signal: Signal) -> None:
    names = signal_names(signal)
    descriptor: Any = request_class(signal).DESCRIPTOR
    field = descriptor.fields_by_name[names.field]
    assert field.json_name == names.json_key
    scopes = field.message_type.fields_by_name[names.scope_field]
    assert names.item_field in scopes.message_type.fields_by_name
    service = descriptor.file.services_by_name
    assert f"/{next(iter(service.values())).full_name}/Export" == names.grpc_path
    response: Any = response_class(signal).DESCRIPTOR
    partial = response.fields_by_name["partial_success"]
    assert names.rejected_field in partial.message_type.fields_by_name

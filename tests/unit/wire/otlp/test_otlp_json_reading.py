"""OTLP JSON is read as the requirements say: strict here, lenient there, always with the path."""

import json
import math
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from tests.support.signals import EACH_SIGNAL, needs_profiles

SPAN = "resourceSpans[0].scopeSpans[0].spans[0]"
TRACE_ID = "5b8efff798038103d269b633813fc60c"


def spans(*items: object) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(items)}]}]}


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def read_span(**fields: object) -> Span:
    message = otlp_json.decode_request("traces", encoded(spans(fields)))
    assert isinstance(message, ExportTraceServiceRequest)
    return message.resource_spans[0].scope_spans[0].spans[0]


def read_value(**value: object) -> AnyValue:
    return read_span(attributes=[{"key": "a", "value": value}]).attributes[0].value


# id -> the fields of a span, the rule, the path below the span, part of the problem
REFUSED_FIELDS: dict[str, tuple[dict[str, object], str, str, str]] = {
    "trace-id-base64": ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, "003", "traceId", "32 hex"),
    "trace-id-31-digits": ({"traceId": "1" * 31}, "003", "traceId", "31 characters"),
    "trace-id-no-hex": ({"traceId": "z" * 32}, "003", "traceId", "not hex"),
    "trace-id-with-a-blank": ({"traceId": "1 " + "1" * 30}, "003", "traceId", "not hex"),
    "trace-id-not-ascii": ({"traceId": "\u0661" * 32}, "003", "traceId", "not hex"),
    "trace-id-number": ({"traceId": 7}, "003", "traceId", "7 stands where"),
    "span-id-too-long": ({"spanId": "1" * 32}, "004", "spanId", "16 hex"),
    "parent-id-no-hex": ({"parentSpanId": "x" * 16}, "005", "parentSpanId", "not hex"),
    "link-id-base64": (
        {"links": [{"traceId": TRACE_ID}, {"spanId": "7uGbftHJ1Js="}]},
        "005",
        "links[1].spanId",
        "16 hex",
    ),
    "enum-name": ({"kind": "SPAN_KIND_SERVER"}, "009", "kind", "as numbers"),
    "enum-number-as-text": ({"kind": "2"}, "009", "kind", "as numbers"),
    "enum-name-in-status": (
        {"status": {"code": "STATUS_CODE_ERROR"}},
        "009",
        "status.code",
        "as numbers",
    ),
    "enum-too-large": ({"kind": 2**31}, "019", "kind", "not between"),
    "enum-boolean": ({"kind": True}, "037", "kind", "true stands where"),
    "time-rfc3339": (
        {"startTimeUnixNano": "2024-01-01T00:00:00Z"},
        "023",
        "startTimeUnixNano",
        "nanoseconds",
    ),
    "time-negative": ({"startTimeUnixNano": "-1"}, "019", "startTimeUnixNano", "not between"),
    "time-too-large": ({"endTimeUnixNano": str(2**64)}, "019", "endTimeUnixNano", "not between"),
    "time-boolean": ({"endTimeUnixNano": False}, "037", "endTimeUnixNano", "false stands"),
    "count-too-large": (
        {"droppedAttributesCount": 2**32},
        "019",
        "droppedAttributesCount",
        "between 0 and 4294967295",
    ),
    "count-negative": ({"droppedLinksCount": -1}, "019", "droppedLinksCount", "not between"),
    "flags-fraction": ({"flags": 1.5}, "020", "flags", "not an integer"),
    "flags-text": ({"flags": "many"}, "019", "flags", "not an integer"),
    "flags-float-text": ({"flags": "1.0"}, "019", "flags", "not an integer"),
    "time-inexact-float": ({"startTimeUnixNano": 1e19}, "020", "startTimeUnixNano", "exactly"),
    "name-number": ({"name": 7}, "037", "name", "7 stands where a string belongs"),
    "name-half-surrogate": ({"name": "a\ud800"}, "035", "name", "surrogate pair at character 1"),
    "attributes-object": ({"attributes": {}}, "037", "attributes", "a list belongs"),
    "attribute-text": ({"attributes": ["a"]}, "037", "attributes[0]", "an object belongs"),
    "attribute-null": ({"attributes": [None]}, "037", "attributes[0]", "null stands where"),
    "status-list": ({"status": []}, "037", "status", "a list stands where an object"),
    "event-name-list": ({"events": [{}, {"name": []}]}, "037", "events[1].name", "a list"),
}


@pytest.mark.parametrize(
    ("fields", "rule", "path", "problem"), REFUSED_FIELDS.values(), ids=REFUSED_FIELDS
)
def test_a_wrong_field_is_refused_with_its_path(
    fields: dict[str, object], rule: str, path: str, problem: str
) -> None:
    with pytest.raises(WireError) as caught:
        otlp_json.decode_request("traces", encoded(spans(fields)))
    error = caught.value
    assert (error.kind, error.rule) == ("malformed", f"OTLP-JSON-{rule}")
    assert error.place == f"{SPAN}.{path}"
    assert problem in error.problem


REFUSED_VALUES: dict[str, tuple[dict[str, object], str, str]] = {
    "int-too-large": ({"intValue": "9223372036854775808"}, "019", ".intValue"),
    "int-too-small": ({"intValue": "-9223372036854775809"}, "019", ".intValue"),
    "int-enormous": ({"intValue": "9" * 5000}, "019", ".intValue"),
    "int-fraction-text": ({"intValue": "1.5"}, "019", ".intValue"),
    "int-word": ({"intValue": "abc"}, "019", ".intValue"),
    "int-empty": ({"intValue": ""}, "019", ".intValue"),
    "int-plus": ({"intValue": "+1"}, "019", ".intValue"),
    "int-blank": ({"intValue": " 1"}, "019", ".intValue"),
    "int-other-digits": ({"intValue": "\u0661"}, "019", ".intValue"),
    "int-beyond-exact-floats": ({"intValue": 1e18}, "020", ".intValue"),
    "double-word": ({"doubleValue": "many"}, "024", ".doubleValue"),
    "double-lower-case-nan": ({"doubleValue": "nan"}, "024", ".doubleValue"),
    "double-too-large-text": ({"doubleValue": "1e999"}, "024", ".doubleValue"),
    "double-too-large-integer": ({"doubleValue": 10**400}, "024", ".doubleValue"),
    "double-boolean": ({"doubleValue": True}, "037", ".doubleValue"),
    "bool-text": ({"boolValue": "true"}, "037", ".boolValue"),
    "bool-number": ({"boolValue": 1}, "037", ".boolValue"),
    "bytes-no-base64": ({"bytesValue": "a!b="}, "026", ".bytesValue"),
    "bytes-with-strange-digits": ({"bytesValue": "QUJD!!!!"}, "026", ".bytesValue"),
    "bytes-one-digit": ({"bytesValue": "a"}, "026", ".bytesValue"),
    "bytes-number": ({"bytesValue": 1}, "037", ".bytesValue"),
    "two-members": ({"stringValue": "a", "intValue": "1"}, "033", ""),
    "null-in-a-list": ({"arrayValue": {"values": [{}, None]}}, "037", ".arrayValue.values[1]"),
}


@pytest.mark.parametrize(("value", "rule", "path"), REFUSED_VALUES.values(), ids=REFUSED_VALUES)
def test_a_wrong_value_is_refused_with_its_path(
    value: dict[str, object], rule: str, path: str
) -> None:
    with pytest.raises(WireError) as caught:
        read_value(**value)
    assert caught.value.rule == f"OTLP-JSON-{rule}"
    assert caught.value.place == f"{SPAN}.attributes[0].value{path}"
    assert len(str(caught.value)) < 300


def test_a_double_beyond_range_is_refused_as_a_number_too() -> None:
    text = encoded(spans({"attributes": [{"value": {"doubleValue": "X"}}]}))
    with pytest.raises(WireError, match="larger than a double can be"):
        otlp_json.decode_request("traces", text.replace(b'"X"', b"1e999"))


@pytest.mark.parametrize("document", [[], "x", 42, None, True], ids=str)
def test_a_document_that_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(WireError, match="must be an object") as caught:
        otlp_json.decode_request("logs", encoded(document))
    assert caught.value.rule == "OTLP-JSON-036"


READ_VALUES: dict[str, tuple[dict[str, object], object]] = {
    "int-text": ({"intValue": "1"}, 1),
    "int-number": ({"intValue": 1}, 1),
    "int-max": ({"intValue": str(2**63 - 1)}, 2**63 - 1),
    "int-min": ({"intValue": str(-(2**63))}, -(2**63)),
    "int-max-as-number": ({"intValue": 2**63 - 1}, 2**63 - 1),
    "int-exponent": ({"intValue": 1e3}, 1000),
    "int-zero": ({"intValue": "0"}, 0),
    "double-number": ({"doubleValue": 1.5}, 1.5),
    "double-integer": ({"doubleValue": 2}, 2.0),
    "double-text": ({"doubleValue": "1.5e3"}, 1500.0),
    "double-infinity": ({"doubleValue": "Infinity"}, math.inf),
    "double-minus-infinity": ({"doubleValue": "-Infinity"}, -math.inf),
    "bool": ({"boolValue": False}, False),
    "text": ({"stringValue": ""}, ""),
    "text-beyond-ascii": ({"stringValue": "\U0001f600\0é"}, "\U0001f600\0é"),
    "bytes": ({"bytesValue": "//79"}, b"\xff\xfe\xfd"),
    "bytes-url-safe": ({"bytesValue": "__79"}, b"\xff\xfe\xfd"),
    "bytes-unpadded": ({"bytesValue": "/w"}, b"\xff"),
    "bytes-padded": ({"bytesValue": "/w=="}, b"\xff"),
    "bytes-empty": ({"bytesValue": ""}, b""),
    "one-member-and-a-null": ({"stringValue": None, "intValue": "1"}, 1),
}


@pytest.mark.parametrize(("value", "expected"), READ_VALUES.values(), ids=READ_VALUES)
def test_a_value_is_read(value: dict[str, object], expected: object) -> None:
    message = read_value(**value)
    member = message.WhichOneof("value")
    assert member is not None
    assert getattr(message, member) == expected


def test_nan_is_read() -> None:
    assert math.isnan(read_value(doubleValue="NaN").double_value)


def test_an_empty_value_is_no_value() -> None:
    assert read_value().WhichOneof("value") is None
    attributes = read_span(attributes=[{"key": "a"}, {"key": "b", "value": None}]).attributes
    assert [a.key for a in attributes] == ["a", "b"]
    assert not attributes[1].HasField("value")


def test_ids_are_read_without_regard_to_case() -> None:
    lower, upper = read_span(traceId=TRACE_ID), read_span(traceId=TRACE_ID.upper())
    assert lower.trace_id == upper.trace_id == bytes.fromhex(TRACE_ID)


def test_empty_ids_are_read_as_absent() -> None:
    span = read_span(traceId="", spanId="", parentSpanId="")
    assert (span.trace_id, span.span_id, span.parent_span_id) == (b"", b"", b"")


def test_numbers_of_32_bits_are_read_from_texts() -> None:
    span = read_span(flags="257", droppedAttributesCount="4294967295", kind=99)
    assert (span.flags, span.dropped_attributes_count, span.kind) == (257, 2**32 - 1, 99)


def test_times_use_the_whole_range() -> None:
    span = read_span(startTimeUnixNano=str(2**64 - 1), endTimeUnixNano=2**64 - 1)
    assert span.start_time_unix_nano == span.end_time_unix_nano == 2**64 - 1


def test_null_is_the_default_everywhere() -> None:
    names = [field.json_name for field in Span.DESCRIPTOR.fields]
    assert read_span(**dict.fromkeys(names)) == Span()


@pytest.mark.parametrize("junk", [1, "x", None, [], {"a": [1]}, True], ids=str)
def test_unknown_keys_are_ignored_at_every_level(junk: object) -> None:
    def with_junk(value: object) -> object:
        if isinstance(value, list):
            return [with_junk(item) for item in value]
        if isinstance(value, dict):
            known = {key: with_junk(item) for key, item in value.items()}
            return {"": junk, "future": junk, "trace_id": junk, **known}
        return value

    span = {
        "traceId": TRACE_ID,
        "attributes": [{"key": "a", "value": {"kvlistValue": {"values": [{"key": "b"}]}}}],
        "events": [{"name": "e"}],
        "links": [{"traceId": TRACE_ID}],
        "status": {"code": 2},
    }
    document = spans(span)
    document["resourceSpans"][0]["resource"] = {"attributes": [{"key": "c"}]}
    plain = otlp_json.decode_request("traces", encoded(document))
    assert otlp_json.decode_request("traces", encoded(with_junk(document))) == plain


def test_snake_case_keys_are_unknown_keys() -> None:
    message = otlp_json.decode_request("traces", b'{"resource_spans":[{"scope_spans":[]}]}')
    assert message == ExportTraceServiceRequest()


def test_the_last_of_repeated_keys_counts() -> None:
    text = encoded(spans({"name": "a"})).replace(b'"name": "a"', b'"name":"a","name":"b"')
    message = otlp_json.decode_request("traces", text)
    assert isinstance(message, ExportTraceServiceRequest)
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "b"


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_an_empty_object_is_an_empty_request(signal: Signal) -> None:
    assert otlp_json.decode_request(signal, b"{}").ByteSize() == 0


def test_optional_sums_keep_their_presence() -> None:
    point = {"sum": 0, "min": 0.0, "bucketCounts": ["1", 2], "explicitBounds": [0, "1.5"]}
    document = {"scopeMetrics": [{"metrics": [{"histogram": {"dataPoints": [point]}}]}]}
    message = otlp_json.decode_request("metrics", encoded({"resourceMetrics": [document]}))
    assert isinstance(message, ExportMetricsServiceRequest)
    read = message.resource_metrics[0].scope_metrics[0].metrics[0].histogram.data_points[0]
    assert (read.HasField("sum"), read.HasField("min"), read.HasField("max")) == (True, True, False)
    assert list(read.bucket_counts) == [1, 2]
    assert list(read.explicit_bounds) == [0.0, 1.5]


def test_a_wrong_number_in_a_list_is_placed() -> None:
    point = {"bucketCounts": ["1", "x"]}
    document = {"scopeMetrics": [{"metrics": [{"histogram": {"dataPoints": [point]}}]}]}
    with pytest.raises(WireError) as caught:
        otlp_json.decode_request("metrics", encoded({"resourceMetrics": [document]}))
    assert caught.value.place.endswith("histogram.dataPoints[0].bucketCounts[1]")


@pytest.mark.parametrize("place", ["body", "attributes"])
@pytest.mark.parametrize("member", ["arrayValue", "kvlistValue"])
def test_both_encodings_refuse_the_same_depth(member: str, place: str) -> None:
    outcomes: list[tuple[str, bool]] = []
    for levels in range(25, 55):
        body: dict[str, Any] = {"intValue": "1"}
        for _ in range(levels):
            element = body if member == "arrayValue" else {"key": "k", "value": body}
            body = {member: {"values": [element]}}
        content = body if place == "body" else [{"key": "k", "value": body}]
        record = {"scopeLogs": [{"logRecords": [{place: content}]}]}
        outcomes.append(_is_read({"resourceLogs": [record]}))
    verdicts = [json_fault for json_fault, _ in outcomes]
    assert verdicts == sorted(verdicts)
    assert set(verdicts) == {"", "OTLP-JSON-044"}
    assert all(protobuf_reads is not bool(json_fault) for json_fault, protobuf_reads in outcomes)


def _is_read(document: dict[str, Any]) -> tuple[str, bool]:
    """Why JSON refuses it, and whether protobuf reads it."""
    fault = ""
    try:
        otlp_json.decode_request("logs", encoded(document))
    except WireError as refused:
        fault = refused.rule
    try:
        otlp_protobuf.decode_request("logs", _wire_bytes(document), protocol="grpc")
    except WireError:
        return fault, False
    return fault, True


NUMBERS = {"resourceLogs": 1, "scopeLogs": 2, "logRecords": 2, "body": 5, "arrayValue": 5}
NUMBERS |= {"attributes": 6, "kvlistValue": 6, "values": 1, "value": 2}


def _wire_bytes(document: dict[str, Any]) -> bytes:
    out = b""
    for key, value in document.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                content = _wire_bytes(item)
                size = len(content)
                length = bytes([size & 0x7F | 0x80, size >> 7]) if size > 0x7F else bytes([size])
                out += bytes([NUMBERS[key] << 3 | 2]) + length + content
    return out


def test_log_ids_are_checked_too() -> None:
    record = {"scopeLogs": [{"logRecords": [{"traceId": "abc"}]}]}
    with pytest.raises(WireError) as caught:
        otlp_json.decode_request("logs", encoded({"resourceLogs": [record]}))
    assert caught.value.rule == "OTLP-JSON-005"
    assert caught.value.place == "resourceLogs[0].scopeLogs[0].logRecords[0].traceId"
    message = otlp_json.decode_request(
        "logs", encoded({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": ""}]}]}]})
    )
    assert isinstance(message, ExportLogsServiceRequest)


@needs_profiles
@pytest.mark.parametrize("form", ["2a" * 16, "KioqKioqKioqKioqKioqKg==", "KioqKioqKioqKioqKioqKg"])
def test_profile_ids_are_read_in_hex_and_in_base64(form: str) -> None:
    document = {"resourceProfiles": [{"scopeProfiles": [{"profiles": [{"profileId": form}]}]}]}
    message: Any = otlp_json.decode_request("profiles", encoded(document))
    assert message.resource_profiles[0].scope_profiles[0].profiles[0].profile_id == b"*" * 16


@needs_profiles
@pytest.mark.parametrize("form", ["abc", "////", "z" * 32])
def test_a_profile_id_of_another_length_is_refused(form: str) -> None:
    document = {"resourceProfiles": [{"scopeProfiles": [{"profiles": [{"profileId": form}]}]}]}
    with pytest.raises(WireError):
        otlp_json.decode_request("profiles", encoded(document))

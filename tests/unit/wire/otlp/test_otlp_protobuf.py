"""Bytes that are no OTLP message are refused with the place where they stop being one."""

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.errors import WireError
from otlptest.model import Protocol, Signal
from otlptest.wire.otlp.otlp_protobuf import decode_request, encode_message, rule_of_malformed
from tests.support.signals import EACH_SIGNAL


def delimited(number: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def in_a_span(content: bytes) -> bytes:
    return delimited(1, delimited(2, delimited(2, content)))


SPAN = "resource_spans[0].scope_spans[0].spans[0]"
HEAD = 6  # bytes before a span's content in `in_a_span`

# case -> bytes, part of the problem, the place
FAULTS: dict[str, tuple[bytes, str, str]] = {
    "random-bytes": (b"\xff" * 4, "tag is cut off", "byte 0"),
    "truncated-in-length": (b"\x0a\x05\x00", "needs 5 bytes and 1 are left", "[0], byte 1"),
    "truncated-in-fixed": (
        in_a_span(b"\x39\x01\x02"),
        "needs 8 bytes and 2 are left",
        f"{SPAN}.start_time_unix_nano, byte {HEAD + 1}",
    ),
    "huge-length": (b"\x0a\xff\xff\xff\xff\x07", "needs 2147483647 bytes", "byte 1"),
    "overlong-varint": (b"\x0a" + b"\xff" * 11, "longer than 10 bytes", "byte 1"),
    "unterminated-varint": (b"\x0a\xff", "cut off", "byte 1"),
    "field-number-zero": (b"\x00\x01", "number 0", "byte 0"),
    "wire-type-6": (b"\x0e", "wire type 6", "byte 0"),
    "wire-type-7": (in_a_span(b"\x0f"), "wire type 7", f"spans[0].trace_id, byte {HEAD}"),
    "unopened-group": (b"\x0c", "closed and was never opened", "byte 0"),
    "unclosed-group": (b"\x1b\x08\x01", "never closed", "field 3, byte 3"),
    "wrong-group-closed": (b"\x1b\x24", "group 4 is closed", "field 3, byte 1"),
    "text-that-is-not-utf8": (in_a_span(b"\x2a\x02a\xff"), "not UTF-8", f"{SPAN}.name, byte 9"),
    "trailing-garbage": (in_a_span(b"") + b"\xff", "tag is cut off", "byte 6"),
    "grpc-prefix-left-on": (b"\x00\x00\x00\x00\x06" + in_a_span(b""), "number 0", "byte 0"),
    "json-text": (b'{"resourceSpans":[]}', "", "byte"),
}


@pytest.mark.parametrize(("data", "problem", "place"), FAULTS.values(), ids=FAULTS)
def test_broken_bytes_are_refused_with_their_place(data: bytes, problem: str, place: str) -> None:
    with pytest.raises(WireError) as caught:
        decode_request("traces", data, protocol="grpc")
    error = caught.value
    assert (error.kind, error.rule) == ("malformed", "OTLP-GRPC-007")
    assert problem in error.problem
    assert place in error.place


def test_the_place_counts_what_came_before() -> None:
    spans = delimited(2, b"") + delimited(2, b"\x2a\x01a") + delimited(2, b"\x2a\x01\xff")
    data = delimited(1, b"") + delimited(1, delimited(2, spans))
    with pytest.raises(WireError) as caught:
        decode_request("traces", data, protocol="grpc")
    assert caught.value.place == (
        f"resource_spans[1].scope_spans[0].spans[2].name, byte {len(data) - 1}"
    )


def test_broken_packed_numbers_are_placed_in_their_point() -> None:
    point = delimited(6, b"\x01" * 7)  # bucket_counts of a histogram point: fixed64
    histogram = delimited(9, delimited(1, point))
    data = delimited(1, delimited(2, delimited(2, histogram)))
    with pytest.raises(WireError) as caught:
        decode_request("metrics", data, protocol="http/protobuf")
    assert "8 bytes end within one" in caught.value.problem
    assert "metrics[0].histogram.data_points[0].bucket_counts" in caught.value.place


def test_deep_nesting_is_refused_without_a_stack_overflow() -> None:
    value = b""
    for _ in range(10_000):
        value = length_prefixed(5, length_prefixed(1, value))
    data = value
    for number in (2, 9, 2, 2, 1):  # value, attributes, spans, scope_spans, resource_spans
        data = length_prefixed(number, data)
    with pytest.raises(WireError) as caught:
        decode_request("traces", data, protocol="grpc")
    assert "nest deeper than 101" in caught.value.problem


def length_prefixed(number: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + content


@pytest.mark.parametrize(
    ("protocol", "rule"),
    [
        pytest.param("grpc", "OTLP-GRPC-007", id="grpc"),
        pytest.param("http/protobuf", "OTLP-HTTP-008", id="http"),
        pytest.param("http/json", "OTLP-JSON-036", id="json"),
    ],
)
def test_the_rule_follows_from_the_protocol(protocol: Protocol, rule: str) -> None:
    assert rule_of_malformed(protocol) == rule
    with pytest.raises(WireError) as caught:
        decode_request("logs", b"\xff", protocol=protocol)
    assert caught.value.rule == rule


@pytest.mark.parametrize("signal", EACH_SIGNAL)
def test_zero_bytes_are_an_empty_request(signal: Signal) -> None:
    message = decode_request(signal, b"", protocol="grpc")
    assert isinstance(message, Message)
    assert encode_message(message) == b""


def test_unknown_fields_and_groups_are_skipped() -> None:
    group = b"\x1b\x08\x01\x1c"
    message = decode_request("traces", in_a_span(b"") + group, protocol="grpc")
    assert isinstance(message, ExportTraceServiceRequest)
    assert len(message.resource_spans[0].scope_spans[0].spans) == 1


def test_every_refused_cut_of_a_request_has_a_place() -> None:
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(name="charge", trace_id=b"\x01" * 16, start_time_unix_nano=1 << 60, flags=257)
    )
    span.attributes.add(key="k").value.double_value = 1.5
    data = encode_message(request)
    for end in range(1, len(data)):
        with pytest.raises(WireError, match=r"\(at .*byte \d+\)"):
            decode_request("traces", data[:end], protocol="grpc")

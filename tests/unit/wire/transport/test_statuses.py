"""Statuses survive both encodings, and broken ones are refused with their rule."""

import json

import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    Status as StatusMessage,
)

from otlptest.errors import WireError
from otlptest.wire.transport.statuses import (
    FieldViolation,
    GrpcCode,
    RpcStatus,
    decode_grpc_message,
    decode_status,
    decode_status_details,
    encode_grpc_message,
    encode_status,
    encode_status_details,
    retry_after_seconds,
)

FULL = RpcStatus(
    code=GrpcCode.INVALID_ARGUMENT,
    message="naïve \U0001f600",
    retry_delay_s=0.25,
    violations=(FieldViolation(field="resourceSpans[0]", description="is not an object"),),
    details=("google.rpc.BadRequest", "google.rpc.RetryInfo"),
)
STATUSES = {
    "full": FULL,
    "plain": RpcStatus(code=GrpcCode.UNAVAILABLE, message="later"),
    "unknown-code": RpcStatus(code=99, message=""),
    "zero-delay": RpcStatus(
        code=GrpcCode.UNAVAILABLE, retry_delay_s=0.0, details=("google.rpc.RetryInfo",)
    ),
}


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
def test_a_status_survives_its_encoding(status: RpcStatus, encoding: str) -> None:
    assert decode_status(encode_status(status, encoding), encoding) == status


def test_json_form_is_the_one_that_protobuf_itself_writes() -> None:
    message = StatusMessage.FromString(encode_status(FULL, "protobuf"))
    theirs = json_format.MessageToDict(message)
    ours = json.loads(encode_status(FULL, "json"))
    assert json_format.ParseDict(ours, StatusMessage()) == message
    assert ours.keys() == theirs.keys()


@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
def test_a_status_survives_the_trailer(status: RpcStatus) -> None:
    value = encode_status_details(status)
    assert "=" not in value
    assert decode_status_details(value) == status
    assert decode_status_details(value + "=" * (-len(value) % 4)) == status
    assert decode_status_details(encode_status(status, "protobuf")) == status


def test_details_of_unknown_types_are_named() -> None:
    body = {"code": 3, "details": [{"@type": "type.googleapis.com/shop.Reason", "a": 1}]}
    assert decode_status(json.dumps(body).encode(), "json").details == ("shop.Reason",)
    message = StatusMessage(code=3)
    message.details.add(type_url="type.googleapis.com/shop.Reason", value=b"\xff")
    assert decode_status(message.SerializeToString(), "protobuf").details == ("shop.Reason",)


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "html": ("protobuf", b"<html>", "OTLP-RESP-055"),
    "json-text": ("json", b"<html>", "OTLP-JSON-042"),
    "json-list": ("json", b"[]", "OTLP-JSON-042"),
    "json-not-utf8": ("json", b'"\xff"', "OTLP-JSON-042"),
    "json-code-is-a-name": ("json", b'{"code":"UNAVAILABLE"}', "OTLP-JSON-042"),
    "json-code-is-a-list": ("json", b'{"code":[]}', "OTLP-JSON-042"),
    "json-message-is-a-number": ("json", b'{"message":7}', "OTLP-JSON-042"),
    "json-details-is-an-object": ("json", b'{"details":{}}', "OTLP-JSON-042"),
    "json-details-of-numbers": ("json", b'{"details":[1]}', "OTLP-JSON-042"),
    "json-bad-delay": (
        "json",
        b'{"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"soon"}]}',
        "OTLP-JSON-042",
    ),
    "json-deep": ("json", b"[" * 100_000, "OTLP-JSON-042"),
    "json-other-keys": ("json", b'{"detail":"no"}', "OTLP-JSON-042"),
    "protobuf-other-fields": ("protobuf", b"xxxx", "OTLP-RESP-055"),
}


@pytest.mark.parametrize(("encoding", "data", "rule"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_status_is_refused(encoding: str, data: bytes, rule: str) -> None:
    with pytest.raises(WireError, match=r"no google\.rpc\.Status") as caught:
        decode_status(data, encoding)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        pytest.param("json", b"{}", id="nothing in JSON"),
        pytest.param("json", b'{"message":"no","more":1}', id="an unknown key beside a known one"),
        pytest.param("protobuf", b"", id="nothing in protobuf"),
        pytest.param("protobuf", b"\x12\x02noxx", id="an unknown field beside a known one"),
    ],
)
def test_what_leaves_fields_out_or_adds_some_is_a_status(encoding: str, data: bytes) -> None:
    assert decode_status(data, encoding).code == GrpcCode.OK


def test_a_trailer_that_is_no_base64_is_refused() -> None:
    with pytest.raises(WireError, match="no base64"):
        decode_status_details("é")


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        pytest.param("plain text, 7/8!", "plain text, 7/8!", id="printable"),
        pytest.param("100 %", "100 %25", id="percent"),
        pytest.param("a\nb", "a%0Ab", id="newline"),
        pytest.param("é", "%C3%A9", id="not-ascii"),
    ],
)
def test_grpc_message_is_percent_encoded(text: str, encoded: str) -> None:
    assert encode_grpc_message(text) == encoded
    assert decode_grpc_message(encoded) == text


def test_a_grpc_message_that_is_wrongly_encoded_is_kept() -> None:
    assert decode_grpc_message("100% %zz %C3") == "100% %zz �"


RETRYABLE = {1, 4, 10, 11, 14, 15}


@pytest.mark.parametrize("code", GrpcCode, ids=lambda code: code.name)
def test_codes_are_retryable_by_the_table(code: GrpcCode) -> None:
    assert RpcStatus(code=code).is_retryable is (code in RETRYABLE)
    with_delay = RpcStatus(code=code, retry_delay_s=1.0)
    assert with_delay.is_retryable is (code in RETRYABLE or code == 8)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param(" 0 ", 0.0, id="zero"),
        pytest.param("Thu, 01 Jan 1970 00:01:40 GMT", 90.0, id="date"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", 0.0, id="past-date"),
        pytest.param("-5", None, id="negative"),
        pytest.param("abc", None, id="text"),
        pytest.param("", None, id="empty"),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(value, 10.0) == seconds

"""`google.rpc.Status`, gRPC status codes, and their encodings on the wire.

A status goes as protobuf or JSON in an HTTP error body (OTLP-RESP-055, OTLP-JSON-042), and as
`grpc-status`, `grpc-message` and `grpc-status-details-bin` in gRPC trailers (OTLP-RESP-050).
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Any, Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    Status as StatusMessage,
)

from otlptest.errors import WireError

_NANOS: Final = 1_000_000_000
_TYPE_PREFIX: Final = "type.googleapis.com/"
_BAD_REQUEST: Final = "google.rpc.BadRequest"
_RETRY_INFO: Final = "google.rpc.RetryInfo"
_FIELDS: Final = frozenset({"code", "message", "details"})
_NO_FIELDS: Final = "it has none of code, message and details"
_RULE: Final = {"protobuf": "OTLP-RESP-055", "json": "OTLP-JSON-042"}


class GrpcCode(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


RETRYABLE_HTTP_STATUSES: Final = frozenset({429, 502, 503, 504})
"""Statuses after which a client should send again (SPEC "Retryable Response Codes")."""

_RETRYABLE: Final = frozenset({1, 4, 10, 11, 14, 15})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """error_details.proto `BadRequest.FieldViolation`: a field path and its fault."""

    field: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcStatus:
    """A `google.rpc.Status`, with the two details that OTLP uses.

    Attributes:
        code: A gRPC code; unknown numbers stay numbers.
        message: For developers (OTLP-RESP-058).
        retry_delay_s: From `RetryInfo`, seconds; None without one.
        violations: From `BadRequest` (OTLP-RESP-059).
        details: The type name of each detail, as sent.
    """

    code: GrpcCode | int
    message: str = ""
    retry_delay_s: float | None = None
    violations: tuple[FieldViolation, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def is_retryable(self) -> bool:
        """Return whether a client should send again (SPEC, OTLP/gRPC "Failures", the table)."""
        if self.code == GrpcCode.RESOURCE_EXHAUSTED:
            return self.retry_delay_s is not None
        return self.code in _RETRYABLE


def encode_status(status: RpcStatus, encoding: str) -> bytes:
    """Return `status` as an error body.

    Args:
        status: `violations` and `retry_delay_s` become details; `details` is not read.
        encoding: `protobuf` or `json`.
    """
    if encoding == "json":
        return json.dumps(_status_json(status), ensure_ascii=False).encode()
    return bytes(_status_message(status).SerializeToString(deterministic=True))


def decode_status(data: bytes, encoding: str) -> RpcStatus:
    """Return the status in an error body.

    Args:
        data: The body, inflated.
        encoding: `protobuf` or `json`.

    Raises:
        WireError: The body is not a `google.rpc.Status`.
    """
    try:
        if encoding == "json":
            return _status_from_json(json.loads(data))
        return _status_from_message(_message_of(data))
    except (DecodeError, ValueError, TypeError, RecursionError) as broken:
        problem = f"no google.rpc.Status in {encoding}: {broken}"
        raise WireError("malformed", _RULE[encoding], problem) from broken


def encode_status_details(status: RpcStatus) -> str:
    """Return the value of `grpc-status-details-bin`: base64 without padding."""
    return base64.b64encode(encode_status(status, "protobuf")).decode().rstrip("=")


def decode_status_details(value: str | bytes) -> RpcStatus:
    """Return the status in `grpc-status-details-bin`.

    Args:
        value: base64 with or without padding, or the bytes that a gRPC library decoded.

    Raises:
        WireError: It is not base64, or not a `google.rpc.Status`.
    """
    if isinstance(value, bytes):
        return decode_status(value, "protobuf")
    try:
        data = base64.b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))
    except (binascii.Error, ValueError) as broken:
        raise WireError("malformed", "OTLP-RESP-050", f"no base64: {value!r}") from broken
    return decode_status(data, "protobuf")


def encode_grpc_message(text: str) -> str:
    """Return `text` for `grpc-message`: UTF-8, percent-encoded except for printable ASCII."""
    return quote_from_bytes(text.encode("utf-8", "replace"), safe=_PRINTABLE)


def decode_grpc_message(value: str) -> str:
    """Return the text of a `grpc-message`; invalid percent-encodings are kept."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


_PRINTABLE: Final = bytes(range(0x20, 0x7F)).replace(b"%", b"")


def retry_after_seconds(value: str, now_unix_s: float) -> float | None:
    """Return the seconds of `Retry-After`, at least 0; None if it is unreadable.

    Args:
        value: The header: a number of seconds or an HTTP date (RFC 9110 section 10.2.3).
        now_unix_s: The time that a date is compared with.
    """
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", text):
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_unix_s)
    except (ValueError, TypeError, OverflowError):
        return None


def _status_message(status: RpcStatus) -> StatusMessage:
    message = StatusMessage(code=int(status.code), message=status.message)
    details: list[Message] = []
    if status.violations:
        request = BadRequest()
        for violation in status.violations:
            request.field_violations.add(field=violation.field, description=violation.description)
        details.append(request)
    if status.retry_delay_s is not None:
        info = RetryInfo()
        info.retry_delay.seconds, info.retry_delay.nanos = _seconds_and_nanos(status.retry_delay_s)
        details.append(info)
    for detail in details:
        message.details.add().Pack(detail)
    return message


def _seconds_and_nanos(seconds: float) -> tuple[int, int]:
    return divmod(round(seconds * _NANOS), _NANOS)


def _message_of(data: bytes) -> StatusMessage:
    """Return the message in `data`.

    Raises:
        DecodeError: It is not a protobuf.
        ValueError: It has other fields only, not those of a status.
    """
    message = StatusMessage.FromString(data)
    if data and not message.ListFields():
        raise ValueError(_NO_FIELDS)
    return message


def _status_from_message(message: StatusMessage) -> RpcStatus:
    delay: float | None = None
    violations: list[FieldViolation] = []
    for detail in message.details:
        if detail.Is(RetryInfo.DESCRIPTOR):
            info = RetryInfo.FromString(detail.value)
            delay = info.retry_delay.seconds + info.retry_delay.nanos / _NANOS
        elif detail.Is(BadRequest.DESCRIPTOR):
            violations += [
                FieldViolation(field=found.field, description=found.description)
                for found in BadRequest.FromString(detail.value).field_violations
            ]
    return RpcStatus(
        code=_code(message.code),
        message=message.message,
        retry_delay_s=delay,
        violations=tuple(violations),
        details=tuple(detail.type_url.rpartition("/")[2] for detail in message.details),
    )


def _code(number: int) -> GrpcCode | int:
    return GrpcCode(number) if 0 <= number <= GrpcCode.UNAUTHENTICATED else number


def _status_json(status: RpcStatus) -> dict[str, Any]:
    body: dict[str, Any] = {"code": int(status.code), "message": status.message}
    details: list[dict[str, Any]] = []
    if status.violations:
        found = [{"field": v.field, "description": v.description} for v in status.violations]
        details.append({"@type": _TYPE_PREFIX + _BAD_REQUEST, "fieldViolations": found})
    if status.retry_delay_s is not None:
        seconds, nanos = _seconds_and_nanos(status.retry_delay_s)
        text = f"{seconds}.{nanos:09d}".rstrip("0").rstrip(".")
        details.append({"@type": _TYPE_PREFIX + _RETRY_INFO, "retryDelay": f"{text}s"})
    if details:
        body["details"] = details
    return body


def _status_from_json(body: object) -> RpcStatus:
    """Return the status in protobuf's JSON mapping.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(body, dict):
        raise TypeError(f"it is not an object but {type(body).__name__}")
    if body and not _FIELDS & body.keys():
        raise TypeError(_NO_FIELDS)
    details = _list_of_objects(body, "details")
    delay: float | None = None
    violations: list[FieldViolation] = []
    for detail in details:
        kind = _text(detail, "@type").rpartition("/")[2]
        if kind == _RETRY_INFO:
            delay = _duration(_text(detail, "retryDelay"))
        elif kind == _BAD_REQUEST:
            violations += [
                FieldViolation(field=_text(found, "field"), description=_text(found, "description"))
                for found in _list_of_objects(detail, "fieldViolations")
            ]
    return RpcStatus(
        code=_code(_integer(body, "code")),
        message=_text(body, "message"),
        retry_delay_s=delay,
        violations=tuple(violations),
        details=tuple(_text(detail, "@type").rpartition("/")[2] for detail in details),
    )


def _integer(body: dict[str, Any], key: str) -> int:
    """Return a number that may be absent.

    Raises:
        TypeError: It is something else.
    """
    value = body.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{key} is not a number but {value!r}")
    return int(value)


def _text(body: dict[str, Any], key: str) -> str:
    """Return a text that may be absent.

    Raises:
        TypeError: It is something else.
    """
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{key} is not text but {value!r}")
    return value


def _list_of_objects(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects that may be absent.

    Raises:
        ValueError: It is something else.
    """
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{key} is not a list of objects")
    return value


def _duration(text: str) -> float:
    """Return the seconds of protobuf's JSON form of a Duration, e.g. `1.5s`.

    Raises:
        ValueError: `text` is not a Duration.
    """
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s", text):
        raise ValueError(f"retryDelay is not a duration but {text!r}")
    return float(text[:-1])

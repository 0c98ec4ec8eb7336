"""Planned faults as bytes: a `ReplyFault` over HTTP and over gRPC."""

import math
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from otlptest.collector.server.reply_encoding import GRPC_HEAD, MEDIA_TYPES, status_fields
from otlptest.collector.server.request_head import BodyEncoding, Head
from otlptest.faults import ReplyFault
from otlptest.wire.otlp.responses import encode_partial_success, padding
from otlptest.wire.transport.compression import compress
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.statuses import (
    GrpcCode,
    RpcStatus,
    encode_status,
)

Fields = tuple[tuple[str, str], ...]

_NANOS: Final = 1_000_000_000
_BODILESS: Final = frozenset({204, 304})
_CUT_PROTOBUF: Final = b"\x0a\x7f\x08\x03"  # field 1 of 127 bytes, and two are there
_CUT_JSON: Final = b'{"partialSuccess":{"rejectedSpans":'
_REDIRECTS: Final = 3  # the class of the HTTP statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """A response over HTTP."""

    status: int
    fields: Fields
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcAnswer:
    """A response over gRPC.

    Attributes:
        head: The first header block, the only one of a trailers-only response.
        body: The content of the DATA frames.
        trailers: The last header block; None if there is none.
    """

    head: Fields
    body: bytes = b""
    trailers: Fields | None = None


def planned_http_answer(fault: ReplyFault, head: Head, unix_nanos: int) -> HttpAnswer:
    """Return the HTTP answer of `fault` to a request with that head.

    Args:
        fault: The planned fault.
        head: The head of the request: its signal, path and encoding.
        unix_nanos: The current time, for an HTTP date.
    """
    encoding: BodyEncoding = "json" if head.protocol == "http/json" else "protobuf"
    media_type = MEDIA_TYPES[encoding] if fault.content_type is None else fault.content_type
    fields = {"content-type": ("Content-Type", media_type)} if media_type else {}
    body = b"" if fault.http_status in _BODILESS else _http_body(fault, head, encoding)
    if fault.encoding is not None:
        body = compress(fault.encoding, body)
        fields["content-encoding"] = ("Content-Encoding", fault.encoding)
    if fault.retry_after_s is not None:
        fields["retry-after"] = ("Retry-After", _retry_after(fault, unix_nanos))
    for name, value in _told_headers(fault, head):
        fields[name.lower()] = (name, value)
    return HttpAnswer(
        status=fault.http_status, fields=(*fields.values(), *head.cors_fields), body=body
    )


def _http_body(fault: ReplyFault, head: Head, encoding: BodyEncoding) -> bytes:
    if fault.body is not None:
        return fault.body
    if fault.http_status // 100 == _REDIRECTS:
        return b""
    if fault.http_status >= 400:  # noqa: PLR2004 -- where errors begin
        status = RpcStatus(
            code=fault.grpc_code, message=_message(fault), violations=fault.violations
        )
        return encode_status(status, encoding)
    return _success(fault, head, encoding)


def _success(fault: ReplyFault, head: Head, encoding: BodyEncoding) -> bytes:
    """Return the `Export…ServiceResponse`, or its replacement."""
    if fault.body is not None:
        return fault.body
    if fault.is_malformed:
        return _CUT_JSON if encoding == "json" else _CUT_PROTOBUF
    if fault.size_bytes:
        return padding(fault.size_bytes, encoding)
    if fault.rejected is not None and head.signal is not None:
        return encode_partial_success(head.signal, fault.rejected, fault.message, encoding)
    return b"{}" if encoding == "json" else b""


def _message(fault: ReplyFault) -> str:
    return fault.message or f"planned by a test: {fault.text}"


def _retry_after(fault: ReplyFault, unix_nanos: int) -> str:
    """Return the delay in whole seconds, rounded up: never earlier than requested."""
    wait_s = fault.retry_after_s or 0.0
    if fault.retry_after_form == "date":
        return formatdate(math.ceil(unix_nanos / _NANOS + wait_s), usegmt=True)
    return str(math.ceil(wait_s))


def _told_headers(fault: ReplyFault, head: Head) -> Fields:
    return tuple(
        (name, value or f"/moved{head.path}") if name == "Location" else (name, value)
        for name, value in fault.headers
    )


def planned_grpc_answer(fault: ReplyFault, head: Head) -> GrpcAnswer:
    """Return the gRPC answer of `fault` to a call with that head."""
    told = tuple((name.lower(), value) for name, value in _told_headers(fault, head))
    start: Fields
    if fault.is_bare:
        start = ((":status", str(fault.http_status)), ("content-type", "text/plain"))
        return GrpcAnswer(
            head=_merged(*start, *told),
            body=f"{_message(fault)}\n".encode(),
        )
    if fault.grpc_code != GrpcCode.OK:
        fields = (*_status_fields(fault), *told)
        if not fault.is_trailers_only:
            return GrpcAnswer(head=GRPC_HEAD, trailers=_merged(*fields))
        return GrpcAnswer(head=_merged(*GRPC_HEAD, *fields))
    start = GRPC_HEAD
    if fault.content_type is not None:
        start = (*start, ("content-type", fault.content_type))
    message = _success(fault, head, "protobuf")
    if fault.encoding is not None:
        start = (*start, ("grpc-encoding", fault.encoding))
        message = compress(fault.encoding, message)
    return GrpcAnswer(
        head=_merged(*start),
        body=encode_grpc_frame(message, is_compressed=fault.encoding is not None),
        trailers=_merged(("grpc-status", "0"), *told),
    )


def _status_fields(fault: ReplyFault) -> Fields:
    status = RpcStatus(
        code=fault.grpc_code,
        message=_message(fault),
        retry_delay_s=fault.retry_after_s,
        violations=fault.violations,
    )
    return status_fields(fault.grpc_code, status)


def _merged(*fields: tuple[str, str]) -> Fields:
    """Return merged fields; later ones replace earlier ones of the same name."""
    return tuple(dict(fields).items())

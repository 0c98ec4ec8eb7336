"""Replies as bytes: HTTP fields and bodies, gRPC header blocks and messages."""

from functools import lru_cache
from typing import Final

from otlptest.collector.server.replies import SUCCESS, Reply
from otlptest.collector.server.request_head import BodyEncoding
from otlptest.model import Protocol
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.http1 import encode_response
from otlptest.wire.transport.http2_flow import CannedReply
from otlptest.wire.transport.http2_headers import encode_fields
from otlptest.wire.transport.statuses import (
    GrpcCode,
    RpcStatus,
    encode_grpc_message,
    encode_status,
    encode_status_details,
)

MEDIA_TYPES: Final = {"protobuf": "application/x-protobuf", "json": "application/json"}
GRPC_HEAD: Final = ((":status", "200"), ("content-type", "application/grpc"))


def http_answer(
    reply: Reply, protocol: Protocol | None, error_encoding: BodyEncoding
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return header fields and body of an answer over HTTP (OTLP-HTTP-019, OTLP-HTTP-020)."""
    encoding: BodyEncoding = error_encoding
    if reply.status is not None:
        body = encode_status(reply.status, encoding)
    else:
        encoding = "json" if protocol == "http/json" else "protobuf"
        body = reply.json_message if encoding == "json" else reply.message
    return (("Content-Type", MEDIA_TYPES[encoding]), *reply.fields), body


@lru_cache(maxsize=256)
def http1_answer(
    reply: Reply,
    protocol: Protocol | None,
    error_encoding: BodyEncoding,
    more_fields: tuple[tuple[str, str], ...],
    *,
    keeps_alive: bool,
    is_head: bool,
) -> bytes:
    """Return a whole HTTP/1.1 response."""
    fields, body = http_answer(reply, protocol, error_encoding)
    return encode_response(
        reply.http_status,
        fields + more_fields,
        body,
        keeps_alive=keeps_alive,
        is_head=is_head,
    )


@lru_cache(maxsize=256)
def http2_answer(
    reply: Reply,
    protocol: Protocol | None,
    error_encoding: BodyEncoding,
    more_fields: tuple[tuple[str, str], ...],
    *,
    is_head: bool,
) -> CannedReply:
    """Return a whole HTTP/2 response of OTLP/HTTP."""
    fields, body = http_answer(reply, protocol, error_encoding)
    head = http2_head(reply.http_status, fields + more_fields, len(body))
    return CannedReply(head, b"" if is_head else body)


def http2_head(http_status: int, fields: tuple[tuple[str, str], ...], size: int) -> bytes:
    """Return the header block of a response whose body has `size` bytes."""
    lowered = ((name.lower(), value) for name, value in fields)
    return encode_fields(((":status", str(http_status)), *lowered, ("content-length", str(size))))


def preflight_block(fields: tuple[tuple[str, str], ...]) -> bytes:
    """Return the header block that is the whole answer to a browser's preflight over HTTP/2."""
    return encode_fields(((":status", "204"), *((name.lower(), value) for name, value in fields)))


@lru_cache(maxsize=256)
def grpc_answer(reply: Reply) -> CannedReply:
    """Return a whole gRPC response: a message and trailers, or trailers only for an error."""
    if reply.status is None and reply.grpc_code == GrpcCode.OK:
        trailers = encode_fields((("grpc-status", "0"), *reply.metadata))
        return CannedReply(encode_fields(GRPC_HEAD), encode_grpc_frame(reply.message), trailers)
    fields: tuple[tuple[str, str], ...] = (("grpc-status", str(int(reply.grpc_code))),)
    if reply.status is not None:
        fields = status_fields(reply.grpc_code, reply.status)
    return CannedReply(encode_fields((*GRPC_HEAD, *fields, *reply.metadata)))


def status_fields(code: GrpcCode, status: RpcStatus) -> tuple[tuple[str, str], ...]:
    """Return the status of a failed call, with its details if any (OTLP-RESP-050)."""
    fields = (
        ("grpc-status", str(int(code))),
        ("grpc-message", encode_grpc_message(status.message)),
    )
    if not status.violations and status.retry_delay_s is None:
        return fields
    return (*fields, ("grpc-status-details-bin", encode_status_details(status)))


GRPC_SUCCESS: Final = grpc_answer(SUCCESS)
"""The response of nearly every gRPC call."""

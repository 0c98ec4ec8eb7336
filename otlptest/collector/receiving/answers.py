"""Replies as bytes: HTTP fields and bodies, gRPC header blocks and messages."""

from functools import lru_cache
from typing import Final

from otlptest.collector.receiving.heads import BodyEncoding
from otlptest.collector.receiving.replies import SUCCESS, Reply
from otlptest.model import Protocol
from otlptest.wire.grpc_framing import encode_grpc_frame
from otlptest.wire.http1 import encode_response
from otlptest.wire.http2 import CannedReply
from otlptest.wire.http2_headers import encode_fields
from otlptest.wire.statuses import (
    GrpcCode,
    encode_grpc_message,
    encode_status,
    encode_status_details,
)

__all__ = [
    "GRPC_SUCCESS",
    "grpc_answer",
    "http1_answer",
    "http2_answer",
    "http_answer",
    "preflight_block",
]

_MEDIA_TYPES: Final = {"protobuf": "application/x-protobuf", "json": "application/json"}
_GRPC_HEAD: Final = ((":status", "200"), ("content-type", "application/grpc"))


def http_answer(
    reply: Reply, protocol: Protocol | None, error_encoding: BodyEncoding
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Header fields and body of an answer over HTTP (OTLP-HTTP-019, OTLP-HTTP-020)."""
    encoding: BodyEncoding = error_encoding
    if reply.status is not None:
        body = encode_status(reply.status, encoding)
    else:
        encoding = "json" if protocol == "http/json" else "protobuf"
        body = reply.json_message if encoding == "json" else reply.message
    return (("Content-Type", _MEDIA_TYPES[encoding]), *reply.fields), body


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
    """A whole HTTP/1.1 response."""
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
    """A whole HTTP/2 response of OTLP/HTTP."""
    fields, body = http_answer(reply, protocol, error_encoding)
    head = encode_fields(
        (
            (":status", str(reply.http_status)),
            *((name.lower(), value) for name, value in fields + more_fields),
            ("content-length", str(len(body))),
        )
    )
    return CannedReply(head, b"" if is_head else body)


def preflight_block(fields: tuple[tuple[str, str], ...]) -> bytes:
    """The header block that is the whole answer to a browser's preflight over HTTP/2."""
    return encode_fields(((":status", "204"), *((name.lower(), value) for name, value in fields)))


@lru_cache(maxsize=256)
def grpc_answer(reply: Reply) -> CannedReply:
    """A whole gRPC response: a message and trailers, or trailers only for an error."""
    if reply.status is None and reply.grpc_code == GrpcCode.OK:
        trailers = encode_fields((("grpc-status", "0"), *reply.metadata))
        return CannedReply(encode_fields(_GRPC_HEAD), encode_grpc_frame(reply.message), trailers)
    fields = [("grpc-status", str(int(reply.grpc_code)))]
    if reply.status is not None:
        fields.append(("grpc-message", encode_grpc_message(reply.status.message)))
        if reply.status.violations or reply.status.retry_delay_s is not None:
            fields.append(("grpc-status-details-bin", encode_status_details(reply.status)))
    return CannedReply(encode_fields((*_GRPC_HEAD, *fields, *reply.metadata)))


GRPC_SUCCESS: Final = grpc_answer(SUCCESS)
"""What nearly every gRPC call gets."""

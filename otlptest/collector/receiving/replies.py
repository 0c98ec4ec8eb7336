"""What is answered to a request: the one place where a reply is decided.

A `Reply` says what, in terms of both protocols; `http_answers` and `grpc_answers` turn it into
bytes. Whoever wants other replies than the specification's (fault plans) wraps `reply_to`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from otlptest.collector.receiving.refusals import Refusal
from otlptest.model import Request
from otlptest.wire.statuses import FieldViolation, GrpcCode, RpcStatus

__all__ = ["SUCCESS", "Reply", "ReplyChoice", "reply_to"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reply:
    """An answer in the terms of both protocols.

    Attributes:
        http_status: Status over HTTP.
        grpc_code: Status over gRPC.
        status: The error body or trailers; None for success.
        message: The `Export…ServiceResponse` in protobuf, of a success (empty: full success,
            OTLP-RESP-003, OTLP-RESP-004).
        json_message: The same in JSON.
        fields: Further header fields over HTTP.
        metadata: Further trailers over gRPC.
    """

    http_status: int = 200
    grpc_code: GrpcCode = GrpcCode.OK
    status: RpcStatus | None = None
    message: bytes = b""
    json_message: bytes = b"{}"
    fields: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()


SUCCESS: Final = Reply()
"""Full success: an empty response message."""

ReplyChoice: TypeAlias = Callable[[Request, Refusal | None], Reply]
"""Decides the reply to a request that was taken (None) or refused."""


def reply_to(request: Request, refusal: Refusal | None) -> Reply:  # noqa: ARG001 -- the seam's shape
    """The specification's answer.

    A 400 describes the bad data in a `BadRequest` detail (OTLP-RESP-059); an unknown encoding is
    answered with the known ones (OTLP-GRPC-012).
    """
    if refusal is None:
        return SUCCESS
    return refusal_reply(refusal)


def refusal_reply(refusal: Refusal) -> Reply:
    """The answer that tells `refusal`."""
    violations: tuple[FieldViolation, ...] = ()
    if refusal.kind in {"malformed", "bad_compression"}:
        violations = (FieldViolation(field=refusal.place, description=refusal.message),)
    metadata: tuple[tuple[str, str], ...] = ()
    if refusal.kind == "unknown_encoding":
        metadata = (("grpc-accept-encoding", "identity,gzip,deflate,zstd"),)
    text = f"{refusal.message} (at {refusal.place})" if refusal.place else refusal.message
    if refusal.expected:
        text = f"{text}; expected: {refusal.expected}"
    return Reply(
        http_status=refusal.http_status,
        grpc_code=refusal.grpc_code,
        status=RpcStatus(code=refusal.grpc_code, message=text, violations=violations),
        fields=refusal.fields,
        metadata=metadata,
    )

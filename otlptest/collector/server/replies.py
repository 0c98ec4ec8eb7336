"""What is answered to a request: the one place where a reply is decided.

A `Reply` says what, in terms of both protocols; `http_answers` and `grpc_answers` turn it into
bytes. Other replies than the specification's come from planned faults: a `Reply` with a `fault`
says no more than that, and `planned_answers` turns the fault into bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from otlptest.collector.server.refusals import Refusal
from otlptest.faults import ReplyFault
from otlptest.model import Request
from otlptest.wire.transport.statuses import FieldViolation, GrpcCode, RpcStatus

__all__ = ["SUCCESS", "Reply", "ReplyChoice", "refusal_reply"]


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
        fault: A planned fault that says all of it instead.
    """

    http_status: int = 200
    grpc_code: GrpcCode = GrpcCode.OK
    status: RpcStatus | None = None
    message: bytes = b""
    json_message: bytes = b"{}"
    fields: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    fault: ReplyFault | None = None


SUCCESS: Final = Reply()
"""Full success: an empty response message."""

ReplyChoice: TypeAlias = Callable[[Request, Refusal | None], Reply]
"""Decides the reply to a request that was taken (None) or refused."""


def refusal_reply(refusal: Refusal) -> Reply:
    """The answer that tells `refusal`.

    A 400 describes the bad data in a `BadRequest` detail (OTLP-RESP-059); an unknown encoding is
    answered with the known ones (OTLP-GRPC-012).
    """
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

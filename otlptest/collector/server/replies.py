"""The decision about the reply to a request.

A `Reply` is in the terms of both protocols; `reply_encoding` turns it into bytes. Planned faults
lead to replies other than the specification's: a `Reply` with a `fault` holds nothing else, and
`fault_replies` turns the fault into bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from otlptest.collector.server.refusals import Refusal
from otlptest.faults import ReplyFault
from otlptest.faults.reply_rules import ReplyRules
from otlptest.model import Request
from otlptest.wire.transport.statuses import FieldViolation, GrpcCode, RpcStatus

_GOOD: Final = "faults.ok()"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reply:
    """An answer in the terms of both protocols.

    Attributes:
        http_status: Status over HTTP.
        grpc_code: Status over gRPC.
        status: The error body or trailers; None for success.
        message: The `Export…ServiceResponse` of a success in protobuf (empty: full success,
            OTLP-RESP-003, OTLP-RESP-004).
        json_message: The same in JSON.
        fields: Further header fields over HTTP.
        metadata: Further trailers over gRPC.
        fault: A planned fault that replaces all of it.
    """

    http_status: int = 200
    grpc_code: GrpcCode = GrpcCode.OK
    status: RpcStatus | None = None
    message: bytes = b""
    json_message: bytes = b"{}"
    fields: tuple[tuple[str, str], ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    fault: ReplyFault | None = None

    def statuses(self, *, is_grpc: bool) -> tuple[int, int | None]:
        """Return the HTTP status and the gRPC status that the client gets.

        `(0, None)` where a planned fault answers later or never.
        """
        if self.fault is None:
            return (200, int(self.grpc_code)) if is_grpc else (self.http_status, None)
        if self.fault.delay_s or self.fault.ending != "reply":
            return 0, None
        return planned_statuses(self.fault, is_grpc=is_grpc)


def planned_statuses(fault: ReplyFault, *, is_grpc: bool) -> tuple[int, int | None]:
    """Return the HTTP status and the gRPC status that a planned fault answers with."""
    if not is_grpc or fault.is_bare:
        return fault.http_status, None
    return 200, int(fault.grpc_code)


SUCCESS: Final = Reply()
"""Full success: an empty response message."""

ReplyChoice: TypeAlias = Callable[[Request, Refusal | None], Reply]
"""Decides the reply to a request that was taken (None) or refused."""


def refusal_reply(refusal: Refusal) -> Reply:
    """Return the answer to a request with this `refusal`.

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


class PlannedReplies:
    """Decides the reply to each request: a planned fault, or the specification's answer.

    An invalid request stays refused, and uses up no fault.

    Args:
        script: The planned faults.
    """

    def __init__(self, script: ReplyRules) -> None:
        self._script = script

    def choose(self, request: Request, refusal: Refusal | None) -> Reply:
        """Return the reply to a request, and note a planned fault on the request."""
        if refusal is not None:
            return refusal_reply(refusal)
        if not self._script.plans:
            return SUCCESS
        fault = self._script.fault_for(request)
        if fault is None:
            return SUCCESS
        request.reply_fault = fault.text
        request.is_discarded = not fault.keeps_telemetry
        return SUCCESS if fault.text == _GOOD else Reply(fault=fault)

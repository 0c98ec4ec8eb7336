"""Sends fuzzed payloads over kept connections, and classifies the answers."""

import http.client
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, TypeAlias

from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.errors import SendError
from otlptest.sending import ExportResult
from otlptest.sending.payloads import Payload as Sent
from otlptest.sending.targets import target_of
from otlptest.strategies import Payload
from otlptest.wire.transport.statuses import GrpcCode

AnswerKind: TypeAlias = Literal[
    "taken",
    "taken_in_part",
    "refused",
    "overloaded",
    "failed",
    "garbage",
    "cut_off",
    "late",
    "unreachable",
]
"""The meaning of an answer: *refused* is the sender's fault, *overloaded* a limit or load, *failed*
the receiver's fault, *garbage* not OTLP, *cut off* a connection closed without an answer, *late* no
answer in time."""

_OVERLOADED_HTTP: Final = frozenset({408, 413, 429, 502, 503, 504})
_OVERLOADED_GRPC: Final = frozenset({GrpcCode.RESOURCE_EXHAUSTED, GrpcCode.UNAVAILABLE})
_SERVER_ERROR: Final = 500
# Answers of libraries to a message that they cannot read, and of programs to their own mistakes.
_AMBIGUOUS: Final = frozenset({GrpcCode.INTERNAL, GrpcCode.UNKNOWN})
_SENDER_AT_FAULT: Final = frozenset(
    {
        GrpcCode.INVALID_ARGUMENT,
        GrpcCode.NOT_FOUND,
        GrpcCode.ALREADY_EXISTS,
        GrpcCode.PERMISSION_DENIED,
        GrpcCode.FAILED_PRECONDITION,
        GrpcCode.OUT_OF_RANGE,
        GrpcCode.UNIMPLEMENTED,
        GrpcCode.UNAUTHENTICATED,
    }
)
_MEDIA_TYPES: Final = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}
_LATE: Final = "no answer within"
_UNREAD: Final = "it answers success "
_CUT: Final = "closed the connection"
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one payload.

    Attributes:
        kind: The meaning of the answer.
        told: The answer in words.
        status: The HTTP or gRPC status; None if there was none.
        is_otlp_error: Whether the body of an error over HTTP is a `google.rpc.Status` in the
            encoding of the request; True for answers without such a body.
        retry_after_s: The requested wait.
        elapsed_s: The time it took.
    """

    kind: AnswerKind
    told: str
    status: int | None = None
    is_otlp_error: bool = True
    retry_after_s: float | None = None
    elapsed_s: float = 0.0


class Talk:
    """The conversation with one endpoint in one protocol. Used by one thread.

    Args:
        lab: The receiver, and the time to wait for an answer.
        reads_successes: Whether a success must be an OTLP message. False if a receiver answers
            plain valid requests with something else: there the status alone counts.
    """

    def __init__(self, lab: TargetLab, *, reads_successes: bool = True) -> None:
        self.reads_successes = reads_successes
        self._lab = lab
        self._delivery: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def send(self, payload: Payload, body: bytes | None = None) -> Answer:
        """Send a payload, or another body in its place; block at most the lab's timeout."""
        sent = Sent(signal=payload.signal, raw=payload.body if body is None else body)
        try:
            result = self._connected().export(sent, self._lab.timeout_s)
        except SendError as problem:
            self.hang_up()
            kind = _kind_of(problem)
            if problem.problem.startswith(_UNREAD) and not self.reads_successes:
                kind = "taken"
            return Answer(kind=kind, told=problem.problem[:_SHOWN])
        answer = _answer(result, payload)
        if answer.kind == "failed":
            self.hang_up()  # whatever is wrong there, the next payload gets a new connection
        return answer

    def hang_up(self) -> None:
        """Close the connection; the next payload gets a new one."""
        if self._delivery is not None:
            self._delivery.__exit__(None, None, None)
            self._delivery = None

    def _connected(self) -> Any:  # noqa: ANN401 -- either kind of delivery
        if self._delivery is None:
            self._delivery = _delivery(self._lab)
        return self._delivery


def _delivery(lab: TargetLab) -> Any:  # noqa: ANN401 -- either kind of delivery
    from dataclasses import replace  # noqa: PLC0415 -- with the next

    target = replace(target_of(lab.endpoint.url, lab.protocol), ca_file=lab.ca_file)
    if lab.protocol == "grpc":
        from otlptest.sending.grpc_delivery import (  # noqa: PLC0415 -- grpcio takes long to load
            GrpcDelivery,
        )

        return GrpcDelivery(target, compression="identity", headers=lab.headers)
    from otlptest.sending.http_delivery import HttpDelivery  # noqa: PLC0415 -- as above

    return HttpDelivery(target, compression="identity", headers=lab.headers)


def _kind_of(problem: SendError) -> AnswerKind:
    cause = problem.__cause__
    if problem.problem.startswith(_LATE) or isinstance(cause, TimeoutError):
        return "late"
    if isinstance(
        cause, ConnectionResetError | BrokenPipeError | http.client.IncompleteRead
    ) or _CUT in (problem.problem):
        return "cut_off"
    if isinstance(cause, OSError):
        return "unreachable"
    return "garbage"


def _answer(result: ExportResult, payload: Payload) -> Answer:
    """Return the meaning of a receiver's answer."""
    status = result.grpc_status if result.http_status is None else result.http_status
    name = "gRPC status" if result.http_status is None else "HTTP"
    told = f"{name} {status}"
    if result.rejected:
        told += f", {result.rejected} rejected"
    if result.message:
        told += f": {result.message[:_SHOWN]}"
    kind: AnswerKind
    if result.is_success:
        kind = "taken_in_part" if result.rejected else "taken"
    elif result.http_status is None:
        kind = _grpc_kind(result.grpc_status or 0, payload)
    else:
        kind = _http_kind(result.http_status)
    return Answer(
        kind=kind,
        told=told,
        status=status,
        is_otlp_error=result.is_success or _is_otlp_error(result),
        retry_after_s=result.retry_after_s,
        elapsed_s=result.elapsed_s,
    )


def _http_kind(status: int) -> AnswerKind:
    if status in _OVERLOADED_HTTP:
        return "overloaded"
    return "failed" if status >= _SERVER_ERROR else "refused"


def _grpc_kind(status: int, payload: Payload) -> AnswerKind:
    if status in _OVERLOADED_GRPC:
        return "overloaded"
    if status in _SENDER_AT_FAULT or (status in _AMBIGUOUS and not payload.is_decodable):
        return "refused"
    return "failed"


def _is_otlp_error(result: ExportResult) -> bool:
    if result.http_status is None or result.status is not None:
        return True
    media_type = result.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_empty = result.headers.get("content-length", "").strip() == "0"
    # A Status without any field is empty in protobuf.
    return (
        is_empty
        and result.protocol == "http/protobuf"
        and (media_type == _MEDIA_TYPES["http/protobuf"])
    )

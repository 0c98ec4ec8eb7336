"""The one shape of a reply that differs from a good receiver's: what is said, and how it ends.

A `ReplyFault` knows nothing of sockets. The fake collector tells it in the terms of the transport
that a request came over: over gRPC as a status with `google.rpc` details, over HTTP as a status
code, header fields and a `google.rpc.Status` in the encoding of the request.
"""

from dataclasses import dataclass
from typing import Literal

from otlptest.wire.transport.statuses import FieldViolation, GrpcCode

Ending = Literal["reply", "hang", "close", "reset"]
"""How a request ends: with a reply, never, or with the end of its connection (FIN or RST)."""

RetryAfterForm = Literal["seconds", "date"]
"""How `Retry-After` is written."""

_SUCCESS = 2  # the class of the HTTP statuses that say it


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReplyFault:
    """What is answered instead of the good answer. Make one with the functions of this module.

    Attributes:
        text: The call that makes it, as `repr` shows it and as a request keeps it.
        http_status: Over HTTP; over gRPC too if `is_bare`.
        grpc_code: Over gRPC, and in the `google.rpc.Status` over HTTP.
        message: Of the status, or of a partial success.
        retry_after_s: `Retry-After` over HTTP, `RetryInfo` over gRPC; None: neither.
        retry_after_form: How `Retry-After` is written: whole seconds, rounded up, or an HTTP date.
        violations: A `google.rpc.BadRequest` detail, if any.
        rejected: The count of a partial success; None if it is none.
        headers: Further header fields over HTTP, trailers over gRPC; they replace those of the
            same name.
        is_bare: Over gRPC the HTTP status stands alone, without `grpc-status`: as a proxy answers.
        is_trailers_only: Over gRPC a failure comes in one header block; else the status follows
            in a second one (OTLP-GRPC-036).
        body: Replaces the body over HTTP and the message over gRPC; None: what belongs there.
        is_malformed: The body is not a message in its encoding.
        content_type: Replaces the right one; None: the right one.
        encoding: The body (gRPC: the message) is compressed so; None: it is not.
        size_bytes: The body is padded to this size with a field that nobody knows; 0: it is not.
        delay_s: Seconds between the whole request and the reply.
        ending: How the request ends.
        keeps_telemetry: Whether what the request brought counts as received. It does not where
            the sender is told, or must conclude, that it was refused.
    """

    text: str
    http_status: int = 200
    grpc_code: GrpcCode = GrpcCode.OK
    message: str = ""
    retry_after_s: float | None = None
    retry_after_form: RetryAfterForm = "seconds"
    violations: tuple[FieldViolation, ...] = ()
    rejected: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    is_bare: bool = False
    is_trailers_only: bool = True
    body: bytes | None = None
    is_malformed: bool = False
    content_type: str | None = None
    encoding: str | None = None
    size_bytes: int = 0
    delay_s: float = 0.0
    ending: Ending = "reply"
    keeps_telemetry: bool = True

    def __repr__(self) -> str:
        """The call that makes it."""
        return self.text

    @property
    def is_success(self) -> bool:
        """Whether it says success, over gRPC or HTTP alike; without a reply it says nothing."""
        return self.http_status // 100 == _SUCCESS and self.grpc_code == GrpcCode.OK

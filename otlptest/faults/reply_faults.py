"""The common form of every reply that differs from a good receiver's: content and ending.

A `ReplyFault` knows nothing of sockets. The fake collector sends it in the terms of the transport
of the request: over gRPC as a status with `google.rpc` details, over HTTP as a status
code, header fields and a `google.rpc.Status` in the encoding of the request.
"""

from dataclasses import dataclass
from typing import Literal

from otlptest.wire.transport.statuses import FieldViolation, GrpcCode

Ending = Literal["reply", "hang", "close", "reset"]
"""The end of a request: with a reply, never, or with the end of its connection (FIN or RST)."""

RetryAfterForm = Literal["seconds", "date"]
"""The form of `Retry-After`."""

_SUCCESS = 2  # the class of success statuses in HTTP


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ReplyFault:
    """An answer instead of the good one. Make one with the functions of this module.

    Attributes:
        text: The call that makes it, for `repr` and for the request.
        http_status: The status over HTTP; over gRPC too if `is_bare`.
        grpc_code: The code over gRPC, and in the `google.rpc.Status` over HTTP.
        message: The message of the status, or of a partial success.
        retry_after_s: `Retry-After` over HTTP, `RetryInfo` over gRPC; None: neither.
        retry_after_form: The form of `Retry-After`: whole seconds, rounded up, or an HTTP date.
        violations: A `google.rpc.BadRequest` detail, if any.
        rejected: The count of a partial success; None for any other reply.
        headers: Further header fields over HTTP, trailers over gRPC; they replace those of the
            same name.
        is_bare: Whether gRPC gets the bare HTTP status without `grpc-status`, as from a proxy.
        is_trailers_only: Whether over gRPC a failure is one header block; else the status follows
            in a second one (OTLP-GRPC-036).
        body: Replaces the body over HTTP and the message over gRPC; None: the correct one.
        is_malformed: Whether the body is not a message in its encoding.
        content_type: Replaces the correct one; None: the correct one.
        encoding: The compression of the body (gRPC: the message); None: uncompressed.
        size_bytes: The size to which an unknown field pads the body; 0: no padding.
        delay_s: Seconds between the whole request and the reply.
        ending: The end of the request.
        keeps_telemetry: Whether its telemetry counts as received. It does not where
            the sender learns, or must conclude, that it was refused.
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
        """Return the call that makes it."""
        return self.text

    @property
    def is_success(self) -> bool:
        """Return whether it reports success, over gRPC or HTTP alike; False without a reply."""
        return self.http_status // 100 == _SUCCESS and self.grpc_code == GrpcCode.OK

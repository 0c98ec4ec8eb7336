"""Reasons to refuse a request, and their statuses.

Statuses follow OTLP-RESP-054/-071 (400), OTLP-HTTP-023 (413), OTLP-GRPC-016 (RESOURCE_EXHAUSTED
without RetryInfo), OTLP-GRPC-012 (UNIMPLEMENTED) and RFC 9110.
"""

from dataclasses import dataclass
from typing import Final

from otlptest.errors import WireError
from otlptest.model import Connection, Problem
from otlptest.wire.transport.statuses import GrpcCode

_STATUSES: Final[dict[str, tuple[int, GrpcCode]]] = {
    "malformed": (400, GrpcCode.INVALID_ARGUMENT),
    "bad_compression": (400, GrpcCode.INVALID_ARGUMENT),
    "unknown_encoding": (415, GrpcCode.UNIMPLEMENTED),
    "too_large": (413, GrpcCode.RESOURCE_EXHAUSTED),
    "wrong_content_type": (415, GrpcCode.INVALID_ARGUMENT),
    "wrong_path": (404, GrpcCode.UNIMPLEMENTED),
    "wrong_method": (405, GrpcCode.UNIMPLEMENTED),
    "wrong_port": (400, GrpcCode.UNIMPLEMENTED),
    "tls_mismatch": (400, GrpcCode.UNAVAILABLE),  # sent in plaintext, where an answer is possible
    "protocol_error": (400, GrpcCode.INTERNAL),
    "cut_request": (400, GrpcCode.CANCELLED),
    "too_slow": (408, GrpcCode.DEADLINE_EXCEEDED),
}
_EXPECTED: Final = {
    "malformed": "the signal's Export…ServiceRequest in the encoding of the content type",
    "bad_compression": "a body that is what its encoding says",
    "unknown_encoding": "identity, gzip, deflate or zstd",
    "too_large": "a request within the limit, as sent and inflated",
    "wrong_content_type": "application/x-protobuf or application/json",
    "wrong_path": "/v1/traces, /v1/metrics, /v1/logs or /v1development/profiles",
    "wrong_method": "POST",
    "protocol_error": "a well-formed request",
    "too_slow": "a whole request in time",
}
_FIELDS: Final = {
    "wrong_method": (("Allow", "POST"),),
    "unknown_encoding": (("Accept-Encoding", "gzip, deflate, zstd"),),
}
_LONGEST_MESSAGE: Final = 1000  # an answer does not echo large parts of a request (OTLP-SRV-083)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason, with its statuses.

    Attributes:
        kind: One of `otlptest.model.PROBLEM_KINDS`.
        rule: The requirement that was broken.
        message: One sentence.
        place: A field path or an offset; empty if unknown.
        expected: The demand of the specification.
        http_status: For an answer over HTTP.
        grpc_code: For an answer over gRPC, and for `google.rpc.Status.code` over HTTP.
        fields: Header fields that the HTTP answer needs.
    """

    kind: str
    rule: str
    message: str
    place: str = ""
    expected: str = ""
    http_status: int = 400
    grpc_code: GrpcCode = GrpcCode.INVALID_ARGUMENT
    fields: tuple[tuple[str, str], ...] = ()

    def problem(
        self, connection: Connection, found_at: float, began_at: float | None = None
    ) -> Problem:
        """Return it as a problem for the store; `began_at` is the start of its request, if any."""
        return Problem(
            kind=self.kind,
            rule=self.rule,
            message=self.message,
            place=self.place,
            expected=self.expected,
            connection=connection,
            began_at=began_at,
            found_at=found_at,
        )


def refused(
    kind: str,
    rule: str,
    message: str,
    *,
    place: str = "",
    expected: str = "",
    http_status: int = 0,
) -> Refusal:
    """Return a refusal with the statuses of its kind; `http_status` replaces the usual one."""
    usual, grpc_code = _STATUSES[kind]
    return Refusal(
        kind=kind,
        rule=rule,
        message=message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "…",
        place=place,
        expected=expected or _EXPECTED.get(kind, ""),
        http_status=http_status or usual,
        grpc_code=grpc_code,
        fields=_FIELDS.get(kind, ()),
    )


def refused_by(error: WireError) -> Refusal:
    """Return the refusal for a decoder's error."""
    return refused(error.kind, error.rule, error.problem, place=error.place)

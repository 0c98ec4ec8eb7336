"""Pairs of an HTTP status and a gRPC code that mean the same to an OTLP client.

The pairs preserve whether a client may retry: each status has an equivalent that it may or must
not retry in the same way (SPEC, OTLP/gRPC "Failures" and OTLP/HTTP
"Retryable Response Codes"). The one exception is 429: over gRPC RESOURCE_EXHAUSTED may be retried
only with a `RetryInfo`, and a throttling server sends it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from otlptest.wire.transport.statuses import GrpcCode

_SUCCESS: Final = 2
_GRPC_CODES: Final[Mapping[int, GrpcCode]] = MappingProxyType(
    {
        400: GrpcCode.INVALID_ARGUMENT,
        401: GrpcCode.UNAUTHENTICATED,
        403: GrpcCode.PERMISSION_DENIED,
        404: GrpcCode.UNIMPLEMENTED,  # a gRPC server's answer to an unknown method
        405: GrpcCode.UNIMPLEMENTED,
        409: GrpcCode.ALREADY_EXISTS,
        412: GrpcCode.FAILED_PRECONDITION,
        413: GrpcCode.RESOURCE_EXHAUSTED,
        415: GrpcCode.UNIMPLEMENTED,
        429: GrpcCode.RESOURCE_EXHAUSTED,
        500: GrpcCode.INTERNAL,
        501: GrpcCode.UNIMPLEMENTED,
        502: GrpcCode.UNAVAILABLE,
        503: GrpcCode.UNAVAILABLE,
        504: GrpcCode.DEADLINE_EXCEEDED,
    }
)
_HTTP_STATUSES: Final[Mapping[GrpcCode, int]] = MappingProxyType(
    {
        GrpcCode.OK: 200,
        GrpcCode.CANCELLED: 503,
        GrpcCode.UNKNOWN: 500,
        GrpcCode.INVALID_ARGUMENT: 400,
        GrpcCode.DEADLINE_EXCEEDED: 504,
        GrpcCode.NOT_FOUND: 404,
        GrpcCode.ALREADY_EXISTS: 409,
        GrpcCode.PERMISSION_DENIED: 403,
        GrpcCode.RESOURCE_EXHAUSTED: 429,
        GrpcCode.FAILED_PRECONDITION: 412,
        GrpcCode.ABORTED: 503,
        GrpcCode.OUT_OF_RANGE: 503,
        GrpcCode.UNIMPLEMENTED: 501,
        GrpcCode.INTERNAL: 500,
        GrpcCode.UNAVAILABLE: 503,
        GrpcCode.DATA_LOSS: 503,
        GrpcCode.UNAUTHENTICATED: 401,
    }
)


def grpc_code_of(http_status: int) -> GrpcCode:
    """Return the gRPC code for an HTTP status; UNKNOWN if it has no equivalent."""
    if http_status // 100 == _SUCCESS:
        return GrpcCode.OK
    return _GRPC_CODES.get(http_status, GrpcCode.UNKNOWN)


def http_status_of(code: GrpcCode) -> int:
    """Return the HTTP status for a gRPC code."""
    return _HTTP_STATUSES[code]

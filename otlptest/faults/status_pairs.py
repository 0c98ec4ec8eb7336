"""Which HTTP status and which gRPC code say the same to an OTLP client.

The pairs keep what matters most: a status that a client may retry has an equivalent that it may
retry, and one that it must not has one that it must not (SPEC, OTLP/gRPC "Failures" and OTLP/HTTP
"Retryable Response Codes"). The one exception is 429: over gRPC RESOURCE_EXHAUSTED may be retried
only with a `RetryInfo`, and it is what a server that throttles says.
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
        404: GrpcCode.UNIMPLEMENTED,  # what a gRPC server says to a method that it does not have
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
    """The gRPC code that says what an HTTP status says; UNKNOWN where there is none."""
    if http_status // 100 == _SUCCESS:
        return GrpcCode.OK
    return _GRPC_CODES.get(http_status, GrpcCode.UNKNOWN)


def http_status_of(code: GrpcCode) -> int:
    """The HTTP status that says what a gRPC code says."""
    return _HTTP_STATUSES[code]

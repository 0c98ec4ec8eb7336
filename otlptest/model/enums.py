"""The enumerations of OTLP, with the numbers of its .proto files, and otlptest's own few.

OTLP's enums are open (PBJSON, OTLP-JSON-011): a number without a name is kept as a plain `int`,
so fields are typed `SpanKind | int` and so on.
"""

from enum import Enum, IntEnum
from typing import Final, Literal

Signal = Literal["traces", "metrics", "logs", "profiles"]
"""The kind of telemetry in a request."""

SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs", "profiles")

Protocol = Literal["grpc", "http/protobuf", "http/json"]
"""The protocol of a request, in the words of `OTEL_EXPORTER_OTLP_PROTOCOL`."""


class Root(Enum):
    """The type of `ROOT`."""

    ROOT = "ROOT"

    def __repr__(self) -> str:
        """Return the name that tests write."""
        return "ROOT"


ROOT: Final = Root.ROOT
"""A value of the criterion `parent`: the span has no parent, or one that otlptest invented."""


class SpanKind(IntEnum):
    """trace.proto `Span.SpanKind`."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    """trace.proto `Status.StatusCode`."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Severity(IntEnum):
    """logs.proto `SeverityNumber`, without its prefix; `Severity.ERROR` is 17."""

    UNSPECIFIED = 0
    TRACE = 1
    TRACE2 = 2
    TRACE3 = 3
    TRACE4 = 4
    DEBUG = 5
    DEBUG2 = 6
    DEBUG3 = 7
    DEBUG4 = 8
    INFO = 9
    INFO2 = 10
    INFO3 = 11
    INFO4 = 12
    WARN = 13
    WARN2 = 14
    WARN3 = 15
    WARN4 = 16
    ERROR = 17
    ERROR2 = 18
    ERROR3 = 19
    ERROR4 = 20
    FATAL = 21
    FATAL2 = 22
    FATAL3 = 23
    FATAL4 = 24


class AggregationTemporality(IntEnum):
    """metrics.proto `AggregationTemporality`."""

    UNSPECIFIED = 0
    DELTA = 1
    CUMULATIVE = 2


class MetricType(Enum):
    """The member of metrics.proto `Metric.data` that is set; the values are its field names."""

    NONE = "none"
    GAUGE = "gauge"
    SUM = "sum"
    HISTOGRAM = "histogram"
    EXPONENTIAL_HISTOGRAM = "exponential_histogram"
    SUMMARY = "summary"

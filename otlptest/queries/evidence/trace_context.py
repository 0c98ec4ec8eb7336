"""Trace contexts that otlptest invents, so that a test can find the telemetry of one call.

W3C Trace Context: `traceparent: 00-<trace id>-<parent id>-01`, always sampled. The parent id names
a span that nobody exports: the view knows it as *outside*, so the span below it is a root.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """The identity of one call.

    Attributes:
        trace_id: 32 hex digits.
        span_id: 16 hex digits: the parent that the call's first span will have.
    """

    trace_id: str
    span_id: str

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers to send: `{"traceparent": …}`, for HTTP headers or gRPC metadata."""
        return MappingProxyType({"traceparent": f"00-{self.trace_id}-{self.span_id}-01"})


def invent() -> TraceContext:
    """Return a new, random, sampled context. Thread-safe."""
    return TraceContext(trace_id=_random_id(16), span_id=_random_id(8))


def _random_id(size: int) -> str:
    """Return hex of `size` random bytes, never all zero (OTLP-TRACE-002, -004)."""
    while True:
        digits = secrets.token_hex(size)
        if digits.strip("0"):
            return digits

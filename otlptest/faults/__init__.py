"""Faults in OTLP's own terms, as data: `otlptest.faults`.

A `ReplyFault` reaches the sender as a reply, in the terms of gRPC or HTTP; plan it with
`otlp.reply(...)` or `with otlp.replying(...):`. A `WireFault` acts on bytes and frames; plan it
with `inject(...)` or `with injecting(...):` on a proxy or a fake collector.

    otlp.reply(faults.unavailable(retry_after_s=0.2), times=2, signal="traces")
    otlp.reply(faults.unavailable(), faults.partial_success(rejected=5), faults.ok(), signal="logs")
"""

from otlptest.faults.replies import (
    ack_lost,
    compressed,
    delay,
    hang,
    malformed_body,
    ok,
    oversize_body,
    partial_success,
    redirect,
    wrong_content_type,
)
from otlptest.faults.reply_faults import ReplyFault
from otlptest.faults.statuses import resource_exhausted, status, unavailable
from otlptest.faults.wire_faults import (
    WireFault,
    bandwidth,
    blackhole,
    corrupt,
    goaway,
    latency,
    refuse,
    reset,
    rst_stream,
    slice,  # noqa: A004 -- meant to be read as `faults.slice`
    trickle,
    truncate,
    window,
)
from otlptest.wire.transport.http2_frames import ErrorCode
from otlptest.wire.transport.statuses import GrpcCode

__all__ = [
    "ErrorCode",
    "GrpcCode",
    "ReplyFault",
    "WireFault",
    "ack_lost",
    "bandwidth",
    "blackhole",
    "compressed",
    "corrupt",
    "delay",
    "goaway",
    "hang",
    "latency",
    "malformed_body",
    "ok",
    "oversize_body",
    "partial_success",
    "redirect",
    "refuse",
    "reset",
    "resource_exhausted",
    "rst_stream",
    "slice",
    "status",
    "trickle",
    "truncate",
    "unavailable",
    "window",
    "wrong_content_type",
]

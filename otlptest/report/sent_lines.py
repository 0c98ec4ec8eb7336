"""The answers of a receiver to requests that otlptest sent, as lines and as JSON."""

from typing import TYPE_CHECKING, Any

from otlptest.errors import Finding
from otlptest.report.plain_text import one_line

if TYPE_CHECKING:  # loading it needs protobuf, and commands that only read do not need it
    from otlptest.sending import ExportResult


def sent_verdict(export: "ExportResult") -> str:
    """Return `accepted`, `partial` (some items were rejected) or `refused`."""
    if not export.is_success:
        return "refused"
    return "partial" if export.rejected else "accepted"


def sent_line(export: "ExportResult") -> str:
    """Return one request and its answer on one line."""
    said = [
        f"{sent_verdict(export)}: {export.signal}",
        *([f"({one_line(export.origin)})"] if export.origin else []),
        f"to {one_line(export.target)}: {_status(export)}, {export.size} bytes,",
        f"{1000 * export.elapsed_s:.0f} ms",
    ]
    if export.rejected:
        said.append(f"- {export.rejected} items rejected")
    if export.message:
        said.append(f"- {one_line(export.message)}")
    if export.retry_after_s is not None:
        said.append(f"- retry after {export.retry_after_s:g} s")
    return " ".join(said)


def sent_record(export: "ExportResult") -> dict[str, Any]:
    """Return one request and its answer as JSON."""
    return {
        "verdict": sent_verdict(export),
        "signal": export.signal,
        "protocol": export.protocol,
        "target": export.target,
        "origin": export.origin,
        "size": export.size,
        "http_status": export.http_status,
        "grpc_status": export.grpc_status,
        "rejected": export.rejected,
        "message": export.message,
        "retry_after_s": export.retry_after_s,
        "elapsed_ms": 1000 * export.elapsed_s,
    }


def sent_finding(export: "ExportResult") -> Finding | None:
    """Return the fault of an answer; None if the request was accepted in full."""
    verdict = sent_verdict(export)
    if verdict == "accepted":
        return None
    lost = f"{export.rejected} items rejected" if verdict == "partial" else _status(export)
    return Finding(
        rule="not_accepted",
        where=f"{export.signal} {export.origin or 'request'} to {export.target}",
        expected="the receiver takes the whole request",
        received=f"{lost}: {export.message}" if export.message else lost,
        hint=_hint(export),
    )


def _hint(export: "ExportResult") -> str:
    if not export.is_retryable:
        return ""
    later = "" if export.retry_after_s is None else f" in {export.retry_after_s:g} s"
    return f"this status may pass: send it again{later}, as an OTLP client would"


def _status(export: "ExportResult") -> str:
    if export.grpc_status is not None:
        return f"gRPC status {export.grpc_status}"
    return f"HTTP {export.http_status}" if export.http_status is not None else "no answer"

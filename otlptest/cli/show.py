"""`otlptest show`: draws the content of a capture: waterfalls, metrics, logs, profiles."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand, format_option
from otlptest.cli.streams import note, screen_width, write
from otlptest.errors import FileFormatError, UsageError, nearest_name
from otlptest.report import (
    duration_value,
    item_record,
    json_text,
    logs_text,
    metrics_text,
    profiles_text,
    verdict_record,
)

if TYPE_CHECKING:
    from otlptest.cli.captures import Capture
    from otlptest.queries.traces.traces import Trace

_HELP = """\
Draw what a capture holds: each trace as a waterfall, metrics, logs, profiles.

FILE holds requests in any form that the Collector's file exporter writes (JSON lines, proto,
zstd), or single ones in JSON or protobuf, also as .gz or .zst; or it is a shipped one
(builtin:payloads/traces/checkout.json). Lines and records that are not OTLP are reported with
their number, the rest is shown, and the exit code is 1.

\b
Example:
  otlptest show all.jsonl --trace 5b8efff7
"""
_HINT = "an OTLP file has one JSON request per line"
_NARROWEST = 40  # what a waterfall needs


@click.command("show", cls=NarrowCommand, help=_HELP)
@click.argument("file")
@click.option("--trace", "trace_id", metavar="ID", help="Only this trace; its first digits do.")
@format_option
def command(file: str, *, trace_id: str | None, output_format: str) -> int:
    """Print the capture and what is wrong with it.

    Raises:
        FileFormatError: Nothing in it is OTLP.
        UsageError: It has no such trace, or more than one.
    """
    from otlptest.cli.captures import read_capture  # noqa: PLC0415 -- loads protobuf

    capture = read_capture(file)
    if not capture.request_count:
        first = capture.bad_lines[0] if capture.bad_lines else None
        if first is None:
            raise FileFormatError(file, "", "the file is empty", _HINT)
        raise FileFormatError(file, first.where, first.received, first.hint or _HINT)
    traces = capture.traces()
    if trace_id is not None:
        traces = (_chosen(traces, trace_id),)
    show = _show_json if output_format == "json" else _show_text
    show(capture, traces, only_trace=trace_id is not None)
    return Exit.FINDINGS if capture.bad_lines else Exit.OK


def _chosen(traces: "Sequence[Trace]", trace_id: str) -> "Trace":
    """Return the one trace whose id begins with the given digits.

    Raises:
        UsageError: No trace, or more than one, has such an id.
    """
    fitting = [trace for trace in traces if trace.trace_id.startswith(trace_id.lower())]
    if len(fitting) == 1:
        return fitting[0]
    ids = [trace.trace_id for trace in fitting or traces]
    if fitting:
        raise UsageError(f"{len(ids)} traces begin with {trace_id!r}", ", ".join(ids[:3]))
    nearest = nearest_name(trace_id, ids)
    hint = f"did you mean {nearest!r}?" if nearest else f"there are: {', '.join(ids[:3]) or 'none'}"
    raise UsageError(f"no trace begins with {trace_id!r}", hint)


def _show_text(capture: "Capture", traces: "Sequence[Trace]", *, only_trace: bool) -> None:
    write("\n\n".join(_blocks(capture, traces, only_trace=only_trace)))
    for bad in capture.bad_lines:
        note(f"{capture.name}: {bad.where}: {bad.received}")


def _blocks(capture: "Capture", traces: "Sequence[Trace]", *, only_trace: bool) -> Iterator[str]:
    width = max(_NARROWEST, screen_width())
    for trace in traces:
        yield trace.waterfall(width=width, encoding=sys.stdout.encoding or "utf-8")
    if only_trace:
        records = traces[0].logs
        if records:
            yield "Logs\n" + logs_text(records, width=width)
        return
    if capture.points:
        yield "Metrics\n" + metrics_text(capture.points, width=width)
    if capture.logs:
        yield "Logs\n" + logs_text(capture.logs, width=width)
    if capture.profiles:
        yield "Profiles\n" + profiles_text(capture.profiles, width=width)
    if not (traces or capture.points or capture.logs or capture.profiles):
        yield f"{capture.request_count} requests without any telemetry"


def _show_json(capture: "Capture", traces: "Sequence[Trace]", *, only_trace: bool) -> None:
    facts: dict[str, Any] = {"traces": [_trace_record(trace) for trace in traces]}
    if not only_trace:
        facts["metrics"] = [item_record(point) for point in capture.points]
        facts["logs"] = [item_record(record) for record in capture.logs]
        facts["profiles"] = [item_record(profile) for profile in capture.profiles]
    write(json_text(verdict_record(capture.bad_lines, **facts), indent=2))


def _trace_record(trace: "Trace") -> dict[str, Any]:
    return {
        "trace_id": trace.trace_id,
        "services": sorted(trace.services),
        "duration_ms": duration_value(trace.duration_ms),
        "edges": sorted(trace.edges()),
        "critical_path": [span.span_id for span in trace.critical_path],
        "spans": [item_record(span) for span in trace.spans],
        "logs": [item_record(record) for record in trace.logs],
    }

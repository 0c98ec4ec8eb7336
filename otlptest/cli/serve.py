"""`otlptest serve`: the fake collector for people, with a live tail, a recording, and a verdict."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import click

from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand, format_option
from otlptest.cli.streams import line_width, note, write
from otlptest.errors import FileFormatError, Finding, UnknownBundledFileError, UsageError
from otlptest.report import findings_text, json_text, verdict_record
from otlptest.timing import Deadline

if TYPE_CHECKING:
    from otlptest.cli.recording import Recording
    from otlptest.cli.tail import Tail
    from otlptest.collector.fake import FakeCollector
    from otlptest.faults.plan_file import FaultPlan

_HELP = """\
Run the fake collector and watch what arrives, one line for each span, point and record.

Listens on the standard ports of this machine only. It ends with Ctrl-C (exit code 130), SIGTERM,
or what the options say; then it judges: exit code 1 if anything received breaks a rule of OTLP.

\b
Example:
  otlptest serve --record all.jsonl --exit-after 10
"""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_LOOK_EVERY_S: Final = 0.2  # how soon a signal is noticed; arrivals wake the wait at once


class _Stop:
    """Remembers a signal, so that the current write is finished first."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:  # asked twice: at once
            raise KeyboardInterrupt
        self.signal = number


@click.command("serve", cls=NarrowCommand, help=_HELP)
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65535),
    default=4317,
    show_default=True,
    help="Port for OTLP/gRPC; 0 takes a free one.",
)
@click.option(
    "--http-port",
    type=click.IntRange(0, 65535),
    default=4318,
    show_default=True,
    help="Port for OTLP/HTTP; 0 takes a free one.",
)
@click.option(
    "--host",
    default="localhost",
    show_default=True,
    help="Address to listen on (localhost: 127.0.0.1 and ::1); any other address is reachable"
    " by others.",
)
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin send, e.g. http://localhost:3000, or '*' for any; repeatable.",
)
@click.option("--tls", is_flag=True, help="Serve TLS with a throw-away certificate.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Append what was accepted as OTLP JSON lines; .gz and .zst are compressed.",
)
@click.option("--exit-after", type=click.IntRange(1), metavar="N", help="End after N requests.")
@click.option(
    "--duration", type=click.FloatRange(0), metavar="SECONDS", help="End after this time."
)
@click.option(
    "--fault",
    "fault_plan",
    metavar="PLAN",
    help="Answer by a fault plan: a YAML file, or builtin:NAME, e.g. builtin:flaky.",
)
@format_option
def command(
    *,
    grpc_port: int,
    http_port: int,
    host: str,
    cors_origins: tuple[str, ...],
    tls: bool,
    record: Path | None,
    exit_after: int | None,
    duration: float | None,
    fault_plan: str | None,
    output_format: str,
) -> int:
    """Serve until told to stop, then judge what was received."""
    # What the receivers need loads only here: `otlptest --help` stays quick.
    from otlptest.cli.recording import Recording  # noqa: PLC0415 -- as above
    from otlptest.cli.tail import Tail  # noqa: PLC0415 -- as above
    from otlptest.collector.fake import FakeCollector  # noqa: PLC0415 -- as above

    is_json = output_format == "json"
    plan = _read_plan(fault_plan) if fault_plan is not None else None
    with ExitStack() as opened, _stop_on_signals() as stop:
        recording = opened.enter_context(Recording(record)) if record else None
        collector = opened.enter_context(
            FakeCollector(
                grpc_port=grpc_port,
                http_port=http_port,
                listen=host,
                tls=tls,
                cors_origins=cors_origins,
            )
        )
        if plan is not None:
            plan.apply(collector)
            note(f"faults: {plan.description or fault_plan}")
        _greet(collector, host)
        tail = Tail(collector.source, is_json=is_json, width=line_width())
        _follow(tail, recording, stop, exit_after, duration)
        collector.close()  # reads to the end what was already sent
        _take(tail, recording)
        findings = [_as_told(finding) for finding in collector.findings()]
    _conclude(findings, tail.requests, is_json=is_json)
    if stop.signal == signal.SIGINT:
        return Exit.INTERRUPTED
    return Exit.FINDINGS if any(f.severity == "error" for f in findings) else Exit.OK


def _as_told(finding: Finding) -> Finding:
    """Return a finding for this command, where a fault that never fired is only a warning."""
    return replace(finding, severity="warning") if finding.rule == "fault_never_fired" else finding


def _read_plan(plan: str) -> "FaultPlan":
    """Return the plan that the command line names.

    Raises:
        UsageError: It does not exist, or the user's file has a mistake.
        UnknownBundledFileError: No shipped plan has that name.
    """
    from otlptest.faults.plan_file import read_fault_plan  # noqa: PLC0415 -- see command

    try:
        return read_fault_plan(plan)
    except UnknownBundledFileError:
        raise
    except FileFormatError as mistake:
        raise UsageError(str(mistake).partition("\n")[0], mistake.hint) from mistake


@contextmanager
def _stop_on_signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _greet(collector: "FakeCollector", host: str) -> None:
    note(f"gRPC: {collector.grpc_endpoint}   HTTP: {collector.http_endpoint}   (Ctrl-C ends it)")
    for protocol in ("http/protobuf", "grpc"):
        settings = collector.environ(protocol, inherit=False)
        wanted = [name for name in settings if name.startswith("OTEL_EXPORTER_OTLP_")]
        note(f"for {protocol}:")
        for name in wanted:
            note(f"  export {name}={settings[name]}")
    if host not in _LOOPBACK:
        note(f"warning: {host} can be reached from other machines, and nothing is authenticated")


def _follow(
    tail: "Tail",
    recording: "Recording | None",
    stop: _Stop,
    exit_after: int | None,
    duration: float | None,
) -> None:
    """Show and record what arrives until a signal, the request count or the time limit."""
    deadline = Deadline(duration) if duration is not None else None
    while True:
        _take(tail, recording)
        if stop.signal is not None or (exit_after is not None and tail.requests >= exit_after):
            return
        left = _LOOK_EVERY_S if deadline is None else min(_LOOK_EVERY_S, deadline.remaining_s())
        if left <= 0:
            return
        tail.wait(left)


def _take(tail: "Tail", recording: "Recording | None") -> None:
    news = tail.look()
    if recording is not None:  # first: the file is whole even when nobody reads the output
        recording.add(news.accepted)
    for line in news.lines:
        write(line)


def _conclude(findings: Sequence[Finding], requests: int, *, is_json: bool) -> None:
    if is_json:
        summary = {"type": "summary", **verdict_record(findings, requests=requests)}
        write(json_text(summary))
        return
    if findings:
        write(findings_text(findings))
    errors = sum(finding.severity == "error" for finding in findings)
    note(f"{requests} requests, {errors} errors, {len(findings) - errors} warnings")

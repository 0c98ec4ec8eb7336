"""`otlptest conform receiver`: anything that takes OTLP, judged by what it answers and stores."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from otlptest.cli.conform.conform_options import (
    checked_reports,
    finish,
    list_cases,
    policy_of,
    protocols_of,
    signals_of,
    suite_options,
)
from otlptest.cli.conform.fuzz_command import FuzzOptions, fuzz, fuzz_options
from otlptest.cli.conform.watch import Watch
from otlptest.cli.options import NarrowCommand
from otlptest.cli.streams import note
from otlptest.errors import UsageError

if TYPE_CHECKING:
    from otlptest.conformance.receiver.lab import ReadBack

_HELP = """\
Judge a receiver, a verdict for each requirement.

Give its gRPC endpoint, its HTTP endpoint, or both; every protocol that they may speak is judged.
With --read-back also that data comes out unchanged: from the OTLP file that the receiver writes
(file:PATH), or from what it forwards to a fake collector, whose ports are told (otlp) or given
(otlp:GRPC_PORT:HTTP_PORT). The whole run ends within about five minutes; Ctrl-C and SIGTERM print
the verdicts reached so far, and write them to the reports. Exit code 1 if a requirement fails, 3 if
nothing could be judged, or hardly anything.

\b
Example:
  otlptest conform receiver --http http://127.0.0.1:4318
"""
_PORTS = 2


@click.command("receiver", cls=NarrowCommand, help=_HELP)
@click.option("--grpc", default="", metavar="HOST:PORT", help="Its gRPC endpoint.")
@click.option("--http", default="", metavar="URL", help="Its HTTP endpoint.")
@click.option("--read-back", "read_back", default="", metavar="WHERE", help="file:PATH, or otlp.")
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM of the authority to trust, for https.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Header that it wants with each request, over gRPC metadata; repeatable.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for it to come up.",
)
@suite_options
@fuzz_options
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for any one answer.",
)
def command(
    *,
    grpc: str,
    http: str,
    read_back: str,
    ca_file: Path | None,
    headers: tuple[str, ...],
    wait_s: float,
    protocol_names: tuple[str, ...],
    signal_names: tuple[str, ...],
    cases: tuple[str, ...],
    is_list: bool,
    is_strict: bool,
    target_version: str,
    name: str,
    reports: tuple[str, ...],
    output_format: str,
    timeout_s: float,
    fuzz_payloads: int | None,
    seed: int,
    replay: Path | None,
    failures: Path,
) -> int:
    """Run the suite and report."""
    from otlptest.conformance import (  # noqa: PLC0415 -- slow to load
        ReceiverSuite,
        Target,
        conform_receiver,
    )
    from otlptest.conformance.case import find_cases  # noqa: PLC0415 -- as above
    from otlptest.conformance.receiver.headers import parsed_headers  # noqa: PLC0415 -- as above

    suite = ReceiverSuite(
        cases=cases,
        signals=signals_of(signal_names),
        policy=policy_of(is_strict=is_strict, target_version=target_version),
        timeout_s=timeout_s,
    )
    if is_list:
        return list_cases(
            find_cases(suite.known_cases, cases),
            protocols=protocols_of(protocol_names),
            is_json=output_format == "json",
        )
    files = checked_reports(reports)
    wanted = parsed_headers(headers)
    asked = () if "all" in protocol_names else protocols_of(protocol_names)
    options = FuzzOptions(payloads=fuzz_payloads, seed=seed, replay=replay, folder=failures)
    if options.is_wanted:
        options.check_alone({"--case": cases, "--read-back": read_back})
        return fuzz(
            Target(grpc=grpc, http=http, ca_file=ca_file, wait_s=wait_s, name=name, headers=wanted),
            options,
            protocols=asked,
            signals=suite.signals,
            policy=suite.policy,
            timeout_s=timeout_s,
            reports=files,
            is_json=output_format == "json",
        )
    with _reading_back(read_back) as (stored, words):
        target = Target(
            grpc=grpc,
            http=http,
            ca_file=ca_file,
            read_back=stored,
            read_back_words=words,
            wait_s=wait_s,
            name=name,
            headers=wanted,
        )
        watch = Watch(suite.chosen, suite.policy)
        conformance = watch.run(
            lambda: conform_receiver(target, protocols=asked, suite=suite, on_event=watch.tell)
        )
    return finish(
        conformance,
        reports=files,
        is_json=output_format == "json",
        interrupted=watch.exit_code,
    )


@contextmanager
def _reading_back(where: str) -> Iterator[tuple["ReadBack | None", str]]:
    """Yield what `--read-back` means, and the words that repeat it; a fake runs meanwhile.

    Raises:
        UsageError: The option has no meaning.
        PortTakenError: A given port is in use.
    """
    from otlptest import FakeCollector  # noqa: PLC0415 -- only where it is asked for
    from otlptest.conformance.receiver.read_back import (  # noqa: PLC0415 -- as above
        FileReadBack,
        ForwardReadBack,
    )

    kind, _, rest = where.partition(":")
    if not where:
        yield None, ""
    elif kind == "file" and rest:
        yield FileReadBack(Path(rest)), where
    elif kind == "otlp":
        grpc_port, http_port = _ports(rest)
        with FakeCollector(grpc_port=grpc_port, http_port=http_port) as collector:
            note(f"forward to {collector.grpc_endpoint} (gRPC) or {collector.http_endpoint} (HTTP)")
            ports = [
                urlsplit(each).port for each in (collector.grpc_endpoint, collector.http_endpoint)
            ]
            yield ForwardReadBack(collector), f"otlp:{ports[0]}:{ports[1]}"
    else:
        raise UsageError(f"--read-back {where!r} is unknown", "write file:PATH or otlp")


def _ports(text: str) -> tuple[int, int]:
    """Return the gRPC and HTTP port of `GRPC_PORT:HTTP_PORT`; free ones if it is empty.

    Raises:
        UsageError: It has another form.
    """
    if not text:
        return 0, 0
    parts = text.split(":")
    if len(parts) != _PORTS or not all(part.isdecimal() for part in parts):
        raise UsageError(f"{text!r} is not a pair of ports", "write otlp:GRPC_PORT:HTTP_PORT")
    return int(parts[0]), int(parts[1])

"""`otlptest conform exporter`: any program that exports OTLP, judged by what it sends."""

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
from otlptest.cli.conform.watch import Watch
from otlptest.cli.options import NarrowCommand
from otlptest.errors import UsageError

_HELP = """\
Judge a command that exports, a verdict for each requirement.

COMMAND is any program that reads the standard OTEL_* variables, emits some telemetry, shuts its
SDK down and exits with 0. It is run about 200 times for each protocol, several times at once, each
time against a fake collector of its own. That takes one to five minutes, and more for a command
that is slow to start or stays up for long: 5 to 10 seconds of life show retries and periodic
exports. Ctrl-C and SIGTERM print the verdicts reached so far, and write them to the reports.
Without --protocol: http/protobuf. Exit code 1 if a requirement fails, 3 if nothing could be judged.

\b
Example:
  otlptest conform exporter --protocol all -- python emit.py
"""


@click.command(
    "exporter", cls=NarrowCommand, help=_HELP, context_settings={"allow_interspersed_args": False}
)
@click.argument("words", nargs=-1, metavar="-- COMMAND...")
@suite_options
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Kill a run of the command after this long.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Parallel runs; default: from the cost of one run.",
)
def command(
    *,
    words: tuple[str, ...],
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
    jobs: int | None,
) -> int:
    """Run the suite and report.

    Raises:
        UsageError: There is no command.
    """
    from otlptest.conformance import ExporterSuite, conform_exporter  # noqa: PLC0415 -- slow to load
    from otlptest.conformance.case import find_cases  # noqa: PLC0415 -- as above

    suite = ExporterSuite(
        cases=cases,
        signals=signals_of(signal_names),
        policy=policy_of(is_strict=is_strict, target_version=target_version),
        timeout_s=timeout_s,
        jobs=jobs,
    )
    if is_list:
        return list_cases(
            find_cases(suite.known_cases, cases),
            protocols=protocols_of(protocol_names),
            is_json=output_format == "json",
        )
    if not words:
        raise UsageError("there is no command to judge", "write it after --")
    files = checked_reports(reports)
    watch = Watch(suite.chosen, suite.policy)
    conformance = watch.run(
        lambda: conform_exporter(
            words,
            protocols=protocols_of(protocol_names) or ("http/protobuf",),
            suite=suite,
            name=name,
            on_event=watch.tell,
        )
    )
    return finish(
        conformance,
        reports=files,
        is_json=output_format == "json",
        interrupted=watch.exit_code,
    )

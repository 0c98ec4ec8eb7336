"""`otlptest doctor`: checks this machine and lists what could interfere."""

import os
from collections.abc import Iterator, Sequence

import click

from otlptest.cli.doctor.configuration_checks import configuration_checks
from otlptest.cli.doctor.machine_checks import (
    Check,
    environment_checks,
    part_checks,
    plugin_checks,
    port_checks,
    versions,
)
from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand, format_option
from otlptest.cli.streams import screen_width, write
from otlptest.errors import Finding
from otlptest.report import json_text, one_line, plain_value, verdict_record, wrapped

_HELP = """\
Check this machine: versions, ports, variables, and whether a collector can receive.

Looks at what could make tests fail for reasons that are not the program's: missing packages, a
collector that cannot start, OTEL_* variables, proxies, pytest settings. Exit code 3 if tests will
not run like this; notes alone give 0.

\b
Example:
  otlptest doctor
"""
_MARKS = {"ok": "ok", "note": "--", "problem": "!!"}


@click.command("doctor", cls=NarrowCommand, help=_HELP)
@format_option
def command(output_format: str) -> int:
    """Look at everything and print it."""
    checks = list(_all_checks())
    if output_format == "json":
        record = verdict_record(_findings(checks), checks=[plain_value(check) for check in checks])
        write(json_text(record, indent=2))
    else:
        write(_text(checks, min(100, screen_width())))
    has_problem = any(check.status == "problem" for check in checks)
    return Exit.ENVIRONMENT if has_problem else Exit.OK


def _all_checks() -> Iterator[Check]:
    from otlptest.cli.doctor.receiving_checks import receiving_checks  # noqa: PLC0415 -- loads grpc

    yield from versions()
    yield from plugin_checks(os.environ)
    yield from receiving_checks()
    yield from port_checks()
    yield from environment_checks(os.environ)
    yield from configuration_checks()
    yield from part_checks()


def _findings(checks: Sequence[Check]) -> list[Finding]:
    """Return what is wrong as findings; notes are warnings."""
    return [
        Finding(
            rule="environment",
            severity="error" if check.status == "problem" else "warning",
            where=f"{check.section}: {check.name}",
            expected="a machine on which tests can run and nothing interferes",
            received=check.value,
            hint=check.hint,
        )
        for check in checks
        if check.status != "ok"
    ]


def _text(checks: Sequence[Check], width: int) -> str:
    lines: list[str] = []
    section = ""
    for check in checks:
        if check.section != section:
            section = check.section
            lines += ["", section] if lines else [section]
        said = f"{_MARKS[check.status]} {check.name}: {one_line(check.value)}"
        lines.append(wrapped(said, width, indent="  "))
        if check.hint:
            lines.append(wrapped(f"hint: {check.hint}", width, indent="     "))
    problems = sum(check.status == "problem" for check in checks)
    verdict = f"{problems} problem(s): see !!" if problems else "tests can run here"
    return "\n".join([*lines, "", verdict])

"""Report sections of a failing test: what was received, and the output of programs."""

from collections.abc import Iterator, Sequence
from typing import Final

from otlptest.collector.view import CollectorView
from otlptest.errors import Finding, OtlptestError, condensed
from otlptest.processes import Program
from otlptest.processes.exits import how_it_ended
from otlptest.pytest_plugin.current_test import CurrentTest

_OUTPUT_LINES: Final = 40
_SHOWN_FINDINGS: Final = 5


def failure_sections(test: CurrentTest, told: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Return the title and text of each section in the report of a failed test.

    Args:
        test: The test.
        told: Findings that the failure itself consists of.
    """
    for name, view in test.views.items():
        of_which = "" if name == "otlp" else f" by {name}"
        yield f"otlptest: received{of_which}", _received(view, told)
    for program in test.programs:
        printed = program.last_lines(count=_OUTPUT_LINES)
        if printed or program.has_exited:
            yield f"otlptest: output of {program.name}", f"{printed}\n{_state(program)}".lstrip()


def _received(view: CollectorView, told: Sequence[Finding]) -> str:
    try:
        return "\n".join([view.describe(), *_wrong(view, told)])
    except OtlptestError as error:  # a report must come, whatever state the collector is in
        return f"(could not be told: {error})"


def _wrong(view: CollectorView, told: Sequence[Finding]) -> Iterator[str]:
    findings = [finding for finding in view.findings() if finding not in told]
    if findings:
        yield f"{len(findings)} broken rule{'s' if len(findings) > 1 else ''} besides the failure:"
    shown = condensed(findings)
    yield from map(str, shown[:_SHOWN_FINDINGS])
    if len(shown) > _SHOWN_FINDINGS:
        yield f"and {len(shown) - _SHOWN_FINDINGS} more"


def _state(program: Program) -> str:
    if program.has_exited:
        return f"[{program.ending.abrupt or how_it_ended(program.exit_code)}]"
    return f"[still runs, pid {program.pid}]"

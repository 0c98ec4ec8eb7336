"""The command's output about its exports, and a control that it would report failures.

An SDK reports failures where the program configures it: on the console, in a file, nowhere. So
silence means something only if the same command reported a plain failure in another run.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from otlptest import faults
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import DeliveryAttempts, start_run
from otlptest.model import Signal

_REASONS: Final = re.compile(rf"\b({'|'.join(re.escape(each.phrase) for each in HTTPStatus)})\b")
_VARYING: Final = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9]+")
_FAILURE: Final = re.compile(
    r"fail|error|exception|refus|reject|drop|discard|lost|unable|cannot|could not|exceed|exhaust"
    r"|invalid.?argument|unavailable|transient|retry|deadline|timed?.?out|larger|too|\b[345]\d\d\b"
    r"|(gave|giv(en?|ing)) up|undeliver|unsent|unreachable|abandon|abort|interrupt|expire"
    r"|not (be )?(acknowledged|answered|delivered|exported|sent)|no (answer|reply|response)",
    re.IGNORECASE,
)
_LOSS: Final = re.compile(
    r"(unable|fail(ed|ure)?|cannot|can't|could not|couldn't|not) (to )?(be )?"
    r"(send|sent|export|deliver)"
    r"|(send|export|deliver)(ing|y)? (\w+ ){0,2}(fail|error)|dropp(ed|ing)|discard|undeliver|unsent"
    r"|(spans?|metrics?|points?|records?|logs?|traces?|telemetry|data|batch) (\w+ ){0,2}lost"
    r"|lost \d+|gave up|giving up|given up",
    re.IGNORECASE,
)
_MOST_LINES: Final = 4
_LONGEST: Final = 240
_RUN: Final = "failure records"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """The output of the command when the export of one signal is refused for good.

    Attributes:
        each: The delivery of the telemetry.
        lines: The lines about a failure that it does not print otherwise.
    """

    each: DeliveryAttempts
    lines: tuple[str, ...]

    @property
    def told(self) -> str:
        """Return the record as evidence."""
        if not self.lines:
            return (
                f"when {self.each.signal} are refused with {self.each.faults[0]!r} it says nothing"
            )
        return f"when {self.each.signal} are refused it says:\n{words_of(self.lines)}"


def failure_records(lab: ExporterLab) -> dict[Signal, FailureRecord]:
    """Return the output when each signal is refused for good; run once for all cases."""

    def make() -> dict[Signal, FailureRecord]:
        refused = (faults.status(400, message="otlptest refuses this"),)
        runs = {signal: start_run(lab, {signal: refused}) for signal in lab.signals}
        found = {}
        for signal, run in runs.items():
            (each,) = run()
            found[signal] = FailureRecord(
                each=each, lines=new_lines(each.seen, lab.baseline, about_failures=True)
            )
        return found

    return lab.shared(f"{_RUN}: {', '.join(lab.signals)}", make)


def new_lines(
    seen: Observation, baseline: Observation, *, about_failures: bool = False
) -> tuple[str, ...]:
    """Return the lines that the observing run did not print, numbers and ids aside.

    Args:
        seen: The run.
        baseline: The observing run.
        about_failures: Only lines about failures.
    """
    usual = {_VARYING.sub("#", line) for line in baseline.output.splitlines()}
    return tuple(
        line.strip()
        for line in seen.output.splitlines()
        if line.strip()
        and _VARYING.sub("#", line) not in usual
        and not (about_failures and not _FAILURE.search(line))
    )


def told_as_lost(seen: Observation, baseline: Observation) -> tuple[str, ...]:
    """Return the lines about a loss that the observing run did not print.

    A line about an unreadable answer does not report that telemetry is lost.
    """
    return tuple(line for line in new_lines(seen, baseline) if _LOSS.search(line))


def repeated_lines(
    seen: Observation, record: FailureRecord, baseline: Observation
) -> tuple[str, ...]:
    """Return lines that the refused run printed too, statuses and numbers aside.

    Such lines report a failure where there was none. Lines that the observing run printed as well,
    such as one for each answer, do not count.
    """
    known = {_shape(line) for line in record.lines}
    known -= {_shape(line) for line in baseline.output.splitlines()}
    return tuple(
        line.strip() for line in seen.output.splitlines() if line.strip() and _shape(line) in known
    )


def _shape(line: str) -> str:
    """Return a line without the parts that a status or a time changes."""
    return _VARYING.sub("#", _REASONS.sub("", line)).strip()


def line_with(seen: Observation, text: str) -> str:
    """Return the first line of a run's output with that text; empty if there is none."""
    return next((line.strip() for line in seen.output.splitlines() if text in line), "")


def words_of(lines: tuple[str, ...]) -> str:
    """Return the first few lines, as evidence."""
    shown = [f"  | {line[:_LONGEST]}" for line in lines[:_MOST_LINES]]
    return "\n".join(shown) or "  | (nothing)"

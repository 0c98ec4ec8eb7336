"""Traces of failed deliveries in the output of the command."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Final

from otlptest import faults
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.command_output import failure_records, new_lines, words_of
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_always,
)
from otlptest.conformance.exporter.retries.retry_control import condensed
from otlptest.conformance.exporter.shared_runs import unavailable_runs
from otlptest.faults import ReplyFault
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


@CASES.add(
    "records/unavailable",
    "A receiver that stays unavailable leaves a trace in the output",
    ("OTLP-RESP-039",),
    expected_s=12.0,
    runs=3,
)
def _judge_unavailable(lab: ExporterLab) -> Iterator[CheckResult]:
    return condensed(_recorded("OTLP-RESP-039", lab, faults.unavailable(), unavailable_runs(lab)))


@CASES.add(
    "records/unanswered",
    "A receiver that never answers leaves a trace in the output",
    ("OTLP-GRPC-033",),
    protocols=("grpc",),
    expected_s=12.0,
    runs=3,
)
def _judge_unanswered(lab: ExporterLab) -> Iterator[CheckResult]:
    answer = faults.hang()
    runs = {
        signal: lab.start(prepare=replying_always(answer, signals=(signal,)))
        for signal in lab.signals
    }
    return condensed(_recorded("OTLP-GRPC-033", lab, answer, runs))


def _recorded(
    rule: str, lab: ExporterLab, answer: ReplyFault, runs: "Mapping[Signal, Future[Observation]]"
) -> Iterator[CheckResult]:
    """Judge that the output mentions a signal that fails for good, one signal at a time."""
    for signal, run in runs.items():
        yield _spoken_of(rule, lab, delivery_attempts(run.result(), signal, (answer,)))


def _spoken_of(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    if not each.is_hit or each.seen.has_timed_out:
        return inconclusive(rule, each.told)
    lines = new_lines(each.seen, lab.baseline, about_failures=True)
    if lines:
        return passed(rule, f"it says:\n{words_of(lines)}", exchanges=each.told)
    others = new_lines(each.seen, lab.baseline)
    if others:
        return inconclusive(
            rule,
            "it printed new lines, but none looks like a known failure message:\n"
            f"{words_of(others)}",
            exchanges=each.told,
        )
    record = failure_records(lab)[each.signal]
    if not record.lines:
        return inconclusive(
            rule,
            "its output tells of no failures at all: an SDK may log them elsewhere, or count them",
            exchanges=each.told,
        )
    return failed(rule, "it says nothing of it", exchanges=f"{each.told}\n{record.told}")

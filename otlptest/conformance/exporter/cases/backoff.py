"""The waits of a client between attempts, and its giving up."""

from collections.abc import Iterator
from typing import Final

from otlptest import faults
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.cases.timeouts import told_if_late
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.retries.backoff_statistics import (
    agreed,
    failures_in_a_row,
    judged_growth,
    judged_jitter,
    measured_noise,
)
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_always,
    start_run,
)
from otlptest.conformance.exporter.retries.retry_control import condensed, control_of
from otlptest.conformance.exporter.shared_runs import NO_TIMEOUT, unavailable_runs
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_RUNS: Final = 9

_TIMEOUT_S: Final = 3.0
_MILLISECONDS: Final = f"{_TIMEOUT_S * 1000:.0f}"
_SLACK_S: Final = 0.5
_LATE: Final = f"how long one answer is waited for, told {_MILLISECONDS} ms"


@CASES.add(
    "backoff/growth",
    "Several failures in a row: waits grow, and differ between runs",
    ("OTLP-RESP-041", "OTLP-RESP-042"),
    protocols=("grpc",),
    expected_s=16.0,
    runs=_RUNS,
)
@CASES.add(
    "backoff/http_growth",
    "Several 503 in a row: waits grow, and differ between runs",
    ("OTLP-RESP-041", "OTLP-RESP-042", "OTLP-RESP-078"),
    protocols=HTTP_PROTOCOLS,
    expected_s=16.0,
    runs=_RUNS,
)
def _judge_growth(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge the growth and the jitter of waits, by several failures in a row in several runs."""
    growth = ["OTLP-RESP-041"] + (["OTLP-RESP-078"] if lab.protocol != "grpc" else [])
    rules = (*growth, "OTLP-RESP-042")
    first = control_of(lab).shortest_gap_s
    if first is None:
        for rule in rules:
            yield inconclusive(rule, "nothing was sent again in the control run")
        return
    number = failures_in_a_row(first)
    waits, noise_s = _waits(lab, number)
    found = [judged_growth(rule, waits) for rule in growth]
    found.append(judged_jitter("OTLP-RESP-042", waits, noise_s))
    if any(each.outcome == "failed" for each in found):
        waits, noise_s = _waits(lab, number)
        again = [judged_growth(rule, waits) for rule in growth]
        again.append(judged_jitter("OTLP-RESP-042", waits, noise_s))
        found = [agreed(*pair) for pair in zip(found, again, strict=True)]
    yield from found


def _waits(lab: ExporterLab, number: int) -> tuple[list[tuple[float, ...]], float]:
    """Return the waits of runs with that many failures, and the noise of the machine."""
    with measured_noise() as noise_s:
        runs = _same_failures(lab, number)
        return [each.faulted_gaps_s for each in runs if each.is_retried], noise_s()


def _same_failures(lab: ExporterLab, number: int) -> list[DeliveryAttempts]:
    """Return runs in which one signal is answered UNAVAILABLE that often, signals in turn."""
    answers = (faults.unavailable(),) * number
    signals = [lab.signals[turn % len(lab.signals)] for turn in range(_RUNS)]
    runs = [start_run(lab, {signal: answers}, NO_TIMEOUT) for signal in signals]
    return [each for run in runs for each in run()]


@CASES.add(
    "backoff/end",
    "A receiver that stays unavailable: attempts end, within the timeout if one is set",
    ("OTLP-RESP-044", "OTLP-CFG-042"),
    expected_s=20.0,
    runs=6,
)
def _judge_end(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a receiver that is unavailable for good: attempts end, by default and by a timeout."""
    answer = faults.unavailable()
    milliseconds = {"OTEL_EXPORTER_OTLP_TIMEOUT": _MILLISECONDS}
    usual = unavailable_runs(lab)
    timed = {
        signal: lab.start(milliseconds, prepare=replying_always(answer, signals=(signal,)))
        for signal in lab.signals
    }
    yield from condensed(
        _bounded(lab, delivery_attempts(run.result(), signal, (answer,)))
        for signal, run in usual.items()
    )
    yield from condensed(
        _bounded_in_all(
            lab,
            delivery_attempts(run.result(), signal, (answer,)),
            delivery_attempts(usual[signal].result(), signal, (answer,)),
        )
        for signal, run in timed.items()
    )


def _bounded(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    rule = "OTLP-RESP-044"
    if not each.is_retried:
        return inconclusive(rule, "nothing was sent again", exchanges=each.told)
    told = f"{len(each.attempts)} attempts in {_span_s(each):.1f} s. {each.told}"
    if not each.seen.has_timed_out:
        return passed(rule, f"it gave up by itself: {told}")
    if not each.seen.has_hung:
        return inconclusive(rule, f"it started too late to show its last attempt: {told}")
    if each.seen.ended_at - each.attempts[-1].started_at > control_of(lab).patience_s(each.signal):
        return inconclusive(rule, f"the attempts ended, the command did not: {told}")
    return failed(rule, f"after {lab.timeout_s:.0f} s it still sent again: {told}")


def _bounded_in_all(
    lab: ExporterLab, each: DeliveryAttempts, usual: DeliveryAttempts
) -> CheckResult:
    """Judge the attempts against those without the variable, which must go on for longer."""
    rule = "OTLP-CFG-042"
    signal: Signal = each.signal
    told = f"OTEL_EXPORTER_OTLP_TIMEOUT={_MILLISECONDS}. {each.told}"
    if not each.is_hit:
        return inconclusive(rule, told)
    if control_of(lab).gap_s(signal) is None:
        return inconclusive(
            rule, f"the command does not send {signal} again at all", exchanges=told
        )
    span_s = _span_s(each)
    if span_s > _TIMEOUT_S + _SLACK_S:
        late = lab.shared(_LATE, lambda: told_if_late(lab, lab.signals[0], _MILLISECONDS))
        if late:
            reason = "the timeout does not end the wait for a single answer (OTLP-CFG-040) either"
            return inconclusive(rule, f"{reason}: {late}", exchanges=told)
        return failed(
            rule,
            f"the last attempt began {span_s:.1f} s after the first, over {_TIMEOUT_S:g} s",
            exchanges=told,
        )
    if not usual.is_hit or _span_s(usual) <= _TIMEOUT_S:
        reason = "its attempts end as early where the variable is not set"
        return inconclusive(rule, reason, exchanges=f"{told}\n{usual.told}")
    return passed(rule, f"the last attempt began {span_s:.1f} s after the first", exchanges=told)


def _span_s(each: DeliveryAttempts) -> float:
    return each.attempts[-1].started_at - each.attempts[0].started_at

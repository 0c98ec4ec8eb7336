"""Receivers that ask for a pause: `RetryInfo` over gRPC, `Retry-After` over HTTP.

The pause is longer than the client's own back-off, as seen in the control run: so a client that
ignores it comes too early. A client drops what would come after its own deadline, so a long one is
set.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.payloads import answered_at
from otlptest.conformance.exporter.retries.backoff_statistics import NO_WAIT_S
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_once,
    start_run,
    start_run_per_signal,
)
from otlptest.conformance.exporter.retries.retry_control import (
    Control,
    condensed,
    control_of,
    judged_no_retry,
    judged_retry,
)
from otlptest.conformance.exporter.shared_runs import NO_TIMEOUT, unavailable_runs
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_LONGER: Final = 1.6  # than the control's wait, whose jitter may have made it short
_LONGEST_S: Final = 12
_EARLY_S: Final = 0.05  # of clocks
_DATE_S: Final = 1.0  # a date has whole seconds
_HAMMERING: Final = 0.1  # of the first back-off
_SPARING: Final = 0.25
_HALF: Final = 0.5
_FEWEST_GAPS: Final = 2
_FOREVER_S: Final = 3600
_WAITED_FOR_S: Final = 25.0
_LATE_S: Final = 0.5  # all that a client sends at the same time is there by then
_TOO_SHORT: Final = "its own waits are too short to measure"
_TOO_BUSY: Final = "the machine is too busy to tell when the answer was sent"

_HTTP_STATUSES: Final[Mapping[int, str]] = MappingProxyType(
    {429: "OTLP-RESP-074", 503: "OTLP-RESP-075", 502: "OTLP-RESP-077", 504: "OTLP-RESP-077"}
)
_ODD_VALUES: Final = ("abc", "-5", "0", "Mon, 01 Jan 1990 00:00:00 GMT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pause:
    """The pause to ask for, and whether a client that ignores it would be seen."""

    control: Control
    seconds: int


def _pause(lab: ExporterLab) -> _Pause:
    control = control_of(lab)
    usual_s = control.longest_gap_s or 0.0
    seconds = min(_LONGEST_S, max(1, math.ceil(_LONGER * usual_s)))
    return _Pause(control=control, seconds=seconds)


@CASES.add(
    "throttling/retry_info",
    "RetryInfo in the status details: waited for",
    (
        "OTLP-RESP-028",
        "OTLP-RESP-048",
        "OTLP-RESP-049",
        "OTLP-RESP-050",
        "OTLP-RESP-052",
    ),
    protocols=("grpc",),
    expected_s=18.0,
    runs=4,
)
def _judge_retry_info(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge the pause in the status details, twice in a row, and with RESOURCE_EXHAUSTED."""
    pause = _pause(lab)
    unavailable = faults.unavailable(retry_after_s=pause.seconds)
    exhausted = faults.resource_exhausted(retry_after_s=pause.seconds)
    twice = start_run_per_signal(lab, unavailable, unavailable, changes=NO_TIMEOUT)
    once = start_run(lab, dict.fromkeys(lab.signals, (exhausted,)), NO_TIMEOUT)
    runs, exhausted_runs = twice(), once()
    least_s = pause.seconds - _EARLY_S
    waited = [_waited("OTLP-RESP-049", each, pause, least_s) for each in runs]
    yield from condensed(waited)
    after = [_waited("OTLP-RESP-050", each, pause, least_s) for each in (*runs, *exhausted_runs)]
    yield from condensed(_read_at_all(after))
    yield from condensed(_throttled(lab, each, pause) for each in runs)
    yield from condensed(_not_shrinking(each, pause) for each in runs)
    sent_again = {each.signal: each for each in runs}
    yield from condensed(
        _after_exhausted(lab, each, pause, sent_again[each.signal]) for each in exhausted_runs
    )


def _read_at_all(found: Sequence[CheckResult]) -> Sequence[CheckResult]:
    """Return evidence that RetryInfo was read: a wait after one of the codes is enough.

    A client that waits after RESOURCE_EXHAUSTED alone reads it, but not always (OTLP-RESP-049).
    """
    return [each for each in found if each.outcome == "passed"] or found


def _waited(rule: str, each: DeliveryAttempts, pause: _Pause, least_s: float) -> CheckResult:
    """Return whether the first wait is at least so long."""
    if not each.is_retried:
        return inconclusive(rule, "nothing was sent again", exchanges=each.told)
    gap = each.gaps_s[0]
    told = f"asked to wait {pause.seconds} s, sent again after {gap:.2f} s. {each.told}"
    if each.most_gaps_s[0] < least_s:
        return failed(rule, told)
    if gap < least_s:
        return inconclusive(rule, _TOO_BUSY, exchanges=told)
    usual = pause.control.gap_s(each.signal)
    if usual is None or usual >= least_s:
        return inconclusive(rule, "its own back-off may be as long", exchanges=told)
    return passed(rule, f"{told}\n{pause.control.told(each.signal)}")


def _throttled(lab: ExporterLab, each: DeliveryAttempts, pause: _Pause) -> CheckResult:
    """Judge whether the client holds back all telemetry of the signal.

    A client that waits for a time of its own choice holds back too, but not as asked.
    """
    rule = "OTLP-RESP-048"
    if not each.is_hit:
        return inconclusive(rule, each.told)
    asked_at = each.attempts[0].received_at
    later = [other.started_at for other in each.seen.of(each.signal)]
    gap = min((at - asked_at for at in later if at > asked_at), default=None)
    if gap is None or gap >= pause.seconds - _EARLY_S:
        return _waited(rule, each, pause, pause.seconds - _EARLY_S)
    told = f"asked to wait {pause.seconds} s, and {each.signal} came {gap:.2f} s later. {each.told}"
    if gap >= NO_WAIT_S:
        return inconclusive(rule, f"it holds back, but not as asked (OTLP-RESP-049): {told}")
    if min(each.most_gaps_s, default=NO_WAIT_S) < NO_WAIT_S:
        return _sent_at_once(lab, each, pause, told)
    return _others_held_back(lab, each.signal, pause, told)


def _sent_at_once(
    lab: ExporterLab, each: DeliveryAttempts, pause: _Pause, told: str
) -> CheckResult:
    """Fail if it waits otherwise, and twice does not when asked to."""
    rule = "OTLP-RESP-048"
    if (pause.control.gap_s(each.signal) or 0.0) < NO_WAIT_S:
        control = pause.control.told(each.signal)
        return inconclusive(rule, f"{_TOO_SHORT}: {told}\n{control}")
    (again,) = start_run(lab, {each.signal: each.faults}, NO_TIMEOUT)()
    told = f"{told}\nin a second run: {again.told}"
    if min(again.most_gaps_s, default=NO_WAIT_S) < NO_WAIT_S:
        return failed(rule, f"it does not hold back at all: {told}")
    return inconclusive(rule, f"it holds back in one of two runs: {told}")


def _others_held_back(lab: ExporterLab, signal: Signal, pause: _Pause, told: str) -> CheckResult:
    """Fail if other telemetry of the signal is sent right after a late answer.

    What a client sends in parallel may cross an answer that comes at once; not one that comes late.
    """
    rule = "OTLP-RESP-048"
    late = faults.delay(_LATE_S, reply=faults.unavailable(retry_after_s=pause.seconds))
    (each,) = start_run(lab, {signal: (late,)}, NO_TIMEOUT)()
    if each.is_hit:
        answer = answered_at(each.attempts[0])
        waits = [other.started_at - answer for other in each.seen.of(signal)]
        if any(0 <= wait < NO_WAIT_S for wait in waits):
            return failed(rule, f"it does not hold back at all: {told}", exchanges=each.told)
    return inconclusive(rule, f"it may have been under way before the answer: {told}")


def _not_shrinking(each: DeliveryAttempts, pause: _Pause) -> CheckResult:
    rule = "OTLP-RESP-052"
    gaps = each.faulted_gaps_s
    if len(gaps) < _FEWEST_GAPS:
        return inconclusive(rule, "it was not sent again twice", exchanges=each.told)
    least = pause.seconds - _EARLY_S
    told = f"asked to wait {pause.seconds} s each time; waited {_seconds(gaps)}. {each.told}"
    if min(gaps) < least:
        return failed(rule, told)
    if min(each.gaps_s[: len(gaps)]) < least:
        return inconclusive(rule, _TOO_BUSY, exchanges=told)
    usual = pause.control.gap_s(each.signal)
    if usual is None or usual >= least:
        return inconclusive(rule, "its own back-off may be as long", exchanges=told)
    return passed(rule, told)


def _after_exhausted(
    lab: ExporterLab, each: DeliveryAttempts, pause: _Pause, unavailable: DeliveryAttempts
) -> CheckResult:
    """Fail only a client that was seen to send on for as long as the pause."""
    rule = "OTLP-RESP-028"
    if each.is_retried:
        return _waited(rule, each, pause, pause.seconds - _EARLY_S)
    if not unavailable.is_retried:
        return inconclusive(
            rule, "UNAVAILABLE with RetryInfo was not sent again either", exchanges=each.told
        )
    for_good = delivery_attempts(unavailable_runs(lab)[each.signal].result(), each.signal, ())
    longest_s = max(_attempted_s(one) for one in (unavailable, for_good))
    if longest_s < pause.seconds:
        return inconclusive(
            rule,
            f"asked to wait {pause.seconds} s, and it was not seen to send anything again so late:"
            f" its own deadline may be shorter, its last attempt after UNAVAILABLE came after"
            f" {longest_s:.2f} s",
            exchanges=each.told,
        )
    return judged_retry(rule, lab, each)


def _attempted_s(each: DeliveryAttempts) -> float:
    """Return the time from the first answer to the last attempt."""
    return sum(each.gaps_s)


@CASES.add(
    "throttling/zero_retry_info",
    "RetryInfo of 0 s: the client's own back-off",
    ("OTLP-RESP-051",),
    protocols=("grpc",),
    expected_s=6.0,
    runs=3,
)
def _judge_zero_delay(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-RESP-051"
    nothing = faults.unavailable(retry_after_s=0)
    runs = start_run_per_signal(lab, nothing, nothing)()
    gaps = [gap for each in runs for gap in each.faulted_gaps_s]
    usual = control_of(lab).longest_gap_s
    told = f"RetryInfo of 0 s; waited {_seconds(gaps)}. {runs[0].told}"
    if usual is None or len(gaps) < _FEWEST_GAPS:
        yield inconclusive(rule, "too little was sent again", exchanges=told)
        return
    told = f"{told}\nthe first wait without RetryInfo was up to {usual:.2f} s"
    if usual < NO_WAIT_S:
        yield inconclusive(rule, _TOO_SHORT, exchanges=told)
        return
    if max(gaps) < _HAMMERING * usual:
        yield failed(rule, told)
    elif sorted(gaps)[len(gaps) // 2] >= _SPARING * usual:
        yield passed(rule, told)
    else:
        yield inconclusive(rule, "the waits differ too much to tell", exchanges=told)


@CASES.add(
    "throttling/retry_after",
    "Retry-After as seconds and as a date: waited for",
    ("OTLP-RESP-074", "OTLP-RESP-075", "OTLP-RESP-076", "OTLP-RESP-077"),
    protocols=HTTP_PROTOCOLS,
    expected_s=18.0,
    runs=5,
)
def _judge_retry_after(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge `Retry-After` in seconds, by status; as a date; and far beyond any timeout."""
    pause = _pause(lab)
    dated_s = pause.seconds + math.ceil(_DATE_S)
    plans = {
        status: (faults.status(status, retry_after_s=pause.seconds),) for status in _HTTP_STATUSES
    }
    date = (faults.status(503, retry_after_s=dated_s, retry_after_form="date"),)
    runs = {
        status: start_run(lab, dict.fromkeys(lab.signals, answers), NO_TIMEOUT)
        for status, answers in plans.items()
    }
    dated = start_run(lab, dict.fromkeys(lab.signals, date), NO_TIMEOUT)
    for status, run in runs.items():
        rule = _HTTP_STATUSES[status]
        yield from condensed(_waited(rule, each, pause, pause.seconds - _EARLY_S) for each in run())
    later = replace(pause, seconds=dated_s)
    yield from condensed(
        _waited("OTLP-RESP-076", each, later, dated_s - _DATE_S) for each in dated()
    )


@CASES.add(
    "throttling/odd_retry_after",
    "Retry-After that is not a time to wait for: the client's own back-off",
    ("OTLP-RESP-079",),
    protocols=HTTP_PROTOCOLS,
    expected_s=10.0,
    runs=len(_ODD_VALUES),
)
def _judge_odd_values(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge values that are not a time to wait: the client's own back-off applies."""
    answers = [faults.status(503, headers={"Retry-After": value}) for value in _ODD_VALUES]
    runs = [start_run(lab, dict.fromkeys(lab.signals, (answer,) * 2)) for answer in answers]
    yield from condensed(each for run in runs for each in _of_odd_value(lab, run()))


def _of_odd_value(lab: ExporterLab, runs: Sequence[DeliveryAttempts]) -> Iterator[CheckResult]:
    """Judge whether it is sent again as after a 503 without the field, and not at once."""
    control = control_of(lab)
    dropped = [
        each
        for each in runs
        if each.is_hit and not each.is_retried and control.gap_s(each.signal) is not None
    ]
    if not dropped or runs[0].seen.has_crashed:
        yield _sparing(lab, runs)
        return
    for each in dropped:
        yield judged_retry("OTLP-RESP-079", lab, each)


def _sparing(lab: ExporterLab, runs: Sequence[DeliveryAttempts]) -> CheckResult:
    rule = "OTLP-RESP-079"
    gaps = [gap for each in runs for gap in each.faulted_gaps_s]
    told = f"waited {_seconds(gaps)}. {runs[0].told}"
    if runs[0].seen.has_crashed:
        return failed(rule, "the command crashed", exchanges=told, harm="crash")
    if len(gaps) < _FEWEST_GAPS:
        return inconclusive(rule, "too little was sent again", exchanges=told)
    usual = control_of(lab).longest_gap_s or 0.0
    if usual < NO_WAIT_S:
        return inconclusive(rule, _TOO_SHORT, exchanges=told)
    if max(gaps) < NO_WAIT_S:
        return failed(rule, "sent again at once each time", exchanges=told)
    if sorted(gaps)[len(gaps) // 2] < _HALF * usual:
        return inconclusive(
            rule,
            f"its own back-off is {usual:.2f} s; a busy machine may have made these",
            exchanges=told,
        )
    return passed(rule, told)


@CASES.add(
    "throttling/endless_retry_after",
    "Retry-After of an hour: never sent again before",
    ("OTLP-RESP-080",),
    protocols=HTTP_PROTOCOLS,
    expected_s=10.0,
)
def _judge_for_ever(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a pause longer than any export may take: drop or wait, but never come too early."""
    answer = (faults.unavailable(retry_after_s=_FOREVER_S),)
    plan = dict.fromkeys(lab.signals, answer)
    seen = lab.run(prepare=replying_once(plan), timeout_s=min(_WAITED_FOR_S, lab.timeout_s))
    yield from condensed(
        judged_no_retry("OTLP-RESP-080", lab, delivery_attempts(seen, signal, answer))
        for signal in lab.signals
    )


def _seconds(gaps: Sequence[float]) -> str:
    return ", ".join(f"{gap:.2f} s" for gap in gaps) or "never"

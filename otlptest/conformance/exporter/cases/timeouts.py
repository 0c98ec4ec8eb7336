"""OTEL_EXPORTER_OTLP_TIMEOUT: the wait of a client for an answer that does not come.

The end of the stream (HTTP/2) or connection, another attempt, or the end of the command shows when
a client gives up, whichever comes first. A limit of the shutdown may also end the wait; so a short
wait fails only a client that waited longer in another run. If nothing ends it while the command
stays up, a late refusal decides: a client that sends again because of it was still waiting.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otlptest import faults
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.readings import find_log_line, global_env_var, signal_env_var
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_always,
    start_run,
)
from otlptest.conformance.exporter.retries.retry_control import condensed, control_of, usual_rest_s
from otlptest.faults import ReplyFault
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_VARIABLE: Final = global_env_var("TIMEOUT")
_DEFAULT_S: Final = 10.0
_SHORT_S: Final = 2.0
_ANSWERED_S: Final = 15.0
_LONGER_S: Final = 20.0
_LONGEST_S: Final = 32.0
_STARTS: Final = 5.0  # of the time of a single start, when many run at once

_EARLY: Final = 0.9  # of what is expected
# A client's clock starts before its request arrives: it connects first, maybe slowly.
_AHEAD_S: Final = 1.0
_SLACK_S: Final = 1.5
_LATE_S: Final = 3.0
_SHORT_REST_S: Final = 1.0
_LATE_REPLY_S: Final = 1.5
_JUST_BEFORE_S: Final = 0.3
_LIFE_S: Final = 2.0  # beyond the last answer, for what is sent because of it

_When: TypeAlias = Literal["early", "right", "late", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    """The wait of a client for an answer.

    Attributes:
        each: The delivery that it waited for.
        seconds: Its length.
        is_exact: It was not ended by the end of the command.
        value: The variable's value; empty if it was not set.
        own: The value of the signal's variable; empty if it was not set.
    """

    each: DeliveryAttempts
    seconds: float
    is_exact: bool
    value: str
    own: str = ""

    @property
    def told(self) -> str:
        """Return the wait as evidence."""
        setting = f"{_VARIABLE}={self.value}" if self.value else f"{_VARIABLE} unset"
        if self.own:
            setting += f", {signal_env_var(self.each.signal, 'TIMEOUT')}={self.own}"
        if not self.each.is_hit:
            return f"{setting}; {self.each.told}"
        return f"{setting}; it waited {self.seconds:.1f} s. {self.each.told}"


def _deadline_s(lab: ExporterLab) -> float:
    """Return a deadline for the longest wait and a start among many others."""
    first = min((each.started_at for each in lab.baseline.requests), default=0.0)
    start_s = max(0.0, first - lab.baseline.started_at)
    return min(_LONGEST_S + _STARTS * start_s, lab.timeout_s)


def _waiting(
    lab: ExporterLab,
    value: str,
    signal: Signal,
    answer: ReplyFault | None = None,
    *,
    own_value: str = "",
) -> Callable[[], _Wait]:
    """Start a run with one signal unanswered, or late; call the result for the wait."""
    planned = answer or faults.hang()
    changes: dict[str, str] = {_VARIABLE: value} if value else {}
    if own_value:
        changes[signal_env_var(signal, "TIMEOUT")] = own_value
    future = lab.start(
        changes,
        prepare=replying_always(planned, signals=(signal,)),
        timeout_s=_deadline_s(lab),
    )

    def result() -> _Wait:
        each = delivery_attempts(future.result(), signal, (planned,))
        seconds, is_exact = _given_up(each)
        return _Wait(each=each, seconds=seconds, is_exact=is_exact, value=value, own=own_value)

    return result


def _given_up(each: DeliveryAttempts) -> tuple[float, bool]:
    if not each.is_hit:
        return 0.0, False
    first, ended_at = each.attempts[0], each.seen.ended_at
    times = [again.started_at for again in each.attempts[1:]]
    ends = (first.given_up_at, first.connection.closed_at)
    times += [at for at in ends if at is not None and at < ended_at - _JUST_BEFORE_S]
    at = min((*times, ended_at))
    return max(0.0, at - first.received_at), at < ended_at


def _when(lab: ExporterLab, wait: _Wait, expected_s: float) -> _When:
    """Return whether a wait ended when it should."""
    rest_s = 0.0 if wait.is_exact else usual_rest_s(lab, wait.each.signal)
    if wait.seconds < expected_s - _AHEAD_S:
        return "early"
    if wait.seconds <= expected_s + _SLACK_S + rest_s:
        return "right" if rest_s <= _SHORT_REST_S else "unknown"
    pause_s = _SLACK_S * (control_of(lab).gap_s(wait.each.signal) or 0.0)
    return "late" if wait.seconds > expected_s + _LATE_S + rest_s + pause_s else "unknown"


def told_if_late(lab: ExporterLab, signal: Signal, milliseconds: str) -> str:
    """Return how a client waits far longer for an answer than configured; empty if not.

    Args:
        lab: Runs the command, once.
        signal: The one that is not answered.
        milliseconds: The value of the variable.
    """
    wait = _waiting(lab, milliseconds, signal)()
    is_late = wait.each.is_hit and _when(lab, wait, int(milliseconds) / 1000) == "late"
    return wait.told if is_late else ""


@CASES.add(
    "timeouts/values",
    "A receiver that does not answer: given up after the timeout, or the default",
    (
        "OTLP-CFG-040",
        "OTLP-CFG-041",
        "OTLP-CFG-043",
        "OTLP-CFG-044",
        "OTLP-CFG-045",
    ),
    expected_s=30.0,
    runs=8,
)
def _judge_timeout(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge milliseconds, the default, no limit, and invalid values."""
    signal = lab.signals[0]
    late = faults.delay(_ANSWERED_S)
    shorts = [_waiting(lab, f"{_SHORT_S * 1000:.0f}", each) for each in lab.signals]
    usual = _waiting(lab, "", signal)
    endless = _waiting(lab, "0", signal, late)
    longer = _waiting(lab, f"{_LONGER_S * 1000:.0f}", signal, late)
    negative = _waiting(lab, "-1", signal)
    senseless = _waiting(lab, "abc", signal)
    bounds = _Bounds(lab=lab, shorts=tuple(run() for run in shorts), usual=usual(), longer=longer())
    yield bounds.of_default()
    yield from condensed(bounds.of_shorts())
    yield bounds.of_endless(endless())
    yield bounds.of_default_again("OTLP-CFG-044", negative())
    yield bounds.of_default_again("OTLP-CFG-045", senseless())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """The waits that others are compared with.

    Attributes:
        lab: Runs the command.
        usual: The wait if the variable is not set.
        longer: One of 15 s, if it allows more.
        shorts: Those of each signal if it allows 2 s.
    """

    lab: ExporterLab
    usual: _Wait
    longer: _Wait
    shorts: tuple[_Wait, ...]

    @property
    def can_wait(self) -> bool:
        """Return whether the command was seen to wait longer than by default."""
        return self.longer.seconds >= _EARLY * _ANSWERED_S

    @property
    def is_read(self) -> bool:
        """Return whether a set variable was seen to change the wait."""
        others = [each for each in (*self.shorts, self.longer) if each.each.is_hit]
        return any(abs(each.seconds - self.usual.seconds) > _SLACK_S for each in others)

    def is_early_again(self, wait: _Wait, expected_s: float) -> bool:
        """Return whether too short a wait is as short in another run."""
        again = _waiting(self.lab, wait.value, wait.each.signal)()
        return again.each.is_hit and _when(self.lab, again, expected_s) == "early"

    def of_default(self) -> CheckResult:
        rule, wait = "OTLP-CFG-041", self.usual
        told = f"expected {_DEFAULT_S:g} s. {wait.told}"
        if not wait.each.is_hit:
            return inconclusive(rule, told)
        when = _when(self.lab, wait, _DEFAULT_S)
        if when == "unknown":
            return _by_a_late_refusal(self.lab, rule, wait, _DEFAULT_S)
        if when == "right":
            return passed(rule, told)
        if when == "late" or (self.can_wait and self.is_early_again(wait, _DEFAULT_S)):
            return failed(rule, told)
        return inconclusive(rule, "something else may have ended the wait", exchanges=told)

    def of_shorts(self) -> Iterator[CheckResult]:
        """Judge the wait of each signal; one that hangs outweighs the others."""
        hanging = [each for each in self.shorts if _hangs(each)]
        for wait in self.shorts:
            found = self.of_short(wait)
            if found.outcome == "passed" and hanging:
                reason = "the variable may bound the shutdown alone: with it this export hung on"
                yield inconclusive(found.rule, f"{reason}: {hanging[0].told}\n{found.evidence}")
            else:
                yield found

    def of_short(self, wait: _Wait) -> CheckResult:
        rule = "OTLP-CFG-040"
        told = f"expected {_SHORT_S:g} s. {wait.told}"
        if not wait.each.is_hit:
            return inconclusive(rule, told)
        when = _when(self.lab, wait, _SHORT_S)
        if when == "unknown":
            return _by_a_late_refusal(self.lab, rule, wait, _SHORT_S)
        if when == "right":
            return passed(rule, told)
        is_free = self.usual.seconds > _SHORT_S + _LATE_S
        if when == "late" or (is_free and self.is_early_again(wait, _SHORT_S)):
            return failed(rule, told, exchanges=self.usual.told)
        return inconclusive(rule, "something else may have ended the wait", exchanges=told)

    def of_endless(self, wait: _Wait) -> CheckResult:
        rule = "OTLP-CFG-043"
        told = f"answered after {_ANSWERED_S:g} s. {wait.told}"
        if wait.each.is_hit and wait.seconds >= _EARLY * _ANSWERED_S:
            if self.usual.seconds >= _EARLY * _ANSWERED_S:
                reason = "it waits so long where the variable is not set, too"
                return inconclusive(rule, reason, exchanges=f"{told}\n{self.usual.told}")
            return passed(rule, told)
        if not self.can_wait:
            return inconclusive(
                rule, "it did not wait so long with a longer timeout either", exchanges=told
            )
        return failed(rule, told, exchanges=self.longer.told)

    def of_default_again(self, rule: str, wait: _Wait) -> CheckResult:
        """Judge an invalid value: it has the effect of an unset one."""
        told = f"expected as if unset. {wait.told}"
        if not wait.each.is_hit:
            again = _waiting(self.lab, wait.value, wait.each.signal)
            return _judged_absence(self.lab, rule, wait.each, told, lambda: again().each)
        told += f"\n{self.usual.told}"
        if not self.usual.each.is_hit:
            return inconclusive(rule, "the default itself was not seen", exchanges=told)
        if self._is_unlike_usual(wait):
            second = _waiting(self.lab, wait.value, wait.each.signal)()
            if second.each.is_hit and self._is_unlike_usual(second):
                return failed(rule, told)
            return inconclusive(
                rule, "one time so, another time not", exchanges=f"{told}\n{second.told}"
            )
        return self._alike(rule, wait, told)

    def _alike(self, rule: str, wait: _Wait, told: str) -> CheckResult:
        """Judge a wait that does not differ much from the usual one."""
        if abs(wait.seconds - self.usual.seconds) > _SLACK_S or not self._is_own(wait):
            return inconclusive(rule, "something else may have ended the wait", exchanges=told)
        if not self.is_read:
            reason = "it waits as long whatever it is told, so that nothing shows the variable read"
            return inconclusive(rule, reason, exchanges=told)
        return passed(rule, told)

    def _is_unlike_usual(self, wait: _Wait) -> bool:
        """Return whether a wait is another one than where nothing is set, by far."""
        shorter = min(wait, self.usual, key=lambda each: each.seconds)
        return abs(wait.seconds - self.usual.seconds) > _LATE_S and self._is_own(shorter)

    def _is_own(self, wait: _Wait) -> bool:
        """Return whether the client itself ended a wait, not the command's life."""
        return wait.is_exact or usual_rest_s(self.lab, wait.each.signal) <= _SHORT_REST_S


def _hangs(wait: _Wait) -> bool:
    """Return whether an export was open far longer than allowed, until the command ended."""
    return wait.each.is_hit and not wait.is_exact and wait.seconds > _SHORT_S + _LATE_S


def _by_a_late_refusal(lab: ExporterLab, rule: str, wait: _Wait, expected_s: float) -> CheckResult:
    """Judge a wait that only the command's end has ended, by the reaction to a late refusal.

    In `wait` nothing was sent again although no answer came. If an export is sent again when it is
    refused long after the timeout, the client was still waiting.
    """
    told = f"expected {expected_s:g} s. {wait.told}"
    refused_at_s = expected_s + _LATE_S
    if wait.is_exact:
        return inconclusive(
            rule, "too late to be right, too early to be wrong for sure", exchanges=told
        )
    if wait.seconds < refused_at_s:
        return inconclusive(
            rule,
            "the end of the command ended the wait, not the client: keep the program up for"
            f" {refused_at_s + _LIFE_S:g} s after its first request",
            exchanges=told,
        )
    late = faults.delay(refused_at_s, reply=faults.unavailable())
    again = _waiting(lab, wait.value, wait.each.signal, late)().each
    if not again.is_hit or not again.is_retried:
        return inconclusive(
            rule,
            "nothing ends the wait but the end of the command, and an UNAVAILABLE (503) after"
            f" {refused_at_s:g} s is not followed by another attempt, which would show that it"
            f" was waited for",
            exchanges=f"{told}\n{again.told}",
        )
    after_s = again.attempts[1].started_at - again.attempts[0].received_at
    if after_s < refused_at_s:
        return inconclusive(rule, "one time it was given up, another time not", exchanges=told)
    return failed(
        rule,
        f"it was still waiting after {refused_at_s:g} s: what was refused then was sent again."
        f" {told}",
        exchanges=again.told,
    )


@CASES.add(
    "timeouts/own",
    "TIMEOUT of a signal beats the general one",
    ("OTLP-CFG-052",),
    expected_s=25.0,
    runs=3,
)
def _judge_own(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge the timeout of a signal, with a general one that is ten times as long."""
    short, long = f"{_SHORT_S * 1000:.0f}", f"{_LONGER_S * 1000:.0f}"
    runs = [_waiting(lab, long, signal, own_value=short) for signal in lab.signals]
    general_alone = _waiting(lab, long, lab.signals[0])
    waits = [run() for run in runs]
    longer = general_alone()
    yield from condensed(_of_own(lab, wait, longer) for wait in waits)


def _of_own(lab: ExporterLab, wait: _Wait, longer: _Wait) -> CheckResult:
    """Fail a client that waits too long only if it reads the general variable.

    Args:
        lab: Runs the command.
        wait: One with both variables.
        longer: One with the general variable alone: unless it is longer, `wait` shows nothing.
    """
    rule = "OTLP-CFG-052"
    when = _when(lab, wait, _SHORT_S) if wait.each.is_hit else "unknown"
    told = f"expected {_SHORT_S:g} s. {wait.told}"
    if when == "right" and longer.seconds <= _SHORT_S + _LATE_S:
        reason = "with the general variable alone it waits no longer, or that was not seen"
        return inconclusive(rule, reason, exchanges=f"{told}\n{longer.told}")
    if when == "right":
        return passed(rule, told)
    if when != "late":
        return inconclusive(rule, told)
    alone = _waiting(lab, wait.own, wait.each.signal)()
    if not alone.each.is_hit or _when(lab, alone, _SHORT_S) != "right":
        return inconclusive(rule, "the general timeout is not heeded either", exchanges=told)
    return failed(rule, told, exchanges=alone.told)


@CASES.add(
    "timeouts/odd_numbers",
    "Numbers that are none, and one out of range: as if unset",
    ("OTLP-CFG-045", "OTLP-CFG-046"),
    expected_s=1.0,
    runs=2,
)
def _judge_odd_numbers(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that out-of-range and malformed numbers count as unset, and exports go on."""
    queues = {"OTEL_BSP_MAX_QUEUE_SIZE": "-1", "OTEL_BLRP_MAX_QUEUE_SIZE": "-1"}
    for rule, changes in (("OTLP-CFG-045", {_VARIABLE: "10s"}), ("OTLP-CFG-046", queues)):
        run = start_run(lab, dict.fromkeys(lab.signals, ()), changes)
        yield from condensed(_arrived(lab, rule, changes, each) for each in run())


def _arrived(
    lab: ExporterLab, rule: str, changes: Mapping[str, str], each: DeliveryAttempts
) -> CheckResult:
    told = f"{', '.join(f'{name}={value}' for name, value in changes.items())}. {each.told}"
    warning = find_log_line(lab, each.seen, changes.values() if _VARIABLE in changes else changes)
    if each.is_hit and _VARIABLE in changes and not warning:
        # A client that does not read it goes on as well; another case judges its wait.
        reason = "it went on, but no warning shows that the variable is read, nor need be printed"
        return inconclusive(rule, reason, exchanges=told)
    if each.is_hit:
        said = f"it said: {warning}" if warning else "it went on"
        return passed(rule, said, exchanges=told)
    again = start_run(lab, {each.signal: ()}, changes)
    return _judged_absence(lab, rule, each, told, lambda: again()[0])


def _judged_absence(
    lab: ExporterLab,
    rule: str,
    each: DeliveryAttempts,
    told: str,
    again: Callable[[], DeliveryAttempts],
) -> CheckResult:
    """Return whether a signal is missing with an invalid value, and comes otherwise."""
    if not delivery_attempts(lab.baseline, each.signal, ()).is_hit:
        return inconclusive(rule, f"no {each.signal} come without it either", exchanges=told)
    if again().is_hit:
        return inconclusive(rule, "one time it sent, another time not", exchanges=told)
    return failed(rule, f"it sends no {each.signal}. {told}\n{each.seen.output[-300:]}")


@CASES.add(
    "timeouts/late_reply",
    "An answer after the client gave up",
    ("OTLP-RESP-088",),
    expected_s=8.0,
)
def _judge_late_reply(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge an answer that comes when the client no longer waits for it."""
    rule = "OTLP-RESP-088"
    late = faults.delay(_SHORT_S + _LATE_REPLY_S)
    seen = lab.run(
        {_VARIABLE: f"{_SHORT_S * 1000:.0f}"},
        prepare=replying_always(late, signals=lab.signals),
        timeout_s=_deadline_s(lab),
    )
    for signal in lab.signals:
        each = delivery_attempts(seen, signal, (late,))
        yield _unmoved(rule, each)


def _unmoved(rule: str, each: DeliveryAttempts) -> CheckResult:
    told = f"{_VARIABLE}={_SHORT_S * 1000:.0f}. {each.told}"
    if not each.is_hit:
        return inconclusive(rule, told)
    if each.seen.has_crashed:
        return failed(rule, "the command crashed", exchanges=told, harm="crash")
    asked_at = each.attempts[0].received_at
    due_at = asked_at + _SHORT_S + _LATE_REPLY_S
    moved_on = any(
        asked_at + _EARLY * _SHORT_S < other.started_at < due_at - _JUST_BEFORE_S
        for other in each.seen.requests
    )
    if not moved_on or each.seen.ended_at <= due_at:
        return inconclusive(rule, "nobody had given up, or nobody was left", exchanges=told)
    if any(again.started_at > due_at + _JUST_BEFORE_S for again in each.attempts[1:]):
        return inconclusive(rule, "it was still sending again", exchanges=told)
    return passed(rule, "the command went on", exchanges=told)

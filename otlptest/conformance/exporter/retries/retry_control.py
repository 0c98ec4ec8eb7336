"""The control run that shows that a retry would be seen, and the verdicts based on it.

A command emits, shuts its SDK down and exits, and an SDK may drop what waits for another attempt
at shutdown. So "it did not send again" means something only next to a *control*: the same command,
in the same situation, whose telemetry was answered UNAVAILABLE (503), which every client sends
again.

- "must not send again" passes only if the control did send again, or the command stayed up
  for longer than any back-off.
- "must send again" fails only if the control always did and this never did, and the command went
  on at once; or if it stayed up longer than any back-off; or if nothing is ever sent again and
  nothing waited for.

The length of a run says that nothing was waited for only where it follows the exports: a program
that stays up for a while of its own ends at the same time, independent of its exporter.

Before a MUST fails a second run has to show the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from otlptest import faults
from otlptest.conformance.exporter.lab import ExporterLab, observed_again
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    start_run,
)
from otlptest.conformance.exporter.retries.retries_with_new_ids import lookalikes
from otlptest.model import Signal
from otlptest.requirements import find
from otlptest.results import CheckResult, failed, inconclusive, passed

LONGEST_FIRST_WAIT_S: Final = 8.0
"""The longest first back-off of the SDKs in use, that of Go: 5 s with 50 % jitter, and a margin."""

_LEAST_PATIENCE_S: Final = 5.0
_PATIENCE: Final = 3.0
_AT_ONCE: Final = 0.4  # of a client's own wait: below it nothing was waited for
_RUN: Final = "retry control"
_MOST_SHOWN: Final = 3
_LATE_S: Final = 1.0
_NO_PAUSE_S: Final = 0.25
_FOLLOWING: Final = 0.5  # of the delay of an export: a run that follows it is longer by as much
_LOOKS: Final = 3
_CHANGED: Final = "one time it was sent again, another time not"
_ALIKE: Final = "it seems to have been sent again with other ids, which another case judges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The behaviour of the command when answered UNAVAILABLE, or 503, once for each signal.

    Attributes:
        by_signal: The delivery of the first telemetry of each.
    """

    by_signal: Mapping[Signal, DeliveryAttempts]

    def gap_s(self, signal: Signal) -> float | None:
        """Return how long it waited before it sent again; None if it did not."""
        found = self.by_signal.get(signal)
        return found.gaps_s[0] if found is not None and found.is_retried else None

    @property
    def longest_gap_s(self) -> float | None:
        """The longest such gap; None if no signal was sent again."""
        return max(self._gaps(), default=None)

    @property
    def shortest_gap_s(self) -> float | None:
        """The shortest such gap; None if no signal was sent again."""
        return min(self._gaps(), default=None)

    def _gaps(self) -> list[float]:
        return [gap for signal in self.by_signal if (gap := self.gap_s(signal)) is not None]

    def at_once_s(self, signal: Signal) -> float:
        """Return the time below which nothing was waited for: jitter takes at most half."""
        return _AT_ONCE * (self.gap_s(signal) or 0.0)

    def patience_s(self, signal: Signal) -> float:
        """Return the time after which no retry comes any more (`otlp-requirements`, section 0)."""
        gap = self.gap_s(signal)
        if gap is None:
            return LONGEST_FIRST_WAIT_S
        return max(_LEAST_PATIENCE_S, _PATIENCE * gap)

    def told(self, signal: Signal) -> str:
        """Return the control's observation, on one line."""
        gap, found = self.gap_s(signal), self.by_signal.get(signal)
        if gap is not None:
            return f"control: {signal} were sent again {gap:.2f} s after UNAVAILABLE (503)"
        if found is None or not found.is_hit:
            return f"control: no {signal} came"
        return (
            f"control: after UNAVAILABLE (503) {signal} were not sent again either; the command "
            f"exited {found.lived_s:.1f} s later"
        )


def control_of(lab: ExporterLab) -> Control:
    """Return the control of a command, run once for all cases."""

    def make() -> Control:
        run = start_run(lab, {signal: (faults.unavailable(),) for signal in lab.signals})
        return Control(by_signal={each.signal: each for each in run()})

    return lab.shared(f"{_RUN}: {', '.join(lab.signals)}", make)


def judged_no_retry(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Return whether something was rightly sent only once."""
    control = control_of(lab)
    problem = _why_not_judged(lab, each)
    if problem:
        return inconclusive(rule, problem, exchanges=each.told)
    if each.is_retried:
        return _confirmed(rule, lab, each, f"sent again after {each.gaps_s[0]:.2f} s\n{each.told}")
    told = f"{each.told}\nnot sent again; {control.told(each.signal)}"
    anew = _sent_anew(rule, lab, each)
    if anew is not None:
        return anew
    if control.gap_s(each.signal) is not None:
        return passed(rule, told)
    if each.lived_s >= control.patience_s(each.signal):
        return passed(rule, f"{each.told}\nnot sent again in {each.lived_s:.1f} s")
    return inconclusive(
        rule, f"a retry would not have been seen: {_stay_up(each.lived_s)}", exchanges=told
    )


def judged_retry(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge whether something was sent again; if not, look once more."""
    problem = _why_not_judged(lab, each)
    if problem:
        return inconclusive(rule, problem, exchanges=each.told)
    if each.is_retried:
        return passed(rule, f"sent again after {each.gaps_s[0]:.2f} s", exchanges=each.told)
    anew = _sent_anew(rule, lab, each)
    if anew is not None:
        return anew
    control = control_of(lab)
    told = f"not sent again. {each.told}\n{control.told(each.signal)}"
    if each.lived_s >= control.patience_s(each.signal):
        told = f"{told}\nit stayed up for {each.lived_s:.1f} s after the answer"
        return _confirmed(rule, lab, each, told)
    if control.gap_s(each.signal) is None:
        return _judged_without_control(rule, lab, each, told)
    return _looked_at_again(rule, lab, each, told)


def _confirmed(rule: str, lab: ExporterLab, each: DeliveryAttempts, told: str) -> CheckResult:
    """Fail; for a MUST only if a second run shows the same."""
    if find(rule).level != "MUST":
        return failed(rule, told)
    confirmed: set[Signal] = lab.shared(f"{rule} was seen twice: {each.is_retried}", set)
    if confirmed:
        return failed(rule, told)
    (again,) = start_run(lab, {each.signal: each.faults})()
    if not again.is_hit or again.is_retried != each.is_retried:
        return inconclusive(rule, _CHANGED, exchanges=f"{told}\n{again.told}")
    confirmed.add(each.signal)
    return failed(rule, f"{told}\nthe same in a second run")


def _stay_up(lived_s: float) -> str:
    """Return how long the program has to stay up to show a retry, and how long it did."""
    return (
        f"keep the program up for {LONGEST_FIRST_WAIT_S:g} s after its first request; it ended"
        f" {max(0.0, lived_s):.1f} s after the answer"
    )


def judged_given_up(
    rule: str,
    lab: ExporterLab,
    signal: Signal,
    look: Callable[[], tuple[Observation, float | None]],
    told: str,
) -> CheckResult:
    """Return the verdict when nothing was sent again after a pause.

    Failed if the command stayed up longer than any back-off, or if its length follows its exports
    and it went on as quickly as without faults: then it waited for nothing. Runs
    the command several times, with and without the loss, and compares the quickest.

    Args:
        rule: The requirement.
        lab: Runs the command.
        signal: The signal that was lost.
        look: Returns a run and the time its last attempt was lost; None if it was sent again.
        told: The observation, as evidence.
    """
    control = control_of(lab)
    told = f"{told}\n{control.told(signal)}"
    lived_s, usual_s = [], []
    for _ in range(_LOOKS):
        seen, lost_at = look()
        if lost_at is None:
            return inconclusive(rule, _CHANGED, exchanges=told)
        lived_s.append(seen.ended_at - lost_at)
        if len(lived_s) > 1 and min(lived_s) >= control.patience_s(signal):
            return failed(rule, f"{told}\nit stayed up for {lived_s[0]:.1f} s after that")
        usual_s.append(delivery_attempts(lab.run(), signal, ()).lived_s)
    if control.gap_s(signal) is None:
        is_sure = _follows_answers(lab, _answered_late(lab, signal))
        limit_s = _NO_PAUSE_S
    else:
        is_sure, limit_s = life_follows_exports(lab, signal), control.at_once_s(signal)
    if is_sure and min(lived_s) - min(usual_s) <= limit_s:
        return failed(rule, f"{told}\nit waited for nothing, and went on to its end")
    return inconclusive(
        rule, f"it may have been shut down while it waited: {_stay_up(lived_s[0])}", exchanges=told
    )


def life_follows_exports(lab: ExporterLab, signal: Signal) -> bool:
    """Return whether the command ends later if an export takes longer, as in the control.

    Only then the length of a run shows whether its exporter waited for something.
    """
    control = control_of(lab)
    gap_s, found = control.gap_s(signal), control.by_signal.get(signal)
    if gap_s is None or found is None:
        return False
    return _longer_s(lab, found) >= _FOLLOWING * gap_s


def _sent_anew(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult | None:
    """Return inconclusive if it seems to have come again with other ids; else None."""
    alike = lookalikes(lab, each)
    if not alike:
        return None
    return inconclusive(rule, f"{_ALIKE}:\n{each.seen.describe(alike)}", exchanges=each.told)


def _judged_without_control(
    rule: str, lab: ExporterLab, each: DeliveryAttempts, told: str
) -> CheckResult:
    """Judge a command that never sends again: fail if it waited for nothing either.

    Telemetry that is dropped at once and not sent again by the end of the command had no retry
    (`otlp-requirements`, section 0). A command that waits may have been shut down meanwhile.
    """
    late = _answered_late(lab, each.signal)
    is_sure = late.is_hit and _follows_answers(lab, late)
    if is_sure and _is_dropped(lab, each) and _is_dropped(lab, late):
        return failed(
            rule,
            f"{told}\nit dropped what was refused at once, and went on to its end; the same with"
            f" an answer that came {_LATE_S:g} s later: {late.told}",
        )
    reason = f"it may have been shut down while it waited: {_stay_up(each.lived_s)}"
    return inconclusive(rule, reason, exchanges=told)


def _answered_late(lab: ExporterLab, signal: Signal) -> DeliveryAttempts:
    """Return a run with a late UNAVAILABLE: a command that does not wait cannot send again."""

    def make() -> DeliveryAttempts:
        late = faults.delay(_LATE_S, reply=faults.unavailable())
        (each,) = start_run(lab, {signal: (late,)})()
        return each

    return lab.shared(f"{signal} answered UNAVAILABLE late", make)


def _follows_answers(lab: ExporterLab, late: DeliveryAttempts) -> bool:
    """Return whether the command ends later where an answer comes late."""
    return _longer_s(lab, late) >= _FOLLOWING * _LATE_S


def _longer_s(lab: ExporterLab, each: DeliveryAttempts) -> float:
    """Return how much longer than usual the command ran after its first attempt."""
    usual = [
        delivery_attempts(seen, each.signal, ()) for seen in (lab.baseline, observed_again(lab))
    ]
    return _rest_s(each) - min(map(_rest_s, usual))


def _rest_s(each: DeliveryAttempts) -> float:
    return each.seen.ended_at - each.attempts[0].received_at if each.attempts else 0.0


def _is_dropped(lab: ExporterLab, each: DeliveryAttempts) -> bool:
    """Return whether the command waited for nothing, and sent no more than usual."""
    usual = [
        delivery_attempts(seen, each.signal, ()) for seen in (lab.baseline, observed_again(lab))
    ]
    pause_s = each.lived_s - min(one.lived_s for one in usual)
    most = max(len(one.seen.of(each.signal)) for one in usual)
    return pause_s <= _NO_PAUSE_S and len(each.seen.of(each.signal)) <= most


def _looked_at_again(rule: str, lab: ExporterLab, each: DeliveryAttempts, told: str) -> CheckResult:
    """Judge a second run, with nothing else to wait for and a control of its own."""
    unavailable = (faults.unavailable(),)
    runs = [start_run(lab, {each.signal: answers}) for answers in (each.faults, unavailable)]
    (again,), (control,) = (run() for run in runs)
    if not (again.is_hit and control.is_hit) or again.is_retried or not control.is_retried:
        return inconclusive(rule, _CHANGED, exchanges=told)
    waited_s = again.lived_s - usual_rest_s(lab, each.signal)
    if waited_s > _AT_ONCE * control.gaps_s[0]:
        return inconclusive(rule, "it may have been shut down while it waited", exchanges=told)
    return failed(
        rule,
        f"{told}\nthe same in a second run, while UNAVAILABLE (503) was answered by another "
        f"attempt after {control.gaps_s[0]:.2f} s",
    )


def condensed(judged: Iterable[CheckResult]) -> Iterator[CheckResult]:
    """Yield one result for each rule and outcome, with the number of equal ones."""
    groups: dict[tuple[str, str], list[CheckResult]] = {}
    for each in judged:
        groups.setdefault((each.rule, each.outcome), []).append(each)
    for group in groups.values():
        first, *others = group[: _MOST_SHOWN if group[0].outcome == "failed" else 1]
        hidden = len(group) - len(others) - 1
        more = (f"… and {hidden} more alike",) if hidden else ()
        harm = next((each.harm for each in group if each.harm), None)
        exchanges = (*first.exchanges, *(each.evidence for each in others), *more)
        yield replace(first, exchanges=exchanges, harm=harm)


def usual_rest_s(lab: ExporterLab, signal: Signal) -> float:
    """Return how long the command runs after its first telemetry of a signal, without faults."""
    return delivery_attempts(lab.baseline, signal, ()).lived_s


def _why_not_judged(lab: ExporterLab, each: DeliveryAttempts) -> str:
    if not each.attempts:
        return f"no {each.signal} came"
    if each.faults and each.attempts[0].reply_fault != each.faults[0].text:
        return f"the first {each.signal} were refused for what they are"
    if delivery_attempts(lab.baseline, each.signal, ()).is_retried:
        return f"the command sends its {each.signal} twice even where nothing goes wrong"
    if each.seen.has_crashed:
        return "the command crashed"
    return ""

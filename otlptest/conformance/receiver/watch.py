"""The runs of all cases of one receiver, with a look at its health before and after each.

Only the case that a receiver dies of fails; the following ones are inconclusive. If it is busy, or
works off a flood, the watch waits, but not longer than the run may take.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.health import Condition
from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.errors import SendError
from otlptest.results import CheckResult, failed, inconclusive
from otlptest.timing import Deadline

_LOOK_EVERY_S: Final = 0.25
_RECOVERS_S: Final = 3.0
_REVIVES_S: Final = 1.0  # that a receiver gets which refuses connections: something may restart it
_AFTER_A_FLOOD_S: Final = 60.0
_GIVEN_UP_S: Final = 30.0  # of waiting for a receiver that was not flooded, in one absence


class ReceiverWatch:
    """A judge of the cases of one receiver, one after the other. Thread-safe.

    Args:
        lab: The receiver, with what the first look showed.
        judge_case: Runs one case.

    Attributes:
        unseen: The requirements that are inconclusive because the receiver was away or time ran
            out, each with the reason.
    """

    def __init__(
        self, lab: TargetLab, judge_case: Callable[[ReceiverCase, TargetLab], Iterable[CheckResult]]
    ) -> None:
        self.unseen: dict[str, str] = {}
        self._lab = lab
        self._judge_case = judge_case
        self._last = ""
        self._owed_s = _RECOVERS_S
        self._waited_s = 0.0
        self._given_up = ""
        self._is_gone = False
        self._lock = threading.Lock()

    def judge(self, case: ReceiverCase) -> Iterator[CheckResult]:
        """Yield the results of a case; inconclusive if the receiver is not well before it.

        Blocks as long as the case does, and up to a minute for a receiver that was flooded.
        """
        with self._lock:
            reason = self._unfit()
        if reason:
            yield from self._not_seen(case.requirements, reason)
            return
        seen: list[str] = []
        has_sent = has_died = False
        problem: SendError | None = None
        try:
            for each in self._judge_case(case, self._lab):
                if self._is_over() and each.outcome == "failed":
                    break  # an aborted case proves nothing
                seen.append(each.rule)
                has_sent = has_sent or each.outcome != "not_applicable"
                has_died = has_died or each.harm == "crash"
                yield each
        except SendError as error:
            problem = error
        finally:
            self._last = case.id
            self._owed_s = _AFTER_A_FLOOD_S if case.flood else _RECOVERS_S
        unseen = [rule for rule in case.requirements if rule not in seen]
        if self._is_over():
            yield from self._not_seen(unseen, self._out_of_time())
            return
        if problem is not None or self._lab.condition().health == "down":
            condition = self._settled(_RECOVERS_S)
            if condition.health == "down":
                if (has_sent or problem is not None) and not has_died:
                    rule = (unseen or seen[-1:])[0]
                    unseen = [each for each in unseen if each != rule]
                    yield failed(
                        rule, f"the receiver died in this case: {condition}", harm=condition.harm
                    )
                yield from self._not_seen(unseen, "the receiver died before, in this case")
                return
        if problem is not None:
            raise problem

    def _not_seen(self, rules: Iterable[str], reason: str) -> Iterator[CheckResult]:
        for rule in rules:
            self.unseen.setdefault(rule, reason)
            yield inconclusive(rule, reason)

    def _is_over(self) -> bool:
        return self._lab.left_s <= 0.0

    def _out_of_time(self) -> str:
        took_s = 0.0 if self._lab.until is None else self._lab.until.timeout_s
        return f"no time was left: the whole run ends after {took_s:g} s"

    def _unfit(self) -> str:
        """Return why the receiver cannot be judged now; empty if it can."""
        if self._is_over():
            return self._out_of_time()
        if self._given_up:
            return self._given_up
        condition = self._settled(self._owed_s)
        if self._is_over():
            return self._out_of_time()
        since = f"since the case {self._last}" if self._last else "since the first look"
        if condition.is_well:
            self._waited_s = 0.0
            return ""
        reason = f"{condition}, {since}"
        if condition.health != "down" and self._waited_s >= _GIVEN_UP_S:
            self._given_up = f"given up after {self._waited_s:.0f} s: {reason}"
        self._owed_s = _RECOVERS_S
        return self._given_up or reason

    def _settled(self, patience_s: float) -> Condition:
        """Return the receiver's condition once it is well, or patience ends."""
        patience = Deadline(min(patience_s, self._lab.left_s))
        reviving = Deadline(_REVIVES_S)
        while True:
            condition = self._lab.condition()
            if condition.is_well:
                self._is_gone = False
                return condition
            is_down = condition.health == "down"
            if is_down and (self._is_gone or reviving.has_passed()):
                self._is_gone = True
                return condition
            if not patience.pause(_LOOK_EVERY_S):
                self._waited_s += patience.elapsed_s()
                return condition

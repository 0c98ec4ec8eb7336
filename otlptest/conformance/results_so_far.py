"""The verdicts that an interrupted suite has reached so far."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from otlptest.conformance.case import AnyCase
from otlptest.conformance.results import Conformance, SuiteRun, results_of
from otlptest.conformance.runner import CaseFinished, Event, SuiteStarted
from otlptest.conformance.verdicts import Policy
from otlptest.model import Protocol
from otlptest.results import CheckResult
from otlptest.timing import SYSTEM_CLOCK


@dataclass(slots=True, kw_only=True)
class _Run:
    start: SuiteStarted
    cases: Sequence[AnyCase]
    judged: dict[str, tuple[CheckResult, ...]] = field(default_factory=dict)
    started_at: float = field(default_factory=SYSTEM_CLOCK.monotonic)


class ReachedVerdicts:
    """A collector of the events of a suite; see `EventSink`.

    Args:
        chosen: Returns the cases of a protocol.
        policy: How strictly to judge.
    """

    def __init__(self, chosen: Callable[[Protocol], Sequence[AnyCase]], policy: Policy) -> None:
        self._chosen = chosen
        self._policy = policy
        self._runs: list[_Run] = []
        self._current: _Run | None = None
        self._has_stopped = False

    def tell(self, event: Event) -> None:
        """Take the next event; after `stop`, ignore it."""
        if self._has_stopped:
            return
        match event:
            case SuiteStarted():
                self._current = self._run_of(event)
            case CaseFinished() if self._current is not None:
                self._current.judged[event.case] = event.judged
            case _:
                pass

    def _run_of(self, start: SuiteStarted) -> _Run:
        """Return the run of a protocol, which may begin again: a receiver's floods come last."""
        for run in self._runs:
            if run.start.protocol == start.protocol:
                return run
        run = _Run(start=start, cases=self._chosen(cast("Protocol", start.protocol)))
        self._runs.append(run)
        return run

    def stop(self) -> None:
        """Ignore all further results: the programs that cases run are being ended."""
        self._has_stopped = True

    def conformance(self) -> Conformance:
        """Return one run for each protocol that was begun.

        A requirement is in it if all cases that judge it have ended, or if it has failed already.
        """
        return Conformance(runs=tuple(self._run(run) for run in self._runs))

    def _run(self, run: _Run) -> SuiteRun:
        ended = [case for case in run.cases if case.id in run.judged]
        open_rules = {
            rule for case in run.cases if case.id not in run.judged for rule in case.requirements
        }
        judged = {
            case.id: [
                each
                for each in run.judged[case.id]
                if each.outcome == "failed" or each.rule not in open_rules
            ]
            for case in ended
        }
        left = len(run.cases) - len(ended)
        return SuiteRun(
            subject=run.start.subject,
            protocol=run.start.protocol,
            results=results_of(ended, judged, self._policy, run_again=run.start.run_again),
            interrupted=f"interrupted: {left} of {len(run.cases)} cases had not ended"
            if left
            else "",
            duration_s=SYSTEM_CLOCK.monotonic() - run.started_at,
            policy=self._policy,
        )

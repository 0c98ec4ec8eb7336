"""The verdicts about a subject, protocol by protocol, as the data of reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from otlptest.conformance.case import AnyCase
from otlptest.conformance.verdicts import VERDICTS, Policy, Result, VerdictName, result_of
from otlptest.requirements import all_requirements
from otlptest.results import CheckResult, inconclusive, not_applicable


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRun:
    """One run of a suite: a subject in one protocol.

    Attributes:
        subject: The subject that was judged.
        protocol: The protocol that was used.
        results: A verdict for each requirement that the chosen cases judge, in the order of
            sections and numbers.
        problem: Why nothing could be judged; empty if something could.
        shortfall: Why most of it could not be judged; empty if it could.
        is_lacking: The only reason is that the subject does not speak the protocol.
        signals: The signals that the subject sends or takes.
        interrupted: The missing part of an interrupted run; empty if it was not interrupted.
        duration_s: The length of the run in seconds.
        policy: The strictness of the run.
    """

    subject: str
    protocol: str
    results: tuple[Result, ...]
    problem: str = ""
    shortfall: str = ""
    is_lacking: bool = False
    signals: tuple[str, ...] = ()
    interrupted: str = ""
    duration_s: float = 0.0
    policy: Policy = field(default_factory=Policy)

    @property
    def summary(self) -> Mapping[VerdictName, int]:
        """Return the number of results with each verdict."""
        return {
            name: sum(1 for result in self.results if result.verdict == name) for name in VERDICTS
        }

    @property
    def failing(self) -> tuple[Result, ...]:
        """Return the results that make the run exit with findings."""
        return tuple(result for result in self.results if result.fails(self.policy))

    @property
    def has_judged(self) -> bool:
        """Return whether some requirement passed or failed, and no run was cut short."""
        return not self.shortfall and any(
            result.verdict in {"pass", "fail", "warn"} for result in self.results
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """All runs of one subject.

    Attributes:
        runs: One for each protocol, in the order asked for.
    """

    runs: tuple[SuiteRun, ...]

    @property
    def has_failed(self) -> bool:
        """Return whether something was found that should not be."""
        return any(run.failing for run in self.runs)

    @property
    def has_judged(self) -> bool:
        """Return whether each protocol that the subject speaks was judged.

        Also false if it speaks none.
        """
        spoken = [run for run in self.runs if not run.is_lacking]
        return bool(spoken) and all(run.has_judged for run in spoken)


def results_of(
    cases: Sequence[AnyCase],
    judged: Mapping[str, Sequence[CheckResult]],
    policy: Policy,
    *,
    run_again: str,
) -> tuple[Result, ...]:
    """Return a verdict for each requirement that the cases claim, in the order of the catalogue.

    Args:
        cases: The cases that ran.
        judged: The results of each case, by its id.
        policy: How strictly to judge.
        run_again: The command that runs one case, with `{case}` for its id.
    """
    by_rule: dict[str, list[tuple[str, CheckResult]]] = {}
    for case in cases:
        for each in judged[case.id]:
            by_rule.setdefault(each.rule, []).append((case.id, each))
    return tuple(
        result_of(rule.id, by_rule[rule.id], policy, run_again=run_again)
        for rule in all_requirements()
        if rule.id in by_rule
    )


def unjudged_results(
    cases: Sequence[AnyCase],
    reason: str,
    policy: Policy,
    *,
    is_lacking: bool,
    run_again: str,
    accusations: Sequence[CheckResult] = (),
) -> tuple[Result, ...]:
    """Return the verdicts if no case could be run: `inconclusive`, or `skip` if not applicable.

    Args:
        cases: The cases that did not run.
        reason: Why not.
        policy: How strictly to judge.
        is_lacking: The only reason is that the subject does not have it.
        run_again: The command that runs one case, with `{case}` for its id.
        accusations: Results found without a case, for claimed requirements and others.
    """
    judge = not_applicable if is_lacking else inconclusive
    judged = {case.id: [judge(rule, reason) for rule in case.requirements] for case in cases}
    found = {each.rule: each for each in accusations}
    results = {
        result.id: result for result in results_of(cases, judged, policy, run_again=run_again)
    }
    for rule, each in found.items():
        before = results.get(rule)
        case = FIRST_LOOK if before is None else before.case
        again = run_again.replace(" --case {case}", "") if before is None else run_again
        results[rule] = result_of(rule, [(case, each)], policy, run_again=again)
    return tuple(results[rule.id] for rule in all_requirements() if rule.id in results)


FIRST_LOOK: Final = "first look"
"""The name in reports of the check that comes before any case."""


def shortfall_of(results: Sequence[Result], unseen: Mapping[str, str]) -> str:
    """Return why most requirements of a run could not be judged; empty if they could.

    Args:
        results: The verdicts.
        unseen: The requirements that a receiver was away for, or that no time was left for, each
            with the reason.
    """
    lost = [each.id for each in results if each.verdict == "inconclusive" and each.id in unseen]
    if 2 * len(lost) <= len(results):
        return ""
    reason = unseen[lost[0]]
    return f"nothing can be told about {len(lost)} of {len(results)} requirements: {reason}"

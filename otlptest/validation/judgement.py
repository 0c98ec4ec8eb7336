"""The effect of validation on a test: findings that fail it, and findings only reported."""

from collections.abc import Iterable
from dataclasses import dataclass

from otlptest.errors import Finding
from otlptest.model import Problem, Request
from otlptest.validation.leftovers import ForeignItems, nothing_foreign
from otlptest.validation.payloads import data_findings
from otlptest.validation.problems import findings_of_problems
from otlptest.validation.rules import DATA_RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The findings about all that a test received.

    Attributes:
        failing: Fail a test unless it says otherwise: what could not be decoded, items of JSON
            under a key that no reader knows, and invalid ids (`DataRule.fails_test`).
        reported: Every other broken rule: reported in a line; fails only a strict test.
    """

    failing: tuple[Finding, ...] = ()
    reported: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, the failing ones first."""
        return (*self.failing, *self.reported)


def validate_requests(requests: Iterable[Request]) -> tuple[Finding, ...]:
    """Return every broken data rule in the requests, repeats folded into one finding.

    Takes a few microseconds for each item; thread-safe. Refused requests are passed over: see
    `findings_of_problems`.
    """
    found = data_findings(requests)
    return (*found.undecoded, *found.lost, *found.broken)


def judge(
    requests: Iterable[Request],
    problems: Iterable[Problem] = (),
    *,
    foreign_items: ForeignItems = nothing_foreign,
) -> Judgement:
    """Return the judgement about all that was received.

    Args:
        requests: Accepted and refused ones.
        problems: Traffic that was not a whole request.
        foreign_items: Recognizes items of an earlier test, which are not judged.
    """
    received = tuple(requests)
    undecoded = findings_of_problems(received, problems)
    undecodable, lost, broken = data_findings(received, foreign_items)
    return Judgement(
        failing=(
            *(finding for finding in undecoded if finding.severity == "error"),
            *undecodable,
            *lost,
            *(finding for finding in broken if _fails_test(finding)),
        ),
        reported=(
            *(finding for finding in undecoded if finding.severity != "error"),
            *(finding for finding in broken if not _fails_test(finding)),
        ),
    )


def _fails_test(finding: Finding) -> bool:
    rule = DATA_RULES.get(finding.rule)
    return rule is not None and rule.fails_test

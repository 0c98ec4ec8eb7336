"""What a conformance case finds out, and the one rule that makes a verdict of it.

A case yields `Judged` values: of one requirement, whether it was *held*, *broken*, *not observed*
or whether the subject *lacks* what the check needs. `Result` is the verdict about a requirement
that follows from all of them (`otlp-requirements`, section 0):

- MUST broken fails, SHOULD broken warns and fails where the suite is strict, MAY broken is a
  capability that is not there: `skip`.
- What a receiver died of fails, whatever the level is.
- ROBUSTNESS broken fails only for a crash, a hang, unbounded memory or a 5xx on bad input
  (`Harm`), otherwise it warns; it is no part of conformance and reported apart.
- What could not be observed is `inconclusive`, what lacks a capability `skip`; neither is a pass.
- A requirement newer than the target version, or whose source text is in development, is
  reported and not judged: `skip`, with what was seen. One that hangs on an open question of the
  sources never fails; the table `_JUDGED_AMBIGUITIES` says which are judged in full, because what
  is checked is not what is open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from otlptest.errors import UsageError
from otlptest.requirements import Requirement, find

__all__ = [
    "NOT_EMITTED",
    "VERDICTS",
    "Group",
    "Harm",
    "Judged",
    "Outcome",
    "Policy",
    "Result",
    "VerdictName",
    "broken",
    "held",
    "lacking",
    "not_observed",
    "result_of",
]

Outcome: TypeAlias = Literal["held", "broken", "not_observed", "lacking"]
"""What a case found out about a requirement."""

Harm: TypeAlias = Literal["crash", "hang", "memory", "server_error"]
"""What makes a broken ROBUSTNESS row a failure; `server_error` is a 5xx on bad input."""

VerdictName: TypeAlias = Literal["pass", "fail", "warn", "skip", "inconclusive"]

Group: TypeAlias = Literal["conformance", "robustness"]

VERDICTS: Final[tuple[VerdictName, ...]] = ("pass", "fail", "warn", "skip", "inconclusive")

NOT_EMITTED: Final = "the command emits no "
"""Begins the reason of what an exporter that lacks a signal cannot show; the signals follow."""

DEFAULT_TARGET: Final = (1, 10)
"""The OTLP version that subjects are held to unless told otherwise: the one before 1.11."""

# Open questions whose rows are judged all the same: what the case checks is not what is open.
# AMBIG-7: only a key that both variables set is checked, and about that the text is clear.
_JUDGED_AMBIGUITIES: Final = frozenset({"AMBIG-7"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one case found out about one requirement.

    Attributes:
        requirement: Its id, e.g. `OTLP-RESP-062`.
        outcome: What was found.
        evidence: What was seen, with times, requests and replies; or the reason why it could not
            be observed, or what the subject lacks. Never empty. May have several lines.
        harm: Of a broken ROBUSTNESS row: what makes it a failure.
    """

    requirement: str
    outcome: Outcome
    evidence: str
    harm: Harm | None = None


def held(requirement: str, evidence: str) -> Judged:
    """The requirement was seen to be met; `evidence` tells in what."""
    return _judged(requirement, "held", evidence)


def broken(requirement: str, evidence: str, *, harm: Harm | None = None) -> Judged:
    """The requirement was seen to be broken.

    Args:
        requirement: Its id.
        evidence: What was expected and what was seen, with times.
        harm: What makes a ROBUSTNESS row fail: crash, hang, memory, or a 5xx on bad input.
    """
    return _judged(requirement, "broken", evidence, harm)


def not_observed(requirement: str, reason: str) -> Judged:
    """The run did not show whether the requirement is met, e.g. no retry was made at all."""
    return _judged(requirement, "not_observed", reason)


def lacking(requirement: str, reason: str) -> Judged:
    """The subject, or this run of the suite, has not what the check needs (TLS, read-back)."""
    return _judged(requirement, "lacking", reason)


def _judged(requirement: str, outcome: Outcome, evidence: str, harm: Harm | None = None) -> Judged:
    if not evidence.strip():
        raise UsageError(f"a judgement of {requirement} came without evidence", "say what was seen")
    return Judged(requirement=requirement, outcome=outcome, evidence=evidence, harm=harm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How strictly a suite judges.

    Attributes:
        is_strict: SHOULD broken fails.
        target_version: The OTLP version that the subject is held to, as numbers: `(1, 11)`.
    """

    is_strict: bool = False
    target_version: tuple[int, ...] = DEFAULT_TARGET

    @property
    def words(self) -> tuple[str, ...]:
        """As the options of a command line; only what is not usual."""
        version = ".".join(map(str, self.target_version))
        strict = ("--strict",) if self.is_strict else ()
        is_usual = self.target_version == DEFAULT_TARGET
        return strict if is_usual else (*strict, "--target-version", version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict about one requirement.

    Attributes:
        id: The requirement, e.g. `OTLP-RESP-062`.
        level: `MUST`, `SHOULD`, `MAY` or `ROBUSTNESS`.
        verdict: `pass`, `fail`, `warn`, `skip` or `inconclusive`.
        title: What is demanded, one line.
        evidence: What was seen, or why it could not be.
        source: Where it is written: a link if there is one, else the document and heading.
        case: The case that decided.
        cases: All cases that judge this requirement in this run of the suite.
        group: `conformance`, or `robustness`, which is reported apart.
        run_again: The command that runs the deciding case again.
        marks: Why it is judged less than its level says: `since 1.11`, `development`, `AMBIG-8`.
        harm: Of a broken ROBUSTNESS row.
    """

    id: str
    level: str
    verdict: VerdictName
    title: str
    evidence: str
    source: str
    case: str
    cases: tuple[str, ...] = ()
    group: Group = "conformance"
    run_again: str = ""
    marks: tuple[str, ...] = ()
    harm: Harm | None = None

    def fails(self, policy: Policy) -> bool:
        """Whether this makes the whole run exit with findings.

        Under a strict policy warnings do too, except where the sources leave a question open.
        """
        is_open = any(mark.startswith("AMBIG-") for mark in self.marks)
        return self.verdict == "fail" or (
            policy.is_strict and self.verdict == "warn" and not is_open
        )


# The order in which outcomes of several cases count: one broken makes it broken; one held makes
# it held though another case could not look.
_WEIGHT: Final = MappingProxyType({"broken": 0, "held": 1, "not_observed": 2, "lacking": 3})


def result_of(
    requirement: str,
    judged: Sequence[tuple[str, Judged]],
    policy: Policy,
    *,
    run_again: str = "",
) -> Result:
    """The verdict about a requirement.

    Args:
        requirement: Its id.
        judged: What was found, each with the id of its case; at least one.
        policy: How strictly.
        run_again: The command that runs one case again, with `{case}` for its id.

    Raises:
        UsageError: Nothing was judged.
        UnknownNameError: There is no such requirement.
    """
    if not judged:
        raise UsageError(f"there is no judgement of {requirement}")
    rule = find(requirement)
    worst = min(_WEIGHT[each.outcome] for _, each in judged)
    deciding = [(case, each) for case, each in judged if _WEIGHT[each.outcome] == worst]
    harm = next((each.harm for _, each in deciding if each.harm), None)
    outcome = deciding[0][1].outcome
    marks = _marks(rule, policy)
    verdict = _verdict(rule, outcome, harm, policy)
    first = next((case for case, each in deciding if each.harm == harm), deciding[0][0])
    return Result(
        id=rule.id,
        level=rule.level,
        verdict=verdict,
        title=rule.title,
        evidence=_evidence(rule, deciding, policy, verdict),
        source=rule.links[0] if rule.links else rule.source,
        case=first,
        cases=tuple(dict.fromkeys(case for case, _ in judged)),
        group="robustness" if rule.level == "ROBUSTNESS" else "conformance",
        run_again=run_again.replace("{case}", first),
        marks=marks,
        harm=harm,
    )


def _verdict(rule: Requirement, outcome: Outcome, harm: Harm | None, policy: Policy) -> VerdictName:
    if outcome == "not_observed":
        return "inconclusive"
    if outcome == "broken" and harm == "crash":
        return "fail"  # of what a receiver dies, nobody may send it
    if outcome == "lacking" or _is_only_reported(rule, policy):
        return "skip"
    if outcome == "held":
        return "pass"
    if rule.ambiguity and rule.ambiguity not in _JUDGED_AMBIGUITIES:
        return "skip" if rule.level == "MAY" else "warn"
    return _verdict_of_broken(rule.level, harm, policy)


def _verdict_of_broken(level: str, harm: Harm | None, policy: Policy) -> VerdictName:
    if level == "MUST":
        return "fail"
    if level == "SHOULD":
        return "fail" if policy.is_strict else "warn"
    if level == "ROBUSTNESS":
        return "fail" if harm is not None else "warn"
    return "skip"


def _is_only_reported(rule: Requirement, policy: Policy) -> bool:
    return rule.development or _is_newer(rule, policy)


def _is_newer(rule: Requirement, policy: Policy) -> bool:
    if not rule.since:
        return False
    return tuple(int(part) for part in rule.since.split(".")) > policy.target_version


def _marks(rule: Requirement, policy: Policy) -> tuple[str, ...]:
    marks = (
        f"since {rule.since}" if _is_newer(rule, policy) else "",
        "development" if rule.development else "",
        rule.ambiguity if rule.ambiguity not in _JUDGED_AMBIGUITIES else "",
    )
    return tuple(mark for mark in marks if mark)


def _evidence(
    rule: Requirement,
    deciding: Iterable[tuple[str, Judged]],
    policy: Policy,
    verdict: VerdictName,
) -> str:
    texts = list(dict.fromkeys(each.evidence for _, each in deciding))
    outcome = next(each.outcome for _, each in deciding)
    reason = _reason_not_judged(rule, outcome, policy, verdict)
    return "\n".join([reason, *texts] if reason else texts)


def _reason_not_judged(
    rule: Requirement, outcome: Outcome, policy: Policy, verdict: VerdictName
) -> str:
    """Why what was seen does not count as it looks; empty if it does."""
    if outcome not in {"held", "broken"} or verdict != "skip":
        return ""
    seen = "as demanded" if outcome == "held" else "not as demanded"
    if _is_newer(rule, policy):
        target = ".".join(map(str, policy.target_version))
        return f"not judged: new in {rule.since}, the target version is {target}; seen: {seen}"
    if rule.development:
        return f"not judged: the source text is in development; seen: {seen}"
    return "optional, and not there"

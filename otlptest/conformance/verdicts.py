"""The rule that turns the results of conformance cases into a verdict.

A case yields a `CheckResult` for each requirement that it claims. `Result` is the verdict about a
requirement that follows from all of them:

- MUST failed fails, SHOULD failed warns and fails where the suite is strict, MAY failed is a
  capability that is not there: `skip`.
- A check that a receiver died of fails at every level.
- ROBUSTNESS failed fails only for a crash, a hang, unbounded memory or a 5xx on bad input
  (`Harm`), otherwise it warns; it is not part of conformance and reported apart.
- An inconclusive check is `inconclusive`, one that is not applicable `skip`; neither is a pass.
- A requirement newer than the target version, or whose source text is in development, is
  reported and not judged: `skip`, with what was seen. One that hangs on an open question of the
  sources never fails; the table `_JUDGED_AMBIGUITIES` lists those that are judged in full, because
  the open question does not affect the check.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from otlptest.errors import UsageError
from otlptest.requirements import Requirement, find
from otlptest.results import CheckResult, Harm, Outcome, evidence_text

VerdictName: TypeAlias = Literal["pass", "fail", "warn", "skip", "inconclusive"]

Group: TypeAlias = Literal["conformance", "robustness"]

VERDICTS: Final[tuple[VerdictName, ...]] = ("pass", "fail", "warn", "skip", "inconclusive")

NOT_EMITTED: Final = "the command emits no "
"""The start of the reason if an exporter does not emit a signal; the signals follow."""

DEFAULT_TARGET: Final = (1, 10)
"""The OTLP version that subjects are judged by if none is given: the one before 1.11."""

# Open questions whose rows are still judged: the open part does not affect the check.
# AMBIG-7: only a key that both variables set is checked, and the text is clear about that.
_JUDGED_AMBIGUITIES: Final = frozenset({"AMBIG-7"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The strictness of a suite.

    Attributes:
        is_strict: A failed SHOULD fails.
        target_version: The OTLP version that the subject is judged by, as numbers: `(1, 11)`.
    """

    is_strict: bool = False
    target_version: tuple[int, ...] = DEFAULT_TARGET

    @property
    def words(self) -> tuple[str, ...]:
        """Return the options of a command line that differ from the default."""
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
        title: The demand, one line.
        expected: The demand in this case; empty if `received` says it.
        received: The observation, or why there is none.
        exchanges: The requests, replies and events that show it, a line each.
        source: A link to its text, or the document and heading.
        case: The case that decided.
        cases: All cases that judge this requirement in this run of the suite.
        group: `conformance`, or `robustness`, which is reported apart.
        run_again: The command that runs the deciding case again.
        marks: Reasons to judge it less strictly: `since 1.11`, `development`, `AMBIG-8`.
        harm: The harm, if a ROBUSTNESS requirement failed.
    """

    id: str
    level: str
    verdict: VerdictName
    title: str
    received: str
    source: str
    case: str
    expected: str = ""
    exchanges: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    group: Group = "conformance"
    run_again: str = ""
    marks: tuple[str, ...] = ()
    harm: Harm | None = None

    @property
    def evidence(self) -> str:
        """The observation, as text of one line or several."""
        return evidence_text(self.expected, self.received, self.exchanges)

    def fails(self, policy: Policy) -> bool:
        """Return whether this makes the whole run exit with findings.

        Under a strict policy warnings do too, except where the sources leave a question open.
        """
        is_open = any(mark.startswith("AMBIG-") for mark in self.marks)
        return self.verdict == "fail" or (
            policy.is_strict and self.verdict == "warn" and not is_open
        )


# The order in which outcomes of several cases count: one failed makes it failed; one passed
# makes it passed although another case is inconclusive.
_WEIGHT: Final = MappingProxyType(
    {"failed": 0, "passed": 1, "inconclusive": 2, "not_applicable": 3}
)


def result_of(
    requirement: str,
    judged: Sequence[tuple[str, CheckResult]],
    policy: Policy,
    *,
    run_again: str = "",
) -> Result:
    """Return the verdict about a requirement.

    Args:
        requirement: Its id.
        judged: The check results, each with the id of its case; at least one.
        policy: The strictness.
        run_again: The command that runs one case again, with `{case}` for its id.

    Raises:
        UsageError: Nothing was judged.
        UnknownNameError: The requirement does not exist.
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
    expected, received, exchanges = _evidence([each for _, each in deciding])
    first = next((case for case, each in deciding if each.harm == harm), deciding[0][0])
    return Result(
        id=rule.id,
        level=rule.level,
        verdict=verdict,
        title=rule.title,
        received="\n".join(
            filter(None, [_reason_not_judged(rule, outcome, policy, verdict), received])
        ),
        expected=expected,
        exchanges=exchanges,
        source=rule.links[0] if rule.links else rule.source,
        case=first,
        cases=tuple(dict.fromkeys(case for case, _ in judged)),
        group="robustness" if rule.level == "ROBUSTNESS" else "conformance",
        run_again=run_again.replace("{case}", first),
        marks=marks,
        harm=harm,
    )


def _verdict(rule: Requirement, outcome: Outcome, harm: Harm | None, policy: Policy) -> VerdictName:
    if outcome == "inconclusive":
        return "inconclusive"
    if outcome == "failed" and harm == "crash":
        return "fail"  # no sender may use what a receiver dies of
    if outcome == "not_applicable" or _is_only_reported(rule, policy):
        return "skip"
    if outcome == "passed":
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


def _evidence(deciding: Iterable[CheckResult]) -> tuple[str, str, tuple[str, ...]]:
    """Return the expected and received texts and the exchanges, each once."""
    first, *others = dict.fromkeys(
        (each.expected, each.received, each.exchanges) for each in deciding
    )
    if not others:
        return first
    expected, received, exchanges = first
    texts = (evidence_text(*each) for each in others)
    return expected, received, (*exchanges, *texts)


def _reason_not_judged(
    rule: Requirement, outcome: Outcome, policy: Policy, verdict: VerdictName
) -> str:
    """Return why a result does not count in full; empty if it does."""
    if outcome not in {"passed", "failed"} or verdict != "skip":
        return ""
    seen = "as demanded" if outcome == "passed" else "not as demanded"
    if _is_newer(rule, policy):
        target = ".".join(map(str, policy.target_version))
        return f"not judged: new in {rule.since}, the target version is {target}; seen: {seen}"
    if rule.development:
        return f"not judged: the source text is in development; seen: {seen}"
    return "optional, and not there"

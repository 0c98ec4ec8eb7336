"""The rule that turns what cases found out into a verdict per requirement."""

import pytest

from otlptest.conformance.verdicts import Policy, result_of
from otlptest.errors import UnknownNameError, UsageError
from otlptest.results import (
    CheckResult,
    Harm,
    Outcome,
    failed,
    inconclusive,
    not_applicable,
    passed,
)

MUST, SHOULD, MAY, ROBUSTNESS = "OTLP-HTTP-001", "OTLP-RESP-034", "OTLP-GRPC-029", "OTLP-SRV-003"
NEW, DEVELOPMENT = "OTLP-GRPC-023", "OTLP-PROF-002"
OPEN, OPEN_BUT_JUDGED = "OTLP-CFG-042", "OTLP-CFG-032"
LENIENT, STRICT = Policy(), Policy(is_strict=True)


def judged(rule: str, outcome: Outcome, harm: Harm | None = None) -> tuple[str, CheckResult]:
    return "some/case", CheckResult(rule=rule, outcome=outcome, received="seen", harm=harm)


@pytest.mark.parametrize(
    ("rule", "outcome", "verdict", "strict_verdict"),
    [
        pytest.param(MUST, "passed", "pass", "pass", id="MUST held"),
        pytest.param(MUST, "failed", "fail", "fail", id="MUST broken"),
        pytest.param(SHOULD, "passed", "pass", "pass", id="SHOULD held"),
        pytest.param(SHOULD, "failed", "warn", "fail", id="SHOULD broken"),
        pytest.param(MAY, "passed", "pass", "pass", id="MAY held"),
        pytest.param(MAY, "failed", "skip", "skip", id="MAY not there"),
        pytest.param(ROBUSTNESS, "failed", "warn", "warn", id="ROBUSTNESS broken"),
        pytest.param(OPEN, "failed", "warn", "warn", id="an open question never fails"),
        pytest.param(OPEN_BUT_JUDGED, "failed", "fail", "fail", id="open, but not in what counts"),
        pytest.param(NEW, "failed", "skip", "skip", id="newer than the target, broken"),
        pytest.param(NEW, "passed", "skip", "skip", id="newer than the target, held"),
        pytest.param(DEVELOPMENT, "failed", "skip", "skip", id="in development"),
        pytest.param(MUST, "inconclusive", "inconclusive", "inconclusive", id="not observed"),
        pytest.param(MUST, "not_applicable", "skip", "skip", id="not_applicable"),
        pytest.param(NEW, "inconclusive", "inconclusive", "inconclusive", id="new, not observed"),
    ],
)
def test_verdict_follows_from_level_and_outcome(
    rule: str, outcome: Outcome, verdict: str, strict_verdict: str
) -> None:
    assert result_of(rule, [judged(rule, outcome)], LENIENT).verdict == verdict
    assert result_of(rule, [judged(rule, outcome)], STRICT).verdict == strict_verdict


@pytest.mark.parametrize("harm", ["crash", "hang", "memory", "server_error"], ids=str)
def test_robustness_fails_for_real_harm(harm: Harm) -> None:
    result = result_of(ROBUSTNESS, [judged(ROBUSTNESS, "failed", harm)], LENIENT)
    assert (result.verdict, result.group, result.harm) == ("fail", "robustness", harm)


def test_a_new_requirement_is_judged_once_the_target_version_has_it() -> None:
    policy = Policy(target_version=(1, 11))
    result = result_of(NEW, [judged(NEW, "failed")], policy)
    assert (result.verdict, result.marks) == ("fail", ())
    unjudged = result_of(NEW, [judged(NEW, "failed")], LENIENT)
    assert unjudged.marks == ("since 1.11",)
    assert unjudged.evidence.startswith("not judged: new in 1.11, the target version is 1.10")
    assert "not as demanded" in unjudged.evidence


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        pytest.param(["passed", "failed"], "fail", id="one broken"),
        pytest.param(["inconclusive", "passed"], "pass", id="one held"),
        pytest.param(
            ["not_applicable", "inconclusive"], "inconclusive", id="one could have been seen"
        ),
        pytest.param(["not_applicable", "not_applicable"], "skip", id="all lacking"),
    ],
)
def test_several_cases_make_one_verdict(outcomes: list[Outcome], verdict: str) -> None:
    found = [judged(MUST, outcome) for outcome in outcomes]
    assert result_of(MUST, found, LENIENT).verdict == verdict


def test_the_case_that_decides_is_the_one_to_run_again() -> None:
    found = [("a/right", passed(MUST, "fine")), ("b/wrong", failed(MUST, "got GET"))]
    result = result_of(MUST, found, LENIENT, run_again="otlptest --case {case}")
    assert result.case == "b/wrong"
    assert result.cases == ("a/right", "b/wrong")
    assert result.run_again == "otlptest --case b/wrong"
    assert result.evidence == "got GET"
    assert result.source.startswith("https://")


def test_warnings_fail_a_strict_run_but_for_open_questions() -> None:
    warned = result_of(ROBUSTNESS, [judged(ROBUSTNESS, "failed")], STRICT)
    open_question = result_of(OPEN, [judged(OPEN, "failed")], STRICT)
    assert (warned.fails(LENIENT), warned.fails(STRICT)) == (False, True)
    assert open_question.marks == ("AMBIG-8",)
    assert not open_question.fails(STRICT)


@pytest.mark.parametrize(
    "make", [passed, failed, inconclusive, not_applicable], ids=lambda f: f.__name__
)
def test_a_judgement_without_evidence_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=f"{MUST} came without evidence"):
        make(MUST, " ")


def test_nothing_judged_is_no_result() -> None:
    with pytest.raises(UsageError, match="no judgement"):
        result_of(MUST, [], LENIENT)


def test_a_requirement_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="OTLP-HTTP-999"):
        result_of("OTLP-HTTP-999", [judged("OTLP-HTTP-999", "passed")], LENIENT)

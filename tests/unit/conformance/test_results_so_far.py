"""What is left of a run that was interrupted: only what is certain already."""

from collections.abc import Iterable
from dataclasses import replace

from otlptest.conformance.case import ExporterCase
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.results_so_far import ReachedVerdicts
from otlptest.conformance.runner import CaseFinished, CaseStarted, SuiteStarted
from otlptest.conformance.verdicts import Policy
from otlptest.results import CheckResult, Outcome

PATH, METHOD, TYPE = "OTLP-HTTP-006", "OTLP-HTTP-001", "OTLP-HTTP-007"


def nothing(_: ExporterLab) -> Iterable[CheckResult]:
    return ()


def case(name: str, *rules: str) -> ExporterCase:
    return ExporterCase(id=name, title=name, requirements=rules, judge=nothing)


CASES = (case("one", PATH, METHOD), case("two", METHOD, TYPE), case("three", TYPE))
START = SuiteStarted(
    subject="x", protocol="http/protobuf", cases=3, expected_s=1.0, run_again="again {case}"
)


def ended(name: str, **outcomes: Outcome) -> CaseFinished:
    rules = {"path": PATH, "method": METHOD, "type": TYPE}
    judged = tuple(
        CheckResult(rule=rules[rule], outcome=outcome, received="seen")
        for rule, outcome in outcomes.items()
    )
    return CaseFinished(case=name, judged=judged, elapsed_s=0.1, finished=1, cases=3)


def collected() -> ReachedVerdicts:
    return ReachedVerdicts(lambda _: CASES, Policy())


def test_a_requirement_that_an_open_case_judges_too_is_not_passed() -> None:
    reached = collected()
    for event in (
        START,
        CaseStarted(case="one", title="one"),
        ended("one", path="passed", method="passed"),
    ):
        reached.tell(event)
    (run,) = reached.conformance().runs
    assert [(each.id, each.verdict, each.run_again) for each in run.results] == [
        (PATH, "pass", "again one")
    ]
    assert run.interrupted == "interrupted: 2 of 3 cases had not ended"


def test_a_requirement_that_is_broken_already_fails() -> None:
    reached = collected()
    for event in (START, ended("one", path="passed", method="failed")):
        reached.tell(event)
    (run,) = reached.conformance().runs
    assert {each.id: each.verdict for each in run.results} == {METHOD: "fail", PATH: "pass"}


def test_what_comes_after_the_stop_is_not_heard() -> None:
    reached = collected()
    reached.tell(START)
    reached.stop()
    reached.tell(ended("one", path="failed", method="failed"))
    (run,) = reached.conformance().runs
    assert run.results == ()
    assert run.interrupted == "interrupted: 3 of 3 cases had not ended"


def test_a_protocol_whose_cases_have_all_ended_is_whole() -> None:
    reached = collected()
    reached.tell(START)
    for each in (
        ended("one", path="passed", method="passed"),
        ended("two", method="passed", type="passed"),
        ended("three", type="passed"),
    ):
        reached.tell(each)
    reached.tell(replace(START, protocol="grpc"))
    whole, begun = reached.conformance().runs
    assert (whole.interrupted, len(whole.results)) == ("", 3)
    assert begun.interrupted == "interrupted: 3 of 3 cases had not ended"


def test_nothing_is_reached_before_the_first_case() -> None:
    assert collected().conformance().runs == ()


def test_a_protocol_that_goes_on_later_is_one_run() -> None:
    """The floods of a receiver come after all other cases of all protocols."""
    reached = collected()
    other = replace(START, protocol="http/json")
    for event in (
        START,
        ended("one", path="passed", method="passed"),
        other,
        ended("three", type="passed"),
        START,
        ended("two", method="passed", type="passed"),
        other,
        ended("two", method="passed", type="failed"),
    ):
        reached.tell(event)
    protobuf, json = reached.conformance().runs
    assert [(each.id, each.verdict) for each in protobuf.results] == [
        (METHOD, "pass"),
        (PATH, "pass"),
    ]
    assert protobuf.interrupted == "interrupted: 1 of 3 cases had not ended"
    assert (TYPE, "fail") in {(each.id, each.verdict) for each in json.results}

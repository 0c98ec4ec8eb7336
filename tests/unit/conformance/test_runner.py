"""Cases are run in order, together where they may, and each ends with a whole judgement."""

import threading
from collections.abc import Callable, Iterable, Iterator

import pytest

from otlptest.conformance.case import (
    ExporterCase,
    checked_cases,
    checked_choice,
    find_cases,
)
from otlptest.conformance.runner import (
    ALONE,
    CaseFinished,
    CaseStarted,
    Event,
    beside_the_main_thread,
    judgements,
    run_cases,
)
from otlptest.errors import SendError, UnknownNameError, UsageError
from otlptest.results import CheckResult, inconclusive, passed

RULE, OTHER = "OTLP-HTTP-001", "OTLP-HTTP-006"


def case(
    name: str,
    *,
    expected_s: float = 1.0,
    exclusive: tuple[str, ...] = (),
    requirements: tuple[str, ...] = (RULE,),
) -> ExporterCase:
    return ExporterCase(
        id=name,
        title="a case",
        requirements=requirements,
        judge=lambda _: (),
        expected_s=expected_s,
        exclusive=exclusive,
    )


def hold(chosen: ExporterCase) -> Iterable[CheckResult]:
    return [passed(rule, f"seen by {chosen.id}") for rule in chosen.requirements]


def test_the_longest_case_starts_first_and_results_keep_the_order() -> None:
    started: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, CaseStarted):
            started.append(event.case)

    cases = [case("a/short"), case("a/long", expected_s=9.0), case("a/middle", expected_s=5.0)]
    judged = run_cases(cases, hold, jobs=1, on_event=tell)
    assert started == ["a/long", "a/middle", "a/short"]
    assert list(judged) == ["a/short", "a/long", "a/middle"]


def test_every_end_is_told_with_its_count() -> None:
    ends: list[CaseFinished] = []
    run_cases(
        [case(f"a/{number}") for number in range(5)],
        hold,
        jobs=3,
        on_event=lambda event: ends.append(event) if isinstance(event, CaseFinished) else None,
    )
    assert [(end.finished, end.cases) for end in ends] == [(n, 5) for n in range(1, 6)]


def overlapping(cases: list[ExporterCase], jobs: int) -> int:
    """How many of the cases ran at the same time, at most."""
    lock = threading.Lock()
    running = [0, 0]
    gathered = threading.Event()

    def judge(chosen: ExporterCase) -> Iterator[CheckResult]:
        with lock:
            running[0] += 1
            running[1] = max(running)
            if running[0] == len(cases):
                gathered.set()
        gathered.wait(0.1)
        with lock:
            running[0] -= 1
        yield from hold(chosen)

    run_cases(cases, judge, jobs=jobs)
    return running[1]


def test_cases_run_together() -> None:
    assert overlapping([case("a/1"), case("a/2"), case("a/3")], jobs=3) == 3


@pytest.mark.parametrize("thing", ["port 4318", ALONE], ids=str)
def test_cases_with_one_exclusive_thing_never_run_together(thing: str) -> None:
    cases = [case(f"a/{number}", exclusive=(thing,)) for number in range(3)]
    assert overlapping(cases, jobs=3) == 1


def test_a_case_that_runs_alone_runs_last() -> None:
    started: list[str] = []
    run_cases(
        [case("a/alone", expected_s=99.0, exclusive=(ALONE,)), case("a/other")],
        hold,
        jobs=4,
        on_event=lambda e: started.append(e.case) if isinstance(e, CaseStarted) else None,
    )
    assert started == ["a/other", "a/alone"]


def test_what_a_case_claims_and_does_not_show_is_not_observed() -> None:
    claimed = case("a/b", requirements=(RULE, OTHER))
    judged = judgements(claimed, [passed(RULE, "seen")])
    assert judged == (
        passed(RULE, "seen"),
        inconclusive(OTHER, "the case ended without showing it"),
    )


def test_what_a_case_does_not_claim_is_a_mistake_in_the_case() -> None:
    (judged,) = judgements(case("a/b"), [passed(OTHER, "seen")])
    assert judged.outcome == "inconclusive"
    assert "judged OTLP-HTTP-006 without claiming it" in judged.evidence


def failing(error: Exception) -> Callable[[ExporterCase], Iterable[CheckResult]]:
    def judge(_: ExporterCase) -> Iterator[CheckResult]:
        yield passed(RULE, "seen before")
        raise error

    return judge


def test_an_error_of_ours_is_the_reason_and_what_was_seen_stays() -> None:
    chosen = case("a/b", requirements=(RULE, OTHER))
    judged = run_cases([chosen], failing(SendError("x:1", "refused")), jobs=1)["a/b"]
    assert [each.outcome for each in judged] == ["passed", "inconclusive"]
    assert judged[1].evidence == "cannot send to x:1: refused"


def test_a_fault_of_a_case_does_not_end_the_others() -> None:
    broken = case("a/b", requirements=(RULE, OTHER), expected_s=2.0)
    judged = run_cases(
        [broken, case("a/c")],
        lambda each: failing(ValueError("oops"))(each) if each is broken else hold(each),
        jobs=1,
    )
    assert "otlptest itself failed in this case: ValueError: oops (" in judged["a/b"][1].evidence
    assert judged["a/c"] == (passed(RULE, "seen by a/c"),)


def test_an_error_of_who_is_told_ends_the_run() -> None:
    def refuse(_: Event) -> None:
        raise RuntimeError("no more")

    stopped: list[bool] = []
    with pytest.raises(RuntimeError, match="no more"):
        run_cases(
            [case("a/b"), case("a/c")],
            hold,
            jobs=2,
            on_event=refuse,
            on_stop=lambda: stopped.append(True),
        )
    assert stopped == [True]


def test_what_is_done_beside_the_main_thread_gives_its_result_or_its_error() -> None:
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)

    name = beside_the_main_thread(lambda: threading.current_thread().name, on_stop=stop)
    assert name == "otlptest-suite"
    assert stopped == []
    with pytest.raises(ZeroDivisionError):
        beside_the_main_thread(lambda: 1 // 0, on_stop=stop)
    assert stopped == [True]


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        pytest.param((), ["a/1", "a/2", "b/1"], id="all"),
        pytest.param(("a",), ["a/1", "a/2"], id="a folder"),
        pytest.param(("b/1", "a/1"), ["a/1", "b/1"], id="ids, in the order of the list"),
        pytest.param((OTHER,), ["b/1"], id="a requirement"),
    ],
)
def test_cases_are_found_by_id_folder_or_requirement(
    wanted: tuple[str, ...], ids: list[str]
) -> None:
    cases = [case("a/1"), case("a/2"), case("b/1", requirements=(OTHER,))]
    assert [found.id for found in find_cases(cases, wanted)] == ids


def test_an_unknown_case_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'a/retry'"):
        find_cases([case("a/retry")], ["a/retri"])


@pytest.mark.parametrize(
    ("cases", "problem"),
    [
        pytest.param([case("a/b"), case("a/b")], "two conformance cases", id="one id twice"),
        pytest.param([case("a/b", requirements=())], "judges nothing", id="no requirement"),
    ],
)
def test_a_list_of_cases_that_cannot_be_right_is_refused(
    cases: list[ExporterCase], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        checked_cases(cases)


def test_a_choice_that_does_not_exist_is_refused() -> None:
    checked_choice("signal", ["logs"], ["logs", "traces"])
    with pytest.raises(UnknownNameError, match="unknown signal 'log'"):
        checked_choice("signal", ["log"], ["logs", "traces"])

"""Every requirement that the suites could judge has a case or a reason, and never both."""

from collections import Counter

import pytest

from otlptest.conformance import coverage_rows
from otlptest.conformance.case import AnyCase, checked_cases
from otlptest.conformance.coverage import Side, unjudged_reasons
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.receiver import cases as receiver_cases
from otlptest.requirements import all_requirements, find

SIDES: tuple[Side, ...] = ("client", "data", "server")
ALL: dict[Side, tuple[AnyCase, ...]] = {
    "client": exporter_cases.CASES,
    "data": exporter_cases.CASES,
    "server": receiver_cases.CASES,
}


def test_every_row_has_cases_or_a_reason_and_never_both() -> None:
    wrong = [row for row in coverage_rows() if bool(row.cases) == bool(row.reason)]
    assert wrong == []


def test_the_rows_are_those_of_the_catalogue() -> None:
    assert {row.requirement for row in coverage_rows()} == {each.id for each in all_requirements()}
    counts = Counter((row.side, find(row.requirement).section) for row in coverage_rows())
    assert sorted({section for side, section in counts if side == "client"}) == [1, 2, 3, 4, 5]
    assert sorted({section for side, section in counts if side == "server"}) == [
        *range(1, 5),
        *range(6, 13),
    ]
    assert sorted({section for side, section in counts if side == "data"}) == [6, 7, 8, 9, 10, 11]
    assert len({(row.requirement, row.side) for row in coverage_rows()}) == sum(counts.values())


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_no_reason_is_given_for_a_row_that_does_not_exist(side: Side) -> None:
    rows = {row.requirement for row in coverage_rows() if row.side == side}
    assert set(unjudged_reasons(side)) - rows == set()


@pytest.mark.parametrize(
    ("cases", "bound"),
    [
        pytest.param(exporter_cases.CASES, {"client", "data"}, id="exporters"),
        pytest.param(receiver_cases.CASES, {"server"}, id="receivers"),
    ],
)
def test_cases_are_right_and_judge_what_binds_their_side(
    cases: tuple[AnyCase, ...], bound: set[str]
) -> None:
    checked_cases(cases)
    for case in cases:
        for rule in case.requirements:
            assert bound & set(find(rule).binds), (case.id, rule)


def test_what_a_payload_does_not_show_keeps_its_reason_unless_a_run_shows_it() -> None:
    rows = {row.requirement: row for row in coverage_rows() if row.side == "data"}
    assert rows["OTLP-TRACE-007"].reason.startswith("It compares what was received")
    assert rows["OTLP-TRACE-008"].cases == ("data/trace_ids",)
    assert rows["OTLP-TRACE-008"].reason == ""

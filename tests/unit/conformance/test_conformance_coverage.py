"""Every requirement that the suites could judge has a case or a reason, and never both."""

from collections import Counter

import pytest

from otlptest.conformance import coverage_rows, exporter_cases, receiver_cases
from otlptest.conformance.cases import AnyCase, checked_cases
from otlptest.conformance.coverage import Side, unjudged_reasons
from otlptest.requirements import find

SIDES: tuple[Side, ...] = ("client", "server")
ALL: dict[Side, tuple[AnyCase, ...]] = {
    "client": exporter_cases.CASES,
    "server": receiver_cases.CASES,
}


def test_every_row_has_cases_or_a_reason_and_never_both() -> None:
    wrong = [row for row in coverage_rows() if bool(row.cases) == bool(row.reason)]
    assert wrong == []


def test_the_rows_are_those_of_the_catalogue() -> None:
    counts = Counter((row.side, find(row.requirement).section) for row in coverage_rows())
    assert sorted({section for side, section in counts if side == "client"}) == [1, 2, 3, 4, 5]
    assert sorted({section for side, section in counts if side == "server"}) == [1, 2, 3, 4, 12]
    assert len({(row.requirement, row.side) for row in coverage_rows()}) == sum(counts.values())


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_no_reason_is_given_for_a_row_that_does_not_exist(side: Side) -> None:
    rows = {row.requirement for row in coverage_rows() if row.side == side}
    assert set(unjudged_reasons(side)) - rows == set()


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_cases_are_right_and_judge_what_binds_their_side(side: Side) -> None:
    checked_cases(ALL[side])
    for case in ALL[side]:
        for rule in case.requirements:
            assert side in find(rule).binds, (case.id, rule)

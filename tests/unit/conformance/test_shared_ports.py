"""What is seen at ports that the whole machine shares counts only if it is seen twice."""

from collections.abc import Iterator

import pytest

from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.readings import confirmed
from otlptest.results import CheckResult, failed, inconclusive, passed
from tests.support.recorded_lab import RecordedLab, observed

RULE, OTHER = "OTLP-CFG-001", "OTLP-CFG-054"
FAULT, RIGHT, NOTHING = failed(RULE, "astray"), passed(RULE, "right"), inconclusive(RULE, "nothing")


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        pytest.param(FAULT, FAULT, FAULT, id="a fault seen twice"),
        pytest.param(FAULT, RIGHT, RIGHT, id="a fault seen once"),
        pytest.param(FAULT, NOTHING, NOTHING, id="a fault that may have been another's"),
        pytest.param(RIGHT, None, RIGHT, id="no fault, no second look"),
        pytest.param(NOTHING, None, NOTHING, id="nothing seen, no second look"),
    ],
)
def test_a_fault_counts_if_it_is_seen_twice(
    first: CheckResult, second: CheckResult | None, found: CheckResult
) -> None:
    looks = iter([first, second])

    def judge(lab: ExporterLab) -> Iterator[CheckResult]:
        each = next(looks)
        assert each is not None
        yield each
        yield passed(OTHER, "right")

    assert tuple(confirmed(judge, RecordedLab(observed()))) == (found, passed(OTHER, "right"))

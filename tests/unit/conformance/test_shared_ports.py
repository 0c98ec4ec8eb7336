"""What is seen at ports that the whole machine shares counts only if it is seen twice."""

from collections.abc import Iterator

import pytest

from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.readings import confirmed
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from tests.support.recorded_lab import RecordedLab, observed

RULE, OTHER = "OTLP-CFG-001", "OTLP-CFG-054"
FAULT, RIGHT, NOTHING = broken(RULE, "astray"), held(RULE, "right"), not_observed(RULE, "nothing")


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
    first: Judged, second: Judged | None, found: Judged
) -> None:
    looks = iter([first, second])

    def judge(lab: ExporterLab) -> Iterator[Judged]:
        each = next(looks)
        assert each is not None
        yield each
        yield held(OTHER, "right")

    assert tuple(confirmed(judge, RecordedLab(observed()))) == (found, held(OTHER, "right"))

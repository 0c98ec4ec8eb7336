"""What is lost with its connection is held against a client only if it waited for nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from otlptest.conformance import exporter_cases
from otlptest.conformance.cases import find_cases
from otlptest.conformance.exporter_lab import NO_CHANGES, Changes
from otlptest.conformance.observations import Observation
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

LOSSES = 5


class Losing(RecordedLab):
    """A lab whose faults all act."""

    def run(self, changes: Changes = NO_CHANGES, **options: Any) -> Observation:  # noqa: ANN401 -- the options of `ExporterLab.run`
        fake: Any = SimpleNamespace(
            inject=lambda *_, **__: SimpleNamespace(fired=1), reply=lambda *_, **__: None
        )
        options["prepare"](fake)
        return super().run(changes, **options)


def control() -> Observation:
    """What was answered UNAVAILABLE comes again after 5 s."""
    requests = [accepted("traces", trace_request()) for _ in range(2)]
    for request, at in zip(requests, (1.0, 6.0), strict=True):
        request.started_at = request.received_at = request.replied_at = at
    return observed(requests, protocol="grpc")


@pytest.mark.parametrize(
    ("took_s", "outcome"),
    [
        pytest.param(1.1, "broken", id="it goes on at once"),
        pytest.param(11.0, "not_observed", id="its waits took all its time"),
    ],
)
def test_what_is_lost_at_once_was_not_tried_again(took_s: float, outcome: str) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["losses/lost"])
    lost = observed(protocol="grpc", ended_at=took_s)
    usual = observed([accepted("traces", trace_request())], protocol="grpc", ended_at=1.0)
    runs = [*[lost] * LOSSES, *[control(), lost] * LOSSES]
    found = judged(case, Losing(usual, *runs, signals=("traces",)))
    assert found["OTLP-GRPC-038"].outcome == outcome, found

"""When an answer was sent is known late on a busy machine; no client is accused of that."""

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

RULES = ("OTLP-RESP-074", "OTLP-RESP-075", "OTLP-RESP-077")
OWN_WAIT_S = 5.0  # so it is asked to wait for 8 s


def retried(after_s: float, *, known_to_be_sent_after_s: float) -> Observation:
    """A run in which the same came again so long after the first time, which was answered."""
    requests = [accepted("traces", trace_request()) for _ in range(2)]
    for request, at in zip(requests, (1.0, 1.0 + after_s), strict=True):
        request.started_at = request.received_at = at
        request.replied_at = at + known_to_be_sent_after_s
    return observed(requests)


@pytest.mark.parametrize(
    ("after_s", "sent_after_s", "outcome"),
    [
        pytest.param(8.1, 0.01, "passed", id="it waits"),
        pytest.param(8.1, 0.4, "inconclusive", id="it may have waited"),
        pytest.param(7.5, 0.4, "failed", id="it comes early whenever the answer was sent"),
    ],
)
def test_a_wait_is_too_short_only_if_it_is_so_from_the_request_on(
    after_s: float, sent_after_s: float, outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["throttling/retry_after"])
    control = retried(OWN_WAIT_S, known_to_be_sent_after_s=0.01)
    asked = retried(after_s, known_to_be_sent_after_s=sent_after_s)
    lab = RecordedLab(observed(), control, asked, signals=("traces",))
    found = judged(case, lab)
    assert {found[rule].outcome for rule in RULES} == {outcome}

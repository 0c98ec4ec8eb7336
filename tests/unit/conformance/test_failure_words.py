"""What a command says of telemetry that nobody took is known by its words."""

import pytest

from otlptest.conformance import exporter_cases
from otlptest.conformance.cases import find_cases
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("", "broken"),
        ("exporting", "broken"),
        ("exporter: shutdown flush timed out", "held"),
        ("Timeout was reached", "held"),
        ("giving up on 3 spans", "held"),
        ("the collector sent no response", "held"),
        ("could do nothing with 3 spans", "not_observed"),
    ],
)
def test_words_of_a_loss_are_known(words: str, outcome: str) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["records/unanswered"])
    requests = [accepted("traces", trace_request())]
    usual, lost, refused = (
        observed(requests, protocol="grpc", output=f"exporting\n{said}\n")
        for said in ("", words, "traces: refused")
    )
    found = judged(case, RecordedLab(usual, lost, refused, signals=("traces",)))
    assert found["OTLP-GRPC-033"].outcome == outcome, found

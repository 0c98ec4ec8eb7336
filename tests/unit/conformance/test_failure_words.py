"""What a command says of telemetry that nobody took is known by its words."""

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.command_output import told_as_lost
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("", "failed"),
        ("exporting", "failed"),
        ("exporter: shutdown flush timed out", "passed"),
        ("Timeout was reached", "passed"),
        ("giving up on 3 spans", "passed"),
        ("the collector sent no response", "passed"),
        ("could do nothing with 3 spans", "inconclusive"),
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


@pytest.mark.parametrize(
    ("words", "is_lost"),
    [
        ("unable to send span: server is out of specification", True),
        ("failed to export 3 spans", True),
        ("could not be delivered", True),
        ("exporting traces failed", True),
        ("dropped 2 log records", True),
        ("3 spans were lost", True),
        ("giving up", True),
        ("traces: taken, with an answer that cannot be read: cut short", False),
        ("failed to parse the response", False),
        ("unexpected Content-Type text/html", False),
        ("sent 3 spans", False),
        ("", False),
    ],
)
def test_words_of_a_loss_that_was_none_are_known(words: str, *, is_lost: bool) -> None:
    usual, seen = (observed((), output=f"exporting\n{said}\n") for said in ("", words))
    assert bool(told_as_lost(seen, usual)) is is_lost


def test_what_is_always_printed_tells_of_no_loss() -> None:
    usual = observed((), output="dropped 0 spans\n")
    assert told_as_lost(observed((), output="dropped 1 spans\n"), usual) == ()

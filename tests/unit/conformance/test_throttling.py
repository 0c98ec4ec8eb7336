"""What is sent in parallel may cross an answer that asks for a pause; what follows does not."""

from typing import Final

import pytest

from otlptest import faults
from otlptest.conformance import exporter_cases
from otlptest.conformance.cases import find_cases
from otlptest.conformance.observations import Observation
from otlptest.faults import ReplyFault
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

BACKOFF_S: Final = 0.5
PAUSE_S: Final = 1
ANSWER: Final = faults.unavailable(retry_after_s=PAUSE_S)
LATE: Final = faults.delay(0.5, reply=ANSWER)


def batch(number: int, at: float, fault: ReplyFault | None = None, took_s: float = 0.01) -> Request:
    message = trace_request()
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.span_id = bytes([number + 1] * 8)
    request = accepted("traces", message)
    request.started_at = request.received_at = at
    request.replied_at = at + took_s
    request.reply_fault, request.is_discarded = (fault.text, True) if fault else ("", False)
    return request


def run(*requests: Request) -> Observation:
    return observed(requests, protocol="grpc", ended_at=10.0)


CONTROL: Final = run(batch(0, 0.0, faults.unavailable()), batch(0, BACKOFF_S))
CROSSED: Final = run(batch(0, 0.0, ANSWER), batch(1, 0.02), batch(0, PAUSE_S + 0.1))
HAMMERED: Final = run(batch(0, 0.0, ANSWER), batch(0, 0.02, ANSWER), batch(0, 0.04))
PARALLEL: Final = run(batch(0, 0.0, LATE, 0.5), batch(1, 0.02), batch(0, PAUSE_S + 0.6))
NEXT: Final = run(batch(0, 0.0, LATE, 0.5), batch(1, 0.51), batch(0, PAUSE_S + 0.6))


@pytest.mark.parametrize(
    ("answered_at_once", "answered_late", "outcome"),
    [
        pytest.param(CROSSED, PARALLEL, "not_observed", id="others are under way"),
        pytest.param(CROSSED, NEXT, "broken", id="the next goes out right after the answer"),
        pytest.param(HAMMERED, PARALLEL, "broken", id="the same goes out again"),
    ],
)
def test_what_is_under_way_does_not_ignore_a_pause(
    answered_at_once: Observation, answered_late: Observation, outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["throttling/retry_info"])
    lab = RecordedLab(
        run(batch(0, 0.0), batch(1, 0.02)),
        CONTROL,
        answered_at_once,
        CONTROL,
        answered_late,
        signals=("traces",),
    )
    found = judged(case, lab)["OTLP-RESP-048"]
    assert found.outcome == outcome, found

"""How long a client waits for one answer is told by that answer, not by those that come after."""

from typing import Final

import pytest

from otlptest.conformance import exporter_cases
from otlptest.conformance.cases import find_cases
from otlptest.conformance.observations import Observation
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

BATCHES: Final = 3
SHORT_S, DEFAULT_S, ENDLESS_S, LONGER_S = 2.0, 10.0, 15.0, 15.0
NOTHING: Final = observed(protocol="grpc")
USUAL: Final = observed([accepted("traces", trace_request())], protocol="grpc")


def hanging(seconds: float) -> Observation:
    """A run whose batches are not answered, and given up one after the other."""
    batches = [unanswered(turn, turn * seconds) for turn in range(BATCHES)]
    for batch in batches:
        batch.given_up_at = batch.received_at + seconds
    return observed(batches, protocol="grpc", ended_at=BATCHES * seconds + 0.1)


def unanswered(number: int, at: float) -> Request:
    """A batch with spans of its own."""
    message = trace_request()
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.span_id = bytes([number + 1] * 8)
    request = accepted("traces", message)
    request.started_at = request.received_at = at
    request.replied_at = None
    return request


def outcomes(*runs: Observation, case: str = "timeouts/values") -> dict[str, str]:
    (found,) = find_cases(exporter_cases.CASES, [case])
    lab = RecordedLab(USUAL, *runs, signals=("traces",))
    return {each.requirement[5:]: each.outcome for each in judged(found, lab).values()}


@pytest.mark.parametrize(
    ("short_s", "default_s", "expected"),
    [
        pytest.param(SHORT_S, DEFAULT_S, {"CFG-040": "held", "CFG-041": "held"}, id="right"),
        pytest.param(
            6.0, DEFAULT_S, {"CFG-040": "broken", "CFG-041": "held"}, id="no heed of the variable"
        ),
        pytest.param(SHORT_S, 25.0, {"CFG-040": "held", "CFG-041": "broken"}, id="another default"),
    ],
)
def test_a_client_that_goes_on_with_other_batches_is_judged_by_its_first(
    short_s: float, default_s: float, expected: dict[str, str]
) -> None:
    waits = (short_s, default_s, ENDLESS_S, LONGER_S, default_s, default_s)
    found = outcomes(*map(hanging, waits))
    assert {rule: found[rule] for rule in expected} == expected, found


@pytest.mark.parametrize(
    ("case", "rules"),
    [("timeouts/values", ("CFG-044", "CFG-045")), ("timeouts/odd_numbers", ("CFG-045", "CFG-046"))],
)
def test_what_never_comes_is_not_held_against_a_strange_number(
    case: str, rules: tuple[str, ...]
) -> None:
    (found,) = find_cases(exporter_cases.CASES, [case])
    unknown = judged(found, RecordedLab(NOTHING, NOTHING, signals=("traces",)))
    known = judged(found, RecordedLab(USUAL, NOTHING, signals=("traces",)))
    assert {unknown[f"OTLP-{rule}"].outcome for rule in rules} == {"not_observed"}
    assert {known[f"OTLP-{rule}"].outcome for rule in rules} == {"broken"}

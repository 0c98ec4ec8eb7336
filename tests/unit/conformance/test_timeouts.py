"""How long a client waits for one answer is told by that answer, not by those that come after."""

from typing import Final

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from otlptest.model import Request
from otlptest.results import CheckResult
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
    return {each.rule[5:]: each.outcome for each in judged(found, lab).values()}


@pytest.mark.parametrize(
    ("short_s", "default_s", "expected"),
    [
        pytest.param(SHORT_S, DEFAULT_S, {"CFG-040": "passed", "CFG-041": "passed"}, id="right"),
        pytest.param(
            6.0, DEFAULT_S, {"CFG-040": "failed", "CFG-041": "passed"}, id="no heed of the variable"
        ),
        pytest.param(
            SHORT_S, 25.0, {"CFG-040": "passed", "CFG-041": "failed"}, id="another default"
        ),
    ],
)
def test_a_client_that_goes_on_with_other_batches_is_judged_by_its_first(
    short_s: float, default_s: float, expected: dict[str, str]
) -> None:
    waits = (short_s, default_s, ENDLESS_S, LONGER_S, default_s, default_s)
    found = outcomes(*map(hanging, waits))
    assert {rule: found[rule] for rule in expected} == expected, found


def open_until(seconds: float) -> Observation:
    """A run whose only batch is open until the command ends."""
    return observed([unanswered(0, 0.0)], protocol="grpc", ended_at=seconds)


def refused(at_s: float, *, again_at_s: float = 0.0) -> Observation:
    """A run in which the batch is refused so late, and comes again, or not."""
    requests = [unanswered(0, 0.0)]
    requests += [unanswered(0, again_at_s)] if again_at_s else []
    requests[0].replied_at = at_s
    return observed(requests, protocol="grpc", ended_at=LIFE_S)


LIFE_S: Final = 9.0


def staying_up() -> Observation:
    """The observing run of a command that stays up."""
    seen = open_until(LIFE_S)
    seen.requests[0].replied_at = 0.01
    return seen


def of_one_that_stays_up(late: Observation) -> dict[str, CheckResult]:
    """What is found where each wait ends with the command; `late` is the run with a refusal."""
    (case,) = find_cases(exporter_cases.CASES, ["timeouts/values"])
    runs = [open_until(LIFE_S)] * 6
    return judged(case, RecordedLab(staying_up(), *runs, late, signals=("traces",)))


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        pytest.param(refused(5.0, again_at_s=5.4), "failed", id="it answers to a late refusal"),
        pytest.param(refused(5.0, again_at_s=2.5), "inconclusive", id="it had given up before"),
        pytest.param(refused(5.0), "inconclusive", id="it does not send again"),
    ],
)
def test_a_late_refusal_shows_that_an_export_hangs(late: Observation, expected: str) -> None:
    assert of_one_that_stays_up(late)["OTLP-CFG-040"].outcome == expected


def test_a_wait_that_the_end_of_the_command_ends_says_what_to_do() -> None:
    found = of_one_that_stays_up(refused(5.0))
    assert found["OTLP-CFG-041"].received == (
        "the end of the command ended the wait, not the client: keep the program up for 15 s after"
        " its first request"
    )
    assert found["OTLP-CFG-040"].received == (
        "nothing ends the wait but the end of the command, and an UNAVAILABLE (503) after 5 s is"
        " not followed by another attempt, which would show that it was waited for"
    )


@pytest.mark.parametrize(
    ("negative", "expected"),
    [
        pytest.param(hanging(1.0), "passed", id="as unset"),
        pytest.param(open_until(32.0), "failed", id="no limit"),
        pytest.param(hanging(2.8), "inconclusive", id="a bit longer"),
    ],
)
def test_a_negative_timeout_is_compared_with_none_whatever_that_is(
    negative: Observation, expected: str
) -> None:
    """One that waits for 1 s by default, and answers to the variable."""
    runs = [hanging(seconds) for seconds in (SHORT_S, 1.0, ENDLESS_S, LONGER_S)]
    (case,) = find_cases(exporter_cases.CASES, ["timeouts/values"])
    lab = RecordedLab(USUAL, *runs, negative, negative, signals=("traces",))
    found = judged(case, lab)["OTLP-CFG-044"]
    assert found.outcome == expected
    assert "OTEL_EXPORTER_OTLP_TIMEOUT=-1; it waited" in found.evidence


def test_what_never_changes_is_not_passed() -> None:
    """10 s by default, and whatever the variable says: only that it is heeded is judged."""
    found = outcomes(hanging(DEFAULT_S))
    assert found["CFG-040"] == "failed"
    assert found["CFG-044"] == found["CFG-045"] == "inconclusive"


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
    assert {unknown[f"OTLP-{rule}"].outcome for rule in rules} == {"inconclusive"}
    assert {known[f"OTLP-{rule}"].outcome for rule in rules} == {"failed"}

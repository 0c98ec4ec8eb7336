"""What follows from a retry that was seen, or was not, beside the control run."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from otlptest import faults
from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.cases import redirects
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
)
from otlptest.conformance.exporter.retries.retry_control import (
    condensed,
    judged_no_retry,
    judged_retry,
    life_follows_exports,
)
from otlptest.faults import ReplyFault
from otlptest.model import Request, Signal
from otlptest.results import failed, passed
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import metric_request, trace_request
from tests.support.validated import accepted

T = TypeVar("T")

RULE = "OTLP-RESP-063"
ANSWER = faults.status(504)
UNAVAILABLE = faults.unavailable()


class SharingLab(RecordedLab):
    """As `RecordedLab`, with what is shared made once."""

    def __init__(self, baseline: Observation, *runs: Observation, **more: Any) -> None:  # noqa: ANN401 -- as there
        super().__init__(baseline, *runs, **more)
        self._shared: dict[str, Any] = {}

    def shared(self, name: str, make: Callable[[], T]) -> T:
        if name not in self._shared:
            self._shared[name] = make()
        found: T = self._shared[name]
        return found


def run_of(
    *times: float,
    answer: ReplyFault = ANSWER,
    lived_s: float = 0.1,
    answered_after_s: float = 0.01,
) -> Observation:
    """A run in which the same spans came at these times; the first were answered so."""
    requests = [accepted("traces", trace_request()) for _ in times]
    for request, at in zip(requests, times, strict=True):
        request.started_at = request.received_at = at
        request.replied_at = at + answered_after_s
    if requests:
        requests[0].reply_fault = answer.text
    after_s = answered_after_s - 0.01 + lived_s
    return observed(requests, ended_at=(times[-1] if times else 1.0) + after_s)


def once(seen: Observation, answer: ReplyFault = ANSWER) -> DeliveryAttempts:
    return delivery_attempts(seen, "traces", (answer,))


def another(at: float) -> Request:
    """A request with other spans than those of `run_of`."""
    message = trace_request()
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.trace_id = bytes(range(1, 17))
    request = accepted("traces", message)
    request.started_at = request.received_at = request.replied_at = at
    return request


CONTROL = run_of(1.0, 2.0, answer=UNAVAILABLE)
NEVER = run_of(1.0, answer=UNAVAILABLE)
PLAIN = run_of(1.0)
LATE_ANSWER = faults.delay(1.0, reply=UNAVAILABLE)
LATE = run_of(1.0, answer=LATE_ANSWER, answered_after_s=1.01)
UP_ANYWAY = run_of(1.0, answer=LATE_ANSWER, answered_after_s=1.01, lived_s=-0.9)
MORE = observed([*run_of(1.0).requests, another(1.05)], ended_at=1.1)
GONE = run_of(1.0, answer=LATE_ANSWER, lived_s=-0.5)


@pytest.mark.parametrize(
    ("seen", "runs", "outcome"),
    [
        pytest.param(run_of(1.0, 2.1), (CONTROL,), "passed", id="sent again"),
        pytest.param(run_of(), (CONTROL,), "inconclusive", id="nothing came"),
        pytest.param(run_of(1.0), (NEVER, LATE), "failed", id="nor in the control, at once"),
        pytest.param(
            run_of(1.0), (NEVER, GONE), "inconclusive", id="it does not stay for a late answer"
        ),
        pytest.param(
            run_of(1.0), (NEVER, UP_ANYWAY), "inconclusive", id="it ends when it does anyway"
        ),
        pytest.param(
            run_of(1.0),
            (NEVER, run_of(1.0, 2.0, answer=LATE_ANSWER)),
            "inconclusive",
            id="a late answer is followed by another attempt",
        ),
        pytest.param(
            run_of(1.0, lived_s=2.0), (NEVER, LATE), "inconclusive", id="it waits, and then ends"
        ),
        pytest.param(
            run_of(1.0),
            (NEVER, run_of(1.0, answer=LATE_ANSWER, answered_after_s=1.01, lived_s=2.0)),
            "inconclusive",
            id="it waits after a late answer",
        ),
        pytest.param(MORE, (NEVER, LATE), "inconclusive", id="more came, maybe the same anew"),
        pytest.param(run_of(1.0, lived_s=9.0), (NEVER,), "failed", id="it stays up for long"),
        pytest.param(
            run_of(1.0), (CONTROL, run_of(1.0), CONTROL), "failed", id="twice, control twice"
        ),
        pytest.param(
            run_of(1.0),
            (CONTROL, run_of(1.0, 2.0), CONTROL),
            "inconclusive",
            id="sent again the second time",
        ),
        pytest.param(
            run_of(1.0),
            (CONTROL, run_of(1.0), NEVER),
            "inconclusive",
            id="the second control does not",
        ),
        pytest.param(
            run_of(1.0),
            (CONTROL, run_of(1.0, lived_s=2.0), CONTROL),
            "inconclusive",
            id="it waited for something",
        ),
    ],
)
def test_what_should_be_sent_again(
    seen: Observation, runs: tuple[Observation, ...], outcome: str
) -> None:
    lab = SharingLab(PLAIN, *runs, signals=("traces",))
    assert judged_retry(RULE, lab, once(seen)).outcome == outcome


@pytest.mark.parametrize(
    ("seen", "control", "outcome"),
    [
        pytest.param(run_of(1.0), CONTROL, "passed", id="sent once"),
        pytest.param(run_of(1.0, 2.0), CONTROL, "failed", id="sent again"),
        pytest.param(run_of(1.0, 2.0), NEVER, "failed", id="sent again, control or not"),
        pytest.param(run_of(1.0), NEVER, "inconclusive", id="a retry would not be seen"),
        pytest.param(run_of(1.0, lived_s=9.0), NEVER, "passed", id="it stays up for long"),
        pytest.param(
            run_of(1.0, answer=faults.status(400)), CONTROL, "inconclusive", id="another answer"
        ),
    ],
)
def test_what_should_not_be_sent_again(
    seen: Observation, control: Observation, outcome: str
) -> None:
    lab = SharingLab(PLAIN, control, signals=("traces",))
    assert judged_no_retry(RULE, lab, once(seen)).outcome == outcome


@pytest.mark.parametrize(
    ("again", "outcome"),
    [
        pytest.param(run_of(1.0, 2.0), "failed", id="in a second run too"),
        pytest.param(run_of(1.0), "inconclusive", id="not in a second run"),
    ],
)
def test_a_must_fails_only_if_a_second_run_shows_the_same(again: Observation, outcome: str) -> None:
    lab = SharingLab(PLAIN, CONTROL, again, signals=("traces",))
    assert judged_no_retry("OTLP-RESP-064", lab, once(run_of(1.0, 2.0))).outcome == outcome


@pytest.mark.parametrize(
    ("again", "outcome"),
    [
        pytest.param(NEVER, "failed", id="nor in a second run"),
        pytest.param(CONTROL, "inconclusive", id="but in a second run"),
    ],
)
def test_a_must_of_retries_fails_only_if_a_second_run_shows_the_same(
    again: Observation, outcome: str
) -> None:
    lab = SharingLab(PLAIN, NEVER, again, signals=("traces",))
    lingering = once(run_of(1.0, answer=UNAVAILABLE, lived_s=9.0), UNAVAILABLE)
    assert judged_retry("OTLP-RESP-040", lab, lingering).outcome == outcome


def test_what_hides_a_retry_is_told_with_what_to_do() -> None:
    lab = SharingLab(PLAIN, NEVER, signals=("traces",))
    found = judged_no_retry(RULE, lab, once(run_of(1.0, lived_s=3.31)))
    assert found.evidence.splitlines()[0] == (
        "a retry would not have been seen: keep the program up for 8 s after its first request;"
        " it ended 3.3 s after the answer"
    )


@pytest.mark.parametrize(
    ("ended_at", "follows"),
    [
        pytest.param(2.1, True, id="as much later as the retry took"),
        pytest.param(1.2, False, id="at the same time"),
    ],
)
def test_the_length_of_a_run_says_something_only_if_it_follows_the_exports(
    ended_at: float, *, follows: bool
) -> None:
    control = observed(CONTROL.requests, ended_at=ended_at)
    lab = SharingLab(PLAIN, control, signals=("traces",))
    assert life_follows_exports(lab, "traces") is follows


def test_a_command_that_sends_all_twice_is_not_told_by_retries() -> None:
    lab = SharingLab(run_of(1.0, 1.5), CONTROL, signals=("traces",))
    found = judged_no_retry(RULE, lab, once(run_of(1.0, 2.0)))
    assert found.outcome == "inconclusive"
    assert "sends its traces twice even where nothing goes wrong" in found.evidence


def test_a_command_that_crashed_is_not_told_by_retries() -> None:
    crashed = observed(run_of(1.0).requests, exit_code=-6)
    lab = SharingLab(PLAIN, CONTROL, signals=("traces",))
    assert "crashed" in judged_no_retry(RULE, lab, once(crashed)).evidence


def metrics(number: int, at: float, *, answer: str = "") -> Request:
    request = accepted("metrics", metric_request(export=number))
    request.started_at = request.received_at = at
    request.replied_at, request.reply_fault = at + 0.01, answer
    return request


@pytest.mark.parametrize(
    ("exports", "outcome"),
    [
        pytest.param([(1, 1.0), (2, 5.0), (3, 9.5)], "failed", id="new ones, never the old one"),
        pytest.param([(1, 1.0), (2, 3.0)], "inconclusive", id="new ones, not for long enough"),
        pytest.param([(1, 1.0), (2, 3.0), (1, 6.0)], "passed", id="the old one again"),
    ],
)
def test_an_exporter_that_goes_on_with_new_metrics_is_not_shut_down(
    exports: list[tuple[int, float]], outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["retry/service_unavailable"])
    first = metrics(1, 1.0, answer=UNAVAILABLE.text)
    control = observed([first], ended_at=1.1)
    living = [metrics(number, at) for number, at in exports]
    living[0].reply_fault = UNAVAILABLE.text
    lab = SharingLab(
        observed([metrics(1, 1.0)]),
        control,
        observed(living, ended_at=10.0),
        signals=("traces", "metrics"),
    )
    found = judged(case, lab)
    outcomes = {found["OTLP-RESP-040"].outcome}
    if outcome == "passed":  # the last that was said: one held makes it so
        assert "sent again after" in found["OTLP-RESP-040"].evidence
    assert outcomes == {outcome}


def of_signals(*taken: Signal, refused: tuple[Signal, ...] = ()) -> Observation:
    """A run in which the first signals were taken and the others refused."""
    requests = []
    for signal in (*taken, *refused):
        message = metric_request() if signal == "metrics" else trace_request()
        requests.append(accepted(signal, message))
        if signal in refused:
            requests[-1].is_discarded = True
    return observed(requests)


@pytest.mark.parametrize(
    ("usual", "seen", "outcome"),
    [
        pytest.param(
            of_signals("traces", "metrics"),
            of_signals("traces", "metrics"),
            "passed",
            id="the others come",
        ),
        pytest.param(
            of_signals("traces", "metrics"), of_signals("traces"), "failed", id="one never comes"
        ),
        pytest.param(
            of_signals("traces", refused=("metrics",)),
            of_signals("traces", refused=("metrics",)),
            "inconclusive",
            id="one is refused without faults too",
        ),
    ],
)
def test_a_signal_is_missed_beside_a_failing_one_only_if_it_is_taken_otherwise(
    usual: Observation, seen: Observation, outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["retry/other_signals"])
    lab = SharingLab(usual, seen, signals=("traces", "metrics"))
    found = [each for each in case.judge(lab) if "all traces were" in each.evidence]
    assert [each.outcome for each in found] == [outcome]


@pytest.mark.parametrize(
    ("usual", "outcome"),
    [
        pytest.param(PLAIN, "failed", id="once without faults"),
        pytest.param(run_of(1.0, 1.5), "inconclusive", id="twice without faults too"),
    ],
)
def test_what_comes_twice_anyway_is_no_answer_to_a_redirect(
    usual: Observation, outcome: str
) -> None:
    lab = SharingLab(usual, CONTROL, signals=("traces",))
    assert redirects._is_failure(lab, once(run_of(1.0, 2.0))).outcome == outcome


def test_alike_judgements_become_one_that_tells_how_many() -> None:
    many = [*(failed(RULE, f"wrong {number}") for number in range(5)), passed(RULE, "right")]
    first, second = condensed(many)
    assert first.evidence == "wrong 0\nwrong 1\nwrong 2\n… and 2 more alike"
    assert (second.outcome, second.evidence) == ("passed", "right")

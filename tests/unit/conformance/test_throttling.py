"""What is sent in parallel may cross an answer that asks for a pause; what follows does not."""

from types import SimpleNamespace
from typing import Any, Final

import pytest

from otlptest import faults
from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.lab import NO_CHANGES, Changes
from otlptest.conformance.exporter.observation import Observation
from otlptest.faults import ReplyFault
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

BACKOFF_S: Final = 0.5
PAUSE_S: Final = 1
ANSWER: Final = faults.unavailable(retry_after_s=PAUSE_S)
EXHAUSTED: Final = faults.resource_exhausted(retry_after_s=PAUSE_S)
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


class Answering(RecordedLab):
    """A lab that gives the run that fits what the fake is told to answer."""

    def __init__(self, baseline: Observation, answers: dict[str, Observation]) -> None:
        super().__init__(baseline, signals=("traces",))
        self._answers = answers

    def run(self, changes: Changes = NO_CHANGES, **options: Any) -> Observation:  # noqa: ANN401 -- as there
        self.asked.append((changes, options))
        said: list[str] = []

        def reply(*answers: ReplyFault, times: int | None = None, **_: object) -> None:
            what = "asked after RESOURCE_EXHAUSTED" if answers[0] == EXHAUSTED else "unavailable"
            if answers[0] == ANSWER:
                what = "asked after UNAVAILABLE"
            said.append(what if times else f"{what} for good")

        options["prepare"](SimpleNamespace(reply=reply))
        return self._answers[said[0]]


CONTROL: Final = run(batch(0, 0.0, faults.unavailable()), batch(0, BACKOFF_S))
CROSSED: Final = run(batch(0, 0.0, ANSWER), batch(1, 0.02), batch(0, PAUSE_S + 0.1))
HAMMERED: Final = run(batch(0, 0.0, ANSWER), batch(0, 0.02, ANSWER), batch(0, 0.04))
PARALLEL: Final = run(batch(0, 0.0, LATE, 0.5), batch(1, 0.02), batch(0, PAUSE_S + 0.6))
NEXT: Final = run(batch(0, 0.0, LATE, 0.5), batch(1, 0.51), batch(0, PAUSE_S + 0.6))


@pytest.mark.parametrize(
    ("answered_at_once", "answered_late", "outcome"),
    [
        pytest.param(CROSSED, PARALLEL, "inconclusive", id="others are under way"),
        pytest.param(CROSSED, NEXT, "failed", id="the next goes out right after the answer"),
        pytest.param(HAMMERED, HAMMERED, "failed", id="the same goes out again"),
        pytest.param(HAMMERED, PARALLEL, "inconclusive", id="the same, in one of two runs"),
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


def exhausted(*gaps_s: float, asked: bool = True) -> Observation:
    """A run in which the same was sent again after each wait."""
    at, requests = 0.0, [batch(0, 0.0, EXHAUSTED if asked else faults.unavailable())]
    for gap_s in gaps_s:
        at += gap_s + 0.01
        requests.append(batch(0, at))
    return run(*requests)


@pytest.mark.parametrize(
    ("unavailable", "after_exhausted", "for_good", "outcomes"),
    [
        pytest.param(
            run(batch(0, 0.0, ANSWER), batch(0, 0.002, ANSWER), batch(0, 0.1)),
            exhausted(1.0),
            CONTROL,
            ("passed", "failed", "passed"),
            id="heeded after RESOURCE_EXHAUSTED alone",
        ),
        pytest.param(
            run(batch(0, 0.0, ANSWER), batch(0, 0.5, ANSWER), batch(0, 0.9)),
            exhausted(),
            CONTROL,
            ("inconclusive", "failed", "failed"),
            id="its deadline may be shorter than the pause",
        ),
        pytest.param(
            run(batch(0, 0.0, ANSWER), batch(0, 0.5, ANSWER), batch(0, 0.9)),
            exhausted(),
            exhausted(0.5, 1.0, asked=False),
            ("failed", "failed", "failed"),
            id="it goes on for longer, and does not wait",
        ),
    ],
)
def test_what_is_waited_for_was_read(
    unavailable: Observation,
    after_exhausted: Observation,
    for_good: Observation,
    outcomes: tuple[str, str, str],
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["throttling/retry_info"])
    lab = Answering(
        run(batch(0, 0.0)),
        {
            "unavailable": CONTROL,
            "unavailable for good": for_good,
            "asked after UNAVAILABLE": unavailable,
            "asked after RESOURCE_EXHAUSTED": after_exhausted,
        },
    )
    found = judged(case, lab)
    rules = ("OTLP-RESP-028", "OTLP-RESP-049", "OTLP-RESP-050")
    assert tuple(found[rule].outcome for rule in rules) == outcomes, found


def again(fault: ReplyFault, *gaps_s: float) -> Observation:
    """A run in which the first attempts were answered so, and each came after such a wait."""
    at, requests = 0.0, []
    for gap_s in (*gaps_s, None):
        requests.append(batch(0, at, fault if gap_s is not None else None))
        at += 0.01 + (gap_s or 0.0)
    return run(*requests)


@pytest.mark.parametrize(
    ("own_s", "gaps_s", "outcome"),
    [
        pytest.param(0.5, (0.5, 1.0), "passed", id="its own back-off"),
        pytest.param(0.5, (0.001, 0.002), "failed", id="at once, and not otherwise"),
        pytest.param(0.02, (0.02, 0.04), "inconclusive", id="its own back-off begins small"),
    ],
)
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("throttling/zero_retry_info", "OTLP-RESP-051"),
        ("throttling/odd_retry_after", "OTLP-RESP-079"),
    ],
)
def test_short_waits_are_none_only_of_a_client_that_waits_otherwise(
    name: str, rule: str, own_s: float, gaps_s: tuple[float, ...], outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, [name])
    seen = again(faults.unavailable(retry_after_s=0), *gaps_s)
    control = again(faults.unavailable(), own_s)
    runs = [seen] * (4 if rule == "OTLP-RESP-079" else 1)
    lab = RecordedLab(run(batch(0, 0.0)), *runs, control, signals=("traces",))
    found = judged(case, lab)[rule]
    assert found.outcome == outcome, found

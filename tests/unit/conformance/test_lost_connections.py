"""What is lost with its connection is held against a client only if it waited for nothing."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from otlptest import faults
from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.cases import losses
from otlptest.conformance.exporter.lab import NO_CHANGES, Changes
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted


class Losing(RecordedLab):
    """A lab whose faults all act, and whose runs are alike for each of them.

    Args:
        usual: A run without faults.
        lost: A run in which something is lost.
        control: A run in which something is refused.
    """

    def __init__(self, usual: Observation, lost: Observation, control: Observation) -> None:
        super().__init__(usual, signals=("traces",))
        self._lost, self._control = lost, control

    def run(self, changes: Changes = NO_CHANGES, **options: Any) -> Observation:  # noqa: ANN401 -- the options of `ExporterLab.run`
        self.asked.append((changes, options))
        found = [self.baseline]

        def inject(*_: object, **__: object) -> SimpleNamespace:
            found.append(self._lost)
            return SimpleNamespace(fired=1)

        def reply(*_: object, **__: object) -> None:
            found.append(self._control)

        options.get("prepare", lambda _: None)(SimpleNamespace(inject=inject, reply=reply))
        return found[-1]


def control() -> Observation:
    """What was answered UNAVAILABLE comes again after 5 s."""
    requests = [accepted("traces", trace_request()) for _ in range(2)]
    for request, at in zip(requests, (1.0, 6.0), strict=True):
        request.started_at = request.received_at = request.replied_at = at
    return observed(requests, protocol="grpc", ended_at=6.5)


@pytest.mark.parametrize(
    ("took_s", "outcome"),
    [
        pytest.param(1.1, "failed", id="it goes on at once"),
        pytest.param(11.0, "inconclusive", id="its waits took all its time"),
    ],
)
def test_what_is_lost_at_once_was_not_tried_again(took_s: float, outcome: str) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["losses/lost"])
    lost = observed(protocol="grpc", ended_at=took_s)
    usual = observed([accepted("traces", trace_request())], protocol="grpc", ended_at=1.0)
    found = judged(case, Losing(usual, lost, control()))
    assert found["OTLP-GRPC-038"].outcome == outcome, found


def batch(number: int, *, is_lost: bool = False) -> Request:
    """One of several; a lost one came whole, and its answer never left."""
    message = trace_request()
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.span_id = bytes([number + 1] * 8)
    request = accepted("traces", message, replied_after_s=None if is_lost else 0.01)
    request.connection.wire_fault = "faults.reset(at='before_reply')" if is_lost else ""
    return request


def batches(*numbers: int, lost: tuple[int, ...] = ()) -> Observation:
    requests = [batch(each, is_lost=True) for each in lost] + [batch(each) for each in numbers]
    return observed(requests, protocol="grpc")


def controlled(*numbers: int) -> Observation:
    """The first of them is refused with UNAVAILABLE and sent again."""
    seen = batches(numbers[0], *numbers)
    first, again = seen.requests[:2]
    first.is_discarded, first.replied_at, again.started_at = True, 1.0, 6.0
    return replace(seen, ended_at=seen.ended_at + 5.5)


@pytest.mark.parametrize(
    ("lost", "control", "outcome"),
    [
        pytest.param(batches(1, 2, lost=(0,)), controlled(0, 1, 2), "failed", id="dropped"),
        pytest.param(batches(1, 2), controlled(0, 1, 2), "failed", id="never taken"),
        pytest.param(batches(0, 1, 2, lost=(0,)), controlled(0, 1, 2), "passed", id="sent again"),
        pytest.param(
            batches(1, 2, 3, lost=(0,)), controlled(0, 1, 2), "passed", id="with other ids"
        ),
        pytest.param(batches(1, 2), controlled(0, 1), "inconclusive", id="never the same number"),
    ],
)
def test_each_batch_must_be_taken(lost: Observation, control: Observation, outcome: str) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["losses/lost"])
    usual = batches(0, 1, 2)
    found = judged(case, Losing(usual, lost, control))
    assert found["OTLP-GRPC-038"].outcome == outcome, found


def attempts(*gaps_s: float) -> Observation:
    """Spans that are sent again so long after each answer that was lost; the last one is taken."""
    requests: list[Request] = []
    at = 1.0
    for gap_s in (*gaps_s, 0.0):
        request = accepted("traces", trace_request())
        request.started_at = request.received_at = request.replied_at = at
        request.reply_fault = faults.ack_lost().text if gap_s or not requests else ""
        requests.append(request)
        at += gap_s
    return observed(requests, ended_at=at)


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        pytest.param((0.01, 0.01, 0.01), (0.01, 0.02, 0.01), "failed", id="at once, twice"),
        pytest.param((0.01, 0.01, 0.01), (0.04, 0.08, 0.3), "inconclusive", id="once by chance"),
        pytest.param((0.11, 0.03, 0.1), (0.1, 0.1, 0.1), "inconclusive", id="short, with jitter"),
        pytest.param((0.3, 0.6, 1.2), (0.3, 0.6, 1.2), "passed", id="with waits"),
    ],
)
def test_short_pauses_are_none_only_if_all_of_two_runs_are(
    first: tuple[float, ...], second: tuple[float, ...], outcome: str
) -> None:
    lab = RecordedLab(attempts(), attempts(*second), signals=("traces",))
    each = delivery_attempts(attempts(*first), "traces", (faults.ack_lost(),) * 3)
    assert losses._retried_with_pauses(lab, each).outcome == outcome

"""Connections that nobody takes: what a client does is seen by its attempts, not by its length."""

import pytest

from otlptest import faults
from otlptest.conformance.exporter.cases import losses, refused_connections
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.model import Connection, Request
from tests.support.recorded_lab import RecordedLab, observed
from tests.support.right_requests import trace_request
from tests.support.validated import accepted

UNAVAILABLE = faults.unavailable()
LATE = faults.delay(1.0, reply=UNAVAILABLE)


def taken(*times: float) -> list[Request]:
    """Batches that came at these times, each with another span."""
    requests = []
    for number, at in enumerate(times, start=1):
        message = trace_request()
        for span in message.resource_spans[0].scope_spans[0].spans:
            span.span_id = bytes([number] * 8)
        request = accepted("traces", message)
        request.started_at = request.received_at = at
        request.replied_at = at + 0.01
        requests.append(request)
    return requests


def opened(*times: float) -> Arrived:
    return Arrived(
        connections=tuple(
            Connection(number=number, endpoint="http", port=4318, opened_at=at)
            for number, at in enumerate(times, start=1)
        )
    )


def refused(usual: Observation, *times: float, ended_at: float) -> refused_connections._Refused:
    """A run in which the client connected at these times, and was refused."""
    lab = RecordedLab(usual, signals=("traces",))
    seen = observed(ended_at=ended_at)
    return refused_connections._refused(lab, 3, "traces", seen, opened(*times))


def answered(fault: faults.ReplyFault, *, at: float, ended_at: float) -> Observation:
    """A run in which the only request was answered so, and never came again."""
    (request,) = taken(1.0)
    request.replied_at, request.reply_fault, request.is_discarded = at, fault.text, True
    return observed([request], ended_at=ended_at)


@pytest.mark.parametrize(
    ("times", "waits"),
    [
        pytest.param((0.0, 0.3, 0.6), (), id="batch after batch, as always"),
        pytest.param((0.0, 1.0, 3.0), (1.0, 2.0), id="attempt after attempt"),
        pytest.param((0.0, 0.01, 1.01), (1.0,), id="one more at once"),
    ],
)
def test_the_time_between_two_batches_is_no_wait(
    times: tuple[float, ...], waits: tuple[float, ...]
) -> None:
    usual = observed(taken(1.0, 1.3, 1.6))
    assert refused(usual, *times, ended_at=9.0).waits_s == pytest.approx(waits)


USUAL = observed(taken(1.0), ended_at=1.1)
NEVER = answered(UNAVAILABLE, at=1.01, ended_at=1.1)
STAYS = answered(LATE, at=2.01, ended_at=2.1)
UP_ANYWAY = observed(taken(1.0), ended_at=4.0)
ONCE = refused(USUAL, 1.0, ended_at=1.1)
NOWHERE = refused(USUAL, ended_at=1.1)


@pytest.mark.parametrize(
    ("each", "again", "runs", "outcome", "words"),
    [
        pytest.param(
            NOWHERE,
            NOWHERE,
            (USUAL, NEVER),
            "inconclusive",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not heeded, which OTLP-CFG-009 judges\ntraces:"
            " the first 3 connections were refused; connections at (none); ",
            id="another endpoint",
        ),
        pytest.param(
            refused(USUAL, 1.0, 1.5, ended_at=1.6),
            ONCE,
            (USUAL, NEVER),
            "passed",
            "it tried again, after waits of 0.50 s",
            id="tried again, and given up",
        ),
        pytest.param(
            refused(USUAL, 1.0, 1.01, ended_at=1.1),
            NOWHERE,
            (USUAL, NEVER, USUAL, USUAL, STAYS),
            "inconclusive",
            "one time it was sent again, another time not",
            id="in another run it does not even connect",
        ),
        pytest.param(
            refused(UP_ANYWAY, 1.0, ended_at=4.0),
            refused(UP_ANYWAY, 1.0, ended_at=4.0),
            (UP_ANYWAY, answered(UNAVAILABLE, at=1.01, ended_at=4.0)),
            "inconclusive",
            "it may have been shut down while it waited: keep the program up for 8 s after its"
            " first request; it ended 3.0 s after the answer",
            id="never again, by a program that stays up for a while",
        ),
        pytest.param(
            ONCE,
            ONCE,
            (USUAL, NEVER, USUAL, USUAL, USUAL, STAYS, USUAL),
            "failed",
            "it did not try to connect again",
            id="never again, by a program that waits for its exports",
        ),
        pytest.param(
            refused(USUAL, 1.0, ended_at=19.0),
            refused(USUAL, 1.0, ended_at=19.0),
            (USUAL, NEVER),
            "failed",
            "it did not try to connect again",
            id="never again in 18 s",
        ),
    ],
)
def test_an_attempt_after_a_refused_one(
    each: refused_connections._Refused,
    again: refused_connections._Refused,
    runs: tuple[Observation, ...],
    outcome: str,
    words: str,
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(refused_connections, "_one_run", lambda *_: again)
        lab = RecordedLab(*runs, signals=("traces",))
        found = refused_connections._connected_again(lab, each)
    assert found.outcome == outcome, found
    assert found.evidence.startswith(words)


def lost(*times: float, ended_at: float) -> Observation:
    """A run in which the same came at these times, and no answer to any."""
    requests = []
    for at in times:
        (request,) = taken(1.0)
        request.started_at = request.received_at = at
        request.replied_at, request.reply_fault = None, faults.ack_lost().text
        requests.append(request)
    return observed(requests, ended_at=ended_at)


RESENT = lost(1.0, 1.01, ended_at=1.1)


@pytest.mark.parametrize(
    ("seen", "runs", "outcome"),
    [
        pytest.param(
            RESENT, (NEVER, USUAL, RESENT, USUAL, RESENT, USUAL, STAYS, USUAL), "failed", id="final"
        ),
        pytest.param(
            lost(1.0, 1.01, ended_at=12.0),
            (NEVER, USUAL, lost(1.0, 1.01, ended_at=12.0), USUAL),
            "failed",
            id="final, for as long as it stays up",
        ),
        pytest.param(
            RESENT,
            (NEVER, USUAL, lost(1.0, 1.01, 1.6, ended_at=1.7), USUAL),
            "inconclusive",
            id="after a pause in a second run",
        ),
        pytest.param(
            lost(1.0, 1.01, 1.6, 2.8, ended_at=2.9), (NEVER,), "passed", id="after a pause"
        ),
    ],
)
def test_what_is_sent_once_more_at_once_is_no_back_off(
    seen: Observation, runs: tuple[Observation, ...], outcome: str
) -> None:
    lab = RecordedLab(USUAL, *runs, signals=("traces",))
    each = delivery_attempts(seen, "traces", (faults.ack_lost(),) * 3)
    found = losses._retried_with_pauses(lab, each)
    assert found.outcome == outcome, found


def test_a_final_loss_is_told() -> None:
    lab = RecordedLab(USUAL, NEVER, USUAL, RESENT, USUAL, RESENT, USUAL, STAYS, USUAL)
    each = delivery_attempts(RESENT, "traces", (faults.ack_lost(),) * 3)
    assert losses._retried_with_pauses(lab, each).evidence.startswith(
        "sent again once, without any pause; the loss after that was final. traces"
    )

"""Telemetry that comes again under other ids, and what only looks like it."""

import secrets

import pytest

from otlptest import faults
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.conformance.exporter.retries.retries_with_new_ids import lookalikes
from otlptest.conformance.exporter.retries.retry_control import judged_no_retry, judged_retry
from otlptest.model import Request, Signal
from tests.support.recorded_lab import RecordedLab, observed
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import accepted

ANSWER = faults.unavailable()
FIRST, SECOND = "checkout", "payment"


def spans(*names: str, attribute: str = "") -> Request:
    """A request with a span of each name; each has ids of its own."""
    message = trace_request()
    scope = message.resource_spans[0].scope_spans[0]
    kept = scope.spans[0]
    del scope.spans[:]
    for name in names:
        span = scope.spans.add()
        span.CopyFrom(kept)
        span.name, span.span_id = name, secrets.token_bytes(8)
        if attribute:
            span.attributes.add(key=attribute).value.bool_value = True
    return accepted("traces", message)


def run_of(*requests: Request, signal: Signal = "traces") -> Observation:
    """A run in which these came one after the other; the first was refused."""
    for number, request in enumerate(requests):
        request.started_at = request.received_at = 1.0 + number
        request.replied_at = request.started_at + 0.01
    first = next(each for each in requests if each.signal == signal)
    first.reply_fault = ANSWER.text
    return observed(requests, ended_at=30.0)


@pytest.mark.parametrize(
    ("usual", "again", "seen", "is_found"),
    [
        pytest.param(
            (spans(FIRST),), (spans(FIRST),), (spans(FIRST), spans(FIRST)), True, id="once more"
        ),
        pytest.param(
            (spans(FIRST), spans(FIRST)),
            (spans(FIRST), spans(FIRST)),
            (spans(FIRST), spans(FIRST), spans(FIRST)),
            True,
            id="once more, beside others that look alike",
        ),
        pytest.param(
            (spans(FIRST), spans(SECOND)),
            (spans(FIRST), spans(SECOND)),
            (spans(FIRST), spans(SECOND)),
            False,
            id="what was refused never came again",
        ),
        pytest.param(
            (spans(FIRST, FIRST),),
            (spans(FIRST, FIRST),),
            (spans(FIRST), spans(FIRST)),
            False,
            id="the same in other batches",
        ),
        pytest.param(
            (spans(FIRST),),
            (spans(FIRST), spans(FIRST)),
            (spans(FIRST), spans(FIRST)),
            False,
            id="now one and now two, by itself",
        ),
        pytest.param(
            (spans(FIRST),),
            (spans(FIRST),),
            (spans(FIRST), spans(FIRST, attribute="other")),
            False,
            id="other attributes",
        ),
        pytest.param(
            (spans(FIRST),),
            (spans(FIRST),),
            (spans(FIRST), spans(FIRST), spans(SECOND)),
            False,
            id="and more came beside it",
        ),
    ],
)
def test_what_was_refused_is_told_by_all_but_its_ids(
    usual: tuple[Request, ...],
    again: tuple[Request, ...],
    seen: tuple[Request, ...],
    *,
    is_found: bool,
) -> None:
    lab = RecordedLab(observed(usual), observed(again), signals=("traces",))
    each = delivery_attempts(run_of(*seen), "traces", (ANSWER,))
    found = lookalikes(lab, each)
    assert bool(found) is is_found
    assert not found or seen[1] in found
    judgements = (
        judged_retry("OTLP-RESP-034", lab, each),
        judged_no_retry("OTLP-RESP-021", lab, each),
    )
    assert {"other ids" in one.evidence for one in judgements} == {is_found}


def test_log_records_are_told_apart_likewise() -> None:
    def logs() -> Request:
        message = log_request()
        for record in message.resource_logs[0].scope_logs[0].log_records:
            record.time_unix_nano += secrets.randbelow(1000) + 1
            record.observed_time_unix_nano += secrets.randbelow(1000) + 1
        return accepted("logs", message)

    lab = RecordedLab(observed([logs()]), signals=("logs",))
    seen = (logs(), logs())
    each = delivery_attempts(run_of(*seen, signal="logs"), "logs", (ANSWER,))
    assert lookalikes(lab, each) == seen[1:]


def test_later_metrics_look_like_earlier_ones_and_tell_nothing() -> None:
    def metrics(export: int) -> Request:
        return accepted("metrics", metric_request(export=export))

    lab = RecordedLab(observed([metrics(1)]), signals=("metrics",))
    each = delivery_attempts(run_of(metrics(1), metrics(2), signal="metrics"), "metrics", (ANSWER,))
    assert lookalikes(lab, each) == ()

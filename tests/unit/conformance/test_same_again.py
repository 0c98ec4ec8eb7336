"""What counts as the same again: in a retry, and after a success."""

import pytest

from otlptest import faults
from otlptest.conformance.exporter.cases import retry, success
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, observed
from tests.support.right_requests import log_request, trace_request
from tests.support.validated import accepted

UNAVAILABLE = faults.unavailable()


def spans(*numbers: int, at: float = 1.0, name: str = "work", end: int = 7) -> Request:
    """A request with these spans, of one trace."""
    message = trace_request()
    scope = message.resource_spans[0].scope_spans[0]
    kept = scope.spans[0]
    del scope.spans[:]
    for number in numbers:
        span = scope.spans.add()
        span.CopyFrom(kept)
        span.span_id, span.name, span.end_time_unix_nano = bytes([number] * 8), name, end
    return _at(accepted("traces", message), at)


def record(at: float, *, time_unix_nano: int) -> Request:
    """A request with a log record of that time."""
    message = log_request()
    for each in message.resource_logs[0].scope_logs[0].log_records:
        each.time_unix_nano = each.observed_time_unix_nano = time_unix_nano
    return _at(accepted("logs", message), at)


def _at(request: Request, at: float) -> Request:
    request.started_at = request.received_at = at
    request.replied_at = at + 0.01
    return request


@pytest.mark.parametrize(
    ("later", "outcome", "words"),
    [
        pytest.param((spans(1, 2, at=2.0),), "passed", "all items came again", id="the same"),
        pytest.param((spans(1, 2, 3, at=2.0),), "passed", "all items came again", id="one more"),
        pytest.param(
            (spans(1, at=2.0), spans(2, at=2.1)),
            "passed",
            "all items came again",
            id="in two parts",
        ),
        pytest.param(
            (spans(1, at=2.0),), "failed", "1 of 2 items did not come again as they were", id="less"
        ),
        pytest.param(
            (spans(1, 2, at=2.0, name="other"),),
            "failed",
            "2 of 2 items did not come again as they were",
            id="other names",
        ),
        pytest.param(
            (spans(1, 2, 2, at=2.0),),
            "failed",
            "the next attempt carries the same items twice",
            id="one twice",
        ),
    ],
)
def test_a_retry_carries_what_was_refused(
    later: tuple[Request, ...], outcome: str, words: str
) -> None:
    first = spans(1, 2)
    first.reply_fault = UNAVAILABLE.text
    seen = observed([first, *later], ended_at=3.0)
    lab = RecordedLab(seen, signals=("traces",))
    found = retry._of_same_content(lab, delivery_attempts(seen, "traces", (UNAVAILABLE,)))
    assert (found.outcome, found.evidence.startswith(words)) == (outcome, True), found


@pytest.mark.parametrize(
    ("requests", "signal", "rules"),
    [
        pytest.param((spans(1), spans(1, at=2.0)), "traces", ["failed"], id="a span"),
        pytest.param(
            (spans(3), spans(1, at=2.0), spans(1, 2, at=3.0)),
            "traces",
            ["failed"],
            id="a later",
        ),
        pytest.param((spans(1, end=0), spans(1, at=2.0)), "traces", [], id="a span that has ended"),
        pytest.param((spans(1), spans(1, at=2.0, name="x")), "traces", [], id="another name"),
        pytest.param(
            (record(1.0, time_unix_nano=5), record(2.0, time_unix_nano=5)),
            "logs",
            ["failed"],
            id="a log record",
        ),
        pytest.param(
            (record(1.0, time_unix_nano=0), record(2.0, time_unix_nano=0)),
            "logs",
            [],
            id="log records without times",
        ),
    ],
)
def test_what_was_taken_is_sent_again_only_if_it_is_the_same(
    requests: tuple[Request, ...], signal: str, rules: list[str]
) -> None:
    lab = RecordedLab(observed(requests), signals=(signal,))  # type: ignore[arg-type]
    found = list(success._sent_once("OTLP-HTTP-049", lab))
    assert [each.outcome for each in found] == rules

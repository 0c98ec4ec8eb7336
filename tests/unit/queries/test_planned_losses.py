"""What faults of replies took away, and what a right exporter does after each answer."""

import pytest

from otlptest.model import Connection, Protocol, Request, Signal
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.evidence.planned_losses import never_received, planned_losses

CONNECTION = Connection(number=1, endpoint="http", port=1)
SLOW = (
    "is its retry off, its backoff longer than this wait (timeout_s=…), or its own time over"
    " (OTEL_EXPORTER_OTLP_TIMEOUT)? Its output may say"
)


def a_request(
    fault: str = "",
    *,
    body: bytes = b"1",
    http: int = 200,
    grpc: int | None = None,
    signal: Signal = "traces",
    protocol: Protocol = "http/protobuf",
) -> Request:
    return Request(
        connection=CONNECTION,
        signal=signal,
        protocol=protocol,
        body=body,
        reply_fault=fault,
        is_discarded=bool(fault),
        http_status=http,
        grpc_status=grpc,
        received_at=99.0,
        replied_at=100.0 if http else None,
    )


def losses(*requests: Request) -> list[Circumstance]:
    return list(planned_losses(requests, "traces", 104.25))


@pytest.mark.parametrize(
    ("request_", "hint"),
    [
        pytest.param(
            a_request("faults.status(503)", http=503),
            "this test planned faults.status(503): 503 is retryable, so a right exporter sends"
            f" again; this one has not in 4.2 s: {SLOW}",
            id="503",
        ),
        pytest.param(
            a_request("faults.status(400)", http=400),
            "this test planned faults.status(400): 400 is permanent, so a right exporter drops the"
            " batch and the loss is right; to test that it sends again, plan faults.unavailable()",
            id="400",
        ),
        pytest.param(
            a_request("faults.unavailable()", grpc=14, protocol="grpc"),
            "this test planned faults.unavailable(): UNAVAILABLE is retryable, so a right exporter"
            f" sends again; this one has not in 4.2 s: {SLOW}",
            id="UNAVAILABLE",
        ),
        pytest.param(
            a_request("faults.status(503, is_bare=True)", http=503, protocol="grpc"),
            "this test planned faults.status(503, is_bare=True): 503 is retryable, so a right"
            f" exporter sends again; this one has not in 4.2 s: {SLOW}",
            id="bare 503 over gRPC",
        ),
        pytest.param(
            a_request("faults.resource_exhausted()", grpc=8, protocol="grpc"),
            "this test planned faults.resource_exhausted(): RESOURCE_EXHAUSTED is permanent, so a"
            " right exporter drops the batch and the loss is right; to test that it sends again,"
            " plan faults.unavailable()",
            id="RESOURCE_EXHAUSTED",
        ),
        pytest.param(
            a_request("faults.resource_exhausted(retry_after_s=1)", grpc=8, protocol="grpc"),
            "this test planned faults.resource_exhausted(retry_after_s=1): RESOURCE_EXHAUSTED is"
            f" retryable, so a right exporter sends again; this one has not in 4.2 s: {SLOW}",
            id="RESOURCE_EXHAUSTED with RetryInfo",
        ),
        pytest.param(
            a_request("faults.redirect()", http=307),
            "this test planned faults.redirect(): 307 asks to send elsewhere: an exporter that does"
            " not follow loses the batch",
            id="redirect",
        ),
        pytest.param(
            a_request("faults.hang()", http=0),
            "this test planned faults.hang(), which gives no answer: a right exporter gives up"
            " after its own timeout (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s unless set), and may drop the"
            " batch",
            id="no answer",
        ),
    ],
)
def test_hint_says_whether_a_right_exporter_sends_again(request_: Request, hint: str) -> None:
    (loss,) = losses(request_)
    assert loss.hint == hint


def test_request_that_was_not_sent_again_is_counted_with_its_fault() -> None:
    (loss,) = losses(a_request("faults.status(400)", http=400))
    assert loss.fact == (
        "1 request not received because of faults.status(400), and not sent again in the 4.2 s"
        " since"
    )


def test_request_that_was_sent_again_and_received_is_no_reason() -> None:
    refused = a_request("faults.unavailable()", http=503)
    assert losses(refused, a_request()) == [
        Circumstance(
            fact="1 request not received because of faults.unavailable(), which was sent again and"
            " received"
        )
    ]
    assert list(never_received([refused, a_request()])) == []


def test_sender_that_was_refused_each_time_is_not_accused() -> None:
    (loss,) = losses(*[a_request("faults.unavailable()", http=503)] * 3)
    assert loss == Circumstance(
        fact="3 requests not received because of faults.unavailable(); the same one was sent 3"
        " times, and nothing came in the 4.2 s since",
        hint="this test planned faults.unavailable(), which answered what the sender sent again"
        " too: times=… says how often it acts, timeout_s=… how long to wait for the next attempt",
    )


def test_part_that_was_sent_again_is_told_from_the_rest() -> None:
    first, second = (a_request("faults.status(503)", http=503, body=each) for each in (b"1", b"2"))
    (loss,) = losses(first, second, a_request(body=b"1"))
    assert loss.fact == (
        "2 requests not received because of faults.status(503); 1 of them not sent again in the"
        " 4.2 s since"
    )


def test_other_signals_and_accepted_requests_are_no_loss() -> None:
    assert losses(a_request("faults.status(503)", http=503, signal="logs"), a_request()) == []


def test_many_faults_are_cut_short() -> None:
    many = [a_request(f"faults.status({code})", http=code) for code in range(400, 407)]
    facts = [loss.fact for loss in losses(*many)]
    assert len(facts) == 6
    assert facts[-1] == "and 2 other planned faults"

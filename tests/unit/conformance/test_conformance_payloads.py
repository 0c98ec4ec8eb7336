"""Payload identity: the same telemetry again, told from other telemetry; and its evidence."""

from dataclasses import replace

import pytest

from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.payloads import item_keys, items_of, payloads_of, whole_items
from otlptest.conformance.exporter.retries.delivery_attempts import delivery_attempts
from otlptest.conformance.receiver.probes import probe_request
from otlptest.model import Connection, Request, Signal
from tests.support.right_requests import trace_request

CONNECTION = Connection(number=1, endpoint="http", port=4318)
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")


def request(body: bytes, signal: Signal = "traces", *, at: float = 0.0) -> Request:
    return Request(
        connection=CONNECTION,
        signal=signal,
        protocol="http/protobuf",
        path=f"/v1/{signal}",
        body=body,
        wire_size=len(body),
        started_at=at,
        received_at=at + 0.1,
        replied_at=at + 0.5,
        http_status=503,
    )


@pytest.mark.parametrize("signal", SIGNALS, ids=str)
def test_the_same_items_again_are_one_payload(signal: Signal) -> None:
    first, second = (probe_request(signal, marker) for marker in ("a", "b"))
    sent = [
        request(first, signal, at=1.0),
        request(second, signal, at=2.0),
        request(first, signal, at=3.0),
    ]
    payloads = payloads_of(sent)
    assert [len(payload.attempts) for payload in payloads] == [2, 1]
    assert [payload.is_repeated for payload in payloads] == [True, False]
    assert payloads[0].intervals_s == (1.5,)


def test_a_batch_cut_anew_is_the_same_payload() -> None:
    first, second = (probe_request("traces", marker) for marker in ("a", "b"))
    both = first + second  # protobuf concatenation: one request with the resources of both
    (payload,) = payloads_of([request(first, at=1.0), request(both, at=2.0)])
    assert payload.is_repeated


def ended(at: int) -> Request:
    """A request with a span of the same ids that ended then; 0: that has not ended."""
    message = trace_request()
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.end_time_unix_nano = at
    return request(message.SerializeToString())


def test_a_span_that_is_exported_when_it_starts_and_when_it_has_ended_is_two() -> None:
    assert len(payloads_of([ended(0), ended(2_000_000_000_000_000_000)])) == 2
    assert len(payloads_of([ended(0), ended(0)])) == 1


def test_all_that_items_say_is_counted() -> None:
    first, later = ended(0), ended(2_000_000_000_000_000_000)
    assert whole_items([first]) == whole_items([ended(0)])
    assert not whole_items([first]) <= whole_items([later])
    assert whole_items([first, first]).total() == 2 * whole_items([first]).total()


def test_a_request_that_joins_two_payloads_makes_them_one() -> None:
    first, second = (probe_request("traces", marker) for marker in ("a", "b"))
    sent = [request(first, at=1.0), request(second, at=2.0), request(first + second, at=3.0)]
    assert [len(payload.attempts) for payload in payloads_of(sent)] == [3]


def test_an_interval_without_a_reply_counts_from_the_last_byte() -> None:
    body = probe_request("traces", "a")
    unanswered = request(body, at=1.0)
    unanswered.replied_at = None
    (payload,) = payloads_of([unanswered, request(body, at=2.1)])
    assert payload.intervals_s == (1.0,)


def test_a_body_that_cannot_be_read_is_its_own_identity() -> None:
    garbage = request(b"\xff\xff")
    assert items_of(garbage) == ()
    assert len(item_keys(garbage)) == 1
    assert item_keys(request(b"")) == frozenset()
    assert len(payloads_of([garbage, request(b"\xff\xff", at=1.0)])) == 1


def test_requests_without_items_have_nothing_in_common() -> None:
    hollow = b"\x0a\x02\x12\x00"  # a resource entry with an empty scope entry
    assert item_keys(request(hollow)) == frozenset()
    assert payloads_of([request(hollow, at=1.0), request(hollow, at=2.0)]) == ()
    real = request(probe_request("traces", "a"), at=3.0)
    seen = Observation(
        arrived=Arrived(requests=(request(hollow, at=1.0), request(hollow, at=2.0), real)),
        protocol="http/protobuf",
    )
    assert delivery_attempts(seen, "traces", ()).attempts == (real,)


def test_requests_of_no_signal_carry_no_payload() -> None:
    other = request(probe_request("traces", "a"))
    other.signal = None
    assert payloads_of([other]) == ()


def observation(*requests: Request) -> Observation:
    return Observation(
        arrived=Arrived(requests=requests, connections=(CONNECTION,)),
        protocol="http/protobuf",
        started_at=0.5,
        ended_at=4.5,
        exit_code=0,
    )


def test_evidence_tells_requests_with_times_and_replies() -> None:
    seen = observation(request(b"abc", at=1.0))
    assert seen.describe() == "0.50 s: POST /v1/traces, 3 bytes; answered HTTP 503 at 1.00 s"
    assert seen.duration_s == 4.0
    assert seen.ended_well
    assert seen.connections == (CONNECTION,)
    assert seen.problems == ()
    assert [each.signal for each in seen.payloads()] == ["traces"]
    assert seen.payloads("logs") == ()
    assert len(seen.of("traces")) == 1
    assert seen.arrived.signals == ("traces",)


def test_evidence_of_a_call_without_reply_and_of_a_grpc_one() -> None:
    silent, call = request(b"a", at=1.0), request(b"a", at=2.0)
    silent.replied_at = None
    call.grpc_status = 14
    first, second = observation(silent, call).describe().splitlines()
    assert first.endswith("no reply")
    assert second.endswith("answered gRPC status 14 at 2.00 s")


def test_evidence_of_many_requests_is_cut() -> None:
    seen = observation(*(request(b"a", at=float(at)) for at in range(15)))
    assert seen.describe().splitlines()[-1] == "… and 3 more"


def test_evidence_of_nothing_tells_how_the_command_ended() -> None:
    seen = observation()
    assert seen.describe() == "no request; it exited with code 0 after 4.0 s"
    stopped = replace(seen, has_timed_out=True, exit_code=None)
    assert stopped.describe() == "no request; it still ran after 4.0 s and was ended"


@pytest.mark.parametrize(
    ("at", "has_timed_out", "has_hung"),
    [
        pytest.param((1.0,), True, True, id="connected early, ended by force"),
        pytest.param((3.5,), True, False, id="connected just before its end"),
        pytest.param((), True, False, id="never connected"),
        pytest.param((1.0,), False, False, id="ended by itself"),
    ],
)
def test_a_command_has_hung_if_it_was_up_for_long(
    *, at: tuple[float, ...], has_timed_out: bool, has_hung: bool
) -> None:
    seen = Observation(
        arrived=Arrived(requests=tuple(request(b"a", at=each) for each in at)),
        protocol="http/protobuf",
        ended_at=4.0,
        has_timed_out=has_timed_out,
    )
    assert seen.has_hung == has_hung

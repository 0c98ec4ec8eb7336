"""Peers that are slow, stop in the middle, or never read: in finite time, and nobody else waits."""

import contextlib
import socket
import struct

import pytest

from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.limits import Limits
from tests.support.http2_talk import OPENING, Listener, block, call, grpc_fields, talk2
from tests.support.receiving import (
    connect,
    http1,
    read_to_end,
    receiving,
    span_request,
    talk,
)

GOOD = span_request("good")
IMPATIENT = Limits(patience_s=0.1, handshake_s=0.1, idle_s=0.2, drain_s=0.1)
CALL_HEAD = frames.header_frames(1, block(grpc_fields()), ends_stream=False)
HALVES = {
    "half a head": ("http", http1(GOOD)[:30], "OTLP-SRV-053"),
    "half a body": ("http", http1(GOOD)[:-5], "OTLP-SRV-053"),
    "half a preface": ("grpc", frames.PREFACE[:10], "OTLP-SRV-053"),
    "half a first line": ("grpc", b"POST /v1", "OTLP-SRV-053"),
    "half a frame": ("grpc", OPENING + call(1, GOOD)[:5], "OTLP-SRV-053"),
    "half a call": ("grpc", OPENING + CALL_HEAD, "OTLP-SRV-053"),
    "a call whose timeout passes": (
        "grpc",
        OPENING + frames.header_frames(1, block(grpc_fields(grpc_timeout="1m")), ends_stream=False),
        "OTLP-GRPC-050",
    ),
}


def port_of(receiver: object, role: str) -> int:
    return int(getattr(receiver, f"{role}_port"))


@pytest.mark.parametrize(("role", "sent", "rule"), HALVES.values(), ids=HALVES)
def test_a_request_that_does_not_become_whole_is_given_up(
    role: str, sent: bytes, rule: str
) -> None:
    with receiving(limits=IMPATIENT) as (receiver, heard):
        with connect(port_of(receiver, role)) as slow:
            slow.sendall(sent)
            heard.wait_until(lambda heard: "too_slow" in heard.kinds())
            neighbour = talk(receiver.http_port, http1(GOOD))
            said = read_to_end(slow)
        heard.wait_until(lambda heard: len(heard.closed) == 2)
    assert neighbour.startswith(b"HTTP/1.1 200")
    refused = [request.problem for request in heard.requests if request.problem is not None]
    problem = [*refused, *heard.problems][0]
    assert (problem.kind, problem.rule) == ("too_slow", rule)
    if role == "http":
        assert said.startswith(b"HTTP/1.1 408 Request Timeout")


def test_one_byte_at_a_time_is_slow_too() -> None:
    with receiving(limits=IMPATIENT) as (receiver, heard):
        with connect(receiver.http_port) as slow:
            pause = Deadline(10.0)
            try:
                for byte in http1(GOOD):
                    slow.sendall(bytes([byte]))
                    pause.pause(0.01)
            except (BrokenPipeError, ConnectionResetError):
                pass
        heard.wait_until(lambda heard: "too_slow" in heard.kinds())
    assert not [request for request in heard.requests if request.is_accepted]


def test_many_slow_connections_keep_nobody_waiting() -> None:
    with receiving() as (receiver, heard):
        slow = [connect(receiver.http_port) for _ in range(100)]
        for connection in slow:
            connection.sendall(http1(GOOD)[:40])
        answer = talk(receiver.http_port, http1(GOOD))
        called = talk2(receiver.grpc_port, call(1, GOOD)).answers[1]
        for connection in slow:
            connection.close()
        heard.wait_until(lambda heard: len(heard.closed) == 102)
    assert answer.startswith(b"HTTP/1.1 200")
    assert called["grpc-status"] == "0"
    assert heard.kinds() == ["cut_request"] * 100


def test_an_idle_connection_is_closed_in_finite_time_and_leaves_no_problem() -> None:
    with receiving(limits=IMPATIENT) as (receiver, heard):
        silent = connect(receiver.grpc_port)
        used = connect(receiver.http_port)
        used.sendall(http1(GOOD))
        called = connect(receiver.grpc_port)
        called.sendall(OPENING + call(1, GOOD))
        heard.wait_until(lambda heard: len(heard.closed) == 3)
        said = Listener().hear(read_to_end(called))
        for connection in (silent, used, called):
            connection.close()
    assert heard.kinds() == []
    assert said.goaway == frames.ErrorCode.NO_ERROR
    assert {connection.close_reason for connection in heard.closed} == {"idle for too long"}
    assert sorted(connection.requests for connection in heard.closed) == [0, 1, 1]


CUTS = {
    "in a head": ("http", http1(GOOD)[:30]),
    "in a body": ("http", http1(GOOD)[:-5]),
    "in a first line": ("grpc", b"POST /v1"),
    "in a call": ("grpc", OPENING + call(1, GOOD)[:-5]),
    "in a call without DATA": ("grpc", OPENING + CALL_HEAD),
}


@pytest.mark.parametrize("resets", [False, True], ids=["by FIN", "by reset"])
@pytest.mark.parametrize(("role", "sent"), CUTS.values(), ids=CUTS)
def test_a_request_that_ends_early_is_recorded_and_stored_nowhere(
    role: str, sent: bytes, *, resets: bool
) -> None:
    with receiving() as (receiver, heard):
        with connect(port_of(receiver, role)) as cut:
            cut.sendall(sent)
            receiver.settle(Deadline(10.0))
            if resets:
                cut.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        heard.wait_until(lambda heard: len(heard.closed) == 1)
        neighbour = talk(receiver.http_port, http1(GOOD))
    assert heard.kinds() == ["cut_request"]
    assert heard.problems[0].connection is heard.closed[0]
    assert [request.is_accepted for request in heard.requests] == [True]
    assert neighbour.startswith(b"HTTP/1.1 200")


def test_a_call_that_the_client_gives_up_is_cut_and_the_connection_goes_on() -> None:
    given_up = CALL_HEAD + frames.reset(1, frames.ErrorCode.CANCEL)
    with receiving() as (receiver, heard):
        answers = talk2(receiver.grpc_port, given_up + call(3, GOOD)).answers
    assert answers[3]["grpc-status"] == "0"
    assert heard.kinds() == ["cut_request"]


def test_a_call_that_is_whole_and_never_ended_is_told_from_one_that_was_cut() -> None:
    message = frames.data_frame(1, encode_grpc_frame(GOOD), ends_stream=False)
    endless = CALL_HEAD + message + frames.reset(1, frames.ErrorCode.CANCEL)
    with receiving() as (receiver, heard):
        talk2(receiver.grpc_port, endless + call(3, GOOD))
    assert [(each.kind, each.rule) for each in heard.problems] == [("cut_request", "OTLP-GRPC-005")]
    assert heard.problems[0].message.endswith("a whole message without the end of its stream")


def test_a_client_that_never_reads_its_answers_holds_up_nobody() -> None:
    with receiving() as (receiver, heard):
        with connect(receiver.http_port) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            requests = http1(content_type="x" * 180) * 100
            unanswered = 0
            while not unanswered:
                with contextlib.suppress(BlockingIOError):
                    deaf.send(requests)
                receiver.settle(Deadline(10.0))
                unanswered = len(heard.requests) - len(heard.replied)
            neighbour = talk(receiver.http_port, http1(GOOD))
        heard.wait_until(lambda heard: len(heard.closed) == 2)
    assert neighbour.startswith(b"HTTP/1.1 200")
    assert unanswered > 0


def test_an_early_refusal_can_be_read_while_the_body_still_comes() -> None:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n"
    size = 66 * 1024 * 1024
    with receiving() as (receiver, heard):
        with connect(receiver.http_port) as client:
            client.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
            for _ in range(66):
                client.sendall(bytes(1024 * 1024))
            answer = read_to_end(client)
        heard.wait_until(lambda heard: len(heard.closed) == 1)
    assert answer.startswith(b"HTTP/1.1 413 Content Too Large")
    assert heard.kinds() == ["too_large"]


def test_a_half_closed_client_still_gets_its_answer() -> None:
    with receiving() as (receiver, _):
        answer = talk(receiver.http_port, http1(GOOD), half_closes=True)
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_waits_is_waved_on_or_told_why_not() -> None:
    waits = (("Expect", "100-continue"),)
    good = http1(GOOD, headers=waits)
    bad = http1(GOOD, headers=waits, path="/nowhere")
    with receiving() as (receiver, heard):
        with connect(receiver.http_port) as client:
            client.sendall(good[: -len(GOOD)])
            assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(GOOD)
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
        with connect(receiver.http_port) as client:
            client.sendall(bad[: -len(GOOD)])
            assert read_to_end(client).startswith(b"HTTP/1.1 404 Not Found")
    assert heard.kinds() == ["wrong_path"]

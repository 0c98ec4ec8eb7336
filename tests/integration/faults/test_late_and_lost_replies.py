"""Replies that come late or never, and connections that end in their place."""

import http.client
import re
import socket
import ssl
import threading
from typing import Any

import grpc
import pytest

from otlptest import FakeCollector, faults
from otlptest.faults import ReplyFault
from otlptest.timing import Deadline
from tests.support.faulted import (
    GOOD,
    TIMEOUT_S,
    call_grpcio,
    call_raw,
    grpc_stub,
    http_client,
    planned,
    post,
)
from tests.support.http2_talk import OPENING, Listener, call
from tests.support.receiving import connect, http1, read_to_end, talk

DELAY_S = 0.3


def wait_for_requests(fake: FakeCollector, count: int) -> None:
    """Block until so many requests have arrived, answered or not."""
    deadline = Deadline(TIMEOUT_S)
    while fake.requests.count() < count:
        assert not deadline.has_passed()
        fake.source.wait_for_change(fake.token() if count else 0, Deadline(0.05))


def drain(client: socket.socket) -> None:
    """Read until the collector ends its side, in whatever way."""
    while client.recv(65536):
        pass


def took(request: Any) -> float:  # noqa: ANN401 -- a request that was answered
    assert request.replied_at is not None
    return float(request.replied_at - request.received_at)


def test_delayed_reply_comes_late_over_http() -> None:
    with planned(faults.delay(DELAY_S, reply=faults.status(503)), times=1) as fake:
        assert post(fake).status == 503
        (request,) = fake.requests.all()
    assert took(request) >= DELAY_S


def test_delayed_reply_comes_late_over_grpc() -> None:
    with planned(faults.delay(DELAY_S)) as fake:
        assert call_grpcio(fake) == b""
        (request,) = fake.requests.all()
    assert took(request) >= DELAY_S
    assert request.grpc_status == 0


def test_delayed_request_is_received_before_its_reply() -> None:
    with planned(faults.delay(TIMEOUT_S)) as fake, connect(fake.http_port) as client:
        client.sendall(http1(GOOD))
        fake.spans.wait_for_one(name="good", timeout_s=TIMEOUT_S)
        (request,) = fake.requests.all()
        assert (request.replied_at, request.http_status) == (None, 0)


def test_next_requests_of_an_http1_connection_wait_and_stay_in_order() -> None:
    planned_ones = (faults.delay(DELAY_S), faults.status(503), faults.ok())
    with planned(*planned_ones) as fake, connect(fake.http_port) as client:
        client.sendall(http1(GOOD) * 3)
        answers = b""
        while answers.count(b"HTTP/1.1 ") < 3 or not answers.endswith(b"\r\n\r\n"):
            answers += client.recv(65536)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answers) == [b"200", b"503", b"200"]


def test_other_calls_of_an_http2_connection_do_not_wait() -> None:
    with planned(faults.delay(TIMEOUT_S), times=1) as fake, connect(fake.grpc_port) as client:
        listener = Listener()
        client.sendall(OPENING + call(1) + call(3))
        while 3 not in listener.heard.answers or not listener.heard.answers[3].is_ended:
            listener.hear(client.recv(65536))
        assert 1 not in listener.heard.answers
        assert listener.heard.answers[3]["grpc-status"] == "0"


def test_reply_to_a_call_that_was_given_up_is_not_written() -> None:
    with planned(faults.delay(DELAY_S), times=1) as fake, grpc_stub(fake) as stub:
        with pytest.raises(grpc.RpcError) as caught:
            stub(GOOD, timeout=0.1)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        delayed, normal = faults.delay(DELAY_S), faults.ok()
        fake.reply(delayed, normal, signal="traces")
        assert stub(GOOD, timeout=TIMEOUT_S) == b""  # longer than what was given up
        assert stub(GOOD, timeout=TIMEOUT_S) == b""
        first, *others = fake.requests.all()
    assert first.replied_at is None
    assert first.given_up_at is not None
    assert first.given_up_at >= first.received_at
    assert all(request.replied_at for request in others)
    assert [request.given_up_at for request in others] == [None, None]


def test_hung_request_is_not_received_and_never_answered() -> None:
    with planned(faults.hang(), times=1) as fake:
        error = call_grpcio(fake, timeout_s=0.2)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        with http_client(fake) as client:
            assert post(fake, client=client).status == 200  # another connection is not affected
        hung, good = fake.requests.all()
        assert fake.spans.count() == 1
    assert (hung.is_discarded, hung.replied_at) == (True, None)
    assert good.is_accepted


def test_hung_http1_connection_stays_open_and_silent() -> None:
    with planned(faults.hang(), times=1) as fake, connect(fake.http_port) as client:
        client.sendall(http1(GOOD) * 2)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert [c.closed_at for c in fake.source.arrivals().connections] == [None]


def test_client_that_never_waits_for_a_hung_reply_is_cut_off() -> None:
    with planned(faults.hang(), times=1) as fake, connect(fake.http_port) as client:
        client.sendall(http1(GOOD) * 100)
        assert read_to_end(client) == b""


def test_closing_the_collector_does_not_wait_for_hung_requests() -> None:
    with planned(faults.hang(), faults.delay(TIMEOUT_S)) as fake:
        clients = [connect(fake.http_port) for _ in range(2)]
        for number, client in enumerate(clients, start=1):
            client.sendall(http1(GOOD))
            wait_for_requests(fake, number)
        fake.close()
        assert [read_to_end(client) for client in clients] == [b"", b""]
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.ack_lost(), http.client.RemoteDisconnected),
        (faults.ack_lost(ending="reset"), ConnectionResetError),
        (faults.ack_lost(ending="hang"), TimeoutError),
        (faults.delay(0.1, reply=faults.ack_lost()), http.client.RemoteDisconnected),
    ],
    ids=repr,
)
def test_lost_acknowledgement_over_http_is_received_and_not_answered(
    fault: ReplyFault, error: type[Exception]
) -> None:
    with planned(fault, times=1) as fake:
        with http_client(fake) as client:
            client.timeout = 0.5 if error is TimeoutError else TIMEOUT_S
            with pytest.raises(error):
                post(fake, client=client)
        assert post(fake).status == 200  # sent again
        assert fake.spans.count(name="good") == 2
        lost, good = fake.requests.all()
    assert (lost.is_accepted, lost.replied_at, lost.http_status) == (True, None, 0)
    assert good.replied_at is not None


@pytest.mark.parametrize("fault", [faults.ack_lost(), faults.ack_lost(ending="reset")], ids=repr)
def test_lost_acknowledgement_over_grpc_is_received_and_not_answered(fault: ReplyFault) -> None:
    with planned(fault, times=1) as fake:
        assert call_grpcio(fake).code() is grpc.StatusCode.UNAVAILABLE
        assert call_grpcio(fake) == b""
        lost, good = fake.requests.all()
        assert fake.spans.count() == 2
    assert (lost.is_accepted, lost.replied_at, lost.grpc_status) == (True, None, None)
    assert good.grpc_status == 0


def test_connection_that_a_fault_ends_says_which() -> None:
    with planned(faults.ack_lost(), times=1) as fake, connect(fake.http_port) as client:
        client.sendall(http1(GOOD))
        assert read_to_end(client) == b""
        client.close()
        fake.settle(Deadline(TIMEOUT_S))
        reasons = [c.close_reason for c in fake.source.arrivals().connections]
        assert fake.failing_findings() == ()
    assert reasons == ["a planned fault: faults.ack_lost()"]


def test_reset_is_a_reset_and_no_orderly_end() -> None:
    with (
        planned(faults.ack_lost(ending="reset"), times=1) as fake,
        connect(fake.grpc_port) as client,
    ):
        client.sendall(OPENING + call(1))
        with pytest.raises(ConnectionResetError):
            drain(client)


def test_two_tests_threads_may_plan_while_requests_come() -> None:
    with FakeCollector() as fake:
        stop = threading.Event()

        def plan() -> None:
            while not stop.is_set():
                with fake.replying(faults.status(503), signal="logs"):
                    pass

        planners = [threading.Thread(target=plan) for _ in range(2)]
        for planner in planners:
            planner.start()
        statuses = {post(fake).status for _ in range(300)}
        stop.set()
        for planner in planners:
            planner.join()
    assert statuses == {200}


@pytest.mark.parametrize("fault", [faults.status(503), faults.delay(DELAY_S)], ids=repr)
def test_client_that_ended_its_side_gets_its_reply_all_the_same(fault: ReplyFault) -> None:
    with planned(fault) as fake:
        over_http = talk(fake.http_port, http1(GOOD))  # both clients end their side at once
        over_grpc = call_raw(fake)
    assert over_http.startswith(b"HTTP/1.1 503" if fault.http_status == 503 else b"HTTP/1.1 200")
    assert over_grpc["grpc-status"] == str(int(fault.grpc_code))


def test_client_that_left_is_not_waited_for() -> None:
    with planned(faults.delay(TIMEOUT_S)) as fake:
        with connect(fake.http_port) as client:
            client.sendall(http1(GOOD))
            wait_for_requests(fake, 1)
        fake.settle(Deadline(TIMEOUT_S))
        (request,) = fake.requests.all()
    assert request.replied_at is None


def test_exited_program_is_read_to_its_end_though_a_reply_is_late() -> None:
    with planned(faults.delay(TIMEOUT_S)) as fake:
        ports = fake.open_ports("shop")
        port = int(ports.endpoints.http.rpartition(":")[2])
        with connect(port) as client:
            client.sendall(http1(GOOD))
            wait_for_requests(fake, 1)
        assert not fake.drain("shop", Deadline(TIMEOUT_S))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (faults.unavailable(retry_after_s=1), 503),
        (faults.delay(0.1), 200),
        (faults.oversize_body(size_bytes=3_000_000), 200),
        (faults.ack_lost(), None),
        (faults.ack_lost(ending="reset"), None),
    ],
    ids=repr,
)
def test_faults_are_told_over_tls_too(fault: ReplyFault, status: int | None) -> None:
    with FakeCollector(tls=True) as fake:
        fake.reply(fault, times=1, signal="traces")
        context = ssl.create_default_context(cafile=str(fake.ca_file))
        client = http.client.HTTPSConnection(
            "127.0.0.1", fake.http_port, context=context, timeout=TIMEOUT_S
        )
        try:
            told = post(fake, client=client).status
        except ConnectionResetError:  # what RemoteDisconnected is, too
            told = None
        finally:
            client.close()
        assert [request.reply_fault for request in fake.requests.all()] == [fault.text]
    assert told == status

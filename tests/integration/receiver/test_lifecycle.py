"""Starting, further ports, settling, draining, closing; and errors that reach the caller."""

import os
import socket
import subprocess
import sys
import threading
from typing import Self

import pytest

from otlptest.collector.server.server import Receiver
from otlptest.errors import PortTakenError, ReceiverError
from otlptest.model import Connection, Request
from otlptest.timing import Deadline, SystemClock
from otlptest.wire.transport import http2_frames as frames
from tests.support.http2_talk import OPENING, Listener, call
from tests.support.receiving import (
    Heard,
    connect,
    http1,
    read_to_end,
    receiving,
    span_request,
    talk,
)

GOOD = span_request("good")
MANY_CALLS = OPENING + b"".join(call(number, GOOD) for number in range(1, 801, 2))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "otlptest" in thread.name]


def test_a_port_in_use_is_told_in_the_callers_thread() -> None:
    with receiving() as (receiver, _):
        second = Receiver(Heard(), grpc_port=0, http_port=receiver.http_port)
        with pytest.raises(PortTakenError) as caught:
            second.start()
        assert caught.value.port == receiver.http_port
        second.close()
    assert threads() == []


@pytest.mark.parametrize(
    ("host", "port"),
    [("no-such-host.invalid", 0), ("127.0.0.1", 99_999), ("192.0.2.1", 0)],
    ids=["an unknown name", "no port", "another machine's address"],
)
def test_an_address_that_cannot_be_had_is_told(host: str, port: int) -> None:
    with pytest.raises(ReceiverError, match=r"cannot listen on"):
        Receiver(Heard(), host=host, http_port=port).start()


def test_the_same_port_can_be_had_again_at_once() -> None:
    with receiving() as (receiver, _):
        talk(receiver.http_port, http1(GOOD))
        ports = {"grpc_port": receiver.grpc_port, "http_port": receiver.http_port}
    with receiving(**ports) as (again, heard):
        talk(again.http_port, http1(GOOD))
    assert len(heard.requests) == 1


@pytest.mark.parametrize("host", ["::1", "::"], ids=["loopback", "all"])
def test_ipv6_works(host: str) -> None:
    with (
        receiving(host=host) as (receiver, heard),
        socket.create_connection(("::1", receiver.http_port)) as client,
    ):
        client.sendall(http1(GOOD))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert len(heard.requests) == 1


def test_closing_twice_and_starting_twice_are_fine_and_closing_ends_the_thread() -> None:
    receiver = Receiver(Heard())
    receiver.start()
    receiver.start()
    assert threads() == ["otlptest-receiver"]
    receiver.close()
    receiver.close()
    assert threads() == []
    with pytest.raises(ReceiverError, match="does not run"):
        receiver.settle(Deadline(1.0))
    with pytest.raises(ReceiverError, match="does not run"):
        receiver.open_ports("late")
    receiver.close_ports("late")


def test_a_receiver_that_never_started_cannot_start_after_it_was_closed() -> None:
    receiver = Receiver(Heard())
    receiver.close()
    with pytest.raises(ReceiverError, match="was closed"):
        receiver.start()


def test_a_forgotten_receiver_warns_and_is_closed() -> None:
    receivers = [Receiver(Heard())]
    receivers[0].start()
    with pytest.warns(ResourceWarning, match="unclosed receiver"):
        receivers.clear()
    assert threads() == []


def test_closing_answers_what_has_arrived_and_says_goodbye() -> None:
    heard = Heard()
    receiver = Receiver(heard)
    receiver.start()
    with connect(receiver.grpc_port) as caller, connect(receiver.http_port) as half:
        caller.sendall(OPENING + call(1, GOOD))
        half.sendall(http1(GOOD)[:-3])
        receiver.settle(Deadline(10.0))
        receiver.close()
        said = Listener().hear(read_to_end(caller))
        assert read_to_end(half) == b""
    assert said.answers[1]["grpc-status"] == "0"
    assert said.goaway == frames.ErrorCode.NO_ERROR
    assert heard.kinds() == ["cut_request"]
    assert len(heard.closed) == 2


def test_settling_covers_everything_sent_before_it_accept_queues_included() -> None:
    with receiving() as (receiver, heard):
        clients = [connect(receiver.http_port) for _ in range(20)]
        for client in clients:
            client.sendall(http1(GOOD) * 20)
        with connect(receiver.grpc_port) as caller:
            caller.sendall(MANY_CALLS)
            receiver.settle(Deadline(10.0))
            assert len(heard.requests) == 20 * 20 + 400
        for client in clients:
            client.close()


def test_settling_with_no_time_left_is_an_error() -> None:
    with receiving() as (receiver, _), pytest.raises(ReceiverError):
        receiver.settle(Deadline(0.0))


def test_further_ports_know_their_owner_and_can_be_closed() -> None:
    with receiving() as (receiver, heard):
        grpc_port, http_port = receiver.open_ports("shop")
        talk(http_port, http1(GOOD))
        with connect(http_port) as kept:
            receiver.settle(Deadline(10.0))
            receiver.close_ports("shop")
            with pytest.raises(ConnectionRefusedError):
                connect(grpc_port)
            kept.sendall(http1(GOOD))
            assert kept.recv(100).startswith(b"HTTP/1.1 200")
        talk(receiver.http_port, http1(GOOD))
    owners = [request.connection.owner for request in heard.requests]
    assert owners == ["shop", "shop", None]
    assert heard.connections[0].port == http_port


SENDER = """
import socket, sys
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(sys.stdin.buffer.read())
"""


@pytest.mark.parametrize("role", ["grpc", "http"])
def test_what_a_process_sent_before_it_exited_is_never_lost_to_its_reset(role: str) -> None:
    sent = MANY_CALLS if role == "grpc" else http1(GOOD) * 400
    with receiving() as (receiver, heard):
        ports = dict(zip(("grpc", "http"), receiver.open_ports("shop"), strict=True))
        for _ in range(3):  # it exits without reading one answer
            command = [sys.executable, "-c", SENDER, str(ports[role])]
            subprocess.run(command, input=sent, check=True, timeout=20)
        assert receiver.drain("shop", Deadline(10.0)) == []
        assert len(heard.requests) == 3 * 400
        assert len(heard.closed) == 3
    assert heard.kinds() == []


def test_draining_names_the_connections_that_something_else_holds() -> None:
    with receiving() as (receiver, heard):
        _, http_port = receiver.open_ports("shop")
        with connect(http_port) as held, connect(receiver.http_port):
            held.sendall(http1(GOOD))
            still_open = receiver.drain("shop", Deadline(0.1))
        assert still_open == [heard.requests[0].connection]
        assert receiver.drain("shop", Deadline(10.0)) == []
        assert receiver.drain("nobody", Deadline(10.0)) == []


def test_a_request_under_way_is_taken_and_answered_while_the_receiver_closes() -> None:
    heard = Heard()
    receiver = Receiver(heard)
    receiver.start()
    with connect(receiver.http_port) as client:
        client.sendall(http1(GOOD)[:-3])
        receiver.settle(Deadline(10.0))
        closing = threading.Thread(target=receiver.close)
        closing.start()
        client.sendall(http1(GOOD)[-3:])
        answer = read_to_end(client)
        closing.join()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert [request.is_accepted for request in heard.requests] == [True]


class _BrokenError(Exception):
    pass


class Broken(Heard):
    """An intake with a fault of our own making."""

    def request_received(self, request: Request) -> None:
        if request.path == "/v1/logs":
            raise _BrokenError("planted")
        super().request_received(request)


def test_an_error_of_ours_costs_one_connection_and_is_raised_at_close() -> None:
    heard = Broken()
    receiver = Receiver(heard)
    receiver.start()
    lost = talk(receiver.http_port, http1(b"", path="/v1/logs"))
    neighbour = talk(receiver.http_port, http1(GOOD))
    with pytest.raises(ReceiverError, match="_BrokenError: planted"):
        receiver.close()
    assert (lost, neighbour[:15]) == (b"", b"HTTP/1.1 200 OK")
    assert threads() == []


class BreakingClock(SystemClock):
    """A clock that breaks the receiver's loop when told to."""

    is_broken = False

    def monotonic(self) -> float:
        if self.is_broken:
            raise _BrokenError("planted")
        return super().monotonic()


def test_a_thread_that_broke_is_told_to_whoever_waits_and_at_close() -> None:
    clock = BreakingClock()
    receiver = Receiver(Heard(), clock=clock)
    receiver.start()
    with connect(receiver.http_port) as client:
        clock.is_broken = True
        with pytest.raises(ReceiverError):
            receiver.settle(Deadline(10.0))
        assert client.recv(100) == b""
    with pytest.raises(ReceiverError, match="cannot open ports"):
        receiver.open_ports("late")
    with pytest.raises(ReceiverError, match="_BrokenError: planted"):
        receiver.close()
    assert threads() == []


class Deaf(Heard):
    """An intake that fails on every connection."""

    def connection_opened(self, connection: Connection) -> None:
        raise _BrokenError(connection.endpoint)


def test_a_connection_that_cannot_be_recorded_is_closed() -> None:
    receiver = Receiver(Deaf())
    receiver.start()
    assert talk(receiver.http_port, http1(GOOD)) == b""
    with pytest.raises(ReceiverError, match="_BrokenError: http"):
        receiver.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork with threads, meant
def test_a_forked_child_changes_nothing() -> None:
    with receiving() as (receiver, heard), connect(receiver.http_port) as client:
        receiver.settle(Deadline(10.0))
        child = os.fork()
        if not child:
            receiver.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        client.sendall(http1(GOOD))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    assert len(heard.requests) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork with threads, meant
def test_a_child_that_holds_copies_keeps_no_port_and_no_connection_open() -> None:
    read_end, write_end = os.pipe()
    with receiving() as (receiver, _):
        client = connect(receiver.http_port)
        receiver.settle(Deadline(10.0))
        child = os.fork()
        if not child:
            os.close(write_end)
            os.read(read_end, 1)  # until the parent is done
            os._exit(0)
    try:
        assert client.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(receiver.http_port)
    finally:
        client.close()
        os.close(write_end)
        os.close(read_end)
        os.waitpid(child, 0)


def test_it_works_where_a_test_has_blocked_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blocked(socket.socket):
        def __new__(cls, *_: object, **__: object) -> Self:
            raise _BrokenError("blocked")

    client = connect_later()
    with receiving() as (receiver, heard):
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socket", Blocked)
            with receiving() as (inner, inner_heard):
                client.connect(("127.0.0.1", inner.http_port))
                client.sendall(http1(GOOD))
                assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert len(inner_heard.requests) == 1
        talk(receiver.http_port, http1(GOOD))
    client.close()
    assert len(heard.requests) == 1


def connect_later() -> socket.socket:
    client = socket.socket()
    client.settimeout(10.0)
    return client

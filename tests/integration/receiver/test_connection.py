"""One connection under a hand on its socket: nothing that was sent is lost, whatever comes back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from otlptest.collector.server.connection import SocketConnection
from otlptest.collector.server.listeners import Endpoint
from otlptest.collector.server.replies import PlannedReplies
from otlptest.collector.server.server_context import ServerContext
from otlptest.faults.injection.injections import WirePlan
from otlptest.faults.reply_rules import ReplyRules
from otlptest.net.loop import READ, WRITE, ReadinessLoop
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits
from tests.support.receiving import Heard, http1, span_request

GOOD = http1(span_request("good"))


@contextmanager
def connected(
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[tuple[SocketConnection, socket.socket, Heard]]:
    """A connection that nobody runs, and its client."""
    heard = Heard()
    choose_reply = PlannedReplies(ReplyRules()).choose
    wire_plan = WirePlan(lambda: None)
    reception = ServerContext(heard, limits, None, SYSTEM_CLOCK, choose_reply, wire_plan=wire_plan)
    loop = ReadinessLoop(lambda: None, 10.0)
    endpoint = Endpoint[SocketConnection]("127.0.0.1", 0, "http")
    ours, client = socket.socketpair()
    descriptor = ours.detach()
    accepted = socket.SocketType(fileno=descriptor)
    accepted.setblocking(False)
    connection = SocketConnection(accepted, "", endpoint, reception, loop)
    endpoint.connections.add(connection)
    with client:
        yield connection, client, heard
    connection.ready(READ)
    endpoint.close()
    loop.close()
    assert reception.failures == []
    assert heard.closed == [connection.record]
    assert not endpoint.connections


def test_what_was_sent_is_read_after_a_write_that_failed() -> None:
    with connected() as (connection, client, heard):
        client.sendall(GOOD)
        connection.ready(READ)
        connection._outbox.write(b"an answer on its way")
        client.sendall(GOOD * 3)
        client.close()
        connection._send()
        assert len(heard.requests) == 4
        assert len(heard.replied) == 1
        assert connection.is_closed
    assert heard.kinds() == []


def test_half_a_request_after_a_failed_write_is_a_cut_one() -> None:
    with connected() as (connection, client, heard):
        client.sendall(GOOD)
        connection.ready(READ)
        connection._outbox.write(b"an answer on its way")
        client.sendall(GOOD + GOOD[:-3])
        client.close()
        connection._send()
    assert len(heard.requests) == 2
    assert heard.kinds() == ["cut_request"]


def test_answers_that_do_not_fit_are_sent_when_there_is_room() -> None:
    with connected() as (connection, client, heard):
        client.settimeout(10.0)
        sent = 0
        while len(heard.replied) == len(heard.requests):
            client.sendall(GOOD * 50)
            connection.ready(READ)
            sent += 50
        waiting = len(heard.requests) - len(heard.replied)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < sent:
            answers += client.recv(2**20)
            connection.ready(WRITE)
        assert waiting > 0
        assert len(heard.replied) == sent


def test_a_client_that_does_not_read_for_too_long_is_given_up() -> None:
    with connected(Limits(idle_s=0.5)) as (connection, client, heard):
        while len(heard.replied) == len(heard.requests):
            client.sendall(GOOD * 50)
            connection.ready(READ)
        connection.check_patience(SYSTEM_CLOCK.monotonic())
        assert heard.closed == []
        connection.check_patience(SYSTEM_CLOCK.monotonic() + 1.0)
        assert connection.record.close_reason == "the client did not read its answers"


@pytest.mark.parametrize(
    ("limits", "after_s", "sends"),
    [(Limits(drain_s=1.0), 2.0, b""), (Limits(drain_bytes=1000), 0.0, bytes(2000))],
    ids=["for too long", "too much"],
)
def test_a_refused_client_that_goes_on_is_cut_off(
    limits: Limits, after_s: float, sends: bytes
) -> None:
    with connected(limits) as (connection, client, heard):
        client.sendall(b"\0\0\0\0 no HTTP\r\n\r\n")
        connection.ready(READ)
        assert client.recv(1000).startswith(b"HTTP/1.1 400")
        assert heard.closed == []
        client.sendall(sends)
        connection.ready(READ)
        connection.check_patience(SYSTEM_CLOCK.monotonic() + after_s)
        assert connection.is_closed

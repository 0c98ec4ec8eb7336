"""Calls into a server's thread: done, failed, too late, and after its end."""

import threading
from collections.abc import Iterator

import pytest

from otlptest.errors import ReceiverError
from otlptest.net.loop import ReadinessLoop
from otlptest.net.server_thread import ServerThread
from otlptest.timing import SYSTEM_CLOCK, Deadline

PATIENCE_S = 10.0
SOON_S = 0.05


def fail() -> bool:
    raise ZeroDivisionError("by zero")


def fail_at_once() -> None:
    fail()


class Server:
    def __init__(self) -> None:
        self.loop = ReadinessLoop(lambda: None, 10.0)
        self.is_closed = False
        self.failures: list[BaseException] = []
        self.thread = ServerThread(
            "the server",
            self.loop,
            now=SYSTEM_CLOCK.monotonic,
            close=self.close,
            failed=self.failures.append,
        )
        self.thread.start()

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    assert made.thread.stop(made.loop.stop, Deadline(PATIENCE_S))
    assert made.is_closed


def test_a_call_runs_in_the_thread(server: Server) -> None:
    seen: list[bool] = []
    server.thread.call(lambda: seen.append(server.thread.is_current), Deadline(PATIENCE_S), "look")
    assert seen == [True]
    assert not server.thread.is_current


def test_what_a_call_raises_is_the_callers(server: Server) -> None:
    with pytest.raises(ReceiverError, match="cannot divide: by zero"):
        server.thread.call(fail_at_once, Deadline(PATIENCE_S), "divide")
    with pytest.raises(ReceiverError, match="cannot divide: by zero"):
        server.thread.wait_until(fail, Deadline(PATIENCE_S), "divide")
    assert server.failures == []


def test_a_call_that_has_not_begun_in_time_never_runs(server: Server) -> None:
    held = threading.Event()
    ran: list[int] = []

    def hold() -> None:
        held.wait(PATIENCE_S)

    server.loop.post(hold)
    with pytest.raises(ReceiverError, match="cannot run: the server did not answer in time"):
        server.thread.call(lambda: ran.append(1), Deadline(SOON_S), "run")
    held.set()
    server.thread.call(lambda: None, Deadline(PATIENCE_S), "follow")
    assert ran == []


def test_a_step_is_repeated_until_it_is_done_or_time_is_over(server: Server) -> None:
    rounds: list[int] = []

    def step() -> bool:
        rounds.append(1)
        return len(rounds) == 3

    assert server.thread.wait_until(step, Deadline(PATIENCE_S), "count")
    assert len(rounds) == 3
    assert not server.thread.wait_until(lambda: False, Deadline(SOON_S), "wait")


def test_an_ended_server_answers_no_call() -> None:
    server = Server()
    assert server.thread.stop(server.loop.stop, Deadline(PATIENCE_S))
    with pytest.raises(ReceiverError, match="cannot look: the server has ended"):
        server.thread.call(lambda: None, Deadline(PATIENCE_S), "look")


def test_a_loop_that_breaks_answers_what_is_pending() -> None:
    server = Server()

    def break_it() -> bool:
        server.loop.add_job(fail)
        return False

    with pytest.raises(ReceiverError, match="cannot wait: by zero"):
        server.thread.wait_until(break_it, Deadline(PATIENCE_S), "wait")
    assert [type(each) for each in server.failures] == [ZeroDivisionError]
    assert server.thread.stop(server.loop.stop, Deadline(PATIENCE_S))

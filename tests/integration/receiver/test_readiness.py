"""The loop under the receiver: with epoll and without it, the same."""

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from otlptest.net.loop import READ, WRITE, ReadinessLoop
from otlptest.timing import SYSTEM_CLOCK, Deadline

KINDS = [False, True] if hasattr(selectors, "EpollSelector") else [False]
DESCRIPTORS = Path("/proc/self/fd")


@contextmanager
def running(loop: ReadinessLoop) -> Iterator[None]:
    """The loop in a thread of its own, stopped and closed at the end."""
    thread = threading.Thread(target=loop.run, args=(SYSTEM_CLOCK.monotonic,))
    thread.start()
    try:
        yield
    finally:
        loop.post(loop.stop)
        thread.join(10.0)
        loop.close()
        assert not thread.is_alive()


def ask(loop: ReadinessLoop, call: Callable[[], object]) -> None:
    """Have something called in the loop's thread and wait for it."""
    done = threading.Event()

    def act() -> None:
        call()
        done.set()

    assert loop.post(act)
    assert done.wait(10.0)


@pytest.mark.parametrize("uses_epoll", KINDS, ids=str)
def test_whoever_watches_is_called_when_a_socket_is_ready(*, uses_epoll: bool) -> None:
    loop = ReadinessLoop(lambda: None, 10.0, uses_epoll=uses_epoll)
    seen: list[int] = []
    is_seen = threading.Event()
    ours, theirs = socket.socketpair()

    def ready(events: int) -> None:
        seen.append(events)
        loop.unwatch(ours.fileno())
        is_seen.set()

    with ours, theirs, running(loop):
        for sent, events, expected in (
            (b"x", READ, READ),
            (b"", READ | WRITE, READ | WRITE),
            (b"", WRITE, WRITE),
        ):
            theirs.sendall(sent)
            is_seen.clear()
            ask(loop, partial(loop.watch, ours.fileno(), events, ready))
            assert is_seen.wait(10.0)
            assert seen.pop() == expected
        ask(loop, lambda: loop.watch(ours.fileno(), WRITE, ready))
        ask(loop, lambda: loop.watch(ours.fileno(), 0, ready))
        ask(loop, lambda: loop.unwatch(ours.fileno()))
        ask(loop, lambda: loop.unwatch(ours.fileno()))


@pytest.mark.parametrize("uses_epoll", KINDS, ids=str)
def test_a_socket_closed_by_an_earlier_callback_of_the_round_is_left_alone(
    *, uses_epoll: bool
) -> None:
    loop = ReadinessLoop(lambda: None, 10.0, uses_epoll=uses_epoll)
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def ready(_events: int) -> None:
        called.append(1)
        for ours, _ in pairs:
            loop.unwatch(ours.fileno())

    for ours, theirs in pairs:
        theirs.sendall(b"x")
        loop.watch(ours.fileno(), READ, ready)
    with running(loop):
        ask(loop, lambda: None)
    assert called == [1]
    for pair in pairs:
        for each in pair:
            each.close()


def test_it_ticks_while_sockets_are_watched_and_works_off_jobs() -> None:
    ticks = threading.Event()
    loop = ReadinessLoop(ticks.set, 0.01)
    rounds: list[int] = []
    is_done = threading.Event()

    def job() -> bool:
        rounds.append(1)
        if len(rounds) == 3:
            is_done.set()
        return len(rounds) == 3

    ours, theirs = socket.socketpair()
    with ours, theirs, running(loop):
        ask(loop, lambda: loop.watch(ours.fileno(), READ, lambda _: None))
        assert ticks.wait(10.0)
        ask(loop, lambda: loop.add_job(job))
        assert is_done.wait(10.0)
        Deadline(0.02).pause(0.02)
    assert len(rounds) == 3


def test_more_calls_than_its_pipe_holds_are_all_made() -> None:
    loop = ReadinessLoop(lambda: None, 10.0)
    called: list[int] = []
    for _ in range(70_000):  # a pipe takes 65,536
        assert loop.post(lambda: called.append(1))
    with running(loop):
        ask(loop, lambda: None)
    assert len(called) == 70_000
    assert not loop.post(lambda: None)


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="this system does not list descriptors")
def test_closing_it_leaves_no_descriptor() -> None:
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(3):
        ReadinessLoop(lambda: None, 10.0).close()
    assert len(list(DESCRIPTORS.iterdir())) == before

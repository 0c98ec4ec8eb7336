"""Every wait of a deadline socket ends at the deadline, whatever came before."""

import socket
from collections.abc import Iterator

import pytest

from otlptest.net.deadline_sockets import DeadlineSocket
from otlptest.timing import Deadline


class StoppedClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def unix_nanos(self) -> int:
        return 0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def test_a_wait_lasts_for_what_is_left(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    clock = StoppedClock()
    wrapped = DeadlineSocket(near, Deadline(5.0, clock))
    far.sendall(b"abcd")
    assert wrapped.receive_into(bytearray(2)) == 2
    assert near.gettimeout() == 5.0
    clock.now += 3.5
    assert wrapped.receive_into(bytearray(2)) == 2
    assert near.gettimeout() == 1.5
    wrapped.sendall(b"x")
    assert near.gettimeout() == 1.5
    assert far.recv(1) == b"x"


def test_nothing_is_sent_or_received_after_the_deadline(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, far = pair
    clock = StoppedClock()
    wrapped = DeadlineSocket(near, Deadline(5.0, clock))
    far.sendall(b"abcd")
    clock.now += 5.0
    with pytest.raises(TimeoutError):
        wrapped.receive_into(bytearray(2))
    with pytest.raises(TimeoutError):
        wrapped.sendall(b"x")


def test_an_ended_or_talking_peer_makes_a_connection_stale(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    near, far = pair
    wrapped = DeadlineSocket(near, Deadline(5.0))
    assert not wrapped.is_stale()
    far.close()
    assert wrapped.is_stale()


def test_the_file_reads_until_the_peer_ends(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    wrapped = DeadlineSocket(near, Deadline(5.0))
    far.sendall(b"one\ntwo")
    far.close()
    with wrapped.makefile("rb") as file:
        assert file.readable()
        assert file.readlines() == [b"one\n", b"two"]

"""Faults of connections and bytes, without sockets: what passes, when, and how it ends."""

import pytest

from otlptest import faults
from otlptest.faults import WireFault
from tests.support.passages import Wire

REQUEST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + b"r" * 100
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + b"a" * 50
TLS = b"\x16\x03\x01" + bytes(range(256)) * 2


def test_without_faults_everything_passes_as_it_is() -> None:
    wire = Wire()
    for _ in range(3):
        wire.up(REQUEST)
        wire.down(REPLY)
    wire.ended()
    assert wire.seen("up") == REQUEST * 3
    assert wire.seen("down") == REPLY * 3
    assert wire.fate == [("end", "up"), ("end", "down")]
    assert wire.interference is not None
    assert wire.interference.conversation is not None
    assert wire.interference.conversation.requests == 3


@pytest.mark.parametrize("first", [b"P", b"PRI * HTT", b"\x16", b"!"], ids=repr)
def test_first_bytes_that_tell_nothing_arrive_all_the_same(first: bytes) -> None:
    wire = Wire()
    wire.down(b"220 ready\r\n")
    wire.up(first)
    wire.ended()
    assert wire.seen("up") == first
    assert wire.seen("down") == b"220 ready\r\n"


@pytest.mark.parametrize(
    ("fault", "passed"),
    [
        (faults.reset(), (0, 0)),
        (faults.reset(after_bytes=0), (0, 0)),
        (faults.reset(after_bytes=1), (1, 0)),
        (faults.reset(after_bytes=70), (70, 0)),
        (faults.reset(after_bytes=len(REQUEST)), (len(REQUEST), 0)),
        (faults.reset(after_bytes=10, direction="down"), (len(REQUEST), 10)),
        (faults.reset(at="before_reply"), (len(REQUEST), 0)),
        (faults.reset(at="after_reply"), (len(REQUEST), len(REPLY))),
        (faults.reset(at="connect"), (0, 0)),
        (faults.refuse(), (0, 0)),
    ],
    ids=repr,
)
def test_connection_is_reset_at_its_moment_and_nothing_passes_after(
    fault: WireFault, passed: tuple[int, int]
) -> None:
    wire = Wire(fault)
    wire.up(REQUEST)
    wire.down(REPLY)
    wire.up(REQUEST)
    wire.ended()
    assert (len(wire.seen("up")), len(wire.seen("down"))) == passed
    assert wire.fate == [("abort", f"reset by {fault!r}")]
    assert wire.injections[0].fired == 1
    assert wire.passed.faults == [repr(fault)]


@pytest.mark.parametrize(
    ("fault", "passed"),
    [
        (faults.truncate(after_bytes=0), (0, 0)),
        (faults.truncate(after_bytes=99), (99, 0)),
        (faults.truncate(after_bytes=3, direction="down"), (len(REQUEST), 3)),
    ],
    ids=repr,
)
def test_truncated_connection_is_closed_in_order(fault: WireFault, passed: tuple[int, int]) -> None:
    wire = Wire(fault)
    wire.up(REQUEST)
    wire.down(REPLY)
    assert (len(wire.seen("up")), len(wire.seen("down"))) == passed
    assert wire.fate == [("close", f"cut by {fault!r}")]


def test_bytes_are_counted_from_where_a_fault_came_in() -> None:
    wire = Wire()
    wire.up(REQUEST)
    wire.down(REPLY)
    injection = wire.inject(faults.reset(after_bytes=10))
    wire.up(REQUEST)
    assert wire.seen("up") == REQUEST + REQUEST[:10]
    assert injection.fired == 1


def test_fault_acts_as_often_as_it_was_asked_to() -> None:
    wire = Wire()
    injection = wire.inject(faults.corrupt(after_bytes=5), times=1)
    wire.up(b"x" * 10)
    wire.up(b"x" * 10)
    assert injection.fired == 1
    assert [at for at, byte in enumerate(wire.seen("up")) if byte != ord("x")] == [5]


@pytest.mark.parametrize("size", [1, 7, 1000], ids=str)
def test_only_the_bytes_that_were_asked_for_change(size: int) -> None:
    fault = faults.corrupt(after_bytes=20, count=30)
    wire = Wire(fault)
    for at in range(0, len(REQUEST), size):
        wire.up(REQUEST[at : at + size])
    wire.down(REPLY)
    arrived = wire.seen("up")
    assert [at for at in range(len(REQUEST)) if arrived[at] != REQUEST[at]] == [*range(20, 50)]
    assert wire.seen("down") == REPLY
    assert wire.injections[0].fired == 1
    again = Wire(fault)
    again.up(REQUEST)
    assert again.seen("up") == arrived


def test_corruption_ends_with_its_scope() -> None:
    wire = Wire(faults.corrupt(count=1000))
    wire.up(b"x" * 10)
    wire.end(wire.injections[0])
    wire.up(b"x" * 10)
    assert wire.seen("up")[10:] == b"x" * 10
    assert b"x" not in wire.seen("up")[:10]


def test_blackhole_holds_everything_until_its_scope_ends() -> None:
    wire = Wire(faults.blackhole(after_bytes=60))
    wire.up(REQUEST)
    wire.down(REPLY)
    wire.ended()
    wire.wake(1000.0)
    assert (wire.seen("up"), wire.seen("down")) == (REQUEST[:60], b"")
    assert wire.fate == []
    wire.end(wire.injections[0])
    assert (wire.seen("up"), wire.seen("down")) == (REQUEST, REPLY)
    assert wire.fate == [("end", "up"), ("end", "down")]


@pytest.mark.parametrize(("direction", "way"), [("up", "down"), ("down", "up")], ids=str)
def test_blackhole_of_one_direction_lets_the_other_pass(direction: str, way: str) -> None:
    wire = Wire(faults.blackhole(direction=direction))  # type: ignore[arg-type]  # a parameter
    wire.up(REQUEST)
    wire.down(REPLY)
    assert wire.seen(way)
    assert wire.seen(direction) == b""


def test_late_bytes_arrive_in_order_and_not_before_their_time() -> None:
    wire = Wire(faults.latency(2.0, direction="both"))
    wire.up(REQUEST)
    wire.now = 1.0
    wire.up(REQUEST)
    wire.ended()
    wire.wake(1.99)
    assert wire.seen("up") == b""
    wire.wake(2.0)
    assert wire.seen("up") == REQUEST
    wire.wake(3.0)
    assert wire.seen("up") == REQUEST * 2
    assert wire.passed.events[-1] == ("end", "up")
    assert wire.passed.alarms[0] == 2.0


def test_jitter_never_changes_the_order() -> None:
    wire = Wire(faults.latency(0.0, jitter_s=1.0, direction="up", seed=3))
    sent = [bytes([number]) * 3 for number in range(50)]
    for number, piece in enumerate(sent):
        wire.now = number * 0.01
        wire.up(piece)
    for tick in range(200):
        wire.wake(tick * 0.01)
    assert wire.seen("up") == b"".join(sent)
    assert len(set(wire.passed.alarms)) > 1


def test_same_seed_gives_the_same_jitter() -> None:
    def alarms(seed: int) -> list[float]:
        wire = Wire(faults.latency(0.0, jitter_s=1.0, direction="up", seed=seed))
        wire.up(b"x")
        return wire.passed.alarms

    assert alarms(1) == alarms(1)
    assert alarms(1) != alarms(2)


def test_late_bytes_go_on_at_once_when_the_scope_ends() -> None:
    wire = Wire(faults.latency(60.0, direction="both"))
    wire.up(REQUEST)
    wire.down(REPLY)
    wire.end(wire.injections[0])
    assert (wire.seen("up"), wire.seen("down")) == (REQUEST, REPLY)


def test_bandwidth_passes_so_many_bytes_in_a_second() -> None:
    wire = Wire(faults.bandwidth(1000))
    wire.up(bytes(5000))
    for tick in range(300):
        wire.wake(tick / 100)
    assert 3000 <= len(wire.seen("up")) <= 3000 + 40
    assert max(map(len, wire.pieces("up"))) <= 20


def test_trickle_pauses_after_each_piece() -> None:
    wire = Wire(faults.trickle(slice_bytes=10, pause_s=1.0))
    wire.up(bytes(35))
    assert wire.pieces("up") == [bytes(10)]
    wire.wake(0.9)
    assert wire.pieces("up") == [bytes(10)]
    for second in range(1, 4):
        wire.wake(float(second))
    assert wire.pieces("up") == [bytes(10), bytes(10), bytes(10), bytes(5)]


def test_slices_pass_without_a_pause() -> None:
    wire = Wire(faults.slice(slice_bytes=40))
    wire.up(REQUEST)
    assert wire.seen("up") == REQUEST
    assert {len(piece) for piece in wire.pieces("up")[:-1]} == {40}


def test_many_slices_leave_others_their_turn() -> None:
    wire = Wire(faults.slice(slice_bytes=1))
    wire.up(bytes(1000))
    assert len(wire.seen("up")) == 256
    (alarm,) = wire.passed.alarms
    wire.wake(alarm)
    wire.wake(alarm + 1)
    assert len(wire.seen("up")) == 768
    wire.end(wire.injections[0])
    assert len(wire.seen("up")) == 1000


def test_several_faults_of_one_direction_add_up() -> None:
    wire = Wire(
        faults.latency(1.0, direction="up"),
        faults.latency(0.5, direction="both"),
        faults.slice(slice_bytes=100),
        faults.trickle(slice_bytes=20, pause_s=0.1),
    )
    wire.up(bytes(60))
    wire.wake(1.4)
    assert wire.pieces("up") == []
    for tick in range(15, 20):
        wire.wake(tick / 10)
    assert wire.pieces("up") == [bytes(20)] * 3


def test_much_that_waits_is_told_so_that_no_more_is_read() -> None:
    wire = Wire(faults.blackhole())
    assert wire.interference is not None
    wire.up(bytes(5_000_000))
    assert wire.interference.up_is_full
    assert wire.interference.holds_up
    assert not wire.interference.down_is_full
    wire.down(bytes(5_000_000))
    assert wire.interference.down_is_full


def test_flush_lets_everything_go() -> None:
    wire = Wire(faults.blackhole())
    wire.up(REQUEST)
    assert wire.interference is not None
    wire.interference.flush()
    assert wire.seen("up") == REQUEST


def test_within_tls_bytes_count_and_requests_do_not() -> None:
    wire = Wire(
        faults.goaway(), faults.rst_stream(), faults.window(), faults.truncate(after_bytes=100)
    )
    wire.up(TLS)
    assert wire.seen("up") == TLS[:100]
    assert [injection.fired for injection in wire.injections] == [0, 0, 0, 1]


def test_within_tls_the_first_bytes_are_the_request() -> None:
    wire = Wire(faults.reset())
    wire.up(TLS)
    assert wire.seen("up") == b""


def test_faults_of_frames_never_act_on_http1() -> None:
    wire = Wire(faults.goaway(), faults.rst_stream(), faults.window())
    wire.up(REQUEST)
    wire.down(REPLY)
    assert (wire.seen("up"), wire.seen("down")) == (REQUEST, REPLY)
    assert not any(injection.fired for injection in wire.injections)


def test_interim_reply_is_no_reply_to_a_request_that_is_not_whole() -> None:
    wire = Wire(faults.reset(at="before_reply"))
    wire.up(REQUEST[:70])
    wire.down(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.fate == []
    wire.up(REQUEST[70:])
    wire.down(REPLY)
    assert wire.fate == [("abort", "reset by faults.reset(at='before_reply')")]
    assert wire.seen("down") == b"HTTP/1.1 100 Continue\r\n\r\n"

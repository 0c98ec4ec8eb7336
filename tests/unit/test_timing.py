"""Deadlines on a clock that tests move, and the waits that use them."""

import math
import threading

import pytest

from otlptest.errors import UsageError
from otlptest.timing import SYSTEM_CLOCK, Deadline, checked_timeout


class MovedClock:
    """A clock that goes on only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def unix_nanos(self) -> int:
        return int(self.now * 1e9)


def test_a_deadline_counts_down_on_its_clock_and_stops_at_zero() -> None:
    clock = MovedClock()
    deadline = Deadline(2.0, clock)
    assert (deadline.remaining_s(), deadline.has_passed()) == (2.0, False)
    clock.now += 1.5
    assert (deadline.elapsed_s(), deadline.remaining_s()) == (1.5, 0.5)
    clock.now += 5
    assert (deadline.remaining_s(), deadline.has_passed()) == (0.0, True)


def test_a_deadline_of_zero_has_passed_at_once() -> None:
    assert Deadline(0).has_passed()


@pytest.mark.parametrize(
    "timeout",
    [-1, math.nan, math.inf, "5", None, True],
    ids=["negative", "nan", "infinite", "text", "none", "bool"],
)
def test_an_unusable_timeout_is_refused_with_its_value(timeout: object) -> None:
    with pytest.raises(UsageError, match=f"is {timeout!r}"):
        checked_timeout(timeout)  # type: ignore[arg-type]  # what is wrong here is the point


def test_waiting_on_a_condition_ends_with_the_notice() -> None:
    condition = threading.Condition()
    woken: list[bool] = []

    def wait() -> None:
        with condition:
            ready.set()
            woken.append(Deadline(30).wait_on(condition))

    ready = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    ready.wait(5)
    with condition:
        condition.notify_all()
    thread.join(5)
    assert woken == [True]


def test_waiting_past_the_deadline_says_so() -> None:
    condition = threading.Condition()
    with condition:
        assert not Deadline(0).wait_on(condition)


def test_a_pause_ends_early_at_the_deadline() -> None:
    assert Deadline(5).pause(0.001)
    assert not Deadline(0.001).pause(5)
    assert not Deadline(0).pause(5)


def test_the_system_clock_counts_nanoseconds_since_1970() -> None:
    assert SYSTEM_CLOCK.unix_nanos() > 1_700_000_000_000_000_000
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()

"""The clock, deadlines, and the only place in otlptest that blocks.

Durations are seconds as float, taken from `Clock.monotonic`; timestamps are integer nanoseconds
since 1970 from `Clock.unix_nanos`. Nothing here is moved by freezegun or by a changed wall clock:
`time.clock_gettime` is what such tools leave alone.
"""

import math
import threading
import time
from typing import Protocol

from otlptest.errors import UsageError

__all__ = ["SYSTEM_CLOCK", "Clock", "Deadline", "SystemClock", "checked_timeout"]


class Clock(Protocol):
    """Where durations and timestamps come from; tests replace it."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""
        ...

    def unix_nanos(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, as OTLP counts them."""
        ...


class SystemClock:
    """The machine's own clock. Thread-safe."""

    if hasattr(time, "CLOCK_MONOTONIC"):

        def monotonic(self) -> float:
            """See `Clock.monotonic`."""
            return time.clock_gettime(time.CLOCK_MONOTONIC)

        def unix_nanos(self) -> int:
            """See `Clock.unix_nanos`."""
            return time.clock_gettime_ns(time.CLOCK_REALTIME)

    else:  # Windows has no clock_gettime
        _monotonic = staticmethod(time.monotonic)
        _time_ns = staticmethod(time.time_ns)

        def monotonic(self) -> float:
            """See `Clock.monotonic`."""
            return self._monotonic()

        def unix_nanos(self) -> int:
            """See `Clock.unix_nanos`."""
            return self._time_ns()


SYSTEM_CLOCK = SystemClock()


def checked_timeout(timeout_s: float, *, name: str = "timeout_s") -> float:
    """`timeout_s` itself, if it is a usable number of seconds.

    Raises:
        UsageError: It is not a number, negative, NaN or infinite.
    """
    given: object = timeout_s  # callers may be untyped
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not math.isfinite(timeout_s) or timeout_s < 0:
        raise UsageError(
            f"{name} must be a number of seconds, 0 or more, and is {timeout_s!r}",
            "0 means: look once, now",
        )
    return float(timeout_s)


class Deadline:
    """A point in time to wait until.

    Args:
        timeout_s: Seconds from now; 0 has passed at once.
        clock: Whose time it is measured in.

    Raises:
        UsageError: `timeout_s` is not a usable number of seconds.
    """

    def __init__(self, timeout_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self.timeout_s = checked_timeout(timeout_s)
        self._clock = clock
        self._started = clock.monotonic()

    def elapsed_s(self) -> float:
        """Seconds since the deadline was set."""
        return self._clock.monotonic() - self._started

    def remaining_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.timeout_s - self.elapsed_s())

    def has_passed(self) -> bool:
        """Return whether no time is left."""
        return self.remaining_s() <= 0.0

    def wait_on(self, condition: threading.Condition) -> bool:
        """Block until `condition` is notified or the deadline passes.

        The caller holds `condition`. Wakes without notice sometimes, as conditions do: look again.

        Returns:
            False once the deadline has passed, True otherwise.
        """
        left = self.remaining_s()
        if left <= 0.0:
            return False
        condition.wait(left)
        return True

    def pause(self, seconds: float) -> bool:
        """Block for `seconds`, or until the deadline; for polling what cannot notify.

        Returns:
            False once the deadline has passed, True otherwise.
        """
        left = self.remaining_s()
        if left <= 0.0:
            return False
        threading.Event().wait(min(seconds, left))
        return not self.has_passed()

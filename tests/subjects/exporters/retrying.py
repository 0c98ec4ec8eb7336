"""Sending until it is taken: what is worth another attempt, how long to wait, when to give up.

A wait is the back-off, doubled each time and with jitter, or what the receiver asks for if that is
longer. An export is over when its timeout is, with all that it waited.

Planted here, as `WRONG`: `retries:<status>` and `gives up on:<status>` (a number over HTTP, a name
over gRPC), and the words below.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.subjects.exporters.planted import WRONG
from tests.subjects.exporters.settings import warn

__all__ = ["Answer", "deliver", "planted_verdict"]

_FIRST_WAIT_S: Final = 0.4
_LONGEST_WAIT_S: Final = 1.0 if WRONG == "never ends" else 30.0
_BACKGROUND: Final = "lingers, and exports in the background"
_MOST_ATTEMPTS: Final = {
    "timeout per attempt": 5,
    "two attempts at most": 2,
    _BACKGROUND: 4,
}.get(WRONG, 1000)
LINGERING_S: Final = 9.0
_SLOW_S: Final = 1.0
_GROWTH: Final = 2.0
_JITTER: Final = 0.3
# Ways to wait before the next attempt, by the number of those that were made.
_WAYS: Final[Mapping[str, Callable[[int], float]]] = {
    "a little jitter": lambda number: 2.0**number + random.uniform(0.0, 0.1),  # noqa: S311 -- no secret
    "small first wait": lambda number: 0.01 * 2**number * random.uniform(0.5, 1.0),  # noqa: S311 -- as above
    "back-off by the same time": lambda number: (number - 1) * random.uniform(0.1, 0.108),  # noqa: S311 -- as above
}
_TRIES_ONCE: Final = frozenset(
    {
        "never retries",
        "never retries, and is slow to tell",
        "lingers, and never retries",
        "no timeout, stays up and never retries",
        "deaf",
        "tries what was misdirected elsewhere, and nothing else",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one attempt.

    Attributes:
        told: In words; empty where there is nothing to tell.
        is_success: The telemetry was taken.
        is_retryable: It was not, and may be sent again.
        retry_after_s: What the receiver asks to wait.
    """

    told: str = ""
    is_success: bool = False
    is_retryable: bool = False
    retry_after_s: float | None = None


def planted_verdict(status: str, *, is_retryable: bool) -> bool:
    """Whether a status may be sent again, after what is planted."""
    if WRONG in {f"retries:{status}", f"pending spans, retries:{status}"}:
        return True
    return is_retryable and WRONG not in {f"gives up on:{status}", *_TRIES_ONCE}


def deliver(kind: str, timeout_s: float | None, send: Callable[[float | None], Answer]) -> bool:
    """Send until it is taken, refused for good, or time is up; whether it was taken.

    Args:
        kind: The signal, for what is told.
        timeout_s: For all of it; None: no limit.
        send: Makes one attempt, in at most the seconds that it is given.
    """
    started = time.monotonic()
    wait_s, attempts = _FIRST_WAIT_S, 0
    while True:
        left_s = _left(timeout_s, started)
        answer = _planted(send(timeout_s if WRONG == "timeout per attempt" else left_s))
        attempts += 1
        if answer.told:
            _tell(f"{kind}: {answer.told}", answer)
        if answer.is_success:
            if WRONG == "sends again after success":
                send(left_s)
            return True
        if not answer.is_retryable:
            return _given_up()
        pause_s = _pause(wait_s, answer.retry_after_s)
        if WRONG in _WAYS:
            pause_s = _WAYS[WRONG](attempts)
        left_s = _left(timeout_s, started)
        if (left_s is not None and pause_s >= left_s) or attempts == _MOST_ATTEMPTS:
            _tell(f"{kind}: given up after {attempts} attempts", answer)
            return _given_up()
        threading.Event().wait(pause_s)
        if WRONG != "fixed back-off":
            wait_s = min(_LONGEST_WAIT_S, max(wait_s, answer.retry_after_s or 0.0) * _GROWTH)


def _given_up() -> bool:
    """What comes of a failed export: nothing, but for what is planted.

    Raises:
        SystemExit: It is planted that one failure ends it all.
    """
    if WRONG == "stops at a failing signal":
        raise SystemExit(0)
    if WRONG == "lingers, and never retries":
        threading.Event().wait(LINGERING_S)
    if WRONG == "never retries, and is slow to tell":
        threading.Event().wait(_SLOW_S)
    if WRONG == "dies of a late answer":
        threading.Timer(1.0, os.abort).start()
    return False


def _planted(answer: Answer) -> Answer:
    if WRONG == "never delayed":
        return replace(answer, retry_after_s=None)
    return answer


def _tell(message: str, answer: Answer) -> None:
    if WRONG == "silent about failures" and not answer.is_success:
        return
    if WRONG == "silent about what it sends again" and answer.is_retryable:
        return
    warn(message)


def _left(timeout_s: float | None, started: float) -> float | None:
    if timeout_s is None or WRONG in {"never ends", "timeout per attempt"}:
        return None
    return max(0.0, timeout_s - (time.monotonic() - started))


def _pause(wait_s: float, retry_after_s: float | None) -> float:
    if WRONG == "hammers when throttled" and retry_after_s:
        return 0.0
    if WRONG == "hammers after a delay of zero" and retry_after_s == 0:
        return 0.0
    if WRONG == "waits a second at most" and retry_after_s:
        return min(1.0, retry_after_s)
    if WRONG == "no back-off":
        return retry_after_s or 0.0
    if WRONG != "no jitter":
        wait_s *= random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 -- no secret
    return max(wait_s, retry_after_s or 0.0)

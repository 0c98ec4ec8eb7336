"""Judgements of what a receiver stored: every requirement that needs read-back.

A receiver may pass data on late and in another order. An item counts as *not* stored only
after an item that was sent later has come.
"""

from collections.abc import Callable
from typing import Any, Final

from otlptest.conformance.receiver.exchange import Exchange, check_responses, is_ok
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import sample_request
from otlptest.errors import SendError
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed

NO_READ_BACK: Final = "what it stored can only be read back: give --read-back"
_LATE_S: Final = 0.3
_LATER_ITEMS: Final = 3


def stored_items(
    lab: ReceiverLab, signal: Signal, marker: str, *, count: int = 1
) -> tuple[Any, ...]:
    """Return the items with a marker, once there are `count`; empty without read-back.

    Blocks at most `lab.timeout_s`.
    """
    if lab.read_back is None:
        return ()
    return lab.read_back.items(signal, marker, count=count, timeout_s=_wait_s(lab))


def _wait_s(lab: ReceiverLab) -> float:
    return min(lab.timeout_s, lab.left_s)


def why_unread(lab: ReceiverLab) -> str:
    """Return why `unwanted_items` has no result."""
    return NO_READ_BACK if lab.read_back is None else "nothing came to be read back"


def unwanted_items(lab: ReceiverLab, signal: Signal, *markers: str) -> tuple[Any, ...] | None:
    """Return stored items with markers that should not be stored; None if unknown.

    Blocks until a valid request, sent now, has come, at most `lab.timeout_s`.
    """
    if lab.read_back is None:
        return None
    later = lab.marker()
    # Some of several items come even if the last or the first of each request is lost.
    several = sample_request(signal, later) * _LATER_ITEMS
    try:
        lab.send(several, signal=signal)
    except SendError:
        return None
    if not stored_items(lab, signal, later):
        return None
    found: list[Any] = []
    for number, marker in enumerate(markers):
        wait_s = 0.0 if number else _LATE_S  # several workers may pass data on side by side
        found += lab.read_back.items(signal, marker, timeout_s=wait_s)
    return tuple(found)


def loses_plain_ones(lab: ReceiverLab, signal: Signal) -> bool:
    """Return whether plain requests that are taken are not stored either.

    Blocks until an item that was sent later has come, at most twice `lab.timeout_s`.
    """
    marker = lab.marker()
    try:
        if not lab.send(sample_request(signal, marker), signal=signal).is_success:
            return False
    except SendError:
        return False
    if stored_items(lab, signal, marker):
        return False
    return not unwanted_items(lab, signal, marker)


def judged_stored(
    lab: ReceiverLab,
    rule: str,
    signal: Signal,
    marker: str,
    seen: str,
    *,
    matches: Callable[[tuple[Any, ...]], str],
    count: int = 1,
    needs_read_back: bool = True,
    is_plain: bool = False,
) -> CheckResult:
    """Judge what was stored of a request that was taken.

    Args:
        lab: Where it went.
        rule: The requirement.
        signal: Of which signal.
        marker: What the items carry.
        seen: The request and its answer, for evidence.
        matches: Returns the fault of the items; empty if they are as sent.
        count: The number that should be stored.
        needs_read_back: Whether the answer alone shows nothing; else it is enough if nothing can
            be read back.
        is_plain: The request is not odd: its loss is a failure. The loss of an odd one is only a
            failure if plain ones are not lost.
    """
    if lab.read_back is None:
        return (
            not_applicable(rule, f"{seen}; {NO_READ_BACK}")
            if needs_read_back
            else passed(rule, seen)
        )
    found = stored_items(lab, signal, marker, count=count)
    where = lab.read_back.name
    if len(found) < count:
        late = unwanted_items(lab, signal, marker)
        if late is None:
            return inconclusive(rule, f"{seen}; no {signal} came to {where}")
        found = late
    if len(found) < count:
        if not is_plain and loses_plain_ones(lab, signal):
            lost = f"plain {signal} requests that were taken are not in {where} either"
            return inconclusive(rule, f"{seen}; {lost}")
        missing = f"{len(found)} of {count} items are in {where}, and what was sent later is"
        return failed(rule, f"{seen}; {missing}")
    problem = matches(found)
    if problem:
        return failed(rule, f"{seen}; in {where}: {problem}")
    return passed(rule, f"{seen}; in {where} as sent")


def judged_taken(
    lab: ReceiverLab,
    rule: str,
    signal: Signal,
    marker: str,
    sent: Exchange,
    *,
    wanted: str,
    matches: Callable[[tuple[Any, ...]], str] = lambda _: "",
    count: int = 1,
    needs_read_back: bool = True,
) -> CheckResult:
    """Judge a request that must be taken, and what was stored of it.

    Args:
        lab: Where it went.
        rule: The requirement.
        signal: Of which signal.
        marker: What the items carry.
        sent: The request and its answer.
        wanted: The demanded answer, for evidence.
        matches: See `judged_stored`.
        count: See `judged_stored`.
        needs_read_back: See `judged_stored`.
    """
    found = check_responses(lab, rule, [sent], is_ok, wanted)
    if found.outcome != "passed":  # what an overloaded receiver refused shows nothing
        return found
    return judged_stored(
        lab,
        rule,
        signal,
        marker,
        found.evidence,
        matches=matches,
        count=count,
        needs_read_back=needs_read_back,
    )

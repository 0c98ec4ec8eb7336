"""Plain valid requests as contrast to odd ones: a fault of both is not reported.

A receiver may refuse a request for many reasons: a required header, an unsupported encoding, the
age of the data, an unsupported kind of metric. An odd request is judged only if the same request
without the oddity is taken.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from otlptest.conformance.case import ReceiverCase
from otlptest.conformance.receiver.exchange import Answer, Exchange, plain_answer
from otlptest.conformance.receiver.health import is_overload
from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.errors import SendError
from otlptest.model import Signal
from otlptest.results import CheckResult, inconclusive
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.wire.transport.statuses import GrpcCode

Plain = Callable[[], Answer]
"""A function that sends a request without the oddity of another, and returns the answer."""

_LIMITS: Final = frozenset({413, 414, 431})
_FALLEN: Final = frozenset({"crash", "hang", "memory"})


def is_limit(answer: Answer) -> bool:
    """Return whether a request was refused for its size, which is not a fault."""
    if isinstance(answer, Http1Answer):
        return answer.status in _LIMITS
    return answer.grpc_status == GrpcCode.RESOURCE_EXHAUSTED


def with_plain_signals(lab: TargetLab, case: ReceiverCase) -> tuple[TargetLab, str]:
    """Return the lab with the signals whose plain request is taken, and why there are none.

    Sends one request of each signal, a second one if the first is not taken.

    Args:
        lab: With the signals of the case.
        case: The case to run; one about plain requests keeps all signals.
    """
    if case.is_plain:
        return lab, ""
    taken: list[Signal] = []
    problems: list[str] = []
    for signal in lab.signals:
        problem = _problem(lab, signal)
        if problem:
            problems.append(problem)
        else:
            taken.append(signal)
    reason = "" if taken else f"nothing can be told from other requests: {'; '.join(problems)}"
    return replace(lab, signals=tuple(taken)), reason


def _problem(lab: TargetLab, signal: Signal) -> str:
    """Return why a plain valid request is not taken; empty if it is."""
    try:
        answer = plain_answer(lab, signal)
        if not answer.is_ok and not answer.is_hang:
            answer = plain_answer(lab, signal)
    except SendError as unreachable:
        return f"it could not be reached before this case: {unreachable.problem}"
    if answer.is_ok:
        return ""
    if is_overload(answer):
        return f"it says that it is overloaded: {answer.told()} to a plain valid {signal} request"
    return f"a plain valid {signal} request was answered {answer.told()}"


def unlike_plain(pairs: Iterable[tuple[Exchange, Plain]]) -> list[Exchange]:
    """Return the accepted tries, and the refused ones whose plain form is accepted.

    Args:
        pairs: Each request that must be accepted, and a function that sends its plain form.
    """
    return [
        sent for sent, plain in pairs if sent.answer.is_ok or sent.answer.is_hang or plain().is_ok
    ]


def contrasted(found: CheckResult, plain: Plain, what: str) -> CheckResult:
    """Return the result of an odd request; inconclusive if the plain one has the same.

    Args:
        found: The result of the odd request.
        plain: Sent only if `found` failed and the receiver lives.
        what: The content of `plain`, for evidence.
    """
    if found.outcome != "failed" or found.harm in _FALLEN:
        return found
    answer = plain()
    if answer.is_ok:
        return found
    reason = f"it does not take {what} either ({answer.told()})"
    return inconclusive(found.rule, f"{reason}; {found.evidence}")

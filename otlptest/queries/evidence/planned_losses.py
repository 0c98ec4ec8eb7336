"""Losses through reply faults: requests that the sender sent again, or should have."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from otlptest.model import Request, Signal
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.sources import Kind
from otlptest.wire.transport.statuses import RETRYABLE_HTTP_STATUSES, GrpcCode, RpcStatus

_SHOWN: Final = 5
_REDIRECTS: Final = range(300, 400)
_RETRY_INFO: Final = "retry_after_s="  # in the text of a fault that says when to send again
_SLOW: Final = (
    "is its retry off, its backoff longer than this wait (timeout_s=…), or its own time over"
    " (OTEL_EXPORTER_OTLP_TIMEOUT)? Its output may say"
)


def never_received(requests: Sequence[Request]) -> Iterator[Request]:
    """Yield requests that a planned fault refused, and whose bytes were not received later."""
    if not any(request.is_discarded for request in requests):
        return  # the usual case: no body needs to be compared
    came: set[tuple[Signal | None, bytes]] = set()
    for request in reversed(requests):
        key = (request.signal, request.body)
        if request.is_accepted:
            came.add(key)
        elif request.is_discarded and key not in came:
            yield request


def planned_losses(requests: Sequence[Request], kind: Kind, now: float) -> Iterator[Circumstance]:
    """Return one circumstance for each fault that refused requests of a kind.

    Args:
        requests: All requests of the view, in order of arrival.
        kind: The kind of missing items.
        now: Seconds on the collector's monotonic clock.
    """
    lost = {id(request) for request in never_received(requests)}
    by_fault: dict[str, list[Request]] = {}
    for request in requests:
        if request.is_discarded and kind in {request.signal, "requests"}:
            by_fault.setdefault(request.reply_fault, []).append(request)
    for fault, refused in list(by_fault.items())[:_SHOWN]:
        missing = [request for request in refused if id(request) in lost]
        yield _loss(fault, refused, missing, now)
    if len(by_fault) > _SHOWN:
        yield Circumstance(fact=f"and {len(by_fault) - _SHOWN} other planned faults")


def _loss(
    fault: str, refused: Sequence[Request], missing: Sequence[Request], now: float
) -> Circumstance:
    count = len(refused)
    head = f"{count:,} request{'' if count == 1 else 's'} not received because of {fault}"
    if not missing:
        again = "which was" if count == 1 else "all of which were"
        return Circumstance(fact=f"{head}, {again} sent again and received")
    waited = seconds(now - max(_ended_at(request) for request in missing))
    attempts = Counter((request.signal, request.body) for request in missing)
    most = max(attempts.values())
    if most > 1:
        same = "the same one" if len(attempts) == 1 and len(missing) == count else "one of them"
        return Circumstance(
            fact=f"{head}; {same} was sent {most} times, and nothing came in the {waited} since",
            hint=f"this test planned {fault}, which answered what the sender sent again too:"
            " times=… says how often it acts, timeout_s=… how long to wait for the next attempt",
        )
    which = ", and" if len(missing) == count else f"; {len(missing):,} of them"
    fact = f"{head}{which} not sent again in the {waited} since"
    return Circumstance(fact=fact, hint=_hint(fault, missing[-1], waited))


def _ended_at(request: Request) -> float:
    return request.replied_at if request.replied_at is not None else request.received_at


def seconds(amount: float) -> str:
    """Return `0.4 s`, `12 s`."""
    amount = max(0.0, amount)
    return f"{amount:.1f} s" if amount < 10 else f"{math.floor(amount)} s"  # noqa: PLR2004 -- two digits


def _hint(fault: str, request: Request, waited: str) -> str:
    """Return what a correct exporter does after this answer."""
    answer = _answer(request)
    if not answer:
        return (
            f"this test planned {fault}, which gives no answer: a right exporter gives up after its"
            " own timeout (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s unless set), and may drop the batch"
        )
    head = f"this test planned {fault}: {answer}"
    if _is_retryable(fault, request):
        return (
            f"{head} is retryable, so a right exporter sends again; this one has not in {waited}:"
            f" {_SLOW}"
        )
    if request.grpc_status is None and request.http_status in _REDIRECTS:
        return f"{head} asks to send elsewhere: an exporter that does not follow loses the batch"
    return (
        f"{head} is permanent, so a right exporter drops the batch and the loss is right; to test"
        " that it sends again, plan faults.unavailable()"
    )


def _answer(request: Request) -> str:
    if request.grpc_status is not None:
        known = {int(code): code.name for code in GrpcCode}
        return known.get(request.grpc_status, f"gRPC status {request.grpc_status}")
    return str(request.http_status) if request.http_status else ""


def _is_retryable(fault: str, request: Request) -> bool:
    if request.grpc_status is None:
        return request.http_status in RETRYABLE_HTTP_STATUSES
    if request.grpc_status == GrpcCode.RESOURCE_EXHAUSTED:
        return _RETRY_INFO in fault
    return RpcStatus(code=request.grpc_status).is_retryable

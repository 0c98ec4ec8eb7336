"""The effects of injected faults on connections, for messages about missing items."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otlptest.faults import WireFault
from otlptest.faults.injection.injections import Injection
from otlptest.model import Request
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.evidence.planned_losses import seconds
from otlptest.queries.sources import Kind

_DID: Final = {
    "reset": "reset {}",
    "refuse": "refused {}",
    "blackhole": "let nothing pass on {}",
    "trickle": "slowed {}",
    "slice": "cut into pieces what {} brought",
    "latency": "slowed {}",
    "bandwidth": "slowed {}",
    "truncate": "cut off {}",
    "corrupt": "changed what {} brought",
    "goaway": "sent GOAWAY on {}",
    "rst_stream": "reset a stream of {}",
    "window": "kept the window of {} small",
}
_BREAKING: Final = frozenset({"reset", "refuse", "truncate", "goaway", "rst_stream"})
_SLOWING: Final = frozenset({"trickle", "latency", "bandwidth", "window"})


def injected_losses(
    injections: Iterable[tuple[str, Injection]],
    requests: Sequence[Request],
    kind: Kind,
    *,
    begin: float,
    now: float,
) -> Iterator[Circumstance]:
    """Return one circumstance for each injected fault that acted since `begin`.

    Args:
        injections: The injected faults, each with its place: `this collector`.
        requests: All requests of the view.
        kind: What is missing.
        begin: When the view began, seconds on the monotonic clock, as for `now`.
        now: The time of the message.
    """
    for where, injection in injections:
        firings = [firing for firing in injection.firings if firing.at >= begin]
        if not firings:
            continue
        last = firings[-1].at
        came = [
            request
            for request in requests
            if request.is_accepted
            and request.started_at >= last
            and kind in {request.signal, "requests"}
        ]
        what = f"{injection.fault!r} of {where} {_deed(injection.fault, len(firings))}"
        since = seconds(now - last)
        yield Circumstance(
            fact=f"{what}; {_came(kind, len(came))} in the {since} since",
            hint="" if came else _hint(injection, len(firings), since),
        )


def _deed(fault: WireFault, count: int) -> str:
    return _DID[fault.kind].format(f"{count:,} connection{'' if count == 1 else 's'}")


def _came(kind: Kind, count: int) -> str:
    what = "" if kind == "requests" else f" of {kind}"
    return f"{count or 'no'} request{'' if count == 1 else 's'}{what} came"


def _hint(injection: Injection, fired: int, since: str) -> str:
    """Return what a correct sender does after the fault, if nothing has come since."""
    said = _while_in_force(injection, fired) or _afterwards(injection.fault, since)
    return f"this test injected {injection.fault!r}{said}" if said else ""


def _while_in_force(injection: Injection, fired: int) -> str:
    kind = injection.fault.kind
    if injection.is_ended:
        return ""
    if kind == "blackhole":
        return ": nothing passes before it ends, so wait after its block"
    if kind in _SLOWING:
        return ", which slows what is sent: wait longer, or after its block"
    if kind == "refuse" and injection.is_in_force:
        return ": nothing can connect before it ends, so wait after its block"
    if kind in _BREAKING and fired > 1 and injection.is_in_force:
        return ", which hits what is sent again too: give it times=1, or wait after its block"
    return ""


def _afterwards(fault: WireFault, since: str) -> str:
    if fault.kind == "blackhole":
        return (
            ": a sender notices that by its own timeout only (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s"
            " unless set)"
        )
    if fault.corrupts_requests:
        return (
            ": a request that cannot be decoded is refused for good, so a right exporter drops it"
            " and the loss is right"
        )
    if fault.kind in _BREAKING and not _is_harmless(fault):
        return (
            ": after a broken connection a right exporter sends again (OTLP-HTTP-036; gRPC:"
            f" UNAVAILABLE); this one has not in {since}: is its retry off, or its backoff longer"
            " than this wait (timeout_s=…)? Its output may say"
        )
    return ""


def _is_harmless(fault: WireFault) -> bool:
    """Return whether the requests that the fault hit have been received by now."""
    is_late = fault.at in {"before_reply", "after_reply"}
    return is_late or (fault.direction == "down" and not fault.acts_on_frames)

"""Gathers evidence from processes, flushes and silence; fences have their own module.

Each function blocks until it has a result, at most its timeout, and reports what it could not prove
as gaps in the `Evidence` it returns (design: `otlptest.queries.evidence.judging`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import SIGNALS, Connection, Request, Signal
from otlptest.processes import Ending
from otlptest.queries.evidence.export_order import ProducersOf
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.evidence.planned_losses import never_received
from otlptest.queries.evidence.unseen import not_received
from otlptest.queries.sources import Source
from otlptest.timing import Deadline

_GLANCE_S = 0.25


class Process(Protocol):
    """A program under test as evidence sees it."""

    @property
    def name(self) -> str:
        """Return its name in the test."""
        ...

    @property
    def owner(self) -> str:
        """Return the name under which its ports were opened."""
        ...

    @property
    def has_exited(self) -> bool:
        """Return whether the program itself has ended."""
        ...

    @property
    def ending(self) -> Ending:
        """Return its ending."""
        ...

    def descendants(self) -> Sequence[object]:
        """Return the running processes that it started, directly or not."""
        ...


class EvidenceContext(Protocol):
    """One test's view of a collector, as evidence needs it."""

    @property
    def source(self) -> Source:
        """Return the source of received telemetry."""
        ...

    @property
    def producers_of(self) -> ProducersOf:
        """Return a function that returns the producers in an accepted request."""
        ...

    def token(self) -> int:
        """Return the current position."""
        ...

    def settle(self, deadline: Deadline) -> None:
        """Block until everything sent to any port before the call has been handled."""
        ...

    def held_back(self, deadline: Deadline) -> Sequence[str]:
        """Return what proxies before the collector have got from clients and hold back."""
        ...

    def drain(self, owner: str, deadline: Deadline) -> Sequence[Connection]:
        """Read all connections of an ended process to their end; return those still open."""
        ...


def exited(
    scene: EvidenceContext,
    processes: Sequence[Process],
    *,
    timeout_s: float,
    is_vouched: bool = False,
) -> Evidence:
    """Return evidence that nothing more can come from ended programs.

    With `is_vouched`, the test vouches that they held nothing back.

    Blocks until all their connections are read to the end, at most `timeout_s`, and as long again
    where a proxy holds something back.

    Raises:
        UsageError: No process was given, or one still runs.
    """
    if not processes:
        raise UsageError("exited() needs the processes that have ended", "otlp.exited(shop)")
    for process in processes:
        if not process.has_exited:
            raise UsageError(
                f"{process.name} still runs, so it may still send",
                "call its wait() or stop() first",
            )
    gaps = [*scene.held_back(Deadline(timeout_s, scene.source.clock))]
    deadline = Deadline(timeout_s, scene.source.clock)  # a proxy may have used up the other one
    gaps += [gap for process in processes for gap in _exit_gaps(scene, process, deadline)]
    if not is_vouched:
        gaps += [gap for process in processes for gap in _held_back_by(scene, process)]
    names = ", ".join(process.name for process in processes)
    what = f"{names} {'has' if len(processes) == 1 else 'have'} exited"
    return Evidence(
        kind="exited",
        what=f"{what}, and the test says that nothing was held back" if is_vouched else what,
        token=scene.token(),
        owners=frozenset(process.owner for process in processes),
        gaps=tuple(gaps),
    )


def _held_back_by(scene: EvidenceContext, process: Process) -> Iterator[str]:
    """Yield why a program may have held telemetry back at its end, or that it never sent any."""
    vouch = f"exited({process.name}, flushed=True) says that it held nothing back"
    abrupt, code = process.ending.abrupt, process.ending.exit_code
    if abrupt:
        yield f"{process.name} {abrupt}: it may have held telemetry back ({vouch})"
    elif code is None:
        yield f"{process.name} has exited, and its exit code is unknown ({vouch})"
    elif process.ending.is_failure:
        yield (
            f"{process.name} exited with code {code}, perhaps by an exception, before its SDK could"
            f" flush ({vouch})"
        )
    connections = scene.source.arrivals().connections
    if not any(each.owner == process.owner and each.requests for each in connections):
        yield (
            f"{process.name} sent nothing to this collector in this test, so its silence proves"
            f" nothing: does it get the endpoint, and is its SDK on? ({vouch})"
        )


def _exit_gaps(scene: EvidenceContext, process: Process, deadline: Deadline) -> Iterator[str]:
    alive = process.descendants()
    for descendant in alive:
        yield f"{process.name} has exited, but {descendant} that it started still runs"
    # A living descendant may hold its connections open for ever, so the wait is short.
    patience = Deadline(_GLANCE_S, scene.source.clock) if alive else deadline
    still_open = scene.drain(process.owner, patience)
    if still_open and not alive:
        yield (
            f"{len(still_open)} connection(s) of {process.name} were not read to their end"
            f" within {deadline.timeout_s:.1f} s"
        )


def quiet(scene: EvidenceContext, seconds: float, *, timeout_s: float) -> Evidence:
    """Return weak evidence that nothing arrived for `seconds`.

    Blocks at least `seconds`, at most `timeout_s`.

    Raises:
        UsageError: `seconds` is not above 0, or beyond the timeout.
        ExpectationError: Rule `never_quiet`: something kept arriving.
    """
    __tracebackhide__ = True
    deadline = Deadline(timeout_s, scene.source.clock)
    if Deadline(seconds).timeout_s <= 0 or seconds > timeout_s:
        raise UsageError(
            f"quiet() takes seconds above 0 and below its timeout of {timeout_s} s, not {seconds!r}"
        )
    scene.settle(deadline)
    token = scene.token()
    while scene.source.wait_for_change(token, Deadline(seconds, scene.source.clock)):
        token = scene.token()
        if deadline.has_passed():
            raise ExpectationError([_never_quiet(scene, seconds, timeout_s)])
    return Evidence(
        kind="quiet",
        what=f"nothing arrived for {seconds} s",
        token=token,
        covers_all=True,
        is_guess=True,
    )


def _never_quiet(scene: EvidenceContext, seconds: float, timeout_s: float) -> Finding:
    senders = ", ".join(str(activity.producer) for activity in scene.source.producers())
    return Finding(
        rule="never_quiet",
        where="this collector",
        expected=f"{seconds} s without anything arriving",
        received=f"requests all through {timeout_s} s, from {senders or 'an unknown sender'}",
        hint="a periodic metric reader never falls silent: use otlp.fence or otlp.exited",
    )


def flushed(
    scene: EvidenceContext,
    flush: Callable[[], Iterable[str]],
    *,
    owner: str,
    signals: Iterable[Signal] = SIGNALS,
    timeout_s: float,
) -> Evidence:
    """Return evidence that an SDK in this process has sent everything that had ended.

    Blocks as long as `flush` does, then at most `timeout_s`.

    Args:
        scene: The view that receives.
        flush: Flushes each provider; returns the reasons for a failure, empty after success.
        owner: The name under which the SDK's ports were opened.
        signals: What was flushed.
        timeout_s: How long to wait for what was sent to be handled.
    """
    before = scene.token()
    failures = tuple(flush())
    scene.settle(Deadline(timeout_s, scene.source.clock))
    batch = scene.source.fetch(
        "requests", pushed_down={}, since=before, deadline=Deadline(timeout_s)
    )
    during = [request for request in batch.items if request.connection.owner == owner]
    gaps = [f"the flush failed: {failure}" for failure in failures]
    gaps += scene.held_back(Deadline(timeout_s, scene.source.clock))
    gaps += _unsuccessful(during)
    gaps += [not_received(request) for request in never_received(during)]
    gaps += [
        f"request {request.number}, sent during the flush, was refused: {request.problem.message}"
        for request in during
        if request.problem is not None
    ]
    gaps += [
        f"{problem.kind}: {problem.message}: what was lost is unknown"
        for problem in scene.source.arrivals().problems
        if problem.connection is not None and problem.connection.owner == owner
    ]
    return Evidence(
        kind="flushed",
        what="the SDK of this test was flushed (spans that are still open are not covered)",
        token=scene.token(),
        signals=frozenset(signals),
        owners=frozenset({owner}),
        gaps=tuple(gaps),
    )


def _unsuccessful(during: Sequence[Request]) -> Iterator[str]:
    """Yield requests without success whose bytes did not succeed later either."""
    succeeded = {
        (request.signal, request.body)
        for request in during
        if request.is_accepted and _succeeded(request.http_status, request.grpc_status)
    }
    for request in during:
        if not request.is_accepted or _succeeded(request.http_status, request.grpc_status):
            continue  # a refusal is reported as such
        if (request.signal, request.body) not in succeeded:
            yield f"request {request.number}, sent during the flush, was not answered with success"


def _succeeded(http_status: int, grpc_status: int | None) -> bool:
    return http_status == 200 and grpc_status in {None, 0}  # noqa: PLR2004 -- HTTP's OK

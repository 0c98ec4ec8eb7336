"""The first look at a command: one run without faults, and why nothing can be judged, if so."""

import sys
from dataclasses import dataclass
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import COMMON_SIGNALS
from otlptest.conformance.exporter.command import Subject, default_jobs
from otlptest.conformance.exporter.command_lab import arrived_at, observed_run
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.errors import OtlptestError, ProcessError
from otlptest.model import SIGNALS, Protocol, Signal
from otlptest.net.addresses import GRPC_PORT, HTTP_PORT
from otlptest.processes.exits import how_it_ended
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_SHOWN_LINES: Final = 5
_GRPC_PORT: Final = GRPC_PORT  # tests put other ports in their place
_HTTP_PORT: Final = HTTP_PORT
_GRPC_PATHS: Final = frozenset(names.grpc_path for names in SIGNAL_NAMES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook:
    """The result of the observing run.

    Attributes:
        baseline: The run; None if the command could not even be started.
        signals: The signals that came in the protocol.
        problem: Why nothing can be judged, one sentence and maybe the command's last lines; empty
            if something can.
        is_lacking: The command works, but does not speak the protocol.
        ended_quietly: It sent nothing and exited by itself: in another protocol it may work.
    """

    baseline: Observation | None = None
    signals: tuple[Signal, ...] = ()
    problem: str = ""
    is_lacking: bool = False
    ended_quietly: bool = False


def look_at(
    subject: Subject, protocol: Protocol, *, timeout_s: float, jobs: int | None = None
) -> FirstLook:
    """Run the command once against a fake that takes everything.

    Sets how many runs the subject allows at a time, by what this one cost. Blocks for at most
    twice `timeout_s`: a command that sends nothing is run again, to see where else it sends.

    Args:
        subject: The command.
        protocol: The protocol to set in its environment.
        timeout_s: When a run is ended.
        jobs: How many runs at a time to allow; chosen by what the first one cost if None.
    """
    spent_s = _processor_s()
    try:
        with subject.turn(), FakeCollector() as collector:
            seen = observed_run(
                subject,
                collector,
                protocol=protocol,
                signals=COMMON_SIGNALS,
                timeout_s=timeout_s,
            )
    except ProcessError as problem:
        return FirstLook(problem=f"the command cannot be run: {problem}")
    subject.allow(
        jobs=jobs or default_jobs(_peak_bytes()),
        starting_s=_starting_s(seen, _processor_s() - spent_s),
        starts=jobs,
    )
    return _told(subject, seen, timeout_s)


def _told(subject: Subject, seen: Observation, timeout_s: float) -> FirstLook:
    taken = {each.protocol for each in seen.requests if each.is_accepted}
    if seen.has_timed_out:
        return _failed(seen, f"the command still ran after {timeout_s:g} s, and was ended")
    if seen.exit_code is None or seen.exit_code < 0 or (seen.exit_code > 0 and taken):
        return _failed(seen, f"the command {how_it_ended(seen.exit_code)}, and must end with 0")
    if seen.protocol in taken:
        return FirstLook(baseline=seen, signals=_signals(seen))
    if taken or _is_at_wrong_port(seen):
        return _of_another_protocol(seen, taken)
    if seen.requests:  # all were refused: the cases judge why
        return FirstLook(baseline=seen, signals=_signals(seen) or COMMON_SIGNALS)
    return _silent(subject, seen, timeout_s)


def _is_at_wrong_port(seen: Observation) -> bool:
    """Return whether another protocol came; a gRPC call with an HTTP media type is a wrong call."""
    calls = [each for each in seen.requests if each.path in _GRPC_PATHS]
    return not calls and any(each.kind == "wrong_port" for each in seen.all_problems)


def _signals(seen: Observation) -> tuple[Signal, ...]:
    """Return the signals that came in the protocol, in valid requests or not.

    An SDK may have a protocol for one signal and not for another: signals of another
    protocol are not judged in this one.
    """
    came = {
        each.signal
        for each in seen.requests
        if not (each.is_accepted and each.protocol != seen.protocol)
    }
    return tuple(signal for signal in SIGNALS if signal in came)


def _failed(seen: Observation, problem: str, *, ended_quietly: bool = False) -> FirstLook:
    lines = [line for line in seen.output.splitlines() if line.strip()][-_SHOWN_LINES:]
    said = "".join(f"\n  | {line[:200]}" for line in lines)
    return FirstLook(baseline=seen, problem=problem + said, ended_quietly=ended_quietly)


def _of_another_protocol(seen: Observation, spoken: set[Protocol | None]) -> FirstLook:
    instead = ", ".join(sorted(each for each in spoken if each)) or "another protocol to its port"
    problem = f"the command does not speak {seen.protocol}: it was told to and sent {instead}"
    return FirstLook(baseline=seen, problem=problem, is_lacking=True)


def _silent(subject: Subject, seen: Observation, timeout_s: float) -> FirstLook:
    """Explain as exactly as possible why no request came."""
    if seen.problems:
        what = f"nothing that the command sent is a request: {seen.problems[0].message}"
        return _failed(seen, what)
    if seen.connections:
        return _failed(seen, "the command connected to the endpoint and sent no request")
    elsewhere = _seen_elsewhere(subject, seen.protocol, timeout_s)
    if elsewhere is not None and elsewhere.connections:
        ports = " and ".join(sorted({str(each.port) for each in elsewhere.connections}))
        return _failed(
            seen,
            f"the command ignores OTEL_EXPORTER_OTLP_ENDPOINT: it sent to port {ports} instead",
        )
    if seen.exit_code:
        problem = f"the command {how_it_ended(seen.exit_code)} and sent nothing"
        return _failed(seen, problem, ended_quietly=True)
    problem = (
        "the command sent nothing to OTEL_EXPORTER_OTLP_ENDPOINT: it emits nothing, does not shut"
        " its SDK down, or ignores the variable"
    )
    return _failed(seen, problem, ended_quietly=True)


def _seen_elsewhere(subject: Subject, protocol: Protocol, timeout_s: float) -> Arrived | None:
    """Return what comes to the default ports, in another run; None if they are taken."""
    try:
        with (
            subject.turn(),
            FakeCollector() as collector,
            FakeCollector(grpc_port=_GRPC_PORT, http_port=_HTTP_PORT) as elsewhere,
        ):
            observed_run(
                subject,
                collector,
                protocol=protocol,
                signals=COMMON_SIGNALS,
                timeout_s=timeout_s,
            )
            return arrived_at(elsewhere)
    except OtlptestError:  # a port is taken, or the command failed: then it stays unknown
        return None


def _starting_s(seen: Observation, processor_s: float) -> float:
    """Return how long a run keeps a core busy: not while it waits or sleeps.

    All its processor time counts, that of its end too: with less, more runs start than the machine
    can handle, and each takes longer than the one before.

    Args:
        seen: The run.
        processor_s: The processor time that it took, all its children included; 0 if not known.
    """
    if processor_s > 0:
        return min(processor_s, seen.duration_s)
    came = [each.started_at for each in seen.requests] + [
        each.opened_at for each in seen.connections
    ]
    return min(came) - seen.started_at if came else seen.duration_s


def _processor_s() -> float:
    """Return the processor time of all children of this process that have ended; 0 if not known."""
    try:
        import resource  # noqa: PLC0415 -- Windows has no such module
    except ImportError:  # pragma: no cover -- Windows
        return 0.0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_bytes() -> int:
    """Return the most memory that any child of this process has taken so far; 0 if not known."""
    try:
        import resource  # noqa: PLC0415 -- Windows has no such module
    except ImportError:  # pragma: no cover -- Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

"""Connections that cannot be made, or are lost: before the reply, after it, and by GOAWAY."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.cases import HTTP_PROTOCOLS, ExporterCase
from otlptest.conformance.exporter_cases.readings import endpoint_at, own
from otlptest.conformance.exporter_lab import ExporterLab, observed_again
from otlptest.conformance.faulted import Faulted, run_of, runs_of
from otlptest.conformance.observations import Arrived, Observation
from otlptest.conformance.payloads import items_of
from otlptest.conformance.retry_control import (
    condensed,
    control_of,
    judged_retry,
    usual_rest_s,
)
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.conformance.waits import NO_WAIT_S, judged_jitter
from otlptest.faults import WireFault
from otlptest.faults.interference.plan import Injection
from otlptest.model import Signal
from otlptest.processes.free_ports import free_port
from otlptest.wire.signals import SIGNAL_NAMES

__all__ = ["CASES"]

_DROPS: Final = 3
_SHORT_WAITS: Final = 3  # times what a request takes: the longest of some, on a busy machine
_COLD_RUNS: Final = 9
_LIKE_USUAL: Final = 0.1  # of the time between two batches: what a machine makes of it
_REFUSALS: Final = 3

# What is lost, and by which faults: each with how often it acts.
_Losses = Mapping[str, tuple[tuple[WireFault, int], ...]]
_LOSSES: Final[_Losses] = MappingProxyType(
    {
        "the stream, by RST_STREAM": ((faults.rst_stream("REFUSED_STREAM"), 1),),
        "the connection, by GOAWAY after a reply": ((faults.goaway(at="after_reply"), 1),),
        "a call, by GOAWAY before it was taken": ((faults.goaway(last_stream_id=0), 1),),
        "the connection, by a reset before the reply": ((faults.reset(at="before_reply"), 1),),
        "the server, for two connections": ((faults.reset(), 1), (faults.refuse(), _REFUSALS)),
    }
)


def _judge_dropped(lab: ExporterLab) -> Iterator[Judged]:
    """The server reads a request whole and says nothing: closes (FIN), resets (RST)."""
    closed = runs_of(lab, *(faults.ack_lost(),) * _DROPS)
    reset = runs_of(lab, faults.ack_lost(ending="reset"))
    yield from condensed(_retried_with_pauses(lab, each) for each in closed())
    yield from condensed(judged_retry("OTLP-HTTP-036", lab, each) for each in reset())


def _retried_with_pauses(lab: ExporterLab, each: Faulted) -> Judged:
    """Whether it is sent again, and not each time at once."""
    rule = "OTLP-HTTP-036"
    gaps = each.faulted_gaps_s
    if len(gaps) < _DROPS or max(gaps) >= _SHORT_WAITS * NO_WAIT_S:
        return judged_retry(rule, lab, each)
    told = f"sent again {len(gaps)} times without any pause. {each.told}"
    if max(gaps) < NO_WAIT_S:
        (again,) = run_of(lab, {each.signal: each.faults})()
        if len(again.faulted_gaps_s) >= _DROPS and max(again.faulted_gaps_s) < NO_WAIT_S:
            return broken(rule, f"{told}\nthe same in a second run: {again.told}")
    return not_observed(rule, f"its pauses are too short to tell them from none. {told}")


def _judge_refused(lab: ExporterLab) -> Iterator[Judged]:
    """Nobody takes the connections of one signal at first, several times over."""
    signals = [lab.signals[turn % len(lab.signals)] for turn in range(_COLD_RUNS)]
    with ExitStack() as stack:
        others = [stack.enter_context(lab.collector()) for _ in signals]
        for other in others:
            other.inject(faults.refuse(), times=_REFUSALS)
        runs = [
            lab.start(_own_endpoint(signal, other))
            for signal, other in zip(signals, others, strict=True)
        ]
        seen = [run.result() for run in runs]
        arrived = [lab.arrived(other) for other in others]
    found = list(zip(signals, seen, arrived, strict=True))
    yield from condensed(_connected_again(lab, *each) for each in found)
    waits = [_waits(lab, signal, each) for signal, _, each in found]
    yield judged_jitter("OTLP-HTTP-035", [each for each in waits if each])


def _own_endpoint(signal: Signal, other: FakeCollector) -> Mapping[str, str]:
    return {own(signal, "ENDPOINT"): endpoint_at(other, signal, "http/protobuf")}


def _connected_again(
    lab: ExporterLab, signal: Signal, seen: Observation, arrived: Arrived
) -> Judged:
    rule = "OTLP-HTTP-034"
    times = [f"{seen.after_start_s(each.opened_at):.2f} s" for each in arrived.connections]
    told = (
        f"{signal}: the first {_REFUSALS} connections were refused; connections at"
        f" {', '.join(times) or '(none)'}; {seen.describe_end()}"
    )
    if not arrived.connections:
        reason = f"{own(signal, 'ENDPOINT')} is not heeded, which OTLP-CFG-009 judges"
        return not_observed(rule, f"{reason}. {told}")
    control = control_of(lab)
    if any(each.is_accepted for each in arrived.of(signal)):
        return _where_nobody_listens(rule, lab, signal, f"the data arrived. {told}")
    if control.gap_s(signal) is None:
        return not_observed(rule, f"{told}\n{control.told(signal)}")
    lived_s = seen.ended_at - arrived.connections[0].opened_at - usual_rest_s(lab, signal)
    if control.at_once_s(signal) < lived_s < control.patience_s(signal):
        return not_observed(rule, f"it may have been shut down while it waited. {told}")
    if not _ends_at_once(lab, signal):
        return not_observed(rule, f"where nobody listens at all it waits. {told}")
    return broken(
        rule,
        f"the data never came, and where nobody listens at all it does not wait either. {told}"
        f"\n{control.told(signal)}",
    )


def _where_nobody_listens(rule: str, lab: ExporterLab, signal: Signal, told: str) -> Judged:
    """Connections that were closed at once were made again; are those that nobody takes, too?"""
    control = control_of(lab)
    if control.gap_s(signal) is not None and _ends_at_once(lab, signal):
        reason = "but where nobody listens at all it does not wait for another attempt"
        return broken(rule, f"{reason}. {told}\n{control.told(signal)}")
    return held(rule, told)


def _ends_at_once(lab: ExporterLab, signal: Signal) -> bool:
    """Whether the command takes no longer where nobody listens to a signal: it does not try again.

    The shorter one of two runs, against the shorter one of two without faults: a busy machine makes
    them longer. Looked at once for each signal.
    """

    def look() -> bool:
        url = f"http://127.0.0.1:{free_port()}{SIGNAL_NAMES[signal].http_path}"
        closed = {own(signal, "ENDPOINT"): url}
        took_s = min(run.result().duration_s for run in [lab.start(closed), lab.start(closed)])
        usual_s = min(lab.baseline.duration_s, observed_again(lab).duration_s)
        return took_s - usual_s <= control_of(lab).at_once_s(signal)

    return lab.shared(f"nobody listens to {signal}", look)


def _waits(lab: ExporterLab, signal: Signal, arrived: Arrived) -> Sequence[float]:
    """From one connection to the next, where it can only be a wait.

    A client's library makes some at once. After an export was given up the next batch comes as late
    as it does without faults: that is no wait, and has no jitter.
    """
    usual = _gaps(each.started_at for each in lab.baseline.of(signal))
    return [
        gap
        for gap in _gaps(each.opened_at for each in arrived.connections)
        if gap >= NO_WAIT_S
        and not any(abs(gap - each) <= _LIKE_USUAL * each + NO_WAIT_S for each in usual)
    ]


def _gaps(times: Iterable[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(sorted(times))]


def _judge_losses(lab: ExporterLab) -> Iterator[Judged]:
    runs = {what: _losing(lab, what) for what in _LOSSES}
    for what, run in runs.items():
        yield _recovered(lab, what, *run())


def _losing(lab: ExporterLab, what: str) -> Callable[[], tuple[Observation, Sequence[Injection]]]:
    """Start a run in which that is lost; call it for the run, and for what acted."""
    injections: list[Injection] = []

    def prepare(fake: FakeCollector) -> None:
        injections.extend(fake.inject(fault, times=times) for fault, times in _LOSSES[what])

    future = lab.start(prepare=prepare)
    return lambda: (future.result(), injections)


def _recovered(
    lab: ExporterLab, what: str, seen: Observation, injections: Sequence[Injection]
) -> Judged:
    """Whether all that is usually taken still is."""
    rule = "OTLP-GRPC-038"
    told = f"lost: {what}. {seen.describe()}\n{seen.describe_end()}"
    if not any(each.fired for each in injections):
        return not_observed(rule, f"nothing was lost, for the fault found nothing. {told}")
    if seen.has_timed_out or seen.has_crashed:
        return _fallen(rule, seen, told)
    missing = _missing(lab, seen)
    if not missing:
        return held(rule, f"all telemetry was taken. {told}")
    return _not_sent_again(lab, what, seen, missing, told)


def _not_sent_again(
    lab: ExporterLab, what: str, seen: Observation, missing: Mapping[Signal, str], told: str
) -> Judged:
    """Whether a client that misses some telemetry has dropped it; looks once more."""
    rule = "OTLP-GRPC-038"
    words = "; ".join(missing.values())
    control = control_of(lab)
    told = "\n".join([told, *(control.told(signal) for signal in missing)])
    again, _ = _losing(lab, what)()
    if any(control.gap_s(signal) is None for signal in missing) or not _missing(lab, again):
        return not_observed(rule, f"{words}. {told}")
    if not all(_is_gone(lab, each, seen, control.by_signal[each].seen) for each in missing):
        return not_observed(rule, f"{words}, and how much there is differs. {told}")
    at_once_s = max(control.at_once_s(signal) for signal in missing)
    if min(seen.duration_s, again.duration_s) - lab.baseline.duration_s > at_once_s:
        return not_observed(rule, f"its waits may have taken all its time. {told}")
    return broken(rule, f"in two runs: {words}. {told}")


def _missing(lab: ExporterLab, seen: Observation) -> Mapping[Signal, str]:
    """The signals of which less was taken than in the observing run, and how much, in words."""
    counts = {
        signal: (_taken(seen, signal), _taken(lab.baseline, signal)) for signal in lab.signals
    }
    return {
        signal: f"{taken} of {usual} items of the {signal} were taken"
        for signal, (taken, usual) in counts.items()
        if taken < usual
    }


def _taken(seen: Observation, signal: Signal) -> int:
    """How many items of a signal were taken, as far as the client could know."""
    return sum(
        len(items_of(each))
        for each in seen.of(signal)
        if each.is_accepted and (each.replied_at is not None or not each.connection.wire_fault)
    )


def _is_gone(lab: ExporterLab, signal: Signal, seen: Observation, control: Observation) -> bool:
    """Whether nothing of a signal was taken, or less than in each of three runs that are alike."""
    if _taken(seen, signal) == 0:
        return True
    whole = (lab.baseline, observed_again(lab), control)
    return len({_taken(each, signal) for each in whole}) == 1


def _fallen(rule: str, seen: Observation, told: str) -> Judged:
    """Of a command that crashed or had to be ended."""
    if not seen.has_timed_out:
        return broken(rule, f"the command crashed. {told}", harm="crash")
    if seen.has_hung:
        return broken(rule, f"the command never ended. {told}", harm="hang")
    return not_observed(rule, f"it started too late. {told}")


CASES: Final = (
    ExporterCase(
        id="losses/dropped",
        title="The server reads the request and drops the connection: sent again, after a pause",
        requirements=("OTLP-HTTP-036",),
        judge=_judge_dropped,
        protocols=HTTP_PROTOCOLS,
        expected_s=14.0,
        runs=6,
    ),
    ExporterCase(
        id="losses/refused",
        title="Connections are refused at first: tried again, after waits that differ",
        requirements=("OTLP-HTTP-034", "OTLP-HTTP-035"),
        judge=_judge_refused,
        protocols=HTTP_PROTOCOLS,
        expected_s=14.0,
        runs=_COLD_RUNS,
    ),
    ExporterCase(
        id="losses/lost",
        title="RST_STREAM, GOAWAY, resets: the client goes on with a new connection",
        requirements=("OTLP-GRPC-038",),
        judge=_judge_losses,
        protocols=("grpc",),
        expected_s=10.0,
        runs=len(_LOSSES),
    ),
)

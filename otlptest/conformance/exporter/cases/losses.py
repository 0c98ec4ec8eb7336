"""Connections that fail or are lost: before the reply, after it, and by GOAWAY."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCase, ExporterCases
from otlptest.conformance.exporter.cases.refused_connections import COLD_RUNS, judge_refused
from otlptest.conformance.exporter.lab import ExporterLab, observed_again
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import answered_at, items_of
from otlptest.conformance.exporter.retries.backoff_statistics import NO_WAIT_S
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    start_run,
    start_run_per_signal,
)
from otlptest.conformance.exporter.retries.retry_control import (
    condensed,
    control_of,
    judged_given_up,
    judged_retry,
    life_follows_exports,
)
from otlptest.faults import WireFault
from otlptest.faults.injection.injections import Injection
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_DROPS: Final = 3
_ONCE_MORE: Final = 2  # attempts
_SHORT_WAITS: Final = 3  # times what a request takes: the longest of some, on a busy machine
_REFUSALS: Final = 3
_LOOKS: Final = 4

# Losses and the faults that cause them, each with its number of times.
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


@CASES.add(
    "losses/dropped",
    "The server reads the request and drops the connection: sent again, after a pause",
    ("OTLP-HTTP-036",),
    protocols=HTTP_PROTOCOLS,
    expected_s=14.0,
    runs=6,
)
def _judge_dropped(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a server that reads a request whole and then closes (FIN) or resets (RST)."""
    closed = start_run_per_signal(lab, *(faults.ack_lost(),) * _DROPS)
    reset = start_run_per_signal(lab, faults.ack_lost(ending="reset"))
    yield from condensed(_retried_with_pauses(lab, each) for each in closed())
    yield from condensed(_retried_after_reset(lab, each) for each in reset())


def _retried_with_pauses(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Return whether it is sent again, and not each time at once."""
    rule = "OTLP-HTTP-036"
    gaps = each.faulted_gaps_s
    if not (gaps and each.is_hit) or max(gaps) >= _SHORT_WAITS * NO_WAIT_S:
        return judged_retry(rule, lab, each)
    told = f"sent again {len(gaps)} times without any pause. {each.told}"
    if len(gaps) < _DROPS and max(gaps) < NO_WAIT_S:
        return _judged_final(lab, each)
    if max(gaps) < NO_WAIT_S:
        (again,) = start_run(lab, {each.signal: each.faults})()
        if len(again.faulted_gaps_s) >= _DROPS and max(again.faulted_gaps_s) < NO_WAIT_S:
            return failed(rule, f"{told}\nthe same in a second run: {again.told}")
    return inconclusive(rule, "its pauses are too short to measure", exchanges=told)


def _judged_final(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge a loss that was resent at once, as HTTP libraries do, and then not again."""
    runs = [each]

    def look() -> tuple[Observation, float | None]:
        one = runs.pop() if runs else start_run(lab, {each.signal: each.faults})()[0]
        is_final = bool(one.attempts) and len(one.faulted_gaps_s) < _DROPS
        is_final = is_final and max(one.faulted_gaps_s, default=0.0) < NO_WAIT_S
        return one.seen, answered_at(one.attempts[-1]) if is_final else None

    times = f"{len(each.attempts) - 1} times" if len(each.attempts) > _ONCE_MORE else "once"
    told = f"sent again {times}, without any pause; the loss after that was final"
    return judged_given_up("OTLP-HTTP-036", lab, each.signal, look, f"{told}. {each.told}")


def _retried_after_reset(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge resends at once, which may be the HTTP library's, by several losses in a row."""
    rule = "OTLP-HTTP-036"
    if each.is_retried and each.most_gaps_s[0] < NO_WAIT_S:
        return inconclusive(rule, "sent again at once, without a pause", exchanges=each.told)
    return judged_retry(rule, lab, each)


@CASES.add(
    "losses/lost",
    "RST_STREAM, GOAWAY, resets: the client goes on with a new connection",
    ("OTLP-GRPC-038",),
    protocols=("grpc",),
    expected_s=10.0,
    runs=len(_LOSSES),
)
def _judge_losses(lab: ExporterLab) -> Iterator[CheckResult]:
    runs = {what: _losing(lab, what) for what in _LOSSES}
    for what, run in runs.items():
        yield _recovered(lab, what, *run())


def _losing(lab: ExporterLab, what: str) -> Callable[[], tuple[Observation, Sequence[Injection]]]:
    """Start a run with that loss; call the result for the run and the injections."""
    injections: list[Injection] = []

    def prepare(fake: FakeCollector) -> None:
        injections.extend(fake.inject(fault, times=times) for fault, times in _LOSSES[what])

    future = lab.start(prepare=prepare)
    return lambda: (future.result(), injections)


def _recovered(
    lab: ExporterLab, what: str, seen: Observation, injections: Sequence[Injection]
) -> CheckResult:
    """Return whether all that is usually taken still is."""
    rule = "OTLP-GRPC-038"
    told = f"lost: {what}. {seen.describe()}\n{seen.describe_end()}"
    if not any(each.fired for each in injections):
        return inconclusive(rule, "nothing was lost, for the fault found nothing", exchanges=told)
    if seen.has_timed_out or seen.has_crashed:
        return _fallen(rule, seen, told)
    missing = _missing(lab, seen)
    if not missing:
        return passed(rule, "all telemetry was taken", exchanges=told)
    return _not_sent_again(lab, what, seen, missing, told)


def _not_sent_again(
    lab: ExporterLab, what: str, seen: Observation, missing: Mapping[Signal, str], told: str
) -> CheckResult:
    """Return whether a client that misses telemetry has dropped it, by one more run."""
    rule = "OTLP-GRPC-038"
    words = "; ".join(missing.values())
    control = control_of(lab)
    told = "\n".join([told, *(control.told(signal) for signal in missing)])
    again, _ = _losing(lab, what)()
    if any(control.gap_s(signal) is None for signal in missing) or not _missing(lab, again):
        return inconclusive(rule, words, exchanges=told)
    if not all(_is_gone(lab, each, seen, control.by_signal[each].seen) for each in missing):
        return inconclusive(rule, f"{words}, and how much there is differs", exchanges=told)
    at_once_s = max(control.at_once_s(signal) for signal in missing)
    if not all(life_follows_exports(lab, signal) for signal in missing):
        return inconclusive(
            rule, f"{words}; its length does not follow its exports", exchanges=told
        )
    if not _goes_on_at_once(lab, what, (seen, again), at_once_s):
        return inconclusive(rule, "its waits may have taken all its time", exchanges=told)
    return failed(rule, f"in two runs: {words}", exchanges=told)


def _goes_on_at_once(
    lab: ExporterLab, what: str, lost: Sequence[Observation], at_once_s: float
) -> bool:
    """Return whether the client waits for nothing after a loss, by the quickest runs.

    A busy machine makes runs longer, so several runs are compared.
    """
    lost_s = list(map(_connected_s, lost))
    usual_s = [_connected_s(lab.baseline)]
    for _ in range(_LOOKS):
        lost_s.append(_connected_s(_losing(lab, what)()[0]))
        usual_s.append(_connected_s(lab.run()))
        if min(lost_s) - min(usual_s) <= at_once_s:
            return True
    return False


def _connected_s(seen: Observation) -> float:
    """Return how long the command ran after its first connection, without its start."""
    return min(
        (seen.ended_at - each.opened_at for each in seen.connections[:1]), default=seen.duration_s
    )


def _missing(lab: ExporterLab, seen: Observation) -> Mapping[Signal, str]:
    """Return the signals of which less was taken than in the observing run, with the loss."""
    counts = {
        signal: (_taken(seen, signal), _taken(lab.baseline, signal)) for signal in lab.signals
    }
    return {
        signal: f"{taken} of {usual} items of the {signal} were taken"
        for signal, (taken, usual) in counts.items()
        if taken < usual
    }


def _taken(seen: Observation, signal: Signal) -> int:
    """Return how many items of a signal were accepted, as far as the client could know."""
    return sum(
        len(items_of(each))
        for each in seen.of(signal)
        if each.is_accepted and (each.replied_at is not None or not each.connection.wire_fault)
    )


def _is_gone(lab: ExporterLab, signal: Signal, seen: Observation, control: Observation) -> bool:
    """Return whether all of a signal is lost, or more than in each of three equal runs."""
    if _taken(seen, signal) == 0:
        return True
    whole = (lab.baseline, observed_again(lab), control)
    return len({_taken(each, signal) for each in whole}) == 1


def _fallen(rule: str, seen: Observation, told: str) -> CheckResult:
    """Judge a command that crashed or had to be ended."""
    if not seen.has_timed_out:
        return failed(rule, "the command crashed", exchanges=told, harm="crash")
    if seen.has_hung:
        return failed(rule, "the command never ended", exchanges=told, harm="hang")
    return inconclusive(rule, "it started too late", exchanges=told)


CASES.append(
    ExporterCase(
        id="losses/refused",
        title="Connections are refused at first: tried again, after waits that differ",
        requirements=("OTLP-HTTP-034", "OTLP-HTTP-035"),
        judge=judge_refused,
        protocols=HTTP_PROTOCOLS,
        expected_s=14.0,
        runs=COLD_RUNS,
    )
)

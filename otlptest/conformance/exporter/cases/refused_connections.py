"""Refused connections: the client tries again, after waits that differ.

A fake closes each connection as soon as it is made, and so sees every attempt. Where nothing
listens no attempt can be seen. So the fake takes the first attempt and closes its port, and another
fake opens the port later: after the second attempt, before the third one of the run before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.exporter.readings import endpoint_at, signal_env_var
from otlptest.conformance.exporter.retries.backoff_statistics import (
    NO_WAIT_S,
    agreed,
    failures_in_a_row,
    judged_jitter,
    measured_noise,
)
from otlptest.conformance.exporter.retries.retry_control import (
    condensed,
    control_of,
    judged_given_up,
)
from otlptest.errors import PortTakenError
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.timing import SYSTEM_CLOCK, Deadline

COLD_RUNS: Final = 9
_RULE: Final = "OTLP-HTTP-034"
_LIKE_USUAL: Final = 0.1  # of the time between two batches: the noise of the machine
_LOOKS: Final = 3
_FEWEST_WAITS: Final = 2  # of a client that has not come yet when the port is open again
_POLLED_S: Final = 0.01
_LATE: Final = 0.75  # of the second wait: after the second attempt, before the third


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """A run in which the first connections of one signal were closed at once.

    Attributes:
        signal: The signal.
        refusals: The number of refused connections.
        seen: The run.
        arrived: What the signal's own fake received.
        waits_s: From one connection to the next, if it can only be a wait.
        attempts_at: When it came, each time after such a wait.
    """

    signal: Signal
    refusals: int
    seen: Observation
    arrived: Arrived
    waits_s: tuple[float, ...]
    attempts_at: tuple[float, ...]

    @property
    def told(self) -> str:
        """Return the run as evidence."""
        opened = (self.seen.after_start_s(each.opened_at) for each in self.arrived.connections)
        times = ", ".join(f"{at:.2f} s" for at in opened)
        return (
            f"{self.signal}: the first {self.refusals} connections were refused; connections at"
            f" {times or '(none)'}; {self.seen.describe_end()}"
        )


def judge_refused(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a client whose port is closed at first, several times over."""
    runs, noise_s = _cold_runs(lab)
    yield from condensed(_connected_again(lab, each) for each in runs)
    yield _with_jitter(lab, runs, noise_s)


def _with_jitter(lab: ExporterLab, runs: Sequence[_Refused], noise_s: float) -> CheckResult:
    rule = "OTLP-HTTP-035"
    found = judged_jitter(rule, [each.waits_s for each in runs if each.waits_s], noise_s)
    if found.outcome != "failed":
        return found
    runs, noise_s = _cold_runs(lab)
    again = judged_jitter(rule, [each.waits_s for each in runs if each.waits_s], noise_s)
    return agreed(found, again)


def _cold_runs(lab: ExporterLab) -> tuple[list[_Refused], float]:
    """Return some runs, the signals in turn, and the noise of the machine meanwhile."""
    signals = [lab.signals[turn % len(lab.signals)] for turn in range(COLD_RUNS)]
    refusals = failures_in_a_row(control_of(lab).shortest_gap_s)
    with ExitStack() as stack, measured_noise() as noise_s:
        others = [stack.enter_context(lab.collector()) for _ in signals]
        for other in others:
            other.inject(faults.refuse(), times=refusals)
        runs = [
            lab.start(_own_endpoint(signal, other))
            for signal, other in zip(signals, others, strict=True)
        ]
        seen = [run.result() for run in runs]
        arrived = [lab.arrived(other) for other in others]
        found = zip(signals, seen, arrived, strict=True)
        return [_refused(lab, refusals, *each) for each in found], noise_s()


def _own_endpoint(signal: Signal, other: FakeCollector) -> Mapping[str, str]:
    return {signal_env_var(signal, "ENDPOINT"): endpoint_at(other, signal, "http/protobuf")}


def _refused(
    lab: ExporterLab, refusals: int, signal: Signal, seen: Observation, arrived: Arrived
) -> _Refused:
    """Return a run with its waits.

    A client's library makes some connections at once. After an export was given up the next batch
    comes as late as it does without faults: that is not a wait, and has no jitter.
    """
    usual = _gaps(each.started_at for each in lab.baseline.of(signal))
    opened = sorted(each.opened_at for each in arrived.connections)
    waited = [
        (later - earlier, later)
        for earlier, later in pairwise(opened)
        if later - earlier >= NO_WAIT_S
        and not any(abs(later - earlier - each) <= _LIKE_USUAL * each + NO_WAIT_S for each in usual)
    ]
    return _Refused(
        signal=signal,
        refusals=refusals,
        seen=seen,
        arrived=arrived,
        waits_s=tuple(wait for wait, _ in waited),
        attempts_at=(*opened[:1], *(at for _, at in waited)),
    )


def _gaps(times: Iterable[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(sorted(times))]


def _connected_again(lab: ExporterLab, each: _Refused) -> CheckResult:
    """Judge whether the client tried again, by the connections that it made."""
    if not each.arrived.connections:
        name = signal_env_var(each.signal, "ENDPOINT")
        return inconclusive(
            _RULE, f"{name} is not heeded, which OTLP-CFG-009 judges", exchanges=each.told
        )
    if each.waits_s:
        return _where_nobody_listens(lab, each)
    if any(one.is_accepted for one in each.arrived.of(each.signal)):
        reason = "connections were made at once, or for another batch: no wait is seen between them"
        return inconclusive(_RULE, reason, exchanges=each.told)
    return _gave_up(lab, each)


def _gave_up(lab: ExporterLab, each: _Refused) -> CheckResult:
    """Judge a client that made one attempt, and none after a wait."""
    runs = [each]

    def look() -> tuple[Observation, float | None]:
        one = runs.pop() if runs else _one_run(lab, each)
        opened = [each.opened_at for each in one.arrived.connections]
        came = any(request.is_accepted for request in one.arrived.of(one.signal))
        return one.seen, None if one.waits_s or came or not opened else max(opened)

    told = f"it did not try to connect again. {each.told}"
    return lab.shared(
        f"{each.signal} refused once",
        lambda: judged_given_up(_RULE, lab, each.signal, look, told),
    )


def _one_run(lab: ExporterLab, like: _Refused) -> _Refused:
    with lab.collector() as other:
        other.inject(faults.refuse(), times=like.refusals)
        seen = lab.run(_own_endpoint(like.signal, other))
        return _refused(lab, like.refusals, like.signal, seen, lab.arrived(other))


def _where_nobody_listens(lab: ExporterLab, each: _Refused) -> CheckResult:
    """Return whether the client also retries where nothing listens, not only after a close.

    Checked once for each signal.
    """
    waits = ", ".join(f"{wait:.2f} s" for wait in each.waits_s)
    told = f"it tried again, after waits of {waits}. {each.told}"
    if len(each.waits_s) < _FEWEST_WAITS:
        return passed(_RULE, told)
    is_deaf = lab.shared(
        f"nobody listens to {each.signal}",
        lambda: all(_comes_late(lab, each) is False for _ in range(_LOOKS)),
    )
    if is_deaf:
        reason = (
            "it does not try again where nobody listens: of a port that was closed for its second"
            f" attempt and open for the later ones, none came in {_LOOKS} runs"
        )
        return failed(_RULE, f"{reason}. But {told}")
    return passed(_RULE, told)


def _comes_late(lab: ExporterLab, like: _Refused) -> bool | None:
    """Return whether the client comes to a port that was closed for its second attempt.

    None if unknown: it made no first attempt, or the port was taken meanwhile.
    """
    first, second, third = like.attempts_at[:3]
    closed_s = second - first + _LATE * (third - second)
    with lab.collector() as other:
        port = other.http_port
        other.inject(faults.refuse(), times=like.refusals)
        run = lab.start(_own_endpoint(like.signal, other))
        while not (came := other.source.arrivals().connections) and not run.done():
            Deadline(_POLLED_S).pause(_POLLED_S)
    if not came:
        run.result()
        return None
    left_s = max(0.0, came[0].opened_at + closed_s - SYSTEM_CLOCK.monotonic())
    Deadline(left_s).pause(left_s)
    try:
        with lab.collector(http_port=port) as later:
            run.result()
            return bool(lab.arrived(later).connections)
    except PortTakenError:
        run.result()
        return None

"""Nothing to send, since nothing happens or nothing is sampled: no request is sent."""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.command_lab import TIMERS
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.retries.delivery_attempts import replying_always
from otlptest.conformance.exporter.shared_runs import NOTHING_SAMPLED, unsampled_run
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_RULE: Final = "OTLP-RESP-008"
_INTERVAL_S: Final = 0.05
_OFTEN: Final = MappingProxyType(dict.fromkeys(TIMERS, f"{_INTERVAL_S * 1000:.0f}"))
_HELD_UP_S: Final = 1.0
_IDLE_INTERVALS: Final = 3


@CASES.add(
    "success/idle_intervals",
    "Intervals in which nothing happens: no request without items",
    ("OTLP-RESP-008",),
    expected_s=4.0,
    runs=2,
)
def _judge_idle(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge runs with short intervals and slow answers, so that intervals pass without data."""
    slow = faults.delay(_HELD_UP_S)
    seen = lab.run(_OFTEN, prepare=replying_always(slow, signals=lab.signals))
    for signal in lab.signals:
        yield _sends_empty(lab.baseline, signal) or _judged(seen, signal)
    unsampled = _sends_empty(unsampled_run(lab), "traces") if "traces" in lab.signals else None
    if unsampled is not None:
        yield replace(unsampled, received=f"{NOTHING_SAMPLED}; {unsampled.received}")


def _sends_empty(seen: Observation, signal: Signal) -> CheckResult | None:
    """Fail if an otherwise valid request carries nothing."""
    empty = [each for each in seen.of(signal) if each.problem is None and not items_of(each)]
    if not empty:
        return None
    return failed(_RULE, f"{len(empty)} requests carry no {signal}: {seen.describe(empty)}")


def _judged(seen: Observation, signal: Signal) -> CheckResult:
    requests = [each for each in seen.of(signal) if each.problem is None]
    told = f"intervals of {_INTERVAL_S:g} s. {seen.describe(requests)}\n{seen.describe_end()}"
    found = _sends_empty(seen, signal)
    if found is not None:
        return found
    if not requests:
        return inconclusive(_RULE, f"no {signal} came", exchanges=told)
    first = min(each.started_at for each in seen.requests)
    if seen.ended_at - first < _IDLE_INTERVALS * _INTERVAL_S:
        return inconclusive(_RULE, f"it was not up for {_IDLE_INTERVALS} intervals", exchanges=told)
    return passed(_RULE, told)

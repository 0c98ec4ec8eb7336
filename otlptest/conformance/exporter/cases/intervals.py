"""Intervals of metric exports, for commands that live long enough."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.readings import format_env, is_set_up_by_environment
from otlptest.model import NumberPoint, Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"
_INTERVAL_MS: Final = 1000
# Between exports, on average: on a busy machine one is late, and the next comes early.
_SHORTEST_S: Final = 0.5
_LONGEST_S: Final = 2.0
# A series may start before its reader exists.
_TOO_LONG_S: Final = 10.0
_FEWEST: Final = 3
_NANOS: Final = 1_000_000_000


@CASES.add(
    "intervals/metrics",
    "OTEL_METRIC_EXPORT_INTERVAL",
    ("OTLP-CFG-067",),
    signals=("metrics",),
)
def _judge(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-CFG-067"
    seen = lab.run({_INTERVAL: str(_INTERVAL_MS)})
    gaps = _gaps(seen)
    count = len(seen.payloads("metrics"))
    what = f"{format_env(seen, [_INTERVAL])}; {count} exports, {_listed(gaps)} s apart"
    longest = silence_s(seen)
    if longest > _TOO_LONG_S and is_set_up_by_environment(lab):
        yield failed(rule, f"{what}; for {longest:.1f} s there was none")
    elif longest > _TOO_LONG_S:
        reason = "the program sets its exporters up in code, and may set their interval there"
        yield inconclusive(rule, f"{what}; for {longest:.1f} s there was none: {reason}")
    elif count < _FEWEST:
        yield inconclusive(rule, f"{what}; it lived too short for more; {seen.describe_end()}")
    elif not _is_as_told(gaps):
        yield inconclusive(rule, f"{what}; something else may flush, or several readers be at work")
    elif _is_as_told(_gaps(lab.baseline)):
        usual = f"without the variable {_listed(_gaps(lab.baseline))} s"
        yield inconclusive(rule, f"{what}, and {usual}: nothing shows that the variable is read")
    else:
        yield passed(rule, what)


def _is_as_told(gaps: Sequence[float]) -> bool:
    """Return whether exports come each second; the last one is the flush at the end."""
    return len(gaps) > 1 and _SHORTEST_S <= fmean(gaps[:-1]) <= _LONGEST_S


def _gaps(seen: Observation) -> list[float]:
    times = [payload.attempts[0].started_at for payload in seen.payloads("metrics")]
    return [later - earlier for earlier, later in pairwise(times)]


def silence_s(seen: Observation) -> float:
    """Return the longest time without an export of metrics, from the start of the oldest series.

    0 if no series came that had started before.
    """
    requests = [payload.attempts[0] for payload in seen.payloads("metrics")]
    starts = [start for each in requests for start in _starts(each)]
    if not starts:
        return 0.0
    first = requests[0]
    lived_s = (first.received_unix_nano - min(starts)) / _NANOS
    times = [each.received_at for each in requests]
    between = [later - earlier for earlier, later in pairwise(times)]
    # An interval longer than the command's life did not start in this process.
    return max([lived_s if lived_s <= seen.duration_s else 0.0, *between])


def _starts(request: Request) -> list[int]:
    points = [item for item in items_of(request) if isinstance(item, NumberPoint)]
    return [each.start_time_unix_nano for each in points if each.start_time_unix_nano]


def _listed(gaps: list[float]) -> str:
    return ", ".join(f"{gap:.1f}" for gap in gaps) or "0"

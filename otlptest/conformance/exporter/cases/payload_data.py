"""The data rules of sections 6 to 10, on all that the command emits (`otlptest.validation`).

Metrics are judged from two more runs, in which they are collected every 100 ms and exports are
slow, so that rules about successive points have occasions; in one of them an SDK sends deltas and
exponential histograms. Each run is validated by itself: two runs are two
processes, whose series are unrelated.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from otlptest.conformance.case import ExporterCase, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.readings import own_requests
from otlptest.conformance.exporter.shared_runs import delta_run, slow_run
from otlptest.errors import Finding
from otlptest.model import SIGNALS, AggregationTemporality, Request, Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.validation import (
    DATA_RULES,
    Occasion,
    count_occasions,
    occasion_of,
    severity_of,
    validate_requests,
)

CASES: Final = ExporterCases()


_FINDINGS_SHOWN: Final = 3
_SAME_START: Final = "OTLP-METRIC-020"
_REQUEST: Final = re.compile(r"^request [0-9]+,? ?")
_STEPS: Final = 2  # of a start; a later one is not a reset


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """The findings about data rules in several runs.

    Attributes:
        findings: By rule.
        counts: The number of times that each occasion came.
        taken: The number of requests that were checked.
        refused: The number of requests that cannot be checked.
    """

    findings: dict[str, list[Finding]]
    counts: Counter[Occasion]
    taken: int
    refused: int


def _judge_baseline(lab: ExporterLab, rules: Iterable[str]) -> Iterator[CheckResult]:
    return _judged(rules, _data_of(lab, [lab.baseline]))


def _judge_metrics(lab: ExporterLab) -> Iterator[CheckResult]:
    runs = [lab.baseline, slow_run(lab), delta_run(lab)]
    yield from _judged(_METRICS, _data_of(lab, runs))
    for run in runs:
        moving = _moving_starts(_own(lab, run))
        if moving:
            told = ", ".join(sorted(moving)[:_FINDINGS_SHOWN])
            yield failed(_SAME_START, f"each export says that they begin anew: {told}")


def _moving_starts(requests: Iterable[Request]) -> set[str]:
    """Return cumulative series whose start moves on with each of at least three exports.

    An occasional reset is valid, and looks like one of these steps; a reset with every export is
    not.
    """
    series: dict[tuple[str, str, str], dict[int, int]] = {}
    for request in requests:
        for item in items_of(request):
            metric = item.metric
            if metric.temporality == AggregationTemporality.CUMULATIVE:
                pairs = sorted((key, repr(value)) for key, value in item.attributes.items())
                name = (metric.name, metric.scope.name, repr(pairs))
                points = series.setdefault(name, {})
                points[item.time_unix_nano] = item.start_time_unix_nano
    return {f"{name!r}" for (name, *_), points in series.items() if _moves(points)}


def _moves(points: Mapping[int, int]) -> bool:
    """Return whether each point begins where the one before ended, or later."""
    in_order = sorted(points.items())
    steps = [
        (start, time, later) for (time, start), (_, later) in pairwise(in_order) if start and later
    ]
    return len(steps) >= _STEPS and all(start < time <= later for start, time, later in steps)


def _data_of(lab: ExporterLab, runs: Iterable[Observation]) -> _Data:
    """Validate what came in the lab's protocol and signals, each run by itself."""
    findings: dict[str, list[Finding]] = {}
    counts: Counter[Occasion] = Counter()
    taken = refused = 0
    for run in runs:
        good = _own(lab, run)
        taken, refused = taken + len(good), refused + _refused(lab, run)
        counts.update(count_occasions(good))
        for finding in validate_requests(good):
            findings.setdefault(finding.rule, []).append(finding)
    return _Data(findings=findings, counts=counts, taken=taken, refused=refused)


def _own(lab: ExporterLab, run: Observation) -> tuple[Request, ...]:
    return tuple(each for each in own_requests(lab, run) if each.is_accepted)


def _refused(lab: ExporterLab, run: Observation) -> int:
    return sum(not each.is_accepted and each.signal in lab.signals for each in run.requests)


def _judged(rules: Iterable[str], data: _Data) -> Iterator[CheckResult]:
    return (_judged_rule(rule, data) for rule in rules)


def _judged_rule(rule: str, data: _Data) -> CheckResult:
    """Fail if the rule is broken, pass if it had occasions; else inconclusive."""
    expected = DATA_RULES[rule].expected
    found = data.findings.get(rule, [])
    # A finding weaker than its rule is about odd data that is valid by the letter.
    accusing = [each for each in found if each.severity == severity_of(rule)]
    if accusing:
        return failed(rule, "\n".join([f"expected {expected}", *_told(accusing)]))
    occasion = occasion_of(rule)
    count = data.counts[occasion]
    if not count:
        refused = f"; {data.refused} more could not be read" if data.refused else ""
        reason = f"no {occasion.value} came in {data.taken} requests{refused}"
        return inconclusive(rule, reason)
    looked = f"looked at in {data.taken} requests: {occasion.value}, {count} times"
    return passed(rule, "\n".join([f"expected {expected}; {looked}", *_told(found)]))


def _told(findings: list[Finding]) -> list[str]:
    """Return a line for each of the first findings; one for those that differ only by request."""
    lines = [f"{each.where}: {each.received}" for each in findings]
    alike: dict[str, list[str]] = {}
    for line in lines:
        alike.setdefault(_REQUEST.sub("", line), []).append(line)
    return [
        first if not more else f"{first} (and in {len(more)} more requests)"
        for first, *more in list(alike.values())[:_FINDINGS_SHOWN]
    ]


def _rules(group: str) -> tuple[str, ...]:
    return tuple(rule for rule in DATA_RULES if rule.startswith(f"OTLP-{group}-"))


def _case(
    name: str, title: str, rules: tuple[str, ...], signals: tuple[Signal, ...]
) -> ExporterCase:
    """Return a case that judges rules from the observing run alone."""
    return ExporterCase(
        id=f"data/{name}",
        title=title,
        requirements=rules,
        judge=lambda lab: _judge_baseline(lab, rules),
        signals=signals,
        expected_s=0.0,
        runs=0,
    )


_OUTSIDE_PROFILES: Final = "OTLP-PROF-034"  # binds the exporters of all other signals
_METRICS: Final = _rules("METRIC")
_PROFILES: Final = tuple(rule for rule in _rules("PROF") if rule != _OUTSIDE_PROFILES)

CASES.append(_case("traces", "Spans, events, links: the data rules", _rules("TRACE"), ("traces",)))
CASES.append(
    ExporterCase(
        id="data/metrics",
        title="Metrics, points, exemplars: the data rules",
        requirements=_METRICS,
        judge=_judge_metrics,
        signals=("metrics",),
        runs=2,
    )
)
CASES.append(_case("logs", "Log records: the data rules", _rules("LOG"), ("logs",)))
CASES.append(_case("profiles", "Profiles: the data rules", _PROFILES, ("profiles",)))
CASES.append(
    _case(
        "common",
        "Resources, scopes, attributes: the data rules",
        (*_rules("COMMON"), _OUTSIDE_PROFILES),
        SIGNALS,
    )
)

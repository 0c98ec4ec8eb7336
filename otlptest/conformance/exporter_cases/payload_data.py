"""The data rules of sections 6 to 10, on all that the command emits (`otlptest.validation`).

Metrics are judged from a second run, too, in which they are collected every 100 ms, so that rules
about successive points have something to look at. Each run is validated by itself: two runs are
two processes, whose series have nothing to do with each other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.observations import Observation
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.errors import Finding
from otlptest.model import SIGNALS, Request, Signal
from otlptest.validation import (
    DATA_RULES,
    Occasion,
    count_occasions,
    occasion_of,
    severity_of,
    validate_requests,
)

__all__ = ["CASES"]

_QUICK_METRICS: Final = {"OTEL_METRIC_EXPORT_INTERVAL": "100"}
_FINDINGS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What several runs showed about data rules.

    Attributes:
        findings: By rule.
        counts: How often each occasion came.
        taken: How many requests were looked at.
        refused: How many came that cannot be looked at.
    """

    findings: dict[str, list[Finding]]
    counts: Counter[Occasion]
    taken: int
    refused: int


def _judge_baseline(lab: ExporterLab, rules: Iterable[str]) -> Iterator[Judged]:
    return _judged(rules, _data_of(lab, [lab.baseline]))


def _judge_metrics(lab: ExporterLab) -> Iterator[Judged]:
    # With spans, too: exemplars come from sampled ones.
    quick = lab.run(_QUICK_METRICS, signals=("traces", "metrics"))
    return _judged(_METRICS, _data_of(lab, [lab.baseline, quick]))


def _data_of(lab: ExporterLab, runs: Iterable[Observation]) -> _Data:
    """Validate what came in the lab's protocol and signals, each run by itself."""
    findings: dict[str, list[Finding]] = {}
    counts: Counter[Occasion] = Counter()
    taken = refused = 0
    for run in runs:
        own = [each for each in run.requests if each.signal in lab.signals]
        good = [each for each in own if each.is_accepted and each.protocol == lab.protocol]
        taken, refused = taken + len(good), refused + _refused(own)
        counts.update(count_occasions(good))
        for finding in validate_requests(good):
            findings.setdefault(finding.rule, []).append(finding)
    return _Data(findings=findings, counts=counts, taken=taken, refused=refused)


def _refused(requests: Iterable[Request]) -> int:
    return sum(not each.is_accepted for each in requests)


def _judged(rules: Iterable[str], data: _Data) -> Iterator[Judged]:
    return (_judged_rule(rule, data) for rule in rules)


def _judged_rule(rule: str, data: _Data) -> Judged:
    """Broken, or kept wherever it could have been broken; else nothing was seen of it."""
    expected = DATA_RULES[rule].expected
    found = data.findings.get(rule, [])
    # A finding weaker than its rule is about what is odd, and right by the letter.
    accusing = [each for each in found if each.severity == severity_of(rule)]
    if accusing:
        return broken(rule, "\n".join([f"expected {expected}", *_told(accusing)]))
    occasion = occasion_of(rule)
    count = data.counts[occasion]
    if not count:
        refused = f"; {data.refused} more could not be read" if data.refused else ""
        reason = f"no {occasion.value} came in {data.taken} requests{refused}"
        return not_observed(rule, reason)
    looked = f"looked at in {data.taken} requests: {occasion.value}, {count} times"
    return held(rule, "\n".join([f"expected {expected}; {looked}", *_told(found)]))


def _told(findings: list[Finding]) -> list[str]:
    return [f"{each.where}: {each.received}" for each in findings[:_FINDINGS_SHOWN]]


def _rules(group: str) -> tuple[str, ...]:
    return tuple(rule for rule in DATA_RULES if rule.startswith(f"OTLP-{group}-"))


def _case(
    name: str, title: str, rules: tuple[str, ...], signals: tuple[Signal, ...]
) -> ExporterCase:
    """A case that judges rules from the observing run alone."""
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

CASES: Final = (
    _case("traces", "Spans, events, links: the data rules", _rules("TRACE"), ("traces",)),
    ExporterCase(
        id="data/metrics",
        title="Metrics, points, exemplars: the data rules",
        requirements=_METRICS,
        judge=_judge_metrics,
        signals=("metrics",),
    ),
    _case("logs", "Log records: the data rules", _rules("LOG"), ("logs",)),
    _case("profiles", "Profiles: the data rules", _PROFILES, ("profiles",)),
    _case(
        "common",
        "Resources, scopes, attributes: the data rules",
        (*_rules("COMMON"), _OUTSIDE_PROFILES),
        SIGNALS,
    ),
)

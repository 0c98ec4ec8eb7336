"""Exports when nothing is sampled.

No requirement says that OTEL_TRACES_SAMPLER must be read: spans that still come fail the command
only if their own flags say that they are not sampled.
"""

from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.readings import output_tail
from otlptest.conformance.exporter.shared_runs import NOTHING_SAMPLED, unsampled_run
from otlptest.model import Span
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_SAMPLED: Final = 1
_SPANS: Final = "OTLP-TRACE-035"
_EXEMPLARS: Final = "OTLP-METRIC-052"


@CASES.add(
    "data/sampling",
    "A sampler that takes nothing: no span is exported, and no exemplar",
    (_SPANS, _EXEMPLARS),
    signals=("traces",),
)
def _judge(lab: ExporterLab) -> Iterator[CheckResult]:
    seen = unsampled_run(lab)
    before, after = _spans(lab, lab.baseline), _spans(lab, seen)
    # Some SDKs never set the flag: its absence means nothing then.
    sets_flag = bool(before) and all(span.flags & _SAMPLED for span in before)
    unsampled = [span.name for span in after if not span.flags & _SAMPLED]
    if unsampled and sets_flag:
        yield failed(
            _SPANS, f"{NOTHING_SAMPLED}; exported without the sampled flag: {unsampled[0]!r}"
        )
    elif after or not before:
        yield inconclusive(
            _SPANS, f"{NOTHING_SAMPLED}; {len(after)} spans came; it need not be read"
        )
    elif not seen.ended_well:
        yield inconclusive(_SPANS, f"{NOTHING_SAMPLED}; {output_tail(seen)}")
    else:
        yield passed(_SPANS, f"{NOTHING_SAMPLED}; no span came, and {len(before)} without it")
        yield _exemplars(lab, seen)


def _exemplars(lab: ExporterLab, seen: Observation) -> CheckResult:
    """Judge exemplars of unsampled spans; code may ask for them, so they never fail."""
    points = _points(lab, seen)
    before, after = sum(_points(lab, lab.baseline)), sum(points)
    told = f"{NOTHING_SAMPLED}; {after} exemplars of {len(points)} points, {before} without it"
    if before and points and not after:
        return passed(_EXEMPLARS, told)
    return inconclusive(_EXEMPLARS, told)


def _spans(lab: ExporterLab, seen: Observation) -> list[Span]:
    return [
        item
        for request in seen.of("traces")
        if request.is_accepted and request.protocol == lab.protocol
        for item in items_of(request)
    ]


def _points(lab: ExporterLab, seen: Observation) -> list[int]:
    """Return the number of exemplars of each data point."""
    return [
        len(getattr(item, "exemplars", ()))
        for request in seen.of("metrics")
        if request.is_accepted and request.protocol == lab.protocol
        for item in items_of(request)
    ]

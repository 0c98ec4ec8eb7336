"""Data rules that a run shows and a payload alone does not: ids of two runs, flags, "now".

Rules for SDKs are judged only on telemetry of an SDK, whose resource has `telemetry.sdk.name`.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.conformance.exporter.shared_runs import delta_run
from otlptest.model import LogRecord, MetricType, Request, Span
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed

CASES: Final = ExporterCases()


_SDK_NAME: Final = "telemetry.sdk.name"
_SAMPLED: Final = 1
_NANOS: Final = 1_000_000_000
_CLOCK_SLACK_NANO: Final = 1_000_000_000
_SHOWN: Final = 3
_HISTOGRAMS: Final = frozenset({MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM})
_NO_SDK: Final = f"no item says that an SDK made it: no resource has {_SDK_NAME}"


@CASES.add(
    "data/trace_ids",
    "Ids of two runs: none comes again",
    ("OTLP-TRACE-008",),
    signals=("traces",),
)
def _judge_ids(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that root spans of two runs share no id; resends of a span do not count."""
    first = _starts_by_id(lab.baseline)
    second = _starts_by_id(lab.run(signals=("traces",)))
    told = f"{len(first)} ids of root spans in one run, {len(second)} in the next"
    shared = sorted(set(first) & set(second))
    again = [each for each in shared if first[each] != second[each]]
    if again:
        yield failed("OTLP-TRACE-008", f"{told}; in both: {', '.join(again[:_SHOWN])}")
    elif shared:
        reason = f"{told}; the same spans came in both, with their times: they are replayed"
        yield inconclusive("OTLP-TRACE-008", reason)
    elif not (first and second):
        yield inconclusive("OTLP-TRACE-008", told)
    else:
        yield passed("OTLP-TRACE-008", f"{told}; none of them twice")


def _starts_by_id(seen: Observation) -> dict[str, int]:
    """Return trace and span ids of root spans, each with the start of its span.

    Ids of zeros are left out; another case judges them.
    """
    found: dict[str, int] = {}
    for span in _spans(seen.of("traces")):
        if span.parent_span_id:
            continue
        for kind, one in (("trace_id", span.trace_id), ("span_id", span.span_id)):
            if one.strip("0"):
                found[f"{kind} {one}"] = span.start_time_unix_nano
    return found


@CASES.add(
    "data/trace_flags",
    "Flags of an SDK's spans: the sampled bit",
    ("OTLP-TRACE-029",),
    signals=("traces",),
    expected_s=0.0,
    runs=0,
)
def _judge_flags(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that set flags have the sampled bit: only sampled spans are exported.

    The field is optional, and 0 means that it is not set.
    """
    rule = "OTLP-TRACE-029"
    spans = [span for span in _spans(lab.baseline.of("traces")) if _SDK_NAME in span.resource]
    flagged = [span for span in spans if span.flags]
    wrong = [span for span in flagged if not span.flags & _SAMPLED]
    if not spans:
        yield inconclusive(rule, _NO_SDK)
    elif not flagged:
        reason = "the flags of no span are set, and the field is optional"
        yield inconclusive(rule, f"{reason}: {len(spans)} exported spans have 0")
    elif wrong:
        shown = ", ".join(f"{each.name!r} has {each.flags:#x}" for each in wrong[:_SHOWN])
        told = f"{len(wrong)} of {len(spans)} exported spans: {shown}"
        yield failed(rule, "expected flags with bit 0 (sampled)", exchanges=told)
    else:
        unset = len(spans) - len(flagged)
        others = f"; {unset} more have none" if unset else ""
        told = f"all {len(flagged)} exported spans with flags have bit 0 (sampled) set{others}"
        yield passed(rule, told)


@CASES.add(
    "data/observed_time",
    "Observed times of an SDK's log records: now",
    ("OTLP-LOG-010",),
    signals=("logs",),
    expected_s=0.0,
    runs=0,
)
def _judge_observed_time(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that times are "now": within the run; another one may be the caller's."""
    rule = "OTLP-LOG-010"
    within = others = 0
    for request in lab.baseline.of("logs"):
        first, last = _wall_times(lab.baseline, request)
        for record in _records([request]):
            if not record.observed_time_unix_nano:
                yield failed(rule, f"a record with the body {record.body!r} has none")
                return
            is_now = first <= record.observed_time_unix_nano <= last
            within, others = within + is_now, others + (not is_now)
    if not within + others:
        yield inconclusive(rule, _NO_SDK)
    elif others:
        told = f"{others} of {within + others} records were observed at another time than now"
        yield inconclusive(rule, f"{told}, which the caller may have given")
    else:
        yield passed(rule, f"{within} records, all observed while the command ran")


def _wall_times(seen: Observation, request: Request) -> tuple[int, int]:
    """Return the start of the command and the request's arrival, nanoseconds since 1970."""
    took_nano = int((request.received_at - seen.started_at) * _NANOS)
    last = request.received_unix_nano + _CLOCK_SLACK_NANO
    return request.received_unix_nano - took_nano - _CLOCK_SLACK_NANO, last


def _spans(requests: Iterable[Request]) -> Iterator[Span]:
    return (item for each in requests for item in items_of(each) if isinstance(item, Span))


def _records(requests: Iterable[Request]) -> Iterator[LogRecord]:
    items = (item for each in requests for item in items_of(each))
    return (item for item in items if isinstance(item, LogRecord) and _SDK_NAME in item.resource)


@CASES.add(
    "data/histogram_aggregation",
    "Histograms are exponential where the variable asks for it",
    ("OTLP-CFG-063",),
    signals=("metrics",),
)
def _judge_histograms(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that histograms are exponential if the variable asks for it, and not otherwise."""
    rule = "OTLP-CFG-063"
    usual, asked = _kinds(lab.baseline), _kinds(delta_run(lab))
    told = f"without the variable: {_listed(usual)}; with it: {_listed(asked)}"
    if not usual & _HISTOGRAMS:
        yield inconclusive(rule, "no histogram came", exchanges=told)
    elif MetricType.EXPONENTIAL_HISTOGRAM in asked - usual:
        yield passed(rule, told)
    else:
        yield not_applicable(rule, told)


def _kinds(seen: Observation) -> frozenset[MetricType]:
    return frozenset(
        item.metric.type for request in seen.of("metrics") for item in items_of(request)
    )


def _listed(kinds: frozenset[MetricType]) -> str:
    return ", ".join(sorted(each.name.lower() for each in kinds)) or "nothing"

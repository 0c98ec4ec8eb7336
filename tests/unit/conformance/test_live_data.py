"""Data rules that a run shows, and its payloads alone do not: ids, flags, "now"."""

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from otlptest.model import Request
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import attribute, log_request, metric_request, trace_request
from tests.support.validated import accepted


def outcome(name: str, rule: str, *runs: Observation) -> str:
    """What a case finds about a rule; the first run is the baseline."""
    (case,) = find_cases(exporter_cases.CASES, [name])
    return judged(case, RecordedLab(*runs))[f"OTLP-{rule}"].outcome


def of_an_sdk(*requests: Request) -> Observation:
    return observed(requests, started_at=100.0)


def trace(*, start: int = 0, is_sdk: bool = True, flags: int = 0x101, sends: int = 1) -> Request:
    message = trace_request()
    holder = message.resource_spans[0]
    if is_sdk:
        holder.resource.attributes.append(attribute("telemetry.sdk.name", "opentelemetry"))
    for span in holder.scope_spans[0].spans:
        span.start_time_unix_nano += start
        span.flags = flags
        span.trace_id = bytes([sends]) * 16
        span.span_id = bytes([sends, len(span.parent_span_id)]) * 4
    return accepted("traces", message)


def metric(*, has_exemplars: bool) -> Request:
    message = metric_request()
    for each in message.resource_metrics[0].scope_metrics[0].metrics:
        for point in getattr(each, str(each.WhichOneof("data"))).data_points:
            if not has_exemplars and hasattr(point, "exemplars"):
                del point.exemplars[:]
    return accepted("metrics", message)


def log(observed_at: int, *, is_sdk: bool = True) -> Request:
    message = log_request()
    holder = message.resource_logs[0]
    if is_sdk:
        holder.resource.attributes.append(attribute("telemetry.sdk.name", "opentelemetry"))
    for record in holder.scope_logs[0].log_records:
        record.observed_time_unix_nano = observed_at
    made = accepted("logs", message)
    made.received_at, made.received_unix_nano = 101.0, 1_000_000_000_000
    return made


@pytest.mark.parametrize(
    ("name", "rule", "runs", "expected"),
    [
        pytest.param(
            "data/trace_ids", "TRACE-008", [trace(), trace(sends=2)], "passed", id="other ids"
        ),
        pytest.param(
            "data/trace_ids", "TRACE-008", [trace(), trace(start=5)], "failed", id="the same ids"
        ),
        pytest.param(
            "data/trace_ids", "TRACE-008", [trace(), trace()], "inconclusive", id="a replay"
        ),
        pytest.param(
            "data/trace_ids",
            "TRACE-008",
            [trace(sends=0), trace(sends=0, start=5)],
            "inconclusive",
            id="zeros, which are no ids",
        ),
        pytest.param("data/sampling", "TRACE-035", [trace(), log(5)], "passed", id="none"),
        pytest.param("data/sampling", "TRACE-035", [trace(), trace()], "inconclusive", id="unread"),
        pytest.param(
            "data/sampling", "TRACE-035", [trace(), trace(flags=0x100)], "failed", id="unsampled"
        ),
        pytest.param(
            "data/sampling",
            "TRACE-035",
            [trace(flags=0x100), trace(flags=0x100)],
            "inconclusive",
            id="flags that are never set",
        ),
        pytest.param("data/trace_flags", "TRACE-029", [trace()], "passed", id="sampled"),
        pytest.param(
            "data/trace_flags", "TRACE-029", [trace(flags=0x100)], "failed", id="not sampled"
        ),
        pytest.param(
            "data/trace_flags", "TRACE-029", [trace(flags=0)], "inconclusive", id="no flags at all"
        ),
        pytest.param(
            "data/trace_flags",
            "TRACE-029",
            [trace(flags=0x100, is_sdk=False)],
            "inconclusive",
            id="flags of no SDK",
        ),
        pytest.param(
            "data/observed_time", "LOG-010", [log(999_500_000_000)], "passed", id="observed now"
        ),
        pytest.param(
            "data/observed_time", "LOG-010", [log(5)], "inconclusive", id="observed some time"
        ),
        pytest.param("data/observed_time", "LOG-010", [log(0)], "failed", id="never observed"),
        pytest.param(
            "data/observed_time",
            "LOG-010",
            [log(0, is_sdk=False)],
            "inconclusive",
            id="not observed by an SDK",
        ),
    ],
)
def test_what_a_run_adds_to_its_payloads(
    name: str, rule: str, runs: list[Request], expected: str
) -> None:
    assert outcome(name, rule, *map(of_an_sdk, runs)) == expected


def test_flags_that_are_not_set_are_told_and_accuse_nobody() -> None:
    (case,) = find_cases(exporter_cases.CASES, ["data/trace_flags"])
    unset = judged(case, RecordedLab(of_an_sdk(trace(flags=0))))["OTLP-TRACE-029"]
    assert unset.evidence == (
        "the flags of no span are set, and the field is optional: 2 exported spans have 0"
    )
    some = judged(case, RecordedLab(of_an_sdk(trace(), trace(flags=0))))["OTLP-TRACE-029"]
    assert (some.outcome, some.evidence) == (
        "passed",
        "all 2 exported spans with flags have bit 0 (sampled) set; 2 more have none",
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(True, False, "passed", id="gone with the spans"),
        pytest.param(True, True, "inconclusive", id="asked for in code, maybe"),
        pytest.param(False, False, "inconclusive", id="never there"),
    ],
)
def test_exemplars_of_what_is_not_sampled(*, before: bool, after: bool, expected: str) -> None:
    runs = of_an_sdk(trace(), metric(has_exemplars=before)), of_an_sdk(metric(has_exemplars=after))
    assert outcome("data/sampling", "METRIC-052", *runs) == expected


def test_a_command_that_fails_without_spans_shows_nothing() -> None:
    runs = of_an_sdk(trace()), observed(exit_code=1)
    assert outcome("data/sampling", "TRACE-035", *runs) == "inconclusive"

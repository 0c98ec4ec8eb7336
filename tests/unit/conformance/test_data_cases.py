"""Every planted fault of data is found by the case of its section, and what is legal by none."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.model import Problem, Signal
from otlptest.results import CheckResult
from otlptest.validation import severity_of
from tests.planted.planting import Plant
from tests.planted.test_data_rules import PLANTS, planted
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_profiles import profile_request
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import accepted

DATA = {case.id: case for case in exporter_cases.CASES if case.id.startswith("data/")}
BY_VALIDATION = ("data/traces", "data/metrics", "data/logs", "data/profiles", "data/common")
RIGHT: Mapping[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
    "profiles": profile_request,
}


def found_in(signal: Signal, messages: list[Any]) -> dict[str, CheckResult]:
    """What the cases of data say of a run in which these messages came."""
    requests = [accepted(signal, message, number=n) for n, message in enumerate(messages, start=1)]
    found: dict[str, CheckResult] = {}
    for name in BY_VALIDATION:
        case = DATA[name]
        if signal in case.signals:
            found |= judged(case, RecordedLab(observed(requests), signals=(signal,)))
    return found


def broken_in(signal: Signal, messages: list[Any]) -> set[str]:
    found = found_in(signal, messages)
    return {rule for rule, each in found.items() if each.outcome == "failed"}


@pytest.mark.parametrize(
    "plant", [each for each in PLANTS if each.rule], ids=lambda plant: plant.test_id
)
def test_a_planted_fault_is_found_and_no_other(plant: Plant) -> None:
    expected = {plant.rule, *plant.also}
    if is_odd(plant):
        expected = set()
    assert broken_in(plant.signal, planted(plant)) == expected


def is_odd(plant: Plant) -> bool:
    return plant.rule == "OTLP-METRIC-027" and "infinite" in plant.name


@pytest.mark.parametrize(
    "plant", [each for each in PLANTS if not each.rule], ids=lambda plant: plant.test_id
)
def test_what_only_looks_like_a_fault_is_not_accused(plant: Plant) -> None:
    assert broken_in(plant.signal, planted(plant)) == set()


def test_what_is_odd_and_right_is_told() -> None:
    (plant,) = (each for each in PLANTS if is_odd(each))
    found = found_in("metrics", planted(plant))["OTLP-METRIC-027"]
    assert severity_of("OTLP-METRIC-027") == "error"
    assert found.outcome == "passed"
    assert "inf" in found.evidence


def test_what_is_wrong_in_each_run_alike_is_told_once() -> None:
    message = metric_request()
    for metric in message.resource_metrics[0].scope_metrics[0].metrics:
        if metric.WhichOneof("data") == "gauge":
            metric.gauge.data_points[0].ClearField("as_double")
            metric.gauge.data_points[0].ClearField("as_int")
    seen = observed([accepted("metrics", message)])
    found = judged(DATA["data/metrics"], RecordedLab(seen, signals=("metrics",)))
    evidence = found["OTLP-METRIC-013"].evidence.splitlines()
    assert len(evidence) == 2, evidence
    assert evidence[1].endswith("value: neither of them (and in 2 more requests)")


@pytest.mark.parametrize("signal", RIGHT, ids=str)
def test_what_did_not_come_was_not_observed(signal: Signal) -> None:
    found = found_in(signal, [type(RIGHT[signal]())()])
    assert {each.outcome for each in found.values()} == {"inconclusive"}
    assert all(each.evidence.startswith("no ") for each in found.values())


def test_what_was_refused_is_counted_and_shows_nothing() -> None:
    request = accepted("traces", trace_request())
    request.problem = Problem(kind="malformed", rule="OTLP-HTTP-008", message="bad")
    found = judged(DATA["data/traces"], RecordedLab(observed([request])))
    assert found["OTLP-TRACE-001"].outcome == "inconclusive"
    assert found["OTLP-TRACE-001"].evidence.endswith("1 more could not be read")


def test_points_of_two_runs_are_not_successive() -> None:
    """Two processes may say anything about a series of one name."""
    first = [accepted("metrics", metric_request(export=2))]
    second = [accepted("metrics", metric_request(export=1))]
    found = judged(DATA["data/metrics"], RecordedLab(observed(first), observed(second)))
    assert {each.outcome for each in found.values()} == {"passed", "inconclusive"}
    assert found["OTLP-METRIC-019"].outcome == "inconclusive"


def test_several_exports_of_one_run_show_the_rules_about_series() -> None:
    requests = [
        accepted("metrics", metric_request(export=number), number=number) for number in (1, 2, 3)
    ]
    found = judged(DATA["data/metrics"], RecordedLab(observed(requests)))
    held = {rule for rule, each in found.items() if each.outcome == "passed"}
    assert {f"OTLP-METRIC-{number:03}" for number in (5, 19, 20, 21, 46)} <= held


def kinds_alone(*kinds: str) -> Any:  # noqa: ANN401 -- a generated class
    """A request with the metrics of these kinds."""
    message = metric_request()
    (scope_entry,) = message.resource_metrics[0].scope_metrics
    kept = [metric for metric in scope_entry.metrics if metric.WhichOneof("data") in kinds]
    del scope_entry.metrics[:]
    scope_entry.metrics.extend(kept)
    return message


@pytest.mark.parametrize(
    ("usual", "asked", "outcome"),
    [
        pytest.param(("histogram",), ("exponential_histogram",), "passed", id="they change"),
        pytest.param(("histogram",), ("histogram",), "not_applicable", id="they stay as they were"),
        pytest.param(
            ("exponential_histogram",),
            ("exponential_histogram",),
            "not_applicable",
            id="they are so anyway",
        ),
        pytest.param(("sum",), ("sum",), "inconclusive", id="there are none"),
    ],
)
def test_the_form_of_histograms(
    usual: tuple[str, ...], asked: tuple[str, ...], outcome: str
) -> None:
    (case,) = find_cases(exporter_cases.CASES, ["data/histogram_aggregation"])
    before, after = (
        observed([accepted("metrics", kinds_alone(*kinds))]) for kinds in (usual, asked)
    )
    found = judged(case, RecordedLab(before, after, signals=("metrics",)))
    assert found["OTLP-CFG-063"].outcome == outcome


def test_faults_of_deltas_alone_are_found_in_the_run_that_asks_for_them() -> None:
    right, wrong = metric_request(), metric_request()
    for metric in wrong.resource_metrics[0].scope_metrics[0].metrics:
        if metric.WhichOneof("data") == "exponential_histogram":
            metric.exponential_histogram.data_points[0].count += 1
    plain, deltas = (observed([accepted("metrics", each)]) for each in (right, wrong))
    found = judged(DATA["data/metrics"], RecordedLab(plain, plain, deltas, signals=("metrics",)))
    assert {rule for rule, each in found.items() if each.outcome == "failed"} == {"OTLP-METRIC-035"}

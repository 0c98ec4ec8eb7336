"""Every data rule takes requests that are right and finds the fault that it is for."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from otlptest.model import SIGNALS, Signal
from otlptest.requirements import all_requirements
from otlptest.validation import DATA_RULES, severity_of, unchecked_reasons
from tests.planted.common_faults import COMMON_PLANTS
from tests.planted.log_faults import LOG_PLANTS
from tests.planted.metric_faults import METRIC_PLANTS
from tests.planted.planting import Plant
from tests.planted.profile_faults import PROFILE_PLANTS
from tests.planted.series_faults import SERIES_PLANTS
from tests.planted.span_faults import SPAN_PLANTS
from tests.support.right_profiles import profile_request
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import findings_of, rules_of

PLANTS = (
    *SPAN_PLANTS,
    *METRIC_PLANTS,
    *SERIES_PLANTS,
    *LOG_PLANTS,
    *PROFILE_PLANTS,
    *COMMON_PLANTS,
)
RIGHT: Mapping[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
    "profiles": profile_request,
}
DATA_SECTIONS = range(6, 11)


def planted(plant: Plant) -> list[Any]:
    requests = [RIGHT[plant.signal]()]
    plant.change(requests)
    return requests


@pytest.mark.parametrize("signal", SIGNALS)
def test_requests_that_are_right_break_no_rule(signal: Signal) -> None:
    assert findings_of(signal, [RIGHT[signal]()]) == ()


@pytest.mark.parametrize("plant", [p for p in PLANTS if p.rule], ids=lambda plant: plant.test_id)
def test_planted_fault_breaks_exactly_its_rule(plant: Plant) -> None:
    assert rules_of(plant.signal, planted(plant)) == {plant.rule, *plant.also}


@pytest.mark.parametrize(
    "plant", [p for p in PLANTS if not p.rule], ids=lambda plant: plant.test_id
)
def test_what_only_looks_like_a_fault_is_not_accused(plant: Plant) -> None:
    assert findings_of(plant.signal, planted(plant)) == ()


def test_finding_about_a_log_record_names_its_event_or_text() -> None:
    message = log_request()
    message.resource_logs[0].scope_logs[0].log_records.add()
    for record in message.resource_logs[0].scope_logs[0].log_records:
        record.observed_time_unix_nano = 0
    (finding,) = findings_of("logs", [message])
    assert finding.where == (
        "request 1, service 'shop', log record 1 'payment.declined': observed_time_unix_nano; "
        "request 1, service 'shop', log record 2 'started': observed_time_unix_nano; "
        "request 1, service 'shop', log record 3: observed_time_unix_nano"
    )


def test_every_data_rule_has_a_planted_fault() -> None:
    assert set(DATA_RULES) - {plant.rule for plant in PLANTS} == set()


def test_no_two_plants_have_the_same_name() -> None:
    names = [plant.test_id for plant in PLANTS]
    assert sorted(names) == sorted(set(names))


def test_every_data_requirement_is_checked_or_has_a_reason_why_not() -> None:
    wanted = {
        rule.id
        for rule in all_requirements()
        if rule.section in DATA_SECTIONS and "data" in rule.binds
    }
    checked, unchecked = set(DATA_RULES), set(unchecked_reasons())
    assert checked & unchecked == set()
    assert unchecked <= wanted
    assert wanted - checked - unchecked == set()
    assert checked - wanted == {"OTLP-PROF-034"}  # binds exporters, and any payload shows it


@pytest.mark.parametrize("rule", sorted(unchecked_reasons()))
def test_reason_why_a_rule_is_not_checked_is_a_sentence(rule: str) -> None:
    assert unchecked_reasons()[rule].strip().endswith(".")


@pytest.mark.parametrize(
    ("rule", "severity"),
    [
        pytest.param("OTLP-TRACE-001", "error", id="a MUST"),
        pytest.param("OTLP-TRACE-009", "warning", id="a SHOULD"),
        pytest.param("OTLP-PROF-008", "warning", id="a MUST in Development"),
        pytest.param("OTLP-LOG-009", "warning", id="a MUST that the sources disagree on"),
        pytest.param("OTLP-GRPC-014", "warning", id="a MUST that is new"),
    ],
)
def test_severity_follows_the_requirement(rule: str, severity: str) -> None:
    assert severity_of(rule) == severity


def test_only_invalid_ids_fail_a_test_that_is_not_strict() -> None:
    assert {rule.id for rule in DATA_RULES.values() if rule.fails_test} == {
        "OTLP-LOG-015",
        "OTLP-METRIC-049",
        "OTLP-TRACE-001",
        "OTLP-TRACE-002",
        "OTLP-TRACE-003",
        "OTLP-TRACE-004",
        "OTLP-TRACE-005",
        "OTLP-TRACE-021",
    }
    assert all(severity_of(rule.id) == "error" for rule in DATA_RULES.values() if rule.fails_test)

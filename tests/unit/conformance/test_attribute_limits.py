"""Attribute limits: what differs by itself, or is not limited at all, accuses nobody."""

from collections.abc import Mapping
from typing import Any

import pytest

from otlptest.conformance.case import find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from otlptest.model import Request
from otlptest.results import CheckResult
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import attribute, log_request, metric_request, trace_request
from tests.support.validated import accepted

SHORT = "abcd"


def trace(*, dropped: int = 0, name: str = "work", **values: Any) -> Request:  # noqa: ANN401 -- any attribute value
    """One span with these attributes."""
    message = trace_request()
    (scope,) = message.resource_spans[0].scope_spans
    del scope.spans[1:]
    (span,) = scope.spans
    span.name = name
    span.dropped_attributes_count = dropped
    del span.attributes[:]
    span.attributes.extend(attribute(key, value) for key, value in values.items())
    return accepted("traces", message)


def log(*, body: str, **values: Any) -> Request:  # noqa: ANN401 -- as above
    message = log_request()
    (scope,) = message.resource_logs[0].scope_logs
    del scope.log_records[1:]
    (record,) = scope.log_records
    record.body.string_value = body
    del record.attributes[:]
    record.attributes.extend(attribute(key, value) for key, value in values.items())
    return accepted("logs", message)


def metric(**values: Any) -> Request:  # noqa: ANN401 -- as above
    message = metric_request()
    (scope,) = message.resource_metrics[0].scope_metrics
    del scope.metrics[1:]
    (point,) = scope.metrics[0].gauge.data_points
    point.attributes.extend(attribute(key, value) for key, value in values.items())
    return accepted("metrics", message)


def found(name: str, *runs: list[Request]) -> Mapping[str, CheckResult]:
    (case,) = find_cases(exporter_cases.CASES, [f"attribute_limits/{name}"])
    observations: list[Observation] = [observed(run) for run in runs]
    return judged(case, RecordedLab(*observations))


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        pytest.param({"a": "abcdef"}, {"a": SHORT}, "passed", id="cut"),
        pytest.param({"a": "abcdef"}, {"a": "abcdef"}, "inconclusive", id="not read"),
        pytest.param({"a": "abcdef"}, {"a": "xyz"}, "inconclusive", id="another value"),
        pytest.param(
            {"a": "abcdef", "b": "123456"}, {"a": "xyz", "b": "999999"}, "inconclusive",
            id="other values, one of them short",
        ),
        pytest.param(
            {"a": "abcdef", "b": "123456"}, {"a": SHORT, "b": "999999"}, "failed",
            id="one cut and one not",
        ),
        pytest.param({"a": "abcdef", "b": 12}, {"a": SHORT, "b": "12"}, "failed", id="a number"),
        pytest.param(
            {"a": "abcdef", "b": 12}, {"a": SHORT, "b": 13}, "passed", id="another number"
        ),
        pytest.param(
            {"a": "abcdef", "b": ["abcdef", 5]}, {"a": SHORT, "b": ["abcdef", 5]}, "failed",
            id="a list",
        ),
        pytest.param(
            {"a": "abcdef", "b": {"c": "abcdef"}}, {"a": SHORT, "b": {"c": SHORT}}, "passed",
            id="a map",
        ),
        pytest.param(
            {"a": "abcdef", "b": "\U0001f600" * 5}, {"a": SHORT, "b": "\U0001f600" * 2}, "passed",
            id="characters that some count twice",
        ),
        pytest.param(
            {"a": "abcdef", "b": "größer"}, {"a": SHORT, "b": "grö"}, "failed", id="cut by bytes"
        ),
    ],
)  # fmt: skip
def test_lengths_of_values(before: dict[str, Any], after: dict[str, Any], outcome: str) -> None:
    assert found("lengths", [trace(**before)], [trace(**after)])["OTLP-COMMON-027"].outcome == (
        outcome
    )


def test_a_span_of_another_name_is_not_compared() -> None:
    runs = [trace(a="abcdef")], [trace(a=SHORT, name="other")]
    assert found("lengths", *runs)["OTLP-COMMON-027"].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        pytest.param(("abcdef", "ghijkl"), ("ghij", SHORT), "passed", id="in another order"),
        pytest.param(("abcdef", "abcdef"), (SHORT, "abcdef"), "failed", id="one not cut"),
        pytest.param(("abcdef", 7), (SHORT, "ghijkl"), "inconclusive", id="of two types"),
        pytest.param(("élanvital", "abcdef"), ("é", SHORT), "inconclusive", id="not ASCII"),
        pytest.param(("größer",) * 2, ("grö",) * 2, "failed", id="each cut by bytes"),
    ],
)
def test_spans_of_one_name_are_compared_if_they_are_alike(
    before: tuple[Any, ...], after: tuple[Any, ...], outcome: str
) -> None:
    runs = [[trace(a=each, b="a whole text") for each in before]]
    runs += [[trace(a=each, b="a wh") for each in after]]
    assert found("lengths", *runs)["OTLP-COMMON-027"].outcome == outcome


def test_attributes_of_spans_of_one_name_are_counted_if_they_are_alike() -> None:
    full = [trace(a=1, b=2, c=3), trace(a=4, b=5, c=6)]
    unlike = [trace(a=1, b=2, c=3), trace(a=4, b=5)]
    limited = [trace(a=1, dropped=2), trace(a=1, dropped=1)]
    counted = found("counts", full, full, [trace(a=1, dropped=2)] * 2)
    assert counted["OTLP-TRACE-039"].outcome == "passed"
    miscounted = found("counts", full, full, [trace(a=1, dropped=1)] * 2)
    assert miscounted["OTLP-TRACE-039"].outcome == "failed"
    assert found("counts", unlike, unlike, limited)["OTLP-TRACE-039"].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param("a long body", "passed", id="whole"),
        pytest.param("a lo", "failed", id="cut"),
        pytest.param("something else", "inconclusive", id="another"),
    ],
)
def test_bodies_of_log_records(body: str, outcome: str) -> None:
    other, cut = log(body="x", key="abcdef"), log(body="x", key=SHORT)
    judged_bodies = found("lengths", [log(body="a long body"), other], [log(body=body), cut])
    assert judged_bodies["OTLP-LOG-026"].outcome == outcome


def test_a_value_that_begins_like_another_was_not_cut() -> None:
    before = [trace(a="abcdef"), metric(state="user"), metric(state="users")]
    after = [trace(a=SHORT), metric(state="user"), metric(state="users")]
    assert found("lengths", before, after)["OTLP-METRIC-059"].outcome == "passed"


@pytest.mark.parametrize(
    ("after", "rule", "outcome"),
    [
        pytest.param(trace(a=1, dropped=2), "TRACE-039", "passed", id="exact"),
        pytest.param(trace(a=1, dropped=1), "TRACE-039", "failed", id="too few"),
        pytest.param(trace(a=1, dropped=5), "TRACE-039", "inconclusive", id="set again in vain"),
        pytest.param(trace(a=1, b=2, c=3), "TRACE-039", "inconclusive", id="not read"),
        pytest.param(trace(a=1, b=2, dropped=1), "COMMON-028", "failed", id="one too many"),
        pytest.param(trace(dropped=3), "COMMON-028", "failed", id="all dropped"),
        pytest.param(trace(a=1, b=2, c=3), "COMMON-028", "inconclusive", id="limit not read"),
    ],
)
def test_numbers_of_attributes(after: Request, rule: str, outcome: str) -> None:
    full = [trace(a=1, b=2, c=3)]
    assert found("counts", full, full, [after])[f"OTLP-{rule}"].outcome == outcome


def test_a_number_that_changes_by_itself_is_not_compared() -> None:
    runs = [trace(a=1, b=2)], [trace(a=1, b=2, c=3)], [trace(a=1)]
    assert found("counts", *runs)["OTLP-TRACE-039"].outcome == "inconclusive"


@pytest.mark.parametrize(
    ("both", "alone", "outcome"),
    [
        pytest.param(trace(a=1, b=2), trace(), "passed", id="the own limit wins"),
        pytest.param(trace(a=1), trace(a=1, b=2), "failed", id="the general limit wins"),
        pytest.param(trace(a=1), trace(a=1, b=2, c=3), "inconclusive", id="no own limit"),
    ],
)
def test_the_own_limit_beats_the_general_one(both: Request, alone: Request, outcome: str) -> None:
    full, limited = [trace(a=1, b=2, c=3)], [trace(a=1, dropped=2)]
    runs = full, full, limited, [both], [alone]
    assert found("counts", *runs)["OTLP-COMMON-030"].outcome == outcome


def test_a_metric_that_came_only_once_is_not_missed() -> None:
    full = [trace(a=1, b=2, c=3), metric(zone="a", host="b")]
    limited = [trace(a=1, dropped=2)]
    assert found("counts", full, full, limited)["OTLP-METRIC-059"].outcome == "inconclusive"

"""The JSON of verdicts and items: valid, ASCII, with the model's own names."""

import json
from dataclasses import replace

import pytest

from otlptest.errors import Finding
from otlptest.model import (
    Attributes,
    Connection,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Problem,
    Profile,
    Resource,
    Span,
    SpanKind,
)
from otlptest.report import item_record, json_text, verdict_record
from otlptest.report.json_shapes import plain_value

ERROR = Finding(rule="r", where="w", expected="e", received="g", hint="h")
WARNING = replace(ERROR, severity="warning")


@pytest.mark.parametrize(
    ("findings", "is_ok"),
    [((), True), ((WARNING,), True), ((WARNING, ERROR), False)],
    ids=["none", "warning", "error"],
)
def test_a_verdict_is_ok_unless_an_error_is_among_its_findings(
    findings: tuple[Finding, ...], is_ok: object
) -> None:
    record = verdict_record(findings, requests=3)
    assert (record["ok"], record["requests"]) == (is_ok, 3)
    assert len(record["findings"]) == len(findings)


def test_a_finding_has_exactly_the_documented_fields() -> None:
    assert verdict_record([ERROR])["findings"] == [
        {
            "rule": "r",
            "severity": "error",
            "where": "w",
            "expected": "e",
            "received": "g",
            "closest": "",
            "hint": "h",
        }
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(b"\x00\xff", "AP8=", id="bytes"),
        pytest.param(float("nan"), "NaN", id="nan"),
        pytest.param(float("-inf"), "-Infinity", id="minus-infinity"),
        pytest.param(float("inf"), "Infinity", id="infinity"),
        pytest.param(1.5, 1.5, id="float"),
        pytest.param(True, True, id="bool"),
        pytest.param(SpanKind.SERVER, "SERVER", id="enum-by-name"),
        pytest.param(MetricType.SUM, "sum", id="enum-by-value"),
        pytest.param(Attributes({"a": [1, {"b": None}]}), {"a": [1, {"b": None}]}, id="nested"),
        pytest.param(2 + 1j, "(2+1j)", id="anything-else"),
    ],
)
def test_values_become_what_json_has(value: object, shown: object) -> None:
    assert plain_value(value) == shown


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        pytest.param(Span(trace_id="a", span_id="b"), "span", id="span"),
        pytest.param(LogRecord(body="ü"), "log", id="log"),
        pytest.param(Profile(), "profile", id="profile"),
        pytest.param(
            NumberPoint(metric=MetricIdentity(resource=Resource({"service.name": "shop"}))),
            "metric",
            id="metric",
        ),
        pytest.param(Problem(kind="malformed", rule="r", message="m"), "problem", id="problem"),
    ],
)
def test_every_item_is_one_line_of_ascii_json(
    item: Span | LogRecord | Profile | NumberPoint | Problem, kind: str
) -> None:
    text = json_text(item_record(item))
    assert text.isascii()
    assert "\n" not in text
    record = json.loads(text)
    assert record["type"] == kind
    assert "request" not in record
    assert "connection" not in record


def test_a_span_has_its_duration_and_service() -> None:
    span = Span(
        trace_id="a",
        span_id="b",
        end_time_unix_nano=2_000_000,
        resource=Resource({"service.name": "shop"}),
    )
    record = item_record(span)
    assert (record["service"], record["duration_ms"]) == ("shop", 2.0)
    assert record["resource"] == {"service.name": "shop"}


def test_a_span_without_an_end_has_the_duration_null() -> None:
    record = item_record(Span(trace_id="a", span_id="b", start_time_unix_nano=5))
    assert record["duration_ms"] is None
    assert '"duration_ms": null' in json_text(record)


def test_a_problem_names_the_port_it_came_to() -> None:
    connection = Connection(number=1, endpoint="grpc", port=4317)
    problem = Problem(kind="wrong_path", rule="r", message="m", connection=connection)
    assert item_record(problem)["endpoint"] == "grpc"

"""Faults of JSON, found in the text as it was sent."""

import zlib
from collections.abc import Mapping

import pytest

from otlptest.conformance.case import ExporterCase, find_cases
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.exporter.observation import Observation
from otlptest.errors import WireError
from otlptest.model import Problem, Request, Signal
from otlptest.results import CheckResult
from otlptest.wire.otlp.otlp_json import decode_request, encode_message
from otlptest.wire.otlp.signals import request_class
from tests.subjects.exporters.emitted import requests_of
from tests.subjects.exporters.json_faults import JSON_FAULTS
from tests.support.recorded_lab import RecordedLab, judged, observed
from tests.support.right_requests import attribute, trace_request
from tests.support.validated import accepted

SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")

# The rules that each fault breaks, of those that the case judges.
BROKEN: Mapping[str, str] = {
    "JSON: trace_id in base64": "003",
    "JSON: span_id in base64": "004",
    "JSON: parent_span_id in base64": "005",
    "JSON: enums as names": "008 009",
    "JSON: enums as fractions": "008",
    "JSON: keys in snake_case": "012",
    "JSON: integers as numbers": "016",
    "JSON: times as numbers": "016",
    "JSON: flags as text": "021",
    "JSON: times in RFC 3339": "023",
    "JSON: doubles as text": "024",
    "JSON: bare NaN": "024",
    "JSON: bytes in hex": "026",
    "JSON: no zero of a oneof": "030",
    "JSON: values under another key": "",
    "JSON: no values of points": "",
    "JSON: no zero of a minimum": "031",
    "JSON: an array": "012",
    "JSON: attributes as an object": "012",
    "JSON: bare attribute values": "012",
    "JSON: a count below 0": "016",
    "JSON: flags out of range": "021",
    "JSON: an unknown key": "",
}


def case(name: str) -> ExporterCase:
    (found,) = find_cases(exporter_cases.CASES, [name])
    return found


def sent(signal: Signal, text: bytes, *, problem: Problem | None = None) -> Request:
    request = accepted(signal, request_class(signal)())
    request.protocol = "http/json"
    request.packed_json = zlib.compress(text)
    request.problem = problem
    return request


def texts() -> dict[Signal, bytes]:
    """The texts of the right exporter."""
    return {
        signal: encode_message(request_class(signal).FromString(requests_of(signal, b"")[0]))
        for signal in SIGNALS
    }


def run_of(texts: Mapping[Signal, bytes]) -> Observation:
    requests = [
        sent(signal, text, problem=problem_of(signal, text)) for signal, text in texts.items()
    ]
    return observed(requests, protocol="http/json")


def problem_of(signal: Signal, text: bytes) -> Problem | None:
    """Why a receiver refuses a text."""
    try:
        decode_request(signal, text)
    except WireError as refused:
        return Problem(
            kind="malformed", rule=refused.rule, message=refused.problem, place=refused.place
        )
    return None


def found_in(texts: Mapping[Signal, bytes]) -> dict[str, CheckResult]:
    return judged(case("json/encoding"), RecordedLab(run_of(texts)))


def test_right_texts_hold_every_rule() -> None:
    assert {each.outcome for each in found_in(texts()).values()} == {"passed"}


@pytest.mark.parametrize("fault", BROKEN, ids=str)
def test_a_fault_breaks_its_rules_and_no_other(fault: str) -> None:
    found = found_in({signal: JSON_FAULTS[fault](text) for signal, text in texts().items()})
    broken = {rule for rule, each in found.items() if each.outcome == "failed"}
    assert broken == {f"OTLP-JSON-{number}" for number in BROKEN[fault].split()}


def test_every_fault_of_the_exporter_is_tried() -> None:
    of_texts = {"JSON: Latin-1", "JSON: no escapes", "JSON: escaped twice"}
    assert set(BROKEN) | of_texts == set(JSON_FAULTS)


def test_a_key_that_nobody_knows_is_neither_right_nor_wrong() -> None:
    found = found_in({"traces": JSON_FAULTS["JSON: an unknown key"](texts()["traces"])})
    assert found["OTLP-JSON-012"].outcome == "inconclusive"
    assert "futureKey" in found["OTLP-JSON-012"].evidence


def points_alone(fault: str) -> dict[str, CheckResult]:
    """What is found of a run of one sum, with a fault."""
    text = (
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"requests","sum":{'
        b'"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1","asInt":"5"}]}}]}]}]}'
    )
    return found_in({"metrics": JSON_FAULTS[fault](text)})


def test_a_value_under_an_unknown_key_is_no_zero_that_was_left_out() -> None:
    found = points_alone("JSON: values under another key")["OTLP-JSON-030"]
    assert (found.outcome, found.evidence) == (
        "inconclusive",
        (
            "oneof member at its zero value: 0 in 1 JSON texts; what is missed may stand under "
            "resourceMetrics[].scopeMetrics[].metrics[].sum.dataPoints[].value"
        ),
    )


def test_points_that_never_have_a_value_tell_nothing_of_zeros() -> None:
    found = points_alone("JSON: no values of points")["OTLP-JSON-030"]
    assert (found.outcome, found.evidence) == (
        "inconclusive",
        (
            "no point has its value, zero or not, which OTLP-METRIC-013 judges\n"
            "request 1: resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0]: "
            "neither asInt nor asDouble is written; zero must be, too"
        ),
    )


def test_a_text_that_says_little_shows_little() -> None:
    found = found_in({"traces": b'{"resourceSpans":[]}'})
    held = {rule for rule, each in found.items() if each.outcome == "passed"}
    assert held == {"OTLP-JSON-012"}


def test_what_is_not_json_is_not_looked_at() -> None:
    request = accepted("traces", request_class("traces")())
    found = judged(case("json/encoding"), RecordedLab(observed([request], protocol="http/json")))
    assert {each.outcome for each in found.values()} == {"inconclusive"}


def test_what_no_parser_takes_breaks_the_rule_that_wants_one() -> None:
    assert found_in({"traces": b"{"})["OTLP-JSON-024"].outcome == "failed"


def test_what_is_no_utf8_is_left_to_the_case_of_texts() -> None:
    assert found_in({"traces": b'{"a":"\xff"}'})["OTLP-JSON-024"].outcome == "inconclusive"


def refused(rule: str) -> Observation:
    problem = Problem(kind="malformed", rule=rule, message="it cannot be read")
    return observed([sent("traces", b"{", problem=problem)], protocol="http/json")


def told(text: str) -> Observation:
    """A run in which a resource has the text."""
    message = trace_request()
    message.resource_spans[0].resource.attributes.append(attribute("otlptest.text", text))
    request = accepted("traces", message)
    request.protocol = "http/json"
    request.body = message.SerializeToString()
    request.packed_json = zlib.compress(encode_message(message))
    return observed([request], protocol="http/json")


HARD = '\N{GRINNING FACE}\N{LATIN SMALL LETTER E WITH ACUTE}"\\\t'


@pytest.mark.parametrize(
    ("baseline", "hard", "outcome"),
    [
        pytest.param(told(""), told(HARD), "passed", id="as it was told"),
        pytest.param(told(""), told("%F0%9F"), "inconclusive", id="not decoded"),
        pytest.param(told(""), run_of(texts()), "inconclusive", id="not there"),
        pytest.param(told(""), told("\\ud83d\\ude00"), "failed", id="escaped twice"),
        pytest.param(told(""), refused("OTLP-JSON-035"), "failed", id="no UTF-8"),
        pytest.param(told(""), refused("OTLP-JSON-036"), "failed", id="not escaped"),
        pytest.param(
            refused("OTLP-JSON-036"), refused("OTLP-JSON-036"), "inconclusive", id="never JSON"
        ),
    ],
)
def test_a_text_that_is_hard_to_write(
    baseline: Observation, hard: Observation, outcome: str
) -> None:
    lab = RecordedLab(baseline, hard, told(""))
    assert judged(case("text/json"), lab)["OTLP-JSON-035"].outcome == outcome

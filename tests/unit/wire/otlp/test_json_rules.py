"""Every rule for senders of OTLP JSON has a text that keeps it and one that breaks it."""

import json
from typing import Any

import pytest

from otlptest.model import Signal
from otlptest.wire.otlp.json_rules import check_text, look_at_text
from otlptest.wire.otlp.otlp_json import decode_request

TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def span(**fields: object) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}


def value(**fields: object) -> dict[str, Any]:
    return span(attributes=[{"key": "a", "value": fields}])


def record(**fields: object) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [fields]}]}]}


def metric(**fields: object) -> dict[str, Any]:
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [fields]}]}]}


def point(kind: str, **fields: object) -> dict[str, Any]:
    return metric(**{kind: {"dataPoints": [fields]}})


def rules(signal: Signal, document: dict[str, Any]) -> list[str]:
    rows = check_text(signal, json.dumps(document).encode())
    return [rule.removeprefix("OTLP-JSON-") for rule, _, _ in rows]


# rule -> signal, a document that keeps it, one that breaks it, where
RULES: dict[str, tuple[Signal, dict[str, Any], dict[str, Any], str]] = {
    "003": ("traces", span(traceId=TRACE_ID), span(traceId="AAAA"), "spans[0].traceId"),
    "004": ("traces", span(spanId=SPAN_ID.upper()), span(spanId="zz" * 8), "spans[0].spanId"),
    "005-parent": (
        "traces",
        span(parentSpanId=SPAN_ID),
        span(parentSpanId=SPAN_ID[:-1]),
        "spans[0].parentSpanId",
    ),
    "005-link": (
        "traces",
        span(links=[{"spanId": SPAN_ID}]),
        span(links=[{"spanId": SPAN_ID}, {"spanId": "7uGbfsPBsXQ="}]),
        "links[1].spanId",
    ),
    "005-log": ("logs", record(traceId=TRACE_ID), record(traceId="A"), "logRecords[0].traceId"),
    "005-exemplar": (
        "metrics",
        point("gauge", asInt="1", exemplars=[{"traceId": TRACE_ID}]),
        point("gauge", asInt="1", exemplars=[{"traceId": "W47="}]),
        "exemplars[0].traceId",
    ),
    "008": ("traces", span(kind=2), span(kind=2.0), "spans[0].kind"),
    "009-kind": ("traces", span(kind=99), span(kind="SPAN_KIND_SERVER"), "spans[0].kind"),
    "009-status": (
        "traces",
        span(status={"code": 2}),
        span(status={"code": "STATUS_CODE_ERROR"}),
        "status.code",
    ),
    "009-severity": ("logs", record(severityNumber=9), record(severityNumber="INFO"), "Number"),
    "009-temporality": (
        "metrics",
        metric(sum={"aggregationTemporality": 2}),
        metric(sum={"aggregationTemporality": "CUMULATIVE"}),
        "sum.aggregationTemporality",
    ),
    "012-snake-case": ("traces", span(name="a"), span(start_time_unix_nano="1"), "unix_nano"),
    "012-snake-case-root": ("logs", {"resourceLogs": []}, {"resource_logs": []}, "resource_logs"),
    "012-unknown": ("traces", span(name="a"), span(nmae="a"), "spans[0].nmae"),
    "016-time": (
        "traces",
        span(startTimeUnixNano="1"),
        span(startTimeUnixNano=1),
        "spans[0].startTimeUnixNano",
    ),
    "016-attribute": ("traces", value(intValue="-1"), value(intValue=-1), "value.intValue"),
    "016-as-int": ("metrics", point("gauge", asInt="0"), point("gauge", asInt=0), "asInt"),
    "016-count": ("metrics", point("summary", count="1"), point("summary", count=1), "count"),
    "016-buckets": (
        "metrics",
        point("histogram", bucketCounts=["1", "2"]),
        point("histogram", bucketCounts=["1", 2]),
        "bucketCounts[1]",
    ),
    "016-exponent": ("traces", value(intValue="1000"), value(intValue="1e3"), "intValue"),
    "021-count": (
        "traces",
        span(droppedAttributesCount=1),
        span(droppedAttributesCount="1"),
        "droppedAttributesCount",
    ),
    "021-scale": (
        "metrics",
        point("exponentialHistogram", scale=-1),
        point("exponentialHistogram", scale="-1"),
        "scale",
    ),
    "023": (
        "logs",
        record(timeUnixNano="1700000000000000000"),
        record(timeUnixNano="2024-01-01T00:00:00Z"),
        "timeUnixNano",
    ),
    "024": ("traces", value(doubleValue="NaN"), value(doubleValue="1.5"), "doubleValue"),
    "026-alphabet": ("traces", value(bytesValue="//79"), value(bytesValue="__79"), "bytesValue"),
    "026-padding": ("traces", value(bytesValue="/w=="), value(bytesValue="/w"), "bytesValue"),
    "030": ("metrics", point("sum", asDouble=0), point("sum"), "sum.dataPoints[0]"),
    "031": (
        "metrics",
        point("histogram", min=0, max=0),
        point("histogram", max=0),
        "histogram.dataPoints[0]",
    ),
    "031-exponential": (
        "metrics",
        point("exponentialHistogram"),
        point("exponentialHistogram", min=0),
        "exponentialHistogram.dataPoints[0]",
    ),
}


@pytest.mark.parametrize(
    ("rule", "signal", "kept", "broken", "where"),
    [pytest.param(key[:3], *row, id=key) for key, row in RULES.items()],
)
def test_a_rule_is_kept_by_one_text_and_broken_by_another(
    rule: str, signal: Signal, kept: dict[str, Any], broken: dict[str, Any], where: str
) -> None:
    assert rules(signal, kept) == []
    ((found, path, message),) = check_text(signal, json.dumps(broken).encode())
    assert found == f"OTLP-JSON-{rule}"
    assert path.endswith(where)
    assert message


def test_the_same_fault_in_many_places_is_one_row() -> None:
    spans = [{"startTimeUnixNano": 1, "endTimeUnixNano": "2"} for _ in range(50)]
    document = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    ((rule, path, message),) = check_text("traces", json.dumps(document).encode())
    assert rule == "OTLP-JSON-016"
    assert path == "resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano"
    assert message.endswith("(50 times in this request)")


def test_a_value_that_the_producer_did_not_record_may_be_absent() -> None:
    assert rules("metrics", point("gauge", flags=1)) == []
    assert rules("metrics", point("gauge", flags=2)) == ["030"]


def test_absent_ids_and_nulls_break_no_json_rule() -> None:
    assert rules("traces", span(traceId="", spanId=None, kind=None, attributes=None)) == []


def test_a_text_that_is_no_json_is_one_row() -> None:
    assert check_text("traces", b'{"a":NaN}') == [
        ("OTLP-JSON-024", "", "NaN stands without quotes, which is not valid JSON")
    ]
    assert check_text("traces", b"[]") == []  # decoding refuses it


def test_keys_within_unknown_values_are_not_judged() -> None:
    assert rules("traces", span(name="a") | {"future": {"also_unknown": 1}}) == ["012"]


# Our own texts in the four shapes of the official examples: trace, metrics, logs, events.
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}]}
SCOPE = {
    "name": "my.library",
    "version": "1.0.0",
    "attributes": [{"key": "scope.attribute", "value": {"stringValue": "some value"}}],
}
SPAN = {
    "traceId": TRACE_ID.upper(),
    "spanId": SPAN_ID.upper(),
    "parentSpanId": "eee19b7ec3c1b173",
    "name": "a server span",
    "startTimeUnixNano": "1544712660000000000",
    "endTimeUnixNano": "1544712661000000000",
    "kind": 2,
    "attributes": [{"key": "key", "value": {"stringValue": "some value"}}],
}
TIMES = {"startTimeUnixNano": "1544712660300000000", "timeUnixNano": "1544712660300000000"}
METRICS = [
    {
        "name": "my.counter",
        "unit": "1",
        "sum": {
            "aggregationTemporality": 1,
            "isMonotonic": True,
            "dataPoints": [{"asDouble": 5, **TIMES}],
        },
    },
    {"name": "my.gauge", "gauge": {"dataPoints": [{"asDouble": 10, **TIMES}]}},
    {
        "name": "my.histogram",
        "histogram": {
            "aggregationTemporality": 1,
            "dataPoints": [
                {
                    **TIMES,
                    "count": "2",
                    "sum": 2,
                    "bucketCounts": ["1", "1"],
                    "explicitBounds": [1],
                    "min": 0,
                    "max": 2,
                }
            ],
        },
    },
    {
        "name": "my.exponential",
        "exponentialHistogram": {
            "aggregationTemporality": 1,
            "dataPoints": [
                {
                    **TIMES,
                    "count": "3",
                    "sum": 10,
                    "scale": 0,
                    "zeroCount": "1",
                    "positive": {"offset": 1, "bucketCounts": ["0", "2"]},
                    "min": 0,
                    "max": 5,
                    "zeroThreshold": 0,
                }
            ],
        },
    },
]
LOG = {
    "timeUnixNano": "1544712660300000000",
    "observedTimeUnixNano": "1544712660300000000",
    "severityNumber": 10,
    "severityText": "Information",
    "traceId": TRACE_ID.upper(),
    "spanId": SPAN_ID.upper(),
    "body": {"stringValue": "Example log record"},
    "attributes": [
        {"key": "string", "value": {"stringValue": "some string"}},
        {"key": "boolean", "value": {"boolValue": True}},
        {"key": "int", "value": {"intValue": "10"}},
        {"key": "double", "value": {"doubleValue": 637.704}},
        {"key": "array", "value": {"arrayValue": {"values": [{"stringValue": "many"}]}}},
        {
            "key": "map",
            "value": {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}},
        },
    ],
}
EVENT = {**LOG, "eventName": "browser.page_view", "body": {"kvlistValue": {"values": []}}}


def envelope(kind: str, items: str, *content: object) -> dict[str, Any]:
    scope = {"scope": SCOPE, items: list(content)}
    return {f"resource{kind}": [{"resource": RESOURCE, f"scope{kind}": [scope]}]}


EXAMPLES: dict[str, tuple[Signal, dict[str, Any]]] = {
    "trace": ("traces", envelope("Spans", "spans", SPAN)),
    "metrics": ("metrics", envelope("Metrics", "metrics", *METRICS)),
    "logs": ("logs", envelope("Logs", "logRecords", LOG)),
    "events": ("logs", envelope("Logs", "logRecords", EVENT)),
}


@pytest.mark.parametrize(("signal", "document"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_shapes_of_the_official_examples_are_read_and_keep_all_rules(
    signal: Signal, document: dict[str, Any]
) -> None:
    text = json.dumps(document, indent=2).encode()
    assert decode_request(signal, text).ByteSize() > 100
    assert check_text(signal, text) == []


def seen(signal: Signal, document: dict[str, Any]) -> dict[str, int]:
    look = look_at_text(signal, json.dumps(document).encode())
    return {rule.removeprefix("OTLP-JSON-"): count for rule, count in look.seen.items()}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(point("sum", value=5), id="a value under an unknown key"),
        pytest.param(point("sum", as_int="0"), id="a value under a misspelt key"),
        pytest.param(point("histogram", min=-5, maximum=0), id="a max under another key"),
    ],
)
def test_what_may_stand_under_another_key_is_not_missed(document: dict[str, Any]) -> None:
    assert set(rules("metrics", document)) == {"012"}


@pytest.mark.parametrize(
    ("signal", "document", "rule", "count"),
    [
        pytest.param("traces", span(traceId=TRACE_ID), "003", 1, id="trace_id"),
        pytest.param("traces", span(spanId=SPAN_ID), "004", 1, id="span_id"),
        pytest.param("traces", span(links=[{"spanId": SPAN_ID}]), "005", 1, id="id of a link"),
        pytest.param("traces", span(traceId=""), "003", 0, id="empty id"),
        pytest.param("traces", span(kind=2, status={"code": 1}), "008", 2, id="enums"),
        pytest.param("traces", span(kind=2), "009", 1, id="enum names"),
        pytest.param("traces", span(name="a"), "012", 2, id="keys of several words"),
        pytest.param("traces", span(startTimeUnixNano="5"), "016", 0, id="time is no count"),
        pytest.param("traces", span(startTimeUnixNano="5"), "023", 1, id="time"),
        pytest.param("traces", value(intValue="5"), "016", 1, id="integer value"),
        pytest.param("traces", span(flags=1), "021", 1, id="32-bit number"),
        pytest.param("metrics", point("gauge", asDouble=1.5), "024", 1, id="double"),
        pytest.param("traces", value(bytesValue="//79"), "026", 1, id="bytes"),
        pytest.param("traces", value(bytesValue=""), "026", 0, id="no bytes"),
        pytest.param("traces", value(boolValue=False), "030", 1, id="zero of a oneof"),
        pytest.param("traces", value(stringValue=""), "030", 1, id="empty text of a oneof"),
        pytest.param("traces", value(boolValue=True), "030", 0, id="no zero"),
        pytest.param("metrics", point("gauge", asInt="0"), "030", 1, id="zero point"),
        pytest.param("metrics", point("histogram", sum=0, min=0.0, max=5), "031", 2, id="zeros"),
        pytest.param("metrics", point("summary", sum=0), "031", 0, id="no optional sum"),
    ],
)
def test_what_a_rule_could_fail_on_is_counted(
    signal: Signal, document: dict[str, Any], rule: str, count: int
) -> None:
    assert seen(signal, document).get(rule, 0) == count


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({"min": 5}, [], id="a min that no zero max can follow"),
        pytest.param({"max": -5}, [], id="a max that no zero min can precede"),
        pytest.param({"min": "NaN"}, [], id="no number"),
        pytest.param({"min": -5}, ["031"], id="a max of 0 may be missing"),
        pytest.param({"max": 5}, ["031"], id="a min of 0 may be missing"),
    ],
)
def test_one_extreme_alone_is_accused_only_where_the_other_may_be_a_zero(
    fields: dict[str, object], found: list[str]
) -> None:
    assert rules("metrics", point("histogram", **fields)) == found


def test_an_unknown_key_is_told_apart_from_one_that_is_misspelt() -> None:
    document = span(trace_id="a", traceID="b", future=1)
    look = look_at_text("traces", json.dumps(document).encode())
    assert len(look.faults) == 3
    assert look.unknown_keys == ("resourceSpans[].scopeSpans[].spans[].future",)
    assert "must be 'traceId'" in look.faults[1][2]


def test_a_text_that_is_no_json_is_looked_at_for_nothing_else() -> None:
    look = look_at_text("traces", b"{")
    assert (look.is_json, dict(look.seen)) == (False, {})
    assert [rule for rule, _, _ in look.faults] == ["OTLP-JSON-036"]

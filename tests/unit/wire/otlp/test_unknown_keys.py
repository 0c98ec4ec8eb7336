"""Unknown keys of JSON: which may have lost telemetry, which are only of a newer OTLP."""

from typing import Any

import pytest

from otlptest.model import Signal
from otlptest.wire.otlp.json_rules import look_at_document
from otlptest.wire.otlp.otlp_json import read_request

SPAN: dict[str, Any] = {"traceId": "5b8efff798038103d269b633813fc60c", "name": "charge"}
GAUGE: dict[str, Any] = {"dataPoints": [{"asInt": "1"}]}


def traces(**scope: object) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [scope]}]}


def metric(**fields: object) -> dict[str, Any]:
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", **fields}]}]}]}


def logs(**scope: object) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [scope]}]}


Row = tuple[Signal, dict[str, Any], str, str, str]
"""Signal, document, and what is said: place, loss, hint."""

LOST: dict[str, Row] = {
    "snake_case at the top": (
        "traces",
        {"resource_spans": [{"scope_spans": [{"spans": [SPAN]}]}]},
        "resource_spans",
        "items",
        "write 'resourceSpans'",
    ),
    "PascalCase at the top": (
        "logs",
        {"ResourceLogs": [{"ScopeLogs": [{}]}]},
        "ResourceLogs",
        "items",
        "write 'resourceLogs'",
    ),
    "snake_case scopes": (
        "metrics",
        {"resourceMetrics": [{}, {"scope_metrics": [{}]}]},
        "resourceMetrics[1].scope_metrics",
        "items",
        "write 'scopeMetrics'",
    ),
    "PascalCase items": (
        "traces",
        traces(Spans=[SPAN]),
        "resourceSpans[0].scopeSpans[0].Spans",
        "items",
        "write 'spans'",
    ),
    "lower case": (
        "logs",
        logs(logrecords=[{}]),
        "resourceLogs[0].scopeLogs[0].logrecords",
        "items",
        "write 'logRecords'",
    ),
    "an old name of scopes": (
        "traces",
        {"resourceSpans": [{"instrumentationLibrarySpans": [{"spans": [SPAN]}]}]},
        "resourceSpans[0].instrumentationLibrarySpans",
        "items",
        "write 'scopeSpans'",
    ),
    "an old name in snake_case": (
        "metrics",
        {"resourceMetrics": [{"instrumentation_library_metrics": [{}]}]},
        "resourceMetrics[0].instrumentation_library_metrics",
        "items",
        "write 'scopeMetrics'",
    ),
    "an old name of log records": (
        "logs",
        logs(logs=[{}]),
        "resourceLogs[0].scopeLogs[0].logs",
        "items",
        "write 'logRecords'",
    ),
    "an old name of a sum": (
        "metrics",
        metric(intSum=GAUGE),
        "resourceMetrics[0].scopeMetrics[0].metrics[0].intSum",
        "items",
        "write 'sum'",
    ),
    "snake_case data": (
        "metrics",
        metric(exponential_histogram=GAUGE),
        "resourceMetrics[0].scopeMetrics[0].metrics[0].exponential_histogram",
        "items",
        "write 'exponentialHistogram'",
    ),
    "a Go struct's data": (
        "metrics",
        metric(Data={"Sum": GAUGE}),
        "resourceMetrics[0].scopeMetrics[0].metrics[0].Data",
        "items",
        "write one of gauge, sum, histogram, exponentialHistogram, summary",
    ),
    "snake_case points": (
        "metrics",
        metric(gauge={"data_points": [{"asInt": "1"}]}),
        "resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.data_points",
        "items",
        "write 'dataPoints'",
    ),
    "an old name of a profile's samples": (
        "profiles",
        {"resourceProfiles": [{"scopeProfiles": [{"profiles": [{"sample": [{}]}]}]}]},
        "resourceProfiles[0].scopeProfiles[0].profiles[0].sample",
        "items",
        "write 'samples'",
    ),
    "within another object": (
        "traces",
        {"data": {"resourceSpans": [{}]}},
        "data",
        "items",
        "write 'resourceSpans'",
    ),
    "another product's name": (
        "traces",
        {"batches": [{"scopeSpans": [{"spans": [SPAN]}]}]},
        "batches",
        "items",
        "write 'resourceSpans'",
    ),
    "spans without a scope": (
        "traces",
        {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}], "spans": [SPAN]}]},
        "resourceSpans[0].spans",
        "items",
        "'spans' belongs in resourceSpans[].scopeSpans[]",
    ),
    "scopes within the resource": (
        "traces",
        {"resourceSpans": [{"resource": {"attributes": [], "scopeSpans": [{}]}}]},
        "resourceSpans[0].resource.scopeSpans",
        "items",
        "'scopeSpans' belongs in resourceSpans[]",
    ),
    "another signal's scopes": (
        "traces",
        {"resourceSpans": [{"scopeLogs": [{}]}]},
        "resourceSpans[0].scopeLogs",
        "items",
        "'scopeLogs' belongs in resourceLogs[]",
    ),
    "another signal's request in this one": (
        "traces",
        {**traces(spans=[SPAN]), "resourceLogs": [{}]},
        "resourceLogs",
        "items",
        "'resourceLogs' belongs at the top of a request of logs",
    ),
    "a field of a span": (
        "traces",
        traces(spans=[SPAN, {**SPAN, "Attributes": [{"key": "a"}]}]),
        "resourceSpans[0].scopeSpans[0].spans[1].Attributes",
        "parts",
        "write 'attributes'",
    ),
    "an attribute of a resource": (
        "traces",
        {"resourceSpans": [{"Resource": {"attributes": [{"key": "service.name"}]}}]},
        "resourceSpans[0].Resource",
        "parts",
        "write 'resource'",
    ),
    "an old name of the scope": (
        "logs",
        logs(instrumentationLibrary={"name": "shop"}),
        "resourceLogs[0].scopeLogs[0].instrumentationLibrary",
        "parts",
        "write 'scope'",
    ),
    "a value of a type that OTLP does not have": (
        "traces",
        traces(spans=[{"attributes": [{"key": "a", "value": {"dateValue": "2024"}}]}]),
        "resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.dateValue",
        "parts",
        "",
    ),
    "a value of a point": (
        "metrics",
        metric(gauge={"dataPoints": [{"value": 5}]}),
        "resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0].value",
        "parts",
        "",
    ),
}


@pytest.mark.parametrize(
    ("signal", "document", "place", "loss", "hint"), LOST.values(), ids=list(LOST)
)
def test_a_key_that_lost_telemetry_is_found_while_the_request_is_read(
    signal: Signal, document: dict[str, Any], place: str, loss: str, hint: str
) -> None:
    _, (found,) = read_request(signal, document)
    assert (found.place, found.loss, found.hint) == (place, loss, hint)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("snake_case at the top", "resource_spans instead of resourceSpans"),
        (
            "an old name of scopes",
            "resourceSpans[0].instrumentationLibrarySpans instead of scopeSpans",
        ),
        ("within another object", "data instead of resourceSpans"),
        (
            "spans without a scope",
            "resourceSpans[0].spans instead of resourceSpans[].scopeSpans[].spans",
        ),
        ("a Go struct's data", "resourceMetrics[0].scopeMetrics[0].metrics[0].Data"),
    ],
)
def test_a_key_as_text_says_what_it_stands_for(case: str, text: str) -> None:
    signal, document, *_ = LOST[case]
    _, (found,) = read_request(signal, document)
    assert str(found) == text


NOTHING_LOST: dict[str, tuple[Signal, dict[str, Any]]] = {
    "a list of a newer OTLP": ("traces", {**traces(spans=[SPAN]), "futureList": [{"a": 1}]}),
    "an object of a newer OTLP in a span": ("traces", traces(spans=[{**SPAN, "future": {"a": 1}}])),
    "a number where items belong": ("traces", {"version": 1}),
    "numbers where items belong": ("traces", {"versions": [1]}),
    "an empty object where items belong": ("traces", {"future": {}}),
    "the right key, empty, beside a newer one": ("traces", {"resourceSpans": [], "future": [{}]}),
    "an empty list": ("traces", {"resource_spans": []}),
    "no value": ("traces", traces(spans=[{**SPAN, "Attributes": None}])),
    "a zero": ("traces", traces(spans=[{**SPAN, "dropped_attributes_count": 0}])),
    "both spellings with one value": ("traces", traces(spans=[{**SPAN, "Name": "charge"}])),
    "a key beside a chosen value": (
        "traces",
        traces(spans=[{"attributes": [{"key": "a", "value": {"intValue": "1", "unit": "ms"}}]}]),
    ),
    "an object of a newer OTLP in a resource": (
        "logs",
        {"resourceLogs": [{"resource": {"future": {"a": 1}}}]},
    ),
    "nothing": ("metrics", {}),
}


@pytest.mark.parametrize(("signal", "document"), NOTHING_LOST.values(), ids=list(NOTHING_LOST))
def test_a_key_that_lost_nothing_is_not_reported(signal: Signal, document: dict[str, Any]) -> None:
    assert read_request(signal, document)[1] == ()
    assert look_at_document(signal, document).unread == ()


def test_both_spellings_with_different_values_lose_one() -> None:
    _, (found,) = read_request("traces", traces(spans=[{**SPAN, "Name": "refund"}]))
    assert found.place == "resourceSpans[0].scopeSpans[0].spans[0].Name"


def test_the_same_key_in_many_places_is_reported_once() -> None:
    _, found = read_request("traces", traces(spans=[{"Name": "a"}, {"Name": "b"}, {"Kind": 1}]))
    assert [key.place for key in found] == [
        "resourceSpans[0].scopeSpans[0].spans[0].Name",
        "resourceSpans[0].scopeSpans[0].spans[2].Kind",
    ]


POINT_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
WAYS: list[tuple[Signal, tuple[str, ...]]] = [
    ("traces", ("resourceSpans", "scopeSpans", "spans")),
    ("logs", ("resourceLogs", "scopeLogs", "logRecords")),
    ("profiles", ("resourceProfiles", "scopeProfiles", "profiles", "samples")),
    *(
        ("metrics", ("resourceMetrics", "scopeMetrics", "metrics", kind, "dataPoints"))
        for kind in POINT_KINDS
    ),
]


@pytest.mark.parametrize(("signal", "keys"), WAYS, ids=lambda value: str(value[-2]))
def test_every_key_on_the_way_to_items_loses_them_when_it_is_misspelt(
    signal: Signal, keys: tuple[str, ...]
) -> None:
    for wrong, right in enumerate(keys):
        document: Any = {"a": 1}
        for number, key in reversed(list(enumerate(keys))):
            written = key.upper() if number == wrong else key
            document = {written: document if key in POINT_KINDS else [document]}
        _, (found,) = read_request(signal, document)
        assert (found.loss, found.hint) == ("items", f"write {right!r}")


def test_a_document_that_is_read_later_does_not_inherit_a_loss() -> None:
    read_request("traces", {"resource_spans": [{}]})
    assert read_request("traces", traces(spans=[SPAN]))[1] == ()


def test_a_lost_list_is_named_with_the_right_key() -> None:
    _, (found,) = read_request("traces", traces(Spans=[SPAN]))
    assert found.problem == ("the key is written 'Spans', must be 'spans', and is ignored as it is")

"""A request with items of an earlier test: theirs are not judged, those of this test are."""

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from otlptest.model import Request
from otlptest.validation import judge
from otlptest.wire.otlp.envelopes import head_of_message
from tests.support.right_profiles import profile_request
from tests.support.right_requests import (
    START,
    log_request,
    metric_request,
    trace_request,
)
from tests.support.validated import accepted

LATER = START + 3_600 * 10**9


def earlier_ones(request: Request) -> Callable[[Any], bool] | None:
    """The items of the first request began before the test."""
    if request.number != 1:
        return None
    signal = request.signal or "traces"
    return lambda item: head_of_message(signal, item).time < LATER


def shifted_span(span: Any) -> None:  # noqa: ANN401 -- a generated class
    span.start_time_unix_nano, span.end_time_unix_nano = LATER, LATER + 1
    span.span_id = bytes(range(1, 9))


def traces(*, broken: int) -> Any:  # noqa: ANN401 -- a generated class
    """Two spans, of which the first is of an earlier test; one of them has no name."""
    message = trace_request()
    spans = message.resource_spans[0].scope_spans[0].spans
    del spans[1:]
    spans.add().CopyFrom(spans[0])
    shifted_span(spans[1])
    spans[broken].name = ""
    return message


def logs(*, broken: int) -> Any:  # noqa: ANN401 -- a generated class
    message = log_request()
    records = message.resource_logs[0].scope_logs[0].log_records
    del records[1:]
    records.add().CopyFrom(records[0])
    records[1].ClearField("time_unix_nano")
    records[1].observed_time_unix_nano = LATER
    records[broken].severity_number = 99  # type: ignore[assignment]  # the planted fault
    return message


def metrics(*, broken: int) -> Any:  # noqa: ANN401 -- a generated class
    message = metric_request()
    found = message.resource_metrics[0].scope_metrics[0].metrics
    first = next(metric for metric in found if metric.WhichOneof("data") == "sum")
    first.sum.data_points.add().CopyFrom(first.sum.data_points[0])
    first.sum.data_points[1].time_unix_nano = LATER
    first.sum.data_points[broken].flags = 0x10
    return message


MIXED: dict[str, tuple[Any, Any, str]] = {
    "traces": ("traces", traces, "OTLP-TRACE-009"),
    "logs": ("logs", logs, "OTLP-LOG-001"),
    "metrics": ("metrics", metrics, "OTLP-METRIC-055"),
}


@pytest.mark.parametrize(("signal", "make", "rule"), MIXED.values(), ids=MIXED.keys())
def test_only_items_of_this_test_are_judged(signal: Any, make: Any, rule: str) -> None:  # noqa: ANN401 -- of the table
    theirs, ours = accepted(signal, make(broken=0)), accepted(signal, make(broken=1))
    assert rule in {finding.rule for finding in judge([theirs]).findings}
    assert judge([theirs], foreign_items=earlier_ones).findings == ()
    assert [f.rule for f in judge([ours], foreign_items=earlier_ones).findings] == [rule]


def test_what_held_nothing_else_is_cut_too_and_what_was_empty_is_not() -> None:
    message = trace_request()
    message.resource_spans[0].schema_url = "nonsense"
    assert judge([accepted("traces", message)]).findings != ()
    assert judge([accepted("traces", message)], foreign_items=earlier_ones).findings == ()
    empty = metric_request()
    empty.resource_metrics[0].scope_metrics[0].metrics[0].gauge.ClearField("data_points")
    rules = {
        finding.rule
        for finding in judge([accepted("metrics", empty)], foreign_items=earlier_ones).findings
    }
    assert rules == {"OTLP-METRIC-003"}


def test_a_repeated_span_id_is_found_among_those_of_this_test_only() -> None:
    message = traces(broken=0)
    spans = message.resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[1])
    spans[2].name = "another"
    first = accepted("traces", message)
    found = judge([first], foreign_items=earlier_ones).findings
    assert [finding.rule for finding in found] == ["OTLP-TRACE-006"]
    shifted = traces(broken=0)
    twin = shifted.resource_spans[0].scope_spans[0].spans
    twin[0].span_id = twin[1].span_id
    assert judge([accepted("traces", shifted)], foreign_items=earlier_ones).findings == ()


def test_profiles_with_foreign_items_are_not_judged_for_they_share_a_dictionary() -> None:
    message = profile_request()
    message.resource_profiles[0].scope_profiles[0].profiles[0].profile_id = bytes(3)
    request = accepted("profiles", message)
    assert judge([request]).findings != ()
    assert judge([request], foreign_items=earlier_ones).findings == ()


def test_the_json_text_of_a_mixed_request_is_not_judged() -> None:
    request = accepted("traces", trace_request())
    request.packed_json = zlib.compress(
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1}]}]}]}'
    )
    assert judge([request]).findings != ()
    assert judge([request], foreign_items=earlier_ones).findings == ()

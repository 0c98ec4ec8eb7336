"""What fails a test at its end, what is only told, and how a finding reads."""

import math
import zlib
from copy import deepcopy
from dataclasses import replace

import pytest

from otlptest.errors import Finding
from otlptest.model import Connection, Problem, Request
from otlptest.validation import findings_of_problems, judge, validate_requests
from otlptest.wire.otlp.otlp_json import decode_request
from tests.planted.span_faults import server
from tests.support.right_requests import metric_request, resource, trace_request
from tests.support.validated import accepted, findings_of

JSON_WITH_NUMBER = b"""{"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": [{
    "traceId": "5b8aa5a2d2c872e8321cf37308d69df2", "spanId": "5fb397be34d26b51", "name": "a",
    "kind": 1, "startTimeUnixNano": 1700000000000000000,
    "endTimeUnixNano": "1700000000000000000"}]}]}]}"""


def refused(kind: str, *, place: str = "byte 3") -> Request:
    request = accepted("traces", trace_request(), number=7)
    request.problem = Problem(
        kind=kind, rule="OTLP-HTTP-008", message="no ExportTraceServiceRequest", place=place
    )
    return request


def test_finding_names_request_service_span_and_place() -> None:
    message = trace_request()
    server([message]).attributes.append(server([message]).attributes[0])
    assert findings_of("traces", [message]) == (
        Finding(
            rule="OTLP-COMMON-001",
            where="request 1, service 'shop', span 'POST /checkout' (span 051581bf3cb55c13): "
            'attributes["text"]',
            expected="every attribute key once",
            received="the key 'text' 2 times",
            severity="error",
            hint="a receiver keeps one of the values, and which is not defined",
        ),
    )


def test_finding_about_a_point_names_metric_and_number() -> None:
    message = metric_request()
    message.resource_metrics[0].scope_metrics[0].metrics[2].sum.data_points[1].flags = 2
    (finding,) = findings_of("metrics", [message])
    assert finding.where == "request 1, service 'shop', metric 'hits', point 2: flags"


def test_infinite_bound_is_a_warning_where_others_out_of_order_are_errors() -> None:
    odd, wrong = metric_request(), metric_request()
    for message, bounds in ((odd, [1.0, math.inf]), (wrong, [2.0, 1.0])):
        point = message.resource_metrics[0].scope_metrics[0].metrics[3].histogram.data_points[0]
        point.explicit_bounds[:] = bounds
        point.ClearField("max")
    assert [finding.severity for finding in findings_of("metrics", [odd])] == ["warning"]
    assert [finding.severity for finding in findings_of("metrics", [wrong])] == ["error"]


def test_same_fault_in_many_items_is_one_finding_with_their_number() -> None:
    message = trace_request()
    spans = message.resource_spans[0].scope_spans[0].spans
    for number in range(43):
        span = deepcopy(spans[0])
        span.span_id = number.to_bytes(8, "big", signed=False)[:7] + b"\xff"
        span.span_id = bytes([number + 1]) * 8
        span.name = ""
        spans.append(span)
    (finding,) = findings_of("traces", [message])
    first, second, third, rest = finding.where.split("; ")
    assert first == "request 1, service 'shop', span '' (span 0101010101010101): name"
    assert second.endswith("(span 0202020202020202): name")
    assert third.endswith("(span 0303030303030303): name")
    assert rest == "and 40 more"
    assert finding.received == "an empty name (the first of 43)"


def test_same_fault_in_another_place_is_another_finding() -> None:
    message = trace_request()
    span = server([message])
    span.attributes.append(span.attributes[0])
    for event in (span.events[0], span.events.add(name="x", time_unix_nano=10**18)):
        event.attributes.extend([*span.attributes[:1]] * 2)
    findings = findings_of("traces", [message])
    assert [finding.rule for finding in findings] == ["OTLP-COMMON-001"] * 2
    assert findings[1].received == "the key 'text' 2 times (the first of 2)"


def test_item_without_service_or_resource_is_still_named() -> None:
    message = trace_request()
    message.resource_spans[0].ClearField("resource")
    (finding,) = findings_of("traces", [message])
    assert (finding.rule, finding.where) == ("OTLP-COMMON-033", "request 1, resource")


def test_invalid_id_fails_a_test_and_another_broken_rule_is_only_told() -> None:
    message = trace_request()
    server([message]).span_id = bytes(8)
    server([message]).end_time_unix_nano = 0
    judgement = judge([accepted("traces", message)])
    assert [finding.rule for finding in judgement.failing] == ["OTLP-TRACE-004"]
    assert [finding.rule for finding in judgement.reported] == ["OTLP-TRACE-014"]
    assert judgement.findings == (*judgement.failing, *judgement.reported)


def test_what_is_right_gives_an_empty_judgement() -> None:
    assert judge([accepted("traces", trace_request())]).findings == ()


def test_refused_request_fails_a_test_and_its_data_are_not_judged() -> None:
    message = trace_request()
    server([message]).span_id = bytes(8)
    request = refused("malformed")
    request.body = message.SerializeToString()
    judgement = judge([request])
    assert judgement.reported == ()
    assert judgement.failing == (
        Finding(
            rule="OTLP-HTTP-008",
            where="request 7 (http/protobuf to /v1/traces): byte 3",
            expected="a well-formed OTLP request",
            received="no ExportTraceServiceRequest",
        ),
    )


@pytest.mark.parametrize("kind", ["cut_request", "too_slow", "wrong_method"])
def test_request_that_its_sender_gave_up_is_only_told(kind: str) -> None:
    judgement = judge([refused(kind, place="")])
    assert judgement.failing == ()
    (told,) = judgement.reported
    assert (told.severity, told.where) == ("warning", "request 7 (http/protobuf to /v1/traces)")


@pytest.mark.parametrize(
    ("method", "path", "size", "is_probe"),
    [
        pytest.param("GET", "/", 0, True, id="GET"),
        pytest.param("HEAD", "/v1/traces", 0, True, id="HEAD"),
        pytest.param("OPTIONS", "/v1/traces", 0, True, id="OPTIONS"),
        pytest.param("POST", "/grpc.health.v1.Health/Check", 5, True, id="health"),
        pytest.param(
            "POST", "/grpc.reflection.v1alpha.ServerReflection/Info", 9, True, id="reflection"
        ),
        pytest.param("GET", "/", 2, False, id="GET with a body"),
        pytest.param("POST", "/v1/trace", 9, False, id="wrong path"),
        pytest.param("POST", "/v1/trace", 0, False, id="wrong path without a body"),
        pytest.param("POST", "/grpc.healthy/Check", 5, False, id="another service"),
    ],
)
def test_probe_of_a_port_fails_no_test(
    method: str, path: str, size: int, *, is_probe: bool
) -> None:
    request = refused("wrong_path")
    request.method, request.path, request.wire_size = method, path, size
    assert request.is_probe is is_probe
    judgement = judge([request])
    assert (len(judgement.failing), len(judgement.reported)) == ((0, 1) if is_probe else (1, 0))


@pytest.mark.parametrize(
    ("kind", "fault", "is_corrupted", "planned_by"),
    [
        ("cut_request", "faults.reset()", False, "faults.reset()"),
        ("malformed", "faults.reset()", False, ""),
        ("malformed", "faults.corrupt()", True, "faults.corrupt()"),
        ("cut_request", "", False, ""),
    ],
)
def test_problem_knows_the_fault_that_made_it(
    kind: str, fault: str, planned_by: str, *, is_corrupted: bool
) -> None:
    connection = Connection(
        number=1, endpoint="http", port=1, wire_fault=fault, is_corrupted=is_corrupted
    )
    problem = Problem(kind=kind, rule="OTLP-HTTP-008", message="m", connection=connection)
    assert problem.planned_by == planned_by
    assert replace(problem, connection=None).planned_by == ""


def test_problem_of_a_connection_names_port_and_process() -> None:
    connection = Connection(number=4, endpoint="grpc", port=1, owner="shop")
    problem = Problem(
        kind="wrong_port",
        rule="OTLP-SRV-063",
        message="HTTP/1.1 on the gRPC port",
        expected="HTTP/2",
        connection=connection,
    )
    anonymous = replace(problem, connection=None)
    nobodys = replace(problem, connection=Connection(number=5, endpoint="http", port=2))
    findings = findings_of_problems([], [problem, anonymous, nobodys])
    assert [finding.where for finding in findings] == [
        "connection 4 to the grpc port, process 'shop'",
        "a connection",
        "connection 5 to the http port",
    ]
    assert {finding.expected for finding in findings} == {"HTTP/2"}


def test_body_that_is_no_message_after_all_fails_a_test() -> None:
    request = accepted("traces", trace_request())
    request.body = request.body[:-1]
    judgement = judge([request])
    (finding,) = judgement.failing
    assert finding.rule == "OTLP-HTTP-008"
    assert finding.where.startswith("request 1: resource_spans[0]")
    assert validate_requests([request]) == judgement.failing


def test_request_of_no_signal_is_passed_over() -> None:
    request = accepted("traces", trace_request())
    request.signal = None
    assert validate_requests([request]) == ()


def test_json_text_is_judged_beside_the_data() -> None:
    message = trace_request()
    request = accepted("traces", message)
    request.protocol = "http/json"
    request.packed_json = zlib.compress(JSON_WITH_NUMBER)
    (finding,) = judge([request]).reported
    assert finding == Finding(
        rule="OTLP-JSON-016",
        where="request 1: resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano",
        expected="JSON as OTLP maps it",
        received="1700000000000000000 is a number and must be a string of decimal digits",
        severity="error",
    )


def json_request(text: str, number: int = 1) -> Request:
    request = accepted("traces", decode_request("traces", text.encode()), number=number)
    request.protocol = "http/json"
    request.packed_json = zlib.compress(text.encode())
    return request


SPANS = '[{"resource": {}, "scope_spans": []}]'


def test_items_of_json_under_an_unknown_key_fail_a_test() -> None:
    judgement = judge([json_request(f'{{"resource_spans": {SPANS}}}', 4)])
    assert judgement.reported == ()
    assert judgement.failing == (
        Finding(
            rule="OTLP-JSON-012",
            where="request 4: resource_spans",
            expected="JSON as OTLP maps it",
            received="the key is written 'resource_spans', must be 'resourceSpans', and is "
            "ignored as it is: what stands under it was not read",
            severity="error",
            hint="write 'resourceSpans'",
        ),
    )


def test_unknown_keys_under_which_no_items_stand_are_reported_beside_one_that_fails() -> None:
    span = '{"Name": "x", "future": 1}'
    text = f"""{{"futureKey": 1, "resourceSpans": [{{"resource": {{}}, "futureList": [1],
        "instrumentationLibrarySpans": [1], "scopeSpans": [{{"spans": [{span}]}}]}}]}}"""
    judgement = judge([json_request(text), json_request(text, 2)])
    (lost,) = (each for each in judgement.failing if each.rule == "OTLP-JSON-012")
    keys = "resourceSpans[0].instrumentationLibrarySpans"
    assert lost.where == f"request 1: {keys}; request 2: {keys}"
    reported = [each for each in judgement.reported if each.rule == "OTLP-JSON-012"]
    assert [(each.received, each.hint) for each in reported] == [
        ("ExportTraceServiceRequest has no field 'futureKey'", ""),
        ("ResourceSpans has no field 'futureList'", ""),
        ("the key is written 'Name', must be 'name', and is ignored as it is", "write 'name'"),
        ("Span has no field 'future'", ""),
    ]


def test_same_fault_of_many_json_texts_is_one_finding() -> None:
    requests = [accepted("traces", trace_request(), number=number) for number in range(1, 6)]
    for request in requests:
        request.packed_json = zlib.compress(JSON_WITH_NUMBER)
    (finding,) = validate_requests(requests)
    assert finding.where.startswith("request 1: resourceSpans[0]")
    assert finding.where.endswith("startTimeUnixNano; and 2 more")


def test_json_text_that_is_right_or_no_object_breaks_what_it_breaks() -> None:
    request = accepted("traces", trace_request())
    request.packed_json = zlib.compress(b"")
    (finding,) = validate_requests([request])
    assert (finding.rule, finding.where) == ("OTLP-JSON-048", "request 1")


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
def test_an_id_of_zeros_is_no_id_that_is_given_twice(field: str) -> None:
    message = trace_request()
    spans = message.resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[0])
    spans[-1].name = "another"
    for span in spans:
        setattr(span, field, bytes(len(getattr(span, field))))
    found = {each.rule for each in validate_requests([accepted("traces", message)])}
    assert "OTLP-TRACE-006" not in found
    assert found & {"OTLP-TRACE-002", "OTLP-TRACE-004"}


def test_id_given_twice_is_found_beside_a_body_that_is_no_message() -> None:
    message = trace_request()
    spans = message.resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[0])
    spans[-1].name = "another"
    broken = accepted("traces", message, number=2)
    broken.body = broken.body[:-1]
    findings = validate_requests([accepted("traces", message), broken])
    assert [finding.rule for finding in findings] == ["OTLP-HTTP-008", "OTLP-TRACE-006"]


@pytest.mark.parametrize(
    ("replied_after_s", "is_accused"),
    [
        pytest.param(None, False, id="never answered"),
        pytest.param(5.0, False, id="answered late"),
        pytest.param(0.1, True, id="acknowledged at once"),
    ],
)
def test_deltas_sent_again_are_accused_only_if_their_sender_knew(
    replied_after_s: float | None, *, is_accused: bool
) -> None:
    requests = [
        accepted("metrics", metric_request(), number=1, replied_after_s=replied_after_s),
        accepted("metrics", metric_request(), number=2),
    ]
    rules = {finding.rule for finding in validate_requests(requests)}
    assert rules == ({"OTLP-METRIC-021"} if is_accused else set())


def test_two_deltas_of_one_interval_that_differ_are_reported_as_what_they_are() -> None:
    first, second = metric_request(), metric_request()
    second.resource_metrics[0].scope_metrics[0].metrics[2].sum.data_points[0].as_int = 99
    unanswered = accepted("metrics", first, number=1, replied_after_s=None)
    judgement = judge([unanswered, accepted("metrics", second, number=2)])
    assert judgement.failing == ()
    (finding,) = judgement.reported
    assert finding == Finding(
        rule="OTLP-METRIC-021",
        where="request 2, service 'shop', metric 'hits', point 1: start_time_unix_nano",
        expected="delta points of one series whose intervals do not overlap",
        received="two points that differ for the interval "
        "(1700000000000000000, 1700000001000000000], the former from request 1",
        severity="error",
        hint="two processes may share one resource: give each its own service.instance.id",
    )


def test_a_delta_that_is_sent_again_is_known_by_all_that_it_says_even_without_a_number() -> None:
    message = metric_request()
    message.resource_metrics[0].scope_metrics[0].metrics[2].sum.data_points[0].as_double = math.nan
    requests = [
        accepted("metrics", message, number=1, replied_after_s=None),
        accepted("metrics", message, number=2),
    ]
    assert validate_requests(requests) == ()
    requests[0].replied_at = 100.01
    requests[0].http_status = 200
    (finding,) = validate_requests(requests)
    assert finding.received.startswith("the same point again for the interval (")


def test_deltas_sent_again_after_a_refusal_are_not_accused() -> None:
    first = accepted("metrics", metric_request(), number=1)
    first.grpc_status = 14
    assert validate_requests([first, accepted("metrics", metric_request(), number=2)]) == ()


def test_two_processes_with_one_resource_are_two_producers() -> None:
    requests = [
        accepted("metrics", metric_request(), number=1, owner="a"),
        accepted("metrics", metric_request(), number=2, owner="b"),
    ]
    assert validate_requests(requests) == ()


def test_two_resources_are_two_producers() -> None:
    other = metric_request()
    other.resource_metrics[0].resource.CopyFrom(resource("payments"))
    assert findings_of("metrics", [metric_request(), other]) == ()

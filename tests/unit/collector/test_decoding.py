"""What is kept of a body that cannot be taken."""

import itertools
import json
import zlib

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from otlptest.collector.server.decoding import Export, decoded
from otlptest.collector.server.request_head import head_of
from otlptest.model import Signal
from otlptest.wire.otlp import otlp_json
from otlptest.wire.transport.limits import DEFAULT_LIMITS


def exported(media_type: str, body: bytes, path: str = "/v1/traces") -> Export:
    fields = (("content-type", media_type),)
    head = head_of("POST", path, fields, "http", None, is_http2=False)
    return decoded(head, body, DEFAULT_LIMITS)


def kept(media_type: str, body: bytes) -> tuple[bytes, bytes | None, str]:
    export = exported(media_type, body)
    return export.body, export.packed_json, export.error.rule if export.error else ""


def test_the_text_of_bad_json_is_kept_and_gives_no_message() -> None:
    text = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"W47="}]}]}]}'
    body, packed, rule = kept("application/json", text)
    assert (body, rule) == (b"", "OTLP-JSON-003")
    assert packed is not None
    assert zlib.decompress(packed) == text


def test_bad_protobuf_is_kept_as_it_came() -> None:
    assert kept("application/x-protobuf", b"\xff") == (b"\xff", None, "OTLP-HTTP-008")


def test_places_where_json_lost_telemetry_are_kept_and_it_is_taken() -> None:
    export = exported("application/json", b'{"resource_spans":[{"scope_spans":[]}]}')
    key = "resource_spans instead of resourceSpans"
    assert (export.error, export.body, export.unread_keys) == (None, b"", (key,))


SIGNALS_IN_JSON = {
    "traces": ("/v1/traces", "resourceSpans"),
    "metrics": ("/v1/metrics", "resourceMetrics"),
    "logs": ("/v1/logs", "resourceLogs"),
    "profiles": ("/v1development/profiles", "resourceProfiles"),
}


@pytest.mark.parametrize(
    ("sent_as", "other"),
    [
        pytest.param(sent_as, other, id=f"{other} as {sent_as}")
        for sent_as, other in itertools.permutations(SIGNALS_IN_JSON, 2)
    ],
)
def test_json_of_another_signal_is_refused_as_protobuf_is(sent_as: str, other: str) -> None:
    path, _ = SIGNALS_IN_JSON[sent_as]
    _, key = SIGNALS_IN_JSON[other]
    export = exported("application/json", f'{{"{key}":[{{}}]}}'.encode(), path)
    assert export.error is not None
    assert (export.error.kind, export.error.rule) == ("malformed", "OTLP-JSON-036")
    assert export.error.problem == f"a request of {other}, sent as {sent_as}"
    assert export.packed_json is not None


def test_logs_as_traces_get_one_sentence_in_both_encodings() -> None:
    text = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","flags":1}]}]}]}'
    message = otlp_json.decode_request("logs", text).SerializeToString()
    in_json, in_protobuf = (
        exported("application/json", text).error,
        exported("application/x-protobuf", message).error,
    )
    assert in_json is not None
    assert in_protobuf is not None
    assert in_json.problem == in_protobuf.problem == "a request of logs, sent as traces"


def test_a_metric_without_a_name_is_no_log_record_though_it_could_be_read_as_one() -> None:
    point = '{"asInt":"1"}'  # as the body of a record: a text of control characters
    text = f'{{"gauge":{{"dataPoints":[{point}]}}}}'
    request = f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{text}]}}]}}]}}'
    message = otlp_json.decode_request("metrics", request.encode()).SerializeToString()
    assert exported("application/x-protobuf", message, "/v1/metrics").error is None


TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
LOGS_BODY_ONLY = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}'
POINTS = '{"dataPoints":[{"asInt":"1","timeUnixNano":"5"}]}'
METRIC = (
    f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"hits","sum":{POINTS}}}]}}]}}]}}'
)


@pytest.mark.parametrize(
    ("other", "text", "sent_as"),
    [
        pytest.param("logs", LOGS_BODY_ONLY, "traces", id="a record with a body only, as a span"),
        pytest.param("metrics", METRIC, "traces", id="a metric, its name as a trace id"),
        pytest.param("metrics", METRIC, "logs", id="a metric as a record"),
    ],
)
def test_protobuf_of_another_signal_is_known_by_a_whole_item(
    other: Signal, text: str, sent_as: Signal
) -> None:
    message = otlp_json.decode_request(other, text.encode()).SerializeToString()
    export = exported("application/x-protobuf", message, f"/v1/{sent_as}")
    assert export.error is not None
    assert export.error.problem == f"a request of {other}, sent as {sent_as}"


@pytest.mark.parametrize(
    "span",
    [
        pytest.param({}, id="an empty span"),
        pytest.param({"name": "x"}, id="only a name"),
        pytest.param({"name": "POST /checkout", "startTimeUnixNano": "5"}, id="no ids"),
        pytest.param({"traceId": TRACE_ID, "name": "x"}, id="no span id"),
        pytest.param({"spanId": SPAN_ID, "name": "x", "attributes": [{"key": "a"}]}, id="one id"),
    ],
)
def test_a_span_that_lacks_something_is_no_item_of_another_signal(span: dict[str, object]) -> None:
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    message = otlp_json.decode_request("traces", text).SerializeToString()
    assert exported("application/x-protobuf", message).error is None


@pytest.mark.parametrize("has_ids", [True, False])
def test_an_unknown_field_does_not_make_a_span_of_wrong_ids_another_signals(has_ids: bool) -> None:  # noqa: FBT001 -- a parameter of the table
    span = Span(trace_id=TRACE_ID.encode() if has_ids else b"", name="x", start_time_unix_nano=5)
    later = span.SerializeToString() + b"\xfa\x3f\x01x"  # field 1023: a newer OTLP's
    scope = ScopeSpans.FromString(b"\x12" + bytes([len(later)]) + later)
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope])])
    assert exported("application/x-protobuf", request.SerializeToString()).error is None


@pytest.mark.parametrize("key", ["resource_logs", "ResourceLogs"])
def test_a_misspelt_key_of_another_signal_is_that_signals(key: str) -> None:
    export = exported("application/json", f'{{"{key}":[{{}}]}}'.encode())
    assert export.error is not None
    assert export.error.problem == "a request of logs, sent as traces"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"resourceLogs":[]}', id="nothing in it"),
        pytest.param('{"resourceLogs":null}', id="null"),
        pytest.param('{"resourceLogs":1}', id="no list"),
        pytest.param('{"resourceSpans":[],"resourceLogs":[{}]}', id="its own key too"),
        pytest.param('{"resource_spans":[{}],"resourceLogs":[{}]}', id="its own key, misspelt"),
        pytest.param("{}", id="an empty request"),
    ],
)
def test_json_that_may_be_of_its_signal_is_taken(text: str) -> None:
    assert exported("application/json", text.encode()).error is None


def test_five_places_are_enough() -> None:
    keys = ",".join(f'"{"_" * number}name":"x"' for number in range(1, 9))
    text = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{keys}}}]}}]}}]}}'
    assert len(exported("application/json", text.encode()).unread_keys) == 5

"""What a client is told is exactly what was planned, over gRPC and HTTP in both encodings."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped]  # has no py.typed
    BadRequest,
    RetryInfo,
)
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # has no py.typed
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otlptest import FakeCollector, faults
from otlptest.faults import GrpcCode, ReplyFault
from otlptest.model import Signal
from otlptest.wire.otlp.signals import SIGNAL_NAMES
from otlptest.wire.transport.compression import decompress
from otlptest.wire.transport.grpc_framing import PREFIX_SIZE
from otlptest.wire.transport.statuses import decode_status_details
from tests.support.faulted import call_grpcio, call_raw, planned, post
from tests.support.http2_talk import call, talk2
from tests.support.receiving import JSON, PROTOBUF, span_request

RESPONSES: dict[Signal, Any] = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}
ENCODINGS = pytest.mark.parametrize("content_type", [PROTOBUF, JSON], ids=["protobuf", "json"])


def status_in(body: bytes, content_type: str) -> Status:
    if content_type == JSON:
        return ParseDict(json.loads(body), Status())
    return Status.FromString(body)


# Over HTTP.


@ENCODINGS
@pytest.mark.parametrize("code", [400, 404, 413, 429, 500, 502, 503, 504, 599])
def test_http_error_carries_a_status_in_the_encoding_of_the_request(
    code: int, content_type: str
) -> None:
    with planned(faults.status(code, message="try later")) as fake:
        told = post(fake, content_type=content_type)
    assert told.status == code
    assert told.headers["content-type"] == content_type
    assert "retry-after" not in told.headers
    status = status_in(told.body, content_type)
    assert status.message == "try later"
    assert status.code == faults.status(code).grpc_code


@ENCODINGS
def test_http_error_without_a_message_says_what_planned_it(content_type: str) -> None:
    with planned(faults.unavailable()) as fake:
        told = post(fake, content_type=content_type)
    assert status_in(told.body, content_type).message == "planned by a test: faults.unavailable()"


@ENCODINGS
def test_bad_request_describes_what_is_bad(content_type: str) -> None:
    fault = faults.status(400, violations={"resource_spans[0]": "no scope"})
    with planned(fault) as fake:
        told = post(fake, content_type=content_type)
    detail = BadRequest()
    (found,) = status_in(told.body, content_type).details
    assert found.Unpack(detail)
    (violation,) = detail.field_violations
    assert (violation.field, violation.description) == ("resource_spans[0]", "no scope")


@pytest.mark.parametrize(
    ("wait_s", "header"), [(0, "0"), (0.2, "1"), (1, "1"), (1.5, "2"), (3600, "3600")]
)
def test_retry_after_is_whole_seconds_and_never_too_early(wait_s: float, header: str) -> None:
    with planned(faults.status(503, retry_after_s=wait_s)) as fake:
        assert post(fake).headers["retry-after"] == header


def test_retry_after_can_be_an_http_date() -> None:
    before = datetime.now(UTC)
    with planned(faults.unavailable(retry_after_s=10, retry_after_form="date")) as fake:
        header = post(fake).headers["retry-after"]
    after = datetime.now(UTC)
    assert header.endswith(" GMT")
    at = parsedate_to_datetime(header)
    assert (at - before).total_seconds() >= 10
    assert (at - after).total_seconds() < 11


def test_headers_replace_what_would_be_there() -> None:
    headers = {"retry-after": "soon", "X-Tenant": "a"}
    with planned(faults.status(429, retry_after_s=5, headers=headers)) as fake:
        told = post(fake)
    assert told.headers["retry-after"] == "soon"
    assert told.headers["x-tenant"] == "a"


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>"])
def test_body_and_content_type_can_be_anything(body: bytes) -> None:
    with planned(faults.status(503, body=body, content_type="text/html")) as fake:
        told = post(fake)
    assert (told.body, told.headers["content-type"]) == (body, "text/html")


@pytest.mark.parametrize(("code", "body"), [(202, b""), (204, b"")])
def test_other_successes_can_be_said(code: int, body: bytes) -> None:
    with planned(faults.status(code)) as fake:
        told = post(fake)
        assert [request.is_accepted for request in fake.requests.all()] == [True]
    assert (told.status, told.body) == (code, body)


@pytest.mark.parametrize("signal", RESPONSES)
def test_partial_success_has_the_field_of_its_signal(signal: Signal) -> None:
    fault = faults.partial_success(rejected=3, message="quota")
    names = SIGNAL_NAMES[signal]
    with planned(fault, signal=signal) as fake:
        in_protobuf = post(fake, b"", path=names.http_path)
        in_json = post(fake, b"{}", path=names.http_path, content_type=JSON)
    response = RESPONSES[signal].FromString(in_protobuf.body)
    assert getattr(response.partial_success, names.rejected_field) == 3
    assert response.partial_success.error_message == "quota"
    assert ParseDict(json.loads(in_json.body), RESPONSES[signal]()) == response
    assert '"3"' in in_json.body.decode()  # an int64 is text in JSON
    assert in_json.headers["content-type"] == JSON


def test_empty_partial_success_is_set_and_empty() -> None:
    with planned(faults.partial_success()) as fake:
        assert post(fake).body == b"\x0a\x00"
        assert post(fake, content_type=JSON).body == b'{"partialSuccess": {}}'
        assert call_raw(fake).body[PREFIX_SIZE:] == b"\x0a\x00"


def test_malformed_body_cannot_be_decoded_in_its_encoding() -> None:
    with planned(faults.malformed_body()) as fake:
        in_protobuf, in_json = post(fake), post(fake, content_type=JSON)
    assert (in_protobuf.status, in_json.status) == (200, 200)
    with pytest.raises(Exception, match="parsing"):
        ExportTraceServiceResponse.FromString(in_protobuf.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(in_json.body)


def test_malformed_body_can_be_given() -> None:
    with planned(faults.malformed_body(body=b"\xff\xff")) as fake:
        assert post(fake).body == b"\xff\xff"
        assert call_raw(fake).body[PREFIX_SIZE:] == b"\xff\xff"


def test_wrong_content_type_has_the_right_body() -> None:
    with planned(faults.wrong_content_type("text/plain")) as fake:
        told = post(fake, content_type=JSON)
        assert call_raw(fake)["content-type"] == "text/plain"
    assert (told.status, told.headers["content-type"], told.body) == (200, "text/plain", b"{}")


def test_a_content_type_can_be_left_out() -> None:
    with planned(faults.wrong_content_type("")) as fake:
        told = post(fake, content_type=JSON)
    assert (told.status, told.body) == (200, b"{}")
    assert "content-type" not in told.headers


@pytest.mark.parametrize("size", [64, 133, 134, 135, 16_390, 4 * 1024 * 1024 + 1])
def test_oversize_body_is_well_formed_and_of_exactly_that_size(size: int) -> None:
    with planned(faults.oversize_body(size_bytes=size)) as fake:
        in_protobuf, in_json, over_grpc = post(fake), post(fake, content_type=JSON), call_raw(fake)
    assert len(in_protobuf.body) == len(in_json.body) == size
    assert ExportTraceServiceResponse.FromString(in_protobuf.body).ByteSize() == size
    assert list(json.loads(in_json.body)) == ["padding"]
    assert over_grpc.body[PREFIX_SIZE:] == in_protobuf.body[: len(over_grpc.body) - PREFIX_SIZE]


def test_bomb_is_small_on_the_wire() -> None:
    size = 16 * 1024 * 1024
    with planned(faults.oversize_body(size_bytes=size, encoding="gzip")) as fake:
        told = post(fake)
    assert told.headers["content-encoding"] == "gzip"
    assert len(told.body) < 64 * 1024
    assert len(decompress("gzip", told.body, size)) == size


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_goes_elsewhere(code: int) -> None:
    with planned(faults.redirect(http_status=code), times=1) as fake:
        told = post(fake)
    assert (told.status, told.headers["location"], told.body) == (code, "/moved/v1/traces", b"")


def test_redirect_goes_where_it_is_told() -> None:
    with planned(faults.redirect("http://127.0.0.1:9/x")) as fake:
        assert post(fake).headers["location"] == "http://127.0.0.1:9/x"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_compressed_reply_says_so(encoding: str) -> None:
    partial = faults.partial_success(rejected=1, message="why")
    with planned(faults.compressed(encoding, reply=partial)) as fake:
        over_http, over_grpc = post(fake), call_raw(fake)
    assert over_http.headers["content-encoding"] == over_grpc["grpc-encoding"] == encoding
    assert over_grpc.body[0] == 1
    for body in (over_http.body, over_grpc.body[PREFIX_SIZE:]):
        response = ExportTraceServiceResponse.FromString(decompress(encoding, body, 1000))
        assert response.partial_success.error_message == "why"


# Over gRPC.


@pytest.mark.parametrize("code", [code for code in GrpcCode if code], ids=lambda code: code.name)
def test_grpcio_gets_the_status(code: GrpcCode) -> None:
    with planned(faults.status(code, message="100 % full\n…")) as fake:
        error = call_grpcio(fake)
        (request,) = fake.requests.all()
    assert error.code().name == code.name
    assert error.details() == "100 % full\n…"
    assert "grpc-status-details-bin" not in dict(error.trailing_metadata())
    assert (request.http_status, request.grpc_status) == (200, code)


@pytest.mark.parametrize("wait_s", [0, 0.2, 1, 90])
def test_retry_info_is_a_detail_with_the_exact_delay(wait_s: float) -> None:
    with planned(faults.resource_exhausted(retry_after_s=wait_s)) as fake:
        error = call_grpcio(fake)
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    info = RetryInfo()
    (detail,) = status.details
    assert detail.Unpack(info)
    assert info.HasField("retry_delay")
    assert info.retry_delay.seconds + info.retry_delay.nanos / 1e9 == pytest.approx(wait_s)
    assert status.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


def test_bad_request_is_a_detail_too() -> None:
    fault = faults.status("INVALID_ARGUMENT", violations={"a.b": "wrong"}, retry_after_s=1)
    with planned(fault) as fake:
        status = decode_status_details(call_raw(fake)["grpc-status-details-bin"])
    assert status.details == ("google.rpc.BadRequest", "google.rpc.RetryInfo")
    assert [(each.field, each.description) for each in status.violations] == [("a.b", "wrong")]


@pytest.mark.parametrize(("only", "blocks"), [(True, 1), (False, 2)], ids=["one", "two"])
def test_failure_comes_in_one_header_block_or_two(only: bool, blocks: int) -> None:  # noqa: FBT001 -- of the table
    with planned(faults.status("UNAVAILABLE", is_trailers_only=only)) as fake:
        answer = call_raw(fake)
        assert call_grpcio(fake).code() is grpc.StatusCode.UNAVAILABLE
    names = [name for name, _ in answer.fields]
    assert names == [":status", "content-type", "grpc-status", "grpc-message"]
    assert answer.blocks == blocks


def test_bare_http_status_has_no_grpc_status() -> None:
    with planned(faults.status(503, is_bare=True)) as fake:
        answer, error = call_raw(fake), call_grpcio(fake)
        request = fake.requests.all()[0]
    assert answer[":status"] == "503"
    assert answer.get("grpc-status") is None
    assert error.code() is grpc.StatusCode.UNAVAILABLE  # what gRPC makes of a 503
    assert (request.http_status, request.grpc_status) == (503, None)


@pytest.mark.parametrize(
    ("fault", "response"),
    [
        (faults.ok(), b""),
        (
            faults.partial_success(rejected=2, message="m"),
            b"\x0a\x05\x08\x02\x12\x01m",
        ),
        (faults.compressed(), b""),
    ],
    ids=repr,
)
def test_grpcio_takes_successes(fault: ReplyFault, response: bytes) -> None:
    with planned(fault) as fake:
        assert call_grpcio(fake) == response


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.oversize_body(), grpc.StatusCode.RESOURCE_EXHAUSTED),  # grpcio's own limit
        (faults.redirect(), grpc.StatusCode.UNKNOWN),
    ],
    ids=repr,
)
def test_grpcio_refuses_what_is_no_good_response(fault: ReplyFault, code: grpc.StatusCode) -> None:
    with planned(fault) as fake:
        assert call_grpcio(fake).code() is code


def test_trailers_can_be_added() -> None:
    headers = {"grpc-retry-pushback-ms": "100"}
    with planned(faults.status("UNAVAILABLE", headers=headers)) as fake:
        assert call_raw(fake)["grpc-retry-pushback-ms"] == "100"


# Over HTTP/2 without gRPC.


def test_http_over_http2_is_told_the_same() -> None:
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/v1/traces"),
        (":authority", "localhost"),
        ("content-type", PROTOBUF),
    )
    with planned(faults.status(429, retry_after_s=2, message="slow down")) as fake:
        answer = talk2(fake.http_port, call(body=span_request("a"), fields=fields)).answers[1]
    assert (answer[":status"], answer["retry-after"]) == ("429", "2")
    assert int(answer["content-length"]) == len(answer.body)
    assert Status.FromString(answer.body).message == "slow down"


# What a request remembers.


def test_request_remembers_its_reply_and_whether_it_was_received() -> None:
    planned_ones = (faults.unavailable(retry_after_s=0.2), faults.partial_success(rejected=1))
    with planned(*planned_ones, faults.ok()) as fake:
        for _ in range(3):
            post(fake)
        requests = fake.requests.all()
        assert fake.spans.count() == 2
    assert [request.reply_fault for request in requests] == [
        "faults.unavailable(retry_after_s=0.2)",
        "faults.partial_success(rejected=1)",
        "faults.ok()",
    ]
    assert [request.is_discarded for request in requests] == [True, False, False]
    assert [request.http_status for request in requests] == [503, 200, 200]


def test_request_that_is_bad_stays_refused_and_uses_no_fault() -> None:
    with planned(faults.status(503), times=1) as fake:
        assert post(fake, b"\xff").status == 400
        assert post(fake).status == 503
        assert post(fake).status == 200


def test_nothing_planned_is_nothing_remembered() -> None:
    with FakeCollector() as fake:
        post(fake)
        (request,) = fake.requests.all()
    assert (request.reply_fault, request.is_discarded) == ("", False)

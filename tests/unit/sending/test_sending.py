"""What is sent arrives, over each protocol, and each answer is told apart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otlptest import send
from otlptest.errors import (
    SendError,
    UsageError,
)
from otlptest.model import Headers, LogRecord, NumberPoint, Protocol, Span
from otlptest.model.enums import MetricType
from otlptest.model.metrics import MetricIdentity
from otlptest.sending import ExportResult
from otlptest.wire.otlp import otlp_json
from otlptest.wire.otlp.otlp_protobuf import encode_message
from otlptest.wire.transport.certificates import ThrowAwayCertificates
from otlptest.wire.transport.compression import compress, decompress
from otlptest.wire.transport.statuses import GrpcCode, RpcStatus, encode_status
from tests.support.receivers import (
    JSON,
    PROTOBUF,
    Answer,
    Endpoints,
    grpc_receiver,
    http_receiver,
)

SPAN = Span(trace_id="0a" * 16, span_id="0b" * 8, name="charge")
LOG = LogRecord(severity_text="b")
POINT = NumberPoint(metric=MetricIdentity(name="m", type=MetricType.GAUGE), value=1)


def request(name: str = "charge") -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add(name=name)
    return message


def answered(body: bytes, _context: grpc.ServicerContext) -> bytes:
    return b""


@pytest.mark.parametrize("compression", [None, "gzip", "deflate", "zstd", "X-GZIP"])
def test_protobuf_over_http_arrives(compression: str | None) -> None:
    with http_receiver(Answer()) as receiver:
        result = send(request(), to=receiver.url, compression=compression)
    (taken,) = receiver.taken
    assert result.is_success
    assert taken.path == "/v1/traces"
    assert taken.headers["content-type"] == PROTOBUF
    encoding = taken.headers.get("content-encoding")
    assert encoding == (None if compression is None else compression.lower().removeprefix("x-"))
    assert decompress(encoding or "", taken.body, 1000) == encode_message(request())
    (export,) = result
    assert (export.http_status, export.grpc_status, export.protocol) == (200, None, "http/protobuf")
    assert export.target == f"{receiver.url}/v1/traces"
    assert export.size == len(encode_message(request()))
    assert export.elapsed_s > 0


def test_json_over_http_arrives() -> None:
    with http_receiver(Answer(headers={"Content-Type": JSON}, body=b"{}")) as receiver:
        assert send(request(), to=receiver.url, protocol="http/json").is_success
    assert receiver.taken[0].headers["content-type"] == JSON
    assert receiver.taken[0].body == otlp_json.encode_message(request())


@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_grpc_arrives(compression: str | None) -> None:
    with grpc_receiver(answered) as (address, taken):
        result = send(
            request(), to=address, protocol="grpc", compression=compression, headers={"X-A": "1"}
        )
    assert result.is_success
    assert taken[0].path == "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    assert taken[0].body == encode_message(request())
    assert taken[0].headers["x-a"] == "1"
    assert (result.exports[0].grpc_status, result.exports[0].http_status) == (0, None)


def test_headers_are_added_and_replace_ours() -> None:
    with http_receiver(Answer()) as receiver:
        send(request(), to=receiver.url, headers={"X-Tenant": "a", "content-type": "text/plain"})
    headers = receiver.taken[0].headers
    assert (headers["x-tenant"], headers["content-type"]) == ("a", "text/plain")


def test_requests_of_one_call_share_a_connection() -> None:
    with http_receiver(Answer()) as receiver:
        assert len(send([SPAN, LOG, POINT], to=receiver.url)) == 3
    assert [taken.path for taken in receiver.taken] == ["/v1/traces", "/v1/logs", "/v1/metrics"]
    assert len({taken.connection for taken in receiver.taken}) == 1


def test_a_connection_that_the_receiver_ended_is_replaced() -> None:
    closing = Answer(headers={"Content-Type": PROTOBUF, "Connection": "close"})
    with http_receiver(closing) as receiver:
        assert send([SPAN, LOG], to=receiver.url).is_success
    assert len({taken.connection for taken in receiver.taken}) == 2


class TraceLike:
    spans = (SPAN, SPAN)


DATA: dict[str, tuple[Any, list[str]]] = {
    "message": (request(), ["/v1/traces"]),
    "messages": ([request(), request()], ["/v1/traces", "/v1/traces"]),
    "span": (SPAN, ["/v1/traces"]),
    "generator": ((item for item in [LOG, LOG]), ["/v1/logs"]),
    "mixed-items": ([LOG, SPAN, LOG], ["/v1/logs", "/v1/traces"]),
    "trace": (TraceLike(), ["/v1/traces"]),
    "json-bytes": (otlp_json.encode_message(request()), ["/v1/traces"]),
    "protobuf-bytes": (bytearray(encode_message(request())), ["/v1/traces"]),
}


@pytest.mark.parametrize(("data", "paths"), DATA.values(), ids=DATA)
def test_all_sorts_of_data_are_sent(data: Any, paths: list[str]) -> None:  # noqa: ANN401 -- all sorts
    with http_receiver(Answer()) as receiver:
        assert send(data, to=Endpoints(http_endpoint=receiver.url)).is_success
    assert [taken.path for taken in receiver.taken] == paths
    assert all(taken.body for taken in receiver.taken)


def test_data_with_the_fields_of_a_request_is_sent_as_one() -> None:
    from opentelemetry.proto.trace.v1.trace_pb2 import TracesData  # noqa: PLC0415 -- only here

    data = TracesData.FromString(encode_message(request()))
    with http_receiver(Answer()) as receiver:
        send(data, to=receiver.url)
    assert receiver.taken[0].body == encode_message(request())


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        pytest.param("http/protobuf", Answer(), id="protobuf"),
        pytest.param("http/json", Answer(headers={"Content-Type": JSON}), id="json"),
    ],
)
def test_bytes_of_a_given_signal_are_sent_as_they_are(protocol: Protocol, answer: Answer) -> None:
    with http_receiver(answer) as receiver:
        send(b"\xff\x00", to=receiver.url, signal="logs", protocol=protocol)
    assert (receiver.taken[0].path, receiver.taken[0].body) == ("/v1/logs", b"\xff\x00")


def test_every_request_of_a_file_is_sent_and_known_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [otlp_json.encode_message(request(name)) for name in ("a", "b")]
    file.write_bytes(compress("gzip", b"\n\n".join(lines)))
    with http_receiver(Answer()) as receiver:
        result = send(str(file), to=receiver.url)
    assert [export.origin for export in result] == [f"{file}: line 1", f"{file}: line 3"]
    assert [taken.body for taken in receiver.taken] == [
        encode_message(request(name)) for name in ("a", "b")
    ]


def test_a_protobuf_file_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(encode_message(request()))
    with http_receiver(Answer()) as receiver:
        (export,) = send(tmp_path / "a.pb", to=receiver.url)
    assert export.origin == str(tmp_path / "a.pb")


def test_a_shipped_file_is_sent_by_its_name() -> None:
    with http_receiver(Answer()) as receiver:
        assert send("builtin:payloads/traces/checkout.json", to=receiver.url).is_success


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("", "/v1/traces", id="none"),
        pytest.param("/", "/v1/traces", id="slash"),
        pytest.param("/tenant/a/", "/tenant/a/v1/traces", id="prefix"),
        pytest.param("/tenant/v1/traces", "/tenant/v1/traces", id="whole"),
    ],
)
def test_a_path_stands_before_the_signals(path: str, expected: str) -> None:
    with http_receiver(Answer()) as receiver:
        send(request(), to=receiver.url + path)
    assert receiver.taken[0].path == expected


def partial_success(rejected: int, message: str) -> ExportTraceServiceResponse:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return response


PARTIAL = partial_success(3, "quota")


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        pytest.param("http/protobuf", Answer(body=encode_message(PARTIAL)), id="protobuf"),
        pytest.param(
            "http/json",
            Answer(headers={"Content-Type": JSON}, body=otlp_json.encode_message(PARTIAL)),
            id="json",
        ),
        pytest.param(
            "http/protobuf",
            Answer(
                headers={"Content-Type": PROTOBUF, "Content-Encoding": "gzip"},
                body=compress("gzip", encode_message(PARTIAL)),
            ),
            id="gzip",
        ),
    ],
)
def test_a_partial_success_over_http_is_read(protocol: Protocol, answer: Answer) -> None:
    with http_receiver(answer) as receiver:
        result = send(request(), to=receiver.url, protocol=protocol)
    assert (result.rejected, result.message, result.is_success) == (3, "quota", False)
    assert result.exports[0].is_success


def test_a_partial_success_over_grpc_is_read() -> None:
    with grpc_receiver(lambda _body, _context: encode_message(PARTIAL)) as (address, _):
        result = send(request(), to=address, protocol="grpc")
    assert (result.rejected, result.message, result.exports[0].is_success) == (3, "quota", True)


STATUS = RpcStatus(
    code=GrpcCode.UNAVAILABLE,
    message="come back later",
    retry_delay_s=1.5,
    details=("google.rpc.RetryInfo",),
)


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_an_error_over_http_is_a_result_with_its_status(encoding: str) -> None:
    media_type = {"protobuf": PROTOBUF, "json": JSON}[encoding]
    answer = Answer(
        status=503,
        headers={"Content-Type": f"{media_type}; charset=utf-8", "Retry-After": "7"},
        body=encode_status(STATUS, encoding),
    )
    with http_receiver(answer) as receiver:
        (export,) = send(request(), to=receiver.url)
    assert not export.is_success
    assert (export.http_status, export.status, export.message) == (503, STATUS, STATUS.message)
    assert export.retry_after_s == 7
    assert export.headers["RETRY-AFTER"] == "7"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(status=404, headers={}, body=b"<html>\nnot  here"), id="html"),
        pytest.param(Answer(status=400, body=b"<html> not here"), id="mislabelled"),
        pytest.param(
            Answer(status=302, headers={"Location": "/"}, body=b"<html> not here"), id="redirect"
        ),
    ],
)
def test_an_error_without_a_status_is_a_result_with_its_text(answer: Answer) -> None:
    with http_receiver(answer) as receiver:
        (export,) = send(request(), to=receiver.url)
    assert (export.is_success, export.status) == (False, None)
    assert export.message == "<html> not here"


def test_an_accepted_without_content_is_a_success() -> None:
    with http_receiver(Answer(status=204, headers={})) as receiver:
        assert send(request(), to=receiver.url).is_success


def test_an_error_over_grpc_is_a_result_with_its_details() -> None:
    def refuse(_body: bytes, context: grpc.ServicerContext) -> bytes:
        trailer = ("grpc-status-details-bin", encode_status(STATUS, "protobuf"))
        context.set_trailing_metadata((trailer, ("x-why", "load")))
        context.abort(grpc.StatusCode.UNAVAILABLE, "come back later")

    with grpc_receiver(refuse) as (address, _):
        (export,) = send(request(), to=address, protocol="grpc")
    assert (export.is_success, export.grpc_status, export.status) == (False, 14, STATUS)
    assert export.retry_after_s == 1.5
    assert export.headers["x-why"] == "load"


@pytest.mark.parametrize(
    "message",
    [
        "connection refused by the database",
        "failed to connect to all addresses",
        "upstream: connection reset by peer",
        "grpc: received message larger than max (5 vs. 4)",
        "SERVER: Received message larger than max (5 vs. 4)",
        f"Received message larger than max ({len(encode_message(request()))} vs. 4194304)",
    ],
)
def test_what_grpcio_could_have_made_up_is_the_receivers_answer(message: str) -> None:
    def refuse(_body: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNAVAILABLE, message)

    with grpc_receiver(refuse) as (address, _):
        (export,) = send(request(), to=address, protocol="grpc")
    assert (export.grpc_status, export.message) == (14, message)


@pytest.mark.parametrize("trailer", [None, b"\xff"])
def test_an_error_over_grpc_without_details_has_code_and_message(trailer: bytes | None) -> None:
    def refuse(_body: bytes, context: grpc.ServicerContext) -> bytes:
        if trailer is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", trailer),))
        context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "mine, not yours")

    with grpc_receiver(refuse) as (address, _):
        (export,) = send(request(), to=address, protocol="grpc")
    assert export.status == RpcStatus(code=GrpcCode.DEADLINE_EXCEEDED, message="mine, not yours")


@pytest.fixture(scope="module")
def certificates() -> Iterator[ThrowAwayCertificates]:
    with ThrowAwayCertificates() as made:
        yield made


def test_tls_with_a_client_certificate(certificates: ThrowAwayCertificates) -> None:
    context = certificates.server_context(needs_client_certificate=True)
    context.set_alpn_protocols(["http/1.1"])
    with http_receiver(Answer(), context=context) as receiver:
        result = send(
            [SPAN, LOG],
            to=receiver.url,
            ca_file=certificates.ca_file,
            certificate_file=certificates.client_certificate_file,
            key_file=certificates.client_key_file,
        )
        assert result.is_success
        with pytest.raises(SendError, match="certificate is not trusted") as caught:
            send(SPAN, to=receiver.url)
        assert "ca_file=" in str(caught.value)
    assert len({taken.connection for taken in receiver.taken}) == 1


def test_tls_over_grpc_with_the_files_of_a_collector(certificates: ThrowAwayCertificates) -> None:
    pair = (certificates.server_key_file.read_bytes(), certificates.server_certificate_file)
    credentials = grpc.ssl_server_credentials(
        [(pair[0], pair[1].read_bytes())], certificates.ca_file.read_bytes(), True
    )
    with grpc_receiver(answered, credentials=credentials) as (address, _):
        collector = Endpoints(grpc_endpoint=f"https://{address}")
        collector.__dict__.update(
            ca_file=certificates.ca_file,
            client_certificate_file=certificates.client_certificate_file,
            client_key_file=str(certificates.client_key_file),
        )
        assert send(SPAN, to=collector, protocol="grpc").is_success
        with pytest.raises(SendError, match=r"certificate is not trusted: .*\n.*give ca_file="):
            send(SPAN, to=f"https://{address}", protocol="grpc")


def test_a_certificate_that_cannot_be_read_is_one_error() -> None:
    for protocol in ("grpc", "http/protobuf"):
        with pytest.raises(UsageError, match=r"nope\.pem' cannot be read"):
            send(SPAN, to="https://127.0.0.1:1", protocol=protocol, ca_file="nope.pem")


@pytest.mark.parametrize(
    ("to", "protocol", "url"),
    [
        pytest.param("a:4317", None, "a:4317/opentelemetry", id="grpc-port"),
        pytest.param("a:4318", None, "http://a:4318/v1/traces", id="http-port"),
        pytest.param("a", None, "http://a:4318/v1/traces", id="bare-host"),
        pytest.param("a", "grpc", "a:4317/opentelemetry", id="bare-host-grpc"),
        pytest.param("https://a", None, "https://a:443/v1/traces", id="https"),
        pytest.param("http://a", "http/json", "http://a:80/v1/traces", id="http"),
        pytest.param("http://[::1]:5", None, "http://[::1]:5/v1/traces", id="ipv6"),
    ],
)
def test_protocol_and_port_follow_from_the_target(
    to: str, protocol: Protocol | None, url: str
) -> None:
    from otlptest.sending.targets import target_of  # noqa: PLC0415 -- the one test of it alone

    assert target_of(to, protocol).url_of("traces").startswith(url)


def test_a_result_reads_as_a_whole() -> None:
    with http_receiver(Answer(), Answer(body=encode_message(PARTIAL))) as receiver:
        result = send([request(), request()], to=receiver.url)
    assert [export.rejected for export in result] == [0, 3]
    assert (len(result), result.rejected, result.message) == (2, 3, "quota")
    assert isinstance(result.exports[0].headers, Headers)
    assert json.dumps(result.rejected) == "3"


RETRIED: dict[str, tuple[dict[str, Any], bool]] = {
    "503": ({"http_status": 503}, True),
    "500": ({"http_status": 500}, False),
    "no answer": ({}, False),
    "UNAVAILABLE": ({"grpc_status": 14}, True),
    "RESOURCE_EXHAUSTED": ({"grpc_status": 8}, False),
    "RESOURCE_EXHAUSTED with RetryInfo": (
        {"grpc_status": 8, "status": RpcStatus(code=8, retry_delay_s=1.0)},
        True,
    ),
    "partial success": ({"http_status": 200, "is_success": True, "rejected": 3}, False),
}


@pytest.mark.parametrize(("answer", "is_retryable"), RETRIED.values(), ids=RETRIED.keys())
def test_what_may_be_sent_again_is_told(answer: dict[str, Any], is_retryable: bool) -> None:  # noqa: FBT001 -- of the table
    result = ExportResult(signal="traces", protocol="grpc", target="x", **answer)
    assert result.is_retryable is is_retryable

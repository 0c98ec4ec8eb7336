"""What cannot be sent, or is answered by what is not OTLP, is one clear error."""

import contextlib
import socket
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
from otlptest.errors import FileFormatError, SendError, UsageError, WireError
from otlptest.model import Protocol, Span
from otlptest.wire.otlp import otlp_json
from otlptest.wire.transport.certificates import ThrowAwayCertificates
from tests.support.receivers import (
    Answer,
    Endpoints,
    closed_port,
    grpc_receiver,
    http_receiver,
    raw_receiver,
)

SPAN = Span(trace_id="0a" * 16, span_id="0b" * 8, name="charge")


def request(name: str = "charge") -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add(name=name)
    return message


def answered(_body: bytes, _context: grpc.ServicerContext) -> bytes:
    return b""


@pytest.fixture(scope="module")
def certificates() -> Iterator[ThrowAwayCertificates]:
    with ThrowAwayCertificates() as made:
        yield made


PROTOCOLS: list[Protocol] = ["grpc", "http/protobuf", "http/json"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_listens_is_one_error(protocol: Protocol) -> None:
    with pytest.raises(SendError, match="nothing listens there") as caught:
        send(SPAN, to=f"127.0.0.1:{closed_port()}", protocol=protocol)
    assert "hint: start the receiver first" in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_answer_in_time_is_one_error(protocol: Protocol) -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with raw_receiver(silent) as url, pytest.raises(SendError, match=r"no answer within 0\.3 s"):
        send(SPAN, to=url, protocol=protocol, timeout_s=0.3)


def test_an_answer_that_trickles_in_is_cut_at_the_deadline() -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        connection.settimeout(0.05)
        for number in range(1000):
            connection.sendall(b"x-%d: 1\r\n" % number)
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return

    with raw_receiver(trickle) as url, pytest.raises(SendError, match=r"no answer within 0\.4 s"):
        send(SPAN, to=url, timeout_s=0.4)


def says(answer: bytes) -> Any:  # noqa: ANN401 -- what raw_receiver takes
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return talk


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
NO_OTLP: dict[str, tuple[bytes, str]] = {
    "no-http": (b"SSH-2.0-OpenSSH\r\n", r"not HTTP/1\.1: 'SSH-2\.0-OpenSSH"),
    "closed": (b"", "closed the connection without an answer"),
    "cut": (HEAD + b"Content-Length: 100\r\n\r\nabc", "its answer was cut off"),
    "no-protobuf": (HEAD + b"Content-Length: 1\r\n\r\n\xff", "what is not OTLP"),
    "bad-gzip": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n\xff",
        "its answer cannot be read: the body is not a gzip stream",
    ),
    "html": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html",
        "answers success as text/html, not as application/x-protobuf: '<html'",
    ),
    "no-media-type": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "answers success as no media type",
    ),
    "json-for-protobuf": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "answers success as application/json",
    ),
    "too-large": (
        HEAD + b"Content-Length: 5000000\r\n\r\n" + b"x" * 5_000_000,
        "larger than 4194304 bytes",
    ),
}


@pytest.mark.parametrize(("answer", "problem"), NO_OTLP.values(), ids=NO_OTLP)
def test_an_answer_that_is_no_otlp_is_one_error(answer: bytes, problem: str) -> None:
    with raw_receiver(says(answer)) as url, pytest.raises(SendError, match=problem):
        send(SPAN, to=url)


def test_an_answer_before_the_body_was_read_is_read() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(2)
        while connection.recv(1 << 20):
            pass

    def refuse_and_reset(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    big = request("x" * (8 << 20))
    for talk in (refuse, refuse_and_reset):
        with raw_receiver(talk) as url:
            (export,) = send(big, to=url)
        assert export.http_status == 413


def test_http_spoken_to_a_tls_port_and_back_is_one_error(
    certificates: ThrowAwayCertificates,
) -> None:
    context = certificates.server_context()
    context.set_alpn_protocols(["http/1.1"])
    with http_receiver(Answer(), context=context) as receiver, pytest.raises(SendError):
        send(SPAN, to=receiver.url.replace("https", "http"), timeout_s=2)
    with http_receiver(Answer()) as receiver, pytest.raises(SendError, match="TLS failed"):
        send(SPAN, to=receiver.url.replace("http", "https"), timeout_s=2)


def test_grpc_spoken_to_an_http_port_and_back_is_one_error() -> None:
    with (
        http_receiver(Answer()) as receiver,
        pytest.raises(SendError, match="nothing that is gRPC"),
    ):
        send(SPAN, to=receiver.url, protocol="grpc", timeout_s=5)
    with grpc_receiver(answered) as (address, _), pytest.raises(SendError):
        send(SPAN, to=address, timeout_s=5)


def test_success_over_grpc_that_is_no_otlp_is_one_error() -> None:
    with (
        grpc_receiver(lambda _body, _context: b"\xff") as (address, _),
        pytest.raises(SendError, match="answers success with what is not OTLP"),
    ):
        send(SPAN, to=address, protocol="grpc")


def test_an_answer_over_grpc_that_is_too_large_is_one_error() -> None:
    with (
        grpc_receiver(lambda _body, _context: bytes(5_000_000)) as (address, _),
        pytest.raises(SendError, match="larger than 4194304 bytes"),
    ):
        send(SPAN, to=address, protocol="grpc")


def test_a_connection_lost_over_grpc_is_one_error() -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")  # an empty SETTINGS frame
        while b"opentelemetry" not in connection.recv(65536):
            pass

    with raw_receiver(hang_up) as url, pytest.raises(SendError, match="closed the connection"):
        send(SPAN, to=url, protocol="grpc", timeout_s=5)


def test_an_unknown_host_is_one_error() -> None:
    with pytest.raises(SendError, match=r"the host 'nowhere\.invalid' is not known"):
        send(SPAN, to="nowhere.invalid:4318")


USAGE: dict[str, tuple[dict[str, Any], str]] = {
    "protocol": ({"protocol": "http"}, "unknown protocol 'http'"),
    "compression": ({"compression": "gzpi"}, "did you mean 'gzip'"),
    "grpc-zstd": ({"compression": "zstd", "protocol": "grpc"}, "grpcio cannot compress with zstd"),
    "signal": ({"signal": "trace"}, "did you mean 'traces'"),
    "timeout": ({"timeout_s": -1}, "timeout_s must be a number of seconds"),
    "header-type": ({"headers": {"x": 1}}, "the header 'x' must be text and is 1"),
    "to-scheme": ({"to": "ftp://a"}, "not an http or https URL"),
    "to-port": ({"to": "http://a:x"}, "cannot send to 'http://a:x': Port"),
    "to-query": ({"to": "http://a/?b=1"}, "not an http or https URL"),
    "to-nothing": ({"to": None}, "cannot send to None: it has no http_endpoint"),
    "to-no-grpc": (
        {"to": Endpoints(http_endpoint="http://a"), "protocol": "grpc"},
        "it has a http_endpoint: choose another protocol=",
    ),
    "data-number": ({"data": 7}, "cannot send int objects"),
    "data-list": ({"data": [7]}, "cannot send int objects"),
    "data-empty": ({"data": b""}, "can be a request of"),
    "data-response": ({"data": ExportTraceServiceResponse()}, "cannot send opentelemetry.proto"),
    "data-bad-id": ({"data": Span(trace_id="zz", span_id="")}, "'zz' is not an id"),
}


@pytest.mark.parametrize(("arguments", "problem"), USAGE.values(), ids=USAGE)
def test_a_wrong_argument_is_one_error(arguments: dict[str, Any], problem: str) -> None:
    given = {"data": SPAN, "to": "http://127.0.0.1:1", **arguments}
    with pytest.raises(UsageError, match=problem.replace("?", r"\?")):
        send(given.pop("data"), **given)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_header_that_cannot_be_sent_is_one_error(protocol: Protocol) -> None:
    with http_receiver(Answer()) as receiver, pytest.raises(UsageError, match="cannot be sent"):
        send(SPAN, to=receiver.url, protocol=protocol, headers={"x a": "b\nc"}, timeout_s=2)


def test_bytes_that_are_no_request_are_told_how_to_be_sent() -> None:
    with pytest.raises(WireError, match="say of which signal= they are"):
        send(b"\xff", to="http://127.0.0.1:1")


@pytest.mark.parametrize("data", [b"{hello", b" {hello", b'{"resourceSpans": [}'])
def test_bytes_that_begin_as_json_are_judged_as_json(data: bytes) -> None:
    with pytest.raises(WireError, match="the text is not valid JSON"):
        send(data, to="http://127.0.0.1:1")


def test_protobuf_that_begins_with_a_newline_and_a_bracket_is_no_json() -> None:
    message = ExportTraceServiceRequest()
    message.resource_spans.add().scope_spans.add().spans.add(name="n" * 115, kind=1)
    data = message.SerializeToString()
    assert data[:2] == b"\n{"
    with http_receiver(Answer()) as receiver:
        send(data, to=receiver.url)
    assert len(receiver.taken) == 1


def test_a_file_with_a_bad_line_is_not_sent_in_part(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(otlp_json.encode_message(request()) + b"\nx\n")
    with http_receiver(Answer()) as receiver, pytest.raises(FileFormatError, match="line 2"):
        send(file, to=receiver.url)
    assert receiver.taken == []


def test_a_file_without_requests_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n")
    with pytest.raises(UsageError, match="holds no request"):
        send(tmp_path / "a.jsonl", to="http://127.0.0.1:1")

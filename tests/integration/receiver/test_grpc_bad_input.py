"""Bad input on the gRPC port: the status, the record, and calls that go on beside it."""

import gzip
import socket

import pytest

from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.limits import Limits
from otlptest.wire.transport.statuses import (
    decode_grpc_message,
    decode_status,
    decode_status_details,
)
from tests.support.http2_talk import OPENING, Listener, block, call, grpc_fields, talk2
from tests.support.receiving import (
    JSON,
    PROTOBUF,
    connect,
    http1,
    read_to_end,
    receiving,
    span_request,
    talk,
)

GOOD = span_request("good")
GZIP = grpc_fields(grpc_encoding="gzip")
GZIPPED = encode_grpc_frame(gzip.compress(GOOD), is_compressed=True)
BOMB = encode_grpc_frame(gzip.compress(bytes(80 * 1024 * 1024)), is_compressed=True)

REFUSED = {  # frames on stream 3, gRPC status, kind of problem
    "random bytes": (call(3, b"\xff\xff"), 3, "malformed"),
    "a message cut short": (call(3, GOOD[:-3]), 3, "malformed"),
    "invalid UTF-8": (call(3, GOOD.replace(b"good", b"\xff\xfe\xfd\xfc")), 3, "malformed"),
    "truncated gzip": (
        call(3, body=encode_grpc_frame(gzip.compress(GOOD)[:-9], is_compressed=True), fields=GZIP),
        3,
        "bad_compression",
    ),
    "no gzip at all": (
        call(3, body=encode_grpc_frame(GOOD, is_compressed=True), fields=GZIP),
        3,
        "bad_compression",
    ),
    "a gzip bomb": (call(3, body=BOMB, fields=GZIP), 8, "too_large"),
    "an unknown encoding": (
        call(3, body=GZIPPED, fields=grpc_fields(grpc_encoding="x-nope")),
        12,
        "unknown_encoding",
    ),
    "a list of encodings, and gRPC has none": (
        call(3, body=GZIPPED, fields=grpc_fields(grpc_encoding="gzip, gzip")),
        12,
        "unknown_encoding",
    ),
    "compressed without an encoding": (call(3, body=GZIPPED), 13, "protocol_error"),
    "an unknown flag": (call(3, body=b"\2" + bytes(4)), 13, "protocol_error"),
    "no message": (call(3, body=b""), 13, "protocol_error"),
    "half a prefix": (call(3, body=b"\0\0"), 13, "protocol_error"),
    "half a message": (call(3, body=b"\0\0\0\0\x09abc"), 13, "protocol_error"),
    "two messages": (call(3, body=2 * encode_grpc_frame(GOOD)), 13, "protocol_error"),
    "a call by GET": (call(3, fields=grpc_fields(method="GET")), 12, "wrong_method"),
    "an unknown method": (call(3, fields=grpc_fields(path="/a.B/Nope")), 12, "wrong_path"),
}


@pytest.mark.parametrize(("sent", "status", "kind"), REFUSED.values(), ids=REFUSED)
def test_a_call_that_cannot_be_taken_gets_its_status_and_the_others_go_on(
    sent: bytes, status: int, kind: str
) -> None:
    with receiving() as (receiver, heard):
        answers = talk2(receiver.grpc_port, call(1, GOOD) + sent + call(5, GOOD)).answers
    assert heard.kinds() == [kind]
    refused = heard.requests[1]
    assert (refused.grpc_status, refused.http_status, refused.stream_id) == (status, 200, 3)
    assert [answers[number]["grpc-status"] for number in (1, 3, 5)] == ["0", str(status), "0"]
    assert answers[1].body == answers[5].body == b"\0\0\0\0\0"
    assert refused.problem is not None
    assert refused.problem.message in decode_grpc_message(answers[3]["grpc-message"])
    details = answers[3].get("grpc-status-details-bin")
    assert (details is not None) == (status == 3)
    if details is not None:
        assert decode_status_details(details).violations
    assert (answers[3].get("grpc-accept-encoding") is not None) == (kind == "unknown_encoding")
    assert answers[3].body == b""


TAKEN = {
    "no spans at all": call(body=encode_grpc_frame(b"")),
    "gzip": call(body=GZIPPED, fields=GZIP),
    "gzip allowed and not used": call(fields=GZIP),
    "identity said": call(fields=grpc_fields(grpc_encoding="identity")),
    "grpc-encoding twice": call(body=GZIPPED, fields=(*GZIP, ("grpc-encoding", "gzip"))),
    "the last of two encodings": call(
        body=GZIPPED, fields=(*grpc_fields(grpc_encoding="x-nope"), ("grpc-encoding", "gzip"))
    ),
    "te twice": call(fields=(*grpc_fields(), ("te", "trailers"))),
    "content-type twice": call(fields=(*grpc_fields(), ("content-type", "application/grpc"))),
    "+proto": call(fields=grpc_fields(content_type="application/grpc+proto")),
    "pieces of one byte": frames.header_frames(1, block(grpc_fields()), ends_stream=False)
    + b"".join(
        frames.data_frame(1, bytes([byte]), ends_stream=False) for byte in encode_grpc_frame(GOOD)
    )
    + frames.data_frame(1, b"", ends_stream=True),
    "padding": frames.header_frames(1, block(grpc_fields()), ends_stream=False)
    + frames.frame(
        frames.DATA,
        frames.PADDED | frames.END_STREAM,
        1,
        b"\x03" + encode_grpc_frame(GOOD) + bytes(3),
    ),
    "trailers": frames.header_frames(1, block(grpc_fields()), ends_stream=False)
    + frames.data_frame(1, encode_grpc_frame(GOOD), ends_stream=False)
    + frames.header_frames(1, block([("x-checksum", "1")]), ends_stream=True),
    "binary metadata": call(fields=grpc_fields(x_trace_bin="AAEC")),
    "headers over several frames": frames.header_frames(
        1, block(grpc_fields(x_long="x" * 5000)), ends_stream=False, max_size=1000
    )
    + frames.data_frame(1, encode_grpc_frame(GOOD), ends_stream=True),
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN)
def test_an_unusual_but_right_call_is_taken(sent: bytes) -> None:
    with receiving() as (receiver, heard):
        answer = talk2(receiver.grpc_port, sent).answers[1]
    assert (answer[":status"], answer["grpc-status"]) == ("200", "0")
    assert heard.kinds() == []
    assert heard.requests[0].body in {GOOD, span_request("a"), b""}
    sizes = {len(heard.requests[0].body), len(gzip.compress(GOOD))}
    assert heard.requests[0].wire_size in sizes


def test_a_message_over_the_limit_is_refused_at_its_prefix() -> None:
    head = frames.header_frames(1, block(grpc_fields()), ends_stream=False)
    prefix = b"\0" + (65 * 1024 * 1024).to_bytes(4, "big")
    with receiving() as (receiver, heard):
        answers = talk2(
            receiver.grpc_port,
            head + frames.data_frame(1, prefix, ends_stream=False) + call(3, GOOD),
        ).answers
    assert (answers[1]["grpc-status"], answers[1].reset) == ("8", frames.ErrorCode.NO_ERROR)
    assert "grpc-status-details-bin" not in dict(answers[1].fields)
    assert answers[3]["grpc-status"] == "0"
    assert heard.kinds() == ["too_large"]


def test_more_than_the_declared_message_is_refused_before_the_end() -> None:
    head = frames.header_frames(1, block(grpc_fields()), ends_stream=False)
    body = encode_grpc_frame(GOOD) + b"more"
    with receiving() as (receiver, heard):
        answers = talk2(
            receiver.grpc_port, head + frames.data_frame(1, body, ends_stream=False)
        ).answers
    assert answers[1]["grpc-status"] == "13"
    assert heard.kinds() == ["protocol_error"]


def test_the_limit_can_be_set() -> None:
    large = span_request("x" * 2000)
    packed = encode_grpc_frame(gzip.compress(large), is_compressed=True)
    with receiving(limits=Limits(request_bytes=1000)) as (receiver, heard):
        answers = talk2(
            receiver.grpc_port, call(1, large) + call(3, body=packed, fields=GZIP)
        ).answers
    assert [answers[1]["grpc-status"], answers[3]["grpc-status"]] == ["8", "8"]
    assert heard.kinds() == ["too_large", "too_large"]


def test_too_many_headers_of_one_call_are_refused_alone() -> None:
    fields = (*grpc_fields(), *((f"x-{number}", "y") for number in range(300)))
    with receiving() as (receiver, heard):
        answers = talk2(receiver.grpc_port, call(1, fields=fields) + call(3, GOOD)).answers
    assert [answers[1]["grpc-status"], answers[3]["grpc-status"]] == ["8", "0"]
    assert heard.kinds() == ["too_large"]


def test_http_1_on_the_grpc_port_is_told_where_to_go() -> None:
    with receiving() as (receiver, heard):
        answer = talk(receiver.grpc_port, http1(GOOD))
        nonsense = talk(receiver.grpc_port, b"hello there\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    told = decode_status(answer.partition(b"\r\n\r\n")[2], "protobuf")
    assert told.message.startswith("this port takes OTLP/gRPC over HTTP/2")
    assert b"no HTTP/2 preface" in nonsense
    assert heard.kinds() == ["wrong_port", "protocol_error"]
    assert heard.requests[0].headers["content-type"] == PROTOBUF


HTTP2_POST = ((":method", "POST"), (":scheme", "http"), (":path", "/v1/traces"))
MISPLACED = {
    "OTLP/HTTP to the gRPC port": ("grpc", PROTOBUF, "415", "wrong_port"),
    "text to the gRPC port": ("grpc", "text/plain", "415", "wrong_content_type"),
    "text to the HTTP port": ("http", "text/plain", "415", "wrong_content_type"),
}


@pytest.mark.parametrize(
    ("role", "content_type", "status", "kind"), MISPLACED.values(), ids=MISPLACED
)
def test_http_2_without_grpc_gets_an_http_status(
    role: str, content_type: str, status: str, kind: str
) -> None:
    fields = (*HTTP2_POST, ("content-type", content_type))
    with receiving() as (receiver, heard):
        port = receiver.grpc_port if role == "grpc" else receiver.http_port
        answer = talk2(port, call(fields=fields, body=GOOD)).answers[1]
    encoding = "protobuf" if content_type == PROTOBUF else "json"
    assert answer[":status"] == status
    assert decode_status(answer.body, encoding).message
    assert heard.kinds() == [kind]


def test_a_grpc_call_to_the_http_port_is_told_where_to_go() -> None:
    with receiving() as (receiver, heard):
        answer = talk2(receiver.http_port, call(1, GOOD)).answers[1]
        over_1 = talk(receiver.http_port, http1(GOOD, content_type="application/grpc"))
    assert answer["grpc-status"] == "12"
    assert answer["grpc-message"].startswith("this port takes OTLP/HTTP")
    assert over_1.startswith(b"HTTP/1.1 400")
    assert heard.kinds() == ["wrong_port", "wrong_port"]


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_otlp_http_is_taken_over_http_2_too(content_type: str) -> None:
    fields = (*HTTP2_POST, ("content-type", content_type))
    body = GOOD if content_type == PROTOBUF else b"{}"
    with receiving() as (receiver, heard):
        answer = talk2(receiver.http_port, call(fields=fields, body=body)).answers[1]
    assert (answer[":status"], answer["content-type"]) == ("200", content_type)
    assert answer.body == (b"{}" if content_type == JSON else b"")
    assert heard.kinds() == []
    assert heard.connections[0].protocol == "h2"


def test_a_body_over_the_limit_over_http_2_is_refused_before_its_end() -> None:
    fields = (*HTTP2_POST, ("content-type", PROTOBUF))
    with receiving(limits=Limits(request_bytes=1000)) as (receiver, heard):
        sent = call(fields=fields, body=bytes(40_000)) + call(3, fields=fields, body=GOOD)
        answers = talk2(receiver.http_port, sent).answers
    assert [answers[1][":status"], answers[3][":status"]] == ["413", "200"]
    assert heard.kinds() == ["too_large"]


def test_a_call_whole_only_after_its_timeout_is_not_stored() -> None:
    fields = grpc_fields(grpc_timeout="1n")
    head = frames.header_frames(1, block(fields), ends_stream=False)
    with receiving() as (receiver, heard), connect(receiver.grpc_port) as client:
        client.sendall(OPENING + head)
        receiver.settle(Deadline(10.0))
        client.sendall(frames.data_frame(1, encode_grpc_frame(GOOD), ends_stream=True))
        client.shutdown(socket.SHUT_WR)
        answer = Listener().hear(read_to_end(client)).answers[1]
    assert answer["grpc-status"] == "4"
    assert heard.kinds() == ["too_slow"]
    assert heard.requests[0].body == b""

"""Bad input on the HTTP port: the answer, the record, and a neighbour who notices nothing."""

import gzip
import json
import zlib

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.transport.limits import Limits
from otlptest.wire.transport.statuses import decode_status
from tests.support.receiving import JSON, PROTOBUF, http1, receiving, span_request, talk

GOOD = span_request("good")
GZIPPED = gzip.compress(GOOD)
BOMB = gzip.compress(bytes(80 * 1024 * 1024))
GZIP = (("Content-Encoding", "gzip"),)


def chunked(framing: bytes) -> bytes:
    head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    return head + b"Content-Type: application/x-protobuf\r\n\r\n" + framing


def with_head(lines: str, body: bytes = b"") -> bytes:
    head = "POST /v1/traces HTTP/1.1\r\n" + lines + "Content-Type: application/x-protobuf\r\n\r\n"
    return head.encode() + body


def deep_protobuf() -> bytes:
    """A valid-looking request whose one attribute nests 200 lists."""
    value = b"\x08\x01"
    for _ in range(200):
        value = b"\x0a" + _length(value) + value  # ArrayValue.values
        value = b"\x2a" + _length(value) + value  # AnyValue.array_value
    attribute = b"\x0a\x01k\x12" + _length(value) + value
    resource = b"\x0a" + _length(attribute) + attribute
    entry = b"\x0a" + _length(resource) + resource
    return b"\x0a" + _length(entry) + entry


def _length(data: bytes) -> bytes:
    size, out = len(data), b""
    while size > 127:
        out += bytes([size & 127 | 128])
        size >>= 7
    return out + bytes([size])


def many_attributes() -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add().resource
    for number in range(100_000):
        resource.attributes.add(key=f"k{number}")
    return request.SerializeToString()


def invalid_utf8() -> bytes:
    return GOOD.replace(b"good", b"\xff\xfe\xfd\xfc")


DEEP_JSON = b'{"resourceSpans":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
DECODED = {  # what an exporter could send by mistake: bytes, status, kind of problem
    "malformed protobuf": (http1(b"\xff\xff\xff"), 400, "malformed"),
    "protobuf cut short": (http1(GOOD[:-3]), 400, "malformed"),
    "a length beyond the body": (http1(b"\x0a\xff\xff\xff\xff\x07"), 400, "malformed"),
    "deeply nested protobuf": (http1(deep_protobuf()), 400, "malformed"),
    "invalid UTF-8": (http1(invalid_utf8()), 400, "malformed"),
    "gRPC's prefix over HTTP": (http1(b"\0\0\0\0\x09" + GOOD), 400, "malformed"),
    "JSON as protobuf": (http1(b'{"resourceSpans":[]}'), 400, "malformed"),
    "malformed JSON": (http1(b'{"resourceSpans":[', content_type=JSON), 400, "malformed"),
    "protobuf as JSON": (http1(GOOD, content_type=JSON), 400, "malformed"),
    "invalid UTF-8 in JSON": (http1(b'{"a":"\xff"}', content_type=JSON), 400, "malformed"),
    "no JSON at all": (http1(b"", content_type=JSON), 400, "malformed"),
    "deeply nested JSON": (http1(DEEP_JSON, content_type=JSON), 400, "malformed"),
    "an id of wrong length in JSON": (
        http1(
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"ab"}]}]}]}', content_type=JSON
        ),
        400,
        "malformed",
    ),
    "truncated gzip": (http1(GZIPPED[:-12], headers=GZIP), 400, "bad_compression"),
    "a wrong gzip checksum": (http1(GZIPPED[:-8] + bytes(8), headers=GZIP), 400, "bad_compression"),
    "a plain body called gzip": (http1(GOOD, headers=GZIP), 400, "bad_compression"),
    "an empty body called gzip": (http1(b"", headers=GZIP), 400, "bad_compression"),
    "gzip without the header": (http1(GZIPPED), 400, "malformed"),
    "a gzip bomb": (http1(BOMB, headers=GZIP), 413, "too_large"),
    "an unknown encoding": (
        http1(GOOD, headers=(("Content-Encoding", "br"),)),
        415,
        "unknown_encoding",
    ),
    "a wrong content type": (http1(GOOD, content_type="text/plain"), 415, "wrong_content_type"),
    "no content type": (http1(GOOD, content_type=None), 415, "wrong_content_type"),
    "a malformed content type": (http1(GOOD, content_type=";;"), 415, "wrong_content_type"),
    "two content types": (
        http1(GOOD, headers=(("Content-Type", JSON),)),
        415,
        "wrong_content_type",
    ),
    "a wrong path": (http1(GOOD, path="/v1/trace"), 404, "wrong_path"),
    "a doubled slash": (http1(GOOD, path="//v1/traces"), 404, "wrong_path"),
    "a trailing slash": (http1(GOOD, path="/v1/traces/"), 404, "wrong_path"),
    "a path with dots": (http1(GOOD, path="/v1/../v1/traces"), 404, "wrong_path"),
    "a target that is not a URL": (http1(GOOD, path="http://[::1/v1/traces"), 404, "wrong_path"),
    "an escaped path": (http1(GOOD, path="/%76%31/traces"), 404, "wrong_path"),
    "profiles where they are not": (http1(b"", path="/v1/profiles"), 404, "wrong_path"),
    "GET": (http1(method="GET"), 405, "wrong_method"),
    "PUT": (http1(GOOD, method="PUT"), 405, "wrong_method"),
    "DELETE": (http1(method="DELETE"), 405, "wrong_method"),
    "GET that calls itself POST": (
        http1(method="GET", headers=(("X-HTTP-Method-Override", "POST"),)),
        405,
        "wrong_method",
    ),
    "OPTIONS without CORS": (http1(method="OPTIONS"), 405, "wrong_method"),
    "TRACE": (http1(method="TRACE"), 405, "wrong_method"),
}
FRAMED = {  # what breaks HTTP/1.1 itself, and so the connection
    "an unknown method": (http1(method="FOO"), 501, "wrong_method"),
    "a body over the limit": (
        with_head("Host: a\r\nContent-Length: 68157440\r\n"),
        413,
        "too_large",
    ),
    "Content-Length and Transfer-Encoding": (
        with_head("Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        400,
        "protocol_error",
    ),
    "differing Content-Lengths": (
        with_head("Host: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
        400,
        "protocol_error",
    ),
    "a Content-Length that is not a number": (
        with_head("Host: a\r\nContent-Length: x\r\n"),
        400,
        "protocol_error",
    ),
    "no Host": (with_head("Content-Length: 0\r\n"), 400, "protocol_error"),
    "two Hosts": (
        with_head("Host: a\r\nHost: b\r\nContent-Length: 0\r\n"),
        400,
        "protocol_error",
    ),
    "a broken chunk": (chunked(b"zz\r\nabc\r\n0\r\n\r\n"), 400, "protocol_error"),
    "another transfer coding": (
        with_head("Host: a\r\nTransfer-Encoding: gzip\r\n"),
        400,
        "protocol_error",
    ),
    "HTTP/9.9": (b"POST /v1/traces HTTP/9.9\r\nHost: a\r\n\r\n", 400, "protocol_error"),
    "no HTTP": (b"\x00\x01\x02\x03 what is this\r\n\r\n", 400, "protocol_error"),
    "a header of 1 MiB": (
        with_head(f"Host: a\r\nX: {'x' * 1024 * 1024}\r\nContent-Length: 0\r\n"),
        431,
        "too_large",
    ),
    "10,000 headers": (
        with_head("Host: a\r\n" + "X: y\r\n" * 10_000 + "Content-Length: 0\r\n"),
        431,
        "too_large",
    ),
    "a head without an end": (b"POST /v1/traces HTTP/1.1\r\nX: " + b"y" * 2**20, 431, "too_large"),
    "a very long target": (http1(path="/v1/traces?" + "q" * 20_000), 414, "too_large"),
}


def split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and body of the first response in `answer`."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
    return int(status_line.split(" ")[1]), fields, body


@pytest.mark.parametrize(("sent", "status", "kind"), DECODED.values(), ids=DECODED)
def test_a_request_that_cannot_be_taken_is_answered_and_the_connection_goes_on(
    sent: bytes, status: int, kind: str
) -> None:
    with receiving() as (receiver, heard):
        answers = talk(receiver.http_port, http1(GOOD) + sent + http1(GOOD))
    assert heard.kinds() == [kind]
    refused = heard.requests[1]
    assert (refused.http_status, refused.is_accepted) == (status, False)
    assert refused.problem is not None
    assert refused.problem.rule.startswith("OTLP-")
    before, _, rest = answers.partition(b"Content-Length: 0\r\n\r\n")
    assert split(before + b"\r\n\r\n")[0] == 200
    found, fields, body = split(rest)
    encoding = "protobuf" if refused.headers.get("content-type") == PROTOBUF else "json"
    assert found == status
    assert fields["content-type"] == (PROTOBUF if encoding == "protobuf" else JSON)
    told = decode_status(body[: int(fields["content-length"])], encoding)
    assert refused.problem.message in told.message
    assert bool(told.violations) == (status == 400)
    assert (fields.get("allow") == "POST") == (status == 405)
    assert body[int(fields["content-length"]) :].startswith(b"HTTP/1.1 200 OK")
    assert [request.is_accepted for request in heard.requests] == [True, False, True]


@pytest.mark.parametrize(("sent", "status", "kind"), FRAMED.values(), ids=FRAMED)
def test_broken_http_is_answered_and_ends_its_connection(
    sent: bytes, status: int, kind: str
) -> None:
    with receiving() as (receiver, heard):
        answers = talk(receiver.http_port, sent + http1(GOOD), half_closes=False)
        neighbour = talk(receiver.http_port, http1(GOOD))
    found, fields, body = split(answers)
    assert (found, fields["connection"]) == (status, "close")
    encoding = "protobuf" if fields["content-type"] == PROTOBUF else "json"
    assert decode_status(body, encoding).message
    assert heard.kinds() == [kind]
    assert neighbour.startswith(b"HTTP/1.1 200 OK")
    assert len([request for request in heard.requests if request.is_accepted]) == 1


TAKEN = {
    "no spans at all": http1(b""),
    "a query in the target": http1(GOOD, path="/v1/traces?x=1"),
    "an absolute target": http1(GOOD, path="http://localhost/v1/traces"),
    "a media type in capitals with a parameter": http1(
        GOOD, content_type="Application/X-Protobuf; charset=utf-8"
    ),
    "gzip": http1(GZIPPED, headers=GZIP),
    "gzip in capitals": http1(GZIPPED, headers=(("Content-Encoding", "GZIP"),)),
    "x-gzip": http1(GZIPPED, headers=(("Content-Encoding", "x-gzip"),)),
    "gzip of nothing": http1(gzip.compress(b""), headers=GZIP),
    "two gzip members": http1(gzip.compress(GOOD[:9]) + gzip.compress(GOOD[9:]), headers=GZIP),
    "deflate": http1(zlib.compress(GOOD), headers=(("Content-Encoding", "deflate"),)),
    "identity": http1(GOOD, headers=(("Content-Encoding", "identity"),)),
    "an empty JSON request": http1(b"{}", content_type=JSON),
    "gzipped JSON": http1(gzip.compress(b"{}"), content_type=JSON, headers=GZIP),
    "chunks": chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)),
    "chunks with a trailer": chunked(b"%x;a=b\r\n%b\r\n0\r\nX-T: y\r\n\r\n" % (len(GOOD), GOOD)),
    "an upgrade to h2c": http1(
        GOOD, headers=(("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"))
    ),
    "HTTP/1.0": http1(GOOD).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "profiles": http1(b"", path="/v1development/profiles"),
    "100,000 attributes": http1(many_attributes()),
    "NUL bytes in a name": http1(span_request("a\0b")),
}


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN)
def test_an_unusual_but_right_request_is_taken(sent: bytes) -> None:
    with receiving() as (receiver, heard):
        answer = talk(receiver.http_port, sent)
    status, fields, body = split(answer)
    assert (status, heard.kinds()) == (200, [])
    is_json = fields["content-type"] == JSON
    assert body == (b"{}" if is_json else b"")
    assert heard.requests[0].is_accepted
    assert heard.replied == heard.requests


def test_the_two_halves_of_an_upgrade_are_both_read() -> None:
    upgrade = http1(GOOD, headers=(("Connection", "Upgrade"), ("Upgrade", "h2c")))
    with receiving() as (receiver, heard):
        answers = talk(receiver.http_port, upgrade + http1(GOOD))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert len(heard.requests) == 2


def test_a_limit_of_a_users_own_holds_for_body_and_inflated_body() -> None:
    small = Limits(request_bytes=1000)
    large = span_request("x" * 2000)
    with receiving(limits=small) as (receiver, heard):
        plain = split(talk(receiver.http_port, http1(large)))
        packed = split(talk(receiver.http_port, http1(gzip.compress(large), headers=GZIP)))
        parts = split(talk(receiver.http_port, chunked(b"7d0\r\n" + large)))
    assert [plain[0], packed[0], parts[0]] == [413, 413, 413]
    assert heard.kinds() == ["too_large"] * 3


def test_a_secret_is_in_no_answer() -> None:
    secret = (("Authorization", "Bearer hunter2"),)
    with receiving() as (receiver, _):
        answers = talk(receiver.http_port, http1(b"\xffhunter2", headers=secret))
    assert b"hunter2" not in answers


def test_json_is_kept_as_protobuf_and_as_text() -> None:
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}]}]}]}).encode()
    with receiving() as (receiver, heard):
        talk(receiver.http_port, http1(text, content_type=JSON))
    (request,) = heard.requests
    message = ExportTraceServiceRequest.FromString(request.body)
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "a"
    assert zlib.decompress(request.packed_json or b"") == text
    assert (request.protocol, request.wire_size) == ("http/json", len(text))


def test_a_large_malformed_request_is_answered_soon() -> None:
    entry = span_request(*(f"span {number}" for number in range(100_000)))
    with receiving() as (receiver, heard):
        began = SYSTEM_CLOCK.monotonic()
        answer = talk(receiver.http_port, http1(entry + b"\xff"))
        took = SYSTEM_CLOCK.monotonic() - began
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert heard.requests[0].problem is not None
    assert heard.requests[0].problem.place == f"byte {len(entry)}"
    assert took < 2.0

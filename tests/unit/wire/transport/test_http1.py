"""HTTP/1.1 without a socket: what is read, in which pieces whatever, and what is refused."""

import pytest

from otlptest.wire.transport.http1 import Http1Request, RequestFault, RequestParser, encode_response
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits

POST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
UPGRADE = POST.replace(b"Host: a", b"Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c")
CHUNKED_UPGRADE = CHUNKED.replace(b"Host: a", b"Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c")
CLOSING = POST.replace(b"Host: a", b"Host: a\r\nConnection: close")


def read(*pieces: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Http1Request]:
    """Every request in `pieces`, the quick way where it knows one."""
    parser = RequestParser(limits)
    found: list[Http1Request] = []
    for piece in pieces:
        only = parser.only_request(piece)
        found += [only] if only is not None else parser.feed(piece)
    return found


def test_a_request_is_read_whole() -> None:
    (request,) = read(POST)
    head = request.head
    assert (head.method, head.target, head.version) == ("POST", "/v1/traces", "1.1")
    assert head.fields == (("Host", "a"), ("Content-Length", "3"))
    assert (request.body, request.size, request.keeps_alive) == (b"abc", 3, True)


@pytest.mark.parametrize("size", [1, 2, 7, 50, 1000])
def test_pipelined_requests_are_read_in_order_in_any_pieces(size: int) -> None:
    sent = POST + CHUNKED + UPGRADE + CHUNKED_UPGRADE + POST
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    found = read(*pieces)
    assert [request.body for request in found] == [b"abc", b"x", b"abc", b"x", b"abc"]


def test_the_same_head_again_is_known_and_shared() -> None:
    first, second, third = read(POST, POST, POST.replace(b"abc", b"xyz"))
    assert first.head is second.head is third.head
    assert (second.body, third.body, third.size) == (b"abc", b"xyz", 3)


NOT_KNOWN = {
    "more than one request": POST + POST,
    "a request and a half": POST + POST[:-2],
    "half a request": POST[:-2],
    "another head": POST.replace(b"Host: a", b"Host: b"),
    "nothing": b"",
}


@pytest.mark.parametrize("sent", NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_only_exactly_one_request_with_a_known_head_is_read_the_quick_way(sent: bytes) -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    assert len(list(parser.feed(POST))) == 1
    assert parser.only_request(sent) is None


@pytest.mark.parametrize("sent", [CLOSING, CHUNKED], ids=["closing", "chunked"])
def test_heads_that_mean_more_than_a_length_are_parsed_each_time(sent: bytes) -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    assert len(list(parser.feed(sent))) == 1
    assert parser.only_request(sent) is None


def test_within_a_request_nothing_is_read_the_quick_way() -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    assert len(list(parser.feed(POST))) == 1
    assert list(parser.feed(POST[:-3])) == []
    assert parser.is_within_request
    assert parser.only_request(POST) is None


def test_many_different_heads_are_not_all_kept() -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    for number in range(200):
        assert len(list(parser.feed(POST.replace(b"Host: a", b"Host: %d" % number)))) == 1
    assert parser.only_request(POST.replace(b"Host: a", b"Host: 199")) is not None
    assert parser.only_request(POST.replace(b"Host: a", b"Host: 0")) is None


def test_what_came_before_a_fault_is_given_first() -> None:
    parser = RequestParser(DEFAULT_LIMITS)
    found = parser.feed(POST + b"\x00\x00\x00")
    assert next(found).body == b"abc"
    with pytest.raises(RequestFault, match=r"no HTTP/1\.1 request"):
        next(found)


FAULTS = {
    "no Host": (POST.replace(b"Host: a\r\n", b""), 400),
    "another version": (POST.replace(b"HTTP/1.1", b"HTTP/3.7"), 400),
    "two lengths": (POST.replace(b"Host: a", b"Host: a\r\nContent-Length: 4"), 400),
    "chunked in 1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
    "chunked twice": (CHUNKED.replace(b"chunked", b"gzip, chunked"), 400),
    "a bad chunk": (CHUNKED.replace(b"\r\n1\r\n", b"\r\nq\r\n"), 400),
    "an unknown method": (POST.replace(b"POST", b"FOO"), 501),
    "no method at all": (b"\x16\x03\x01", 400),
    "too many headers": (POST.replace(b"Host: a", b"Host: a" + b"\r\nX: y" * 300), 431),
    "too large headers": (POST.replace(b"Host: a", b"Host: a\r\nX: " + b"y" * 70_000), 431),
    "a long target": (POST.replace(b"/v1", b"/" + b"v" * 9000), 414),
    "a long body": (POST.replace(b"Length: 3", b"Length: 99999999"), 413),
}


@pytest.mark.parametrize("size", [100, 10**6], ids=["in pieces", "at once"])
@pytest.mark.parametrize(("sent", "status"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_taken_has_its_status(sent: bytes, status: int, size: int) -> None:
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    with pytest.raises(RequestFault) as caught:
        read(*pieces)
    assert caught.value.status == status
    assert caught.value.problem


def test_a_head_that_never_ends_is_cut_off() -> None:
    small = Limits(header_bytes=1000, target_bytes=100)
    with pytest.raises(RequestFault) as caught:
        read(b"POST / HTTP/1.1\r\nX: ", *([b"x" * 100] * 50), limits=small)
    assert caught.value.status == 431


def test_a_chunked_body_over_the_limit_is_cut_off() -> None:
    large = CHUNKED.replace(b"1\r\nx\r\n", b"7d0\r\n" + b"x" * 2000 + b"\r\n")
    with pytest.raises(RequestFault) as caught:
        read(large, limits=Limits(request_bytes=1000))
    assert (caught.value.status, caught.value.kind) == (413, "too_large")
    assert caught.value.request is not None


def test_a_response_counts_its_body_and_says_whether_it_was_the_last() -> None:
    assert encode_response(200, (("A", "b"),), b"xyz") == (
        b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nxyz"
    )
    assert encode_response(299, (), b"xyz", keeps_alive=False, is_head=True) == (
        b"HTTP/1.1 299 Other\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    )
    assert encode_response(204, (), b"") == b"HTTP/1.1 204 No Content\r\n\r\n"

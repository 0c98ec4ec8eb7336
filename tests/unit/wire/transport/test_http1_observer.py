"""HTTP/1.1 messages as they pass by: where each begins and ends, however the bytes are cut."""

import random
from collections import deque
from itertools import pairwise

import pytest

from otlptest.wire.transport.http1_observer import MessageTracker

POST = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\nB; note=x\r\nhello\r\nwor!\r\n0\r\nTrailer: x\r\n\r\n"
)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
EMPTY = b"POST /v1/metrics HTTP/1.0\r\ncontent-length:0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
HEADERS_ONLY = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED_OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nand on and on"


def cut(data: bytes, seed: int) -> list[bytes]:
    """`data` in pieces of random sizes."""
    chance = random.Random(seed)  # noqa: S311 -- repeatable
    places = chance.choices(range(1, len(data)), k=seed)
    return [data[a:b] for a, b in pairwise([0, *sorted(set(places)), len(data)])]


def messages(walker: MessageTracker, pieces: list[bytes]) -> list[bytes]:
    """The whole messages, and what is left at the end."""
    found = [b""]
    for piece in pieces:
        for part in walker.walk(piece):
            assert part.begins == (found[-1] == b"")
            found[-1] += bytes(part.data)
            if part.ends:
                found.append(b"")
    return found


@pytest.mark.parametrize("seed", [0, 1, 3, 10, 50, 1000], ids=str)
def test_requests_are_told_apart_however_the_bytes_are_cut(seed: int) -> None:
    methods: deque[bytes] = deque()
    walker = MessageTracker(methods, takes_replies=False)
    sent = [POST, CHUNKED, GET, HEAD, EMPTY, POST]
    assert messages(walker, cut(b"".join(sent), seed)) == [*sent, b""]
    assert list(methods) == [b"POST", b"POST", b"GET", b"HEAD", b"POST", b"POST"]
    assert walker.target == "/v1/traces"
    assert walker.is_between_messages


@pytest.mark.parametrize("seed", [0, 1, 3, 10, 50, 1000], ids=str)
def test_replies_are_told_apart_however_the_bytes_are_cut(seed: int) -> None:
    methods = deque([b"POST", b"POST", b"HEAD", b"POST", b"POST", b"POST"])
    walker = MessageTracker(methods, takes_replies=True)
    sent = [OK, CONTINUED, HEADERS_ONLY, NO_CONTENT, CHUNKED_OK, OK]
    assert messages(walker, cut(b"".join(sent), seed)) == [*sent, b""]
    assert not methods


@pytest.mark.parametrize(
    ("takes_replies", "sent"),
    [
        pytest.param(True, UNTIL_CLOSE, id="a reply until the end of the connection"),
        pytest.param(True, b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK, id="an upgrade"),
        pytest.param(True, b"SSH-2.0-x\r\n\r\n" + OK, id="no reply"),
        pytest.param(False, b"\x16\x03\x01\r\n\r\n" + POST, id="no request"),
        pytest.param(False, b"a" * 300_000, id="a head without an end"),
        pytest.param(
            False,
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n" + POST,
            id="no chunk size",
        ),
        pytest.param(
            False,
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 9000,
            id="a chunk size without an end",
        ),
    ],
)
def test_where_nothing_is_known_all_is_one_message(*, takes_replies: bool, sent: bytes) -> None:
    walker = MessageTracker(deque(), takes_replies=takes_replies)
    assert messages(walker, cut(sent, 20)) == [sent]
    assert not walker.is_between_messages


def test_reply_that_nobody_asked_for_is_told_too() -> None:
    walker = MessageTracker(deque(), takes_replies=True)
    assert messages(walker, [OK]) == [OK, b""]

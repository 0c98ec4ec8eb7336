"""The raw clients tell exactly what came back, whatever it is, and never wait beyond their time."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer, RawHttp1Client, request_bytes
from otlptest.sending.raw.http2_client import RawHttp2Client
from otlptest.sending.raw.raw_socket import RawSocket
from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.http2_frames import Setting
from otlptest.wire.transport.http2_headers import encode_fields

Server = Callable[[socket.socket], None]


@contextmanager
def wired(serve: Server) -> Iterator[socket.socket]:
    """The client's end of a pair of sockets; `serve` has the other."""
    client, server = socket.socketpair()

    def run() -> None:
        with server, suppress(ConnectionError):  # the client may be gone before all is said
            serve(server)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield client
    finally:
        client.close()
        thread.join()


def saying(*pieces: bytes) -> Server:
    def serve(wire: socket.socket) -> None:
        for piece in pieces:
            wire.sendall(piece)

    return serve


def then_silent(*pieces: bytes) -> Server:
    def serve(wire: socket.socket) -> None:
        saying(*pieces)(wire)
        while wire.recv(65536):
            pass

    return serve


def heard1(serve: Server, *, is_head: bool = False, timeout_s: float = 30.0) -> Http1Answer:
    with wired(serve) as client, RawHttp1Client(client, timeout_s) as talk:
        return talk.answer(is_head=is_head)


@pytest.mark.parametrize(
    ("said", "status", "body", "is_whole"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True, id="length"
        ),
        pytest.param(b"HTTP/1.1 204 \r\n\r\n", 204, b"", True, id="no content"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\nrest", 200, b"rest", True, id="to the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nok\r\n1;a=b\r\n!\r\n0\r\nT: 1\r\n\r\n",
            200,
            b"ok!",
            True,
            id="chunks with trailers",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 200, b"ok", False, id="cut"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            200,
            b"",
            False,
            id="no chunk size",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            200,
            b"ab",
            False,
            id="a chunk that is cut",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", 200, b"", False, id="no length"
        ),
        pytest.param(b"SSH-2.0-x\r\n", None, b"", False, id="another protocol"),
        pytest.param(b"HTTP/1.x what\r\n\r\n", None, b"", False, id="no status line"),
        pytest.param(b"HTTP/1.1 200", None, b"", False, id="half a head"),
        pytest.param(b"", None, b"", False, id="nothing"),
    ],
)
def test_an_http1_answer_is_told_as_it_came(
    said: bytes, status: int | None, body: bytes, *, is_whole: bool
) -> None:
    answer = heard1(saying(said))
    assert (answer.status, answer.body, answer.is_whole) == (status, body, is_whole)
    assert answer.told()
    assert not answer.is_hang


def test_an_answer_to_head_has_no_body() -> None:
    assert heard1(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), is_head=True).is_ok


def test_interim_answers_come_before_the_final_one() -> None:
    answer = heard1(
        saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    )
    assert (answer.interim, answer.status) == ((100,), 200)


@pytest.mark.parametrize(
    ("said", "interim"),
    [
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", 100, id="100"),
        pytest.param(b"HTTP/1.1 417 No\r\n\r\n", None, id="a final one"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_an_interim_answer_can_be_waited_for(said: bytes, interim: int | None) -> None:
    with wired(saying(said)) as client, RawHttp1Client(client, 30.0) as talk:
        assert talk.interim(timeout_s=30.0) == interim


def test_silence_is_a_hang_and_ends_in_time() -> None:
    answer = heard1(then_silent(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), timeout_s=0.2)
    assert answer.is_hang
    assert answer.told() == "HTTP 200 'ok', not whole (nothing came)"
    silent = heard1(then_silent(), timeout_s=0.2)
    assert silent.told() == "no answer: nothing came"


def test_fields_are_joined_and_told() -> None:
    answer = heard1(
        saying(
            b"HTTP/1.1 200 OK\r\nVary: a\r\nvary: b\r\nConnection: Close\r\n"
            b"Content-Type: Text/Plain; x=y\r\nContent-Length: 0\r\n\r\n"
        )
    )
    assert answer.field("VARY") == "a, b"
    assert answer.field("nope") is None
    assert answer.media_type == "text/plain"
    assert answer.closes


def test_a_request_frames_its_body_unless_told_how() -> None:
    assert request_bytes("POST", "/", [("A", "b")], b"xy") == (
        b"POST / HTTP/1.1\r\nA: b\r\nContent-Length: 2\r\n\r\nxy"
    )
    assert b"Content-Length" not in request_bytes("POST", "/", [("Transfer-Encoding", "x")], b"y")


# Sockets.


def test_what_the_peer_does_not_read_is_given_up_in_time() -> None:
    def deaf(wire: socket.socket) -> None:
        wire.recv(1)
        done.wait(30)

    done = threading.Event()
    with wired(deaf) as client, RawSocket(client, 0.2) as wire:
        assert wire.say(b"x" * 50_000_000) is False
        done.set()


def test_saying_stops_where_the_peer_answers() -> None:
    with wired(then_silent(b"no")) as client, RawSocket(client, 30.0) as wire:
        assert wire.receive(Deadline(30.0)) == b"no"
    with wired(saying(b"no")) as client, RawSocket(client, 30.0) as wire:
        assert wire.wait_for_end(30.0) in {"closed", "reset"}
        assert wire.say([b"x"], stops_at_answer=True) is False
        assert wire.receive(Deadline(0)) == b""
        wire.shutdown_write()
        assert wire.say(b"x" * 100_000) is False


def test_an_open_connection_has_not_ended() -> None:
    with wired(then_silent()) as client, RawSocket(client, 30.0) as wire:
        assert wire.wait_for_end(0.1) == "silent"
        wire.shutdown_write()


# HTTP/2.

HEAD = encode_fields(((":status", "200"), ("content-type", "application/grpc")))
TRAILERS = encode_fields((("grpc-status", "0"),))
FAILED = encode_fields(((":status", "200"), ("grpc-status", "13"), ("grpc-message", "oh%20no")))


def heard2(*pieces: bytes, timeout_s: float = 30.0) -> GrpcAnswer:
    with wired(then_silent(*pieces)) as client, RawHttp2Client(client, timeout_s) as talk:
        return talk.answer(talk.open([(":path", "/x")], ends_stream=True))


def padded(kind: int, flags: int, payload: bytes) -> bytes:
    return frames.frame(kind, flags | frames.PADDED, 1, b"\x03" + payload + b"\0" * 3)


def test_a_whole_call_is_told_as_it_came() -> None:
    answer = heard2(
        frames.settings([(Setting.MAX_CONCURRENT_STREAMS, 7)]),
        frames.header_frames(1, HEAD, ends_stream=False),
        frames.data_frame(1, encode_grpc_frame(b"abc"), ends_stream=False),
        frames.header_frames(1, TRAILERS, ends_stream=True),
    )
    assert answer.is_ok
    assert answer.messages == ((0, b"abc"),)
    assert (answer.http_status, answer.grpc_status, answer.message_problem) == (200, 0, "")
    assert answer.told() == "gRPC status OK (0)"
    assert not answer.is_refused


def test_padding_priority_and_continuations_are_read() -> None:
    first, rest = HEAD[:5], HEAD[5:]
    answer = heard2(
        padded(frames.HEADERS, frames.PRIORITIZED, b"\0\0\0\0\x10" + first),
        frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, rest),
        padded(frames.DATA, frames.END_STREAM, b"\0\0"),
    )
    assert answer.http_status == 200
    assert (answer.body, answer.message_problem) == (b"\0\0", "2 bytes that are no whole message")
    assert answer.is_ended
    assert answer.told() == "HTTP/2 status 200 without grpc-status"


def test_an_error_is_told_with_its_message() -> None:
    answer = heard2(frames.header_frames(1, FAILED, ends_stream=True))
    assert answer.is_error
    assert answer.told() == "gRPC status INTERNAL (13) 'oh no'"
    assert answer.field("nope") is None


def test_a_reset_and_a_goaway_are_told() -> None:
    answer = heard2(
        frames.goaway(1, 11, "calm down"), frames.reset(1, 99), frames.ping_ack(b"12345678")
    )
    assert answer.is_refused
    assert answer.told() == "RST_STREAM 99, GOAWAY ENHANCE_YOUR_CALM calm down"


def test_a_stream_that_does_not_end_is_a_hang() -> None:
    answer = heard2(frames.header_frames(1, HEAD, ends_stream=False), timeout_s=0.2)
    assert answer.is_hang
    assert answer.told() == "HTTP/2 status 200 without grpc-status, not ended: nothing came"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="HTTP/1.1"),
        pytest.param(frames.frame(frames.HEADERS, frames.END_HEADERS, 1, b"\xff" * 9), id="HPACK"),
    ],
)
def test_what_is_no_http2_is_told(said: bytes) -> None:
    answer = heard2(said)
    assert answer.told().startswith("no HTTP/2 answer but b")
    assert answer.end == "closed"


def test_settings_pings_and_windows_are_heeded() -> None:
    asked: list[bytes] = []

    def serve(wire: socket.socket) -> None:
        wire.sendall(
            frames.settings(
                [
                    (Setting.INITIAL_WINDOW_SIZE, 10),
                    (Setting.MAX_FRAME_SIZE, 20_000),
                    (Setting.MAX_CONCURRENT_STREAMS, 7),
                ]
            )
            + frames.settings_ack()
            + frames.frame(frames.PING, 0, 0, b"12345678")
        )
        heard = b""
        while b"GO" not in heard:
            heard += wire.recv(65536)
        wire.sendall(frames.window_update(1, 100) + frames.window_update(0, 100))
        while not heard.endswith(frames.data_frame(1, b"", ends_stream=True)):
            heard += wire.recv(65536)
        asked.append(heard)
        wire.sendall(frames.header_frames(1, TRAILERS, ends_stream=True))

    with wired(serve) as client, RawHttp2Client(client, 30.0) as talk:
        assert talk.settle()
        stream = talk.open([(":path", "/x")])
        assert talk.body(stream, b"GO" + b"x" * 40)
        assert talk.answer(stream).grpc_status == 0
        assert (talk.max_streams, talk.settings_acks) == (7, 1)
    assert frames.ping_ack(b"12345678") in asked[0]
    assert frames.data_frame(1, b"GO" + b"x" * 8, ends_stream=False) in asked[0]


def test_a_body_is_given_up_where_no_window_comes() -> None:
    closed = frames.settings([(Setting.INITIAL_WINDOW_SIZE, 0)])
    with wired(then_silent(closed)) as client, RawHttp2Client(client, 0.2) as talk:
        assert talk.settle(timeout_s=30.0)
        assert talk.body(talk.open([(":path", "/x")]), b"x") is False


def test_a_body_ends_with_its_stream() -> None:
    with wired(then_silent(frames.reset(1, 8))) as client, RawHttp2Client(client, 30.0) as talk:
        stream = talk.open([(":path", "/x")])
        assert talk.answer(stream).reset == 8
        assert talk.body(stream, b"x") is False


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with wired(then_silent()) as client, RawHttp2Client(client, 0.2, opens=False) as talk:
        assert not talk.settle()
        assert not talk.ping(b"12345678", timeout_s=0.1)
        assert not talk.wait_for_goaway(0.1)
    with wired(saying()) as client, RawHttp2Client(client, 30.0) as talk:
        assert talk.wait_for_goaway(30.0)

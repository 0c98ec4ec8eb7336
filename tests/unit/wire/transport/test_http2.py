"""HTTP/2 without a socket: requests, windows, ends of streams, and what costs the connection."""

import struct

import pytest

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode, Setting
from otlptest.wire.transport.http2_headers import encode_fields
from otlptest.wire.transport.http2_reader import ConnectionFault, FrameReader
from otlptest.wire.transport.limits import Limits
from tests.support.http2_server import Served2
from tests.support.http2_talk import OPENING, block, call, grpc_fields

HEAD = block(grpc_fields())
OPEN_1 = frames.header_frames(1, HEAD, ends_stream=False)
WHOLE_1 = frames.header_frames(1, HEAD, ends_stream=True)
TRAILERS = encode_fields((("grpc-status", "0"),))


def setting(name: Setting, value: int) -> bytes:
    return frames.settings([(name, value)])


@pytest.mark.parametrize("size", [1, 3, 9, 10, 100, 10**6])
def test_requests_are_read_whole_in_any_pieces(size: int) -> None:
    served = Served2(has_seen=b"")
    sent = OPENING + call(1, body=b"a" * 40_000) + call(3, body=b"b") + call(5, body=b"")
    for at in range(0, len(sent), size):
        served.send(sent[at : at + size])
    heard = served.send(b"")
    assert served.requests == [(1, b"a" * 40_000), (3, b"b"), (5, b"")]
    assert all(heard.answers[number].is_ended for number in (1, 3, 5))
    assert served.connection.frame_progress is None


def test_settings_and_pings_are_acknowledged() -> None:
    heard = Served2().send(frames.frame(frames.PING, 0, 0, b"12345678"))
    assert (heard.settings_acks, heard.pings) == (1, [b"12345678"])
    assert heard.updates == [(0, 2**31 - 1 - 65535)]


def test_an_answer_waits_for_the_windows_and_follows_them() -> None:
    served = Served2(body=b"x" * 100, trailers=TRAILERS)
    heard = served.send(setting(Setting.INITIAL_WINDOW_SIZE, 10) + WHOLE_1)
    assert (heard.answers[1].body, heard.answers[1].is_ended) == (b"x" * 10, False)
    heard = served.send(frames.window_update(1, 20))
    assert len(heard.answers[1].body) == 30
    heard = served.send(setting(Setting.INITIAL_WINDOW_SIZE, 60))
    assert len(heard.answers[1].body) == 80
    heard = served.send(frames.window_update(1, 1000))
    assert (len(heard.answers[1].body), heard.answers[1].is_ended) == (100, True)
    assert heard.answers[1]["grpc-status"] == "0"
    assert not served.connection.streams


def test_a_window_may_become_negative_and_comes_back() -> None:
    served = Served2(body=b"x" * 100)
    served.send(setting(Setting.INITIAL_WINDOW_SIZE, 50) + WHOLE_1)
    heard = served.send(setting(Setting.INITIAL_WINDOW_SIZE, 0) + frames.window_update(1, 30))
    assert len(heard.answers[1].body) == 50
    heard = served.send(frames.window_update(1, 40))
    assert len(heard.answers[1].body) == 70


def test_the_window_of_the_connection_is_shared() -> None:
    served = Served2(body=b"x" * 16_000)
    calls = b"".join(
        frames.header_frames(number, HEAD, ends_stream=True) for number in (1, 3, 5, 7, 9)
    )
    heard = served.send(calls)
    assert sum(len(answer.body) for answer in heard.answers.values()) == 65_535
    heard = served.send(frames.window_update(0, 100_000))
    assert [len(heard.answers[number].body) for number in (1, 3, 5, 7, 9)] == [16_000] * 5


def test_a_reply_is_unwanted_once_its_stream_is_reset_and_not_when_it_is_written() -> None:
    served = Served2(body=b"x" * 100)
    served.send(WHOLE_1 + frames.reset(1, ErrorCode.CANCEL))
    assert served.unwanted == []
    served = Served2(body=b"x" * 100)
    served.send(setting(Setting.INITIAL_WINDOW_SIZE, 0) + WHOLE_1)
    served.send(frames.reset(1, ErrorCode.CANCEL))
    assert (served.unwanted, served.cut) == ([1], [])


def test_what_waits_for_a_window_is_dropped_with_its_stream() -> None:
    served = Served2(body=b"x" * 100)
    served.send(setting(Setting.INITIAL_WINDOW_SIZE, 0) + WHOLE_1)
    served.send(frames.reset(1, ErrorCode.CANCEL))
    heard = served.send(setting(Setting.INITIAL_WINDOW_SIZE, 1000))
    assert heard.answers[1].body == b""
    assert (served.cut, served.over) == ([], [])


def test_a_large_answer_and_a_large_header_block_go_in_several_frames() -> None:
    served = Served2()
    served.send(OPEN_1)
    (stream,) = served.connection.streams.values()
    large = encode_fields((("x", "y" * 40_000),))
    served.connection.reply(stream, large, b"z" * 40_000, large)
    heard = served.send(b"")
    assert heard.answers[1].body == b"z" * 40_000
    assert [value for _, value in heard.answers[1].fields] == ["y" * 40_000] * 2
    assert heard.answers[1].reset == ErrorCode.NO_ERROR  # the request was not whole


def test_an_early_answer_ends_the_stream_and_the_rest_is_ignored() -> None:
    served = Served2()
    served.notify_at = 5
    body = frames.data_frame(1, b"123", ends_stream=False)
    heard = served.send(OPEN_1 + body * 4 + frames.data_frame(1, b"", ends_stream=True))
    assert served.arriving == [6]
    assert (heard.answers[1].is_ended, heard.answers[1].reset) == (True, ErrorCode.NO_ERROR)
    heard = served.send(frames.header_frames(1, TRAILERS, ends_stream=True) + call(3, body=b"x"))
    assert served.requests == [(3, b"x")]
    assert served.over == []


def test_the_receive_window_is_opened_again_after_a_gigabyte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("otlptest.wire.transport.http2._REFILL_AT", 1000)
    heard = Served2().send(call(1, body=bytes(1500)))
    assert heard.updates[1:] == [(0, 1500)]


STREAM_FAULTS = {
    "a malformed head": (
        frames.header_frames(1, block([("x", "y")]), ends_stream=True),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a wrong content-length": (
        call(1, body=b"abc", fields=grpc_fields(content_length="4")),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "trailers that end nothing": (
        OPEN_1 + frames.header_frames(1, TRAILERS, ends_stream=False),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "pseudo-headers in trailers": (OPEN_1 + WHOLE_1, ErrorCode.PROTOCOL_ERROR),
    "a priority on itself": (
        OPEN_1 + frames.frame(frames.PRIORITY, 0, 1, b"\0\0\0\1\0"),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "a window update of 0": (OPEN_1 + frames.window_update(1, 0), ErrorCode.PROTOCOL_ERROR),
    "a window over the largest": (
        OPEN_1 + frames.window_update(1, 2**31 - 1),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
}


@pytest.mark.parametrize(("sent", "code"), STREAM_FAULTS.values(), ids=STREAM_FAULTS)
def test_a_fault_of_one_stream_costs_that_stream(sent: bytes, code: ErrorCode) -> None:
    served = Served2()
    heard = served.send(sent + call(3, body=b"x"))
    assert heard.answers[1].reset == code
    assert served.requests == [(3, b"x")]
    assert len(served.faults) == 1
    assert served.over == []


def padded(kind: int, flags: int, payload: bytes) -> bytes:
    return frames.frame(kind, flags | frames.PADDED, 1, payload)


CONNECTION_FAULTS = {
    "another preface": (b"", b"PRI * HTTP/3.0\r\n\r\n", ErrorCode.PROTOCOL_ERROR),
    "a ping first": (b"", frames.PREFACE + frames.frame(6, 0, 0, bytes(8)), 1),
    "an acknowledgement first": (b"", frames.PREFACE + frames.settings_ack(), 1),
    "DATA first": (b"", frames.PREFACE + frames.data_frame(1, b"", ends_stream=True), 1),
    "a frame too large": (OPENING, frames.frame(0xEE, 0, 0, bytes(16_385)), 6),
    "CONTINUATION alone": (OPENING, frames.frame(frames.CONTINUATION, 4, 1), 1),
    "a ping within a header block": (
        OPENING,
        frames.frame(frames.HEADERS, 0, 1, HEAD) + frames.frame(6, 0, 0, bytes(8)),
        1,
    ),
    "DATA within a header block": (
        OPENING,
        frames.frame(frames.HEADERS, 0, 1, HEAD) + frames.data_frame(1, b"", ends_stream=True),
        1,
    ),
    "HEADERS after the end": (OPENING + call(1), WHOLE_1, ErrorCode.STREAM_CLOSED),
    "DATA after the end": (
        OPENING + call(1),
        frames.data_frame(1, b"x", ends_stream=True),
        ErrorCode.STREAM_CLOSED,
    ),
    "an earlier stream": (OPENING + call(5), frames.header_frames(3, HEAD, ends_stream=True), 1),
    "a reset of an idle stream": (OPENING, frames.reset(1, 0), 1),
    "a window for an idle stream": (OPENING, frames.window_update(1, 1), 1),
    "a connection window update of 0": (OPENING, frames.window_update(0, 0), 1),
    "a setting of push": (OPENING, setting(Setting.ENABLE_PUSH, 2), 1),
    "a setting of too large a window": (OPENING, setting(Setting.INITIAL_WINDOW_SIZE, 2**31), 3),
    "a setting that makes a window too large": (
        OPENING + OPEN_1 + frames.window_update(1, 2**30),
        setting(Setting.INITIAL_WINDOW_SIZE, 2**31 - 1),
        3,
    ),
    "too short a setting": (OPENING, frames.frame(frames.SETTINGS, 0, 0, bytes(5)), 6),
    "settings on a stream": (OPENING, frames.frame(frames.SETTINGS, 0, 1), 1),
    "a reset of the connection": (OPENING, frames.frame(frames.RST_STREAM, 0, 0, bytes(4)), 1),
    "a GOAWAY on a stream": (OPENING, frames.frame(frames.GOAWAY, 0, 1, bytes(8)), 1),
    "HEADERS without room for padding": (OPENING, padded(frames.HEADERS, 4, b""), 6),
    "HEADERS padded too far": (OPENING, padded(frames.HEADERS, 4, b"\x05ab"), 1),
    "HEADERS on itself": (
        OPENING,
        frames.frame(frames.HEADERS, 0x24, 1, b"\0\0\0\1\0" + HEAD),
        1,
    ),
    "DATA without room for padding": (OPENING + OPEN_1, padded(frames.DATA, 0, b""), 6),
    "DATA padded too far": (OPENING + OPEN_1, padded(frames.DATA, 0, b"\x05ab"), 1),
}


@pytest.mark.parametrize(
    ("before", "sent", "code"), CONNECTION_FAULTS.values(), ids=CONNECTION_FAULTS
)
def test_a_fault_of_the_connection_ends_it(before: bytes, sent: bytes, code: int) -> None:
    served = Served2(has_seen=before)
    assert served.over == []
    heard = served.send(sent)
    assert heard.goaway == code
    assert [fault.code for fault in served.over] == [code]
    assert served.connection.is_over
    answered = len(served.requests)
    served.send(call(99, body=b"late"))
    assert len(served.requests) == answered


def test_padding_and_priority_are_taken_off() -> None:
    served = Served2()
    head = padded(frames.HEADERS, 0x24, b"\x02" + b"\0\0\0\0\x10" + HEAD + bytes(2))
    served.send(head + padded(frames.DATA, 1, b"\x03abc" + bytes(3)))
    assert served.requests == [(1, b"abc")]


def test_a_connection_that_ends_cuts_what_is_not_whole() -> None:
    served = Served2(body=b"x")
    served.send(setting(Setting.INITIAL_WINDOW_SIZE, 0) + OPEN_1)
    served.send(frames.header_frames(3, HEAD, ends_stream=True))
    served.connection.cut("gone")
    assert served.cut == [(1, "gone")]


def test_control_frames_are_counted_within_a_window_of_time() -> None:
    served = Served2(limits=Limits(control_frames=10, control_window_s=5.0))
    ping = frames.frame(frames.PING, 0, 0, bytes(8))
    served.send(ping * 9)
    served.now = 6.0
    served.send(ping * 9)
    assert served.over == []
    served.send(ping * 9)
    assert [fault.is_flood for fault in served.over] == [True]


def test_what_one_connection_may_hold_unfinished_is_limited() -> None:
    served = Served2(limits=Limits(request_bytes=1000))
    piece = frames.data_frame(1, bytes(10_000), ends_stream=False)
    served.send(OPEN_1 + piece)
    assert served.over == []
    served.send(piece)
    assert [fault.is_flood for fault in served.over] == [True]


def test_what_is_finished_or_dropped_is_held_no_more() -> None:
    served = Served2(limits=Limits(request_bytes=1000))
    for number in range(1, 40, 4):
        served.send(call(number, body=bytes(15_000)))
        dropped = frames.header_frames(number + 2, HEAD, ends_stream=False)
        dropped += frames.data_frame(number + 2, bytes(10_000), ends_stream=False)
        served.send(dropped + frames.reset(number + 2, ErrorCode.CANCEL))
    assert (served.over, len(served.requests), len(served.cut)) == ([], 10, 10)


def test_a_goaway_of_the_client_lets_open_requests_go_on() -> None:
    served = Served2()
    goaway = frames.goaway(0, ErrorCode.NO_ERROR, "bye")
    served.send(OPEN_1 + goaway + frames.data_frame(1, b"x", ends_stream=True))
    assert served.requests == [(1, b"x")]


def test_a_reader_of_a_client_expects_no_preface() -> None:
    reader = FrameReader(expects_preface=False, max_frame_size=20_000)
    assert list(reader.frames(frames.ping_ack(b"12345678"))) == [(6, 1, 0, b"12345678")]
    assert reader.is_between_frames
    with pytest.raises(ConnectionFault, match="20001"):
        list(reader.frames(struct.pack(">HBBBL", 20_001 >> 8, 20_001 & 255, 0, 0, 1)))

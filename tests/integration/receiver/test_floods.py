"""What only an attack or a broken client sends: it costs that connection, and is recorded."""

import struct

import pytest

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode
from tests.support.http2_talk import block, call, grpc_fields, talk2
from tests.support.receiving import receiving, span_request

GOOD = span_request("good")
HEAD = frames.header_frames(1, block(grpc_fields()), ends_stream=False)


def rapid_resets(count: int) -> bytes:
    head = block(grpc_fields())
    return b"".join(
        frames.header_frames(number, head, ends_stream=False)
        + frames.reset(number, ErrorCode.CANCEL)
        for number in range(1, 2 * count, 2)
    )


def header_bomb() -> bytes:
    """One entry of 4,000 bytes in the dynamic table, named 1,000 times with a byte each."""
    entry = b"\x40\x01x" + b"\x7f" + b"\xa1\x1e" + b"a" * 4000  # length 127 + 0x21 + 0x1e * 128
    return frames.header_frames(1, block(grpc_fields()) + entry + b"\xbe" * 1000, ends_stream=True)


FLOODS = {
    "settings": frames.settings(()) * 5000,
    "pings": frames.frame(frames.PING, 0, 0, bytes(8)) * 5000,
    "rapid resets": rapid_resets(5000),
    "empty DATA frames": HEAD + frames.data_frame(1, b"", ends_stream=False) * 5000,
    "priorities": frames.frame(frames.PRIORITY, 0, 1, bytes(5)) * 5000,
    "unknown frames": frames.frame(0xFA, 0, 0, b"") * 5000,
    "empty CONTINUATION frames": frames.frame(frames.HEADERS, 0, 1, block(grpc_fields()))
    + frames.frame(frames.CONTINUATION, 0, 1) * 5000,
    "endless CONTINUATION frames": frames.frame(frames.HEADERS, 0, 1, block(grpc_fields()))
    + frames.frame(frames.CONTINUATION, 0, 1, bytes(16384)) * 100,
    "a header bomb": header_bomb(),
}


@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_its_connection_and_no_other(sent: bytes) -> None:
    with receiving() as (receiver, heard):
        flooded = talk2(receiver.grpc_port, call(1, GOOD)[:0] + sent)
        neighbour = talk2(receiver.grpc_port, call(1, GOOD))
    assert neighbour.answers[1]["grpc-status"] == "0"
    floods = [problem for problem in heard.problems if problem.kind == "flood"]
    assert len(floods) == 1
    assert floods[0].connection is heard.connections[0]
    assert "ENHANCE_YOUR_CALM" in heard.connections[0].close_reason
    assert flooded.goaway in {ErrorCode.ENHANCE_YOUR_CALM, None}  # None: a reset overtook it


def test_control_frames_that_requests_explain_are_no_flood() -> None:
    ping = frames.frame(frames.PING, 0, 0, bytes(8))
    sent = b"".join(call(number, b"") + ping * 4 for number in range(1, 4001, 2))
    with receiving() as (receiver, heard):
        answers = talk2(receiver.grpc_port, sent)
    assert len(heard.requests) == len(answers.answers) == 2000
    assert len(answers.pings) == 8000
    assert heard.kinds() == []


BROKEN = {
    "a frame over the announced size": frames.frame(frames.DATA, 0, 1, bytes(16385)),
    "a header block that is not valid HPACK": frames.frame(
        frames.HEADERS, frames.END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"
    ),
    "DATA on a stream that never began": frames.data_frame(9, b"x", ends_stream=True),
    "a push": frames.frame(frames.PUSH_PROMISE, 0, 1, bytes(4)),
    "an even stream": frames.header_frames(2, block(grpc_fields()), ends_stream=True),
    "a window above the largest": frames.window_update(0, 2**31 - 1),
    "a ping of 7 bytes": frames.frame(frames.PING, 0, 0, bytes(7)),
    "a setting out of range": frames.frame(frames.SETTINGS, 0, 0, struct.pack(">HL", 5, 1)),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_broken_frames_end_their_connection_with_a_goaway(sent: bytes) -> None:
    with receiving() as (receiver, heard):
        broken = talk2(receiver.grpc_port, sent)
        neighbour = talk2(receiver.grpc_port, call(1, GOOD))
    assert broken.goaway not in {None, ErrorCode.NO_ERROR}
    assert broken.debug
    assert neighbour.answers[1]["grpc-status"] == "0"
    assert heard.kinds() == ["protocol_error"]
    assert broken.debug in heard.problems[0].message


def test_more_streams_than_announced_are_refused_and_can_be_sent_again() -> None:
    head = block(grpc_fields())
    opened = b"".join(
        frames.header_frames(number, head, ends_stream=False) for number in range(1, 2021, 2)
    )
    with receiving() as (receiver, _):
        answers = talk2(receiver.grpc_port, opened).answers
    assert {answer.reset for answer in answers.values()} == {ErrorCode.REFUSED_STREAM}
    assert len(answers) == 10

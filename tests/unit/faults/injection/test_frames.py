"""Faults of HTTP/2 frames, without sockets: which frames pass, which are put in, and where."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from otlptest import faults
from otlptest.faults import ErrorCode, WireFault
from otlptest.faults.injection.protocol_tracker import FrameConversation
from otlptest.faults.wire_faults import Moment
from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import Setting
from otlptest.wire.transport.http2_reader import FrameReader
from tests.support.passages import Wire

OPENING = frames.PREFACE + frames.settings(())
SERVER_SETTINGS = frames.settings(((Setting.INITIAL_WINDOW_SIZE, 1_000_000),))
NAMES = {
    frames.DATA: "DATA",
    frames.HEADERS: "HEADERS",
    frames.RST_STREAM: "RST_STREAM",
    frames.SETTINGS: "SETTINGS",
    frames.GOAWAY: "GOAWAY",
    frames.WINDOW_UPDATE: "WINDOW_UPDATE",
    frames.CONTINUATION: "CONTINUATION",
}


def request(stream: int, size: int = 100) -> bytes:
    """A call: a header block that nobody reads, and a message."""
    head = frames.header_frames(stream, b"head", ends_stream=False)
    return head + frames.data_frame(stream, bytes(size), ends_stream=True)


def reply(stream: int) -> bytes:
    """Head, message, trailers."""
    return (
        frames.header_frames(stream, b"head", ends_stream=False)
        + frames.data_frame(stream, b"message", ends_stream=False)
        + frames.header_frames(stream, b"trailers", ends_stream=True)
    )


def told(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    """Frames as name, stream and payload."""
    reader = FrameReader(expects_preface=data.startswith(frames.PREFACE))
    for kind, flags, stream, payload in reader.frames(data):
        name = NAMES[kind] + (" ACK" if kind == frames.SETTINGS and flags & frames.ACK else "")
        yield name, stream, bytes(payload)
    assert reader.is_between_frames


def names(data: bytes) -> list[str]:
    """Frames as `NAME stream`, without those of the connection."""
    return [f"{name} {stream}" for name, stream, _ in told(data) if stream or name == "GOAWAY"]


def opened(*in_force: WireFault, **options: bool) -> Wire:
    """A connection on which both sides have said their first words."""
    wire = Wire(*in_force, **options)  # type: ignore[arg-type]  # a flag
    wire.up(OPENING)
    wire.down(SERVER_SETTINGS + frames.settings_ack())
    wire.up(frames.settings_ack())
    return wire


def goaways(wire: Wire) -> list[tuple[int, int, bytes]]:
    """Last stream id, code and debug data of each GOAWAY to the client."""
    payloads = [payload for name, _, payload in told(wire.seen("down")) if name == "GOAWAY"]
    long = frames.LONG.size
    return [
        (int.from_bytes(p[:long]), int.from_bytes(p[long : 2 * long]), p[2 * long :])
        for p in payloads
    ]


@pytest.mark.parametrize("size", [1, 3, 8, 9, 10, 50, 10_000], ids=str)
def test_without_effect_all_frames_pass_however_they_are_cut(size: int) -> None:
    wire = Wire(faults.goaway(at="after_reply", ends_connection=False))
    up, down = OPENING + request(1, 20_000) + request(3), SERVER_SETTINGS
    for at in range(0, len(up), size):
        wire.up(up[at : at + size])
    for at in range(0, len(down), size):
        wire.down(down[at : at + size])
    assert (wire.seen("up"), wire.seen("down")) == (up, down)


@pytest.mark.parametrize("size", [1, 4, 9, 1000], ids=str)
def test_fault_that_comes_in_the_middle_of_frames_keeps_them_whole(size: int) -> None:
    up = request(1, 50) + request(3, 50)
    pieces = [up[a:b] for a, b in pairwise([*range(0, len(up), size), len(up)])]
    for turn in range(len(pieces)):
        wire = opened()
        for piece in pieces[:turn]:
            wire.up(piece)
        injection = wire.inject(faults.rst_stream())
        for piece in pieces[turn:]:
            wire.up(piece)
        sent = [name for name in names(wire.seen("up")) if not name.startswith("RST")]
        assert injection.fired == names(wire.seen("up")).count("RST_STREAM 1") + names(
            wire.seen("up")
        ).count("RST_STREAM 3")
        assert [name for name in sent if name.startswith("HEADERS")] == ["HEADERS 1", "HEADERS 3"]


@pytest.mark.parametrize("at", ["request", "before_reply"])
def test_goaway_names_the_last_stream_and_lets_its_reply_pass(at: Moment) -> None:
    fault = faults.goaway(at=at, code="ENHANCE_YOUR_CALM", message="slow down")
    wire = opened(fault)
    wire.up(request(1))
    wire.down(reply(1))
    assert goaways(wire) == [(1, ErrorCode.ENHANCE_YOUR_CALM, b"slow down")]
    assert names(wire.seen("up")) == ["HEADERS 1", "DATA 1"]
    assert names(wire.seen("down")) == ["GOAWAY 0", "HEADERS 1", "DATA 1", "HEADERS 1"]
    assert wire.fate == [("close", "closed after a GOAWAY")]
    (firing,) = wire.injections[0].firings
    assert (firing.stream_id, firing.connection, firing.fault) == (1, 1, fault)


def test_goaway_after_the_reply_comes_after_it() -> None:
    wire = opened(faults.goaway(at="after_reply"))
    wire.up(request(1))
    wire.down(reply(1))
    assert names(wire.seen("down")) == ["HEADERS 1", "DATA 1", "HEADERS 1", "GOAWAY 0"]
    assert wire.fate == [("close", "closed after a GOAWAY")]


def test_goaway_with_last_stream_0_hides_the_request_from_the_server() -> None:
    wire = opened(faults.goaway(last_stream_id=0))
    wire.up(request(1))
    assert goaways(wire) == [(0, 0, b"")]
    assert names(wire.seen("up")) == []
    assert wire.fate == [("close", "closed after a GOAWAY")]


def test_goaway_with_last_stream_0_before_the_reply_drops_the_reply() -> None:
    wire = opened(faults.goaway(last_stream_id=0, at="before_reply"), needs_reply_blocks=False)
    wire.up(request(1))
    wire.down(reply(1))
    assert names(wire.seen("up")) == ["HEADERS 1", "DATA 1"]
    assert names(wire.seen("down")) == ["GOAWAY 0"]


def test_goaway_at_once_waits_for_the_servers_settings() -> None:
    wire = Wire(faults.goaway(at="connect"))
    wire.up(OPENING + request(1))
    assert wire.seen("down") == b""
    wire.down(SERVER_SETTINGS)
    assert [name for name, _, _ in told(wire.seen("down"))][:2] == ["SETTINGS", "GOAWAY"]
    assert names(wire.seen("up")) == []
    assert wire.fate == [("close", "closed after a GOAWAY")]


def test_streams_above_the_last_are_dropped_and_cost_no_window() -> None:
    wire = opened(faults.goaway(last_stream_id=1, ends_connection=False))
    wire.up(request(1))
    wire.up(request(3, 500))
    wire.down(reply(1))
    assert names(wire.seen("up")) == ["HEADERS 1", "DATA 1"]
    assert (frames.window_update(0, 500)) in wire.seen("down")
    assert wire.fate == []
    assert wire.injections[0].fired == 1


def test_connection_is_closed_only_when_what_is_allowed_has_its_reply() -> None:
    wire = opened()
    wire.up(request(1))
    wire.inject(faults.goaway(last_stream_id=2**31 - 1))
    wire.up(request(3))
    wire.down(reply(3))
    assert wire.fate == []
    wire.down(reply(1))
    assert wire.fate == [("close", "closed after a GOAWAY")]


def test_goaway_waits_for_the_end_of_a_frame_and_of_a_header_block() -> None:
    wire = opened()
    wire.up(request(1))
    block = frames.header_frames(1, bytes(20_000), ends_stream=False)
    wire.down(block[:5000])
    injection = wire.inject(faults.goaway(ends_connection=False))
    wire.up(request(3))
    wire.down(block[5000:16_393])
    assert injection.fired == 1
    assert names(wire.seen("down")) == ["HEADERS 1"]
    wire.down(block[16_393:])
    assert names(wire.seen("down")) == ["HEADERS 1", "CONTINUATION 1", "GOAWAY 0"]


def test_refused_stream_is_cancelled_at_the_server_and_reset_at_the_client() -> None:
    wire = opened()
    wire.inject(faults.rst_stream(), times=1)
    wire.up(request(1, 300))
    wire.up(request(3))
    wire.down(reply(3))
    assert names(wire.seen("up")) == ["HEADERS 1", "RST_STREAM 1", "HEADERS 3", "DATA 3"]
    assert frames.reset(1, ErrorCode.CANCEL) in wire.seen("up")
    assert names(wire.seen("down")) == ["RST_STREAM 1", "HEADERS 3", "DATA 3", "HEADERS 3"]
    assert frames.reset(1, ErrorCode.REFUSED_STREAM) in wire.seen("down")
    assert frames.window_update(0, 300) in wire.seen("down")
    assert wire.passed.lost_requests == [1]


def test_refused_stream_that_ends_with_its_head_does_not_end_at_the_server() -> None:
    wire = opened(faults.rst_stream("INTERNAL_ERROR"))
    wire.up(frames.header_frames(1, bytes(20_000), ends_stream=True))
    assert names(wire.seen("up")) == ["HEADERS 1", "CONTINUATION 1", "RST_STREAM 1"]
    flags = wire.seen("up")[len(OPENING) + len(frames.settings_ack()) :][4]
    assert not flags & frames.END_STREAM


@pytest.mark.parametrize("needs_blocks", [True, False], ids=["any server", "the fake"])
def test_reply_is_dropped_and_the_server_gets_its_window_back(*, needs_blocks: bool) -> None:
    wire = opened(faults.rst_stream("CANCEL", at="before_reply"), needs_reply_blocks=needs_blocks)
    wire.up(request(1))
    wire.down(reply(1))
    expected = ["RST_STREAM 1", "HEADERS 1", "HEADERS 1"] if needs_blocks else ["RST_STREAM 1"]
    assert names(wire.seen("down")) == expected
    assert frames.window_update(0, len(b"message")) in wire.seen("up")
    assert names(wire.seen("up"))[:2] == ["HEADERS 1", "DATA 1"]


def test_client_gets_the_small_window_in_the_servers_own_first_settings() -> None:
    wire = opened(faults.window(10))
    sent = [payload for name, _, payload in told(wire.seen("down")) if name == "SETTINGS"]
    assert sent == [frames.SETTING.pack(Setting.INITIAL_WINDOW_SIZE, 10)]
    wire.down(frames.window_update(1, 500) + frames.window_update(0, 700))
    assert frames.window_update(1, 500) not in wire.seen("down")
    assert frames.window_update(0, 700) in wire.seen("down")


def test_window_is_never_larger_than_the_servers_own() -> None:
    wire = opened(faults.window(2_000_000))
    assert frames.SETTING.pack(Setting.INITIAL_WINDOW_SIZE, 1_000_000) in wire.seen("down")


def test_window_of_an_open_connection_is_taken_and_given_back() -> None:
    wire = opened()
    wire.up(frames.header_frames(1, b"head", ends_stream=False))
    injection = wire.inject(faults.window(0))
    wire.up(frames.data_frame(1, b"first", ends_stream=False))
    small = frames.settings(((Setting.INITIAL_WINDOW_SIZE, 0),))
    assert wire.seen("down").endswith(small)
    wire.up(frames.settings_ack())  # swallowed: the server sent nothing
    assert wire.seen("up").count(frames.settings_ack()) == 1
    update = frames.window_update(1, 500)
    wire.down(update[:11])
    wire.down(update[11:])
    wire.down(frames.window_update(1, 30) + frames.window_update(9, 30))
    assert wire.seen("down").endswith(small)
    wire.end(injection)
    large = frames.settings(((Setting.INITIAL_WINDOW_SIZE, 1_000_000),))
    assert wire.seen("down").endswith(large + frames.window_update(1, 530))
    last = frames.data_frame(1, b"last", ends_stream=True)
    wire.up(frames.settings_ack() + last)
    assert wire.seen("up").count(frames.settings_ack()) == 1
    assert wire.seen("up").endswith(last)


def test_later_settings_of_the_server_do_not_open_the_window() -> None:
    wire = opened(faults.window(5))
    more = frames.settings(
        ((Setting.MAX_FRAME_SIZE, 20_000), (Setting.INITIAL_WINDOW_SIZE, 500_000))
    )
    wire.down(more[:12])
    wire.down(more[12:])
    expected = frames.settings(((Setting.MAX_FRAME_SIZE, 20_000), (Setting.INITIAL_WINDOW_SIZE, 5)))
    assert wire.seen("down").endswith(expected)


def test_fault_that_begins_in_the_middle_knows_what_is_under_way() -> None:
    conversation = FrameConversation(
        last_id=5, whole={3: True, 5: False}, has_begun=True, server_window=frames.MAX_WINDOW
    )
    wire = Wire(
        faults.rst_stream("CANCEL", at="before_reply"),
        conversation=conversation,
        needs_reply_blocks=False,
    )
    wire.up(frames.data_frame(5, b"rest", ends_stream=True))
    wire.down(reply(3) + reply(5))
    assert names(wire.seen("down")) == ["RST_STREAM 3", "RST_STREAM 5"]
    assert conversation.under_way == 0


def test_stream_that_either_side_resets_is_not_under_way() -> None:
    wire = opened()
    wire.up(request(1) + request(3) + frames.reset(1, ErrorCode.CANCEL))
    wire.down(frames.reset(3, ErrorCode.INTERNAL_ERROR))
    assert wire.interference is not None
    assert wire.interference.conversation is not None
    assert wire.interference.conversation.under_way == 0
    assert wire.interference.conversation.requests == 2


def test_reset_before_the_reply_comes_before_any_byte_of_it() -> None:
    wire = opened(faults.reset(at="before_reply"))
    wire.up(request(1)[:50])
    wire.down(frames.window_update(1, 100))
    wire.up(request(1)[50:])
    assert wire.fate == []
    wire.down(reply(1))
    assert names(wire.seen("down")) == ["WINDOW_UPDATE 1"]
    assert wire.fate == [("abort", "reset by faults.reset(at='before_reply')")]


def test_beginning_of_a_head_that_is_kept_outlives_the_fault_and_what_goes_the_other_way() -> None:
    wire = opened()
    injection = wire.inject(faults.goaway(at="after_reply"))
    up, down = request(1), reply(1)
    wire.down(down[:5])
    wire.up(up[:3])
    wire.end(injection)
    wire.up(up[3:50])
    wire.down(down[5:])
    wire.up(up[50:])
    assert wire.seen("up").endswith(up)
    assert wire.seen("down").endswith(down)


def test_what_is_kept_both_ways_goes_on_when_a_fault_cuts_the_connection() -> None:
    wire = opened(faults.truncate(after_bytes=len(OPENING) + 9 + 4))
    wire.down(reply(1)[:6])
    wire.up(request(1))
    assert wire.seen("up").endswith(request(1)[:4])
    assert wire.seen("down").endswith(reply(1)[:6])


def test_frame_that_began_before_a_fault_is_not_taken_for_the_last_one_that_was_left_out() -> None:
    wire = opened()
    wire.inject(faults.rst_stream(), times=1)
    wire.up(request(1))
    wire.up(request(3)[:30])
    wire.inject(faults.rst_stream(), times=1)
    wire.up(request(3)[30:])
    assert wire.seen("up").endswith(request(3))


def test_frame_that_is_being_left_out_when_the_scope_ends_is_left_out_whole() -> None:
    wire = opened()
    wire.up(request(1)[:30])
    injection = wire.inject(faults.window(0))
    wire.up(request(1)[30:40])
    update = frames.window_update(1, 500)
    wire.down(update[:11])
    wire.end(injection)
    wire.down(update[11:] + frames.window_update(0, 7))
    assert frames.window_update(0, 7) in wire.seen("down")
    assert wire.seen("down").endswith(update)


def test_settings_that_are_being_rewritten_when_the_scope_ends_stay_one_frame() -> None:
    wire = Wire(faults.window(5))
    wire.up(OPENING)
    wire.down(SERVER_SETTINGS[:12])
    wire.end(wire.injections[0])
    wire.down(SERVER_SETTINGS[12:] + frames.settings_ack())
    assert wire.seen("down") == SERVER_SETTINGS + frames.settings_ack()

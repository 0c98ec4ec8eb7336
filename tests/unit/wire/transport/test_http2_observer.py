"""Frames as they pass by: any cut of the bytes gives the same frames, and nothing is delayed."""

import random
from itertools import pairwise

import pytest

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_observer import FramePart, FrameTracker

FRAMES = (
    frames.settings(((frames.Setting.INITIAL_WINDOW_SIZE, 70_000),)),
    frames.header_frames(1, bytes(40), ends_stream=False),
    frames.data_frame(1, bytes(500), ends_stream=False),
    frames.data_frame(1, b"", ends_stream=True),
    frames.settings_ack(),
    frames.header_frames(3, bytes(20_000), ends_stream=True),
    frames.reset(3, frames.ErrorCode.CANCEL),
)
STREAM = frames.PREFACE + b"".join(FRAMES)


def cut(data: bytes, seed: int) -> list[bytes]:
    """`data` in pieces of random sizes."""
    chance = random.Random(seed)  # noqa: S311 -- repeatable
    places = chance.choices(range(1, len(data)), k=seed)
    return [data[a:b] for a, b in pairwise([0, *sorted(set(places)), len(data)])]


def walked(pieces: list[bytes]) -> list[FramePart]:
    """The parts of all pieces, their bytes kept."""
    walker = FrameTracker(expects_preface=True)
    parts = []
    for piece in pieces:
        for part in walker.walk(piece):
            part.data = bytes(part.data)
            parts.append(part)
    assert walker.kept() == b""
    assert walker.is_between_frames
    return parts


@pytest.mark.parametrize("seed", [0, 1, 2, 5, 20, 200, 2000], ids=str)
def test_parts_are_the_frames_however_the_bytes_are_cut(seed: int) -> None:
    parts = walked(cut(STREAM, seed))
    assert b"".join(bytes(part.data) for part in parts) == STREAM
    begun = [part for part in parts if part.begins]
    assert [part.kind for part in begun] == [
        -1,
        frames.SETTINGS,
        frames.HEADERS,
        frames.DATA,
        frames.DATA,
        frames.SETTINGS,
        frames.HEADERS,
        frames.CONTINUATION,
        frames.RST_STREAM,
    ]
    assert [part.stream_id for part in begun] == [0, 0, 1, 1, 1, 0, 3, 3, 3]
    assert sum(part.ends for part in parts) == len(begun)


def test_only_the_part_that_completes_an_end_of_stream_ends_the_stream() -> None:
    walker = FrameTracker(expects_preface=False)
    frame = frames.data_frame(1, bytes(100), ends_stream=True)
    first = list(walker.walk(frame[:50]))
    last = list(walker.walk(frame[50:]))
    assert [part.ends_stream for part in first + last] == [False, True]


def test_beginning_of_a_head_is_kept_until_it_is_whole() -> None:
    walker = FrameTracker(expects_preface=False)
    frame = frames.data_frame(1, b"abc", ends_stream=False)
    assert list(walker.walk(frame[:5])) == []
    assert walker.kept() == frame[:5]
    assert walker.is_between_frames
    head, payload = walker.walk(frame[5:])
    assert (bytes(head.data), bytes(payload.data)) == (frame[:9], frame[9:])
    assert (head.begins, head.ends) == (True, False)
    assert (payload.begins, payload.ends) == (False, True)


def test_head_of_which_a_piece_has_gone_on_cannot_be_left_out_any_more() -> None:
    walker = FrameTracker(expects_preface=False)
    frame = frames.data_frame(1, b"abc", ends_stream=False)
    assert list(walker.walk(frame[:5])) == []
    walker.has_passed()
    assert walker.kept() == b""
    assert not walker.is_between_frames
    parts = list(walker.walk(frame[5:]))
    assert b"".join(bytes(part.data) for part in parts) == frame[5:]
    assert not any(part.begins for part in parts)
    assert [part.ends for part in parts][-1]


def test_what_is_no_http2_passes_too() -> None:
    walker = FrameTracker(expects_preface=True)
    noise = bytes(range(256)) * 20
    passed = b"".join(bytes(part.data) for part in walker.walk(noise))
    assert passed + walker.kept() == noise

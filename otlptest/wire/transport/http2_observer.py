"""A walk over HTTP/2 frames as they pass (RFC 9113 section 4.1), for a proxy between two ends.

A `FrameReader` keeps a frame until it is whole; a walker keeps at most an incomplete frame head,
so traffic is not delayed. It never judges: bytes that are not HTTP/2 pass too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otlptest.wire.transport import http2_frames as frames

_PREFACE_SIZE: Final = len(frames.PREFACE)
_PREFACE_KIND: Final = -1


@dataclass(slots=True)
class FramePart:
    """A piece of one frame.

    Attributes:
        data: Its bytes, the frame's head included; without what had passed by before.
        kind: The frame's type; -1 for the preface.
        flags: Its flags.
        stream_id: Its stream.
        begins: Whether the frame begins here, so that it may still be left out.
        ends: Whether it is whole now.
    """

    data: bytes | memoryview
    kind: int
    flags: int
    stream_id: int
    begins: bool
    ends: bool

    @property
    def ends_stream(self) -> bool:
        """Return whether this is the last of what this side sends on the stream."""
        return (
            self.ends
            and bool(self.flags & frames.END_STREAM)
            and self.kind in {frames.DATA, frames.HEADERS}
        )


class FrameTracker:
    """A splitter of one direction of a connection into frames. Not thread-safe.

    Args:
        expects_preface: Whether the direction begins with the client's preface.
    """

    def __init__(self, *, expects_preface: bool) -> None:
        self._left = _PREFACE_SIZE if expects_preface else 0  # of the frame that is passing
        self._kind = _PREFACE_KIND
        self._flags = 0
        self._stream_id = 0
        self._head = b""  # the beginning of a frame head
        self._passed = 0  # how much of it was passed on already
        self._begins = expects_preface

    @property
    def is_between_frames(self) -> bool:
        """Return whether a frame could be put in here."""
        return not self._left and not self._passed

    def walk(self, data: bytes | memoryview) -> Iterator[FramePart]:
        """Yield the pieces of frames in `data`, and keep the beginning of a head."""
        at, end = 0, len(data)
        view = memoryview(data)
        while at < end:
            if not self._left:
                lacking = frames.HEAD_SIZE - len(self._head)
                if end - at < lacking:
                    self._head += bytes(view[at:])
                    return
                if self._head:
                    yield from self._begun_before(view[at : at + lacking])
                    at += lacking
                    continue
                self._read_head(view[at : at + frames.HEAD_SIZE])
                size = min(frames.HEAD_SIZE + self._left, end - at)
                self._left -= size - frames.HEAD_SIZE
                self._begins = True
            else:
                size = min(self._left, end - at)
                self._left -= size
            yield self._part(view[at : at + size])
            at += size

    def has_passed(self) -> None:
        """Note that all bytes of the last `walk` were passed on, a kept head included."""
        self._passed = len(self._head)

    def kept(self) -> bytes:
        """Return the kept bytes that were not passed on; after the end they belong to no frame."""
        return self._head[self._passed :]

    def _begun_before(self, rest: memoryview) -> Iterator[FramePart]:
        """Yield the head that began with an earlier call, and with it maybe an empty frame."""
        head = self._head + bytes(rest)
        had_passed, self._head, self._passed = self._passed, b"", 0
        self._read_head(head)
        self._begins = not had_passed
        yield self._part(head[had_passed:])

    def _read_head(self, head: bytes | memoryview) -> None:
        high, low, self._kind, self._flags, stream_id = frames.HEAD.unpack(head)
        self._left = high << 8 | low
        self._stream_id = stream_id & frames.STREAM_MASK

    def _part(self, data: bytes | memoryview) -> FramePart:
        begins, self._begins = self._begins, False
        return FramePart(
            data, self._kind, self._flags, self._stream_id, begins, ends=not self._left
        )

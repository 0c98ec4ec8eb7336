"""A reader of HTTP/2 frames (RFC 9113 sections 3.4 and 4.1), for either end of a connection."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.http2_frames import ErrorCode

Payload: TypeAlias = bytes | memoryview
"""The payload of a frame: a view if a copy would cost more."""

_COPIED_BELOW: Final = 2048
_PREFACE_SIZE: Final = len(frames.PREFACE)


class ConnectionFault(Exception):  # noqa: N818 -- RFC 9113 calls it a connection error
    """The end of the connection with a GOAWAY.

    Attributes:
        code: The error code that the peer gets.
        problem: The fault of the peer, for the debug data and the record.
        is_flood: Whether it did too much of something, rather than something wrong.
    """

    def __init__(self, code: ErrorCode, problem: str, *, is_flood: bool = False) -> None:
        super().__init__(code, problem)
        self.code = code
        self.problem = problem
        self.is_flood = is_flood


class FrameReader:
    """A splitter of a byte stream into frames; it keeps incomplete ones.

    Args:
        max_frame_size: Largest payload that we have announced.
        expects_preface: Whether the peer is a client.

    Attributes:
        whole_reads: The number of reads that completed a frame; while it does not change and
            bytes are kept, the peer is in the middle of a frame.
    """

    def __init__(
        self, *, max_frame_size: int = frames.MIN_FRAME_SIZE, expects_preface: bool = True
    ) -> None:
        self._max_size = max_frame_size
        self._lacks_preface = expects_preface
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._wanted = _PREFACE_SIZE if expects_preface else frames.HEAD_SIZE
        self.whole_reads = 0

    @property
    def is_between_frames(self) -> bool:
        """Return whether nothing is kept back."""
        return not self._pending

    @property
    def pending(self) -> bytes:
        """Return the bytes that are kept back."""
        return b"".join(self._pending)

    def frames(self, data: bytes) -> Iterator[tuple[int, int, int, Payload]]:
        """Yield type, flags, stream id and payload of each frame that `data` completes.

        Raises:
            ConnectionFault: The preface is wrong, or a frame too large.
        """
        at = 0
        if self._pending:
            at = self._wanted - self._pending_size
            self._pending.append(data)
            if len(data) < at:
                self._pending_size += len(data)
                return
            if self._wanted > frames.HEAD_SIZE and not self._lacks_preface:
                self._pending[-1] = data[:at]
                yield self._frame(b"".join(self._pending))
            else:
                data, at = b"".join(self._pending), 0
            self._pending = []
        if self._lacks_preface:
            at = self._after_preface(data)
        yield from self._cut(data, at)

    def _cut(self, data: bytes, at: int) -> Iterator[tuple[int, int, int, Payload]]:
        """Yield every whole frame from `at` on; keeps the rest.

        Raises:
            ConnectionFault: A frame is too large.
        """
        begin, end = at, len(data)
        view = memoryview(data)
        while not self._lacks_preface:
            start = at + frames.HEAD_SIZE
            if start > end:
                self._wanted = frames.HEAD_SIZE
                break
            high, low, kind, flags, stream_id = frames.HEAD.unpack_from(data, at)
            length = high << 8 | low
            if length > self._max_size:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            if start + length > end:
                self._wanted = frames.HEAD_SIZE + length
                break
            at = start + length
            payload = data[start:at] if length < _COPIED_BELOW else view[start:at]
            yield kind, flags, stream_id & frames.STREAM_MASK, payload
        if at > begin:
            self.whole_reads += 1
        if at < end:
            self._pending = [data[at:]]
            self._pending_size = end - at

    def _frame(self, data: bytes) -> tuple[int, int, int, Payload]:
        """Return the frame that is all of `data`."""
        self.whole_reads += 1
        _, _, kind, flags, stream_id = frames.HEAD.unpack_from(data)
        payload = memoryview(data)[frames.HEAD_SIZE :]
        return kind, flags, stream_id & frames.STREAM_MASK, payload

    def _after_preface(self, data: bytes) -> int:
        """Return where the first frame begins; 0 while the preface is incomplete.

        Raises:
            ConnectionFault: It is another preface.
        """
        if not data.startswith(frames.PREFACE[: len(data)]):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "no HTTP/2 preface")
        if len(data) < _PREFACE_SIZE:
            return 0
        self._lacks_preface = False
        return _PREFACE_SIZE

"""A stream whose next bytes can be looked at before they are read."""

import io
from collections.abc import Iterator
from typing import Final

from otlptest.wire.otlp.unpacked_files import BROKEN_STREAM

_PIECE: Final = 64 * 1024


class ReadAhead:
    """A stream that is read from its beginning to its end, with look-ahead on demand.

    A damaged stream (`BROKEN_STREAM`) ends at the damage: the bytes before it are still read.

    Args:
        stream: The plain bytes; nothing else may read from it.

    Attributes:
        offset: The number of bytes that have been read.
        broken: The error that ended the stream; None if none has so far.
    """

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._ahead = bytearray()
        self._is_at_end = False
        self.offset = 0
        self.broken: Exception | None = None

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without reading them; fewer at the end."""
        self._look_ahead(size)
        return bytes(self._ahead[:size])

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer at the end."""
        self._look_ahead(size)
        return self._take(size)

    def read_all(self) -> bytes:
        """Return the rest."""
        while not self._is_at_end:
            self._look_ahead(len(self._ahead) + _PIECE)
        return self._take(len(self._ahead))

    def lines(self) -> Iterator[bytes]:
        """Yield the remaining lines, each with its end; not the damaged one."""
        while line := self._line():
            self.offset += len(line)
            yield line

    def _line(self) -> bytes:
        end = self._ahead.find(b"\n") + 1
        if end:
            line = bytes(self._ahead[:end])
            del self._ahead[:end]
            return line
        start = bytes(self._ahead)
        self._ahead.clear()
        if not self._is_at_end:
            try:
                return start + self._stream.readline()
            except BROKEN_STREAM as broken:
                self._end(broken)
        return b"" if self.broken is not None else start

    def _look_ahead(self, size: int) -> None:
        while len(self._ahead) < size and not self._is_at_end:
            try:  # read1: readable bytes are not lost when the next piece is damaged
                piece = self._stream.read1(min(_PIECE, size - len(self._ahead)))
            except BROKEN_STREAM as broken:
                self._end(broken)
                return
            if not piece:
                self._is_at_end = True
            self._ahead += piece

    def _end(self, broken: Exception) -> None:
        self.broken = broken
        self._is_at_end = True

    def _take(self, size: int) -> bytes:
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        self.offset += len(taken)
        return taken

"""Files as streams of plain bytes, compressed or not, recognized by content, not by name."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import zstandard

from otlptest.errors import FileFormatError

BROKEN_STREAM: Final = (EOFError, OSError, zlib.error, zstandard.ZstdError)
"""The exceptions of reading a compressed stream that is damaged or ends early."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SLICE: Final = 4096  # bounds the output of zstd for one slice


def content_encoding(head: bytes) -> str:
    """Return `gzip`, `zstd` or `identity`, by the first bytes of a file."""
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD_MAGIC) else "identity"


@contextmanager
def opened(path: str | Path) -> Iterator[io.BufferedIOBase]:
    """Open a file as a stream of plain bytes, to read in order.

    Reading raises one of `BROKEN_STREAM` if a compressed file is damaged.

    Raises:
        FileFormatError: The file cannot be opened.
    """
    try:
        file = Path(path).open("rb")  # noqa: SIM115 -- closed below, its errors distinguished
    except OSError as failed:
        problem = f"the file cannot be read: {failed.strerror}"
        raise FileFormatError(str(path), "", problem) from failed
    with file:
        encoding = content_encoding(file.peek(len(_ZSTD_MAGIC)))
        if encoding == "gzip":
            with gzip.GzipFile(fileobj=file, mode="rb") as plain:
                yield plain
        elif encoding == "zstd":
            with io.BufferedReader(_ZstdFile(file)) as plain:
                yield plain
        else:
            yield file


class _ZstdFile(io.RawIOBase):
    """Every frame of a zstd file; unlike zstandard, it reports an incomplete last frame."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._frame: Any = None
        self._input = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any writable buffer
        while not self._ready:
            if not self._advance():
                return 0
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _advance(self) -> bool:
        """Inflate one more slice; return False at the end of the file.

        Raises:
            EOFError: The file ends within a frame.
        """
        piece = self._input or self._file.read(_SLICE)
        self._input = b""
        if not piece:
            if self._frame is not None:
                raise EOFError("it ends early")
            return False
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(self._frame.decompress(piece))
        if self._frame.eof:
            self._input = self._frame.unused_data
            self._frame = None
        return True

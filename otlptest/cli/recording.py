"""Appends received requests to an OTLP file: one JSON request per line (FILE, "JSON lines file").

Whatever happens, the file holds whole lines only: a batch of lines is written in one piece and
taken back whole if the disk does not take all of it. Compressed files get one gzip member or zstd
frame per batch, so they too can be read up to the last batch at any time.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from otlptest.errors import RecordingError
from otlptest.model import Request
from otlptest.wire.compression import compress
from otlptest.wire.otlp_json import encode_message
from otlptest.wire.otlp_protobuf import decode_request

__all__ = ["Recording"]

_ENCODINGS: Final = {".gz": "gzip", ".zst": "zstd"}


class Recording:
    """A capture that grows; a context manager.

    Args:
        path: The file; it is made, or appended to. `.gz` and `.zst` are compressed.

    Raises:
        RecordingError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoding = _ENCODINGS.get(path.suffix.lower(), "identity")
        try:
            self._file = path.open("ab", buffering=0)
            self._ends_in_line = self._encoding == "identity" and _has_open_end(path)
        except OSError as refusal:
            raise RecordingError(str(path), _reason(refusal)) from refusal

    def add(self, requests: Iterable[Request]) -> None:
        """Append accepted requests, each as one line, all or none of them.

        Raises:
            RecordingError: The file does not take them; it still ends with a whole line.
        """
        lines = b"".join(_line(request) for request in requests)
        if not lines:
            return
        if self._ends_in_line:  # somebody else's line was cut: ours begin on one of their own
            lines = b"\n" + lines
        self._append(compress(self._encoding, lines))
        self._ends_in_line = False

    def _append(self, data: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as refusal:
            self._take_back(end)
            raise RecordingError(str(self._path), _reason(refusal)) from refusal

    def _take_back(self, end: int) -> None:
        try:
            self._file.truncate(end)
        except OSError:  # a device or a pipe: there is nothing to take back
            return

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _has_open_end(path: Path) -> bool:
    """Whether a file that is there already ends within a line."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _line(request: Request) -> bytes:
    signal, protocol = request.signal, request.protocol
    if signal is None or protocol is None:  # an accepted request has both
        return b""
    message = decode_request(signal, request.body, protocol=protocol)
    return encode_message(message) + b"\n"


def _reason(refusal: OSError) -> str:
    if refusal.errno == errno.ENOSPC:
        return "no space left on the device"
    return refusal.strerror or str(refusal)

"""A writer that appends requests to OTLP files, whole lines only (FILE, "JSON lines file").

Lines are written in one piece and removed again if the disk does not take all of them
(OTLP-FILE-018, -021). In a compressed file each piece is a gzip member or zstd frame of its own, so
it too can be read up to the last piece at any time.
"""

import errno
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from google.protobuf.message import Message

from otlptest.errors import RecordingError, UsageError
from otlptest.model import Signal
from otlptest.wire.otlp.otlp_files import holds_json
from otlptest.wire.otlp.otlp_json import encode_message
from otlptest.wire.otlp.unpacked_files import BROKEN_STREAM, content_encoding, opened
from otlptest.wire.transport.compression import compress

_ENCODINGS: Final = {".gz": "gzip", ".zst": "zstd"}
_HEAD: Final = 4


class OtlpFileWriter:
    """An OTLP file that grows; a context manager. Thread-safe; blocks for the disk only.

    Args:
        path: The file, made or appended to; `.gz` and `.zst` are compressed. If the last line
            of another writer was cut, new lines begin on a line of their own.
        takes_profiles: Whether profiles may be written, which the format does not have yet
            (OTLP-FILE-010).

    Raises:
        RecordingError: The file cannot be opened, is compressed in another way, is damaged, or
            contains something other than JSON.
    """

    def __init__(self, path: str | Path, *, takes_profiles: bool = False) -> None:
        self._path = Path(path)
        self._takes_profiles = takes_profiles
        self._encoding = _ENCODINGS.get(self._path.suffix.lower(), "identity")
        self._lock = threading.Lock()
        try:
            self._needs_newline = self._ends_within_a_line()
            self._file = self._path.open("ab", buffering=0)
        except BROKEN_STREAM as refused:
            raise RecordingError(str(path), _reason(refused)) from refused

    def append(self, requests: Iterable[tuple[Signal, Message]]) -> None:
        """Write requests, each as one line, all or none of them.

        Raises:
            RecordingError: The file does not take them; its end is unchanged.
            UsageError: They are profiles, and the writer does not take profiles.
        """
        lines: list[bytes] = []
        for signal, message in requests:
            if signal == "profiles" and not self._takes_profiles:
                raise UsageError(
                    "OTLP files have no profiles yet (OTLP-FILE-010)", "takes_profiles=True"
                )
            lines.append(encode_message(message) + b"\n")
        if lines:
            with self._lock:
                self._write(b"".join(lines))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, text: bytes) -> None:
        """Append one piece.

        Raises:
            RecordingError: The disk does not take it.
        """
        data = compress(self._encoding, b"\n" + text if self._needs_newline else text)
        try:
            end = self._file.seek(0, os.SEEK_END) if self._file.seekable() else 0
        except OSError:
            end = 0
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as refused:
            self._take_back(end)
            raise RecordingError(str(self._path), _reason(refused)) from refused
        self._needs_newline = False

    def _take_back(self, end: int) -> None:
        try:
            self._file.truncate(end)
        except OSError:  # a device or a pipe: nothing can be removed
            return

    def _ends_within_a_line(self) -> bool:
        """Return whether the file needs a newline first; a compressed file is read to its end.

        Raises:
            RecordingError: It is compressed in another way than its name says, or contains
                something other than JSON.
        """
        if not self._path.is_file() or not self._path.stat().st_size:
            return False
        with self._path.open("rb") as file:
            found = content_encoding(file.read(_HEAD))
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
        if found != self._encoding:
            raise RecordingError(str(self._path), f"it is {found} and its name says otherwise")
        if not holds_json(self._path):
            raise RecordingError(str(self._path), "what it holds is not JSON in UTF-8")
        if found != "identity":
            with opened(self._path) as plain:
                for line in plain:
                    last = line[-1:]
        return last != b"\n"


def _reason(refused: BaseException) -> str:
    if isinstance(refused, OSError) and refused.errno == errno.ENOSPC:
        return "no space left on the device"
    return getattr(refused, "strerror", None) or f"it is damaged: {refused}"

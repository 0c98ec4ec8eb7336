"""Appends received requests to an OTLP file; `wire.otlp_file_writing` keeps the file whole."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from otlptest.model import Request, Signal
from otlptest.wire.otlp.otlp_file_writing import OtlpFileWriter
from otlptest.wire.otlp.otlp_protobuf import decode_request


class Recording:
    """A growing capture; a context manager. It holds profiles too, beyond the file format.

    Args:
        path: The file; created or appended to. `.gz` and `.zst` are compressed.

    Raises:
        RecordingError: The file cannot be opened or appended to.
    """

    def __init__(self, path: Path) -> None:
        self._writer = OtlpFileWriter(path, takes_profiles=True)

    def add(self, requests: Iterable[Request]) -> None:
        """Append accepted requests, each as one line: all of them or none.

        Raises:
            RecordingError: Writing failed; the file still ends with a whole line.
        """
        self._writer.append(_messages(requests))

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _messages(requests: Iterable[Request]) -> Iterator[tuple[Signal, Any]]:
    for request in requests:
        signal, protocol = request.signal, request.protocol
        if signal is not None and protocol is not None:  # an accepted request has both
            yield signal, decode_request(signal, request.body, protocol=protocol)

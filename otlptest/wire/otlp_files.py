"""OTLP files: one JSON request per line (FILE, "JSON lines file"), read line by line.

Also readable: a single JSON request over many lines, and a single request in protobuf (`.pb`,
`.binpb`). Files may be compressed with gzip or zstd. Lenient where a reader should be
(OTLP-FILE-022 to -028): blank lines, CRLF, no last newline, lines of any length, several signals in
one file; a line that is none is told, and the others are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from google.protobuf.message import Message

from otlptest.errors import FileFormatError, UsageError, WireError
from otlptest.model import SIGNALS, Signal
from otlptest.wire.json_text import load_json
from otlptest.wire.json_values import shown
from otlptest.wire.otlp_json import message_from_json
from otlptest.wire.otlp_protobuf import decode_request
from otlptest.wire.signals import SIGNAL_BY_JSON_KEY, has_profiles, request_class
from otlptest.wire.unpacked_files import BROKEN_STREAM, opened

__all__ = ["FileRecord", "read_json_document", "read_protobuf", "read_records"]

_PROTOBUF_SUFFIXES: Final = frozenset({".pb", ".binpb"})
_KEYS: Final = ", ".join(repr(key) for key in SIGNAL_BY_JSON_KEY)
_HINT: Final = f"each line is one JSON object with one of {_KEYS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One request of a file.

    Attributes:
        file: The file's name as given.
        line: The line that it began in, 1 for the first; 0 in a protobuf file.
        signal: What it carries.
        message: The request, decoded.
        text: The JSON as it stands in the file; empty for protobuf.
    """

    file: str
    line: int
    signal: Signal
    message: Message
    text: bytes = field(default=b"", repr=False)


def read_records(
    path: str | Path, *, signal: Signal | None = None
) -> Iterator[FileRecord | FileFormatError]:
    """Every request of a file, and for each line that is none a `FileFormatError`, not raised.

    Lazy: holds one line at a time, unless the file is a single document over many lines.

    Args:
        path: The file, compressed or not.
        signal: Whose request a protobuf file holds; guessed from its content if None.

    Raises:
        FileFormatError: The file cannot be opened.
    """
    name = str(path)
    with opened(path) as stream:
        if _PROTOBUF_SUFFIXES & set(Path(path).suffixes):
            yield _protobuf_record(name, stream, signal)
        else:
            yield from _Lines(name, stream).records()


def read_json_document(data: bytes) -> tuple[Signal, Message]:
    """The signal and the request that one JSON object says, by its only top-level OTLP key.

    Raises:
        WireError: It says none.
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    document = load_json(data)
    if not isinstance(document, dict):
        problem = f"the document is {shown(document)} and must be an object"
        raise WireError("malformed", "OTLP-FILE-007", problem)
    keys = [key for key in SIGNAL_BY_JSON_KEY if document.get(key) is not None]
    if len(keys) != 1:
        there = " and ".join(map(repr, keys)) or f"none of {_KEYS}"
        raise WireError("malformed", "OTLP-FILE-007", f"the object has {there}, and must have one")
    signal = SIGNAL_BY_JSON_KEY[keys[0]]
    return signal, message_from_json(request_class(signal), document)


def read_protobuf(data: bytes, *, signal: Signal | None = None) -> tuple[Signal, Message]:
    """The signal and the request that protobuf bytes say.

    Args:
        data: The message, without gRPC's prefix.
        signal: Whose request it is; if None, the only one that knows each of its fields.

    Raises:
        WireError: They say none.
        UsageError: They could be requests of several signals; or `signal` is not installed.
    """
    if signal is not None:
        return signal, decode_request(signal, data, protocol="http/protobuf")
    fitting: list[tuple[Signal, Message]] = []
    fault: WireError | None = None
    for candidate in SIGNALS:
        if candidate == "profiles" and not has_profiles():
            continue
        try:
            message = decode_request(candidate, data, protocol="http/protobuf")
        except WireError as refused:
            fault = fault or refused
            continue
        if _knows_all_of(message):
            fitting.append((candidate, message))
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        unknown = WireError("malformed", "OTLP-HTTP-008", "no signal's request has such fields")
        raise fault or unknown
    names = " or ".join(name for name, _ in fitting)
    raise UsageError(f"the bytes can be a request of {names}", "say which with signal=")


def _knows_all_of(message: Message) -> bool:
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return message.ByteSize() == size


def _protobuf_record(
    name: str, stream: IO[bytes], signal: Signal | None
) -> FileRecord | FileFormatError:
    try:
        found, message = read_protobuf(stream.read(), signal=signal)
    except (WireError, UsageError) as refused:
        place = refused.place if isinstance(refused, WireError) else ""
        return FileFormatError(name, place, refused.problem, getattr(refused, "hint", ""))
    except BROKEN_STREAM as broken:
        return _broken(name, 0, broken)
    return FileRecord(file=name, line=0, signal=found, message=message)


class _Lines:
    """Reads the lines of one stream."""

    def __init__(self, name: str, stream: IO[bytes]) -> None:
        self._name = name
        self._stream = stream
        self._number = 0

    def records(self) -> Iterator[FileRecord | FileFormatError]:
        """Requests and faulty lines in their order."""
        try:
            first = self._next_line()
            if first is None:
                return
            record = self._record(first, self._number)
            if isinstance(record, FileFormatError) and first.lstrip()[:1] in {b"{", b"["}:
                yield from self._document_or_lines(first, record)
                return
            yield record
            while (line := self._next_line()) is not None:
                yield self._record(line, self._number)
        except BROKEN_STREAM as broken:
            yield _broken(self._name, self._number, broken)

    def _next_line(self) -> bytes | None:
        """The next line that is not blank; None at the end."""
        for line in self._stream:
            self._number += 1
            if line.strip():
                return line
        return None

    def _record(self, text: bytes, number: int) -> FileRecord | FileFormatError:
        text = text.rstrip(b"\r\n")
        try:
            signal, message = read_json_document(text)
        except WireError as refused:
            place = f"line {number}"
            if refused.place:
                place += f", {refused.place}"
            return FileFormatError(self._name, place, refused.problem, _HINT)
        except UsageError as refused:  # profiles, with an old opentelemetry-proto
            return FileFormatError(self._name, f"line {number}", refused.problem, refused.hint)
        text = text.strip()
        return FileRecord(file=self._name, line=number, signal=signal, message=message, text=text)

    def _document_or_lines(
        self, first: bytes, fault: FileFormatError
    ) -> Iterator[FileRecord | FileFormatError]:
        """The rest of a file whose first line is no whole document: maybe the file is one."""
        start = self._number
        rest: list[bytes] = []
        broken: Exception | None = None
        try:
            rest.extend(self._stream)
        except BROKEN_STREAM as failed:
            broken = failed
        whole = self._record(first + b"".join(rest), start)
        if isinstance(whole, FileRecord):
            yield whole
        elif any(isinstance(self._record(line, 0), FileRecord) for line in rest if line.strip()):
            yield fault
            for number, line in enumerate(rest, start + 1):
                if line.strip():
                    yield self._record(line, number)
        else:  # no line stands for itself: a broken document, which has one fault
            yield whole
        if broken is not None:
            yield _broken(self._name, start + len(rest), broken)


def _broken(name: str, line: int, error: BaseException) -> FileFormatError:
    place = f"after line {line}" if line else ""
    reason: Any = getattr(error, "strerror", None) or error
    return FileFormatError(
        name, place, f"the file cannot be read on: {reason}", "what came before was read"
    )

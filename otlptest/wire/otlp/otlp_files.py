"""OTLP files: one JSON request per line (FILE, "JSON lines file"), read line by line.

Also readable, recognized by content: JSON requests over many lines each; records behind a length,
in protobuf, JSON, or a zstd frame of either, as the Collector's file exporter writes them with
`format: proto` or `compression: zstd`; varint-delimited protobuf; a single request in protobuf.
Files may be compressed with gzip or zstd. Lenient where a reader should be (OTLP-FILE-022 to -028):
a byte order mark, blank lines, CRLF, no last newline, lines of any length, several signals in one
file; a line or record that is not a request is reported, and the others are read.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from otlptest.errors import FileFormatError, UsageError, WireError
from otlptest.model import SIGNALS, Signal
from otlptest.wire.otlp.file_forms import (
    LONGEST_RECORD,
    ZSTD_MAGIC,
    Form,
    Frame,
    FrameFault,
    Framing,
    form_of,
    frames,
    is_json_text,
    wide_encoding,
)
from otlptest.wire.otlp.json_documents import JsonDocuments
from otlptest.wire.otlp.json_text import load_json
from otlptest.wire.otlp.json_values import shown
from otlptest.wire.otlp.otlp_json import message_from_json
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.read_ahead import ReadAhead
from otlptest.wire.otlp.signals import SIGNAL_BY_JSON_KEY, has_profiles, request_class
from otlptest.wire.otlp.unpacked_files import opened
from otlptest.wire.transport.compression import decompress

_PROTOBUF_SUFFIXES: Final = frozenset({".pb", ".binpb"})
_KEYS: Final = ", ".join(repr(key) for key in SIGNAL_BY_JSON_KEY)
_HINT: Final = f"each line is one JSON object with one of {_KEYS}"
_WIDE_HINT: Final = (
    "in Windows PowerShell, > writes UTF-16: use `| Out-File -Encoding utf8 FILE`, or `cmd /c`"
)
_FRAME_HINT: Final = "what came before was read; nothing after it can be found"
_MARK_BYTES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One request of a file.

    Attributes:
        file: The file's name as given.
        line: The line that it began in, 1 for the first; 0 if it is not text.
        record: Its number among records behind a length, 1 for the first; 0 elsewhere.
        signal: The signal it carries.
        message: The request, decoded.
        text: The JSON text from the file; empty for protobuf.
    """

    file: str
    line: int
    record: int = 0
    signal: Signal
    message: Message
    text: bytes = field(default=b"", repr=False)

    @property
    def origin(self) -> str:
        """The file, and the line or the record."""
        if self.line:
            return f"{self.file}: line {self.line}"
        return f"{self.file}: record {self.record}" if self.record else self.file


def read_records(
    path: str | Path, *, signal: Signal | None = None
) -> Iterator[FileRecord | FileFormatError]:
    """Yield every request of a file, and a `FileFormatError` for each invalid record.

    Lazy: keeps one request in memory at a time.

    Args:
        path: The file, compressed or not.
        signal: The signal of protobuf requests; guessed from each one's content if None.

    Raises:
        FileFormatError: The file cannot be opened.
    """
    with opened(path) as stream:
        yield from _File(path, ReadAhead(stream), signal).records()


def holds_json(path: str | Path) -> bool:
    """Return whether a file is JSON text in UTF-8, compressed or not; so is an empty one.

    Raises:
        FileFormatError: It cannot be opened.
    """
    with opened(path) as stream:
        return _File(path, ReadAhead(stream), None).holds_json()


def read_json_document(data: bytes) -> tuple[Signal, Message]:
    """Return the signal and the request of one JSON object, by its only top-level OTLP key.

    Raises:
        WireError: It is not a request.
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
    """Return the signal and the request of protobuf bytes.

    Args:
        data: The message, without gRPC's prefix.
        signal: Its signal; if None, the one that knows most of its bytes, and more than half: a
            newer sender may have fields that are unknown here.

    Raises:
        WireError: They are not a request.
        UsageError: They could be requests of several signals; or `signal` is not installed.
    """
    if signal is not None:
        return signal, decode_request(signal, data, protocol="http/protobuf")
    decoded: list[tuple[int, Signal, Message]] = []
    fault: WireError | None = None
    for candidate in SIGNALS:
        if candidate == "profiles" and not has_profiles():
            continue
        try:
            message = decode_request(candidate, data, protocol="http/protobuf")
        except WireError as refused:
            fault = fault or refused
            continue
        decoded.append((_dropped_bytes(message), candidate, message))
    least = min((size for size, _, _ in decoded), default=len(data))
    if not decoded and fault:
        raise fault
    if least and least * 2 >= len(data):
        raise WireError("malformed", "OTLP-HTTP-008", "no signal's request has such fields")
    fitting = [(each, message) for size, each, message in decoded if size == least]
    if len(fitting) > 1:
        names = " or ".join(name for name, _ in fitting)
        raise UsageError(
            f"the bytes can be a request of {names}",
            "say which with signal= (--signal of otlptest send)",
        )
    found, message = fitting[0]
    if least:  # with the unknown fields again
        message = decode_request(found, data, protocol="http/protobuf")
    return found, message


def _dropped_bytes(message: Message) -> int:
    """Drop the fields that the installed `opentelemetry-proto` does not know; return their size."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    return size - message.ByteSize()


class _File:
    """A reader of one file, from its beginning to its end."""

    def __init__(self, path: str | Path, stream: ReadAhead, signal: Signal | None) -> None:
        self._name = str(path)
        self._stream = stream
        self._signal: Signal | None = signal
        self._is_named_protobuf = bool(_PROTOBUF_SUFFIXES & set(Path(path).suffixes))
        self._place = ""  # of what was read last

    def holds_json(self) -> bool:
        """Return whether it is JSON text in UTF-8."""
        return not wide_encoding(self._stream.peek(_MARK_BYTES)) and self._form() == "json"

    def records(self) -> Iterator[FileRecord | FileFormatError]:
        """Yield requests and errors for invalid records, in their order."""
        encoding = wide_encoding(self._stream.peek(_MARK_BYTES))
        if encoding:
            problem = f"the text is {encoding}, and UTF-8 was expected"
            yield FileFormatError(self._name, "byte 0", problem, _WIDE_HINT)
            return
        form = self._form()
        if form == "json":
            yield from self._json()
        elif form == "message":
            yield from self._message()
        else:
            yield from self._framed(form)
        if self._stream.broken is not None:
            yield self._broken(self._stream.broken)

    def _form(self) -> Form:
        if self._stream.peek(len(BOM_UTF8)) == BOM_UTF8:
            self._stream.read(len(BOM_UTF8))
            return "json"
        return form_of(self._stream, self._is_request, is_named_protobuf=self._is_named_protobuf)

    def _json(self) -> Iterator[FileRecord | FileFormatError]:
        documents = JsonDocuments(self._stream.lines(), self._line)
        for found in documents.records():
            self._place = f"after line {documents.line}"
            yield found
        self._place = f"after line {documents.line}" if documents.line else ""

    def _line(self, text: bytes, number: int) -> FileRecord | FileFormatError:
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

    def _message(self) -> Iterator[FileRecord | FileFormatError]:
        data = self._stream.read_all()
        if self._stream.broken is not None:
            return
        try:
            signal, message = read_protobuf(data, signal=self._signal)
        except (WireError, UsageError) as refused:
            place = refused.place if isinstance(refused, WireError) else ""
            hint = getattr(refused, "hint", "")
            yield FileFormatError(self._name, place, refused.problem, hint)
        else:
            yield FileRecord(file=self._name, line=0, signal=signal, message=message)

    def _framed(self, form: Framing) -> Iterator[FileRecord | FileFormatError]:
        empty: list[Frame] = []  # the first and the last of several in a row
        for frame in frames(self._stream, form):
            if isinstance(frame, Frame):
                self._place = f"after record {frame.number}"
            if isinstance(frame, Frame) and not frame.content and self._signal is None:
                empty[1:] = [frame]
                continue
            if empty:
                yield self._without_signal(empty)
                empty.clear()
            if isinstance(frame, FrameFault):
                if self._stream.broken is None:  # else its reason to be incomplete
                    place = f"record {frame.number} at byte {frame.offset}"
                    yield FileFormatError(self._name, place, frame.problem, _FRAME_HINT)
            else:
                yield self._record(frame)
        if empty:
            yield self._without_signal(empty)

    def _record(self, frame: Frame) -> FileRecord | FileFormatError:
        place = f"record {frame.number} at byte {frame.offset}"
        try:
            signal, message, text = _decoded(frame.content, self._signal)
        except WireError as refused:
            inner = re.sub(r"byte \d+$", r"\g<0> of it", refused.place)
            place += f", {inner}" if inner else ""
            return FileFormatError(self._name, place, refused.problem)
        except UsageError as refused:
            return FileFormatError(self._name, place, refused.problem, refused.hint)
        return FileRecord(
            file=self._name,
            line=0,
            record=frame.number,
            signal=signal,
            message=message,
            text=text,
        )

    def _is_request(self, record: bytes) -> bool:
        try:
            _decoded(record, self._signal)
        except WireError:
            return False
        except UsageError:  # of one signal or another
            return True
        return True

    def _without_signal(self, empty: Sequence[Frame]) -> FileFormatError:
        first, last = empty[0], empty[-1]
        count = last.number - first.number + 1
        many = f"records {first.number} to {last.number}"
        place = f"record {first.number}" if count == 1 else many
        problem = "a request was expected, and its length is 0: it does not tell its signal"
        return FileFormatError(self._name, f"{place} at byte {first.offset}", problem)

    def _broken(self, error: Exception) -> FileFormatError:
        reason: Any = getattr(error, "strerror", None) or error
        problem = f"the file cannot be read on: {reason}"
        return FileFormatError(self._name, self._place, problem, "what came before was read")


def _decoded(record: bytes, signal: Signal | None) -> tuple[Signal, Message, bytes]:
    """Return signal, request and JSON text of a record: protobuf, JSON, or zstd of either.

    Raises:
        WireError: It is not a request.
        UsageError: It could be of several signals, or its signal is not installed.
    """
    if record.startswith(ZSTD_MAGIC):
        try:
            record = decompress("zstd", record, LONGEST_RECORD)
        except WireError as refused:
            reason = refused.problem.rpartition(": ")[2]
            problem = f"a whole zstd frame was expected: {reason}"
            raise WireError(refused.kind, refused.rule, problem) from refused
    if is_json_text(record):
        return *read_json_document(record), record.strip()
    return *read_protobuf(record, signal=signal), b""

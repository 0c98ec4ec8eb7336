"""Things to send (files, messages, model items, bytes), each as requests of one signal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from otlptest import bundled
from otlptest.errors import FileFormatError, UsageError, WireError
from otlptest.model import Protocol, Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.file_forms import is_json_text
from otlptest.wire.otlp.otlp_files import (
    FileRecord,
    read_json_document,
    read_protobuf,
    read_records,
)
from otlptest.wire.otlp.otlp_requests import request_from_items, signal_of_item
from otlptest.wire.otlp.signals import SIGNAL_NAMES, is_message, request_class, signal_of_message

_BUILTIN: Final = "builtin:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One request to send.

    Attributes:
        signal: The signal it carries.
        message: The request message; None if `raw` is sent.
        raw: The body, sent unchecked.
        origin: The file and line that it came from; empty if it was not a file.
    """

    signal: Signal
    message: Any = None
    raw: bytes = b""
    origin: str = ""

    def body(self, protocol: Protocol) -> bytes:
        """Return the request's bytes, uncompressed."""
        if self.message is None:
            return self.raw
        if protocol == "http/json":
            return otlp_json.encode_message(self.message)
        return otlp_protobuf.encode_message(self.message)


def payloads_of(data: object, signal: Signal | None) -> list[Payload]:
    """Return the requests that `data` stands for; see `otlptest.send`.

    Raises:
        UsageError: It contains no request.
        FileFormatError: A file cannot be read, or a part of it is not a request.
        WireError: Bytes are not a request, and their signal was not given.
    """
    if isinstance(data, str | Path):
        return _of_file(data, signal)
    if isinstance(data, bytes | bytearray | memoryview):
        return [_of_bytes(bytes(data), signal)]
    if is_message(data):
        return [_of_message(data)]
    if signal_of_item(data) is not None:
        return list(_of_items([data]))
    spans = getattr(data, "spans", None)
    if isinstance(spans, tuple | list):
        return list(_of_items(spans))
    if isinstance(data, Iterable):
        return list(_of_items(data))
    raise UsageError(
        f"cannot send {type(data).__name__} objects",
        "give a path, bytes, a request message, or spans, data points, log records or profiles",
    )


def _of_file(name: str | Path, signal: Signal | None) -> list[Payload]:
    """Return every request of a file.

    Raises:
        FileFormatError: A record is not a request; nothing is sent then.
        UsageError: The file has no request.
    """
    text = str(name)
    path = bundled.builtin(text) if text.startswith(_BUILTIN) else Path(name)
    payloads: list[Payload] = []
    for record in read_records(path, signal=signal):
        if isinstance(record, FileFormatError):
            raise record
        payloads.append(_of_record(record))
    if not payloads:
        raise UsageError(f"there is nothing to send: {text} holds no request")
    return payloads


def _of_record(record: FileRecord) -> Payload:
    return Payload(signal=record.signal, message=record.message, origin=record.origin)


def _of_bytes(data: bytes, signal: Signal | None) -> Payload:
    if signal is not None:
        return Payload(signal=signal, raw=data)
    try:
        found, message = read_json_document(data) if _is_json(data) else read_protobuf(data)
    except WireError as refused:
        raise WireError(
            refused.kind,
            refused.rule,
            f"{refused.problem}; to send such bytes all the same, say of which signal= they are",
            refused.place,
        ) from refused
    return Payload(signal=found, message=message)


def _is_json(data: bytes) -> bool:
    """Return whether bytes are JSON, valid or not; protobuf may begin with a newline too."""
    return is_json_text(data) or (data[:1] != b"\n" and data.lstrip()[:1] == b"{")


def _of_message(message: Any) -> Payload:  # noqa: ANN401 -- any generated message
    """Return a request message, or what has the same fields: `TracesData` and its relatives.

    Raises:
        UsageError: It is another message.
    """
    signal = signal_of_message(message)
    if signal is None:
        known = ", ".join(names.request for names in SIGNAL_NAMES.values())
        raise UsageError(f"cannot send {message.DESCRIPTOR.full_name}", f"give one of {known}")
    request = request_class(signal)
    if isinstance(message, request):
        return Payload(signal=signal, message=message)
    return Payload(signal=signal, message=request.FromString(message.SerializeToString()))


def _of_items(items: Iterable[object]) -> Iterator[Payload]:
    """Return one request per signal, in the order in which the signals first appear.

    Raises:
        UsageError: There are no items, or an object is not an item.
    """
    by_signal: dict[Signal, list[object]] = {}
    for item in items:
        if is_message(item):
            yield _of_message(item)
            continue
        signal = signal_of_item(item)
        if signal is None:
            raise UsageError(
                f"cannot send {type(item).__name__} objects",
                "give spans, data points, log records, profiles, or request messages",
            )
        by_signal.setdefault(signal, []).append(item)
    for signal, kept in by_signal.items():
        yield Payload(signal=signal, message=request_from_items(kept)[1])

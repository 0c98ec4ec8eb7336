"""What a success says: its partial success, read from protobuf or JSON without a library."""

import json
from collections.abc import Iterator
from typing import Final

from tests.subjects.exporters.planted import WRONG

__all__ = ["partial_success", "protobuf_fields"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_REJECTED: Final = ("rejectedSpans", "rejectedDataPoints", "rejectedLogRecords")


def protobuf_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field.

    Raises:
        ValueError: It is not a protobuf.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif not size:
            raise ValueError(f"no wire type: {kind}")
        if at + size > len(data) or not number:
            raise ValueError("cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("cut short")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def partial_success(content: bytes, *, is_json: bool) -> str:
    """What a success says beside itself, in words; empty if nothing.

    Raises:
        ValueError: It cannot be read.
    """
    part = _json_part(content) if is_json else _protobuf_part(content)
    if part is None or WRONG == "partial success unread":
        return ""
    rejected, message = part
    if not rejected and not message:
        return "partial success" if WRONG == "warns of an empty partial success" else ""
    if WRONG == "partial success without details":
        return "partial success: some were rejected"
    if WRONG == "partial success as a count":
        return f"partial success: the server rejected {rejected} of {rejected} spans"
    return f"partial success, {rejected} rejected: {message}" if rejected else f"told: {message}"


def _protobuf_part(content: bytes) -> tuple[int, str] | None:
    found = None
    for number, value in protobuf_fields(content):
        if number == 1 and isinstance(value, bytes):
            rejected, message = found or (0, "")
            for inner, part in protobuf_fields(value):
                if inner == 1 and isinstance(part, int):
                    rejected = part
                if inner == 2 and isinstance(part, bytes):
                    message = part.decode()
            found = (rejected, message)
    return found


def _json_part(content: bytes) -> tuple[int, str] | None:
    told = json.loads(content or b"{}")
    part = told.get("partialSuccess") if isinstance(told, dict) else None
    if not isinstance(part, dict):
        return None
    counts = [part[name] for name in _REJECTED if name in part]
    if WRONG == "counts as text only" and any(not isinstance(each, str) for each in counts):
        raise ValueError("a count that is not text")
    return int(counts[0]) if counts else 0, str(part.get("errorMessage", ""))

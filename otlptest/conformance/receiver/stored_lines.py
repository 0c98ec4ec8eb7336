"""Reads one line of a file that a receiver wrote, even if ids have a wrong length.

A receiver that takes a short id in protobuf and writes its bytes in hex has kept it: the line must
not be lost because of that.
"""

import secrets
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp.json_text import dump_json, load_json
from otlptest.wire.otlp.otlp_files import read_json_document
from otlptest.wire.otlp.protobuf_faults import is_repeated

_ID_BYTES: Final[Mapping[str, int]] = MappingProxyType(
    {"traceId": 16, "spanId": 8, "parentSpanId": 8}
)


def read_stored_line(line: bytes) -> tuple[Signal, Any]:
    """Return the signal and the request of a line.

    Args:
        line: One document of OTLP JSON; an id may be the hex of any number of bytes.

    Raises:
        WireError: The line is not a request.
    """
    try:
        return read_json_document(line)
    except WireError:
        document = load_json(line)
        told = dict(_stood_in(document))
        if not told:
            raise
    signal, message = read_json_document(dump_json(document))
    _put_back(message, told)
    return signal, message


def _stood_in(value: Any) -> Iterator[tuple[bytes, bytes]]:  # noqa: ANN401 -- any JSON value
    """Replace each id of a wrong length by one of the right length; yield both."""
    if isinstance(value, list):
        for each in value:
            yield from _stood_in(each)
    elif isinstance(value, dict):
        for key, inner in value.items():
            size = _ID_BYTES.get(key)
            if size is None:
                yield from _stood_in(inner)
            elif (told := _bytes_of(inner)) and len(told) != size:
                stand_in = secrets.token_bytes(size)
                value[key] = stand_in.hex()
                yield stand_in, told


def _bytes_of(text: object) -> bytes:
    """Return the bytes of a hex text; empty if it is not hex."""
    try:
        return bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _put_back(message: Any, told: Mapping[bytes, bytes]) -> None:  # noqa: ANN401 -- any message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if is_repeated(field) else (value,):
                _put_back(each, told)
        elif isinstance(value, bytes) and value in told:
            setattr(message, field.name, told[value])

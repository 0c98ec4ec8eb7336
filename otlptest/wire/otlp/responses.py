"""`Export…ServiceResponse` messages as a receiver writes them: partial success, padding.

Sources: the `*_service.proto` files; SPEC "Partial Success"; OTLP-JSON-040 for JSON.
"""

import json
from typing import Any, Final

from otlptest.model import Signal
from otlptest.wire.otlp.protobuf_writing import tag, varint
from otlptest.wire.otlp.signals import lower_camel, response_class, signal_names

_UNKNOWN_FIELD: Final = 2000  # a number that no OTLP message has
_LENGTH_DELIMITED: Final = 2
_JSON_PADDING: Final = b'{"padding":"%s"}'


def encode_partial_success(signal: Signal, rejected: int, message: str, encoding: str) -> bytes:
    """Return a response with `partial_success` set, empty if both are.

    Args:
        signal: The signal.
        rejected: How many items were rejected.
        message: `error_message`.
        encoding: `protobuf` or `json`.
    """
    field = signal_names(signal).rejected_field
    if encoding == "json":
        partial: dict[str, Any] = {}
        if rejected:
            partial[lower_camel(field)] = str(rejected)
        if message:
            partial["errorMessage"] = message
        return json.dumps({"partialSuccess": partial}, ensure_ascii=False).encode()
    response: Any = response_class(signal)()
    response.partial_success.SetInParent()
    if rejected:
        setattr(response.partial_success, field, rejected)
    if message:
        response.partial_success.error_message = message
    return bytes(response.SerializeToString(deterministic=True))


def padding(size: int, encoding: str) -> bytes:
    """Return a success message of exactly `size` bytes, all in an unknown field.

    Args:
        size: At least 64.
        encoding: `protobuf` or `json`.
    """
    if encoding == "json":
        return _JSON_PADDING % (b"0" * (size - len(_JSON_PADDING % b"")))
    before = tag(_UNKNOWN_FIELD, _LENGTH_DELIMITED)
    room = size - len(before)
    length = next(room - taken for taken in range(1, 6) if len(varint(room - taken)) <= taken)
    # Where the length needs a byte less than is left for it, a varint may have a byte to spare.
    spare = room - length - len(varint(length))
    return before + varint(length, padding=spare) + b"0" * length

"""Recognition of ids of the wrong length: hex digits as text, base64, a UUID, 64 bits.

In protobuf ids are bytes, in JSON hex digits (OTLP-JSON-003 to -005). Senders that mix them up
write one for the other, and some write what JSON's mapping of protobuf has for bytes: base64.
"""

import base64
import re
from typing import Final

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TO_STANDARD: Final = str.maketrans("-_", "+/")
_LONGEST: Final = 64  # characters of any of them
_TRACE_ID_SIZE: Final = 16


def mistake_in_bytes(identifier: bytes, size: int) -> str:
    """Return a hint about an id in protobuf that is not of `size` bytes; empty if nothing fits."""
    if size == _TRACE_ID_SIZE and len(identifier) == size // 2:
        return "this is an id of 64 bits: write 8 zero bytes before it"
    if not identifier.isascii() or len(identifier) > _LONGEST:
        return ""
    form = _form_of(identifier.decode("ascii"), size)
    return form and f"these bytes are {form} as text: write the {size} bytes of the id itself"


def mistake_in_text(text: str, size: int) -> str:
    """Return a clause about an id in JSON that is not `2 * size` hex digits; empty if nothing fits.

    Args:
        text: The JSON string.
        size: Bytes of a valid id.
    """
    if len(text) > _LONGEST:
        return ""
    if size == _TRACE_ID_SIZE and len(text) == size and _HEX.fullmatch(text):
        return "it is an id of 64 bits: write 16 zeros before it"
    if text[:2] in {"0x", "0X"} and _is_hex(text[2:], size):
        return "write it without the 0x"
    form = _form_of(text, size)
    return "" if not form or _is_hex(text, size) else f"it is {form}, and OTLP writes ids in hex"


def _form_of(text: str, size: int) -> str:
    """Return the form of a text for `size` bytes; empty if the form is unknown."""
    if _is_hex(text, size):
        return "the hex digits of an id"
    if size == _TRACE_ID_SIZE and _UUID.fullmatch(text):
        return "a UUID"
    content = b"" if _HEX.fullmatch(text) else _unbase64(text)
    if len(content) == size:
        return f"base64 of {size} bytes"
    is_text = content.isascii() and _is_hex(content.decode("ascii"), size)
    return "base64 of the hex digits of an id" if is_text else ""


def _unbase64(text: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not; empty if it is not base64."""
    digits = text.translate(_TO_STANDARD).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        return b""


def _is_hex(text: str, size: int) -> bool:
    return len(text) == 2 * size and _HEX.fullmatch(text) is not None

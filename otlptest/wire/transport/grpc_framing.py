"""gRPC over HTTP/2: length-prefixed messages and call metadata (PROTOCOL-HTTP2.md of gRPC).

A message is a compressed flag, a length of four bytes and that many bytes. A unary call has
exactly one in each direction (OTLP-GRPC-005, OTLP-GRPC-048).
"""

import re
import struct
from collections.abc import Sequence
from typing import Final

from otlptest.errors import WireError

PREFIX_SIZE: Final = 5
_FRAMING_RULE: Final = "OTLP-GRPC-049"
_PREFIX: Final = struct.Struct(">BL")
_TIMEOUT: Final = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNIT_S: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def encode_grpc_frame(message: bytes, *, is_compressed: bool = False) -> bytes:
    """Return `message` behind its prefix."""
    return _PREFIX.pack(is_compressed, len(message)) + message


def declared_size(prefix: bytes | memoryview, limit: int) -> int:
    """Return the length that a message's prefix declares.

    Args:
        prefix: The first five bytes of a stream, or more.
        limit: Largest message that is taken; a larger one is refused before it is read.

    Raises:
        WireError: Kind `too_large`, or `protocol_error` for a flag that gRPC does not have.
    """
    flag, size = _PREFIX.unpack_from(prefix)
    if flag > 1:
        problem = f"the compressed flag is {flag}, neither 0 nor 1"
        raise WireError("protocol_error", _FRAMING_RULE, problem)
    if size > limit:
        problem = f"a message of {size} bytes, {limit} are allowed"
        raise WireError("too_large", "OTLP-GRPC-014", problem)
    return int(size)


def only_message(parts: Sequence[bytes | memoryview], limit: int) -> tuple[bool, bytes]:
    """Return the only message of a whole request stream, and whether it is compressed.

    Args:
        parts: The body, in pieces as they came.
        limit: Largest message that is taken.

    Raises:
        WireError: No message, a partial one, or more than one (OTLP-GRPC-049, OTLP-SRV-065).
    """
    if not parts or len(parts[0]) < PREFIX_SIZE:
        parts = (b"".join(parts),)
    first = parts[0]
    have = sum(map(len, parts)) - PREFIX_SIZE
    if have < 0:
        what = f"only {len(first)} bytes of its prefix" if first else "no message"
        raise WireError("protocol_error", _FRAMING_RULE, f"the stream has {what}")
    size = declared_size(first, limit)
    if have < size:
        problem = f"the stream ends after {have} of the {size} bytes of its message"
        raise WireError("protocol_error", _FRAMING_RULE, problem)
    if have > size:
        problem = f"{have - size} bytes follow the only message"
        raise WireError("protocol_error", _FRAMING_RULE, problem)
    is_compressed = bool(first[0])
    if len(parts) == 1:
        return is_compressed, bytes(first[PREFIX_SIZE:])
    return is_compressed, b"".join((first[PREFIX_SIZE:], *parts[1:]))


def is_grpc_content_type(value: str) -> bool:
    """Return whether `value` begins a gRPC call: `application/grpc`, alone or with `+…` or `;…`."""
    head = value[:16].lower()
    return head == "application/grpc" and value[16:17] in {"", "+", ";", " "}


def timeout_seconds(value: str) -> float | None:
    """Return the value of `grpc-timeout` in seconds; None if it is invalid."""
    found = _TIMEOUT.fullmatch(value)
    return int(found[1]) * _UNIT_S[found[2]] if found else None

"""Protobuf bodies that are not a message of their signal, each with its fault.

Protobuf's own decoder also refuses each body that must be refused.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from otlptest.conformance.receiver.sample_requests import (
    TEXT_FIELDS,
    TIME_FIELDS,
    sample_request,
    wrapped,
)
from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.protobuf_writing import chunk, number, tag, varint

_GROUP_START: Final = 3
_GROUP_END: Final = 4
_UNKNOWN: Final = 1999
_SEED: Final = 20260721


def is_message(signal: Signal, body: bytes) -> bool:
    """Return whether a reference decoder takes a body as the request of a signal."""
    try:
        decode_request(signal, body, protocol="http/protobuf")
    except WireError:
        return False
    return True


def cut_bodies(signal: Signal, marker: str, *, count: int = 50) -> Iterator[tuple[int, bytes]]:
    """Yield a valid body, cut within a message: the number of bytes left, and the bytes."""
    whole = sample_request(signal, marker)
    sizes = [size for size in range(1, len(whole)) if not is_message(signal, whole[:size])]
    chance = random.Random(_SEED)  # noqa: S311 -- repeatable, not secret
    chosen = sorted(chance.sample(sizes, min(count, len(sizes))))
    return ((size, whole[:size]) for size in chosen)


def bad_protobuf(signal: Signal, marker: str) -> dict[str, Sequence[tuple[str, bytes]]]:
    """Return requirements with bodies that must be refused, each with a description."""
    whole = sample_request(signal, marker)
    groups = tag(_UNKNOWN, _GROUP_START) + number(1, 1)
    return {
        "OTLP-SRV-004": (
            ("a length of 2^31 - 1", bytes.fromhex("0affffffff07")),
            ("a length of 2^63", b"\x0a" + varint(1 << 63)),
            ("a length one over the rest", b"\x0a" + varint(len(whole) + 1) + whole),
        ),
        "OTLP-SRV-005": (
            ("a tag of eleven bytes ff", b"\xff" * 11),
            ("a varint that does not end", whole + tag(_UNKNOWN, 0) + b"\x80" * 3),
            ("a varint of eleven bytes", whole + tag(_UNKNOWN, 0) + b"\x80" * 10 + b"\x01"),
        ),
        "OTLP-SRV-006": (
            ("field number 0", b"\x00\x01"),
            ("wire type 6", b"\x0e"),
            ("wire type 7", b"\x0f"),
            ("wire type 6 after a valid request", whole + b"\x0e"),
        ),
        "OTLP-SRV-007": (
            ("a group that does not end", whole + groups),
            ("the end of a group that did not begin", whole + tag(_UNKNOWN, _GROUP_END)),
            ("the end of another group", whole + groups + tag(_UNKNOWN + 1, _GROUP_END)),
        ),
        "OTLP-SRV-009": (
            ("ff ff ff after a valid request", whole + b"\xff\xff\xff"),
            ("half a field after a valid request", whole + b"\x0a\x7fabc"),
        ),
    }


def known_group(body: bytes) -> bytes:
    """Return a request with a well-formed group of an unknown number."""
    return body + tag(_UNKNOWN, _GROUP_START) + number(1, 1) + tag(_UNKNOWN, _GROUP_END)


def wrong_wire_types(signal: Signal) -> Iterator[tuple[str, bytes]]:
    """Yield requests whose item has a field of a wrong wire type."""
    yield "a string field as a varint", wrapped(number(TEXT_FIELDS[signal], 7))
    if signal in TIME_FIELDS:
        yield "a fixed64 field as a string", wrapped(chunk(TIME_FIELDS[signal], b"soon"))
    yield "the list of entries as a varint", number(1, 7)
    yield "the resource as a varint", chunk(1, number(1, 7))


def nested_value(levels: int) -> bytes:
    """Return an AnyValue of nested lists with a text innermost."""
    value = chunk(1, b"deep")
    for _ in range(levels):
        value = chunk(5, chunk(1, value))
    return value

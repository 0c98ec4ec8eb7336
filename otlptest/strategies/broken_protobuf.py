"""Invalid protobuf: bytes that no correct decoder takes for a request.

Each is checked with our own decoder first. Only faults count that decoders of every version must
see: not invalid UTF-8, deep nesting, or a fault in a field that older versions of OTLP do not have.
"""

from collections.abc import Callable
from typing import Any, Final

from hypothesis import assume, strategies as st

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.strategies.drawing import Draw, pick, upto
from otlptest.strategies.mutations import Maker, MutatedPayload, field
from otlptest.wire.otlp.otlp_json import encode_message as json_of
from otlptest.wire.otlp.otlp_protobuf import decode_request, encode_message

_CUTS: Final = st.integers(0, 2**16 - 1)
_BYTES: Final = st.binary(min_size=1, max_size=40)
_BY_SOME: Final = ("is not UTF-8", "nest deeper")
_YOUNG_FIELDS: Final = ("entity_refs", "metadata", "event_name", "key_strindex", "dictionary")


def is_certainly_broken(signal: Signal, body: bytes) -> bool:
    """Return whether every correct decoder, of any version of OTLP, refuses the bytes."""
    try:
        decode_request(signal, body, protocol="http/protobuf")
    except WireError as refused:
        return not (
            any(text in refused.problem for text in _BY_SOME)
            or any(name in refused.place for name in _YOUNG_FIELDS)
        )
    return False


def _has_a_field_0(signal: Signal, body: bytes) -> bool:
    """Return whether the fault is a field number 0, which some decoders skip."""
    try:
        decode_request(signal, body, protocol="http/protobuf")
    except WireError as refused:
        return "the number 0" in refused.problem
    return False


_Made = tuple[str, str, bytes]


def _cut(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    at = draw(_CUTS) % max(1, len(plain))
    return "OTLP-SRV-001", f"cut off after {at} of {len(plain)} bytes", plain[:at]


def _random(draw: Draw, _plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    return "OTLP-SRV-002", "random bytes", draw(_BYTES)


def _long_length(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    length = pick(draw, (b"\x7f", b"\xff\x7f", b"\xff\xff\xff\xff\x07", b"\xff" * 9 + b"\x01"))
    body = plain * upto(draw, 1) + b"\x0a" + length
    return "OTLP-SRV-004", "a length beyond the end", body


def _long_number(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    number = pick(draw, (b"\xff" * 11, b"\x0a" + b"\x80" * 10 + b"\x01", b"\x0a\x80", b"\x80"))
    return "OTLP-SRV-005", "a number without end, or too long", plain * upto(draw, 1) + number


def _no_field(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    tag = pick(draw, (b"\x00\x01", b"\x02\x00", b"\x0e", b"\x0f", b"\x7e\x01", b"\x7f\x01"))
    body = plain * upto(draw, 1) + tag
    return "OTLP-SRV-006", f"a field number or wire type that does not exist: {tag.hex()}", body


def _group(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    number = pick(draw, (1, 2, 15, 1999))
    groups = (
        field(number, 4, b""),
        field(number, 3, b""),
        field(number, 3, b"\x08\x01"),
        field(number, 3, b"") + field(number + 1, 4, b""),
    )
    body = plain * upto(draw, 1) + pick(draw, groups)
    return "OTLP-SRV-007", "a group that is not closed, or was not opened", body


def _trailing(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    return "OTLP-SRV-009", "bytes after a right request", plain + draw(_BYTES)


def _json(draw: Draw, _plain: bytes, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    return "OTLP-SRV-034", "JSON", b"{}" if upto(draw, 1) else json_of(message)


def _framed(draw: Draw, plain: bytes, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    del draw
    body = b"\x00" + len(plain).to_bytes(4, "big") + plain
    return "OTLP-SRV-012", "a message with gRPC's prefix", body


def _maker(fault: Callable[[Draw, bytes, Any], _Made]) -> Maker:
    """Return a function that turns a request of a signal into bytes that are not one."""

    def make(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        rule, told, body = fault(draw, encode_message(message), message)
        assume(is_certainly_broken(signal, body))
        if _has_a_field_0(signal, body):  # one fault, one requirement, independent of its cause
            rule = "OTLP-SRV-006"
        return MutatedPayload(
            body=body, rule=rule, fault=told, expected="must_refuse", is_decodable=False
        )

    return make


BROKEN_PROTOBUF: Final[tuple[Maker, ...]] = tuple(
    map(
        _maker,
        (
            _random,
            _cut,
            _long_length,
            _long_number,
            _no_field,
            _group,
            _trailing,
            _json,
            _framed,
        ),
    )
)
"""Each way to break a request."""

"""Borderline protobuf: valid requests as no SDK writes them, and cases where decoders differ."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from otlptest.model import Signal
from otlptest.strategies.drawing import Draw, pick, upto
from otlptest.strategies.mutations import Maker, MutatedPayload, field
from otlptest.strategies.protobuf_encodings import draw_encoding
from otlptest.wire.otlp.otlp_protobuf import encode_message
from otlptest.wire.otlp.protobuf_writing import chunk, varint

_UNKNOWN_FIELD: Final = 1999  # not a field number of OTLP
_TEXT_FIELDS: Final[dict[Signal, int]] = {"traces": 5, "metrics": 1, "logs": 3, "profiles": 1}
_RETIRED: Final[dict[Signal, tuple[int, ...]]] = {
    "traces": (),
    "metrics": (4, 6, 8),
    "logs": (4,),
    "profiles": (),
}
_LOWEST_ITEM: Final = 3  # messages around an item: resource, scope, the item itself
_READ_BY_ALL: Final = 40  # lists within one another that stay within 100 messages
_DEPTHS: Final = (3, 30, 40, 60, 101, 500, 10_000)
_SMALL: Final = st.binary(max_size=6)


def _added(signal_level: int, content: bytes) -> bytes:
    """Return a field that holds `content`, nested as deep as a signal's levels say.

    Repeated fields of one number add up: appended to a request, it is one more resource, with one
    more scope, with one more item. Numbers are the same for all signals.
    """
    for number in (1, 2, 2)[:signal_level][::-1]:
        content = chunk(number, content)
    return content


def _reencoded(draw: Draw, _signal: Signal, plain: bytes, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    return MutatedPayload(
        body=draw_encoding(draw, message, has_unknown=False, has_unpacked=False),
        rule="OTLP-HTTP-051",
        fault="fields in another order, padded numbers, messages in parts, values written twice",
        expected="must_accept",
        plain=plain,
    )


def _unpacked(draw: Draw, _signal: Signal, plain: bytes, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    return MutatedPayload(
        body=draw_encoding(draw, message, has_unknown=False, is_shuffled=False, has_unpacked=True),
        rule="OTLP-HTTP-050",
        fault="lists of numbers that are not packed",
        expected="must_accept",
        plain=plain,
    )


def _unknown_everywhere(draw: Draw, _signal: Signal, plain: bytes, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    return MutatedPayload(
        body=draw_encoding(draw, message, has_groups=False, is_shuffled=False, has_unpacked=False),
        rule="OTLP-HTTP-053",
        fault="unknown fields in its messages",
        expected="must_accept",
        plain=plain,
    )


def _unknown_field(draw: Draw, _signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    contents = (
        field(_UNKNOWN_FIELD, 0, b"\x07"),
        chunk(_UNKNOWN_FIELD, draw(_SMALL)),
        field(_UNKNOWN_FIELD, 1, bytes(8)),
        field(_UNKNOWN_FIELD, 5, b"\xff" * 4),
    )
    level = upto(draw, _LOWEST_ITEM - 1)
    return MutatedPayload(
        body=plain + _added(level, pick(draw, contents)),
        rule="OTLP-HTTP-053",
        fault=f"an unknown field {_UNKNOWN_FIELD}, {level} messages deep",
        expected="must_accept",
        plain=plain,
    )


def _unknown_group(draw: Draw, _signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    inner = chunk(1, draw(_SMALL))
    group = field(_UNKNOWN_FIELD, 3, inner) + field(_UNKNOWN_FIELD, 4, b"")
    return MutatedPayload(
        body=plain + _added(upto(draw, _LOWEST_ITEM - 1), group),
        rule="OTLP-SRV-007",
        fault="a well-formed unknown group",
        expected="must_accept",
        is_decodable=False,
        plain=plain,
    )


def _retired(draw: Draw, signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    level, number, rule = 1, 1000, "OTLP-SRV-089"
    if _RETIRED[signal] and upto(draw, 1):
        level, number = _LOWEST_ITEM, pick(draw, _RETIRED[signal])
        rule = "OTLP-LOG-037" if signal == "logs" else "OTLP-HTTP-054"
    return MutatedPayload(
        body=plain + _added(level, chunk(number, b"")),  # the retired field was empty
        rule=rule,
        fault=f"the retired field {number}",
        expected="must_accept" if level == 1 else "may_refuse",  # the item has nothing else
        plain=plain,
    )


def _wrong_wire_type(draw: Draw, signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    level = upto(draw, _LOWEST_ITEM)
    number = _TEXT_FIELDS[signal] if level == _LOWEST_ITEM else 1
    content = pick(draw, (field(number, 0, b"\x07"), field(number, 5, bytes(4))))
    return MutatedPayload(
        body=plain + _added(level, content),
        rule="OTLP-SRV-003",
        fault=f"field {number} with another wire type, {level} messages deep",
        expected="may_refuse",
        is_decodable=False,
        plain=plain,
    )


def _no_text(draw: Draw, signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    content = pick(draw, (b"\xff", b"\xff\xfe", b"a\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82"))
    is_url = signal == "profiles" or bool(upto(draw, 1))
    level, number = (1, 3) if is_url else (_LOWEST_ITEM, _TEXT_FIELDS[signal])
    return MutatedPayload(
        body=plain + _added(level, chunk(number, content)),
        rule="OTLP-SRV-008",
        fault=f"a text that is not valid UTF-8: {content.hex()}",
        expected="may_refuse",
        is_decodable=False,
        plain=plain,
    )


def _other_signal(draw: Draw, signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    """Return another signal's smallest item: the messages around it have the same numbers."""
    contents = {
        "traces": chunk(1, bytes(16)) + chunk(5, b"a span"),
        "metrics": chunk(1, b"a metric") + chunk(5, b""),
        "logs": field(1, 1, bytes(8)) + chunk(5, chunk(1, b"a record")),
    }
    others = tuple(name for name in contents if name != signal)
    other = pick(draw, others)
    return MutatedPayload(
        body=plain * upto(draw, 1) + _added(_LOWEST_ITEM, contents[other]),
        rule="OTLP-SRV-011",
        fault=f"{other} sent as {signal}",
        expected="may_refuse",
        is_decodable=False,
        plain=plain,
    )


def _deep(draw: Draw, _signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    depth = pick(draw, _DEPTHS)
    attribute = chunk(1, b"k") + chunk(2, nested_value(depth))
    is_read_by_all = depth <= _READ_BY_ALL
    return MutatedPayload(
        body=plain + chunk(1, chunk(1, chunk(1, attribute))),
        rule="OTLP-COMMON-025" if is_read_by_all else "OTLP-SRV-013",
        fault=f"a value of {depth} lists within one another",
        expected="must_accept" if is_read_by_all else "may_refuse",
        is_decodable=is_read_by_all,
        plain=plain,
    )


@cache
def nested_value(depth: int) -> bytes:
    """Return an AnyValue of `depth` nested lists, in protobuf."""
    parts: list[bytes] = []
    size = 0
    for _ in range(depth):  # from the inside to the outside, in linear time
        inner = varint(1 << 3 | 2) + varint(size)
        outer = varint(5 << 3 | 2) + varint(size + len(inner))
        parts += [inner, outer]
        size += len(inner) + len(outer)
    return b"".join(reversed(parts))


def _empty(_draw: Draw, _signal: Signal, plain: bytes, _message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
    return MutatedPayload(
        body=b"",
        rule="OTLP-RESP-006",
        fault="no bytes, which is a request without telemetry",
        expected="must_accept",
        plain=plain,
    )


def _maker(form: Callable[[Draw, Signal, bytes, Any], MutatedPayload]) -> Maker:
    def make(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        return form(draw, signal, encode_message(message), message)

    return make


PROTOBUF_FORMS: Final[tuple[Maker, ...]] = tuple(
    map(
        _maker,
        (
            _empty,
            _unknown_field,
            _reencoded,
            _unpacked,
            _unknown_everywhere,
            _unknown_group,
            _retired,
            _wrong_wire_type,
            _no_text,
            _other_signal,
            _deep,
        ),
    )
)
"""Each way to write a request as no SDK does, or to add something borderline to it."""

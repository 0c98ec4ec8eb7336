"""Invalid JSON requests: not JSON, not an object, or values that OTLP JSON does not have."""

from collections.abc import Callable
from typing import Any, Final

from hypothesis import assume, strategies as st

from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.strategies.drawing import ASCII_TEXTS, Draw, pick
from otlptest.strategies.json_documents import Literally, first_holder, written
from otlptest.strategies.mutations import Maker, MutatedPayload
from otlptest.wire.otlp.otlp_json import decode_request, encode_message, json_object
from otlptest.wire.otlp.otlp_protobuf import encode_message as protobuf_of
from otlptest.wire.otlp.signals import SIGNAL_NAMES

_CUTS: Final = st.integers(0, 2**16 - 1)
_OUT_OF_RANGE: Final = ("9223372036854775808", "-9223372036854775809", "1.5", "abc", "1e400")
_NO_IDS: Final = ("z" * 32, "0" * 31, "W4qlotLSyHNoIyHzczCNafLgAg==", "0x" + "0" * 30)
_NO_DOCUMENTS: Final = (b"[]", b'"x"', b"42", b"true", b"[{}]", b"{", b"}", b"{]", b"{'a':1}")


def _is_refused(signal: Signal, body: bytes) -> bool:
    try:
        decode_request(signal, body)
    except WireError:
        return True
    return False


_Made = tuple[str, str, bytes]


def _no_document(draw: Draw, _signal: Signal, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    body = pick(draw, _NO_DOCUMENTS)
    return "OTLP-JSON-036", f"{body.decode()} is not a request", body


def _cut(draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    plain = encode_message(message)
    at = 1 + draw(_CUTS) % (len(plain) - 1)
    return "OTLP-JSON-036", f"cut off after {at} of {len(plain)} bytes", plain[:at]


def _random(draw: Draw, _signal: Signal, _message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    text = draw(ASCII_TEXTS)
    assume(text.strip(" \t\r\n") not in {"", "null"})  # other questions
    return "OTLP-JSON-036", "a random text", text.encode()


def _trailing(draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    return (
        "OTLP-JSON-043",
        "bytes after the document",
        encode_message(message) + pick(draw, (b"x", b"}", b"{}", b"\x00", b",")),
    )


def _integer(draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    text = pick(draw, _OUT_OF_RANGE)
    resource = first_holder(document).setdefault("resource", {})
    resource["attributes"] = [{"key": "k", "value": {"intValue": text}}]
    return "OTLP-JSON-019", f"the integer {text!r}", written(document)


def _wrong_type(draw: Draw, signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    names = SIGNAL_NAMES[signal]
    scopes = names.json_key.replace("resource", "scope")
    holder = first_holder(document)
    place, key, value = pick(
        draw,
        [
            (document, names.json_key, {}),
            (document, names.json_key, "x"),
            (document, names.json_key, [7]),
            (holder, "resource", 7),
            (holder, "resource", []),
            (holder, scopes, "x"),
            (holder, scopes, {}),
            (holder, "resource", {"attributes": {}}),
            (holder, "resource", {"attributes": [{"key": 7}]}),
            (holder, "schemaUrl", 7),
            (holder, "resource", {"attributes": [{"key": "k", "value": {"boolValue": 7}}]}),
        ],
    )
    place[key] = value
    return "OTLP-JSON-037", f"{value!r} as {key}", written(document)


def _no_id(draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    document = json_object(message)
    text = pick(draw, _NO_IDS)
    first_holder(first_holder(first_holder(document)))["traceId"] = text
    return "OTLP-JSON-007", f"the trace id {text!r}", written(document)


def _protobuf(_draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    return "OTLP-SRV-034", "protobuf", protobuf_of(message)


def _bad_escape(draw: Draw, _signal: Signal, message: Any) -> _Made:  # noqa: ANN401 -- a generated message
    text = pick(draw, ('"\\x41"', '"\\u12"', '"\\', "'a'", "+1", "01", ".5", "tru"))
    document = json_object(message)
    first_holder(document)["schemaUrl"] = Literally(text)
    return "OTLP-JSON-036", f"{text!r} as a value", written(document)


def _maker(fault: Callable[[Draw, Signal, Any], _Made]) -> Maker:
    """Return a function that turns a request of a signal into text that is not one."""

    def make(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        rule, told, body = fault(draw, signal, message)
        assume(_is_refused(signal, body))
        return MutatedPayload(
            body=body, rule=rule, fault=told, expected="must_refuse", is_decodable=False
        )

    return make


_FAULTS: Final = (
    _no_document,
    _cut,
    _random,
    _trailing,
    _integer,
    _wrong_type,
    _protobuf,
    _bad_escape,
)


def broken_json(signal: Signal) -> tuple[Maker, ...]:
    """Return each way to break a request of a signal."""
    faults = (*_FAULTS, _no_id) if signal in {"traces", "logs"} else _FAULTS
    return tuple(map(_maker, faults))

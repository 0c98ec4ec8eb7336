"""Requests as bytes: what a sender puts on the wire, with what is odd or wrong about it.

Terms: a *valid* payload is a right request, encoded as SDKs encode; a *borderline* one is what the
encoding allows and no SDK sends, or breaks a rule about data; an *invalid* one is no request in the
encoding that it claims. What a receiver must do follows from the specification, and where that
says nothing, from what a decoder can know.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.errors import UnknownNameError
from otlptest.model import Protocol, Signal
from otlptest.strategies.broken_json import draw_broken_json
from otlptest.strategies.broken_protobuf import draw_broken_protobuf
from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, one_in, upto
from otlptest.strategies.json_forms import draw_json_form
from otlptest.strategies.oddities import draw_oddity
from otlptest.strategies.protobuf_forms import draw_protobuf_form
from otlptest.strategies.requests import draw_request
from otlptest.strategies.spoiling import Expected, Spoilt
from otlptest.wire import otlp_json, otlp_protobuf
from otlptest.wire.signals import request_class, signal_names

__all__ = ["Payload", "Validity", "encoded"]

Validity: TypeAlias = Literal["valid", "borderline", "invalid"]

_VALIDITIES: Final = get_args(Validity)
_CONTENT_TYPES: Final[dict[Protocol, str]] = {
    "grpc": "application/grpc",
    "http/protobuf": "application/x-protobuf",
    "http/json": "application/json",
}
_MOST_ITEMS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One request as bytes.

    Attributes:
        signal: To whose path or method it goes.
        protocol: How it goes.
        body: The bytes; over gRPC the message, without its prefix of five bytes.
        content_type: What they claim to be.
        validity: `valid`, `borderline` or `invalid`.
        expected: What a receiver has to do: `must_accept`, `may_refuse` (as the sender's fault; it
            may not crash, hang or fail) or `must_refuse`.
        rule: The requirement that says so, e.g. `OTLP-SRV-001`.
        fault: What is odd or wrong, as a clause: `cut off after 17 of 120 bytes`; empty if valid.
        is_decodable: Whether every right decoder reads it; what decoders differ about is not.
        plain: The same telemetry as an SDK would have sent it; empty where there is none. A
            receiver that refuses this too does not refuse `body` for its fault.
    """

    signal: Signal
    protocol: Protocol
    body: bytes = field(repr=False)
    validity: Validity
    expected: Expected
    rule: str
    fault: str = ""
    is_decodable: bool = True
    plain: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> str:
        """What a Content-Type header says with it."""
        return _CONTENT_TYPES[self.protocol]

    def __str__(self) -> str:
        """One line about it."""
        what = f": {self.fault}" if self.fault else ""
        size = f"{len(self.body)} bytes"
        return f"{self.validity} {self.signal} over {self.protocol} ({size}){what}"


def encoded(
    signal: Signal,
    *,
    protocol: Protocol = "http/protobuf",
    validity: Validity = "valid",
    at_unix_nano: int = DEFAULT_UNIX_NANO,
) -> SearchStrategy[Payload]:
    """Requests of a signal as bytes.

    Args:
        signal: `traces`, `metrics`, `logs` or `profiles`.
        protocol: `grpc`, `http/protobuf` or `http/json`.
        validity: Right requests, odd ones, or what is no request.
        at_unix_nano: As for `requests`.

    Raises:
        UnknownNameError: There is no such signal, protocol or validity.
        UsageError: The installed `opentelemetry-proto` does not have the signal.

    Example:
        >>> from hypothesis import given
        >>> from otlptest import send
        >>> @given(encoded("traces", validity="invalid"))
        ... def test_my_receiver_refuses_it(payload):
        ...     answer = send(payload.body, to="127.0.0.1:4318", signal="traces")
        ...     assert answer.exports[0].http_status == 400, payload
    """
    signal_names(signal)
    request_class(signal)
    if protocol not in _CONTENT_TYPES:
        raise UnknownNameError("protocol", protocol, tuple(_CONTENT_TYPES))
    if validity not in _VALIDITIES:
        raise UnknownNameError("validity", validity, _VALIDITIES)
    return st.composite(lambda draw: _payload(draw, signal, protocol, validity, at_unix_nano))()


def _payload(
    draw: Draw, signal: Signal, protocol: Protocol, validity: Validity, at_unix_nano: int
) -> Payload:
    message = draw_request(
        draw,
        signal,
        most_items=_MOST_ITEMS,
        at_unix_nano=at_unix_nano,
        is_common=bool(upto(draw, 1)),
    )
    is_json = protocol == "http/json"
    if validity == "valid":
        spoilt = _valid(signal, protocol, message)
    elif validity == "invalid":
        spoilt = (draw_broken_json if is_json else draw_broken_protobuf)(draw, signal, message)
    elif one_in(draw, 2):
        spoilt = (draw_json_form if is_json else draw_protobuf_form)(draw, signal, message)
    else:
        plain = message.SerializeToString()
        oddity = draw_oddity(draw, signal, message)
        spoilt = Spoilt(
            body=_encoded(message, protocol),
            rule=oddity.rule,
            fault=oddity.fault,
            expected=oddity.expected,
            is_decodable=oddity.is_decodable,
            plain=_encoded(type(message).FromString(plain), protocol),
        )
    return Payload(
        signal=signal,
        protocol=protocol,
        body=spoilt.body,
        validity=validity,
        expected=spoilt.expected,
        rule=_rule(spoilt.rule, protocol),
        fault=spoilt.fault,
        is_decodable=spoilt.is_decodable,
        plain=spoilt.plain,
    )


def _encoded(message: Any, protocol: Protocol) -> bytes:  # noqa: ANN401 -- a generated message
    if protocol == "http/json":
        return otlp_json.encode_message(message)
    return otlp_protobuf.encode_message(message)


_SERVED: Final = {
    ("http", "traces"): "OTLP-HTTP-002",
    ("http", "metrics"): "OTLP-HTTP-003",
    ("http", "logs"): "OTLP-HTTP-004",
    ("http", "profiles"): "OTLP-HTTP-005",
    ("grpc", "traces"): "OTLP-GRPC-001",
    ("grpc", "metrics"): "OTLP-GRPC-002",
    ("grpc", "logs"): "OTLP-GRPC-003",
    ("grpc", "profiles"): "OTLP-PROF-001",
}
_OVER_GRPC: Final = {
    "OTLP-HTTP-053": "OTLP-GRPC-043",
    "OTLP-RESP-006": "OTLP-RESP-005",
    "OTLP-SRV-001": "OTLP-SRV-010",
    "OTLP-SRV-002": "OTLP-SRV-010",
    "OTLP-SRV-012": "OTLP-SRV-010",
    "OTLP-SRV-034": "OTLP-SRV-010",
}


def _rule(rule: str, protocol: Protocol) -> str:
    """The requirement as it is called for a protocol."""
    return _OVER_GRPC.get(rule, rule) if protocol == "grpc" else rule


def _valid(signal: Signal, protocol: Protocol, message: Any) -> Spoilt:  # noqa: ANN401 -- a generated message
    """A right request. Receivers may lack kinds of metrics, and say so (OTLP-METRIC-061)."""
    rule = _SERVED["grpc" if protocol == "grpc" else "http", signal]
    expected: Expected = "must_accept"
    if signal == "metrics" and _has_optional_kinds(message):
        rule, expected = "OTLP-METRIC-061", "may_refuse"
    return Spoilt(body=_encoded(message, protocol), rule=rule, fault="", expected=expected)


def _has_optional_kinds(request: Any) -> bool:  # noqa: ANN401 -- a generated message
    return any(
        kind in {"exponential_histogram", "summary"}
        or getattr(getattr(metric, kind), "aggregation_temporality", 0) == 1
        for holder in request.resource_metrics
        for scope in holder.scope_metrics
        for metric in scope.metrics
        for kind in [metric.WhichOneof("data")]
    )

"""Requests as bytes, as senders put them on the wire, with their oddities and faults.

Terms: a *valid* payload is a valid request, encoded as SDKs encode; a *borderline* one is allowed
by the encoding but sent by no SDK, or breaks a rule about data; an *invalid* one is not a request
in the encoding that it claims. The demands on a receiver follow from the specification, or, if it
is silent, from what a decoder can know.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.errors import UnknownNameError
from otlptest.model import Protocol, Signal
from otlptest.strategies.borderline_data import Change, oddities
from otlptest.strategies.borderline_json import json_forms
from otlptest.strategies.borderline_protobuf import PROTOBUF_FORMS
from otlptest.strategies.broken_json import broken_json
from otlptest.strategies.broken_protobuf import BROKEN_PROTOBUF
from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, one_in, pick, upto
from otlptest.strategies.mutations import Expected, Maker, MutatedPayload
from otlptest.strategies.requests import draw_request
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.signals import request_class, signal_names

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
        signal: The signal whose path or method it goes to.
        protocol: The protocol it goes by.
        body: The bytes; over gRPC the message, without its prefix of five bytes.
        content_type: What they claim to be.
        validity: `valid`, `borderline` or `invalid`.
        expected: The reaction of a receiver: `must_accept`, `may_refuse` (as the sender's fault; it
            may not crash, hang or fail) or `must_refuse`.
        rule: The requirement that says so, e.g. `OTLP-SRV-001`.
        fault: What is odd or wrong, as a clause: `cut off after 17 of 120 bytes`; empty if valid.
        is_decodable: Whether every correct decoder reads it; false if decoders differ.
        plain: The same telemetry as an SDK would have sent it; empty if not possible. A
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
        """The Content-Type header that belongs to it."""
        return _CONTENT_TYPES[self.protocol]

    def __str__(self) -> str:
        """Return a line about the payload."""
        what = f": {self.fault}" if self.fault else ""
        size = f"{len(self.body)} byte" + ("" if len(self.body) == 1 else "s")
        return f"{self.validity} {self.signal} over {self.protocol} ({size}){what}"


def encoded(
    signal: Signal,
    *,
    protocol: Protocol = "http/protobuf",
    validity: Validity = "valid",
    at_unix_nano: int = DEFAULT_UNIX_NANO,
) -> SearchStrategy[Payload]:
    """Draw requests of a signal as bytes.

    Args:
        signal: `traces`, `metrics`, `logs` or `profiles`.
        protocol: `grpc`, `http/protobuf` or `http/json`.
        validity: `valid`, `borderline` or `invalid`.
        at_unix_nano: As for `requests`.

    Raises:
        UnknownNameError: A signal, protocol or validity does not exist.
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
    topics = [topic for topic in topics_of(signal, protocol) if topic.validity == validity]
    return st.composite(lambda draw: _payload(draw, pick(draw, topics), at_unix_nano))()


class Topic(NamedTuple):
    """One oddity or fault of a payload.

    Attributes:
        signal: The signal of the requests.
        protocol: The protocol it goes by.
        validity: The validity of the result.
        make: Makes it.
    """

    signal: Signal
    protocol: Protocol
    validity: Validity
    make: Maker

    def payloads(self, at_unix_nano: int) -> SearchStrategy[Payload]:
        """Draw payloads about the topic."""
        return st.composite(lambda draw: _payload(draw, self, at_unix_nano))()


def topics_of(signal: Signal, protocol: Protocol) -> tuple[Topic, ...]:
    """Return all topics, the valid one first."""
    is_json = protocol == "http/json"
    forms = json_forms(signal) if is_json else PROTOBUF_FORMS
    odd = tuple(_odd_maker(change, protocol) for change in oddities(signal))
    makers: tuple[tuple[Validity, tuple[Maker, ...]], ...] = (
        ("valid", (_valid_maker(protocol),)),
        ("borderline", (*forms, *odd)),
        ("invalid", broken_json(signal) if is_json else BROKEN_PROTOBUF),
    )
    return tuple(
        Topic(signal, protocol, validity, make) for validity, each in makers for make in each
    )


def _payload(draw: Draw, topic: Topic, at_unix_nano: int) -> Payload:
    message = draw_request(
        draw,
        topic.signal,
        most_items=_MOST_ITEMS,
        at_unix_nano=at_unix_nano,
        is_common=bool(upto(draw, 1)),
        is_small=topic.validity != "valid" and not one_in(draw, 8),  # the rest says little there
    )
    spoilt = topic.make(draw, topic.signal, message)
    return Payload(
        signal=topic.signal,
        protocol=topic.protocol,
        body=spoilt.body,
        validity=topic.validity,
        expected=spoilt.expected,
        rule=_rule(spoilt.rule, topic.protocol),
        fault=spoilt.fault,
        is_decodable=spoilt.is_decodable,
        plain=spoilt.plain,
    )


def _odd_maker(change: Change, protocol: Protocol) -> Maker:
    def make(draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        plain = _encoded(message, protocol)
        oddity = change(draw, signal, message)
        return MutatedPayload(
            body=_encoded(message, protocol),
            rule=oddity.rule,
            fault=oddity.fault,
            expected=oddity.expected,
            is_decodable=oddity.is_decodable,
            plain=plain,
        )

    return make


def _encoded(message: Any, protocol: Protocol) -> bytes:  # noqa: ANN401 -- a generated message
    if protocol == "http/json":
        return otlp_json.encode_message(message)
    return otlp_protobuf.encode_message(message)


def plain_of(payload: Payload) -> Payload:
    """Return the valid payload with the same telemetry as an SDK would have sent it."""
    rule, expected = _demand(payload.signal, payload.protocol, _decoded(payload))
    return replace(
        payload,
        body=payload.plain,
        plain=b"",
        validity="valid",
        expected=expected,
        rule=rule,
        fault="",
        is_decodable=True,
    )


def _decoded(payload: Payload) -> Any:  # noqa: ANN401 -- a generated message
    if payload.protocol == "http/json":
        return otlp_json.decode_request(payload.signal, payload.plain)
    return otlp_protobuf.decode_request(payload.signal, payload.plain, protocol=payload.protocol)


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
    """Return the requirement that applies to a protocol."""
    return _OVER_GRPC.get(rule, rule) if protocol == "grpc" else rule


def _valid_maker(protocol: Protocol) -> Maker:
    """Return valid requests. Receivers may not support some kinds of metrics (OTLP-METRIC-061)."""

    def make(_draw: Draw, signal: Signal, message: Any) -> MutatedPayload:  # noqa: ANN401 -- a generated message
        rule, expected = _demand(signal, protocol, message)
        return MutatedPayload(
            body=_encoded(message, protocol), rule=rule, fault="", expected=expected
        )

    return make


def _demand(signal: Signal, protocol: Protocol, message: Any) -> tuple[str, Expected]:  # noqa: ANN401 -- a generated message
    """Return the requirement about a valid request, and the reaction it demands."""
    if signal == "metrics" and _has_optional_kinds(message):
        return "OTLP-METRIC-061", "may_refuse"
    return _SERVED["grpc" if protocol == "grpc" else "http", signal], "must_accept"


def _has_optional_kinds(request: Any) -> bool:  # noqa: ANN401 -- a generated message
    return any(
        kind in {"exponential_histogram", "summary"}
        or getattr(getattr(metric, kind), "aggregation_temporality", 0) == 1
        for holder in request.resource_metrics
        for scope in holder.scope_metrics
        for metric in scope.metrics
        for kind in [metric.WhichOneof("data")]
    )

"""OTLP in binary protobuf: bytes to the signal's request message.

upb parses; only when it refuses are the bytes walked here, to say *where* they stop being a
message. The rules are OTLP-GRPC-007 for gRPC and OTLP-HTTP-008 for HTTP.
"""

from typing import Final

from google.protobuf.message import DecodeError, Message

from otlptest.errors import WireError
from otlptest.model import Protocol, Signal
from otlptest.wire.otlp.protobuf_faults import first_fault
from otlptest.wire.otlp.signals import request_class

_RULES: Final = {
    "grpc": "OTLP-GRPC-007",
    "http/protobuf": "OTLP-HTTP-008",
    "http/json": "OTLP-JSON-036",
}


def rule_of_malformed(protocol: Protocol) -> str:
    """Return the requirement that a body breaks if it is not a message of its signal."""
    return _RULES[protocol]


def decode_request(signal: Signal, data: bytes, *, protocol: Protocol) -> Message:
    """Return the `Export…ServiceRequest` of `signal` in `data`.

    Args:
        signal: The signal of the path.
        data: The body, inflated and without gRPC's prefix.
        protocol: The protocol it came by; decides which rule a fault breaks.

    Raises:
        WireError: `data` is not that message; `place` has field path and offset.
        UsageError: The installed `opentelemetry-proto` does not have the signal.
    """
    return decode_message(request_class(signal), data, rule=_RULES[protocol])


def decode_message(kind: type[Message], data: bytes, *, rule: str) -> Message:
    """Return the message of class `kind` in `data`.

    Raises:
        WireError: `data` is not that message.
    """
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as refused:
        fault = first_fault(kind, data)
        raise WireError(
            "malformed", rule, f"no {kind.DESCRIPTOR.name}: {fault.problem}", fault.place
        ) from refused
    return message


def encode_message(message: Message) -> bytes:
    """Return `message` in binary protobuf, fields in the order of their numbers."""
    return message.SerializeToString(deterministic=True)

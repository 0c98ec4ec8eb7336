"""The way from a request body to what the store keeps: inflated, decoded once, dropped."""

import zlib
from typing import Final

from otlptest.collector.server.request_head import Head
from otlptest.errors import WireError
from otlptest.model import Protocol, Signal
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.json_text import load_json
from otlptest.wire.otlp.mistaken_signals import mistake, mistaken_for, mistaken_json_for
from otlptest.wire.transport.compression import decompress
from otlptest.wire.transport.limits import Limits

_KEYS_KEPT: Final = 5  # of those that nothing was read from


class Export:
    """The part of a body worth keeping.

    Attributes:
        body: The message as protobuf bytes; of a refused one, the readable part.
        packed_json: The JSON text, zlib-compressed; None if the body is not JSON.
        error: The reason for a refusal; None if it was decoded whole.
        unread_keys: See `Request.unread_keys`.
    """

    __slots__ = ("body", "error", "packed_json", "unread_keys")

    def __init__(
        self,
        body: bytes,
        packed_json: bytes | None = None,
        error: WireError | None = None,
        unread_keys: tuple[str, ...] = (),
    ) -> None:
        self.body = body
        self.packed_json = packed_json
        self.error = error
        self.unread_keys = unread_keys


def decoded(head: Head, body: bytes, limits: Limits, *, is_compressed: bool = True) -> Export:
    """Decode a whole body.

    Args:
        head: The head of an acceptable request.
        body: As sent, without gRPC's prefix.
        limits: `request_bytes` limits the inflated body too.
        is_compressed: gRPC's compressed flag.
    """
    protocol = head.protocol
    signal = head.signal
    if protocol is None or signal is None:
        return Export(body)
    if is_compressed and head.encoding != "identity":
        try:
            body = decompress(head.encoding, body, limits.request_bytes, protocol=protocol)
        except WireError as error:
            return Export(b"", error=error)
    if protocol == "http/json":
        return _from_json(signal, body, limits)
    try:
        message = otlp_protobuf.decode_request(signal, body, protocol=protocol)
    except WireError as error:
        return Export(body, error=error)
    other = mistaken_for(signal, message, body)
    return Export(body, error=_mistaken(signal, other, protocol) if other else None)


def _from_json(signal: Signal, text: bytes, limits: Limits) -> Export:
    packed = zlib.compress(text, 1)
    try:
        document = load_json(text, max_depth=limits.json_depth)
        other = mistaken_json_for(signal, document)
        if other is not None:
            return Export(b"", packed, _mistaken(signal, other, "http/json"))
        message, unread = otlp_json.read_request(signal, document)
    except WireError as error:
        return Export(b"", packed, error)
    keys = tuple(str(key) for key in unread[:_KEYS_KEPT])
    return Export(message.SerializeToString(), packed, unread_keys=keys)


def _mistaken(signal: Signal, other: Signal, protocol: Protocol) -> WireError:
    problem = mistake(signal, other)
    return WireError("malformed", otlp_protobuf.rule_of_malformed(protocol), problem)

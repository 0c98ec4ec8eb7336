"""Shipped payloads as the requests that a collector would have received."""

from otlptest import bundled
from otlptest.model import Connection, Request, Signal
from otlptest.wire.otlp import otlp_json
from otlptest.wire.otlp.otlp_protobuf import encode_message

CHECKOUT = "payloads/traces/checkout.json"


def payload_path(name: str = CHECKOUT) -> str:
    """Where a shipped payload lies."""
    return str(bundled.path("fixtures", name))


def received(name: str = CHECKOUT, *, signal: Signal = "traces", number: int = 1) -> Request:
    """An accepted request that brought a shipped payload."""
    message = otlp_json.decode_request(signal, bundled.path("fixtures", name).read_bytes())
    return Request(
        number=number,
        connection=Connection(number=1, endpoint="http", port=4318),
        signal=signal,
        protocol="http/protobuf",
        body=encode_message(message),
        received_unix_nano=12 * 3600 * 10**9,
    )

"""What the small exporter sends: one span, one point and one log record, as protobuf or JSON."""

import os
import secrets
import time
from typing import Final
from urllib.parse import unquote_to_bytes

from tests.support.exporters.planted import WRONG

__all__ = ["KINDS", "json_text", "messages"]

KINDS: Final = ("traces", "metrics", "logs")


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: bytes | str | int) -> bytes:
    """One protobuf field: length-delimited for bytes and text, varint for a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fixed64(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def attribute(key: str, value: str) -> bytes:
    if WRONG == "environment/resource_attributes" and key == "otlptest.n":
        return field(1, key) + field(2, field(3, int(value)))
    return field(1, key) + field(2, field(1, value))


def resource() -> bytes:
    pairs = {"service.name": "unknown_service", **told_attributes()}
    name = os.environ.get("OTEL_SERVICE_NAME", "")
    if name and WRONG != "environment/service_name":
        pairs["service.name"] = name
    return b"".join(field(1, attribute(key, value)) for key, value in pairs.items())


def told_attributes() -> dict[str, str]:
    """OTEL_RESOURCE_ATTRIBUTES, dropped whole where a part of it cannot be decoded."""
    found = {}
    for entry in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        if entry:
            key, _, value = entry.partition("=")
            found[key.strip()] = percent_decoded(value.strip())
    return found


def percent_decoded(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "replace")


def messages() -> dict[str, bytes]:
    now = time.time_ns()
    span = (
        field(1, secrets.token_bytes(16))
        + field(2, secrets.token_bytes(8))
        + field(5, "work")
        + field(6, 1)
        + fixed64(7, now - 1000)
        + fixed64(8, now)
    )
    point = fixed64(3, now) + fixed64(6, 1)
    metric = field(1, "work.count") + field(5, field(1, point))
    record = fixed64(1, now) + field(2, 9) + field(5, field(1, "done")) + fixed64(11, now)
    items = {"traces": span, "metrics": metric, "logs": record}
    return {
        kind: field(1, field(1, resource()) + field(2, field(1, field(1, "s")) + field(2, item)))
        for kind, item in items.items()
    }


def json_text(kind: str, body: bytes) -> bytes:
    """The OTLP JSON of a message in protobuf."""
    from otlptest.wire.otlp_json import encode_message  # noqa: PLC0415 -- takes long to load
    from otlptest.wire.signals import request_class  # noqa: PLC0415 -- as above

    return encode_message(request_class(kind).FromString(body))

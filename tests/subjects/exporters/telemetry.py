"""What the small exporter sends, and when: its messages, as protobuf or JSON."""

import os
import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote

from tests.subjects.exporters.configuration import configured_attributes
from tests.subjects.exporters.emitted import requests_of
from tests.subjects.exporters.json_faults import planted_text
from tests.subjects.exporters.planted import WRONG

__all__ = ["KINDS", "anew", "exports", "json_text", "shortened"]

KINDS: Final = ("traces", "metrics", "logs")
_DEFAULT_INTERVAL_S: Final = 60.0
_QUICK_S: Final = 1.0  # metrics are collected again only where it takes no longer
_ENCODED: Final = re.compile(r"([^%]|%[0-9A-Fa-f]{2})*")


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


def attribute(key: str, value: str) -> bytes:
    if WRONG == "environment/resource_attributes" and key == "otlptest.n":
        return field(1, key) + field(2, field(3, int(value)))
    return field(1, key) + field(2, field(1, value))


def resource() -> bytes:
    pairs = {"service.name": "unknown_service", **told_attributes()}
    if WRONG != "no configuration file":
        pairs |= configured_attributes()
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
            if WRONG == "decodes no attributes":
                found[key.strip()] = value.strip()
                continue
            if not _ENCODED.fullmatch(value) and WRONG != "takes undecodable attributes":
                return {}
            found[key.strip()] = unquote(value.strip())
    return found


def exports(kinds: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """What is exported, in order: kind and message. Waits between two collections of metrics."""
    for kind in kinds:
        one_by_one = os.environ.get("OTEL_BSP_MAX_EXPORT_BATCH_SIZE") == "1"
        one_by_one |= WRONG == "drops what was in a reset stream"
        interval_s = collection_interval_s()
        collections = 3 if interval_s <= _QUICK_S else 1
        bodies = requests_of(kind, resource(), collections=collections, one_by_one=one_by_one)
        if WRONG == "the shutdown loses spans" and kind == "traces" and not one_by_one:
            bodies = requests_of(kind, resource(), collections=1, one_by_one=True)[:1]
        if WRONG == "the shutdown loses metrics" and kind == "metrics" and interval_s > _QUICK_S:
            continue
        if WRONG.startswith("pending spans") and kind == "traces":
            bodies = [unfinished(bodies[0]), *bodies]
        for number, body in enumerate(bodies):
            if kind == "metrics" and number:
                threading.Event().wait(min(interval_s, _QUICK_S))
            yield kind, planted_bytes(kind, body)


def anew(kind: str) -> bytes:
    """The first message of a signal made once more: with other ids, and the time of now."""
    return requests_of(kind, resource())[0]


def unfinished(body: bytes) -> bytes:
    """The spans of a message as they are when they start: without an end."""
    message = _message("traces", body)
    for span in message.resource_spans[0].scope_spans[0].spans:
        span.ClearField("end_time_unix_nano")
    return bytes(message.SerializeToString())


def shortened(kind: str, body: bytes) -> bytes:
    """A message without its last span; of other signals the same."""
    if kind != "traces":
        return body
    message = _message(kind, body)
    del message.resource_spans[0].scope_spans[0].spans[-1]
    return bytes(message.SerializeToString())


def _message(kind: str, body: bytes) -> Any:  # noqa: ANN401 -- a generated class
    from otlptest.wire.otlp.signals import request_class  # noqa: PLC0415 -- takes long to load

    return request_class(kind).FromString(body)


def collection_interval_s() -> float:
    value = os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    return float(value) / 1000 if value.isdigit() else _DEFAULT_INTERVAL_S


def planted_bytes(kind: str, body: bytes) -> bytes:
    """What no library would write, or not as this signal."""
    if WRONG == "bytes in a string":
        return body.replace(b"\xef\xbf\xbd", b"\xff\xfe\xff")  # what was repaired, broken again
    if WRONG == "empty requests":
        return b""
    if WRONG == "another signal's message" and kind == "traces":
        return bytes.fromhex("0a0f120d120b1009590500000000000000")  # a log record
    return body


def json_text(kind: str, body: bytes) -> bytes:
    """The OTLP JSON of a message in protobuf."""
    from otlptest.wire.otlp.otlp_json import encode_message  # noqa: PLC0415 -- takes long to load

    return planted_text(encode_message(_message(kind, body)))

"""Faults of the small exporter's JSON, by the word in `WRONG`: each changes a text."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.subjects.exporters.planted import WRONG

__all__ = ["JSON_FAULTS", "planted_text"]

_INTEGERS: Final = frozenset({"intValue", "asInt", "count", "zeroCount"})
_ENUMS: Final = {"kind": "SPAN_KIND_SERVER", "aggregationTemporality": "CUMULATIVE", "code": "OK"}


def planted_text(text: bytes) -> bytes:
    """The text with the fault that is planted, or as it is."""
    fault = JSON_FAULTS.get(WRONG)
    return text if fault is None else fault(text)


def objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 -- any JSON
    """Every object within, outermost first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from objects(inner)


def in_objects(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """Do something to each object of a text."""

    def fault(text: bytes) -> bytes:
        document = json.loads(text)
        for each in list(objects(document)):
            change(each)
        return json.dumps(document, ensure_ascii=False).encode()

    return fault


def values(
    names: frozenset[str], change: Callable[[Any], Any], *, within: str = ""
) -> Callable[[bytes], bytes]:
    """Replace the values of some keys; `within` is another key that the object must have."""

    def in_object(found: dict[str, Any]) -> None:
        for name in names & set(found):
            if not within or within in found:
                found[name] = change(found[name])

    return in_objects(in_object)


def base64_id(value: str) -> str:
    return base64.b64encode(bytes.fromhex(value)).decode()


def snake(text: bytes) -> bytes:
    return text.replace(b'"startTimeUnixNano":', b'"start_time_unix_nano":')


def without_zeros(found: dict[str, Any]) -> None:
    for name in ("asInt", "asDouble"):
        if found.get(name) in (0, "0"):
            del found[name]


def values_elsewhere(found: dict[str, Any]) -> None:
    """The value of a point, not of an exemplar, under a key that OTLP does not have."""
    for name in found.keys() & {"asInt", "asDouble"}:
        if "spanId" not in found:
            found["value"] = found.pop(name)


def no_values(found: dict[str, Any]) -> None:
    for name in found.keys() & {"asInt", "asDouble"}:
        del found[name]


def without_zero_min(found: dict[str, Any]) -> None:
    if found.get("min") == 0:
        del found["min"]


def attributes_as_an_object(found: dict[str, Any]) -> None:
    if "attributes" in found:
        found["attributes"] = {each["key"]: each.get("value") for each in found["attributes"]}


def rfc3339(_: str) -> str:
    return "2026-01-01T00:00:00Z"


JSON_FAULTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "JSON: trace_id in base64": values(frozenset({"traceId"}), base64_id, within="name"),
    "JSON: span_id in base64": values(frozenset({"spanId"}), base64_id, within="name"),
    "JSON: parent_span_id in base64": values(frozenset({"parentSpanId"}), base64_id),
    "JSON: enums as names": in_objects(
        lambda found: found.update({key: _ENUMS[key] for key in _ENUMS.keys() & found.keys()})
    ),
    "JSON: enums as fractions": values(frozenset({"kind"}), float),
    "JSON: keys in snake_case": snake,
    "JSON: integers as numbers": values(_INTEGERS, int),
    "JSON: times as numbers": values(frozenset({"timeUnixNano"}), int),
    "JSON: flags as text": values(frozenset({"flags"}), str),
    "JSON: times in RFC 3339": values(frozenset({"timeUnixNano"}), rfc3339),
    "JSON: doubles as text": values(frozenset({"asDouble"}), str),
    "JSON: bare NaN": lambda text: re.sub(rb'"asDouble":[^,}]*', b'"asDouble":NaN', text),
    "JSON: bytes in hex": values(frozenset({"bytesValue"}), lambda _: "fffefd!"),
    "JSON: no zero of a oneof": in_objects(without_zeros),
    "JSON: values under another key": in_objects(values_elsewhere),
    "JSON: no values of points": in_objects(no_values),
    "JSON: no zero of a minimum": in_objects(without_zero_min),
    "JSON: Latin-1": lambda text: text.decode().encode("latin-1", "replace"),
    "JSON: no escapes": lambda text: text.replace(b'\\"', b'"'),
    "JSON: escaped twice": lambda text: text.replace(b"\xf0\x9f\x98\x80", b"\\\\ud83d\\\\ude00"),
    "JSON: an array": lambda text: b"[" + text + b"]",
    "JSON: attributes as an object": in_objects(attributes_as_an_object),
    "JSON: bare attribute values": values(frozenset({"value"}), str, within="key"),
    "JSON: a count below 0": values(frozenset({"count"}), lambda _: "-1"),
    "JSON: flags out of range": values(frozenset({"flags"}), lambda _: 1 << 32),
    "JSON: an unknown key": lambda text: text.replace(b'{"', b'{"futureKey":1,"', 1),
}
"""Word to what it does to the text."""

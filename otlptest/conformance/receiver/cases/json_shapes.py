"""JSON documents with null, with absent keys, and with values of the wrong type, at every level.

Each is a valid document with a change at one place. A document that must be taken is judged against
the same document without the change.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.json_values import rejected
from otlptest.conformance.receiver.contrasts import Plain, contrasted, unlike_plain
from otlptest.conformance.receiver.exchange import (
    Answer,
    Exchange,
    check_responses,
    is_ok,
    is_refused,
    post,
)
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_attribute,
    json_bytes,
    json_item,
    json_request,
)
from otlptest.conformance.receiver.stored import judged_stored
from otlptest.model import Signal
from otlptest.results import CheckResult, inconclusive
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.signals import SIGNAL_NAMES, lower_camel

CASES: Final = ReceiverCases()


_Path: TypeAlias = tuple[str, ...]
"""The keys to a value; in a list they go on in its first element."""

_ABSENT: Final = object()
_IDS: Final[Mapping[str, Any]] = MappingProxyType(
    {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
)


def _document(signal: Signal, marker: str) -> dict[str, Any]:
    """Return a valid document that has a value at each place that is to be changed."""
    now = str(SYSTEM_CLOCK.unix_nanos())
    more: dict[str, Any] = {}
    if signal == "traces":
        more = {
            "parentSpanId": "00f067aa0ba902b7",
            "traceState": "a=1",
            "status": {"message": "m", "code": 1},
            "events": [{"name": "event", "timeUnixNano": now}],
            "links": [dict(_IDS)],
        }
    elif signal == "logs":
        more = dict(_IDS)
    document = json_request(signal, json_item(signal, marker, more=more))
    mark = json_attribute(MARKER_ATTRIBUTE, {"stringValue": marker})
    entry = document[SIGNAL_NAMES[signal].json_key][0]
    entry["resource"]["attributes"].append(mark)
    return document


def _changed(document: dict[str, Any], path: _Path, value: object) -> dict[str, Any]:
    """Return a copy with another value at a place, or without it."""
    copied = copy.deepcopy(document)
    holder: Any = copied
    for key in path[:-1]:
        holder = holder[key]
        holder = holder[0] if isinstance(holder, list) else holder
    if value is _ABSENT:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return copied


def _send(lab: ReceiverLab, signal: Signal, document: object) -> Http1Answer:
    return post(lab, json_bytes(document), signal=signal)


def _sender(lab: ReceiverLab, signal: Signal, document: object) -> Plain:
    return lambda: _send(lab, signal, document)


# The places of a document.


def _levels(signal: Signal) -> tuple[_Path, _Path, _Path]:
    """Return the keys to the entries, to their scopes, and to the items in those."""
    names = SIGNAL_NAMES[signal]
    entries = (names.json_key,)
    scopes = (*entries, lower_camel(names.scope_field))
    return entries, scopes, (*scopes, lower_camel(names.item_field))


def _envelope(signal: Signal) -> Iterator[_Path]:
    """Yield the places around items that may be null."""
    entries, scopes, items = _levels(signal)
    yield from (entries, scopes, items)
    for key in ("resource", "schemaUrl"):
        yield (*entries, key)
    for key in ("scope", "schemaUrl"):
        yield (*scopes, key)
    for key in ("attributes", "droppedAttributesCount"):
        yield (*entries, "resource", key)
    for key in ("name", "version", "attributes"):
        yield (*scopes, "scope", key)


_KEYS: Final[Mapping[Signal, tuple[str, ...]]] = MappingProxyType(
    {
        "traces": (
            *("parentSpanId", "traceState", "flags", "kind", "events", "links", "status"),
            *("attributes", "droppedAttributesCount"),
        ),
        "logs": (
            *("body", "severityText", "severityNumber", "flags", "traceId", "spanId"),
            *("attributes", "droppedAttributesCount"),
        ),
        "metrics": ("description", "unit", "metadata"),
    }
)
_POINT_KEYS: Final = ("attributes", "startTimeUnixNano", "exemplars", "flags", "asDouble")


def _fields(signal: Signal) -> Iterator[_Path]:
    """Yield the places of an item, or of its parts, that may be null."""
    *_, items = _levels(signal)
    for key in _KEYS[signal]:
        yield (*items, key)
    if signal == "traces":
        yield (*items, "status", "message")
        yield (*items, "events", "attributes")
        yield (*items, "links", "traceState")
    if signal == "metrics":
        yield (*items, "gauge", "dataPoints")
        for key in _POINT_KEYS:
            yield (*items, "gauge", "dataPoints", key)


# Null and absent.


@CASES.add(
    "json/nulls",
    "Null for each key that may be absent, at every level",
    ("OTLP-JSON-028",),
    protocols=("http/json",),
    expected_s=1.0,
)
def _judge_nulls(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-JSON-028"
    for signal in lab.signals:
        tries = unlike_plain(_null_pairs(lab, signal))
        if tries:
            yield check_responses(lab, rule, tries, is_ok, "HTTP 200")
        else:
            yield inconclusive(rule, f"no key may be absent from its {signal}")
        yield _stored_nulls(lab, rule, signal)


def _null_pairs(lab: ReceiverLab, signal: Signal) -> Iterator[tuple[Exchange, Plain]]:
    """Yield a document with null at each place, and the same document without the key."""
    for path in (*_envelope(signal), *_fields(signal)):
        document = _document(signal, lab.marker())
        answer = _send(lab, signal, _changed(document, path, None))
        plain = _sender(lab, signal, _changed(document, path, _ABSENT))
        yield Exchange(what=f"null for {'.'.join(path)}", answer=answer), plain


def _stored_nulls(lab: ReceiverLab, rule: str, signal: Signal) -> CheckResult:
    """Judge an item with null everywhere: it stays that item; the resource has the marker."""
    marker = lab.marker()
    document = plain = _document(signal, marker)
    for path in _fields(signal):
        if path[-1] != "dataPoints" and len(path) > len(_levels(signal)[2]):
            is_part = path[-2] in {"status", "events", "links"}
            document = document if is_part else _changed(document, path, None)
            plain = plain if is_part else _changed(plain, path, _ABSENT)
    answer = _send(lab, signal, document)
    what = f"null for each field that may be absent ({signal})"
    found = check_responses(lab, rule, [Exchange(what=what, answer=answer)], is_ok, "HTTP 200")
    if found.outcome != "passed":
        return contrasted(found, _sender(lab, signal, plain), "an item without them")
    return judged_stored(
        lab,
        rule,
        signal,
        marker,
        found.evidence,
        matches=lambda _: "",
        needs_read_back=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Omission:
    """Something without a key, and the same with the key's default value."""

    what: str
    odd: Any
    plain: Any


def _of_values() -> Iterator[_Omission]:
    """Yield values whose list is empty: it may be omitted."""
    for kind in ("arrayValue", "kvlistValue"):
        yield _Omission(what=f'"{kind}": {{}}', odd={kind: {}}, plain={kind: {"values": []}})


@CASES.add(
    "json/absent",
    "Absent keys",
    ("OTLP-JSON-029",),
    protocols=("http/json",),
)
def _judge_absent(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        yield from _minimal(lab, signal)
        for each in _of_values():
            yield _omitted(lab, signal, each, _attributed)
        yield _omitted(lab, signal, _ENTITY, _with_entity)


_ENTITY: Final = _Omission(
    what="an entity without schemaUrl",
    odd={"type": "service", "idKeys": ["service.name"]},
    plain={"schemaUrl": "", "type": "service", "idKeys": ["service.name"], "descriptionKeys": []},
)


def _omitted(
    lab: ReceiverLab,
    signal: Signal,
    omission: _Omission,
    put: Callable[[Signal, str, Any], dict[str, Any]],
) -> CheckResult:
    answer = _send(lab, signal, put(signal, lab.marker(), omission.odd))
    tries = [Exchange(what=f"{omission.what} ({signal})", answer=answer)]
    found = check_responses(lab, "OTLP-JSON-029", tries, is_ok, "HTTP 200")
    plain = _sender(lab, signal, put(signal, lab.marker(), omission.plain))
    return contrasted(found, plain, "the same with its default value")


def _attributed(signal: Signal, marker: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    pair = json_attribute("value", value)
    return json_request(signal, json_item(signal, marker, attributes=(pair,)))


def _with_entity(signal: Signal, marker: str, entity: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    document = json_request(signal, json_item(signal, marker))
    document[SIGNAL_NAMES[signal].json_key][0]["resource"]["entityRefs"] = [entity]
    return document


def _minimal(lab: ReceiverLab, signal: Signal) -> Iterator[CheckResult]:
    """Judge a minimal item: a store may refuse an old one, or one without a value."""
    now = SYSTEM_CLOCK.unix_nanos()
    times = {"startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now)}
    point = {"timeUnixNano": str(now), "asInt": "1"}
    items: dict[Signal, dict[str, Any]] = {
        "traces": {**_IDS, **times, "name": "minimal"},
        "logs": {"timeUnixNano": str(now), "body": {"stringValue": "minimal"}},
        "metrics": {"name": "minimal", "gauge": {"dataPoints": [point]}},
    }
    answer = _send(lab, signal, json_request(signal, items[signal]))
    tries = [Exchange(what=f"an item without optional keys ({signal})", answer=answer)]
    yield check_responses(lab, "OTLP-JSON-029", tries, is_ok, "HTTP 200")


# Values of the wrong type.


def _wrong_types(signal: Signal) -> Iterator[tuple[_Path, Sequence[Any]]]:
    """Yield each place with values that are not of its type."""
    entries, scopes, items = _levels(signal)
    for path in (entries, scopes, items):
        yield path, ("x", 7, [1], ["x"])
    yield items, ({},)
    yield (*entries, "resource"), ("x", [1])
    yield (*entries, "resource", "attributes"), ("x", [7])
    yield (*scopes, "scope"), ("x", 7)
    yield (*scopes, "scope", "name"), (7,)
    if signal == "metrics":
        yield (*items, "name"), (7, {})
        yield (*items, "gauge"), ("x", [1])
        yield (*items, "gauge", "dataPoints"), ("x", [1])
        yield (*items, "gauge", "dataPoints", "timeUnixNano"), ({}, "soon")
        items = (*items, "gauge", "dataPoints")
    elif signal == "traces":
        yield (*items, "name"), (7,)
        yield (*items, "traceId"), (7, {})
        yield (*items, "spanId"), (7,)
        yield (*items, "startTimeUnixNano"), ({}, "soon")
        yield (*items, "events"), ("x", [1])
        yield (*items, "links"), ("x",)
        yield (*items, "status"), ("x",)
    else:
        yield (*items, "traceId"), (7, {})
        yield (*items, "severityText"), (7,)
        yield (*items, "timeUnixNano"), ({}, "soon")
        yield (*items, "body"), ("x", 7)
    yield (*items, "attributes"), ({}, "x", [7])
    yield (*items, "attributes", "key"), (7,)
    yield (*items, "attributes", "value"), ("x", 7)


@CASES.add(
    "json/wrong_types",
    "Values of the wrong type, at every level",
    ("OTLP-JSON-037",),
    protocols=("http/json",),
    expected_s=1.0,
)
def _judge_wrong_types(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        tries = [
            Exchange(
                what=f"{'.'.join(path)}: {json_bytes(value).decode()}",
                answer=_send(lab, signal, _changed(_document(signal, lab.marker()), path, value)),
            )
            for path, values in _wrong_types(signal)
            for value in values
        ]
        wanted = "HTTP 400, or a rejected item"
        yield check_responses(lab, "OTLP-JSON-037", tries, _refuses(signal), wanted)


def _refuses(signal: Signal) -> Callable[[Answer], bool]:
    def right(answer: Answer) -> bool:
        return is_refused(answer) or (
            isinstance(answer, Http1Answer) and bool(rejected(signal, answer))
        )

    return right

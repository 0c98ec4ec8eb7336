"""JSON documents: unknown and absent keys, nulls, duplicates, whitespace, and what is no JSON."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.example_payloads import EXAMPLES
from otlptest.conformance.raw_http1 import Http1Answer
from otlptest.conformance.receiver_cases.json_values import rejected
from otlptest.conformance.receiver_exchanges import (
    JSON,
    Answer,
    Try,
    answered,
    is_decided,
    is_ok,
    is_refused,
    judged,
    post,
)
from otlptest.conformance.receiver_lab import ReceiverLab
from otlptest.conformance.receiver_stored import judged_stored, stored_items, unwanted_items
from otlptest.conformance.sample_requests import (
    json_attribute,
    json_bytes,
    json_item,
    json_request,
)
from otlptest.conformance.verdicts import Judged, broken, held, lacking
from otlptest.model import Signal

__all__ = ["CASES"]

_KEY: Final = "kept"
_UNKNOWN: Final[Mapping[str, Any]] = MappingProxyType(
    {"futureScalar": 7, "futureObject": {"a": [1, {"b": None}]}, "futureArray": [{"c": "d"}, []]}
)


def _stored(
    lab: ReceiverLab,
    rule: str,
    document: object,
    marker: str,
    what: str,
    *,
    needs_read_back: bool = True,
) -> Judged:
    """A document that must be taken, and whose item must come out with its attribute."""
    signal = lab.signals[0]
    body = document if isinstance(document, bytes) else json_bytes(document)
    answer = post(lab, body, signal=signal)
    seen = f"{what}: {answer.told()}"
    if not answer.is_ok:
        tries = [Try(what=what, answer=answer)]
        return judged(lab, rule, tries, is_ok, "HTTP 200")
    return judged_stored(
        lab, rule, signal, marker, seen, matches=_lost, needs_read_back=needs_read_back
    )


def _lost(items: tuple[Any, ...]) -> str:
    got = items[0].attributes.get(_KEY)
    return "" if got == "yes" else f"the attribute {_KEY!r} is {got!r}, wanted: 'yes'"


def _document(signal: Signal, marker: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    pair = json_attribute(_KEY, {"stringValue": "yes"})
    return json_request(signal, json_item(signal, marker, attributes=(pair,), more=more))


# Unknown, absent, null.


def _judge_unknown(lab: ReceiverLab) -> Iterator[Judged]:
    """Unknown keys in every object; in spans also in events, links and the status."""
    signal, marker = lab.signals[0], lab.marker()
    more: dict[str, Any] = {}
    if signal == "traces":
        ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
        more = {"events": [{"name": "e", "timeUnixNano": "1"}], "links": [ids], "status": {}}
    document = _with_unknown(_document(signal, marker, **more))
    yield _stored(lab, "OTLP-JSON-014", document, marker, "unknown keys in every object")
    marker = lab.marker()
    empty_key = {"": 1, **_document(signal, marker)}
    yield _stored(lab, "OTLP-JSON-015", empty_key, marker, 'the key ""')


def _with_unknown(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, list):
        return [_with_unknown(each) for each in value]
    if isinstance(value, dict):
        return {**_UNKNOWN, **{key: _with_unknown(each) for key, each in value.items()}}
    return value


def _judge_absent(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    document = json_bytes(_document(signal, lab.marker()))
    nulls = {
        "traces": {"status": None, "traceState": None, "events": None, "links": None},
        "logs": {"body": None, "severityText": None, "flags": None},
        "metrics": {"exemplars": None, "flags": None, "startTimeUnixNano": None},
    }
    marker = lab.marker()
    yield _stored(
        lab,
        "OTLP-JSON-028",
        _document(signal, marker, **nulls.get(signal, {})),
        marker,
        "null for fields of the item",
        needs_read_back=False,
    )
    body = document.replace(b'"resource":{', b'"schemaUrl":null,"resource":{')
    body = body.replace(b'"scope":{', b'"schemaUrl":null,"scope":{')
    tries = [Try(what="null for texts of the envelope", answer=post(lab, body))]
    yield judged(lab, "OTLP-JSON-028", tries, is_ok, "HTTP 200")
    yield from _minimal(lab, signal)


def _minimal(lab: ReceiverLab, signal: Signal) -> Iterator[Judged]:
    """No more than an item needs."""
    times = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
    ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    items: dict[Signal, dict[str, Any]] = {
        "traces": {**ids, **times, "name": "minimal"},
        "logs": {"body": {"stringValue": "minimal"}},
        "metrics": {"name": "minimal", "gauge": {"dataPoints": [{"timeUnixNano": "1"}]}},
    }
    document = json_request(signal, items[signal])
    tries = [Try(what="an item without optional keys", answer=post(lab, json_bytes(document)))]
    yield judged(lab, "OTLP-JSON-029", tries, is_ok, "HTTP 200")


def _judge_snake_case(lab: ReceiverLab) -> Iterator[Judged]:
    rule, signal, marker = "OTLP-JSON-013", lab.signals[0], lab.marker()
    body = json_bytes(_document(signal, marker))
    for camel, snake in (
        (b"resourceSpans", b"resource_spans"),
        (b"resourceLogs", b"resource_logs"),
        (b"resourceMetrics", b"resource_metrics"),
    ):
        body = body.replace(camel, snake)
    answer = post(lab, body)
    seen = f"a document in snake_case: {answer.told()}"
    if not answer.is_ok:
        say = lacking if answer.is_refused else broken
        yield say(rule, seen)
        return
    stored = unwanted_items(lab, signal, marker)
    if stored is None:
        yield lacking(rule, f"{seen}; whether it was stored cannot be read back")
    elif stored:
        yield held(rule, f"{seen}; it was stored: lenient")
    else:
        yield lacking(rule, f"{seen}; nothing was stored: strict")


# Two of a kind.


def _judge_twice(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    both = json_attribute("both", {"stringValue": "a", "intValue": "1"})
    document = json_request(signal, json_item(signal, lab.marker(), attributes=(both,)))
    tries = [Try(what="two values in one AnyValue", answer=post(lab, json_bytes(document)))]
    yield judged(lab, "OTLP-JSON-033", tries, is_decided, "HTTP 400, or success")
    body = json_bytes(_document(signal, lab.marker()))
    doubled = body.replace(b'"scope":{', b'"scope":{"name":"first","name":"second"},"scope":{', 1)
    tries = [Try(what="the same key twice", answer=post(lab, doubled))]
    yield judged(lab, "OTLP-JSON-034", tries, is_decided, "HTTP 400, or success")


# No JSON, or none of OTLP's.


def _judge_malformed(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    whole = json_bytes(_document(signal, lab.marker()))
    bodies = {
        "half a document": whole[: len(whole) // 2],
        '{"resourceSpans":[': b'{"resourceSpans":[',
        "[]": b"[]",
        '"x"': b'"x"',
        "42": b"42",
        "invalid UTF-8": whole.replace(b"otlptest-conformance", b"\xff\xfe"),
        "a comma too many": whole[:-1] + b",}",
    }
    tries = (Try(what=what, answer=post(lab, body)) for what, body in bodies.items())
    yield judged(lab, "OTLP-JSON-036", tries, _is_json_400, "HTTP 400 of type application/json")
    answer = post(lab, b"")
    say = held if is_decided(answer) else broken
    yield say("OTLP-JSON-048", f"an empty body: {answer.told()}")


def _is_json_400(answer: Answer) -> bool:
    return isinstance(answer, Http1Answer) and answered(400)(answer) and answer.media_type == JSON


def _judge_wrong_types(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    wrong: dict[str, dict[str, Any]] = {"an object for attributes": {"attributes": {}}}
    if signal == "traces":
        wrong |= {"a number for a name": {"name": 7}, "a text for events": {"events": "x"}}
    else:
        wrong |= {"a text for attributes": {"attributes": "x"}}
    tries = [
        Try(
            what=what,
            answer=post(
                lab, json_bytes(json_request(signal, json_item(signal, lab.marker(), more=more)))
            ),
        )
        for what, more in wrong.items()
    ]

    def right(answer: Answer) -> bool:
        return is_refused(answer) or (
            isinstance(answer, Http1Answer) and bool(rejected(signal, answer))
        )

    yield judged(lab, "OTLP-JSON-037", tries, right, "HTTP 400, or a rejected item")


def _judge_layout(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    document = _document(signal, lab.marker())
    pretty = json.dumps(document, indent=2).encode() + b"\r\n \t\n"
    turned = json_bytes(_turned(document))
    bodies = {"pretty printing": pretty, "the keys in another order": turned}
    tries = (Try(what=what, answer=post(lab, body)) for what, body in bodies.items())
    yield judged(lab, "OTLP-JSON-043", tries, is_ok, "HTTP 200")
    rest = [
        Try(what=f"{tail!r} after the document", answer=post(lab, json_bytes(document) + tail))
        for tail in (b"{}", b"x", b"]")
    ]
    yield judged(lab, "OTLP-JSON-043", rest, answered(400), "HTTP 400")


def _turned(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, list):
        return [_turned(each) for each in value]
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(list(value))}
    return value


# Payloads that use everything.


def _judge_examples(lab: ReceiverLab) -> Iterator[Judged]:
    rule = "OTLP-JSON-045"
    for name, (signal, document) in EXAMPLES.items():
        if signal not in lab.signals:
            continue
        marker = lab.marker()
        marked = json_bytes(document).replace(b"@marker", marker.encode())
        answer = post(lab, marked, signal=signal)
        seen = f"{name}: {answer.told()}"
        if not answer.is_ok:
            yield broken(rule, f"wanted: HTTP 200; {seen}")
        elif lab.read_back is None:
            yield held(rule, seen)
        elif stored_items(lab, signal, marker):
            yield held(rule, f"{seen}, and stored")
        else:
            yield judged_stored(lab, rule, signal, marker, seen, matches=lambda _: "")


CASES: Final = (
    ReceiverCase(
        id="json/unknown_keys",
        title="Unknown keys in every object",
        requirements=("OTLP-JSON-014", "OTLP-JSON-015"),
        judge=_judge_unknown,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/absent",
        title="Null and absent keys",
        requirements=("OTLP-JSON-028", "OTLP-JSON-029"),
        judge=_judge_absent,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/snake_case",
        title="Keys in snake_case",
        requirements=("OTLP-JSON-013",),
        judge=_judge_snake_case,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/twice",
        title="Two members of a oneof, two equal keys",
        requirements=("OTLP-JSON-033", "OTLP-JSON-034"),
        judge=_judge_twice,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/malformed",
        title="What is no JSON, or no JSON object",
        requirements=("OTLP-JSON-036", "OTLP-JSON-048"),
        judge=_judge_malformed,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/wrong_types",
        title="Values of the wrong type",
        requirements=("OTLP-JSON-037",),
        judge=_judge_wrong_types,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/layout",
        title="Whitespace, key order, and bytes after the document",
        requirements=("OTLP-JSON-043",),
        judge=_judge_layout,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json/examples",
        title="Payloads with all that the official examples have",
        requirements=("OTLP-JSON-045",),
        judge=_judge_examples,
        protocols=("http/json",),
    ),
)

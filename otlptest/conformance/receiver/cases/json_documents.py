"""JSON documents: unknown keys, duplicates, whitespace, examples, and invalid JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.contrasts import Plain, contrasted
from otlptest.conformance.receiver.example_payloads import EXAMPLES, example_bytes
from otlptest.conformance.receiver.exchange import (
    Exchange,
    answered,
    check_responses,
    is_decided,
    is_ok,
    post,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_attribute,
    json_bytes,
    json_item,
    json_request,
)
from otlptest.conformance.receiver.stored import (
    judged_stored,
    judged_taken,
    stored_items,
    unwanted_items,
)
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.timing import SYSTEM_CLOCK

CASES: Final = ReceiverCases()


_KEY: Final = "kept"
_UNKNOWN: Final[Mapping[str, Any]] = MappingProxyType(
    {"futureScalar": 7, "futureObject": {"a": [1, {"b": None}]}, "futureArray": [{"c": "d"}, []]}
)


def _stored(
    lab: ReceiverLab, rule: str, signal: Signal, document: object, *, marker: str, what: str
) -> CheckResult:
    """Judge a document that must be taken, and whose item must be stored with its attribute."""
    answer = post(lab, json_bytes(document), signal=signal)
    return judged_taken(
        lab,
        rule,
        signal,
        marker,
        Exchange(what=what, answer=answer),
        wanted="HTTP 200",
        matches=_lost,
    )


def _lost(items: tuple[Any, ...]) -> str:
    got = items[0].attributes.get(_KEY)
    return "" if got == "yes" else f"the attribute {_KEY!r} is {got!r}, expected: 'yes'"


def _document(signal: Signal, marker: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    pair = json_attribute(_KEY, {"stringValue": "yes"})
    return json_request(signal, json_item(signal, marker, attributes=(pair,), more=more))


# Unknown keys, and keys in other spellings.


@CASES.add(
    "json/unknown_keys",
    "Unknown keys in every object",
    ("OTLP-JSON-014", "OTLP-JSON-015"),
    protocols=("http/json",),
)
def _judge_unknown(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge unknown keys in every object; in spans also in events, links and the status."""
    for signal in lab.signals:
        marker = lab.marker()
        more: dict[str, Any] = {}
        if signal == "traces":
            ids = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
            event = {"name": "e", "timeUnixNano": str(SYSTEM_CLOCK.unix_nanos())}
            more = {"events": [event], "links": [ids], "status": {}}
        plain = _document(signal, marker, **more)
        what = f"unknown keys in every object ({signal})"
        found = _stored(
            lab, "OTLP-JSON-014", signal, _with_unknown(plain), marker=marker, what=what
        )
        yield contrasted(found, _sender(lab, signal, plain), "the same document without them")
        marker = lab.marker()
        empty_key = {"": 1, **_document(signal, marker)}
        what = f'the key "" ({signal})'
        yield _stored(lab, "OTLP-JSON-015", signal, empty_key, marker=marker, what=what)


def _sender(lab: ReceiverLab, signal: Signal, document: object) -> Plain:
    return lambda: post(lab, json_bytes(document), signal=signal)


def _with_unknown(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, list):
        return [_with_unknown(each) for each in value]
    if isinstance(value, dict):
        return {**_UNKNOWN, **{key: _with_unknown(each) for key, each in value.items()}}
    return value


@CASES.add(
    "json/snake_case",
    "Keys in snake_case",
    ("OTLP-JSON-013",),
    protocols=("http/json",),
)
def _judge_snake_case(lab: ReceiverLab) -> Iterator[CheckResult]:
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
        say = not_applicable if answer.is_refused else failed
        yield say(rule, seen)
        return
    stored = unwanted_items(lab, signal, marker)
    if stored is None:
        yield not_applicable(rule, f"{seen}; whether it was stored cannot be read back")
    elif stored:
        yield passed(rule, f"{seen}; it was stored: lenient")
    else:
        yield not_applicable(rule, f"{seen}; nothing was stored: strict")


# Two of a kind.


@CASES.add(
    "json/twice",
    "Two members of a oneof, two equal keys",
    ("OTLP-JSON-033", "OTLP-JSON-034"),
    protocols=("http/json",),
)
def _judge_twice(lab: ReceiverLab) -> Iterator[CheckResult]:
    wanted = "HTTP 400, or success"
    for signal in lab.signals:
        both = json_attribute("both", {"stringValue": "a", "intValue": "1"})
        document = json_request(signal, json_item(signal, lab.marker(), attributes=(both,)))
        answer = post(lab, json_bytes(document), signal=signal)
        tries = [Exchange(what=f"two values in one AnyValue ({signal})", answer=answer)]
        yield check_responses(lab, "OTLP-JSON-033", tries, is_decided, wanted)
        body = json_bytes(_document(signal, lab.marker()))
        twice = b'"scope":{"name":"first","name":"second"},"scope":{'
        doubled = post(lab, body.replace(b'"scope":{', twice, 1), signal=signal)
        tries = [Exchange(what=f"the same key twice ({signal})", answer=doubled)]
        yield check_responses(lab, "OTLP-JSON-034", tries, is_decided, wanted)


# Not JSON, or not OTLP.


@CASES.add(
    "json/malformed",
    "What is not valid JSON, or no JSON object",
    ("OTLP-JSON-036", "OTLP-JSON-048"),
    protocols=("http/json",),
)
def _judge_malformed(lab: ReceiverLab) -> Iterator[CheckResult]:
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
    tries = (Exchange(what=what, answer=post(lab, body)) for what, body in bodies.items())
    # The media type of errors is judged elsewhere (OTLP-JSON-002, OTLP-JSON-042).
    yield check_responses(lab, "OTLP-JSON-036", tries, answered(400), "HTTP 400")
    answer = post(lab, b"")
    say = passed if is_decided(answer) else failed
    yield say("OTLP-JSON-048", f"an empty body: {answer.told()}")


@CASES.add(
    "json/layout",
    "Whitespace, key order, and bytes after the document",
    ("OTLP-JSON-043",),
    protocols=("http/json",),
)
def _judge_layout(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        document = _document(signal, lab.marker())
        pretty = json.dumps(document, indent=2).encode() + b"\r\n \t\n"
        turned = json_bytes(_turned(document))
        bodies = {"pretty printing": pretty, "the keys in another order": turned}
        tries = [
            Exchange(what=f"{what} ({signal})", answer=post(lab, body, signal=signal))
            for what, body in bodies.items()
        ]
        yield check_responses(lab, "OTLP-JSON-043", tries, is_ok, "HTTP 200")
        rest = [
            Exchange(
                what=f"{tail!r} after the document ({signal})",
                answer=post(lab, json_bytes(document) + tail, signal=signal),
            )
            for tail in (b"{}", b"x", b"]")
        ]
        yield check_responses(lab, "OTLP-JSON-043", rest, answered(400), "HTTP 400")


def _turned(value: Any) -> Any:  # noqa: ANN401 -- any JSON
    if isinstance(value, list):
        return [_turned(each) for each in value]
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(list(value))}
    return value


# Payloads that use everything.


@CASES.add(
    "json/examples",
    "Payloads with all that the official examples have",
    ("OTLP-JSON-045",),
    protocols=("http/json",),
)
def _judge_examples(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-JSON-045"
    for name, (signal, document) in EXAMPLES.items():
        if signal not in lab.signals:
            continue
        marker = lab.marker()
        answer = post(lab, example_bytes(document, marker), signal=signal)
        seen = f"{name}: {answer.told()}"
        if not answer.is_ok:
            yield _refused_example(lab, signal, document, seen)
        elif lab.read_back is None:
            yield passed(rule, seen)
        elif stored_items(lab, signal, marker):
            yield passed(rule, f"{seen}, and stored")
        else:
            yield judged_stored(lab, rule, signal, marker, seen, matches=lambda _: "")


def _refused_example(
    lab: ReceiverLab, signal: Signal, document: Mapping[str, Any], seen: str
) -> CheckResult:
    """Judge a refused example, unless the receiver refuses a kind of metric in it.

    It may not support deltas or exponential histograms (OTLP-METRIC-061).
    """
    rule = "OTLP-JSON-045"
    refused = _refused_kinds(lab, document) if signal == "metrics" else []
    if not refused:
        return failed(rule, seen, expected="HTTP 200")
    rest = _without_metrics(document, refused)
    answer = post(lab, example_bytes(rest, lab.marker()), signal=signal)
    if not answer.is_ok:
        return failed(rule, f"{seen}; without {', '.join(refused)} as well", expected="HTTP 200")
    reason = f"it refuses {', '.join(refused)} in any document, and takes the rest of this one"
    return inconclusive(rule, f"{reason}; {seen}")


def _refused_kinds(lab: ReceiverLab, document: Mapping[str, Any]) -> list[str]:
    """Return the names of the metrics that are refused in the plainest document too."""
    (entry,) = document["resourceMetrics"]
    (scope,) = entry["scopeMetrics"]
    return [
        metric["name"]
        for metric in scope["metrics"]
        if not post(
            lab,
            example_bytes(json_request("metrics", metric), lab.marker()),
            signal="metrics",
        ).is_ok
    ]


def _without_metrics(document: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    (entry,) = document["resourceMetrics"]
    (scope,) = entry["scopeMetrics"]
    kept = [metric for metric in scope["metrics"] if metric["name"] not in names]
    return {"resourceMetrics": [{**entry, "scopeMetrics": [{**scope, "metrics": kept}]}]}

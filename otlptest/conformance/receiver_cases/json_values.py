"""Values in JSON: numbers, texts, bytes, ids, enums. Each must come out again as it was meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.raw_http1 import Http1Answer
from otlptest.conformance.receiver_cases.successes import decoded_response
from otlptest.conformance.receiver_exchanges import Try, is_decided, judged, post
from otlptest.conformance.receiver_lab import ReceiverLab
from otlptest.conformance.receiver_stored import (
    judged_stored,
    unwanted_items,
    why_unread,
)
from otlptest.conformance.sample_requests import (
    json_attribute,
    json_bytes,
    json_item,
    json_request,
)
from otlptest.conformance.verdicts import Judged, broken, held, lacking
from otlptest.errors import WireError
from otlptest.model import Signal, same_value
from otlptest.wire.signals import SIGNAL_NAMES

__all__ = ["CASES"]

_KEY: Final = "value"
_INT_MAX, _INT_MIN = (1 << 63) - 1, -(1 << 63)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """An AnyValue in JSON, and what it means.

    Attributes:
        what: What it is, for evidence.
        json: The AnyValue.
        means: The value that must come out; several if the mapping leaves a choice.
    """

    what: str
    json: Any
    means: tuple[Any, ...]


def _value(what: str, value: Any, *means: Any) -> _Value:  # noqa: ANN401 -- any JSON and any value
    return _Value(what=what, json=value, means=means)


_RIGHT: Final[Mapping[str, tuple[_Value, ...]]] = MappingProxyType(
    {
        "OTLP-JSON-017": (
            _value("an int64 as a string", {"intValue": "1"}, 1),
            _value("an int64 as a number", {"intValue": 1}, 1),
        ),
        "OTLP-JSON-018": (
            _value("the largest int64", {"intValue": str(_INT_MAX)}, _INT_MAX),
            _value("the smallest int64", {"intValue": str(_INT_MIN)}, _INT_MIN),
            _value("2^53 + 1", {"intValue": str((1 << 53) + 1)}, (1 << 53) + 1),
        ),
        "OTLP-JSON-024": (
            _value("NaN", {"doubleValue": "NaN"}, float("nan")),
            _value("Infinity", {"doubleValue": "Infinity"}, float("inf")),
            _value("-Infinity", {"doubleValue": "-Infinity"}, float("-inf")),
        ),
        "OTLP-JSON-025": (
            _value("a double as a string", {"doubleValue": "1.5e3"}, 1500.0),
            _value("a double with an exponent", {"doubleValue": 1.5e3}, 1500.0),
        ),
        "OTLP-JSON-027": (
            _value("base64 of ff fe fd", {"bytesValue": "//79"}, b"\xff\xfe\xfd"),
            _value("URL-safe base64", {"bytesValue": "__79"}, b"\xff\xfe\xfd"),
            _value("base64 without padding", {"bytesValue": "//4"}, b"\xff\xfe"),
        ),
        "OTLP-JSON-032": (_value("an empty AnyValue", {}, None),),
    }
)
# Texts are told apart from JSON's own escapes: these go out as they stand.
_ESCAPED: Final = r'"\ud83d\ude00\u0000\u00e9\/"'
_MEANT: Final = "😀\x00é/"


def _judge_values(lab: ReceiverLab) -> Iterator[Judged]:
    for rule, values in _RIGHT.items():
        yield from _came_out(lab, rule, values)
    yield from _texts(lab)


def _came_out(lab: ReceiverLab, rule: str, values: tuple[_Value, ...]) -> Iterator[Judged]:
    signal = lab.signals[0]
    for value in values:
        marker = lab.marker()
        pair = json_attribute(_KEY, value.json)
        document = json_request(signal, json_item(signal, marker, attributes=(pair,)))
        answer = post(lab, json_bytes(document))
        yield _one(lab, rule, marker, value, answer)


def _one(lab: ReceiverLab, rule: str, marker: str, value: _Value, answer: Http1Answer) -> Judged:
    seen = f"{value.what}: {answer.told()}"
    if not answer.is_ok:
        return broken(rule, f"wanted: HTTP 200; {seen}")
    signal = lab.signals[0]
    return judged_stored(
        lab, rule, signal, marker, seen, matches=lambda items: _differs(items[0], value)
    )


def _differs(item: Any, value: _Value) -> str:  # noqa: ANN401 -- an item of any signal
    if _KEY not in item.attributes:
        return f"the attribute is missing, wanted: {value.means[0]!r}"
    got = item.attributes[_KEY]
    if any(same_value(got, meant) for meant in value.means):
        return ""
    return f"the attribute is {got!r}, wanted: {value.means[0]!r}"


def _texts(lab: ReceiverLab) -> Iterator[Judged]:
    rule, signal = "OTLP-JSON-035", lab.signals[0]
    for what, text in (("escapes", _ESCAPED), ("UTF-8", '"😀é/"')):
        marker = lab.marker()
        pair = json_attribute(_KEY, {"stringValue": "@"})
        document = json_request(signal, json_item(signal, marker, attributes=(pair,)))
        body = json_bytes(document).replace(b'"@"', text.encode())
        meant = _MEANT if what == "escapes" else "😀é/"
        value = _value(f"a text in {what}", None, meant)
        yield _one(lab, rule, marker, value, post(lab, body))


# Numbers that are none.


def _judge_numbers(lab: ReceiverLab) -> Iterator[Judged]:
    wrong = ("9223372036854775808", "-9223372036854775809", "1.5", "abc", "", "0x1")
    yield from _refused(lab, "OTLP-JSON-019", {repr(each): {"intValue": each} for each in wrong})
    bare = "OTLP-JSON-024"
    signal = lab.signals[0]
    pair = json_attribute(_KEY, {"doubleValue": "@"})
    document = json_bytes(json_request(signal, json_item(signal, lab.marker(), attributes=(pair,))))
    answer = post(lab, document.replace(b'"@"', b"NaN"))
    say = held if answer.is_refused else broken
    yield say(bare, f"a bare NaN, which is no JSON: {answer.told()}")
    yield from _lenient(lab)


def _refused(
    lab: ReceiverLab, rule: str, values: Mapping[str, Mapping[str, Any]]
) -> Iterator[Judged]:
    """Each value is refused, or its item is."""
    signal = lab.signals[0]
    for what, value in values.items():
        pair = json_attribute(_KEY, value)
        document = json_request(signal, json_item(signal, lab.marker(), attributes=(pair,)))
        answer = post(lab, json_bytes(document))
        seen = f"{what}: {answer.told()}"
        if answer.is_refused or rejected(signal, answer):
            yield held(rule, seen)
        else:
            yield broken(rule, f"wanted: HTTP 400, or a rejected item; {seen}")


def rejected(signal: Signal, answer: Http1Answer) -> int:
    """How many items a success says that it rejected."""
    if not answer.is_ok:
        return 0
    try:
        response = decoded_response(signal, answer.body, is_json=True)
    except WireError:
        return 0
    return int(getattr(response.partial_success, SIGNAL_NAMES[signal].rejected_field))


def _lenient(lab: ReceiverLab) -> Iterator[Judged]:
    """Integers with exponent or decimal point: right or refused, never something else."""
    rule, signal = "OTLP-JSON-020", lab.signals[0]
    for text, meant in (("1e3", 1000), ("1.0", 1), ('"1e3"', 1000), ('"1.0"', 1)):
        marker = lab.marker()
        pair = json_attribute(_KEY, {"intValue": "@"})
        document = json_request(signal, json_item(signal, marker, attributes=(pair,)))
        answer = post(lab, json_bytes(document).replace(b'"@"', text.encode()))
        value = _value(f"intValue: {text}", None, meant)
        if answer.is_refused:
            yield held(rule, f"{value.what}: {answer.told()}")
        elif answer.is_ok:
            yield _one(lab, rule, marker, value, answer)
        else:
            yield judged(lab, rule, [Try(what=value.what, answer=answer)], is_decided, "200 or 400")


# Ids, flags and enums.


def _judge_ids(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    meant = ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    for what, spell in (("lower", str.lower), ("upper", str.upper), ("mixed", str.title)):
        marker = lab.marker()
        ids = {"traceId": spell(meant[0]), "spanId": spell(meant[1])}
        document = json_request(signal, json_item(signal, marker, more=ids))
        answer = post(lab, json_bytes(document), signal=signal)
        seen = f"ids in {what} case: {answer.told()}"
        if not answer.is_ok:
            yield broken("OTLP-JSON-006", f"wanted: HTTP 200; {seen}")
            continue
        yield judged_stored(
            lab,
            "OTLP-JSON-006",
            signal,
            marker,
            seen,
            matches=lambda items: _other_ids(items[0], meant),
        )
    yield from _wrong_ids(lab, signal)


def _other_ids(item: Any, meant: tuple[str, str]) -> str:  # noqa: ANN401 -- a span or a log record
    got = (item.trace_id, item.span_id)
    return "" if got == meant else f"the ids are {got}, wanted: {meant}"


_WRONG_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base64": "W47/95gDgQPSabYzgT/GDA==",
        "31 digits": "5b8efff798038103d269b633813fc60",
        "no hex": "zz8efff798038103d269b633813fc60c",
    }
)


def _wrong_ids(lab: ReceiverLab, signal: Signal) -> Iterator[Judged]:
    rule = "OTLP-JSON-007"
    markers: list[str] = []
    for what, trace_id in _WRONG_IDS.items():
        markers.append(lab.marker())
        item = json_item(signal, markers[-1], more={"traceId": trace_id})
        answer = post(lab, json_bytes(json_request(signal, item)), signal=signal)
        seen = f"a trace id that is {what}: {answer.told()}"
        if not (answer.is_refused or rejected(signal, answer)):
            yield judged(
                lab, rule, [Try(what=seen, answer=answer)], lambda _: False, "400, or rejected"
            )
            return
    stored = unwanted_items(lab, signal, *markers)
    if stored is None:
        yield lacking(rule, f"they are refused; that none was stored: {why_unread(lab)}")
    elif stored:
        ids = ", ".join(repr(item.trace_id) for item in stored)
        yield broken(rule, f"they are refused, and yet stored with the trace ids {ids}")
    else:
        yield held(rule, f"{', '.join(_WRONG_IDS)}: refused, and nothing was stored")


def _judge_enums(lab: ReceiverLab) -> Iterator[Judged]:
    signal = lab.signals[0]
    unknown = {"traces": {"kind": 99}, "logs": {"severityNumber": 77}}[signal]
    good, odd = lab.marker(), lab.marker()
    items = (json_item(signal, good), json_item(signal, odd, more=unknown))
    answer = post(lab, json_bytes(json_request(signal, *items)), signal=signal)
    seen = f"an item with {unknown} beside a plain one: {answer.told()}"
    if answer.is_ok:
        yield judged_stored(
            lab,
            "OTLP-JSON-011",
            signal,
            good,
            seen,
            matches=lambda _: "",
            needs_read_back=False,
        )
    else:
        yield broken("OTLP-JSON-011", f"wanted: HTTP 200; {seen}")
    names = {
        "traces": {"kind": "SPAN_KIND_SERVER"},
        "logs": {"severityNumber": "SEVERITY_NUMBER_INFO"},
    }[signal]
    document = json_request(signal, json_item(signal, lab.marker(), more=names))
    answer = post(lab, json_bytes(document), signal=signal)
    say = held if answer.is_ok else lacking if answer.is_refused else broken
    yield say("OTLP-JSON-010", f"an enum by name, {names}: {answer.told()}")


def _judge_flags(lab: ReceiverLab) -> Iterator[Judged]:
    rule, signal, marker = "OTLP-JSON-022", lab.signals[0], lab.marker()
    document = json_request(signal, json_item(signal, marker, more={"flags": "257"}))
    answer = post(lab, json_bytes(document), signal=signal)
    seen = f'"flags": "257": {answer.told()}'
    if not answer.is_ok:
        yield broken(rule, f"wanted: HTTP 200; {seen}")
        return
    yield judged_stored(
        lab,
        rule,
        signal,
        marker,
        seen,
        matches=lambda items: "" if items[0].flags == 257 else f"flags are {items[0].flags}",  # noqa: PLR2004 -- what was sent
        needs_read_back=False,
    )


def _judge_unsigned(lab: ReceiverLab) -> Iterator[Judged]:
    """The largest fixed64, as a count of a histogram."""
    rule, marker, largest = "OTLP-JSON-018", lab.marker(), (1 << 64) - 1
    pairs = [json_attribute("otlptest.marker", {"stringValue": marker})]
    point = {
        "attributes": pairs,
        "timeUnixNano": "1",
        "count": str(largest),
        "bucketCounts": [str(largest)],
    }
    metric = {"name": "m", "histogram": {"aggregationTemporality": 2, "dataPoints": [point]}}
    answer = post(lab, json_bytes(json_request("metrics", metric)), signal="metrics")
    seen = f"a count of {largest}: {answer.told()}"
    if not answer.is_ok:
        yield broken(rule, f"wanted: HTTP 200; {seen}")
        return
    yield judged_stored(
        lab,
        rule,
        "metrics",
        marker,
        seen,
        matches=lambda items: "" if items[0].count == largest else f"it is {items[0].count}",
    )


CASES: Final = (
    ReceiverCase(
        id="json_values/right",
        title="Every way to write a value in JSON",
        requirements=(*_RIGHT, "OTLP-JSON-035"),
        judge=_judge_values,
        protocols=("http/json",),
        expected_s=2.0,
    ),
    ReceiverCase(
        id="json_values/unsigned",
        title="The largest unsigned number",
        requirements=("OTLP-JSON-018",),
        judge=_judge_unsigned,
        protocols=("http/json",),
        signals=("metrics",),
    ),
    ReceiverCase(
        id="json_values/numbers",
        title="Numbers that are none, or are written oddly",
        requirements=("OTLP-JSON-019", "OTLP-JSON-020", "OTLP-JSON-024"),
        judge=_judge_numbers,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="json_values/ids",
        title="Trace and span ids in hex, and in something else",
        requirements=("OTLP-JSON-006", "OTLP-JSON-007"),
        judge=_judge_ids,
        protocols=("http/json",),
        signals=("traces", "logs"),
    ),
    ReceiverCase(
        id="json_values/enums",
        title="Enum values that nobody knows, and enum names",
        requirements=("OTLP-JSON-010", "OTLP-JSON-011"),
        judge=_judge_enums,
        protocols=("http/json",),
        signals=("traces", "logs"),
    ),
    ReceiverCase(
        id="json_values/flags",
        title="A 32-bit number as a string",
        requirements=("OTLP-JSON-022",),
        judge=_judge_flags,
        protocols=("http/json",),
    ),
)

"""Values in JSON: numbers, texts, bytes, ids, enums. Each must be stored unchanged."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import decoded_response
from otlptest.conformance.receiver.contrasts import Plain, contrasted
from otlptest.conformance.receiver.exchange import Exchange, check_responses, is_decided, post
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_attribute,
    json_bytes,
    json_item,
    json_request,
)
from otlptest.conformance.receiver.stored import (
    judged_stored,
    unwanted_items,
    why_unread,
)
from otlptest.errors import WireError
from otlptest.model import Signal, same_value
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ReceiverCases()


_KEY: Final = "value"
_INT_MAX, _INT_MIN = (1 << 63) - 1, -(1 << 63)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """An AnyValue in JSON, and its meaning.

    Attributes:
        what: Its description, for evidence.
        json: The AnyValue.
        means: The value that must be stored; several if the mapping leaves a choice.
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
# Raw JSON texts, with their escapes: these are sent verbatim.
_ESCAPED: Final = r'"\ud83d\ude00\u0000\u00e9\/"'
_MEANT: Final = "😀\x00é/"


# If a receiver refuses the plain form too, the notation is not the reason.
_PLAINEST: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "OTLP-JSON-018": {"intValue": "1"},
        "OTLP-JSON-024": {"doubleValue": 1.5},
        "OTLP-JSON-025": {"doubleValue": 1.5},
        "OTLP-JSON-027": {"bytesValue": "AAEC"},
    }
)


@CASES.add(
    "json_values/right",
    "Every way to write a value in JSON",
    (*_RIGHT, "OTLP-JSON-035"),
    protocols=("http/json",),
    expected_s=2.0,
)
def _judge_values(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        for rule, values in _RIGHT.items():
            yield from _came_out(lab, rule, signal, values)
        yield from _texts(lab, signal)


def _came_out(
    lab: ReceiverLab, rule: str, signal: Signal, values: tuple[_Value, ...]
) -> Iterator[CheckResult]:
    for value in values:
        marker = lab.marker()
        answer = _with_value(lab, signal, marker, value.json)
        found = _one(lab, rule, value, answer, signal=signal, marker=marker)
        if rule in _PLAINEST:
            plain = _PLAINEST[rule]
            found = contrasted(found, _sender(lab, signal, plain), f"an attribute {dict(plain)}")
        yield found


def _with_value(
    lab: ReceiverLab, signal: Signal, marker: str, value: Mapping[str, Any]
) -> Http1Answer:
    """Return the answer to an item that has an attribute of this value."""
    pair = json_attribute(_KEY, value)
    item = json_item(signal, marker, attributes=(pair,))
    return post(lab, json_bytes(json_request(signal, item)), signal=signal)


def _sender(lab: ReceiverLab, signal: Signal, value: Mapping[str, Any]) -> Plain:
    return lambda: _with_value(lab, signal, lab.marker(), value)


def _one(
    lab: ReceiverLab,
    rule: str,
    value: _Value,
    answer: Http1Answer,
    *,
    signal: Signal,
    marker: str,
) -> CheckResult:
    seen = f"{value.what} ({signal}): {answer.told()}"
    if not answer.is_ok:
        return failed(rule, seen, expected="HTTP 200")
    return judged_stored(
        lab, rule, signal, marker, seen, matches=lambda items: _differs(items[0], value)
    )


def _differs(item: Any, value: _Value) -> str:  # noqa: ANN401 -- an item of any signal
    if _KEY not in item.attributes:
        return f"the attribute is missing, expected: {value.means[0]!r}"
    got = item.attributes[_KEY]
    if any(same_value(got, meant) for meant in value.means):
        return ""
    return f"the attribute is {got!r}, expected: {value.means[0]!r}"


def _texts(lab: ReceiverLab, signal: Signal) -> Iterator[CheckResult]:
    rule = "OTLP-JSON-035"
    for what, text in (("escapes", _ESCAPED), ("UTF-8", '"😀é/"')):
        marker = lab.marker()
        pair = json_attribute(_KEY, {"stringValue": "@"})
        document = json_request(signal, json_item(signal, marker, attributes=(pair,)))
        body = json_bytes(document).replace(b'"@"', text.encode())
        meant = _MEANT if what == "escapes" else "😀é/"
        value = _value(f"a text in {what}", None, meant)
        yield _one(lab, rule, value, post(lab, body, signal=signal), signal=signal, marker=marker)


# Not numbers.

_NONE: Final = ("9223372036854775808", "-9223372036854775809", "1.5", "abc", "", "0x1")


@CASES.add(
    "json_values/numbers",
    "Numbers that are none, or are written oddly",
    ("OTLP-JSON-019", "OTLP-JSON-020", "OTLP-JSON-024"),
    protocols=("http/json",),
)
def _judge_numbers(lab: ReceiverLab) -> Iterator[CheckResult]:
    signal = lab.signals[0]
    plain = _with_value(lab, signal, lab.marker(), {"intValue": "1"})
    if plain.is_ok:
        yield from _refused(
            lab, "OTLP-JSON-019", {repr(each): {"intValue": each} for each in _NONE}
        )
        yield from _lenient(lab)
    else:
        reason = f"it does not take an attribute of the integer 1 either: {plain.told()}"
        yield from (inconclusive(rule, reason) for rule in ("OTLP-JSON-019", "OTLP-JSON-020"))
    bare = "OTLP-JSON-024"
    pair = json_attribute(_KEY, {"doubleValue": "@"})
    document = json_bytes(json_request(signal, json_item(signal, lab.marker(), attributes=(pair,))))
    answer = post(lab, document.replace(b'"@"', b"NaN"))
    say = passed if answer.is_refused else failed
    yield say(bare, f"a bare NaN, which is not valid JSON: {answer.told()}")


def _refused(
    lab: ReceiverLab, rule: str, values: Mapping[str, Mapping[str, Any]]
) -> Iterator[CheckResult]:
    """Judge that each value is refused, or its item is."""
    signal = lab.signals[0]
    for what, value in values.items():
        pair = json_attribute(_KEY, value)
        document = json_request(signal, json_item(signal, lab.marker(), attributes=(pair,)))
        answer = post(lab, json_bytes(document))
        seen = f"{what}: {answer.told()}"
        if answer.is_refused or rejected(signal, answer):
            yield passed(rule, seen)
        else:
            yield failed(rule, seen, expected="HTTP 400, or a rejected item")


def rejected(signal: Signal, answer: Http1Answer) -> int:
    """Return the number of items that a success reports as rejected."""
    if not answer.is_ok:
        return 0
    try:
        response = decoded_response(signal, answer.body, is_json=True)
    except WireError:
        return 0
    return int(getattr(response.partial_success, SIGNAL_NAMES[signal].rejected_field))


def _lenient(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge integers with exponent or decimal point: taken or refused, never changed."""
    rule, signal = "OTLP-JSON-020", lab.signals[0]
    for text, meant in (("1e3", 1000), ("1.0", 1), ('"1e3"', 1000), ('"1.0"', 1)):
        marker = lab.marker()
        pair = json_attribute(_KEY, {"intValue": "@"})
        document = json_request(signal, json_item(signal, marker, attributes=(pair,)))
        answer = post(lab, json_bytes(document).replace(b'"@"', text.encode()))
        value = _value(f"intValue: {text}", None, meant)
        if answer.is_refused:
            yield passed(rule, f"{value.what}: {answer.told()}")
        elif answer.is_ok:
            yield _one(lab, rule, value, answer, signal=signal, marker=marker)
        else:
            yield check_responses(
                lab, rule, [Exchange(what=value.what, answer=answer)], is_decided, "200 or 400"
            )


# Ids, flags and enums.


_MEANT_IDS: Final = ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")


@CASES.add(
    "json_values/ids",
    "Trace and span ids in hex, and in something else",
    ("OTLP-JSON-006", "OTLP-JSON-007"),
    protocols=("http/json",),
    signals=("traces", "logs"),
)
def _judge_ids(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        for what, spell in (("lower", str.lower), ("upper", str.upper), ("mixed", str.title)):
            marker = lab.marker()
            item = json_item(signal, marker, more=_ids(signal, *map(spell, _MEANT_IDS)))
            answer = post(lab, json_bytes(json_request(signal, item)), signal=signal)
            seen = f"ids in {what} case ({signal}): {answer.told()}"
            if answer.is_ok:
                yield judged_stored(lab, "OTLP-JSON-006", signal, marker, seen, matches=_other_ids)
            else:
                yield failed("OTLP-JSON-006", seen, expected="HTTP 200")
        yield from _wrong_ids(lab, signal)


def _ids(signal: Signal, trace_id: str, span_id: str) -> dict[str, Any]:
    """Return ids for every place that an item of a signal has for them."""
    ids = {"traceId": trace_id, "spanId": span_id}
    if signal == "traces":
        return {**ids, "parentSpanId": span_id, "links": [ids]}
    return ids


def _other_ids(items: tuple[Any, ...]) -> str:
    """Return the ids that were stored differently; those of links too, if links are kept."""
    item = items[0]
    places = [("the item", item)]
    places += [(f"links[{index}]", each) for index, each in enumerate(getattr(item, "links", ()))]
    for where, each in places:
        got = (each.trace_id, each.span_id)
        if got != _MEANT_IDS:
            return f"the ids of {where} are {got}, expected: {_MEANT_IDS}"
    return ""


# Of trace ids; a span id has half of it.
_WRONG_IDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base64": "W47/95gDgQPSabYzgT/GDA==",
        "31 digits": "5b8efff798038103d269b633813fc60",
        "6 digits": "010203",
        "no hex": "zz8efff798038103d269b633813fc60c",
    }
)


def _wrong_ids(lab: ReceiverLab, signal: Signal) -> Iterator[CheckResult]:
    rule = "OTLP-JSON-007"
    markers: list[str] = []
    wrong = [(f"a trace id that is {what}", {"traceId": each}) for what, each in _WRONG_IDS.items()]
    wrong.append(("a span id that is 6 digits", {"spanId": "010203"}))
    for what, more in wrong:
        markers.append(lab.marker())
        item = json_item(signal, markers[-1], more={**_ids(signal, *_MEANT_IDS), **more})
        answer = post(lab, json_bytes(json_request(signal, item)), signal=signal)
        if not (answer.is_refused or rejected(signal, answer)):
            taken = [Exchange(what=f"{what} ({signal})", answer=answer)]
            yield check_responses(lab, rule, taken, lambda _: False, "400, or rejected")
            return
    stored = unwanted_items(lab, signal, *markers)
    if stored is None:
        yield not_applicable(rule, f"they are refused; that none was stored: {why_unread(lab)}")
    elif stored:
        ids = ", ".join(repr(item.trace_id) for item in stored)
        yield failed(rule, f"they are refused, and yet stored with the trace ids {ids}")
    else:
        told = ", ".join(what for what, _ in wrong)
        yield passed(rule, f"{told} ({signal}): refused, and nothing was stored")


@CASES.add(
    "json_values/enums",
    "Enum values that nobody knows, and enum names",
    ("OTLP-JSON-010", "OTLP-JSON-011"),
    protocols=("http/json",),
    signals=("traces", "logs"),
)
def _judge_enums(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        yield from _enums_of(lab, signal)


def _enums_of(lab: ReceiverLab, signal: Signal) -> Iterator[CheckResult]:
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
        yield failed("OTLP-JSON-011", seen, expected="HTTP 200")
    names = {
        "traces": {"kind": "SPAN_KIND_SERVER"},
        "logs": {"severityNumber": "SEVERITY_NUMBER_INFO"},
    }[signal]
    document = json_request(signal, json_item(signal, lab.marker(), more=names))
    answer = post(lab, json_bytes(document), signal=signal)
    say = passed if answer.is_ok else not_applicable if answer.is_refused else failed
    yield say("OTLP-JSON-010", f"an enum by name, {names}: {answer.told()}")


# The lowest bit of a point's flags says that it has no value.
_FLAGS: Final[Mapping[Signal, int]] = MappingProxyType({"traces": 257, "metrics": 256, "logs": 257})


@CASES.add(
    "json_values/flags",
    "A 32-bit number as a string",
    ("OTLP-JSON-022",),
    protocols=("http/json",),
)
def _judge_flags(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        found = _flags_as_text(lab, signal)
        number = _FLAGS[signal]
        yield contrasted(found, _flag_sender(lab, signal), f'"flags": {number}')


def _flag_sender(lab: ReceiverLab, signal: Signal) -> Plain:
    return lambda: _with_flags(lab, signal, lab.marker(), _FLAGS[signal])


def _with_flags(lab: ReceiverLab, signal: Signal, marker: str, flags: "int | str") -> Http1Answer:
    item = json_item(signal, marker, more={"flags": flags})
    return post(lab, json_bytes(json_request(signal, item)), signal=signal)


def _flags_as_text(lab: ReceiverLab, signal: Signal) -> CheckResult:
    rule, marker, number = "OTLP-JSON-022", lab.marker(), _FLAGS[signal]
    answer = _with_flags(lab, signal, marker, str(number))
    seen = f'"flags": "{number}" ({signal}): {answer.told()}'
    if not answer.is_ok:
        return failed(rule, seen, expected="HTTP 200")

    def matches(items: tuple[Any, ...]) -> str:
        flags = items[0].flags
        return "" if flags == number else f"flags are {flags}"

    return judged_stored(lab, rule, signal, marker, seen, matches=matches, needs_read_back=False)


@CASES.add(
    "json_values/unsigned",
    "The largest unsigned number",
    ("OTLP-JSON-018",),
    protocols=("http/json",),
    signals=("metrics",),
)
def _judge_unsigned(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge the largest fixed64, as a count of a histogram."""
    rule, marker, largest = "OTLP-JSON-018", lab.marker(), (1 << 64) - 1
    answer = _counted(lab, marker, largest)
    seen = f"a count of {largest}: {answer.told()}"
    if not answer.is_ok:
        wrong = failed(rule, seen, expected="HTTP 200")
        yield contrasted(wrong, lambda: _counted(lab, lab.marker(), 1), "a count of 1")
        return
    yield judged_stored(
        lab,
        rule,
        "metrics",
        marker,
        seen,
        matches=lambda items: "" if items[0].count == largest else f"it is {items[0].count}",
    )


def _counted(lab: ReceiverLab, marker: str, count: int) -> Http1Answer:
    """Return the answer to a complete, current histogram with a count."""
    now = SYSTEM_CLOCK.unix_nanos()
    point = {
        "attributes": [json_attribute(MARKER_ATTRIBUTE, {"stringValue": marker})],
        "startTimeUnixNano": str(now - 1_000_000_000),
        "timeUnixNano": str(now),
        "count": str(count),
        "sum": 1.0,
        "bucketCounts": [str(count)],
    }
    data = {"aggregationTemporality": 2, "dataPoints": [point]}
    metric = {"name": "otlptest.counted", "unit": "1", "histogram": data}
    return post(lab, json_bytes(json_request("metrics", metric)), signal="metrics")

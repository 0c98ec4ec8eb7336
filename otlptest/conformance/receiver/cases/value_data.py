"""Attributes, scopes, resources and schema URLs: section 10 for receivers."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from otlptest.conformance.case import COMMON_SIGNALS, ReceiverCase, ReceiverCases
from otlptest.conformance.receiver.data_cases import (
    PROTOBUF_ALONE,
    Change,
    DataCase,
    Matches,
    in_request,
    judged_corners,
    of_items,
    requirement_ids,
    sent_in,
    with_fields,
)
from otlptest.conformance.receiver.exchange import Exchange, check_responses, is_decided, is_ok
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    attribute,
    sample_item,
    sample_request,
    text,
    wrapped,
)
from otlptest.conformance.receiver.stored import judged_stored, stored_items
from otlptest.model import Signal
from otlptest.results import CheckResult, failed
from otlptest.wire.otlp.protobuf_writing import chunk, number
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ReceiverCases()


_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
_MANY: Final = 1000
_KEY: Final = "otlptest.value"
_PLACES: Final = ("attributes", "resource", "scope.attributes")
_INDEXED: Final = chunk(1, b"otlptest.indexed") + chunk(2, number(8, 1)) + number(3, 1)
_DANGLING: Final = chunk(3, chunk(2, b"host") + chunk(3, b"no.such.key"))


def _with_pairs(*fills: Change) -> Change:
    """Return an item with an attribute for each fill of its value."""

    def change(item: Any) -> None:  # noqa: ANN401 -- a generated message
        for index, fill in enumerate(fills):
            _value(_pairs(item), f"{_KEY}.{index}", fill)

    return change


def _value(pairs: Any, key: str, fill: Change) -> None:  # noqa: ANN401 -- as above
    pair = pairs.add(key=key)
    pair.value.SetInParent()
    fill(pair.value)


def _pairs(item: Any) -> Any:  # noqa: ANN401 -- as above
    return item.attributes if hasattr(item, "attributes") else item.gauge.data_points[0].attributes


def _mixed(value: Any) -> None:  # noqa: ANN401 -- as above
    values = value.array_value.values
    values.add().int_value = 1
    values.add().string_value = "a"
    values.add().array_value.SetInParent()
    values.add().kvlist_value.SetInParent()


def _empty_list(value: Any) -> None:  # noqa: ANN401 -- as above
    value.array_value.SetInParent()


def _nested(value: Any) -> None:  # noqa: ANN401 -- as above
    inner = value.array_value.values.add().array_value.values.add()
    inner.array_value.values.add().double_value = 1.0


def _map(value: Any) -> None:  # noqa: ANN401 -- as above
    value.kvlist_value.values.add(key="inner").value.int_value = 1


_KINDS: Final = (
    with_fields(string_value="text"),
    with_fields(bool_value=False),
    with_fields(int_value=0),
    with_fields(double_value=3.0),
    _mixed,
    _map,
    with_fields(bytes_value=b"\x00\xff"),
)
_TEXTS: Final = (
    "nul \x00, bell \x07, escape \x1b",
    "مرحبا \u202eright to left\u202c",
    "e\u0301 is not \u00e9",
    "👩\u200d👩\u200d👧\u200d👦 and 🏴\U000e0067\U000e0062\U000e007f",
    "\ufffe\uffff\ufeff",
    "a" + "\u0301" * 500,
)
_INERT: Final = (
    "<script>alert(1)</script>",
    "'; DROP TABLE spans; --",
    "{{7*7}} <%= 7*7 %> #{7*7}",
    "${jndi:ldap://127.0.0.1/otlptest} ${env:HOME} $(id) `id`",
    "%s %n %d {0} \\u0041 &lt; %41",
)
_SCHEMA_URLS: Final = (
    ("a schema URL that nobody knows", "https://schemas.example/otlptest/9.9.9"),
    ("a schema URL that is none", "not a url \\ at all"),
    ("a schema URL of 64 KiB", "https://schemas.example/" + "u" * (64 * _KIB)),
)


def _one(rule: str, what: str, change: Change, **more: Any) -> Callable[[Signal], DataCase]:  # noqa: ANN401 -- fields of a corner
    """Return a case about attributes of an item, for any signal."""

    def corner(signal: Signal) -> DataCase:
        return DataCase(
            rule=rule,
            what=what,
            signal=signal,
            request=of_items(signal, change),
            **{"fields": ("attributes",), **more},
        )

    return corner


def _is_there(items: tuple[Any, ...]) -> str:
    """Return the fault of an empty value; some stores have null or `""` instead, which is fine."""
    attributes = items[0].attributes
    key = f"{_KEY}.0"
    if key not in attributes:
        return f"the key {key} is missing"
    return "" if attributes[key] in (None, "") else f"its value is {attributes[key]!r}"


_OF_ITEMS: Final = (
    _one(
        "OTLP-COMMON-009",
        "an attribute with an empty value",
        _with_pairs(lambda _: None),
        matches=_is_there,
    ),
    _one(
        "OTLP-COMMON-014",
        "lists that are mixed, empty and nested",
        _with_pairs(_mixed, _empty_list, _nested),
        needs_read_back=True,
    ),
    _one(
        "OTLP-COMMON-053",
        "texts with control characters, of several scripts and directions",
        _with_pairs(*[with_fields(string_value=each) for each in _TEXTS]),
        needs_read_back=True,
    ),
    _one(
        "OTLP-COMMON-054",
        "texts that look like HTML, SQL, templates and lookups",
        _with_pairs(*[with_fields(string_value=each) for each in _INERT]),
        needs_read_back=True,
    ),
    _one(
        "OTLP-COMMON-052",
        f"{_MANY} attributes",
        _with_pairs(*[with_fields(string_value="x")] * _MANY),
        fields=(),
        may_be_refused=True,
    ),
    _one(
        "OTLP-COMMON-052",
        "an attribute value of 1 MiB",
        _with_pairs(with_fields(string_value="x" * _MIB)),
        fields=(),
        may_be_refused=True,
    ),
    _one(
        "OTLP-COMMON-052",
        "an attribute key of 64 KiB",
        lambda item: _value(_pairs(item), "k" * (64 * _KIB), with_fields(string_value="x")),
        fields=(),
        may_be_refused=True,
    ),
)


def _everywhere(signal: Signal) -> DataCase:
    """Return a case with each kind of value in each place that has attributes."""

    def request(marker: str) -> bytes:
        message = in_request(signal, marker, _with_pairs(*_KINDS))
        names = SIGNAL_NAMES[signal]
        (entry,) = getattr(message, names.field)
        (scope_entry,) = getattr(entry, names.scope_field)
        places = [entry.resource.attributes, scope_entry.scope.attributes]
        if signal == "traces":
            (span,) = scope_entry.spans
            at = span.end_time_unix_nano
            places.append(span.events.add(name="event", time_unix_nano=at).attributes)
            link = span.links.add(trace_id=b"\x01" * 16, span_id=b"\x01" * 8)
            places.append(link.attributes)
        for place in places:
            for index, fill in enumerate(_KINDS):
                _value(place, f"{_KEY}.{index}", fill)
        return bytes(message.SerializeToString())

    point = ("attributes", "metric.resource", "metric.scope.attributes")
    fields = {"metrics": point, "traces": (*_PLACES, "events", "links")}.get(signal, _PLACES)
    return DataCase(
        rule="OTLP-COMMON-008",
        what=f"{signal} with each kind of value in each place",
        signal=signal,
        request=request,
        fields=fields,
        needs_read_back=True,
    )


def _repeated(signal: Signal) -> DataCase:
    """Return two equal resource entries with different items, and an equal scope in each."""

    def request(marker: str) -> bytes:
        return sample_request(signal, marker) + sample_request(signal, marker)

    return DataCase(
        rule="OTLP-COMMON-041",
        what="two equal resource entries with equal scopes, an item in each",
        signal=signal,
        request=request,
        count=2,
        needs_read_back=True,
    )


def _scopes(signal: Signal) -> tuple[DataCase, ...]:
    def without_scope(marker: str) -> bytes:
        message = in_request(signal, marker, lambda _: None)
        names = SIGNAL_NAMES[signal]
        (scope_entry,) = getattr(getattr(message, names.field)[0], names.scope_field)
        scope_entry.ClearField("scope")
        return bytes(message.SerializeToString())

    empty = chunk(1, b"") + chunk(2, b"")
    return (
        DataCase(rule="OTLP-COMMON-048", what="no scope", signal=signal, request=without_scope),
        DataCase(
            rule="OTLP-COMMON-048",
            what="a scope with empty name and version",
            signal=signal,
            request=lambda marker: wrapped(sample_item(signal, marker), scope=empty),
        ),
    )


def _raw(signal: Signal) -> tuple[DataCase, ...]:
    """Return bytes that a generated class cannot write, or not in each version."""
    bare_key = chunk(1, f"{_KEY}.0".encode())
    corners = (
        DataCase(
            rule="OTLP-COMMON-010",
            what="an attribute without a value",
            signal=signal,
            request=lambda marker: sample_request(signal, marker, attributes=(bare_key,)),
        ),
        DataCase(
            rule="OTLP-COMMON-051",
            what="an entity reference to keys that are not there",
            signal=signal,
            request=lambda marker: wrapped(sample_item(signal, marker), resource=_DANGLING),
            protocols=PROTOBUF_ALONE,
            needs_read_back=True,
        ),
    )
    indexed = DataCase(
        rule="OTLP-PROF-033",
        what="an attribute that points into the string table of profiles",
        signal=signal,
        request=lambda marker: sample_request(signal, marker, attributes=(_INDEXED,)),
        protocols=PROTOBUF_ALONE,
    )
    urls = tuple(
        DataCase(
            rule="OTLP-COMMON-044",
            what=what,
            signal=signal,
            request=_with_schema_url(signal, url),
        )
        for what, url in _SCHEMA_URLS
    )
    return (*corners, indexed, *urls)


def _with_schema_url(signal: Signal, url: str) -> Callable[[str], bytes]:
    """Return a request with a schema URL in the resource entry and in the scope entry."""
    field = chunk(3, url.encode())

    def request(marker: str) -> bytes:
        return wrapped(sample_item(signal, marker), entry=field, scope_entry=field)

    return request


def _judge_values(lab: ReceiverLab) -> Iterator[CheckResult]:
    signal = lab.signals[0]
    for each in lab.signals:
        if each in COMMON_SIGNALS:
            yield from judged_corners(lab, [_everywhere(each)])
    corners = [make(signal) for make in _OF_ITEMS]
    yield from judged_corners(lab, [*corners, _repeated(signal), *_scopes(signal), *_raw(signal)])
    yield _judged_canary(lab)
    yield _judged_repeated_keys(lab)


def _judged_canary(lab: ReceiverLab) -> CheckResult:
    """Judge a schema URL that leads to our listener: the receiver must not fetch it."""
    rule, signal = "OTLP-COMMON-044", lab.signals[0]
    with _listener() as (url, is_visited):
        answer = sent_in(lab, signal, _with_schema_url(signal, url)(lab.marker()))
        tries = [Exchange(what="a schema URL that can be fetched", answer=answer)]
        found = check_responses(lab, rule, tries, is_ok, "it is taken")
        if is_visited():
            return failed(rule, f"it was fetched while the request was handled; {found.evidence}")
    return found


@contextmanager
def _listener() -> "Iterator[tuple[str, Callable[[], bool]]]":
    """Listen on this machine; yield a URL and a function that says whether anything connected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def is_visited() -> bool:
            try:
                connection, _ = server.accept()
            except BlockingIOError:
                return False
            connection.close()
            return True

        yield f"http://127.0.0.1:{server.getsockname()[1]}/schema", is_visited


def _judged_repeated_keys(lab: ReceiverLab) -> CheckResult:
    """Judge a repeated key, sent twice: no harm, and the same result both times."""
    rule, signal = "OTLP-COMMON-007", lab.signals[0]
    pairs = (attribute(_KEY, text("first")), attribute(_KEY, text("second")))
    markers = [lab.marker() for _ in range(2)]
    tries = [
        Exchange(
            what="an attribute key that comes twice",
            answer=sent_in(lab, signal, sample_request(signal, marker, attributes=pairs)),
        )
        for marker in markers
    ]
    found = check_responses(lab, rule, tries, is_decided, "success, or an error of the sender")
    if found.outcome != "passed":
        return found
    if len({each.answer.is_ok for each in tries}) > 1:
        return failed(rule, found.evidence, expected="the same each time")
    if not tries[0].answer.is_ok:
        return found
    stored = [stored_items(lab, signal, marker) for marker in markers]
    kept = [items[0].attributes.get(_KEY) for items in stored if items]
    if len(set(kept)) > 1:
        return failed(rule, f"one time {kept[0]!r} is kept, one time {kept[1]!r}; {found.evidence}")
    return judged_stored(
        lab, rule, signal, markers[0], found.evidence, matches=_one_of("first", "second")
    )


def _one_of(*values: str) -> Matches:
    def matches(items: tuple[Any, ...]) -> str:
        value = items[0].attributes.get(_KEY)
        return "" if value in {None, *values} else f"the value is {value!r}"

    return matches


_SHAPES: Final = (*(make("traces") for make in _OF_ITEMS), *_scopes("traces"), *_raw("traces"))
_RULES: Final = (
    "OTLP-COMMON-008",
    "OTLP-COMMON-041",
    "OTLP-COMMON-007",
    *requirement_ids(_SHAPES),
)

_NOT_IN_JSON: Final = frozenset({"OTLP-COMMON-051", "OTLP-PROF-033"})

CASES.append(
    ReceiverCase(
        id="data/values",
        title="Attributes of every kind in every place; scopes, resources and schema URLs",
        requirements=_RULES,
        judge=_judge_values,
        protocols=PROTOBUF_ALONE,
        expected_s=2.0,
    )
)
CASES.append(
    ReceiverCase(
        id="data/values_json",
        title="Attributes of every kind in every place; scopes, resources and schema URLs",
        requirements=tuple(rule for rule in _RULES if rule not in _NOT_IN_JSON),
        judge=_judge_values,
        protocols=("http/json",),
        expected_s=2.0,
    )
)

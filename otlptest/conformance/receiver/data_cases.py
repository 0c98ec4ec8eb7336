"""Data of sections 6 to 10 that receivers must take or survive, and the judgement of each row.

The modules `span_data`, `metric_data`, `log_data` and `value_data` are tables of corners: a
requirement, a request that shows it, and what has to be stored.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from operator import attrgetter
from typing import Any, Final

from otlptest.conformance.case import ALL_PROTOCOLS
from otlptest.conformance.receiver.cases.success import decoded_response
from otlptest.conformance.receiver.contrasts import contrasted, is_limit
from otlptest.conformance.receiver.exchange import (
    Answer,
    Exchange,
    check_responses,
    is_decided,
    is_ok,
    post,
    send_protobuf,
)
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import sample_request
from otlptest.conformance.receiver.stored import judged_stored
from otlptest.errors import WireError
from otlptest.model import Protocol, Signal, same_value
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.wire.otlp.otlp_json import encode_message
from otlptest.wire.otlp.otlp_requests import items_from_request
from otlptest.wire.otlp.signals import SIGNAL_NAMES, request_class

_LONGEST: Final = 200
_TRACE_FLAGS: Final = 0xFF

PROTOBUF_ALONE: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf")
"""The protocols of data that JSON cannot express."""

Change = Callable[[Any], object]
"""A function that changes a span, a metric or a log record in protobuf."""

Matches = Callable[[tuple[Any, ...]], str]
"""A function that returns the fault of stored items; empty if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCase:
    """One request, and the reaction that is demanded of a receiver.

    Attributes:
        rule: The requirement.
        what: Its oddity, for evidence.
        signal: The signal of the request.
        request: Returns it in protobuf; all items to be stored carry the given marker.
        fields: Fields of these items that must be stored unchanged; dots lead inwards.
        matches: Instead of `fields`: returns the fault of the stored items.
        count: The number of items that must be stored.
        may_be_refused: A refusal as the sender's fault passes too.
        is_told: It may also be rejected, or refused, if the receiver says so in words.
        needs_read_back: The answer alone shows nothing.
        plain: The same without the oddity: a receiver that does not take this either does not
            fail. If None, a valid request of the signal, which is sent before.
        protocols: The protocols it can be sent in.
    """

    rule: str
    what: str
    signal: Signal
    request: Callable[[str], bytes]
    fields: tuple[str, ...] = ()
    matches: Matches | None = None
    count: int = 1
    may_be_refused: bool = False
    is_told: bool = False
    needs_read_back: bool = False
    plain: Callable[[str], bytes] | None = None
    protocols: tuple[Protocol, ...] = ALL_PROTOCOLS


def requirement_ids(corners: Iterable[DataCase]) -> tuple[str, ...]:
    """Return the requirements of a table, each once."""
    return tuple(dict.fromkeys(each.rule for each in corners))


def judged_corners(lab: ReceiverLab, corners: Iterable[DataCase]) -> Iterator[CheckResult]:
    """Judge each case that can be sent in the suite's protocol."""
    for corner in corners:
        if corner.signal not in lab.signals:
            yield not_applicable(corner.rule, f"the receiver takes no {corner.signal}")
        elif lab.protocol in corner.protocols:
            yield _beside_plain(lab, corner, _judged(lab, corner))


def _beside_plain(lab: ReceiverLab, corner: DataCase, found: CheckResult) -> CheckResult:
    plain = corner.plain
    if plain is None:
        return found
    return contrasted(
        found, lambda: sent_in(lab, corner.signal, plain(lab.marker())), "the plain form of it"
    )


def _judged(lab: ReceiverLab, corner: DataCase) -> CheckResult:
    marker = lab.marker()
    body = corner.request(marker)
    answer = sent_in(lab, corner.signal, body)
    if is_limit(answer) and not corner.may_be_refused:
        reason = f"a limit, which is nobody's fault: {answer.told()}"
        return inconclusive(corner.rule, f"{corner.what}, {len(body)} bytes: {reason}")
    right, wanted = is_ok, "it is taken"
    if corner.may_be_refused or corner.is_told:
        right, wanted = is_decided, "success, or an error of the sender"
    found = check_responses(
        lab, corner.rule, [Exchange(what=corner.what, answer=answer)], right, wanted
    )
    if found.outcome != "passed":
        return found
    partial = _partial_success(corner.signal, answer, is_json=lab.protocol == "http/json")
    rejected = getattr(partial, SIGNAL_NAMES[corner.signal].rejected_field, 0)
    if corner.is_told and (rejected or not answer.is_ok):
        return _told(corner, found.evidence, partial.error_message if rejected else _words(answer))
    if rejected and not corner.may_be_refused:
        return failed(corner.rule, f"{found.evidence}; {rejected} rejected", expected=wanted)
    if not answer.is_ok:
        return found
    return judged_stored(
        lab,
        corner.rule,
        corner.signal,
        marker,
        found.evidence,
        matches=corner.matches or _as_sent(corner, body, marker),
        count=corner.count,
        needs_read_back=corner.needs_read_back,
    )


def _told(corner: DataCase, seen: str, message: str) -> CheckResult:
    """Judge that what a receiver does not store is rejected in words."""
    if message.strip():
        return passed(corner.rule, f"{seen}; it says: {_short(message)}")
    return failed(corner.rule, seen, expected="stored, or a message that says why not")


def _words(answer: Answer) -> str:
    """Return the text of a refusal."""
    if isinstance(answer, GrpcAnswer):
        return answer.field("grpc-message") or ""
    return answer.body.decode("utf-8", "replace")


def sent_in(lab: ReceiverLab, signal: Signal, body: bytes) -> Answer:
    """Return the answer to a request in protobuf, sent in the suite's protocol.

    Raises:
        SendError: The receiver cannot be reached.
    """
    if lab.protocol == "http/json":
        message = request_class(signal).FromString(body)
        return post(lab, encode_message(message), signal=signal)
    return send_protobuf(lab, body, signal=signal)


def _partial_success(signal: Signal, answer: Answer, *, is_json: bool) -> Any:  # noqa: ANN401 -- a generated message
    """Return the partial success of an answer; None if absent or unreadable."""
    if not answer.is_ok:
        return None
    body = answer.body
    if isinstance(answer, GrpcAnswer):
        body = answer.messages[0][1] if answer.messages else b""
    try:
        return decoded_response(signal, body, is_json=is_json).partial_success
    except WireError:  # judged by other cases
        return None


# Stored items.


def is_sampled(items: tuple[Any, ...]) -> str:
    """Compare the low eight bits of the flags only (for `DataCase.matches`)."""
    flags = items[0].flags & _TRACE_FLAGS
    return "" if flags == 1 else f"the trace flags are {flags:#x}, expected: 0x1"


def _as_sent(corner: DataCase, body: bytes, marker: str) -> Matches:
    """Return a function that compares stored items with the request, field by field."""
    message = request_class(corner.signal).FromString(body)
    expected = [
        item for item in items_from_request(corner.signal, message) if marker in _markers_of(item)
    ]

    def matches(items: tuple[Any, ...]) -> str:
        left = list(items)
        for wanted in expected if corner.fields else ():
            same = next((each for each in left if not _difference(wanted, each, corner)), None)
            if same is None:
                return _difference(wanted, left[0], corner) if left else "an item is missing"
            left.remove(same)
        return ""

    return matches


def _markers_of(item: Any) -> tuple[object, ...]:  # noqa: ANN401 -- an item of any signal
    resource = item.metric.resource if hasattr(item, "metric") else item.resource
    return item.attributes.get(MARKER_ATTRIBUTE), resource.get(MARKER_ATTRIBUTE)


def _difference(wanted: Any, got: Any, corner: DataCase) -> str:  # noqa: ANN401 -- as above
    for name in corner.fields:
        expected, there = attrgetter(name)(wanted), attrgetter(name)(got)
        if isinstance(expected, Mapping) and isinstance(there, Mapping):  # it may add attributes
            there = {key: there[key] for key in expected if key in there}
        if not _is_same(there, expected):
            return f"{name} is {_short(there)}, expected: {_short(expected)}"
    return ""


def _is_same(got: object, wanted: object) -> bool:
    """Return whether OTLP considers two values the same; events, links, buckets by `==`."""
    if isinstance(wanted, tuple):
        return (
            isinstance(got, tuple) and len(got) == len(wanted) and all(map(_is_same, got, wanted))
        )
    return got == wanted if is_dataclass(wanted) else same_value(got, wanted)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# Requests.


def in_request(signal: Signal, marker: str, *changes: Change) -> Any:  # noqa: ANN401 -- a generated class
    """Return a valid request with an item for each change, which is applied to it."""
    message: Any = request_class(signal).FromString(sample_request(signal, marker))
    names = SIGNAL_NAMES[signal]
    (entry,) = getattr(message, names.field)
    (scope_entry,) = getattr(entry, names.scope_field)
    items = getattr(scope_entry, names.item_field)
    first = type(items[0])()
    first.CopyFrom(items[0])
    del items[:]
    for number, change in enumerate(changes):
        item = items.add()
        item.CopyFrom(first)
        if signal == "traces":
            item.span_id = (number + 1).to_bytes(8)
        change(item)
    return message


def of_items(signal: Signal, *changes: Change) -> Callable[[str], bytes]:
    """Return a function for `DataCase.request`; see `in_request`."""
    return lambda marker: in_request(signal, marker, *changes).SerializeToString()


def with_fields(**fields: Any) -> Change:  # noqa: ANN401 -- fields of any item
    """Return a valid item with these fields."""

    def change(item: Any) -> None:  # noqa: ANN401 -- a generated message
        for name, value in fields.items():
            setattr(item, name, value)

    return change


def alongside_valid_item(change: Change) -> Change:
    """Return a request whose item need not be stored, along with a marked valid one."""

    def odd(item: Any) -> None:  # noqa: ANN401 -- a generated message
        change(item)
        for attributes in _attributes_of(item):
            for each in attributes:
                if each.key == MARKER_ATTRIBUTE:
                    each.value.string_value += " (odd)"

    return odd


def _attributes_of(item: Any) -> Iterator[Any]:  # noqa: ANN401 -- as above
    """Yield the attributes of a span, of a log record, or of the points of a metric."""
    if hasattr(item, "attributes"):
        yield item.attributes
        return
    kind = item.WhichOneof("data")
    for point in getattr(item, kind).data_points if kind else ():
        yield point.attributes

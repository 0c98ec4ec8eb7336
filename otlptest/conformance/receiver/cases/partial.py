"""Good and bad items in one request: the report about the bad ones, the fate of the good ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import decoded_response, sample_body
from otlptest.conformance.receiver.exchange import Answer, harm_of, post, send_protobuf
from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE, ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    attribute,
    json_attribute,
    json_bytes,
    json_item,
    json_request,
    sample_item,
    text,
    wrapped,
)
from otlptest.conformance.receiver.stored import (
    NO_READ_BACK,
    loses_plain_ones,
    stored_items,
)
from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.timing import SYSTEM_CLOCK
from otlptest.wire.otlp.protobuf_writing import chunk, fixed64, number
from otlptest.wire.otlp.signals import SIGNAL_NAMES, lower_camel

CASES: Final = ReceiverCases()


_GOOD: Final = 2
_BAD: Final = 3
_SHOWN: Final = 3
_POINT: Final = "otlptest.point"
_LATE_S: Final = 1.0
_BAD_REQUEST: Final = 400
_OF_OTHER_REASONS: Final = frozenset({401, 403, 408, 413, 429, 431})
_SNAKE_CASE: Final = re.compile(rb'"(partial_success|rejected_[a-z_]+|error_message)"')

_UNSEEN: Final = {
    "OTLP-RESP-014": "no warning was given for a request that was taken whole",
    "OTLP-RESP-071": "no request was refused for bad items",
}
_RULES: Final = ("OTLP-RESP-012", "OTLP-RESP-013", "OTLP-RESP-014", "OTLP-RESP-019")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mixed:
    """A request of good and bad items, and its answer.

    Attributes:
        what: The fault of the bad items, for evidence.
        signal: The signal.
        answer: The answer.
        marker: The marker of the good items.
        other: The marker of the bad items.
        points: The number of bad items, as the signal counts them.
        partial: The partial success; None if it is not set or the request was refused.
        problem: Why the answer is not a response message; empty if it is one.
    """

    what: str
    signal: Signal
    answer: Answer
    marker: str
    other: str
    points: int
    partial: Any = None
    problem: str = ""

    @property
    def rejected(self) -> int:
        """The count in the partial success."""
        name = SIGNAL_NAMES[self.signal].rejected_field
        return 0 if self.partial is None else int(getattr(self.partial, name))

    @property
    def seen(self) -> str:
        """Return the observation, as evidence."""
        said = ""
        if self.partial is not None:
            said = f", {self.rejected} rejected: {self.partial.error_message[:160]!r}"
        return f"{_GOOD} good items and {self.points} with {self.what}: {self.answer.told()}{said}"


@CASES.add(
    "partial/mixed",
    "Good and bad items in one request",
    ("OTLP-RESP-011", *_RULES, "OTLP-RESP-071", "OTLP-SRV-014"),
    protocols=("http/protobuf",),
)
@CASES.add(
    "partial/mixed_grpc",
    "Good and bad items in one call",
    ("OTLP-RESP-011", *_RULES, "OTLP-SRV-014"),
    protocols=("grpc",),
)
@CASES.add(
    "partial/mixed_json",
    "Good and bad items in one JSON request",
    (
        "OTLP-JSON-040",
        "OTLP-RESP-011",
        *_RULES,
        "OTLP-RESP-071",
        "OTLP-SRV-014",
    ),
    protocols=("http/json",),
)
def _judge_mixed(lab: ReceiverLab) -> Iterator[CheckResult]:
    plain = {signal: _plain(lab, signal).partial is not None for signal in lab.signals}
    mixed = [each for signal in lab.signals for each in _all_mixed(lab, signal)]
    judged = [
        found for each in mixed for found in _judge_one(lab, each, is_usual=plain[each.signal])
    ]
    yield from judged
    seen = {found.rule for found in judged}
    told = "; ".join(each.seen for each in mixed[:_SHOWN])
    rules = ["OTLP-RESP-011", *_RULES]
    rules += ["OTLP-JSON-040"] if lab.protocol == "http/json" else []
    rules += ["OTLP-RESP-071"] if lab.protocol != "grpc" else []
    for rule in rules:
        if rule not in seen:
            yield inconclusive(rule, f"{_UNSEEN.get(rule, 'no item was rejected')}: {told}")


def _plain(lab: ReceiverLab, signal: Signal) -> _Mixed:
    """Return the answer to a request without bad items."""
    marker = lab.marker()
    body = sample_body(lab, signal, marker)
    if lab.protocol == "grpc":
        answer: Answer = send_protobuf(lab, body, signal=signal)
    else:
        answer = post(lab, body, signal=signal)
    return _read(lab, "nothing bad", answer, signal=signal, marker=marker, other="")


def _judge_one(lab: ReceiverLab, mixed: _Mixed, *, is_usual: bool) -> Iterator[CheckResult]:
    """Judge one answer.

    Args:
        lab: The receiver.
        mixed: The request and its answer.
        is_usual: A plain success has an empty partial success too: that warns of nothing, and is
            judged elsewhere (OTLP-RESP-003, OTLP-RESP-004).
    """
    stored = 0
    if mixed.answer.is_ok:
        stored = len(stored_items(lab, mixed.signal, mixed.marker, count=_GOOD))
    yield _policy(lab, mixed, stored)
    if isinstance(mixed.answer, Http1Answer) and _is_refused_for_data(mixed.answer):
        say = passed if mixed.answer.status == _BAD_REQUEST else failed
        yield say("OTLP-RESP-071", f"expected: HTTP 400 for what it finds invalid; {mixed.seen}")
    if lab.protocol == "http/json" and _SNAKE_CASE.search(mixed.answer.body):
        yield failed("OTLP-JSON-040", mixed.seen, expected="lowerCamelCase")
        return
    if mixed.partial is None:
        yield from _dropped(lab, mixed, stored)
        return
    total, count = _GOOD + mixed.points, mixed.rejected
    fair = 0 <= count <= total
    yield (passed if fair else failed)("OTLP-RESP-019", mixed.seen)
    if count == 0:
        says = bool(mixed.partial.error_message.strip())
        if says or not is_usual:
            yield (passed if says else failed)("OTLP-RESP-014", mixed.seen)
        return
    yield passed("OTLP-RESP-011", mixed.seen)
    # A receiver that refuses all items of the request says so: then nothing of it is stored.
    expected = {mixed.points, total}
    if lab.read_back is not None:
        expected = {mixed.points} if stored == _GOOD else {total - stored}
    wanted = " or ".join(map(str, sorted(expected)))
    say = passed if count in expected else failed
    yield say("OTLP-RESP-012", f"expected: {wanted}; {mixed.seen}")
    explains = bool(mixed.partial.error_message.strip())
    yield (passed if explains else failed)("OTLP-RESP-013", mixed.seen)
    if lab.protocol == "http/json":
        yield _json_shape(mixed)


def _dropped(lab: ReceiverLab, mixed: _Mixed, stored: int) -> Iterator[CheckResult]:
    """Judge whether bad items went missing silently, while the good ones were stored."""
    if lab.read_back is None or not mixed.answer.is_ok or stored < _GOOD:
        return
    waited_s = min(_LATE_S, lab.timeout_s)
    kept = lab.read_back.items(mixed.signal, mixed.other, count=mixed.points, timeout_s=waited_s)
    if len(kept) < mixed.points and loses_plain_ones(lab, mixed.signal):
        lost = f"plain {mixed.signal} requests that were taken are not stored either"
        yield inconclusive("OTLP-RESP-011", f"{mixed.seen}; {lost}")
    elif len(kept) < mixed.points:
        missing = f"{mixed.points - len(kept)} of the bad ones went missing without a word"
        yield failed("OTLP-RESP-011", f"{mixed.seen}; {missing}", expected="partial_success")


def _json_shape(mixed: _Mixed) -> CheckResult:
    """Judge lowerCamelCase names, and int64 values as strings."""
    key = lower_camel(SIGNAL_NAMES[mixed.signal].rejected_field)
    wanted = f'"{key}":"{mixed.rejected}"'.encode()
    body = mixed.answer.body.replace(b" ", b"")
    is_right = b'"partialSuccess"' in body and wanted in body
    return (passed if is_right else failed)("OTLP-JSON-040", mixed.seen)


def _is_refused_for_data(answer: Http1Answer) -> bool:
    """Return whether it was refused for its data, not for size, load, or its sender."""
    return answer.is_refused and answer.status not in _OF_OTHER_REASONS


def _policy(lab: ReceiverLab, mixed: _Mixed, stored: int) -> CheckResult:
    """Judge the good items: never lost behind a success, never a server error."""
    rule = "OTLP-SRV-014"
    harm = harm_of(mixed.answer)
    if harm is not None or mixed.problem:
        return failed(rule, f"{mixed.seen} {mixed.problem}".strip(), harm=harm)
    status = mixed.answer.status if isinstance(mixed.answer, Http1Answer) else _BAD_REQUEST
    if mixed.answer.is_refused and status != _BAD_REQUEST:
        wanted = f"expected: partial_success, or HTTP 400; {mixed.seen}"
        is_other = status in _OF_OTHER_REASONS
        return inconclusive(rule, wanted) if is_other else failed(rule, wanted)
    if mixed.answer.is_refused or mixed.rejected >= _GOOD + mixed.points:
        return passed(rule, f"{mixed.seen}: the whole request is refused")
    if not mixed.answer.is_ok:
        return failed(rule, mixed.seen)
    if lab.read_back is None:
        return not_applicable(rule, f"{mixed.seen}; {NO_READ_BACK}")
    say = passed if stored >= _GOOD else failed
    return say(rule, f"{mixed.seen}; {stored} of the {_GOOD} good ones are stored")


# Requests.


def _all_mixed(lab: ReceiverLab, signal: Signal) -> Iterator[_Mixed]:
    marker, other = lab.marker(), lab.marker()
    if lab.protocol == "http/json":
        for what in _json_kinds(signal, other):
            bad = _json_kinds(signal, other)[what]
            good = [
                json_item(signal, marker, attributes=(_json_point(f"good {number}"),))
                for number in range(_GOOD)
            ]
            document = json_request(signal, *good, *bad)
            answer = post(lab, json_bytes(document), signal=signal)
            yield _read(lab, what, answer, signal=signal, marker=marker, other=other)
            marker, other = lab.marker(), lab.marker()
        return
    for what in _kinds(signal, other):
        item = _kinds(signal, other)[what]
        items = [
            sample_item(signal, marker, attributes=(_point(f"good {number}"),))
            for number in range(_GOOD)
        ]
        # Bad points are those of one metric: points are counted, not metrics.
        bad_items = [item] if signal == "metrics" else [item] * _BAD
        sent = send_protobuf(lab, wrapped(*items, *bad_items), signal=signal)
        yield _read(lab, what, sent, signal=signal, marker=marker, other=other)
        marker, other = lab.marker(), lab.marker()


def _point(name: str) -> bytes:
    """Return an attribute that makes a data point a series of its own."""
    return attribute(_POINT, text(name))


def _json_point(name: str) -> dict[str, Any]:
    """Return a point in JSON; see `_point`."""
    return json_attribute(_POINT, {"stringValue": name})


def _kinds(signal: Signal, other: str) -> dict[str, bytes]:
    """Return each kind of fault with a bad item; of metrics one metric with several points."""
    pair = attribute(MARKER_ATTRIBUTE, text(other))
    now = SYSTEM_CLOCK.unix_nanos()
    if signal == "traces":
        zeros = chunk(1, bytes(16)) + chunk(2, bytes(8))
        times = fixed64(7, now - 1_000_000) + fixed64(8, now)
        return {
            "an all-zero trace id": sample_item(signal, other, more=zeros),
            "no ids": chunk(5, b"no ids") + number(6, 1) + times + chunk(9, pair),
            "ids of 3 bytes": sample_item(signal, other, more=chunk(1, b"bad") + chunk(2, b"bad")),
        }
    if signal == "logs":
        return {"a trace id of 3 bytes": sample_item(signal, other, more=chunk(9, b"bad"))}
    pairs = [chunk(7, pair) + chunk(7, _point(str(number))) for number in range(_BAD)]
    points = [chunk(1, each + fixed64(3, now) + fixed64(6, 1)) for each in pairs]
    untimed = [chunk(1, each + fixed64(6, 1)) for each in pairs]
    return {
        "no metric name": chunk(5, b"".join(points)),
        "no time": chunk(1, b"untimed") + chunk(5, b"".join(untimed)),
    }


def _json_kinds(signal: Signal, other: str) -> dict[str, list[dict[str, Any]]]:
    if signal == "traces":
        zeros = {"traceId": "0" * 32, "spanId": "0" * 16}
        none = {"traceId": "", "spanId": ""}
        return {
            "an all-zero trace id": [json_item(signal, other, more=zeros)] * _BAD,
            "no ids": [json_item(signal, other, more=none)] * _BAD,
        }
    if signal == "logs":
        short = json_item(signal, other, more={"traceId": "abcdef"})
        return {"a trace id of 3 bytes": [short] * _BAD}
    pair = json_attribute(MARKER_ATTRIBUTE, {"stringValue": other})
    now = str(SYSTEM_CLOCK.unix_nanos())
    points = [
        {
            "timeUnixNano": now,
            "asInt": "1",
            "attributes": [pair, _json_point(str(number))],
        }
        for number in range(_BAD)
    ]
    return {"no metric name": [{"gauge": {"dataPoints": points}}]}


def _read(
    lab: ReceiverLab, what: str, answer: Answer, *, signal: Signal, marker: str, other: str
) -> _Mixed:
    partial, problem = None, ""
    if answer.is_ok:
        body = answer.body
        if isinstance(answer, GrpcAnswer):
            body = answer.messages[0][1] if answer.messages else b""
        try:
            response = decoded_response(signal, body, is_json=lab.protocol == "http/json")
        except WireError as wrong:
            problem = f"no response message: {wrong.problem}"
        else:
            partial = response.partial_success if response.HasField("partial_success") else None
    return _Mixed(
        what=what,
        signal=signal,
        answer=answer,
        marker=marker,
        other=other,
        points=_BAD,
        partial=partial,
        problem=problem,
    )

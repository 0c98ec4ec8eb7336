"""The answers of a receiver to valid requests: full success, and nothing to store."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.exchange import (
    JSON,
    Answer,
    Exchange,
    answered,
    call,
    check_responses,
    harm_of,
    is_ok,
    media_type_of,
    post,
    send_protobuf,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_bytes,
    json_item,
    json_request,
    sample_request,
)
from otlptest.conformance.receiver.stored import judged_stored
from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.protobuf_writing import chunk
from otlptest.wire.otlp.signals import SIGNAL_NAMES, response_class
from otlptest.wire.transport.statuses import decode_status

CASES: Final = ReceiverCases()


_RESPONSE_KEYS: Final = frozenset({"partialSuccess", "partial_success"})
_SUCCESS: Final = range(200, 300)
_UPGRADES: Final = frozenset({426, 505})


def sample_body(lab: ReceiverLab, signal: Signal, marker: str) -> bytes:
    """Return a valid request with one item in the encoding of the suite's protocol."""
    if lab.protocol == "http/json":
        return json_bytes(json_request(signal, json_item(signal, marker)))
    return sample_request(signal, marker)


def decoded_response(signal: Signal, body: bytes, *, is_json: bool) -> Any:  # noqa: ANN401 -- a generated message
    """Return the `Export…ServiceResponse` in a body.

    Raises:
        WireError: The body has no such message.
    """
    kind = response_class(signal)
    if is_json:
        response: Any = otlp_json.decode_response(signal, body)
        keys = set(json.loads(body))
        has_other_keys = bool(keys) and not keys & _RESPONSE_KEYS
    else:
        response = otlp_protobuf.decode_message(kind, body, rule="OTLP-RESP-002")
        has_other_keys = bool(body) and not response.ListFields()
    if has_other_keys:  # unknown fields alone: any JSON object would be a response
        problem = f"it has no field of {kind.DESCRIPTOR.name}, but others"
        raise WireError("malformed", "OTLP-RESP-002", problem)
    return response


# Full success.


@CASES.add(
    "success/answer",
    "What a valid request is answered over HTTP",
    ("OTLP-RESP-002", "OTLP-RESP-004"),
    protocols=("http/protobuf",),
    is_plain=True,
)
@CASES.add(
    "success/answer_json",
    "What a valid JSON request is answered",
    ("OTLP-RESP-002", "OTLP-JSON-039"),
    protocols=("http/json",),
    is_plain=True,
)
def _judge_http_success(lab: ReceiverLab) -> Iterator[CheckResult]:
    is_json = lab.protocol == "http/json"
    unset = "OTLP-JSON-039" if is_json else "OTLP-RESP-004"
    for signal in lab.signals:
        answer = post(lab, sample_body(lab, signal, lab.marker()), signal=signal)
        seen = f"a valid {signal} request was answered {answer.told()}"
        if not answer.is_ok:
            yield _no_success(lab, answer, seen)
            yield inconclusive(unset, seen)
            continue
        try:
            response = decoded_response(signal, answer.body, is_json=is_json)
        except WireError as wrong:
            yield failed("OTLP-RESP-002", f"{seen}, and that is not a response message: {wrong}")
            outcome = failed if is_json else inconclusive
            yield outcome(unset, f"{seen}, and that is not a response message: {wrong}")
            continue
        yield passed("OTLP-RESP-002", seen)
        yield from _unset(unset, signal, response, seen)


def _no_success(lab: ReceiverLab, answer: Http1Answer, seen: str) -> CheckResult:
    """Judge a request that was not taken: the status of a success cannot be seen.

    The case `exports/served` reports the refusal, over protobuf.
    """
    is_success = answer.is_whole and answer.status in _SUCCESS
    is_failure = lab.protocol == "http/json" and harm_of(answer, is_good=True) == "server_error"
    if is_success or is_failure:
        return failed("OTLP-RESP-002", seen, expected="HTTP 200")
    return inconclusive("OTLP-RESP-002", f"{seen}: no success came")


@CASES.add(
    "success/answer_grpc",
    "What a valid call is answered",
    ("OTLP-RESP-001", "OTLP-RESP-003", "OTLP-GRPC-048"),
    protocols=("grpc",),
    is_plain=True,
)
def _judge_grpc_success(lab: ReceiverLab) -> Iterator[CheckResult]:
    for signal in lab.signals:
        answer = call(lab, sample_request(signal, lab.marker()), signal=signal)
        seen = f"a valid {signal} call came to {answer.told()}"
        if not answer.is_ok:
            if answer.is_refused or answer.is_hang:
                yield inconclusive("OTLP-RESP-001", f"{seen}: no success came")
            else:
                yield failed("OTLP-RESP-001", seen, expected="gRPC status OK")
            continue
        count = len(answer.messages)
        if count != 1 or answer.message_problem:
            what = f"{seen} with {count} messages {answer.message_problem}".strip()
            yield failed("OTLP-GRPC-048", what, expected="exactly one message")
        else:
            yield passed("OTLP-GRPC-048", f"{seen} with one message")
        if count != 1 or answer.messages[0][0]:
            yield inconclusive("OTLP-RESP-001", f"{seen}, without one plain message to look at")
            continue
        try:
            response = decoded_response(signal, answer.messages[0][1], is_json=False)
        except WireError as wrong:
            yield failed("OTLP-RESP-001", f"{seen}, and its message is not a response: {wrong}")
            continue
        yield passed("OTLP-RESP-001", f"{seen} with the signal's response")
        yield from _unset("OTLP-RESP-003", signal, response, seen)


def _unset(rule: str, signal: Signal, response: Any, seen: str) -> Iterator[CheckResult]:  # noqa: ANN401 -- as above
    if not response.HasField("partial_success"):
        yield passed(rule, f"{seen}: partial_success is not set")
    elif getattr(response.partial_success, SIGNAL_NAMES[signal].rejected_field):
        yield inconclusive(rule, f"{seen}: it says that it rejected a valid item")
    elif response.partial_success.error_message:
        yield inconclusive(rule, f"{seen}: it warns: {response.partial_success.error_message!r}")
    else:
        yield failed(rule, f"{seen}: partial_success is set, to an empty one")


# Media types.


@CASES.add(
    "success/media_type",
    "The content type of answers, whatever Accept says",
    ("OTLP-HTTP-018", "OTLP-HTTP-019", "OTLP-HTTP-020", "OTLP-SRV-035"),
    protocols=("http/protobuf",),
)
@CASES.add(
    "success/media_type_json",
    "The content type of answers to JSON",
    ("OTLP-JSON-002",),
    protocols=("http/json",),
)
def _judge_media_types(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge the answers to a valid and an invalid body, for every `Accept`."""
    wanted = media_type_of(lab)
    signal = lab.signals[0]
    right = sample_body(lab, signal, lab.marker())
    wrong = b'{"resourceSpans":[' if wanted == JSON else b"\xff\xff\xff"
    plain = Exchange(what="a valid request", answer=post(lab, right))
    malformed = Exchange(what="a malformed request", answer=post(lab, wrong))
    typed = f"an answer of type {wanted}"
    if wanted == JSON:
        yield check_responses(lab, "OTLP-JSON-002", [plain, malformed], _has_type(wanted), typed)
        return
    asked, text = (
        Exchange(what=f"Accept: {kind}", answer=post(lab, right, fields=[("Accept", kind)]))
        for kind in (JSON, "text/html")
    )
    yield check_responses(lab, "OTLP-HTTP-019", [plain, asked], _has_type(wanted), wanted)
    yield _judged_accept(lab, plain, [asked, text], wanted)
    bodies = [each for each in (plain, malformed) if _is_protobuf(signal, each.answer)]
    if bodies:
        yield check_responses(lab, "OTLP-HTTP-018", bodies, _has_type(wanted), typed)
    else:
        seen = "; ".join(f"{each.what}: {each.answer.told()}" for each in (plain, malformed))
        yield inconclusive("OTLP-HTTP-018", f"no answer has a body of protobuf: {seen}")
    if malformed.answer.is_ok:
        seen = f"{malformed.what}: {malformed.answer.told()}"
        yield inconclusive("OTLP-HTTP-020", f"no error came: {seen}")
    else:
        yield check_responses(lab, "OTLP-HTTP-020", [malformed], _has_type(wanted), typed)


def _judged_accept(
    lab: ReceiverLab, plain: Exchange, asked: Sequence[Exchange], wanted: str
) -> CheckResult:
    """Judge whether `Accept` changes the media type that an answer has without it."""
    rule = "OTLP-SRV-035"
    usual = plain.answer.media_type if isinstance(plain.answer, Http1Answer) else ""
    if usual != wanted:
        return inconclusive(rule, f"without Accept: {plain.answer.told()}, which is not {wanted}")
    return check_responses(lab, rule, asked, _has_type(wanted), wanted)


def _is_protobuf(signal: Signal, answer: Answer) -> bool:
    """Return whether a body must be labelled as protobuf: a response, or a Status."""
    try:
        if answer.is_ok:
            decoded_response(signal, answer.body, is_json=False)
        else:
            decode_status(answer.body, "protobuf")
    except WireError:
        return False
    return answer.is_ok or bool(answer.body)


def _has_type(wanted: str) -> Callable[[Answer], bool]:
    def has(answer: Answer) -> bool:
        return isinstance(answer, Http1Answer) and answer.media_type == wanted

    return has


# Nothing to store.


@CASES.add(
    "success/empty",
    "A request without any telemetry",
    ("OTLP-RESP-006",),
    protocols=("http/protobuf",),
)
@CASES.add(
    "success/empty_json",
    "A JSON request without any telemetry",
    ("OTLP-JSON-038",),
    protocols=("http/json",),
)
@CASES.add(
    "success/empty_grpc",
    "A call without any telemetry",
    ("OTLP-RESP-005",),
    protocols=("grpc",),
)
def _judge_empty(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = {"grpc": "OTLP-RESP-005", "http/protobuf": "OTLP-RESP-006"}.get(
        lab.protocol, "OTLP-JSON-038"
    )
    yield check_responses(
        lab, rule, (_empty_try(lab, signal, rule) for signal in lab.signals), is_ok, "success"
    )


def _empty_try(lab: ReceiverLab, signal: Signal, rule: str) -> Exchange:
    if rule == "OTLP-JSON-038":
        return Exchange(what=f"{{}} for {signal}", answer=post(lab, b"{}", signal=signal))
    return Exchange(what=f"no bytes for {signal}", answer=send_protobuf(lab, b"", signal=signal))


@CASES.add(
    "success/hollow",
    "Resources without scopes, scopes without items, metrics without points",
    ("OTLP-RESP-007",),
)
def _judge_hollow(lab: ReceiverLab) -> Iterator[CheckResult]:
    tries = (each for signal in lab.signals for each in _hollow_tries(lab, signal))
    yield check_responses(lab, "OTLP-RESP-007", tries, is_ok, "success")


def _hollow_tries(lab: ReceiverLab, signal: Signal) -> Iterator[Exchange]:
    names = SIGNAL_NAMES[signal]
    if lab.protocol == "http/json":
        full = json_request(signal)
        entry = full[names.json_key][0]
        scopes = next(key for key in entry if key.startswith("scope"))
        shapes: dict[str, object] = {
            "an empty entry": {names.json_key: [{}]},
            "a resource without scopes": {names.json_key: [{"resource": entry["resource"]}]},
            "a scope without items": {names.json_key: [{scopes: [{"scope": {"name": "s"}}]}]},
        }
        if signal == "metrics":
            hollow = {"name": "m", "gauge": {"dataPoints": []}}
            shapes["a metric without points"] = json_request(signal, hollow)
        for what, document in shapes.items():
            yield Exchange(
                what=f"{what} ({signal})", answer=post(lab, json_bytes(document), signal=signal)
            )
        return
    bodies = {
        "an empty entry": chunk(1, b""),
        "a resource without scopes": chunk(1, chunk(1, b"")),
        "a scope without items": chunk(1, chunk(1, b"") + chunk(2, chunk(1, chunk(1, b"s")))),
    }
    if signal == "metrics":
        metric = chunk(2, chunk(1, b"m") + chunk(5, b""))
        bodies["a metric without points"] = chunk(1, chunk(2, metric))
    for what, body in bodies.items():
        yield Exchange(what=f"{what} ({signal})", answer=send_protobuf(lab, body, signal=signal))


# Plain, repeated, and not lost.


@CASES.add(
    "success/plain",
    "Uncompressed requests over HTTP/1.1",
    ("OTLP-HTTP-011", "OTLP-HTTP-015"),
    protocols=("http/protobuf",),
    is_plain=True,
)
@CASES.add(
    "success/plain_grpc",
    "Uncompressed calls",
    ("OTLP-GRPC-008",),
    protocols=("grpc",),
    is_plain=True,
)
def _judge_plain(lab: ReceiverLab) -> Iterator[CheckResult]:
    if lab.protocol == "grpc":
        fields = {
            "no grpc-encoding": (),
            "grpc-encoding: identity": (("grpc-encoding", "identity"),),
        }
        tries = (
            Exchange(
                what=f"{signal}, {what}",
                answer=call(lab, sample_request(signal, lab.marker()), signal=signal, fields=more),
            )
            for signal in lab.signals
            for what, more in fields.items()
        )
        yield _unlike_packed(
            lab, check_responses(lab, "OTLP-GRPC-008", tries, is_ok, "gRPC status OK")
        )
        return
    answers = [
        Exchange(what=f"a plain {signal} body over HTTP/1.1", answer=post(lab, body, signal=signal))
        for signal in lab.signals
        for body in [sample_body(lab, signal, lab.marker())]
    ]
    yield _unlike_packed(
        lab, check_responses(lab, "OTLP-HTTP-015", answers, answered(200), "HTTP 200")
    )
    told = "; ".join(f"{each.what}: {each.answer.told()}" for each in answers)
    say = passed if all(_is_http1(each.answer) for each in answers) else failed
    yield say("OTLP-HTTP-011", told)


def _unlike_packed(lab: ReceiverLab, found: CheckResult) -> CheckResult:
    """Judge uncompressed bodies only if the receiver takes gzip ones."""
    if found.outcome != "failed" or found.harm in {"crash", "hang"}:
        return found
    answers = [_packed_answer(lab, signal) for signal in lab.signals]
    if any(answer.is_ok for answer in answers):
        return found
    reason = f"it takes no gzip either ({answers[0].told()})"
    return inconclusive(found.rule, f"{reason}; {found.evidence}")


def _packed_answer(lab: ReceiverLab, signal: Signal) -> Answer:
    """Return the answer to a valid request in gzip."""
    packed = gzip.compress(sample_body(lab, signal, lab.marker()), mtime=0)
    if lab.protocol == "grpc":
        fields = [("grpc-encoding", "gzip")]
        return call(lab, packed, signal=signal, is_compressed=True, fields=fields)
    return post(lab, packed, signal=signal, fields=[("Content-Encoding", "gzip")])


def _is_http1(answer: Answer) -> bool:
    """Return whether it is an HTTP/1.1 answer that does not ask for another version."""
    return isinstance(answer, Http1Answer) and answer.is_whole and answer.status not in _UPGRADES


@CASES.add(
    "success/duplicates",
    "The same request twice",
    ("OTLP-RESP-084",),
)
def _judge_duplicates(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge a repeated request, as a client sends it that got no answer."""
    bodies = {signal: sample_body(lab, signal, lab.marker()) for signal in lab.signals}
    tries = (
        Exchange(what=f"{signal}, time {time} of 2", answer=_send(lab, body, signal))
        for signal, body in bodies.items()
        for time in (1, 2)
    )
    yield check_responses(lab, "OTLP-RESP-084", tries, is_ok, "success both times")


def _send(lab: ReceiverLab, body: bytes, signal: Signal) -> Answer:
    if lab.protocol == "grpc":
        return call(lab, body, signal=signal)
    return post(lab, body, signal=signal)


@CASES.add(
    "success/kept",
    "Data is there after its answer, though the connection is gone",
    ("OTLP-RESP-010",),
    needs=("read_back",),
)
def _judge_kept(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge requests whose connection is closed as soon as the answer has come."""
    for signal in lab.signals:
        marker = lab.marker()
        answer: Http1Answer | GrpcAnswer = _send(lab, sample_body(lab, signal, marker), signal)
        seen = f"a {signal} request was answered {answer.told()}, and its connection closed"
        if not answer.is_ok:
            yield inconclusive("OTLP-RESP-010", seen)
            continue
        yield judged_stored(
            lab, "OTLP-RESP-010", signal, marker, seen, matches=lambda _: "", is_plain=True
        )

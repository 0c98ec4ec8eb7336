"""Bodies that are not OTLP: refused as the sender's fault, and survived."""

import random
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.exchange import (
    JSON,
    PROTOBUF,
    Answer,
    Exchange,
    answered,
    check_responses,
    is_decided,
    is_ok,
    is_refused,
    media_type_of,
    plain_answer,
    post,
    send_protobuf,
    stop_at_timeout,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.malformed import (
    bad_protobuf,
    cut_bodies,
    is_message,
    known_group,
    nested_value,
    wrong_wire_types,
)
from otlptest.conformance.receiver.sample_requests import (
    attribute,
    json_bytes,
    json_item,
    json_request,
    sample_request,
)
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from otlptest.wire.transport.statuses import GrpcCode

CASES: Final = ReceiverCases()


_BODIES: Final = 100
_LONGEST: Final = 4096
_SEED: Final = 20260721
_PROMPT_S: Final = 2.0
_DEEP: Final = 10_000
# Codes to retry (SPEC, OTLP/gRPC "Failures"); RESOURCE_EXHAUSTED only with RetryInfo.
_RETRYABLE: Final = frozenset({1, 4, 10, 11, 14, 15})


@CASES.add(
    "bad_data/random_bytes",
    "Random bytes as a protobuf body",
    ("OTLP-SRV-002", "OTLP-RESP-087"),
    protocols=("http/protobuf",),
    expected_s=2.0,
)
@CASES.add(
    "bad_data/random_bytes_grpc",
    "Random bytes as a message",
    ("OTLP-SRV-010",),
    protocols=("grpc",),
    expected_s=2.0,
)
def _judge_random_bytes(lab: ReceiverLab) -> Iterator[CheckResult]:
    bodies = {f"{len(body)} random bytes {body[:12].hex()}…": body for body in _refused_bodies(lab)}
    tries = (Exchange(what=what, answer=send_protobuf(lab, body)) for what, body in bodies.items())
    if lab.protocol == "grpc":
        yield check_responses(
            lab, "OTLP-SRV-010", tries, _is_final, "a status that is not retryable"
        )
        return
    seen = stop_at_timeout(tries)
    yield check_responses(lab, "OTLP-SRV-002", seen, answered(400), "HTTP 400")
    slowest = max(seen, key=lambda each: each.answer.elapsed_s)
    yield _prompt(lab, slowest, bodies[slowest.what], count=len(seen))


def _refused_bodies(lab: ReceiverLab) -> Iterator[bytes]:
    """Yield random bytes that a reference decoder refuses, the same in each run."""
    chance = random.Random(_SEED)  # noqa: S311 -- repeatable, not secret
    found = 0
    while found < _BODIES:
        body = chance.randbytes(chance.randint(1, _LONGEST))
        if not is_message(lab.signals[0], body):
            found += 1
            yield body


def _prompt(lab: ReceiverLab, slowest: Exchange, body: bytes, *, count: int) -> CheckResult:
    """Judge whether the slowest answer came soon; a single slow one may be a busy machine."""
    took = f"{slowest.answer.elapsed_s:.2f} s"
    if slowest.answer.is_hang:
        said = f"{slowest.what}: no answer within {took}"
        return failed("OTLP-RESP-087", said, harm="hang")
    if slowest.answer.elapsed_s <= _PROMPT_S:
        return passed("OTLP-RESP-087", f"{count} bad bodies were answered, the slowest in {took}")
    plain, again = plain_answer(lab, lab.signals[0]).elapsed_s, send_protobuf(lab, body).elapsed_s
    seen = f"{slowest.what}: {took}, again {again:.2f} s; a plain valid request: {plain:.2f} s"
    if again <= _PROMPT_S or plain > _PROMPT_S:
        return inconclusive("OTLP-RESP-087", f"slow once, or slow with everything: {seen}")
    return failed("OTLP-RESP-087", seen, expected=f"within {_PROMPT_S:g} s")


def _is_final(answer: Answer) -> bool:
    """Return whether a call ended with an error that a client does not send again."""
    return (
        isinstance(answer, GrpcAnswer)
        and bool(answer.grpc_status)
        and answer.is_ended
        and answer.grpc_status not in _RETRYABLE
    )


@CASES.add(
    "bad_data/cut",
    "A valid protobuf body, cut in many places",
    ("OTLP-SRV-001",),
    protocols=("http/protobuf",),
)
def _judge_cut(lab: ReceiverLab) -> Iterator[CheckResult]:
    tries = (
        Exchange(what=f"a valid body cut after {size} bytes", answer=send_protobuf(lab, body))
        for size, body in cut_bodies(lab.signals[0], lab.marker())
    )
    yield check_responses(lab, "OTLP-SRV-001", tries, answered(400), "HTTP 400")


@CASES.add(
    "bad_data/protobuf",
    "Each way in which bytes are no protobuf",
    (
        "OTLP-SRV-003",
        "OTLP-SRV-004",
        "OTLP-SRV-005",
        "OTLP-SRV-006",
        "OTLP-SRV-007",
        "OTLP-SRV-009",
    ),
    protocols=("grpc", "http/protobuf"),
)
def _judge_protobuf(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge each kind of invalid protobuf; over gRPC any error passes."""
    right = is_refused if lab.protocol == "grpc" else answered(400)
    wanted = "an error" if lab.protocol == "grpc" else "HTTP 400"
    signal = lab.signals[0]
    for rule, bodies in bad_protobuf(signal, lab.marker()).items():
        tries = (Exchange(what=what, answer=send_protobuf(lab, body)) for what, body in bodies)
        yield check_responses(lab, rule, tries, right, wanted)
    others = (
        Exchange(what=what, answer=send_protobuf(lab, body))
        for what, body in wrong_wire_types(signal)
    )
    yield check_responses(
        lab, "OTLP-SRV-003", others, is_decided, "success or an error of the sender"
    )
    group = send_protobuf(lab, known_group(sample_request(signal, lab.marker())))
    tries_of_group = [Exchange(what="a well-formed group that nobody knows", answer=group)]
    yield check_responses(lab, "OTLP-SRV-007", tries_of_group, is_ok, "it is skipped")


@CASES.add(
    "bad_data/framed",
    "A gRPC frame over plain HTTP",
    ("OTLP-SRV-012",),
    protocols=("http/protobuf",),
)
def _judge_framed(lab: ReceiverLab) -> Iterator[CheckResult]:
    body = encode_grpc_frame(sample_request(lab.signals[0], lab.marker()))
    tries = [Exchange(what="a body with gRPC's prefix", answer=post(lab, body))]
    yield check_responses(lab, "OTLP-SRV-012", tries, answered(400), "HTTP 400")


@CASES.add(
    "bad_data/malformed",
    "The status of malformed bodies",
    ("OTLP-RESP-054", "OTLP-RESP-071"),
    protocols=("http/protobuf", "http/json"),
)
def _judge_malformed(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge the statuses of bodies that are certainly not a message in the declared encoding."""
    bodies = {
        PROTOBUF: ((b"\xff" * 11, "eleven bytes ff"), (b"\x0a\x05ab", "a cut message")),
        JSON: ((b'{"resourceSpans":[', "half a document"), (b"not json", "no JSON")),
    }[media_type_of(lab)]
    tries = [Exchange(what=what, answer=post(lab, body)) for body, what in bodies]
    yield check_responses(lab, "OTLP-RESP-071", tries, answered(400), "HTTP 400")
    yield check_responses(lab, "OTLP-RESP-054", tries, is_refused, "a 4xx")


@CASES.add(
    "bad_data/mismatch",
    "A body in another encoding than declared",
    ("OTLP-SRV-034",),
    protocols=("http/protobuf", "http/json"),
)
def _judge_mismatch(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge JSON text as protobuf, and the reverse: 400, in the declared encoding."""
    signal = lab.signals[0]
    document = json_bytes(json_request(signal, json_item(signal, lab.marker())))
    is_json = lab.protocol == "http/json"
    body = sample_request(signal, lab.marker()) if is_json else document
    what = "protobuf declared as JSON" if is_json else "JSON declared as protobuf"
    answer = post(lab, body)
    # Errors that are all of another type are judged elsewhere (OTLP-HTTP-020, OTLP-JSON-002).
    cut = post(lab, document[:-1] if is_json else b"\x0a\x05ab")
    wanted = media_type_of(lab) if cut.is_ok else cut.media_type

    def right(each: Answer) -> bool:
        return answered(400)(each) and answer.media_type == wanted

    tries = [Exchange(what=what, answer=answer)]
    kind = f"type {wanted}" if wanted else "no type"
    yield check_responses(
        lab, "OTLP-SRV-034", tries, right, f"HTTP 400 of {kind}, as of a cut message"
    )


@CASES.add(
    "bad_data/undecodable_call",
    "The status of a message that cannot be decoded",
    ("OTLP-RESP-047",),
    protocols=("grpc",),
)
def _judge_undecodable_call(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-RESP-047"
    answer = send_protobuf(lab, b"\xff" * 11)
    seen = f"an undecodable message came to {answer.told()}"
    if not isinstance(answer, GrpcAnswer) or answer.grpc_status is None:
        yield inconclusive(rule, seen)
    elif _is_final(answer):
        preferred = answer.grpc_status == GrpcCode.INVALID_ARGUMENT
        yield passed(rule, seen + ("" if preferred else " (INVALID_ARGUMENT is preferred)"))
    else:
        yield failed(rule, seen, expected="a status that is not retryable")


@CASES.add(
    "bad_data/deep",
    "A value nested 10,000 levels deep",
    ("OTLP-SRV-013",),
    protocols=("grpc", "http/protobuf"),
)
@CASES.add(
    "bad_data/deep_json",
    "A JSON value nested 10,000 levels deep",
    ("OTLP-SRV-013", "OTLP-JSON-044"),
    protocols=("http/json",),
)
def _judge_deep(lab: ReceiverLab) -> Iterator[CheckResult]:
    signal = lab.signals[0]
    rules: tuple[str, ...] = ("OTLP-SRV-013",)
    answer: Answer
    if lab.protocol == "http/json":
        rules = ("OTLP-SRV-013", "OTLP-JSON-044")
        value = '{"arrayValue":{"values":[' * _DEEP + '{"stringValue":"deep"}' + "]}}" * _DEEP
        pair = f'{{"key":"deep","value":{value}}}'
        item = json_item(signal, lab.marker(), attributes=({"key": "@", "value": {}},))
        whole = json_bytes(json_request(signal, item)).decode()
        answer = post(lab, whole.replace('{"key":"@","value":{}}', pair).encode())
    else:
        pairs = (attribute("deep", nested_value(_DEEP)),)
        answer = send_protobuf(lab, sample_request(signal, lab.marker(), attributes=pairs))
    for rule in rules:
        tries = [Exchange(what=f"a value nested {_DEEP} levels deep", answer=answer)]
        yield check_responses(lab, rule, tries, is_decided, "success or an error of the sender")

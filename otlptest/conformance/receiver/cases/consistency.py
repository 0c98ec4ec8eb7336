"""The same input in every protocol: accepted, partly accepted or refused alike."""

from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.exchange import (
    JSON,
    PROTOBUF,
    Answer,
    Exchange,
    call,
    check_responses,
    crash_result,
    is_decided,
    post,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    TEXT_FIELDS,
    attribute,
    json_bytes,
    json_item,
    json_request,
    sample_item,
    sample_request,
    text,
    wrapped,
)
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.protobuf_writing import chunk

CASES: Final = ReceiverCases()


_NO_UTF8: Final = b"\xff\xfe"
_VALID: Final = "a valid request"


def _verdict(answer: Answer) -> str:
    if answer.is_ok:
        return "accepted"
    return "refused" if answer.is_refused else "neither"


@CASES.add(
    "consistency/alike",
    "The same input in each protocol",
    ("OTLP-SRV-090",),
    protocols=("http/protobuf",),
    needs=("grpc", "http"),
)
def _judge_alike(lab: ReceiverLab) -> Iterator[CheckResult]:
    rule = "OTLP-SRV-090"
    signal = lab.signals[0]
    lines: list[str] = []
    unlike: list[str] = []
    corpus = _corpus(lab, signal)
    plain = _in_each(lab, signal, *corpus[_VALID])
    taking = [name for name, answer in plain.items() if answer.is_ok]
    if len(taking) < 2:  # noqa: PLR2004 -- there is nothing to compare
        told = ", ".join(f"{name} {answer.told()}" for name, answer in plain.items())
        yield inconclusive(rule, f"a valid request is taken in one protocol at most: {told}")
        return
    for what, (body, document) in corpus.items():
        all_answers = plain if what == _VALID else _in_each(lab, signal, body, document)
        answers = {name: all_answers[name] for name in taking}
        told = ", ".join(f"{name} {_verdict(answer)}" for name, answer in answers.items())
        lines.append(f"{what}: {told}")
        if len({_verdict(answer) for answer in answers.values()}) > 1:
            unlike.append(f"{what}: {told}")
    fall = crash_result(lab, rule, "; ".join(lines))
    if fall is not None:
        yield fall
    elif unlike:
        yield failed(rule, f"{'; '.join(unlike)}", expected="the same in each protocol")
    else:
        yield passed(rule, "\n".join(lines))


def _in_each(lab: ReceiverLab, signal: Signal, body: bytes, document: object) -> dict[str, Answer]:
    """Return the answers to the same telemetry in each protocol."""
    return {
        "grpc": call(lab, body, signal=signal),
        "http/protobuf": post(lab, body, signal=signal, media_type=PROTOBUF),
        "http/json": post(lab, json_bytes(document), signal=signal, media_type=JSON),
    }


def _corpus(lab: ReceiverLab, signal: Signal) -> dict[str, tuple[bytes, object]]:
    """Return the same telemetry in protobuf and in JSON."""
    empty_key = attribute("", text("x"))
    corpus: dict[str, tuple[bytes, object]] = {
        _VALID: (
            wrapped(sample_item(signal, lab.marker())),
            json_request(signal, json_item(signal, lab.marker())),
        ),
        "an empty request": (b"", {}),
        "an empty attribute key": (
            wrapped(sample_item(signal, lab.marker(), attributes=(empty_key,))),
            json_request(
                signal,
                json_item(
                    signal,
                    lab.marker(),
                    attributes=({"key": "", "value": {"stringValue": "x"}},),
                ),
            ),
        ),
    }
    if signal == "traces":
        zeros = chunk(1, bytes(16)) + chunk(2, bytes(8))
        ids = {"traceId": "0" * 32, "spanId": "0" * 16}
        corpus["all-zero ids"] = (
            wrapped(sample_item(signal, lab.marker(), more=zeros)),
            json_request(signal, json_item(signal, lab.marker(), more=ids)),
        )
    return corpus


@CASES.add(
    "consistency/invalid_utf8",
    "Texts that are no UTF-8",
    ("OTLP-SRV-008",),
    protocols=("grpc", "http/protobuf"),
)
def _judge_invalid_utf8(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge invalid UTF-8 in a text and in a key: the same over all available transports."""
    rule, signal = "OTLP-SRV-008", lab.signals[0]
    bodies = {
        "invalid UTF-8 in a text": wrapped(
            sample_item(signal, lab.marker(), more=chunk(TEXT_FIELDS[signal], _NO_UTF8))
        ),
        "invalid UTF-8 in a key": wrapped(
            sample_item(signal, lab.marker(), attributes=(attribute(_NO_UTF8, text("x")),))
        ),
    }
    tries: list[Exchange] = []
    unlike: list[str] = []
    plain = _over_both(lab, signal, sample_request(signal, lab.marker()))
    for what, body in bodies.items():
        found = _over_both(lab, signal, body)
        answers = {name: each for name, each in found.items() if plain[name].is_ok}
        tries += [
            Exchange(what=f"{what} over {name}", answer=each) for name, each in answers.items()
        ]
        if len({_verdict(each) for each in answers.values()}) > 1:
            unlike.append(", ".join(f"{name} {_verdict(each)}" for name, each in answers.items()))
    if not tries:
        yield inconclusive(rule, "a valid request is taken over neither transport")
        return
    verdict = check_responses(lab, rule, tries, is_decided, "400, or success")
    if verdict.outcome == "passed" and unlike:
        yield failed(
            rule, f"{'; '.join(unlike)}: {verdict.evidence}", expected="the same over both"
        )
    else:
        yield verdict


def _over_both(lab: ReceiverLab, signal: Signal, body: bytes) -> dict[str, Answer]:
    """Return the answers to a protobuf message over each available transport."""
    answers: dict[str, Answer] = {}
    if lab.grpc is not None:
        answers["gRPC"] = call(lab, body, signal=signal)
    if lab.http is not None:
        answers["HTTP"] = post(lab, body, signal=signal, media_type=PROTOBUF)
    return answers

"""The content of errors: a `google.rpc.Status` in the request's encoding, and no secrets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import JSON, PROTOBUF, call, media_type_of, post
from otlptest.conformance.receiver.health import is_overload
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import attribute, sample_request, text
from otlptest.errors import WireError
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer
from otlptest.wire.transport.statuses import RpcStatus, decode_status

CASES: Final = ReceiverCases()


_ERRORS: Final = range(400, 600)
# A generic router answers these before OTLP's handler; whether OTLP means them is open (AMBIG-11).
_UNKNOWN_PATH: Final = "an unknown path"
_OTHER_METHOD: Final = "the method PUT"
_ROUTED: Final = frozenset({_UNKNOWN_PATH, _OTHER_METHOD})
_BAD_REQUEST: Final = "google.rpc.BadRequest"
_ENCODINGS: Final = {PROTOBUF: "protobuf", JSON: "json"}
_BAD: Final = 400
_LARGE: Final = 20_000
_CODE_TRACES: Final = ("Traceback (most recent call last)", "goroutine 1 [", "\tat java.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    """A provoked error answer with its Status, or why there is none."""

    what: str
    answer: Http1Answer
    status: RpcStatus | None = None
    problem: str = ""

    @property
    def told(self) -> str:
        return f"{self.what}: {self.answer.told()}" + (f": {self.problem}" if self.problem else "")


def _provoked(lab: ReceiverLab) -> list[_Error]:
    """Return an error of each kind that every receiver can be made to send; those that came."""
    good = sample_body(lab, lab.signals[0], lab.marker())
    prefix = lab.http.path if lab.http is not None else ""
    sent = {
        "a malformed body": post(lab, b"\xff\xff\xff\xff"),
        "a body that is not gzip": post(lab, good, fields=[("Content-Encoding", "gzip")]),
        "an unknown content coding": post(lab, good, fields=[("Content-Encoding", "x-nope")]),
        _UNKNOWN_PATH: post(lab, good, target=f"{prefix}/v1/nothing"),
        _OTHER_METHOD: post(lab, good, method="PUT"),
    }
    wanted = media_type_of(lab)
    errors = [_read(what, answer, wanted) for what, answer in sent.items()]
    other = post(lab, good, media_type="text/plain")
    errors.append(_read("the content type text/plain", other, other.media_type))
    # An overloaded receiver answers every request so.
    return [
        each for each in errors if each.answer.status in _ERRORS and not is_overload(each.answer)
    ]


def _read(what: str, answer: Http1Answer, wanted: str) -> _Error:
    """Return an error, judged: its body must be a Status in the encoding `wanted`."""
    if wanted not in _ENCODINGS or answer.media_type != wanted:
        known = wanted if wanted in _ENCODINGS else f"{PROTOBUF} or {JSON}"
        problem = f"the content type is {answer.media_type or 'missing'}, expected: {known}"
        return _Error(what=what, answer=answer, problem=problem)
    try:
        status = decode_status(answer.body, _ENCODINGS[wanted])
    except WireError as wrong:
        return _Error(what=what, answer=answer, problem=wrong.problem)
    return _Error(what=what, answer=answer, status=status)


@CASES.add(
    "errors/bodies",
    "The Status in each error answer",
    ("OTLP-RESP-055", "OTLP-RESP-056", "OTLP-RESP-058", "OTLP-RESP-059"),
    protocols=("http/protobuf",),
)
@CASES.add(
    "errors/bodies_json",
    "The Status in each error answer to JSON",
    (
        "OTLP-JSON-042",
        "OTLP-RESP-055",
        "OTLP-RESP-056",
        "OTLP-RESP-058",
        "OTLP-RESP-059",
    ),
    protocols=("http/json",),
)
def _judge_bodies(lab: ReceiverLab) -> Iterator[CheckResult]:
    errors = _provoked(lab)
    is_json = lab.protocol == "http/json"
    if not errors:
        yield inconclusive("OTLP-RESP-055", "nothing that is wrong was answered with an error")
        return
    handled = [each for each in errors if each.what not in _ROUTED]
    routed = [each for each in errors if each.what in _ROUTED]
    yield _statuses("OTLP-RESP-055", handled, routed)
    if is_json:
        own = [each for each in handled if not each.what.startswith("the content type")]
        yield _statuses("OTLP-JSON-042", own, [])
    yield from _details(errors)


def _statuses(rule: str, handled: list[_Error], routed: list[_Error]) -> CheckResult:
    bad = [each for each in handled if each.status is None]
    if bad:
        return failed(rule, "\n".join(each.told for each in bad))
    if not handled:
        return inconclusive(rule, "no error of OTLP's own handler came")
    note = [
        f"{each.told} (not counted: whether OTLP means what a router answers is open)"
        for each in routed
        if each.status is None
    ]
    return passed(rule, "\n".join([*(each.told for each in handled), *note]))


def _details(errors: list[_Error]) -> Iterator[CheckResult]:
    """Judge the content of a 400 for a malformed body."""
    found = next(
        (each for each in errors if each.answer.status == _BAD and each.what not in _ROUTED), None
    )
    rules = ("OTLP-RESP-058", "OTLP-RESP-059", "OTLP-RESP-056")
    if found is None or found.status is None:
        reason = found.told if found else "nothing was answered HTTP 400"
        yield from (inconclusive(rule, reason) for rule in rules)
        return
    status = found.status
    say = passed if status.message.strip() else failed
    yield say("OTLP-RESP-058", f"{found.told}: the message is {status.message!r}")
    say = passed if _BAD_REQUEST in status.details else failed
    yield say("OTLP-RESP-059", f"{found.told}: its details are {list(status.details)}")
    omits = not int(status.code)
    yield (passed if omits else not_applicable)(
        "OTLP-RESP-056", f"Status.code is {int(status.code)}"
    )


# Texts that it must not contain.


@CASES.add(
    "errors/echo",
    "No secrets, payload or stack trace in an error",
    ("OTLP-SRV-083",),
)
def _judge_echo(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge that neither credentials, nor much of the payload, nor a stack trace come back."""
    secret = f"secret-{lab.marker()}"
    answers = _grpc_answers(lab, secret) if lab.protocol == "grpc" else _http_answers(lab, secret)
    if not answers:
        yield inconclusive("OTLP-SRV-083", "nothing that is wrong was answered with an error")
        return
    leaks = [
        f"{what}: {leak}" for what, text_of in answers.items() if (leak := _leak(text_of, secret))
    ]
    if leaks:
        yield failed("OTLP-SRV-083", "\n".join(leaks))
    else:
        yield passed("OTLP-SRV-083", f"{len(answers)} errors had neither a secret nor the payload")


def _http_answers(lab: ReceiverLab, secret: str) -> dict[str, str]:
    fields = [("Authorization", f"Bearer {secret}")]
    big = b"\xff" + b"payload " * _LARGE
    good = sample_body(lab, lab.signals[0], lab.marker())
    prefix = lab.http.path if lab.http is not None else ""
    sent = {
        "a malformed body": post(lab, b"\xff\xff", fields=fields),
        "a large malformed body": post(lab, big, fields=fields),
        "an unknown coding": post(lab, good, fields=[*fields, ("Content-Encoding", "x-nope")]),
        _UNKNOWN_PATH: post(lab, good, target=f"{prefix}/v1/nothing", fields=fields),
    }
    return {
        what: f"{answer.fields} {answer.body.decode('utf-8', 'replace')}"
        for what, answer in sent.items()
        if answer.status in _ERRORS
    }


def _grpc_answers(lab: ReceiverLab, secret: str) -> dict[str, str]:
    fields = [("authorization", f"Bearer {secret}")]
    good = sample_request(
        lab.signals[0], lab.marker(), attributes=(attribute("pad", text("payload " * _LARGE)),)
    )
    nope = "/opentelemetry.proto.collector.trace.v1.TraceService/Nope"
    sent: dict[str, GrpcAnswer] = {
        "an undecodable message": call(lab, b"\xff\xff", fields=fields),
        "a large undecodable message": call(lab, good + b"\xff", fields=fields),
        "an unknown method": call(lab, good, path=nope, fields=fields),
    }
    return {
        what: f"{answer.blocks} {answer.body!r}" for what, answer in sent.items() if answer.is_error
    }


def _leak(answer: str, secret: str) -> str:
    if secret in answer:
        return "the credentials of the request are in the answer"
    if answer.count("payload ") > _LARGE // 10:
        return "a large part of the payload is in the answer"
    found = next((mark for mark in _CODE_TRACES if mark in answer), "")
    return f"a stack trace is in the answer ({found!r})" if found else ""

"""What a receiver answers to requests that are right: full success, and nothing to store."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from otlptest.conformance.cases import ReceiverCase
from otlptest.conformance.protobuf_writing import chunk
from otlptest.conformance.raw_grpc import GrpcAnswer
from otlptest.conformance.raw_http1 import Http1Answer
from otlptest.conformance.receiver_exchanges import (
    JSON,
    PROTOBUF,
    Answer,
    Try,
    answered,
    call,
    is_ok,
    judged,
    media_type_of,
    post,
    submit,
)
from otlptest.conformance.receiver_lab import ReceiverLab
from otlptest.conformance.receiver_stored import judged_stored
from otlptest.conformance.sample_requests import (
    json_bytes,
    json_item,
    json_request,
    sample_request,
)
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.errors import WireError
from otlptest.model import Signal
from otlptest.wire import otlp_json, otlp_protobuf
from otlptest.wire.signals import SIGNAL_NAMES, response_class

__all__ = ["CASES", "decoded_response", "sample_body"]


def sample_body(lab: ReceiverLab, signal: Signal, marker: str) -> bytes:
    """A valid request with one item in the encoding of the suite's protocol."""
    if lab.protocol == "http/json":
        return json_bytes(json_request(signal, json_item(signal, marker)))
    return sample_request(signal, marker)


def decoded_response(signal: Signal, body: bytes, *, is_json: bool) -> Any:  # noqa: ANN401 -- a generated message
    """The `Export…ServiceResponse` in a body.

    Raises:
        WireError: There is none.
    """
    if is_json:
        return otlp_json.decode_response(signal, body)
    kind = response_class(signal)
    return otlp_protobuf.decode_message(kind, body, rule="OTLP-RESP-002")


# Full success.


def _judge_http_success(lab: ReceiverLab) -> Iterator[Judged]:
    is_json = lab.protocol == "http/json"
    unset = "OTLP-JSON-039" if is_json else "OTLP-RESP-004"
    for signal in lab.signals:
        answer = post(lab, sample_body(lab, signal, lab.marker()), signal=signal)
        seen = f"a valid {signal} request was answered {answer.told()}"
        if not answer.is_ok:
            yield broken("OTLP-RESP-002", f"wanted: HTTP 200; {seen}")
            yield not_observed(unset, seen)
            continue
        try:
            response = decoded_response(signal, answer.body, is_json=is_json)
        except WireError as wrong:
            yield broken("OTLP-RESP-002", f"{seen}, and that is no response message: {wrong}")
            outcome = broken if is_json else not_observed
            yield outcome(unset, f"{seen}, and that is no response message: {wrong}")
            continue
        yield held("OTLP-RESP-002", seen)
        yield from _unset(unset, signal, response, seen)


def _judge_grpc_success(lab: ReceiverLab) -> Iterator[Judged]:
    for signal in lab.signals:
        answer = call(lab, sample_request(signal, lab.marker()), signal=signal)
        seen = f"a valid {signal} call came to {answer.told()}"
        if not answer.is_ok:
            yield broken("OTLP-RESP-001", f"wanted: gRPC status OK; {seen}")
            continue
        count = len(answer.messages)
        if count != 1 or answer.message_problem:
            what = f"{seen} with {count} messages {answer.message_problem}".strip()
            yield broken("OTLP-GRPC-048", f"wanted: exactly one message; {what}")
        else:
            yield held("OTLP-GRPC-048", f"{seen} with one message")
        if count != 1 or answer.messages[0][0]:
            yield not_observed("OTLP-RESP-001", f"{seen}, without one plain message to look at")
            continue
        try:
            response = decoded_response(signal, answer.messages[0][1], is_json=False)
        except WireError as wrong:
            yield broken("OTLP-RESP-001", f"{seen}, and its message is no response: {wrong}")
            continue
        yield held("OTLP-RESP-001", f"{seen} with the signal's response")
        yield from _unset("OTLP-RESP-003", signal, response, seen)


def _unset(rule: str, signal: Signal, response: Any, seen: str) -> Iterator[Judged]:  # noqa: ANN401 -- as above
    if not response.HasField("partial_success"):
        yield held(rule, f"{seen}: partial_success is not set")
    elif getattr(response.partial_success, SIGNAL_NAMES[signal].rejected_field):
        yield not_observed(rule, f"{seen}: it says that it rejected a valid item")
    elif response.partial_success.error_message:
        yield not_observed(rule, f"{seen}: it warns: {response.partial_success.error_message!r}")
    else:
        yield broken(rule, f"{seen}: partial_success is set, to an empty one")


# Media types.


def _judge_media_types(lab: ReceiverLab) -> Iterator[Judged]:
    """Of the answer to a right and to a wrong body, whatever `Accept` says."""
    wanted = media_type_of(lab)
    signal = lab.signals[0]
    rules = ("OTLP-JSON-002",) if wanted == JSON else ("OTLP-HTTP-018", "OTLP-HTTP-020")
    other = PROTOBUF if wanted == JSON else JSON
    right = sample_body(lab, signal, lab.marker())
    wrong = b'{"resourceSpans":[' if wanted == JSON else b"\xff\xff\xff"
    tries = [
        Try(what="a valid request", answer=post(lab, right)),
        Try(what="a malformed request", answer=post(lab, wrong)),
    ]
    if wanted == PROTOBUF:
        fields = [("Accept", other)]
        asked = [Try(what=f"Accept: {other}", answer=post(lab, right, fields=fields))]
        yield judged(lab, "OTLP-HTTP-019", [tries[0], *asked], _has_type(wanted), wanted)
        texts = [("Accept", "text/html")]
        others = [Try(what="Accept: text/html", answer=post(lab, right, fields=texts))]
        yield judged(lab, "OTLP-SRV-035", [*asked, *others], _has_type(wanted), wanted)
    for rule in rules:
        chosen = tries[1:] if rule == "OTLP-HTTP-020" else tries
        yield judged(lab, rule, chosen, _has_type(wanted), f"an answer of type {wanted}")


def _has_type(wanted: str) -> Callable[[Answer], bool]:
    def has(answer: Answer) -> bool:
        return isinstance(answer, Http1Answer) and answer.media_type == wanted

    return has


# Nothing to store.


def _judge_empty(lab: ReceiverLab) -> Iterator[Judged]:
    rule = {"grpc": "OTLP-RESP-005", "http/protobuf": "OTLP-RESP-006"}.get(
        lab.protocol, "OTLP-JSON-038"
    )
    yield judged(
        lab, rule, (_empty_try(lab, signal, rule) for signal in lab.signals), is_ok, "success"
    )


def _empty_try(lab: ReceiverLab, signal: Signal, rule: str) -> Try:
    if rule == "OTLP-JSON-038":
        return Try(what=f"{{}} for {signal}", answer=post(lab, b"{}", signal=signal))
    return Try(what=f"no bytes for {signal}", answer=submit(lab, b"", signal=signal))


def _judge_hollow(lab: ReceiverLab) -> Iterator[Judged]:
    tries = (each for signal in lab.signals for each in _hollow_tries(lab, signal))
    yield judged(lab, "OTLP-RESP-007", tries, is_ok, "success")


def _hollow_tries(lab: ReceiverLab, signal: Signal) -> Iterator[Try]:
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
            yield Try(
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
        yield Try(what=f"{what} ({signal})", answer=submit(lab, body, signal=signal))


# Plain, repeated, and not lost.


def _judge_plain(lab: ReceiverLab) -> Iterator[Judged]:
    if lab.protocol == "grpc":
        fields = {
            "no grpc-encoding": (),
            "grpc-encoding: identity": (("grpc-encoding", "identity"),),
        }
        tries = (
            Try(
                what=f"{signal}, {what}",
                answer=call(lab, sample_request(signal, lab.marker()), signal=signal, fields=more),
            )
            for signal in lab.signals
            for what, more in fields.items()
        )
        yield judged(lab, "OTLP-GRPC-008", tries, is_ok, "gRPC status OK")
        return
    answers = [
        Try(what=f"a plain {signal} body over HTTP/1.1", answer=post(lab, body, signal=signal))
        for signal in lab.signals
        for body in [sample_body(lab, signal, lab.marker())]
    ]
    yield judged(lab, "OTLP-HTTP-015", answers, answered(200), "HTTP 200")
    yield judged(lab, "OTLP-HTTP-011", answers, _is_http1, "an HTTP/1.1 answer")


def _is_http1(answer: Answer) -> bool:
    return isinstance(answer, Http1Answer) and answer.is_ok


def _judge_duplicates(lab: ReceiverLab) -> Iterator[Judged]:
    """The same bytes again, as a client sends them that got no answer."""
    bodies = {signal: sample_body(lab, signal, lab.marker()) for signal in lab.signals}
    tries = (
        Try(what=f"{signal}, time {time} of 2", answer=_send(lab, body, signal))
        for signal, body in bodies.items()
        for time in (1, 2)
    )
    yield judged(lab, "OTLP-RESP-084", tries, is_ok, "success both times")


def _send(lab: ReceiverLab, body: bytes, signal: Signal) -> Answer:
    if lab.protocol == "grpc":
        return call(lab, body, signal=signal)
    return post(lab, body, signal=signal)


def _judge_kept(lab: ReceiverLab) -> Iterator[Judged]:
    """The connection of each request is closed as soon as its answer is there."""
    for signal in lab.signals:
        marker = lab.marker()
        answer: Http1Answer | GrpcAnswer = _send(lab, sample_body(lab, signal, marker), signal)
        seen = f"a {signal} request was answered {answer.told()}, and its connection closed"
        if not answer.is_ok:
            yield not_observed("OTLP-RESP-010", seen)
            continue
        yield judged_stored(
            lab, "OTLP-RESP-010", signal, marker, seen, matches=lambda _: "", is_plain=True
        )


CASES: Final = (
    ReceiverCase(
        id="success/answer",
        title="What a valid request is answered over HTTP",
        requirements=("OTLP-RESP-002", "OTLP-RESP-004"),
        judge=_judge_http_success,
        protocols=("http/protobuf",),
    ),
    ReceiverCase(
        id="success/answer_json",
        title="What a valid JSON request is answered",
        requirements=("OTLP-RESP-002", "OTLP-JSON-039"),
        judge=_judge_http_success,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="success/answer_grpc",
        title="What a valid call is answered",
        requirements=("OTLP-RESP-001", "OTLP-RESP-003", "OTLP-GRPC-048"),
        judge=_judge_grpc_success,
        protocols=("grpc",),
    ),
    ReceiverCase(
        id="success/media_type",
        title="The content type of answers, whatever Accept says",
        requirements=("OTLP-HTTP-018", "OTLP-HTTP-019", "OTLP-HTTP-020", "OTLP-SRV-035"),
        judge=_judge_media_types,
        protocols=("http/protobuf",),
    ),
    ReceiverCase(
        id="success/media_type_json",
        title="The content type of answers to JSON",
        requirements=("OTLP-JSON-002",),
        judge=_judge_media_types,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="success/empty",
        title="A request without any telemetry",
        requirements=("OTLP-RESP-006",),
        judge=_judge_empty,
        protocols=("http/protobuf",),
    ),
    ReceiverCase(
        id="success/empty_json",
        title="A JSON request without any telemetry",
        requirements=("OTLP-JSON-038",),
        judge=_judge_empty,
        protocols=("http/json",),
    ),
    ReceiverCase(
        id="success/empty_grpc",
        title="A call without any telemetry",
        requirements=("OTLP-RESP-005",),
        judge=_judge_empty,
        protocols=("grpc",),
    ),
    ReceiverCase(
        id="success/hollow",
        title="Resources without scopes, scopes without items, metrics without points",
        requirements=("OTLP-RESP-007",),
        judge=_judge_hollow,
    ),
    ReceiverCase(
        id="success/plain",
        title="Uncompressed requests over HTTP/1.1",
        requirements=("OTLP-HTTP-011", "OTLP-HTTP-015"),
        judge=_judge_plain,
        protocols=("http/protobuf",),
    ),
    ReceiverCase(
        id="success/plain_grpc",
        title="Uncompressed calls",
        requirements=("OTLP-GRPC-008",),
        judge=_judge_plain,
        protocols=("grpc",),
    ),
    ReceiverCase(
        id="success/duplicates",
        title="The same request twice",
        requirements=("OTLP-RESP-084",),
        judge=_judge_duplicates,
    ),
    ReceiverCase(
        id="success/kept",
        title="Data is there after its answer, though the connection is gone",
        requirements=("OTLP-RESP-010",),
        judge=_judge_kept,
        needs=("read_back",),
    ),
)

"""One request and its exact answer: sending for receiver cases, and judging of answers.

`post` and `call` make a connection of their own for each request; `submit` sends a protobuf message
in the suite's protocol. `check_responses` returns one result for many answers, and `crash_result`
one for a receiver that no longer takes plain valid requests.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from otlptest.conformance.receiver.health import is_overload
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.sample_requests import (
    json_bytes,
    json_item,
    json_request,
    sample_request,
)
from otlptest.errors import SendError
from otlptest.model import Signal
from otlptest.results import CheckResult, Harm, failed, inconclusive, passed
from otlptest.sending.raw.grpc_answers import GrpcAnswer
from otlptest.sending.raw.http1_client import Http1Answer, RawHttp1Client, request_bytes
from otlptest.sending.raw.http2_client import RawHttp2Client
from otlptest.timing import Deadline
from otlptest.wire.otlp.signals import SIGNAL_NAMES
from otlptest.wire.transport.grpc_framing import encode_grpc_frame

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

Answer: TypeAlias = Http1Answer | GrpcAnswer

_SERVER_ERROR: Final = 500
# "I do not have that" is the sender's fault, although it is a 5xx.
_HARMLESS: Final = frozenset({501, 505})
_TRY_AGAIN: Final = frozenset({502, 503, 504})
_RECOVERS_S: Final = 3.0
FLOOD_PATIENCE_S: Final = 60.0
"""Seconds that a receiver may work off a flood before it counts as fallen."""

_LOOK_EVERY_S: Final = 0.25
_PLAIN_LOOKS: Final = 3
_NO_LIMIT: Final = frozenset({429, 8})  # a limit on requests, not on their content


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer.

    Attributes:
        what: A description of the request, for evidence.
        answer: The answer.
    """

    what: str
    answer: Answer


# HTTP/1.1.


def media_type_of(lab: ReceiverLab) -> str:
    """Return the content type of the suite's protocol over HTTP."""
    return JSON if lab.protocol == "http/json" else PROTOBUF


def http_talk(lab: ReceiverLab, *, timeout_s: float | None = None) -> RawHttp1Client:
    """Return a new connection to the HTTP endpoint.

    Raises:
        SendError: It cannot be reached.
    """
    return RawHttp1Client(lab.connect(lab.http), _within(lab, timeout_s))


def _within(lab: ReceiverLab, timeout_s: float | None) -> float:
    return min(lab.timeout_s if timeout_s is None else timeout_s, lab.left_s)


def target_of(lab: ReceiverLab, signal: Signal | None = None) -> str:
    """Return the request target of a signal; of the first that the receiver takes if None."""
    prefix = lab.http.path if lab.http is not None else ""
    return prefix + SIGNAL_NAMES[signal or lab.signals[0]].http_path


def http_fields(
    lab: ReceiverLab, media_type: str | None = None, fields: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """Return host, content type, the headers that this receiver wants, and more.

    Args:
        lab: The receiver.
        media_type: That of the suite's protocol if None; left out if empty.
        fields: Further ones; one of the same name replaces a header of the lab.
    """
    host = lab.http.authority if lab.http is not None else "localhost"
    given = media_type_of(lab) if media_type is None else media_type
    named = {name.lower() for name, _ in fields}
    wanted = [each for each in lab.headers if each[0].lower() not in named]
    return [("Host", host), *([("Content-Type", given)] if given else []), *wanted, *fields]


def post(
    lab: ReceiverLab,
    body: bytes,
    *,
    signal: Signal | None = None,
    method: str = "POST",
    target: str | None = None,
    media_type: str | None = None,
    fields: Sequence[tuple[str, str]] = (),
    timeout_s: float | None = None,
) -> Http1Answer:
    """Return the answer to one HTTP/1.1 request on a connection of its own.

    Args:
        lab: The receiver.
        body: Sent unchanged.
        signal: The signal whose path to use; the first that the receiver takes if None.
        method: The method.
        target: The request target, instead of the signal's.
        media_type: See `http_fields`.
        fields: Further header fields.
        timeout_s: Seconds to wait for the answer; the lab's timeout if None.

    Raises:
        SendError: The receiver cannot be reached.
    """
    head = http_fields(lab, media_type, fields)
    to = target_of(lab, signal) if target is None else target
    with http_talk(lab, timeout_s=timeout_s) as talk:
        talk.say(request_bytes(method, to, head, body))
        return talk.answer(is_head=method == "HEAD")


# gRPC.


def grpc_talk(lab: ReceiverLab, *, timeout_s: float | None = None) -> RawHttp2Client:
    """Return a new HTTP/2 connection to the gRPC endpoint.

    Raises:
        SendError: It cannot be reached.
    """
    wire = lab.connect(lab.grpc)
    return RawHttp2Client(wire, _within(lab, timeout_s))


def call_fields(
    lab: ReceiverLab,
    signal: Signal | None = None,
    *,
    path: str | None = None,
    media_type: str = "application/grpc",
    fields: Sequence[tuple[str, str]] = (),
) -> tuple[tuple[str, str], ...]:
    """Return the header fields of a gRPC call."""
    endpoint = lab.grpc or lab.endpoint
    return (
        (":method", "POST"),
        (":scheme", "https" if endpoint.is_tls else "http"),
        (":path", SIGNAL_NAMES[signal or lab.signals[0]].grpc_path if path is None else path),
        (":authority", endpoint.authority),
        ("te", "trailers"),
        ("content-type", media_type),
        *((name.lower(), value) for name, value in lab.headers),
        *fields,
    )


def call(
    lab: ReceiverLab,
    message: bytes = b"",
    *,
    signal: Signal | None = None,
    body: bytes | None = None,
    is_compressed: bool = False,
    path: str | None = None,
    media_type: str = "application/grpc",
    fields: Sequence[tuple[str, str]] = (),
    talk: RawHttp2Client | None = None,
    timeout_s: float | None = None,
) -> GrpcAnswer:
    """Return the answer to one gRPC call, on a connection of its own unless `talk` is given.

    Args:
        lab: The receiver.
        message: The request message, sent behind its prefix.
        signal: The signal whose method to call; the first that the receiver takes if None.
        body: What to send instead of prefix and message.
        is_compressed: The compressed flag.
        path: The method, instead of the signal's.
        media_type: The content type.
        fields: Further metadata.
        talk: The connection to use.
        timeout_s: Seconds to wait for the answer on an own connection; the lab's timeout if None.

    Raises:
        SendError: The receiver cannot be reached.
    """
    sent = encode_grpc_frame(message, is_compressed=is_compressed) if body is None else body
    head = call_fields(lab, signal, path=path, media_type=media_type, fields=fields)
    if talk is not None:
        stream = talk.open(head)
        talk.body(stream, sent)
        return talk.answer(stream)
    with grpc_talk(lab, timeout_s=timeout_s) as own:
        stream = own.open(head)
        own.body(stream, sent)
        return own.answer(stream)


# Either.


def answered(*statuses: int) -> Callable[[Answer], bool]:
    """Return a check for a whole HTTP answer with one of some statuses."""

    def is_one(answer: Answer) -> bool:
        return (
            isinstance(answer, Http1Answer) and answer.is_whole and answer.status in set(statuses)
        )

    return is_one


def is_ok(answer: Answer) -> bool:
    """Return whether the request was taken: 200, or gRPC status OK."""
    return answer.is_ok


def is_refused(answer: Answer) -> bool:
    """Return whether it was refused as the sender's fault: a 4xx, or over gRPC any error."""
    return answer.is_refused


def is_decided(answer: Answer) -> bool:
    """Return whether the request was taken, or refused as the sender's fault."""
    return answer.is_ok or answer.is_refused


def is_refused_or_cut(answer: Answer) -> bool:
    """Return whether it was refused, or the connection ended without an answer."""
    return answer.is_refused or (not answer.is_ok and answer.end in {"closed", "reset"})


def send_protobuf(lab: ReceiverLab, message: bytes, *, signal: Signal | None = None) -> Answer:
    """Return the answer to bytes as a protobuf message, over the suite's transport.

    Raises:
        SendError: The receiver cannot be reached.
    """
    if lab.protocol == "grpc":
        return call(lab, message, signal=signal)
    return post(lab, message, signal=signal, media_type=PROTOBUF)


def harm_of(answer: Answer, *, is_good: bool = False) -> Harm | None:
    """Return the harm that makes a failed ROBUSTNESS requirement fail: silence, or a 5xx.

    Args:
        answer: The answer.
        is_good: Whether the request was valid: then "try again" is not a harm.
    """
    if answer.is_hang:
        return "hang"
    status = answer.status if isinstance(answer, Http1Answer) else answer.http_status
    if status is None or status < _SERVER_ERROR or status in _HARMLESS:
        return None
    return None if is_good and status in _TRY_AGAIN else "server_error"


def plain_answer(
    lab: ReceiverLab, signal: Signal | None = None, *, timeout_s: float | None = None
) -> Answer:
    """Return the answer to a plain valid request, in the suite's protocol.

    Args:
        lab: The receiver.
        signal: Its signal; the first that the receiver takes if None.
        timeout_s: Seconds to wait for the answer; the lab's timeout if None.

    Raises:
        SendError: The receiver cannot be reached.
    """
    chosen = signal or lab.signals[0]
    if lab.protocol == "grpc":
        body = sample_request(chosen, lab.marker())
        return call(lab, body, signal=chosen, timeout_s=timeout_s)
    if lab.protocol == "http/json":
        body = json_bytes(json_request(chosen, json_item(chosen, lab.marker())))
    else:
        body = sample_request(chosen, lab.marker())
    return post(lab, body, signal=chosen, timeout_s=timeout_s)


def crash_result(
    lab: ReceiverLab, rule: str, after: str, *, patience_s: float = _RECOVERS_S
) -> CheckResult | None:
    """Return a failure if a receiver no longer takes plain valid requests; else None.

    It gets some seconds. A receiver that reports overload has not fallen: the result is
    inconclusive. It has crashed only if it refuses connections. Blocks at most `patience_s`
    and one answer.

    Args:
        lab: The receiver.
        rule: The requirement.
        after: The treatment before, for evidence.
        patience_s: Seconds that it may take; by default as long as after a flood.
    """
    deadline = Deadline(min(patience_s, lab.left_s))
    while True:
        condition = lab.condition()
        if condition.is_well:
            return None
        if not deadline.pause(_LOOK_EVERY_S):
            break
    if condition.health == "busy":
        return inconclusive(rule, f"{condition}; {after}")
    return failed(rule, f"{condition}; {after}", harm=condition.harm)


def stop_at_timeout(tries: Iterable[Exchange]) -> list[Exchange]:
    """Return all tries, or those up to the first without an answer."""
    return _tried(tries)[0]


def _tried(tries: Iterable[Exchange]) -> tuple[list[Exchange], SendError | None]:
    """Return the tries up to the first without an answer or send error, and that error.

    Raises:
        SendError: The first one could not be sent.
    """
    kept: list[Exchange] = []
    try:
        for each in tries:
            kept.append(each)
            if each.answer.is_hang:
                break
    except SendError as problem:
        if not kept:
            raise
        return kept, problem
    return kept, None


def check_responses(
    lab: ReceiverLab,
    rule: str,
    tries: Iterable[Exchange],
    right: Callable[[Answer], bool],
    wanted: str,
) -> CheckResult:
    """Return one result for all tries; a hang, or a receiver that is gone, ends it.

    An answer of overload is inconclusive, unless only these requests get it and plain valid ones do
    not.

    Args:
        lab: The receiver; must take plain valid requests afterwards.
        rule: The requirement.
        tries: The requests and their answers, in order.
        right: Returns whether an answer is as demanded.
        wanted: The demand, for evidence: `HTTP 400`.

    Raises:
        SendError: Not all could be sent, all answers are right, and the receiver is well.
    """
    seen, unsent = _tried(tries)
    wrong = [each for each in seen if not right(each.answer)]
    last = f"{seen[-1].what}: {seen[-1].answer.told()}" if seen else "nothing"
    fall = crash_result(lab, rule, f"the last was {last}")
    if fall is not None:
        return fall
    busy = [each for each in wrong if is_overload(each.answer)]
    if busy and _is_load(lab, busy[0].answer, is_right_request=right is is_ok):
        wrong = [each for each in wrong if each not in busy]
        if not wrong:
            told = "\n".join(f"{each.what}: {each.answer.told()}" for each in busy[:_MOST_SHOWN])
            return inconclusive(rule, f"it says that it is overloaded: {told}")
    if not wrong and unsent is not None:
        raise unsent
    if not wrong:
        return passed(rule, "\n".join(_lines(seen)))
    harms = [harm_of(each.answer, is_good=right is is_ok) for each in wrong]
    # Harm is reported first.
    wrong = [each for _, each in sorted(zip(harms, wrong, strict=True), key=lambda two: not two[0])]
    count = f"{len(wrong)} of {len(seen)} were answered otherwise:\n" if len(seen) > 1 else ""
    told = "\n".join(f"{each.what}: {each.answer.told()}" for each in wrong[:_MOST_SHOWN])
    return failed(rule, count + told, expected=wanted, harm=next(filter(None, harms), None))


def _is_load(lab: ReceiverLab, answer: Answer, *, is_right_request: bool) -> bool:
    """Return whether an answer of overload is about load, not about an odd request."""
    status = answer.status if isinstance(answer, Http1Answer) else answer.grpc_status
    if is_right_request or status in _NO_LIMIT:
        return True
    return not all(lab.condition().is_well for _ in range(_PLAIN_LOOKS))


_MOST_SHOWN: Final = 4


def _lines(seen: Sequence[Exchange]) -> Iterator[str]:
    for each in seen[:_MOST_SHOWN]:
        yield f"{each.what}: {each.answer.told()}"
    if len(seen) > _MOST_SHOWN:
        yield f"and {len(seen) - _MOST_SHOWN} more, as demanded"

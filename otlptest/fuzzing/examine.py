"""Examines a receiver with one payload at a time, and confirms each fault.

A failing payload is sent once more: a connection that was closed meanwhile, brief load or a
restart is not a fault. A probe, a plain valid request, shows whether the receiver lives.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from otlptest.conformance.receiver.lab import MARKER_ATTRIBUTE
from otlptest.conformance.receiver.probes import probe_request
from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.errors import WireError
from otlptest.fuzzing.client import Answer, AnswerKind, Talk
from otlptest.fuzzing.oracle import ALSO_PLAIN, Fault, fallen, fault_of
from otlptest.model import Protocol, Signal
from otlptest.strategies import DEFAULT_UNIX_NANO, Payload
from otlptest.strategies.payloads import plain_of
from otlptest.timing import SYSTEM_CLOCK, Deadline
from otlptest.wire.otlp import otlp_json, otlp_protobuf
from otlptest.wire.otlp.fields_of_time import shift_times

Health: TypeAlias = Literal["well", "failing", "late", "down"]
"""The answer to the probe: well, as the receiver's fault, too late, or none."""

_UNANSWERED: Final[frozenset[AnswerKind]] = frozenset({"cut_off", "late", "unreachable", "garbage"})
_WAITS_S: Final = (0.1, 0.4, 1.0)
_LONGEST_WAIT_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.1
_MOMENT_S: Final = 0.05  # a receiver that dies of a payload is gone after this time, or soon after
_HOPELESS: Final = 40  # payloads in a row refused for load, after which waiting does not help
_TOO_LARGE: Final = frozenset({408, 413})
_GATEWAY: Final = frozenset({502, 504})
_UNAVAILABLE: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The result of one payload.

    Attributes:
        answer: The decisive answer.
        fault: The fault in it; None if there is none.
        is_aged: Whether a valid request was refused only for the age of its data.
        plain: The plain payload that shows the fault as well; None if there is none.
    """

    answer: Answer
    fault: Fault | None = None
    is_aged: bool = False
    plain: Payload | None = None


class Examiner:
    """Sends payloads to one endpoint and judges the answers. Used by one thread.

    Args:
        lab: The receiver, with the signals that it takes.
        talk: The conversation with it.
        grace_s: The time that it may be away before it counts as fallen.
    """

    def __init__(self, lab: TargetLab, talk: Talk, *, grace_s: float = 2.0) -> None:
        self._grace_s = grace_s
        self._lab = lab
        self._talk = talk
        self._in_a_row = 0

    def examine(self, payload: Payload) -> Examination:
        """Examine a payload with confirmation; blocks for several timeouts without an answer."""
        answer = self._settled(payload)
        if answer.kind == "failed":
            answer = self._settled(payload)
        if answer.kind in _UNANSWERED:
            return self._unanswered(payload, answer)
        if answer.kind == "failed":
            health = self.health()
            if health != "well":  # what it says to this payload, it says to all
                return _fallen(payload, answer, health)
        return self._judged(payload, answer)

    def look_again(self, payload: Payload) -> Examination:
        """Examine without confirmation, but check whether the receiver lives."""
        answer = self._talk.send(payload)
        Deadline(_MOMENT_S).pause(_MOMENT_S)
        health = self.health(grace_s=_MOMENT_S)
        if health != "well":
            return _fallen(payload, answer, health)
        return self._judged(payload, answer)

    def health(self, *, grace_s: float | None = None) -> Health:
        """Return how the receiver answers a probe, over a new connection.

        It is asked again for a while before a bad answer counts.

        Args:
            grace_s: The length of that while; the examiner's own if None.
        """
        deadline = Deadline(self._grace_s if grace_s is None else grace_s)
        while True:
            health = self._health_now()
            if health in {"well", "late"} or not deadline.pause(_LOOK_EVERY_S):
                return health

    def _health_now(self) -> Health:
        probe = _probe(self._lab.signals[0], self._lab.protocol, self._lab.marker())
        with Talk(self._lab, reads_successes=self._talk.reads_successes) as talk:
            kind = talk.send(probe).kind
        if kind == "late":
            return "late"
        if kind in _UNANSWERED:
            return "down"
        return "failing" if kind == "failed" else "well"

    def _settled(self, payload: Payload) -> Answer:
        """Return the answer once the receiver is not busy, or a persistent busy one."""
        answer = self._talk.send(payload)
        if answer.kind != "overloaded":
            self._in_a_row = 0
            return answer
        self._in_a_row += 1
        if self._in_a_row > _HOPELESS or not _may_change(answer):
            return answer
        for wait_s in _WAITS_S:
            asked_s = min(answer.retry_after_s or wait_s, _LONGEST_WAIT_S)
            Deadline(asked_s).pause(asked_s)
            answer = self._talk.send(payload)
            if answer.kind != "overloaded":
                self._in_a_row = 0
                return answer
        return self._persistent(answer)

    def _persistent(self, answer: Answer) -> Answer:
        """Return a fault that load cannot explain: only this payload gets this answer."""
        is_grpc = self._lab.protocol == "grpc"
        says_nothing_of_load = (
            answer.status == _UNAVAILABLE if is_grpc else answer.status in _GATEWAY
        )
        if says_nothing_of_load and self._health_now() == "well":
            return replace(answer, kind="failed")
        return answer

    def _unanswered(self, payload: Payload, answer: Answer) -> Examination:
        health = self.health()
        if health != "well":
            return _fallen(payload, answer, health)
        again = self._settled(payload)
        if again.kind in _UNANSWERED:
            health = self.health()
            if health != "well":
                return _fallen(payload, again, health)
        return self._judged(payload, again)

    def _judged(self, payload: Payload, answer: Answer) -> Examination:
        takes_plain, is_aged = True, False
        if answer.kind == "refused" and payload.expected == "must_accept":
            takes_plain, is_aged = self._takes_plain(payload)
        fault = fault_of(payload, answer, takes_plain=takes_plain)
        if fault is not None and fault.kind in ALSO_PLAIN and payload.plain:
            also = self._fails_plain(payload, answer)
            if also is not None:
                return also
        return Examination(answer=answer, fault=fault, is_aged=is_aged)

    def _fails_plain(self, payload: Payload, answer: Answer) -> Examination | None:
        """Return the result of the plain payload if it fails alike: the oddity is not the cause."""
        plain = plain_of(payload)
        again = self._settled(plain)
        if again.kind == "failed":
            again = self._settled(plain)
        if again.kind != answer.kind:
            return None
        fault = fault_of(plain, again, takes_plain=True)
        return Examination(answer=again, fault=fault, plain=plain)

    def _takes_plain(self, payload: Payload) -> tuple[bool, bool]:
        """Return whether it takes the plain payload, and whether age is the reason if not."""
        if payload.plain and not self._is_taken(payload, payload.plain):
            return False, False
        # The plain payload lacks the odd encoding, and has the same age.
        fresh = _fresh(payload, self._lab.marker(), is_odd=bool(payload.plain))
        is_aged = fresh is not None and self._is_taken(payload, fresh)
        return not is_aged, is_aged

    def _is_taken(self, payload: Payload, body: bytes) -> bool:
        plain = replace(payload, body=body, plain=b"")
        return self._settled(plain).kind in {"taken", "taken_in_part"}


def _may_change(answer: Answer) -> bool:
    """Return whether a refusal for load may change later."""
    return answer.status not in _TOO_LARGE


def _fallen(payload: Payload, answer: Answer, health: Health) -> Examination:
    """Return the fault of a receiver that no longer answers anybody, at least not in time."""
    what = {
        "late": "it answers a plain request not in time",
        "down": "it answers a plain request not at all",
        "failing": "it fails on plain requests too",
    }
    told = f"{answer.told}; afterwards {what.get(health, '')}"
    return Examination(answer=answer, fault=fallen(payload, is_late=health == "late", told=told))


def _probe(signal: Signal, protocol: Protocol, marker: str) -> Payload:
    body = probe_request(signal, marker)
    if protocol == "http/json":
        message = otlp_protobuf.decode_request(signal, body, protocol="http/protobuf")
        body = otlp_json.encode_message(message)
    return Payload(
        signal=signal,
        protocol=protocol,
        body=body,
        validity="valid",
        expected="must_accept",
        rule="OTLP-SRV-088",
    )


def _fresh(payload: Payload, marker: str, *, is_odd: bool) -> bytes | None:
    """Return a valid request with its times moved to now, its points in new series.

    None if it cannot be read, or would lose what is odd about it.
    """
    is_json = payload.protocol == "http/json"
    encode = otlp_json.encode_message if is_json else otlp_protobuf.encode_message
    try:
        message: Any = (
            otlp_json.decode_request(payload.signal, payload.body)
            if is_json
            else otlp_protobuf.decode_request(
                payload.signal, payload.body, protocol=payload.protocol
            )
        )
    except WireError:
        return None
    if is_odd and encode(message) != payload.body:
        return None
    shift_times(message, SYSTEM_CLOCK.unix_nanos() - DEFAULT_UNIX_NANO)
    if payload.signal == "metrics":
        _set_apart(message, marker)
    return encode(message)


def _set_apart(message: Any, marker: str) -> None:  # noqa: ANN401 -- a generated message
    """Give each point a unique attribute: a store wants the points of one series in order."""
    for holder in message.resource_metrics:
        for scope in holder.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                for number, point in enumerate(getattr(metric, kind).data_points if kind else ()):
                    value = point.attributes.add(key=MARKER_ATTRIBUTE).value
                    value.string_value = f"{marker}.{number}"

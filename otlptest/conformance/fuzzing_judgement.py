"""What an answer to a fuzzed payload says about the receiver.

Nobody is accused of what may have another reason: a limit or load (413, 429, 503, …) is counted
apart, a refusal of an odd request counts only if the plain one is taken, and of a right one only
if it is no kind that receivers may lack.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otlptest.conformance.fuzzing_answers import Answer, AnswerKind
from otlptest.conformance.verdicts import Harm
from otlptest.strategies import Payload

__all__ = ["FAULT_TITLES", "Fault", "FaultKind", "fault_of"]

FaultKind: TypeAlias = Literal[
    "crash",
    "hang",
    "memory",
    "server_error",
    "cut_off",
    "garbage",
    "took_garbage",
    "refused_right",
    "wrong_status",
    "wrong_error_body",
]

FAULT_TITLES: Final[dict[FaultKind, str]] = {
    "crash": "it answered no more",
    "hang": "it did not answer in time",
    "memory": "its memory grew without bound",
    "server_error": "it answered as if the fault were its own",
    "cut_off": "it closed the connection without an answer",
    "garbage": "it answered with what is no OTLP",
    "took_garbage": "it took what is no request",
    "refused_right": "it refused a right request",
    "wrong_status": "it refused what is no request with another status than 400",
    "wrong_error_body": "its 400 came without a google.rpc.Status",
}
"""What each kind of fault is, as a clause."""

_HARMS: Final[dict[FaultKind, Harm]] = {
    "crash": "crash",
    "hang": "hang",
    "memory": "memory",
    "server_error": "server_error",
}
# Where a fault counts beside the requirement that the payload is about: that one may be a SHOULD,
# or in development, and a crash is a crash.
_GENERAL: Final[dict[FaultKind, str]] = {
    "crash": "OTLP-SRV-088",
    "hang": "OTLP-RESP-087",
    "memory": "OTLP-SRV-085",
    "server_error": "OTLP-SRV-014",
    "cut_off": "OTLP-SRV-014",
}
_ALWAYS_WRONG: Final[dict[AnswerKind, FaultKind]] = {
    "late": "hang",
    "failed": "server_error",
    "cut_off": "cut_off",
    "unreachable": "cut_off",
    "garbage": "garbage",
}
_BAD_REQUEST: Final = 400
_SUCCESS_RULES: Final = {"grpc": "OTLP-RESP-001"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a receiver, as one payload showed it.

    Attributes:
        kind: What it did.
        rules: The requirements that this breaks.
        told: The answer in words.
    """

    kind: FaultKind
    rules: tuple[str, ...]
    told: str

    @property
    def harm(self) -> Harm | None:
        """What makes a broken ROBUSTNESS row a failure."""
        return _HARMS.get(self.kind)

    @property
    def signature(self) -> tuple[str, tuple[str, ...]]:
        """What makes two faults the same one, for counting and shrinking."""
        return self.kind, self.rules


def fault_of(payload: Payload, answer: Answer, *, takes_plain: bool) -> Fault | None:
    """What is wrong with an answer; None if nothing is, or it may have another reason.

    Args:
        payload: What was sent.
        answer: What came back, of a receiver that is alive.
        takes_plain: Whether it takes the payload as an SDK would have sent it.
    """
    kind = _kind(payload, answer, takes_plain=takes_plain)
    if kind is None:
        return None
    return Fault(kind=kind, rules=_rules(kind, payload), told=answer.told)


def _kind(payload: Payload, answer: Answer, *, takes_plain: bool) -> FaultKind | None:
    if answer.kind in _ALWAYS_WRONG:
        return _ALWAYS_WRONG[answer.kind]
    if answer.kind == "refused":
        return _kind_of_refusal(payload, answer, takes_plain=takes_plain)
    if payload.expected == "must_refuse" and answer.kind == "taken":
        return "took_garbage"
    return None


def _kind_of_refusal(payload: Payload, answer: Answer, *, takes_plain: bool) -> FaultKind | None:
    if payload.expected == "must_accept" and takes_plain:
        return "refused_right"
    if payload.protocol == "grpc":
        return None
    if payload.expected == "must_refuse" and answer.status != _BAD_REQUEST:
        return "wrong_status"
    if answer.status == _BAD_REQUEST and not answer.is_otlp_error:
        return "wrong_error_body"
    return None


def _rules(kind: FaultKind, payload: Payload) -> tuple[str, ...]:
    if kind == "wrong_status":
        return ("OTLP-RESP-071",)
    if kind == "wrong_error_body":
        return ("OTLP-RESP-055",)
    if kind == "garbage":
        return (_SUCCESS_RULES.get(payload.protocol, "OTLP-RESP-002"),)
    general = _GENERAL.get(kind)
    return (payload.rule,) if general in {None, payload.rule} else (payload.rule, str(general))

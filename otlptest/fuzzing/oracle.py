"""What an answer to a fuzzed payload says about the receiver.

Nobody is accused of what may have another reason: a limit or load (413, 429, 503, …) is counted
apart, a refusal of an odd request counts only if the plain one is taken, and of a right one only
if it is no kind that receivers may lack. What fails with the plain one too is a fault of that.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from otlptest.fuzzing.client import Answer, AnswerKind
from otlptest.requirements import find
from otlptest.results import Harm
from otlptest.strategies import Payload

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
    "garbage": "it answered with what is not OTLP",
    "took_garbage": "it took what is not a request",
    "refused_right": "it refused a right request",
    "wrong_status": "it refused what is not a request with another status than 400",
    "wrong_error_body": "its 400 came without a google.rpc.Status",
}
"""What each kind of fault is, as a clause."""

_HARMS: Final[dict[FaultKind, Harm]] = {
    "crash": "crash",
    "hang": "hang",
    "memory": "memory",
    "server_error": "server_error",
}
# What an odd payload, that may be refused or taken, must not do to a receiver.
_GENERAL: Final[dict[FaultKind, str]] = {
    "hang": "OTLP-RESP-087",
    "server_error": "OTLP-SRV-014",
    "cut_off": "OTLP-SRV-014",
}
_RULES: Final[dict[FaultKind, str]] = {
    "wrong_status": "OTLP-RESP-071",
    "wrong_error_body": "OTLP-RESP-055",
}
_ALWAYS_WRONG: Final[dict[AnswerKind, FaultKind]] = {
    "late": "hang",
    "failed": "server_error",
    "cut_off": "cut_off",
    "unreachable": "cut_off",
    "garbage": "garbage",
}
_BAD_REQUEST: Final = 400
_QUOTED: Final = re.compile(r"""(["'`]).*?\1""", re.DOTALL)
_VARYING: Final = re.compile(r"\S*\d\S*")
_REASON_SHOWN: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a receiver, as one payload showed it.

    Attributes:
        kind: What it did.
        rules: The requirements that this breaks.
        told: The answer in words.
        reason: Of a right request that fails: the answer without what differs from payload to
            payload. Two reasons are two faults, and what is answered so to an odd payload is not
            about what is odd.
    """

    kind: FaultKind
    rules: tuple[str, ...]
    told: str
    reason: str = ""

    @property
    def harm(self) -> Harm | None:
        """Return what makes a broken ROBUSTNESS row a failure."""
        return _HARMS.get(self.kind)

    @property
    def signature(self) -> tuple[str, tuple[str, ...], str]:
        """Return what makes two faults the same one, for counting and shrinking."""
        return self.kind, self.rules, self.reason


def fault_of(payload: Payload, answer: Answer, *, takes_plain: bool) -> Fault | None:
    """Return what is wrong with an answer; None if nothing is, or it may have another reason.

    Args:
        payload: What was sent.
        answer: What came back, of a receiver that is alive.
        takes_plain: Whether it takes the payload as an SDK would have sent it.
    """
    kind = _kind(payload, answer, takes_plain=takes_plain)
    if kind is None:
        return None
    reason = reason_of(answer) if kind in ALSO_PLAIN and payload.validity == "valid" else ""
    return Fault(kind=kind, rules=_rules(kind, payload), told=answer.told, reason=reason)


ALSO_PLAIN: Final[frozenset[FaultKind]] = frozenset({"hang", "server_error", "cut_off", "garbage"})
"""What a receiver may do to a right request as well as to an odd one."""


def reason_of(answer: Answer) -> str:
    """An answer without numbers, ids and names: the same for all payloads that meet one fault."""
    message = _VARYING.sub("…", _QUOTED.sub("…", answer.told.partition(": ")[2]))
    return f"{answer.kind} {answer.status or ''} {message[:_REASON_SHOWN]}".strip()


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
    if kind in _RULES:
        return (_RULES[kind],)
    if kind == "garbage":
        return ("OTLP-RESP-001" if payload.protocol == "grpc" else "OTLP-RESP-002",)
    if kind in _GENERAL and payload.expected == "may_refuse":
        return _unique(_robustness_rule(payload), _GENERAL[kind])
    if kind in _GENERAL and payload.expected == "must_refuse" and payload.protocol != "grpc":
        return _unique(payload.rule, "OTLP-RESP-071")
    return (payload.rule,)


def fallen(payload: Payload, *, is_late: bool, told: str) -> Fault:
    """The fault of a receiver that answers nobody any more.

    Args:
        payload: What was sent before.
        is_late: It hangs, rather than being gone.
        told: The answer in words.
    """
    kind: FaultKind = "hang" if is_late else "crash"
    about = _robustness_rule(payload) if payload.expected == "may_refuse" else payload.rule
    rules = _unique(about, "OTLP-RESP-087" if is_late else "OTLP-SRV-088")
    return Fault(kind=kind, rules=rules, told=told)


def _robustness_rule(payload: Payload) -> str:
    """Return what an odd payload is about, if that is robustness; other rules ask for no answer."""
    return payload.rule if find(payload.rule).level == "ROBUSTNESS" else ""


def _unique(*rules: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for rule in rules if rule))

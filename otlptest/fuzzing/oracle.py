"""The judgement of a receiver by an answer to a fuzzed payload.

An answer with another possible reason is not a fault: a limit or load (413, 429, 503, …) is counted
apart, a refusal of an odd request counts only if the plain one is taken, and of a valid one only
if receivers must support its kind. If the plain one fails too, the fault is attributed to that.
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
"""A clause for each kind of fault."""

_HARMS: Final[dict[FaultKind, Harm]] = {
    "crash": "crash",
    "hang": "hang",
    "memory": "memory",
    "server_error": "server_error",
}
# Forbidden reactions to an odd payload, which a receiver may refuse or take.
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
    """The fault of a receiver, as one payload showed it.

    Attributes:
        kind: The kind of fault.
        rules: The requirements that it breaks.
        told: The answer in words.
        reason: For a valid request that fails: the answer without the parts that differ between
            payloads. Different reasons are different faults; an odd payload with the same answer
            is not at fault for its oddity.
    """

    kind: FaultKind
    rules: tuple[str, ...]
    told: str
    reason: str = ""

    @property
    def harm(self) -> Harm | None:
        """Return the harm that makes a broken ROBUSTNESS row a failure."""
        return _HARMS.get(self.kind)

    @property
    def signature(self) -> tuple[str, tuple[str, ...], str]:
        """Return a key that is equal for two equal faults, for counting and shrinking."""
        return self.kind, self.rules, self.reason


def fault_of(payload: Payload, answer: Answer, *, takes_plain: bool) -> Fault | None:
    """Return the fault in an answer; None if there is none or another reason is possible.

    Args:
        payload: The payload that was sent.
        answer: The answer of a receiver that is alive.
        takes_plain: Whether it takes the payload in the form that an SDK would send.
    """
    kind = _kind(payload, answer, takes_plain=takes_plain)
    if kind is None:
        return None
    reason = reason_of(answer) if kind in ALSO_PLAIN and payload.validity == "valid" else ""
    return Fault(kind=kind, rules=_rules(kind, payload), told=answer.told, reason=reason)


ALSO_PLAIN: Final[frozenset[FaultKind]] = frozenset({"hang", "server_error", "cut_off", "garbage"})
"""The faults that a valid request can show as well as an odd one."""


def reason_of(answer: Answer) -> str:
    """Return an answer without numbers, ids and names: equal for all payloads with one fault."""
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
    """Return the fault of a receiver that no longer answers.

    Args:
        payload: The payload that was sent before.
        is_late: Whether it hangs instead of being gone.
        told: The answer in words.
    """
    kind: FaultKind = "hang" if is_late else "crash"
    about = _robustness_rule(payload) if payload.expected == "may_refuse" else payload.rule
    rules = _unique(about, "OTLP-RESP-087" if is_late else "OTLP-SRV-088")
    return Fault(kind=kind, rules=rules, told=told)


def _robustness_rule(payload: Payload) -> str:
    """Return the robustness rule that an odd payload tests; others require no answer."""
    return payload.rule if find(payload.rule).level == "ROBUSTNESS" else ""


def _unique(*rules: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for rule in rules if rule))

"""The first look at a receiver: the plain valid requests it takes, before any odd ones.

A refusal here has no oddity as its reason. So it is reported once, here, and the cases run only
with the signals that are taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from otlptest.conformance.case import COMMON_SIGNALS
from otlptest.conformance.receiver.exchange import Answer, call, post
from otlptest.conformance.receiver.health import Condition, is_overload_status
from otlptest.conformance.receiver.probes import probe_request
from otlptest.conformance.receiver.target_lab import TargetLab
from otlptest.errors import SendError, WireError
from otlptest.model import Protocol, Signal
from otlptest.results import CheckResult, failed
from otlptest.sending import ExportResult
from otlptest.timing import Deadline
from otlptest.wire.otlp.otlp_json import decode_response, encode_message
from otlptest.wire.otlp.otlp_protobuf import decode_message, decode_request
from otlptest.wire.otlp.signals import response_class

SERVES: Final[Mapping[str, Mapping[Signal, str]]] = MappingProxyType(
    {
        "grpc": MappingProxyType(
            {"traces": "OTLP-GRPC-001", "metrics": "OTLP-GRPC-002", "logs": "OTLP-GRPC-003"}
        ),
        "http": MappingProxyType(
            {"traces": "OTLP-HTTP-002", "metrics": "OTLP-HTTP-003", "logs": "OTLP-HTTP-004"}
        ),
    }
)
"""The requirement to serve a signal, over gRPC and over HTTP."""

_LOOK_EVERY_S: Final = 0.1
_BUSY_S: Final = 5.0  # that an overloaded receiver gets
_AGAIN_S: Final = 0.5
# Answers of a server that does not serve OTLP.
_NOT_SERVED_HTTP: Final = frozenset({404, 405, 501})
_WRONG_MEDIA_TYPE: Final = 415
_SERVER_ERROR: Final = 500
_GATEWAY: Final = frozenset({502, 504})
_UNIMPLEMENTED: Final = 12
_ITS_OWN_GRPC: Final = frozenset({2, 13, 15})  # UNKNOWN, INTERNAL, DATA_LOSS
_BINARY: Final = frozenset({"application/x-protobuf", "application/octet-stream"})
_OTHER_ENCODING: Final[Mapping[str, Protocol]] = MappingProxyType(
    {"http/json": "http/protobuf", "http/protobuf": "http/json"}
)
_ENCODINGS: Final = MappingProxyType({"http/json": "JSON", "http/protobuf": "protobuf"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverLook:
    """The answers to a plain valid request of each signal.

    Attributes:
        signals: The signals that the receiver takes, of those asked for.
        untaken: The answers for the others that it serves.
        unreadable: Why a success of the receiver cannot be read as OTLP; empty if it can.
        problem: Why nothing can be judged; empty if something can.
        is_lacking: It serves OTLP over HTTP, but not in this encoding, or not these signals.
        accusations: Faults of a receiver of which nothing else can be judged.
    """

    signals: tuple[Signal, ...] = ()
    untaken: Mapping[Signal, Condition] = field(default_factory=dict)
    unreadable: str = ""
    problem: str = ""
    is_lacking: bool = False
    accusations: tuple[CheckResult, ...] = ()

    def lab(self, lab: TargetLab) -> TargetLab:
        """Return the lab with the results of the look."""
        return replace(lab, signals=self.signals, untaken=self.untaken)


def look_at_receiver(
    lab: TargetLab, *, wait_s: float = 0.0, wanted: Sequence[Signal] = ()
) -> ReceiverLook:
    """Check whether a receiver is there, and which signals it takes.

    Blocks at most `wait_s` plus some seconds and the time of six requests.

    Args:
        lab: The receiver.
        wait_s: Seconds to wait for it to come up.
        wanted: Only these signals; all if empty.
    """
    waiting = Deadline(wait_s)
    problem = _unreachable(lab, waiting)
    if problem:
        return ReceiverLook(problem=problem)
    patience = Deadline(max(waiting.remaining_s(), _BUSY_S))
    answers: dict[Signal, ExportResult] = {}
    unreadable: dict[Signal, str] = {}
    signals = tuple(each for each in COMMON_SIGNALS if not wanted or each in wanted)
    for signal in signals:
        try:
            answers[signal] = _settled(lab, signal, patience)
        except SendError as error:
            if not _is_success(lab, signal):
                return ReceiverLook(problem=f"it does not speak {lab.protocol}: {error.problem}")
            unreadable[signal] = error.problem
    taken = tuple(each for each in signals if each in unreadable or answers[each].is_success)
    if not taken:
        return _nothing_taken(lab, answers, is_all=not wanted)
    return ReceiverLook(
        signals=taken,
        untaken={
            signal: _condition(answer)
            for signal, answer in answers.items()
            if signal not in taken and not _is_not_served(answer)
        },
        unreadable=next(iter(unreadable.values()), ""),
    )


def _settled(lab: TargetLab, signal: Signal, patience: Deadline) -> ExportResult:
    """Return the answer to a plain valid request, once it is not overload or time runs out."""
    while True:
        answer = lab.send(probe_request(signal, lab.marker()), signal=signal)
        if not _is_busy(answer) or not patience.pause(_AGAIN_S):
            return answer


def _nothing_taken(
    lab: TargetLab, answers: Mapping[Signal, ExportResult], *, is_all: bool
) -> ReceiverLook:
    told = _told(answers)
    if any(map(_is_busy, answers.values())):
        return ReceiverLook(problem=f"it says that it is overloaded: {told}")
    statuses = {answer.http_status for answer in answers.values()}
    encoding = _ENCODINGS.get(lab.protocol, "")
    if encoding and _takes_the_other_encoding(lab, answers):
        other = _ENCODINGS[_OTHER_ENCODING[lab.protocol]]
        said = f"it takes no {encoding}: {told}; it takes {other}"
        return ReceiverLook(
            problem=said, is_lacking=True, accusations=(failed("OTLP-HTTP-039", said),)
        )
    if statuses == {_WRONG_MEDIA_TYPE} and lab.protocol == "http/json":
        return ReceiverLook(problem=f"it takes no JSON: {told}", is_lacking=True)
    if all(map(_is_not_served, answers.values())):
        if is_all:
            nothing = f"nothing at {lab.endpoint.url} serves OTLP over {lab.protocol}"
            return ReceiverLook(problem=f"{nothing}: {told}")
        names = " or ".join(answers)
        return ReceiverLook(problem=f"the receiver takes no {names}: {told}", is_lacking=True)
    kind = "grpc" if lab.protocol == "grpc" else "http"
    accusations = tuple(
        failed(SERVES[kind][signal], f"a plain valid {signal} request was answered {_words(each)}")
        for signal, each in answers.items()
        if _is_its_own_fault(each)
    )
    hint = "" if accusations else "; a header that it wants is given with --header 'NAME: VALUE'"
    return ReceiverLook(
        problem=f"it refuses plain valid requests: {told}{hint}", accusations=accusations
    )


def _takes_the_other_encoding(lab: TargetLab, answers: Mapping[Signal, ExportResult]) -> bool:
    """Return whether the same requests are taken in the other encoding only."""
    if any(_is_its_own_fault(each) for each in answers.values()):
        return False
    for signal in answers:
        body = probe_request(signal, lab.marker())
        try:
            if lab.send(body, signal=signal, protocol=_OTHER_ENCODING[lab.protocol]).is_success:
                return True
        except SendError:
            continue
    return False


def _is_success(lab: TargetLab, signal: Signal) -> bool:
    """Return whether it answers success, in another encoding, mislabelled, or unreadable."""
    body = probe_request(signal, lab.marker())
    try:
        if lab.protocol == "grpc":
            return call(lab, body, signal=signal).is_ok
        if lab.protocol == "http/json":
            body = encode_message(decode_request(signal, body, protocol="http/protobuf"))
        return _is_otlp_success(lab, signal, post(lab, body, signal=signal))
    except SendError:
        return False


def _is_otlp_success(lab: TargetLab, signal: Signal, answer: Answer) -> bool:
    media_type = (answer.field("content-type") or "").partition(";")[0].strip().lower()
    right = "application/json" if lab.protocol == "http/json" else "application/x-protobuf"
    if not answer.is_ok:
        return False
    is_right = media_type == right
    return is_right or _says_response(signal, answer.body, may_be_protobuf=media_type in _BINARY)


def _says_response(signal: Signal, body: bytes, *, may_be_protobuf: bool) -> bool:
    try:
        decode_response(signal, body)
    except WireError:
        pass
    else:
        return True
    try:
        decode_message(response_class(signal), body, rule="OTLP-RESP-002")
    except WireError:
        return False
    return may_be_protobuf


def _told(answers: Mapping[Signal, ExportResult]) -> str:
    return ", ".join(f"{signal} got {_words(each)}" for signal, each in answers.items())


def _words(answer: ExportResult) -> str:
    status = (
        f"HTTP {answer.http_status}" if answer.http_status else f"gRPC status {answer.grpc_status}"
    )
    message = answer.message.strip()[:_MOST_SHOWN]
    return f"{status} {message!r}" if message else status


_MOST_SHOWN: Final = 100


def _unreachable(lab: TargetLab, deadline: Deadline) -> str:
    """Return why no connection can be made by the deadline; empty if one can."""
    while True:
        try:
            lab.connect().close()
        except SendError as error:
            if not deadline.pause(_LOOK_EVERY_S):
                return f"it cannot be reached at {error.target}: {error.problem}"
        else:
            return ""


def _condition(answer: ExportResult) -> Condition:
    return Condition(health="busy" if _is_busy(answer) else "refusing", told=_words(answer))


def _is_busy(answer: ExportResult) -> bool:
    return not answer.is_success and is_overload_status(answer.http_status, answer.grpc_status)


def _is_not_served(answer: ExportResult) -> bool:
    return answer.http_status in _NOT_SERVED_HTTP or answer.grpc_status == _UNIMPLEMENTED


def _is_its_own_fault(answer: ExportResult) -> bool:
    if answer.http_status is None:
        return answer.grpc_status in _ITS_OWN_GRPC
    is_error = answer.http_status >= _SERVER_ERROR
    return is_error and answer.http_status not in _GATEWAY and not _is_not_served(answer)

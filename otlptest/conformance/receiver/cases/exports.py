"""Valid requests: every signal is accepted and stored unchanged."""

from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.first_look import SERVES
from otlptest.conformance.receiver.health import is_overload_status
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.conformance.receiver.probes import probe_request
from otlptest.conformance.receiver.stored import loses_plain_ones, unwanted_items
from otlptest.model import Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending import ExportResult

CASES: Final = ReceiverCases()


@CASES.add(
    "exports/served",
    "A valid request of each signal, to its path",
    tuple(SERVES["http"].values()),
    protocols=("http/protobuf",),
    is_plain=True,
)
@CASES.add(
    "exports/served_grpc",
    "A valid call of each service",
    tuple(SERVES["grpc"].values()),
    protocols=("grpc",),
    is_plain=True,
)
def _judge_served(lab: ReceiverLab) -> Iterator[CheckResult]:
    kind = "grpc" if lab.protocol == "grpc" else "http"
    for signal, rule in SERVES[kind].items():
        untaken = lab.untaken.get(signal)
        if signal in lab.signals:
            answer = lab.send(probe_request(signal, lab.marker()), signal=signal)
            seen = f"a plain valid {signal} request was answered {told(answer)}"
            if is_overload_status(answer.http_status, answer.grpc_status):
                yield inconclusive(rule, f"it says that it is overloaded: {seen}")
            else:
                yield (passed if answer.is_success else failed)(rule, seen)
        elif untaken is None:
            yield not_applicable(rule, f"the receiver takes no {signal}")
        elif untaken.health == "busy":
            yield inconclusive(rule, f"for {signal} {untaken}")
        else:
            yield failed(rule, f"a plain valid {signal} request was answered {untaken.told}")


@CASES.add(
    "exports/gzip",
    "A gzip request of each signal",
    ("OTLP-HTTP-014",),
    protocols=("http/protobuf",),
)
@CASES.add(
    "exports/gzip_grpc",
    "A gzip call of each service",
    ("OTLP-GRPC-009",),
    protocols=("grpc",),
)
def _judge_gzip(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge gzip by read-back: a receiver may answer OK to bytes that it never unpacked."""
    rule = "OTLP-GRPC-009" if lab.protocol == "grpc" else "OTLP-HTTP-014"
    for signal in lab.signals:
        packed = lab.marker()
        answer = lab.send(probe_request(signal, packed), signal=signal, compression="gzip")
        seen = f"a gzip {signal} request was answered {told(answer)}"
        if is_overload_status(answer.http_status, answer.grpc_status):
            yield inconclusive(rule, f"it says that it is overloaded: {seen}")
        elif not answer.is_success:
            yield failed(rule, seen)
        elif lab.read_back is None:
            yield not_applicable(rule, f"{seen}; that it was unpacked can only be read back")
        elif lab.read_back.items(signal, packed, timeout_s=lab.timeout_s):
            yield passed(rule, f"{seen}, and is in {lab.read_back.name}")
        else:
            yield _judged_late(lab, rule, signal, packed, seen)


def _judged_late(
    lab: ReceiverLab, rule: str, signal: Signal, marker: str, seen: str
) -> CheckResult:
    """Fail only if a plain item that was sent later has come first."""
    where = lab.read_back.name if lab.read_back is not None else ""
    late = unwanted_items(lab, signal, marker)
    if late is None:
        return inconclusive(rule, f"{seen}; no {signal} came to {where}")
    if late:
        return passed(rule, f"{seen}, and is in {where}")
    if loses_plain_ones(lab, signal):
        return inconclusive(rule, f"{seen}; plain {signal} requests are lost as well")
    return failed(rule, f"{seen}, and only a plain one like it is in {where}")


def told(answer: ExportResult) -> str:
    """Return an answer as evidence."""
    status = (
        f"HTTP {answer.http_status}"
        if answer.grpc_status is None
        else f"gRPC status {answer.grpc_status}"
    )
    rejected = f", {answer.rejected} rejected" if answer.rejected else ""
    message = f": {answer.message}" if answer.message else ""
    return f"{status}{rejected}{message}"

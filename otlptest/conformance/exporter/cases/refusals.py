"""Telemetry that must not be sent again: permanent errors, by every code and status."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.command_output import failure_records
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.retries.backoff_statistics import NO_WAIT_S
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_once,
    start_run,
)
from otlptest.conformance.exporter.retries.retry_control import (
    condensed,
    control_of,
    judged_no_retry,
)
from otlptest.results import CheckResult, inconclusive

CASES: Final = ExporterCases()


_GRPC_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OTLP-RESP-021": "UNKNOWN",
        "OTLP-RESP-022": "INVALID_ARGUMENT",
        "OTLP-RESP-024": "NOT_FOUND",
        "OTLP-RESP-025": "ALREADY_EXISTS",
        "OTLP-RESP-026": "PERMISSION_DENIED",
        "OTLP-RESP-027": "RESOURCE_EXHAUSTED",
        "OTLP-RESP-029": "FAILED_PRECONDITION",
        "OTLP-RESP-032": "UNIMPLEMENTED",
        "OTLP-RESP-033": "INTERNAL",
        "OTLP-RESP-036": "UNAUTHENTICATED",
    }
)
# Each of these is the answer to every signal.
_NAMED_STATUSES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "OTLP-RESP-064",
        401: "OTLP-RESP-065",
        403: "OTLP-RESP-065",
        404: "OTLP-RESP-066",
        405: "OTLP-RESP-066",
        408: "OTLP-RESP-067",
        413: "OTLP-RESP-068",
        415: "OTLP-RESP-066",
        500: "OTLP-RESP-069",
    }
)
# Each of these is the answer to one signal.
_OTHER_STATUSES: Final = (
    *(402, 406, 409, 410, 412, 418, 421, 422, 425, 428, 431, 451),
    *(501, 505, 507, 508, 511, 529, 530, 599),
)
_OTHER_RULE: Final = "OTLP-RESP-070"
# RFC 9110 section 15.5.20 lets clients try again over another connection; fetch does, unasked.
_MISDIRECTED: Final = 421
_PERMANENT: Final = 400


@CASES.add(
    "refusals/grpc_codes",
    "Codes over gRPC that are not sent again",
    tuple(_GRPC_CODES),
    protocols=("grpc",),
    expected_s=4.0,
    runs=len(_GRPC_CODES),
)
def _judge_grpc_codes(lab: ExporterLab) -> Iterator[CheckResult]:
    runs = {
        rule: start_run(lab, dict.fromkeys(lab.signals, (faults.status(code),)))
        for rule, code in _GRPC_CODES.items()
    }
    for rule, run in runs.items():
        yield from condensed(judged_no_retry(rule, lab, each) for each in run())


@CASES.add(
    "refusals/dropped_for_good",
    "What was refused for good does not come back after a reconnect or at shutdown",
    ("OTLP-RESP-037",),
    protocols=("grpc",),
    expected_s=3.0,
    runs=2,
)
def _judge_dropped(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that a refused payload does not come back after the connection is lost."""
    refused = (faults.status("INVALID_ARGUMENT"),)
    plan = dict.fromkeys(lab.signals, refused)
    plain = start_run(lab, plan)

    def prepare(fake: FakeCollector) -> None:
        replying_once(plan)(fake)
        fake.inject(faults.goaway(at="after_reply"), times=1)

    seen = lab.run(prepare=prepare)
    after_loss = (delivery_attempts(seen, signal, refused) for signal in lab.signals)
    yield from condensed(
        judged_no_retry("OTLP-RESP-037", lab, each) for each in (*plain(), *after_loss)
    )


@CASES.add(
    "refusals/http_statuses",
    "Statuses over HTTP that are not sent again",
    tuple(dict.fromkeys(_NAMED_STATUSES.values())),
    protocols=HTTP_PROTOCOLS,
    expected_s=4.0,
    runs=len(_NAMED_STATUSES),
)
def _judge_named_statuses(lab: ExporterLab) -> Iterator[CheckResult]:
    named = tuple(_NAMED_STATUSES)
    plans = [
        [named[(number + shift) % len(named)] for shift in range(len(lab.signals))]
        for number in range(len(named))
    ]
    refused = _refused(lab, plans)
    return condensed(
        judged_no_retry(_NAMED_STATUSES[status], lab, each) for status, each in refused
    )


@CASES.add(
    "refusals/other_http_statuses",
    "All other errors over HTTP, which are not sent again either",
    (_OTHER_RULE,),
    protocols=HTTP_PROTOCOLS,
    expected_s=4.0,
    runs=7,
)
def _judge_other_statuses(lab: ExporterLab) -> Iterator[CheckResult]:
    width = len(lab.signals)
    plans = [
        _OTHER_STATUSES[start : start + width] for start in range(0, len(_OTHER_STATUSES), width)
    ]
    refused = _refused(lab, plans)
    return condensed(
        _judged_misdirected(lab, each)
        if status == _MISDIRECTED
        else judged_no_retry(_OTHER_RULE, lab, each)
        for status, each in refused
    )


def _judged_misdirected(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge as `judged_no_retry`, but allow one resend over another connection."""
    seen = [each]
    if each.is_retried and not _is_tried_elsewhere(lab, each):
        seen += start_run(lab, {each.signal: each.faults})()
    elsewhere = next((one for one in seen if _is_tried_elsewhere(lab, one)), None)
    if elsewhere is None:
        return judged_no_retry(_OTHER_RULE, lab, each)
    reason = "a 421 may be tried over another connection (RFC 9110, 15.5.20), and was"
    control = control_of(lab).told(each.signal)
    return inconclusive(_OTHER_RULE, f"{reason}. {elsewhere.told}\n{control}")


def _is_tried_elsewhere(lab: ExporterLab, each: DeliveryAttempts) -> bool:
    """Return whether it went again over another connection, outside of the client's retries.

    A retry waits as long as after a 503. Where the client does not wait after a 503 either, the
    two look alike: then it does not fail.
    """
    if not each.is_retried:
        return False
    first, again = each.attempts[:2]
    control = control_of(lab)
    own_s = control.gap_s(each.signal)
    is_own = own_s is not None and own_s >= NO_WAIT_S
    is_quick = not is_own or each.gaps_s[0] < control.at_once_s(each.signal)
    return is_quick and again.connection.number != first.connection.number


def _refused(
    lab: ExporterLab, plans: Iterable[Sequence[int]]
) -> Iterator[tuple[int, DeliveryAttempts]]:
    """Yield a run for each plan, which has a status for each signal; all at the same time."""
    runs = []
    for plan in plans:
        statuses = dict(zip(lab.signals, plan, strict=False))
        answers = {signal: (faults.status(status),) for signal, status in statuses.items()}
        runs.append((statuses, start_run(lab, answers)))
    for statuses, run in runs:
        for each in run():
            yield statuses[each.signal], each


@CASES.add(
    "refusals/with_retry_after",
    "400 with Retry-After is not sent again",
    ("OTLP-RESP-081",),
    protocols=HTTP_PROTOCOLS,
    expected_s=3.0,
)
def _judge_retry_after(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that a permanent error stays permanent with each header field."""
    answer = (faults.status(_PERMANENT, retry_after_s=1),)
    run = start_run(lab, dict.fromkeys(lab.signals, answer))
    yield from condensed(judged_beside_plain("OTLP-RESP-081", lab, each) for each in run())


def judged_beside_plain(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge that a 400 with details was sent only once, if plain ones are.

    One that sends every 400 again breaks another rule (OTLP-RESP-064).
    """
    found = judged_no_retry(rule, lab, each)
    if found.outcome != "failed":
        return found
    plain = failure_records(lab)[each.signal].each
    if not plain.is_retried:
        return found
    return inconclusive(
        rule, f"a plain 400 is sent again too. {found.evidence}", exchanges=plain.told
    )

"""Answers larger than a client should take: 16 MiB, plain and compressed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from otlptest import faults
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.command_output import failure_records, new_lines, words_of
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.retries.delivery_attempts import DeliveryAttempts, run_per_reply
from otlptest.conformance.exporter.retries.retry_control import (
    condensed,
    control_of,
    judged_no_retry,
)
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_LARGE: Final = 16 * 1024 * 1024
_HUNG_S: Final = 15.0


@CASES.add(
    "limits/grpc_response",
    "A success of 16 MiB over gRPC, plain and compressed",
    ("OTLP-GRPC-023", "OTLP-GRPC-024"),
    protocols=("grpc",),
    expected_s=4.0,
    runs=2,
)
def _judge_grpc(lab: ExporterLab) -> Iterator[CheckResult]:
    answers = (
        faults.oversize_body(size_bytes=_LARGE),
        faults.oversize_body(size_bytes=_LARGE, encoding="gzip"),
    )
    for runs in run_per_reply(lab, *answers):
        yield from condensed(_survived("OTLP-GRPC-023", lab, each) for each in runs)
        yield from condensed(_not_sent_again(lab, each) for each in runs)


def _not_sent_again(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge that an answer that the client does not take is not a reason to send again."""
    rule = "OTLP-GRPC-024"
    found = judged_no_retry(rule, lab, each)
    if found.outcome == "passed" and not _is_refused(lab, each):
        return inconclusive(rule, f"it may have taken the answer. {found.evidence}")
    return found


def _is_refused(lab: ExporterLab, each: DeliveryAttempts) -> bool:
    """Return whether the command shows that the answer was too large for it."""
    seen = each.seen
    return bool(seen.exit_code) or bool(new_lines(seen, lab.baseline, about_failures=True))


def _survived(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge what can be seen of a limit: the client survives, and reports it."""
    if not each.is_hit:
        return inconclusive(rule, each.told)
    fell = _fallen(rule, each)
    if fell is not None:
        return fell
    lines = new_lines(each.seen, lab.baseline, about_failures=True)
    if not lines and not each.seen.exit_code:
        return inconclusive(
            rule, "it says nothing of the answer, and its memory is not seen", exchanges=each.told
        )
    return passed(rule, f"it refuses the answer:\n{words_of(lines)}", exchanges=each.told)


def _fallen(rule: str, each: DeliveryAttempts) -> CheckResult | None:
    """Return a failure if the command crashed over an answer, or did not survive it."""
    newest_at = max((other.replied_at or 0.0 for other in each.seen.requests), default=0.0)
    if each.seen.has_timed_out and each.seen.ended_at - newest_at > _HUNG_S:
        return failed(rule, "it never ended", exchanges=each.told, harm="hang")
    if each.seen.has_crashed:
        return failed(rule, "it crashed", exchanges=each.told, harm="crash")
    return None


@CASES.add(
    "limits/http_response",
    "Answers of 16 MiB, and one that inflates to it",
    ("OTLP-HTTP-029", "OTLP-HTTP-030", "OTLP-HTTP-031"),
    protocols=HTTP_PROTOCOLS,
    expected_s=4.0,
    runs=3,
)
def _judge_http(lab: ExporterLab) -> Iterator[CheckResult]:
    large, bomb, failed = run_per_reply(
        lab,
        faults.oversize_body(size_bytes=_LARGE),
        faults.oversize_body(size_bytes=_LARGE, encoding="gzip"),
        replace(
            faults.status(503),
            body=b"\0" * _LARGE,
            text="faults.status(503, body=<16 MiB>)",
        ),
    )
    successes = (*large, *bomb)
    fallen = [_fallen("OTLP-HTTP-029", each) for each in (*successes, *failed)]
    yield from condensed(each for each in fallen if each is not None)
    yield from condensed(_limited(lab, each) for each in failed)
    yield from condensed(judged_no_retry("OTLP-HTTP-030", lab, each) for each in failed)
    yield from condensed(_told_of(lab, each) for each in failed)


def _limited(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge a 503 whose body is over the limit: it is sent again."""
    rule = "OTLP-HTTP-029"
    found = judged_no_retry(rule, lab, each)
    if found.outcome == "failed":
        return inconclusive(
            rule,
            "it took the 503 as any other; how much of it it read is not seen",
            exchanges=each.told,
        )
    return found


def _told_of(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    rule = "OTLP-HTTP-031"
    lines = new_lines(each.seen, lab.baseline, about_failures=True)
    has_limit = not each.is_retried and control_of(lab).gap_s(each.signal) is not None
    if not each.is_hit or not has_limit or _fallen(rule, each) is not None:
        return inconclusive(rule, "it shows no limit", exchanges=each.told)
    if lines:
        return passed(rule, f"it says:\n{words_of(lines)}", exchanges=each.told)
    record = failure_records(lab)[each.signal]
    if not record.lines:
        return inconclusive(rule, record.told, exchanges=each.told)
    return failed(rule, "it says nothing of it", exchanges=f"{each.told}\n{record.told}")

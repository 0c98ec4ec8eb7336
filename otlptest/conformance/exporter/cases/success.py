"""Successes, whole and partial and oddly encoded: accepted telemetry is not sent again."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.command_output import (
    failure_records,
    line_with,
    new_lines,
    repeated_lines,
    told_as_lost,
    words_of,
)
from otlptest.conformance.exporter.lab import ExporterLab, observed_again
from otlptest.conformance.exporter.payloads import answered_at, have_times, whole_items
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    run_per_reply,
    start_run,
)
from otlptest.conformance.exporter.retries.retry_control import condensed, judged_no_retry
from otlptest.faults import ReplyFault
from otlptest.model import Request, Signal
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed

CASES: Final = ExporterCases()


_WHY: Final = "otlptest-rejects-it"
_WARNING: Final = "otlptest-warns-of-it"
_PACKED: Final = "otlptest-packs-it"
_COUNTED: Final = "otlptest-counts-it"
_REJECTED: Final = 1
_COUNT: Final = re.compile(rf"(?<![\d:.-]){_REJECTED}(?![\d:.-])")
_TALKATIVE: Final = MappingProxyType({"OTEL_LOG_LEVEL": "debug"})
_JSON_COUNT: Final = 3
_PARTIAL: Final = re.compile(r"partial|reject", re.IGNORECASE)
_COUNT_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "traces": "rejectedSpans",
        "metrics": "rejectedDataPoints",
        "logs": "rejectedLogRecords",
    }
)


@CASES.add(
    "success/partial",
    "A partial success: not sent again, and told of",
    ("OTLP-RESP-015", "OTLP-RESP-017"),
    expected_s=4.0,
    runs=2,
)
def _judge_partial(lab: ExporterLab) -> Iterator[CheckResult]:
    partial, transient = run_per_reply(
        lab,
        faults.partial_success(rejected=_REJECTED, message=_WHY),
        faults.unavailable(),
        changes=_TALKATIVE,
    )
    yield from condensed(judged_no_retry("OTLP-RESP-015", lab, each) for each in partial)
    for each in partial:
        yield _surfaced(lab, each, transient[0])


def _surfaced(lab: ExporterLab, each: DeliveryAttempts, transient: DeliveryAttempts) -> CheckResult:
    """Return whether the command reports why a part was rejected, among its other warnings.

    The requirement asks that details are surfaced: how many items were rejected is one. A plain
    failure is not a measure: a program may print that one itself, but not its SDK's warnings.
    """
    rule = "OTLP-RESP-017"
    if each.is_hit and each.seen.has_crashed:
        return failed(rule, "the command crashed", exchanges=each.told, harm="crash")
    line = line_with(each.seen, _WHY)
    if line:
        return passed(rule, f"it says {line!r}", exchanges=each.told)
    partial = [line for line in new_lines(each.seen, lab.baseline) if _PARTIAL.search(line)]
    counted = next(filter(_COUNT.search, partial), "")
    if counted:
        reason = f"it says how many were rejected, without the receiver's message: {counted!r}"
        return passed(rule, reason, exchanges=each.told)
    if partial:
        reason = "it tells neither the receiver's message nor how many were rejected"
        return inconclusive(rule, f"{reason}: {partial[0]!r}", exchanges=each.told)
    words = new_lines(transient.seen, lab.baseline, about_failures=True)
    if not each.is_hit or not transient.is_retried or not words:
        return inconclusive(
            rule,
            f"its output has no line about rejected items, nor the receiver's message {_WHY!r}, and"
            f" none about a transient error: an SDK may log elsewhere, or count them",
            exchanges=each.told,
        )
    return failed(
        rule,
        f"its output does not say why items were rejected. {each.told}\n"
        f"it does tell of a transient error:\n{words_of(words)}",
    )


@CASES.add(
    "success/empty_partial",
    "A partial success that is empty, and one with a warning alone",
    ("OTLP-RESP-016", "OTLP-RESP-018"),
    expected_s=3.0,
    runs=2,
)
def _judge_empty_partial(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge an empty partial success: a plain success; with a message alone: only a warning."""
    empty, warning = run_per_reply(
        lab, faults.partial_success(), faults.partial_success(message=_WARNING)
    )
    yield from condensed(_silent(lab, each) for each in empty)
    yield from condensed(_warned(lab, each) for each in warning)


def _silent(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    rule = "OTLP-RESP-016"
    found = judged_no_retry(rule, lab, each)
    lines = tuple(line for line in new_lines(each.seen, lab.baseline) if _PARTIAL.search(line))
    if found.outcome != "failed" and lines:
        return failed(
            rule, f"it is told of, though it says nothing:\n{words_of(lines)}", exchanges=each.told
        )
    return found


def _warned(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    rule = "OTLP-RESP-018"
    found = judged_no_retry(rule, lab, each)
    if found.outcome != "passed":
        return found
    line = line_with(each.seen, _WARNING)
    if not line:
        return not_applicable(rule, f"its output does not show the warning. {each.told}")
    return passed(rule, f"it says {line!r}. {found.evidence}")


@CASES.add(
    "success/unknown_fields",
    "A success with a field that the client does not know",
    ("OTLP-GRPC-044",),
    protocols=("grpc",),
    expected_s=3.0,
)
def _judge_unknown_fields(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a success with a field of a later version."""
    rule = "OTLP-GRPC-044"
    yield from _sent_once(rule, lab)
    (runs,) = run_per_reply(lab, faults.oversize_body(size_bytes=200))
    yield from condensed(_taken(rule, lab, each) for each in runs)


@CASES.add(
    "success/other_statuses",
    "202 and 204: success",
    ("OTLP-HTTP-048",),
    protocols=HTTP_PROTOCOLS,
    expected_s=3.0,
    runs=2,
)
def _judge_other_statuses(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-HTTP-048"
    answers = (faults.status(202, body=b""), faults.status(204))
    yield from condensed(
        _taken(rule, lab, each) for runs in run_per_reply(lab, *answers) for each in runs
    )


@CASES.add(
    "success/odd_bodies",
    "200 with no body, a wrong one, a wrong content type or none: success",
    ("OTLP-HTTP-049",),
    protocols=HTTP_PROTOCOLS,
    expected_s=3.0,
    runs=5,
)
def _judge_odd_bodies(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-HTTP-049"
    yield from _sent_once(rule, lab)
    answers = (
        faults.status(200, body=b""),
        faults.malformed_body(),
        faults.wrong_content_type(),
        faults.wrong_content_type(body=b"<html>ok</html>"),
        faults.wrong_content_type(""),
    )
    yield from condensed(
        _taken(rule, lab, each) for runs in run_per_reply(lab, *answers) for each in runs
    )


def _taken(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge whether it counts as delivered: not resent, not reported as lost, and no crash."""
    if each.is_hit and each.seen.has_crashed:
        return failed(rule, "the command crashed", exchanges=each.told, harm="crash")
    found = judged_no_retry(rule, lab, each)
    if found.outcome == "failed" or not each.is_hit:
        return found
    record = failure_records(lab)[each.signal]
    lines = repeated_lines(each.seen, record, lab.baseline)
    lost = told_as_lost(each.seen, lab.baseline)
    if lost:  # a line printed by chance may appear without faults too
        usual = told_as_lost(observed_again(lab), lab.baseline)
        lines += tuple(line for line in lost if line not in usual)
    if lines:
        lines = tuple(dict.fromkeys(lines))
        return failed(
            rule, f"told as lost:\n{words_of(lines)}", exchanges=f"{each.told}\n{record.told}"
        )
    return found


def _sent_once(rule: str, lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that nothing that was taken without a fault came a second time."""
    for signal in lab.signals:
        for payload in lab.baseline.payloads(signal):
            found = next(filter(_is_resent, pairwise(payload.attempts)), None)
            if found is None:
                continue
            first, again = found
            gap_s = again.started_at - answered_at(first)
            told = f"sent again {gap_s:.2f} s after a success. {lab.baseline.describe(found)}"
            yield failed(rule, told)


def _is_resent(pair: tuple[Request, Request]) -> bool:
    """Return whether the second request carries all of the first one, which was accepted.

    Log records without a time may be different ones that are equal.
    """
    first, again = pair
    items = whole_items([first])
    is_known = first.is_accepted and bool(items) and have_times(first)
    return is_known and items <= whole_items([again])


@CASES.add(
    "success/compressed",
    "A gzipped answer, where the client says that it takes one",
    ("OTLP-HTTP-016",),
    protocols=HTTP_PROTOCOLS,
    expected_s=3.0,
    runs=2,
)
def _judge_compressed(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that a client that says it accepts gzip reads a gzipped answer."""
    rule = "OTLP-HTTP-016"
    requests = [each for each in lab.baseline.requests if each.signal in lab.signals]
    accepting = [each for each in requests if "gzip" in each.headers.get("accept-encoding", "")]
    if not accepting:
        yield not_applicable(
            rule, f"no request has Accept-Encoding: gzip. {lab.baseline.describe()}"
        )
        return
    plain = faults.partial_success(rejected=_REJECTED, message=_WHY)
    packed = faults.compressed(reply=faults.partial_success(rejected=_REJECTED, message=_PACKED))
    shown, found = run_per_reply(lab, plain, packed, changes=_TALKATIVE)
    for before, each in zip(shown, found, strict=True):
        line = line_with(each.seen, _PACKED)
        if each.is_retried:
            yield failed(rule, "sent again", exchanges=each.told)
        elif line:
            yield passed(rule, f"it says {line!r}", exchanges=each.told)
        elif line_with(before.seen, _WHY):
            yield failed(
                rule,
                "it shows the message of a partial success, and not of a gzipped one",
                exchanges=each.told,
            )
        else:
            yield inconclusive(
                rule, "its output shows no partial success at all", exchanges=each.told
            )


@CASES.add(
    "success/json_counts",
    "Counts in JSON as text and as numbers",
    ("OTLP-JSON-041",),
    protocols=("http/json",),
    expected_s=3.0,
    runs=2,
)
def _judge_json_counts(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge the count of rejected items as text, as Protobuf's JSON has it, and as a number."""
    rule = "OTLP-JSON-041"
    forms: dict[str, str | int] = {"text": str(_JSON_COUNT), "number": _JSON_COUNT}
    runs = {
        name: start_run(
            lab, {signal: (_counting(signal, count),) for signal in lab.signals}, _TALKATIVE
        )
        for name, count in forms.items()
    }
    found = {name: run() for name, run in runs.items()}
    for pair in zip(found["text"], found["number"], strict=True):
        lines = [line_with(each.seen, f"{_COUNTED} {each.signal}") for each in pair]
        told = "\n".join(each.told for each in pair)
        if any(each.is_retried for each in pair):
            yield failed(rule, "sent again after one of the forms", exchanges=told)
        elif all(_has_count(line) for line in lines):
            yield passed(rule, f"it says {lines[0]!r} and {lines[1]!r}", exchanges=told)
        elif len({(bool(line), _has_count(line)) for line in lines}) > 1:
            yield failed(
                rule,
                f"it says {lines[0]!r} of the text and {lines[1]!r} of the number",
                exchanges=told,
            )
        else:
            yield inconclusive(rule, "its output does not show what was rejected", exchanges=told)


def _counting(signal: Signal, count: str | int) -> ReplyFault:
    part = {_COUNT_FIELDS[signal]: count, "errorMessage": f"{_COUNTED} {signal}"}
    return faults.status(200, body=json.dumps({"partialSuccess": part}).encode())


def _has_count(line: str) -> bool:
    return re.search(rf"(?<!\d){_JSON_COUNT}(?!\d)", line) is not None

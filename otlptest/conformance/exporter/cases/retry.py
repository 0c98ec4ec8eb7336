"""Telemetry that has to be sent again: transient errors, in each form a receiver may use."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.cases.refusals import judged_beside_plain
from otlptest.conformance.exporter.command_lab import TIMERS
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import answered_at, have_times, whole_items
from otlptest.conformance.exporter.readings import arrived_signals, lost_signals
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_always,
    replying_once,
    start_run,
)
from otlptest.conformance.exporter.retries.retries_with_new_ids import lookalikes
from otlptest.conformance.exporter.retries.retry_control import (
    LONGEST_FIRST_WAIT_S,
    condensed,
    control_of,
    judged_no_retry,
    judged_retry,
)
from otlptest.conformance.exporter.shared_runs import unavailable_runs
from otlptest.faults import ReplyFault
from otlptest.model import Signal
from otlptest.results import CheckResult, Harm, failed, inconclusive, passed

CASES: Final = ExporterCases()


_GRPC_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OTLP-RESP-020": "CANCELLED",
        "OTLP-RESP-023": "DEADLINE_EXCEEDED",
        "OTLP-RESP-030": "ABORTED",
        "OTLP-RESP-031": "OUT_OF_RANGE",
        "OTLP-RESP-035": "DATA_LOSS",
    }
)
_HTTP_STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {"OTLP-RESP-060": 429, "OTLP-RESP-061": 502, "OTLP-RESP-063": 504}
)
_UNAVAILABLE: Final[Mapping[str, str]] = MappingProxyType(
    {"grpc": "OTLP-RESP-034", "http/protobuf": "OTLP-RESP-062", "http/json": "OTLP-RESP-062"}
)
_RETRIED_BARE: Final = (429, 502, 503, 504)
_REFUSED_BARE: Final = (400, 401, 403, 404)
_HELD_BACK_S: Final = LONGEST_FIRST_WAIT_S + 1.0
_OFTEN: Final = MappingProxyType(dict.fromkeys(TIMERS, "200"))


@CASES.add(
    "retry/unavailable",
    "UNAVAILABLE or 503, once: what was refused is sent again",
    ("OTLP-RESP-034", "OTLP-RESP-040", "OTLP-RESP-043"),
    protocols=("grpc",),
    expected_s=9.0,
)
@CASES.add(
    "retry/service_unavailable",
    "503, once: what was refused is sent again",
    ("OTLP-RESP-062", "OTLP-RESP-040", "OTLP-RESP-043"),
    protocols=HTTP_PROTOCOLS,
    expected_s=9.0,
)
def _judge_unavailable(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a single UNAVAILABLE, or 503, for each signal: the control run itself."""
    control = control_of(lab)
    rules = (_UNAVAILABLE[lab.protocol], "OTLP-RESP-040")
    for each in control.by_signal.values():
        found = [judged_retry(rule, lab, each) for rule in rules]
        yield from found
        yield _of_same_content(lab, each)
        if found[0].outcome == "inconclusive" and each.is_hit and each.signal == "metrics":
            yield from _judge_while_it_lives(lab, rules)


def _of_same_content(lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge whether what was refused came again unchanged; additions are not a loss."""
    rule = "OTLP-RESP-043"
    if not each.is_retried:
        return _of_same_ids(rule, lab, each)
    first, *again = each.attempts
    sent = whole_items([first])
    answer = answered_at(first)
    later = [other for other in each.seen.of(each.signal) if other.started_at >= answer]
    missing = sent - whole_items([*later, *again])
    if missing:
        told = f"{missing.total()} of {sent.total()} items did not come again as they were"
        return failed(rule, told, exchanges=each.told)
    counts = (each for one in again for each in whole_items([one]).items())
    if have_times(first) and any(count > sent[item] > 0 for item, count in counts):
        return failed(rule, "the next attempt carries the same items twice", exchanges=each.told)
    return passed(rule, "all items came again as they were", exchanges=each.told)


def _of_same_ids(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Fail if the telemetry seems to come with other ids, each time."""
    alike = lookalikes(lab, each)
    if alike:
        (again,) = start_run(lab, {each.signal: each.faults})()
        if lookalikes(lab, again):
            came = each.seen.describe(alike)
            return failed(
                rule,
                f"sent again with other ids, in a second run too:\n{came}",
                exchanges=each.told,
            )
    return inconclusive(rule, "nothing was sent again", exchanges=each.told)


def _judge_while_it_lives(lab: ExporterLab, rules: tuple[str, ...]) -> Iterator[CheckResult]:
    """Judge metrics while another signal keeps the command up.

    As long as new metrics come, their exporter is not shut down; so data that was not sent again
    meanwhile was dropped.
    """
    others = tuple(signal for signal in lab.signals if signal != "metrics")
    if not others:
        return
    hold = replying_always(faults.delay(_HELD_BACK_S), signals=others)
    once = (faults.unavailable(),)

    def prepare(fake: FakeCollector) -> None:
        hold(fake)
        replying_once({"metrics": once})(fake)

    seen = lab.run(_OFTEN, prepare=prepare)
    each = delivery_attempts(seen, "metrics", once)
    newest = max((request.started_at for request in seen.of("metrics")), default=0.0)
    shown_s = newest - (each.attempts[0].replied_at or newest) if each.is_hit else 0.0
    told = f"new metrics came for {shown_s:.1f} s after the answer. {each.told}"
    for rule in rules:
        if each.is_retried:
            yield passed(rule, f"sent again after {each.gaps_s[0]:.2f} s", exchanges=told)
        elif shown_s >= LONGEST_FIRST_WAIT_S:
            yield failed(rule, f"not sent again, while the exporter was in use: {told}")


@CASES.add(
    "retry/grpc_codes",
    "The other codes over gRPC that are sent again",
    tuple(_GRPC_CODES),
    protocols=("grpc",),
    expected_s=6.0,
    runs=len(_GRPC_CODES),
)
def _judge_grpc_codes(lab: ExporterLab) -> Iterator[CheckResult]:
    answers = {rule: faults.status(code) for rule, code in _GRPC_CODES.items()}
    return condensed(_each_retried(lab, answers))


@CASES.add(
    "retry/http_statuses",
    "The other statuses over HTTP that are sent again",
    tuple(_HTTP_STATUSES),
    protocols=HTTP_PROTOCOLS,
    expected_s=6.0,
    runs=len(_HTTP_STATUSES),
)
def _judge_http_statuses(lab: ExporterLab) -> Iterator[CheckResult]:
    answers = {rule: faults.status(status) for rule, status in _HTTP_STATUSES.items()}
    return condensed(_each_retried(lab, answers))


def _each_retried(lab: ExporterLab, answers: Mapping[str, ReplyFault]) -> Iterator[CheckResult]:
    """Judge a run for each answer, with one result for each signal."""
    runs = {rule: start_run(lab, _for_all(lab, answer)) for rule, answer in answers.items()}
    for rule, run in runs.items():
        for each in run():
            yield judged_retry(rule, lab, each)


def _for_all(lab: ExporterLab, *answers: ReplyFault) -> Mapping[Signal, tuple[ReplyFault, ...]]:
    return dict.fromkeys(lab.signals, answers)


@CASES.add(
    "retry/status_shapes",
    "UNAVAILABLE in trailers alone, and after response headers",
    ("OTLP-GRPC-036",),
    protocols=("grpc",),
    expected_s=6.0,
    runs=2,
)
def _judge_status_shapes(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a status in the only header block, and one in the second."""
    short = start_run(lab, _for_all(lab, faults.status("UNAVAILABLE")))
    long = start_run(lab, _for_all(lab, faults.status("UNAVAILABLE", is_trailers_only=False)))
    for run in (short, long):
        yield from condensed(_told_apart("OTLP-GRPC-036", lab, each) for each in run())


def _told_apart(rule: str, lab: ExporterLab, each: DeliveryAttempts) -> CheckResult:
    """Judge as `judged_retry`, for a rule about the form in which a status is sent.

    A client that sends nothing again in any form breaks another rule.
    """
    found = judged_retry(rule, lab, each)
    if found.outcome == "failed" and control_of(lab).gap_s(each.signal) is None:
        reason = "the plain UNAVAILABLE (503) is not sent again either, which is judged elsewhere"
        return inconclusive(rule, f"{reason}. {found.evidence}")
    return found


@CASES.add(
    "retry/bare_statuses",
    "HTTP statuses without a gRPC status, as a proxy answers",
    ("OTLP-GRPC-037",),
    protocols=("grpc",),
    expected_s=6.0,
    runs=len(_RETRIED_BARE) + len(_REFUSED_BARE),
)
def _judge_bare_statuses(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a proxy's answers: an HTTP status alone, which gRPC maps to a code of its own."""
    retried, refused = (
        [start_run(lab, _for_all(lab, faults.status(status, is_bare=True))) for status in statuses]
        for statuses in (_RETRIED_BARE, _REFUSED_BARE)
    )
    rule = "OTLP-GRPC-037"
    found = [_told_apart(rule, lab, each) for run in retried for each in run()]
    yield from condensed(found)
    is_retried = any(each.outcome == "passed" for each in found)
    others = [judged_no_retry(rule, lab, each) for run in refused for each in run()]
    yield from condensed(each for each in others if is_retried or each.outcome == "failed")


@CASES.add(
    "retry/status_in_body",
    "The code in the body of an error says otherwise than its status",
    ("OTLP-RESP-057",),
    protocols=HTTP_PROTOCOLS,
    expected_s=6.0,
    runs=2,
)
def _judge_status_in_body(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a code in the body that contradicts the HTTP status, which alone counts."""
    refused = start_run(lab, _for_all(lab, faults.status(400, grpc="UNAVAILABLE")))
    retried = start_run(lab, _for_all(lab, faults.status(503, grpc="INVALID_ARGUMENT")))
    rule = "OTLP-RESP-057"
    found = [_told_apart(rule, lab, each) for each in retried()]
    yield from condensed(found)
    is_retried = any(each.outcome == "passed" for each in found)
    others = [judged_beside_plain(rule, lab, each) for each in refused()]
    yield from condensed(each for each in others if is_retried or each.outcome == "failed")


@CASES.add(
    "retry/other_signals",
    "One signal fails for good, the others arrive",
    ("OTLP-RESP-082",),
    expected_s=12.0,
    runs=3,
)
def _judge_other_signals(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that the other signals come if one fails for good."""
    rule = "OTLP-RESP-082"
    if len(lab.signals) == 1:
        yield inconclusive(rule, f"the command emits nothing but {lab.signals[0]}")
        return
    for failing, run in unavailable_runs(lab).items():
        seen = run.result()
        told = f"all {failing} were answered UNAVAILABLE (503).\n{seen.describe()}"
        missing = _missing(lab, seen, failing)
        if not seen.of(failing):
            yield inconclusive(rule, f"no {failing} came", exchanges=told)
        elif not set(lab.signals) - {failing} <= arrived_signals(lab.baseline):
            yield inconclusive(
                rule, "not all of them are taken without faults either", exchanges=told
            )
        elif not missing:
            yield passed(rule, "all other signals came", exchanges=told)
        elif _missing(lab, _refused_at_once(lab, failing), failing):
            yield failed(
                rule, f"{', '.join(missing)} never came", exchanges=told, harm=_harm_of(seen)
            )
        else:
            yield inconclusive(
                rule,
                f"{', '.join(missing)} never came; but they do when {failing} are refused at once,"
                f" so the command may end its own shutdown after a time",
                exchanges=told,
            )


def _refused_at_once(lab: ExporterLab, failing: Signal) -> Observation:
    return lab.run(prepare=replying_always(faults.status(400), signals=(failing,)))


def _missing(lab: ExporterLab, seen: Observation, failing: Signal) -> list[Signal]:
    """Return the other signals of which nothing was taken."""
    usual = arrived_signals(lab.baseline)
    return [each for each in lost_signals(lab, seen) if each != failing and each in usual]


def _harm_of(seen: Observation) -> Harm | None:
    if seen.has_hung:
        return "hang"
    return "crash" if seen.has_crashed else None

"""Redirects: a failure unless followed, and followed only with the body and without secrets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle, product
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.command_output import failure_records, new_lines, words_of
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.landing_page import Landed, LandingPage
from otlptest.conformance.exporter.observation import Arrived
from otlptest.conformance.exporter.payloads import item_keys
from otlptest.conformance.exporter.retries.delivery_attempts import (
    DeliveryAttempts,
    delivery_attempts,
    replying_once,
    start_run,
)
from otlptest.conformance.exporter.retries.retry_control import condensed
from otlptest.faults import ReplyFault
from otlptest.model import Request, Signal
from otlptest.results import CheckResult, failed, inconclusive, passed
from otlptest.wire.otlp.signals import SIGNAL_NAMES

CASES: Final = ExporterCases()


_KEEPING: Final = (307, 308)
_CHANGING: Final = (302, 301, 303)  # a client may go on with GET, and has to after 303
_IN_TURN: Final = (301, 303, 308)
_FOR_ALL: Final = (302, 307)
_SECRET: Final = "Bearer otlptest-secret"  # noqa: S105 -- of nothing
_LEAKED: Final = "and the authorization meant for the first origin went to another one"
_SECRET_HEADER: Final = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20otlptest-secret"}


@CASES.add(
    "redirects/nowhere",
    "301, 302, 303, 307 and 308 without a Location: a failure, not a success",
    ("OTLP-HTTP-046",),
    protocols=HTTP_PROTOCOLS,
    expected_s=2.0,
    runs=9,
)
def _judge_nowhere(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a redirect without a target, which cannot be followed and is not a success."""
    runs = [
        start_run(lab, {signal: (faults.status(status),)})
        for status, signal in _asked(lab, _FOR_ALL, _IN_TURN)
    ]
    yield from condensed(_is_failure(lab, each) for run in runs for each in run())


def _asked(
    lab: ExporterLab, for_all: Iterable[int], in_turn: Iterable[int]
) -> Iterator[tuple[int, Signal]]:
    """Yield each status with a signal that gets it: some with all signals, others with one each."""
    yield from product(for_all, lab.signals)
    yield from zip(in_turn, cycle(lab.signals), strict=False)


def _is_failure(lab: ExporterLab, each: DeliveryAttempts, what: str = "") -> CheckResult:
    """Judge whether a redirect is reported as a failure; `what` says how it was followed."""
    rule = "OTLP-HTTP-046"
    if not each.is_hit or delivery_attempts(lab.baseline, each.signal, ()).is_retried:
        return inconclusive(rule, "nothing came, or all comes twice anyway", exchanges=each.told)
    if each.is_retried:
        return failed(rule, f"sent again after {each.gaps_s[0]:.2f} s", exchanges=each.told)
    lines = new_lines(each.seen, lab.baseline, about_failures=True)
    if lines:
        return passed(rule, f"it says:\n{words_of(lines)}", exchanges=each.told)
    record = failure_records(lab)[each.signal]
    if each.seen.exit_code != lab.baseline.exit_code:
        return passed(rule, "it exits otherwise than after a success", exchanges=each.told)
    if record.lines:
        told = f"{what}it says nothing, as after a success. {each.told}"
        return failed(rule, told, exchanges=record.told)
    return inconclusive(rule, "its output tells of no failures at all", exchanges=each.told)


@CASES.add(
    "redirects/page",
    "301, 302 and 303 to a page: no success without the telemetry, no secrets",
    ("OTLP-HTTP-046", "OTLP-HTTP-047"),
    protocols=HTTP_PROTOCOLS,
    expected_s=2.0,
    runs=5,
)
def _judge_page(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a redirect to a page that answers everything with 200, as one to log in does."""
    asked = list(_asked(lab, _CHANGING[:1], _CHANGING[1:]))
    with ExitStack() as stack:
        pages = [stack.enter_context(LandingPage()) for _ in asked]
        runs = [
            start_run(lab, {signal: (_to_port(page.port, signal, status),)}, _SECRET_HEADER)
            for (status, signal), page in zip(asked, pages, strict=True)
        ]
        found = [
            (each, page.landed) for run, page in zip(runs, pages, strict=True) for each in run()
        ]
    yield from condensed(_lost_on_the_way(lab, each, landed) for each, landed in found)
    yield from condensed(_discreet(each, landed) for each, landed in found)


def _lost_on_the_way(
    lab: ExporterLab, each: DeliveryAttempts, landed: Sequence[Landed]
) -> CheckResult:
    """Judge whether a client that follows with GET, without its telemetry, reports a failure."""
    if any(one.method == "POST" and one.body for one in landed):
        return passed("OTLP-HTTP-046", "followed with POST and a body", exchanges=each.told)
    methods = ", ".join(one.method for one in landed)
    what = f"followed with {methods}, without its telemetry; to the 200 there " if landed else ""
    return _is_failure(lab, each, what)


def _discreet(each: DeliveryAttempts, landed: Sequence[Landed]) -> CheckResult:
    """Judge that the following request carries no secret, and the body if it is a POST."""
    rule = "OTLP-HTTP-047"
    if not each.is_hit:
        return inconclusive(rule, each.told)
    if each.seen.has_crashed:
        return failed(rule, "it crashed", exchanges=each.told, harm="crash")
    if not landed:
        return passed(rule, "not followed", exchanges=each.told)
    wrong = next(filter(None, (_wrong_with(one, each.attempts[0]) for one in landed)), "")
    if wrong:
        return failed(rule, wrong, exchanges=each.told)
    if any(one.method == "POST" for one in landed):
        return passed(
            rule, "followed with POST and a body, without its authorization", exchanges=each.told
        )
    reason = "followed with GET, as HTTP allows after this status, without its authorization"
    return inconclusive(rule, reason, exchanges=each.told)


def _wrong_with(one: Landed, sent: Request) -> str:
    """Return what a request that follows a redirect has and should not have, or misses."""
    if one.authorization == _SECRET:
        return f"followed with {one.method}, {_LEAKED}"
    is_whole = one.body and one.content_type == sent.headers.get("content-type", "")
    if one.method == "POST" and not is_whole:
        return "followed with POST, and without its body or type of content"
    return ""


@CASES.add(
    "redirects/elsewhere",
    "307 and 308 to another origin: followed whole and without secrets, or not at all",
    ("OTLP-HTTP-047",),
    protocols=HTTP_PROTOCOLS,
    expected_s=2.0,
    runs=2,
)
def _judge_elsewhere(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge a redirect to another origin, which must not get what belongs to this one.

    It uses another name of this machine: some clients take another port of one host for the same.
    """
    with ExitStack() as stack:
        others = {status: stack.enter_context(lab.collector()) for status in _KEEPING}
        plans = {status: _to(lab, other, status) for status, other in others.items()}
        runs = {
            status: lab.start(_SECRET_HEADER, prepare=replying_once(plan))
            for status, plan in plans.items()
        }
        for status, run in runs.items():
            seen = run.result()
            arrived = lab.arrived(others[status])
            yield from condensed(
                _followed(delivery_attempts(seen, signal, answers), arrived)
                for signal, answers in plans[status].items()
            )


def _to(
    lab: ExporterLab, other: FakeCollector, status: int
) -> Mapping[Signal, tuple[ReplyFault, ...]]:
    return {signal: (_to_port(other.http_port, signal, status),) for signal in lab.signals}


def _to_port(port: int, signal: Signal, status: int) -> ReplyFault:
    """Return a redirect to another origin on this machine."""
    url = f"http://localhost:{port}{SIGNAL_NAMES[signal].http_path}"
    return faults.redirect(url, http_status=status)


def _followed(each: DeliveryAttempts, arrived: Arrived) -> CheckResult:
    rule = "OTLP-HTTP-047"
    if not each.is_hit:
        return inconclusive(rule, each.told)
    if each.seen.has_crashed:
        return failed(rule, "it crashed", exchanges=each.told, harm="crash")
    path = SIGNAL_NAMES[each.signal].http_path
    came = [request for request in arrived.requests if request.path == path]
    if not came:
        return passed(rule, "not followed", exchanges=each.told)
    wrong = _difference(each.attempts[0], came[0])
    if wrong:
        return failed(rule, f"followed, {wrong}", exchanges=each.told)
    return passed(
        rule, "followed with the same request, without its authorization", exchanges=each.told
    )


def _difference(sent: Request, followed: Request) -> str:
    """Return what a request that follows a redirect has lost, or has and should not."""
    if followed.method != sent.method:
        return f"with {followed.method} instead of {sent.method}"
    if item_keys(followed) != item_keys(sent):
        return "with another body"
    if followed.headers.get("content-type") != sent.headers.get("content-type"):
        return f"with content-type: {followed.headers.get('content-type')}"
    if followed.headers.get("authorization") == _SECRET:
        return _LEAKED
    return ""

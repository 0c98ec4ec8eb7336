"""Redirects: failures unless they are followed, and followed only whole and discreetly."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final

from otlptest import faults
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.cases import HTTP_PROTOCOLS, ExporterCase
from otlptest.conformance.command_output import failure_records, new_lines, words_of
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.faulted import Faulted, faulted, replying_once, run_of
from otlptest.conformance.observations import Arrived
from otlptest.conformance.payloads import item_keys
from otlptest.conformance.retry_control import condensed
from otlptest.conformance.verdicts import Judged, broken, held, not_observed
from otlptest.faults import ReplyFault
from otlptest.model import Request, Signal
from otlptest.wire.signals import SIGNAL_NAMES

__all__ = ["CASES"]

_STATUSES: Final = (302, 307)
_KEEPING: Final = (307, 308)
_SECRET: Final = "Bearer otlptest-secret"  # noqa: S105 -- of nothing
_SECRET_HEADER: Final = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20otlptest-secret"}


def _judge_nowhere(lab: ExporterLab) -> Iterator[Judged]:
    """A redirect that says no place cannot be followed, and is no success."""
    runs = [
        run_of(lab, {signal: (faults.status(status),)})
        for status in _STATUSES
        for signal in lab.signals
    ]
    yield from condensed(_is_failure(lab, each) for run in runs for each in run())


def _is_failure(lab: ExporterLab, each: Faulted) -> Judged:
    rule = "OTLP-HTTP-046"
    if not each.is_hit or faulted(lab.baseline, each.signal, ()).is_retried:
        return not_observed(rule, f"nothing came, or all comes twice anyway. {each.told}")
    if each.is_retried:
        return broken(rule, f"sent again after {each.gaps_s[0]:.2f} s. {each.told}")
    lines = new_lines(each.seen, lab.baseline, about_failures=True)
    if lines:
        return held(rule, f"it says:\n{words_of(lines)}\n{each.told}")
    record = failure_records(lab)[each.signal]
    if each.seen.exit_code != lab.baseline.exit_code:
        return held(rule, f"it exits otherwise than after a success. {each.told}")
    if record.lines:
        return broken(rule, f"it says nothing, as after a success. {each.told}\n{record.told}")
    return not_observed(rule, f"its output tells of no failures at all. {each.told}")


def _judge_elsewhere(lab: ExporterLab) -> Iterator[Judged]:
    """A redirect to another origin, which must not learn what was meant for this one.

    Another name of this machine: some clients take another port of the same host for the same.
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
                _followed(faulted(seen, signal, answers), arrived)
                for signal, answers in plans[status].items()
            )


def _to(
    lab: ExporterLab, other: FakeCollector, status: int
) -> Mapping[Signal, tuple[ReplyFault, ...]]:
    return {
        signal: (
            faults.redirect(
                f"http://localhost:{other.http_port}{SIGNAL_NAMES[signal].http_path}",
                http_status=status,
            ),
        )
        for signal in lab.signals
    }


def _followed(each: Faulted, arrived: Arrived) -> Judged:
    rule = "OTLP-HTTP-047"
    if not each.is_hit:
        return not_observed(rule, each.told)
    if each.seen.has_crashed:
        return broken(rule, f"it crashed. {each.told}", harm="crash")
    path = SIGNAL_NAMES[each.signal].http_path
    came = [request for request in arrived.requests if request.path == path]
    if not came:
        return held(rule, f"not followed. {each.told}")
    wrong = _difference(each.attempts[0], came[0])
    if wrong:
        return broken(rule, f"followed, {wrong}. {each.told}")
    return held(rule, f"followed with the same request, without its authorization. {each.told}")


def _difference(sent: Request, followed: Request) -> str:
    """What a request that follows a redirect has no more, or has and should not."""
    if followed.method != sent.method:
        return f"with {followed.method} instead of {sent.method}"
    if item_keys(followed) != item_keys(sent):
        return "with another body"
    if followed.headers.get("content-type") != sent.headers.get("content-type"):
        return f"with content-type: {followed.headers.get('content-type')}"
    if followed.headers.get("authorization") == _SECRET:
        return "and the authorization meant for the first origin went to another one"
    return ""


CASES: Final = (
    ExporterCase(
        id="redirects/nowhere",
        title="302 and 307 without a Location: a failure, not a success",
        requirements=("OTLP-HTTP-046",),
        judge=_judge_nowhere,
        protocols=HTTP_PROTOCOLS,
        expected_s=2.0,
        runs=6,
    ),
    ExporterCase(
        id="redirects/elsewhere",
        title="307 and 308 to another origin: followed whole and without secrets, or not at all",
        requirements=("OTLP-HTTP-047",),
        judge=_judge_elsewhere,
        protocols=HTTP_PROTOCOLS,
        expected_s=2.0,
        runs=2,
    ),
)

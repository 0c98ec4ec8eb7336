"""Headers from the environment: parsing, precedence, and requests that they must not damage."""

from collections.abc import Iterable, Iterator
from typing import Final

from otlptest import faults
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    format_env,
    judged_requests,
    lost_signals,
    output_tail,
    signal_env_var,
    start_until_stable,
    whole_run,
)
from otlptest.conformance.exporter.retries.delivery_attempts import Plan, start_run
from otlptest.conformance.exporter.shared_runs import HEADERS, reads_headers
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_SPACED: Final = " x-otlptest-a = 1 , x-otlptest-b=2 "
_WITH_PROPERTY: Final = "x-otlptest-a=1;x-otlptest-p=2"
_MALFORMED: Final = "otlptest-bad,x-otlptest-ok=1"
_CAPITALS: Final = "X-Otlptest-Key=1"
_FRAMING: Final = (
    "content-type=text/plain,content-encoding=br,content-length=3,host=otlptest.invalid,"
    "x-otlptest-ok=1"
)
_UNREAD: Final = "a plain header does not come either, which OTLP-CFG-026 judges"
# Damage that a header of the user must not do to a request.
_BROKEN_FRAMING: Final = frozenset(
    {
        "malformed",
        "bad_compression",
        "unknown_encoding",
        "wrong_content_type",
        "wrong_port",
        "protocol_error",
        "cut_request",
        "too_slow",
    }
)


@CASES.add(
    "headers/spelling",
    "Headers with spaces, properties, broken entries and capitals",
    ("OTLP-CFG-029", "OTLP-CFG-030", "OTLP-CFG-033"),
    protocols=("http/protobuf", "http/json"),
    runs=3,
)
@CASES.add(
    "headers/grpc_spelling",
    "Metadata with spaces, properties, broken entries and capitals",
    ("OTLP-CFG-029", "OTLP-CFG-030", "OTLP-CFG-033", "OTLP-CFG-034"),
    protocols=("grpc",),
    runs=4,
)
def _judge_spelling(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge spaces, properties, invalid entries and capitals, in a run each."""
    spaced = start_until_stable(lab, {HEADERS: _SPACED})
    with_property = start_until_stable(lab, {HEADERS: _WITH_PROPERTY})
    malformed = start_until_stable(lab, {HEADERS: _MALFORMED})
    capitals = start_until_stable(lab, {HEADERS: _CAPITALS}) if lab.protocol == "grpc" else None
    yield _has("OTLP-CFG-029", lab, spaced(), {"x-otlptest-a": "1", "x-otlptest-b": "2"})
    yield _without_property(lab, with_property())
    yield _has("OTLP-CFG-033", lab, malformed(), {"x-otlptest-ok": "1"})
    if capitals is not None:
        yield _has("OTLP-CFG-034", lab, capitals(), {"x-otlptest-key": "1"})


def _has(rule: str, lab: ExporterLab, seen: Observation, wanted: dict[str, str]) -> CheckResult:
    found = judged_requests(
        rule,
        lab,
        seen,
        lambda each: all(each.headers.get(name) == value for name, value in wanted.items()),
        expected=", ".join(f"{name}: {value}" for name, value in wanted.items()),
        variables=[HEADERS],
        received=lambda each: _shown(each, wanted),
    )
    return _if_a_plain_one_comes(lab, found)


def _if_a_plain_one_comes(lab: ExporterLab, found: CheckResult) -> CheckResult:
    """Return the result of an odd value; inconclusive if a plain one has no effect either."""
    if found.outcome == "failed" and not reads_headers(lab):
        return inconclusive(found.rule, f"{_UNREAD}. {found.evidence}")
    return found


def _shown(request: Request, names: Iterable[str]) -> str:
    """Return the values of some headers in a request, as evidence."""
    had = request.headers
    return ", ".join(f"{name}: {had[name]}" if name in had else f"no {name}" for name in names)


def _without_property(lab: ExporterLab, seen: Observation) -> CheckResult:
    """Judge an entry with a property: it may be used whole, without the property, or ignored."""
    rule = "OTLP-CFG-030"
    found = judged_requests(
        rule,
        lab,
        seen,
        _has_no_property,
        expected="no header x-otlptest-p, and as x-otlptest-a 1;x-otlptest-p=2, 1 or nothing",
        variables=[HEADERS],
        received=lambda each: _shown(each, ("x-otlptest-p", "x-otlptest-a")),
    )
    is_taken = any("x-otlptest-a" in each.headers for each in seen.requests)
    if found.outcome == "passed" and not is_taken and not reads_headers(lab):
        return inconclusive(rule, f"{_UNREAD}. {found.evidence}")
    return _if_a_plain_one_comes(lab, found)


def _has_no_property(request: Request) -> bool:
    taken = request.headers.get("x-otlptest-a")
    if taken is not None:
        # A client that splits at every = is caught by OTLP-CFG-028.
        taken = taken.replace("; ", ";").removesuffix("=2")
    is_left_out = "x-otlptest-p" not in request.headers
    return is_left_out and taken in {None, "1", "1;x-otlptest-p"}


@CASES.add(
    "headers/own",
    "A header of a signal beats the general one",
    ("OTLP-CFG-032", "OTLP-CFG-052"),
)
def _judge_own_headers(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge one key in the general variable and in those of the signals; others are reported."""
    names = tuple(signal_env_var(signal, "HEADERS") for signal in lab.signals)
    values = {
        signal_env_var(signal, "HEADERS"): f"x-otlptest-both={signal},x-otlptest-own=1"
        for signal in lab.signals
    }
    both = "x-otlptest-both=general,x-otlptest-general=1"
    seen = start_until_stable(lab, {HEADERS: both, **values})()
    merged = any("x-otlptest-general" in each.headers for each in seen.requests)
    way = "other general headers are sent too" if merged else "other general headers are not sent"
    for rule in ("OTLP-CFG-032", "OTLP-CFG-052"):
        found = judged_requests(
            rule,
            lab,
            seen,
            lambda each: each.signal is None or each.headers.get("x-otlptest-both") == each.signal,
            expected=f"x-otlptest-both: <signal> ({way})",
            variables=[HEADERS, *names],
            received=lambda each: f"{_shown(each, ['x-otlptest-both'])} with {each.signal}",
        )
        yield _if_a_plain_one_comes(lab, found)


@CASES.add(
    "headers/framing",
    "Headers of the user's cannot make a request unreadable",
    ("OTLP-CFG-059",),
)
def _judge_framing(lab: ExporterLab) -> Iterator[CheckResult]:
    rule = "OTLP-CFG-059"
    seen = start_until_stable(lab, {HEADERS: _FRAMING})()
    what = format_env(seen, [HEADERS])
    harmed = [each.message for each in seen.all_problems if each.kind in _BROKEN_FRAMING]
    if harmed:
        yield failed(rule, f"{what}; {harmed[0]}", exchanges=seen.describe())
    elif not lost_signals(lab, seen):
        is_taken = any("x-otlptest-ok" in each.headers for each in seen.requests)
        if is_taken or reads_headers(lab):
            yield passed(rule, f"{what}; every request could be read", exchanges=seen.describe())
        else:
            yield inconclusive(rule, f"{_UNREAD}. {what}", exchanges=seen.describe())
    elif seen.output.strip() and not seen.requests:
        yield passed(rule, f"{what}; it refuses them: {output_tail(seen)}")
    else:
        yield inconclusive(rule, f"{what}; {whole_run(seen)}")


@CASES.add(
    "headers/repeated",
    "A request that is sent again has the headers again",
    ("OTLP-CFG-026",),
    expected_s=6.0,
)
def _judge_repeated(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that retries have the headers too: the first request of each signal is refused."""
    rule, told_headers = "OTLP-CFG-026", "x-otlptest-a=1,x-otlptest-b=2"
    plan: Plan = {signal: (faults.unavailable(),) for signal in lab.signals}
    for outcome in start_run(lab, plan, {HEADERS: told_headers})():
        what = f"{format_env(outcome.seen, [HEADERS])}; {outcome.told}"
        bare = [
            each
            for each in outcome.attempts
            if (each.headers.get("x-otlptest-a"), each.headers.get("x-otlptest-b")) != ("1", "2")
        ]
        if bare:
            yield failed(rule, f"{what}\nwithout them: {outcome.seen.describe(bare)}")
        elif outcome.is_retried:
            yield passed(rule, f"{what}\nall with both headers")
        else:
            yield inconclusive(rule, f"nothing was sent again; {what}")

"""Empty variables, which count as unset."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    global_env_var,
    lost_signals,
    output_tail,
    signal_env_var,
    start_until_stable,
)
from otlptest.conformance.exporter.shared_runs import HEADERS, reads_headers
from otlptest.model import Request
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_RULE: Final = "OTLP-CFG-054"
_OPTIONS: Final = (
    "COMPRESSION",
    "HEADERS",
    "TIMEOUT",
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "INSECURE",
)
_HEADER: Final = "x-otlptest-a"
_UNREAD: Final = "not even a header that is set comes: nothing shows that the variables are read"


@CASES.add(
    "empty_values/general",
    "Empty general variables are as if they were unset",
    (_RULE,),
)
def _judge_general(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge all general options but the endpoint and the protocol, which other cases empty."""
    for found in _judged(lab, {option: [global_env_var(option)] for option in _OPTIONS}, {}):
        if found.outcome == "passed" and not reads_headers(lab):
            yield inconclusive(_RULE, f"{_UNREAD}. {found.evidence}")
        else:
            yield found


@CASES.add(
    "empty_values/own",
    "Empty variables of a signal leave the general ones as they are",
    (_RULE,),
    runs=2,
)
def _judge_own(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge all options of the signals, next to general ones that apply instead."""
    emptied = {
        option: [signal_env_var(signal, option) for signal in lab.signals]
        for option in ("ENDPOINT", *_OPTIONS)
    }
    yield from _judged(lab, emptied, {HEADERS: f"{_HEADER}=1"})


def _judged(
    lab: ExporterLab, options: Mapping[str, Sequence[str]], others: Mapping[str, str]
) -> Iterator[CheckResult]:
    """Compare a run with empty variables with one without them, then option by option."""
    unset = lab.baseline if not others else start_until_stable(lab, others)()
    if lost_signals(lab, unset):
        yield inconclusive(_RULE, f"without the empty variables not all comes: {unset.describe()}")
        return
    if others and not any(_HEADER in each.headers for each in unset.requests):
        yield inconclusive(_RULE, _UNREAD, exchanges=unset.describe())
        return
    names = tuple(chain.from_iterable(options.values()))
    fault = _fault(lab, start_until_stable(lab, {**others, **dict.fromkeys(names, "")})(), unset)
    if not fault:
        yield passed(_RULE, f"{', '.join(names)} empty: all was sent as if they were unset")
        return
    runs = [
        (variables, start_until_stable(lab, {**others, **dict.fromkeys(variables, "")}))
        for variables in options.values()
    ]
    found = [
        f"{', '.join(variables)} empty: {why}"
        for variables, run in runs
        if (why := _fault(lab, run(), unset))
    ]
    yield failed(_RULE, "\n".join(found) or f"{', '.join(names)} empty: {fault}")


def _fault(lab: ExporterLab, seen: Observation, unset: Observation) -> str:
    """Return how a run differs from the one without the variables; empty if it does not."""
    lost = lost_signals(lab, seen)
    if lost:
        return f"{', '.join(lost)} did not come; {output_tail(seen)}"
    for kind, expected, found in zip(
        ("compression", "header"), _shape(lab, unset), _shape(lab, seen), strict=True
    ):
        if expected != found:
            return f"another {kind} than where it is unset: {', '.join(sorted(found))}"
    return ""


def _shape(lab: ExporterLab, seen: Observation) -> tuple[frozenset[str], frozenset[str]]:
    requests = [each for each in seen.requests if each.signal in lab.signals]
    return (
        frozenset(map(_encoding, requests)),
        frozenset(
            each.headers.get(_HEADER, "no header of the general variable") for each in requests
        ),
    )


def _encoding(request: Request) -> str:
    return request.encoding

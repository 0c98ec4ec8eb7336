"""The forms of a gRPC endpoint, and `INSECURE`, which decides where the form does not.

What is spoken is seen by a fake of the other kind too: a ClientHello at a plaintext port, plaintext
at a TLS port.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.cases import ExporterCase
from otlptest.conformance.exporter_cases.endpoints import DEFAULT_PORTS
from otlptest.conformance.exporter_cases.readings import (
    general,
    last_words,
    own,
    spoken,
    steady,
    told,
)
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.observations import Observation
from otlptest.conformance.verdicts import Judged, broken, held, lacking, not_observed

__all__ = ["CASES"]

_ENDPOINT: Final = general("ENDPOINT")
_INSECURE: Final = general("INSECURE")
_OLD_NAMES: Final = ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "OTEL_EXPORTER_OTLP_METRIC_INSECURE")
_OPTIONAL: Final = "the option may be left out"
_FALSE_WORDS: Final = ("1", "yes", "on")

_Run = Callable[[], Observation]


def _judge_schemes(lab: ExporterLab) -> Iterator[Judged]:
    """A scheme decides, whatever `INSECURE` says."""
    https = _run(lab, {_INSECURE: "true"}, tls=True)
    http = _run(lab, {_INSECURE: "false"})
    over_tls, in_plaintext = https(), http()
    yield _speaks("OTLP-CFG-015", over_tls, "tls", (_ENDPOINT, _INSECURE))
    yield _speaks("OTLP-CFG-016", in_plaintext, "plaintext", (_ENDPOINT, _INSECURE))
    yield _takes_both(over_tls)


def _takes_both(over_tls: Observation) -> Judged:
    """The observing run has shown that `http://` is taken."""
    what = told(over_tls, [_ENDPOINT])
    if spoken(over_tls):
        return held("OTLP-CFG-014", f"{what}; it connected, and with http:// it does too")
    return not_observed("OTLP-CFG-014", f"{what}; nothing came; {last_words(over_tls)}")


def _judge_bare(lab: ExporterLab) -> Iterator[Judged]:
    """`host:port`: TLS unless told otherwise."""
    secure = _run(lab, {}, tls=True, is_bare=True)
    insecure = _run(lab, {_INSECURE: "true"}, is_bare=True)
    capital = _run(lab, {_INSECURE: "TRUE"}, is_bare=True)
    others = [_run(lab, {_INSECURE: word}, tls=True, is_bare=True) for word in _FALSE_WORDS]
    by_default, in_plaintext = secure(), insecure()
    yield _is_taken(by_default, in_plaintext)
    yield _speaks("OTLP-CFG-018", by_default, "tls", (_ENDPOINT, _INSECURE))
    yield _may_speak_plaintext("OTLP-CFG-019", in_plaintext, (_ENDPOINT, _INSECURE))
    has_option = "plaintext" in spoken(in_plaintext)
    yield from _judge_booleans(capital(), [run() for run in others], has_option=has_option)


def _is_taken(*runs: Observation) -> Judged:
    rule = "OTLP-CFG-017"
    told_runs = "; ".join(told(seen, [_ENDPOINT, _INSECURE]) for seen in runs)
    if any(spoken(seen) for seen in runs):
        return held(rule, f"{told_runs}; it connected")
    return broken(rule, f"{told_runs}; nothing came; {last_words(runs[0])}")


def _judge_booleans(
    capital: Observation, others: Iterable[Observation], *, has_option: bool
) -> Iterator[Judged]:
    rule, names = "OTLP-CFG-055", (_ENDPOINT, _INSECURE)
    if not has_option:
        yield not_observed(rule, f"OTEL_EXPORTER_OTLP_INSECURE=true changes nothing; {_OPTIONAL}")
        return
    yield _speaks(rule, capital, "plaintext", names)
    for seen in others:
        yield _speaks(rule, seen, "tls", names)


def _judge_own_insecure(lab: ExporterLab) -> Iterator[Judged]:
    """`INSECURE` of one signal against the general one, and two old names."""
    option = _run(lab, {_INSECURE: "true"}, is_bare=True)
    names = tuple(own(signal, "INSECURE") for signal in lab.signals)
    overriding = _run(lab, {_INSECURE: "false", **dict.fromkeys(names, "true")}, is_bare=True)
    judged = _may_speak_plaintext("OTLP-CFG-052", overriding(), (_INSECURE, *names))
    if judged.outcome == "lacking" and "plaintext" in spoken(option()):
        judged = broken("OTLP-CFG-052", f"{judged.evidence}\n{_INSECURE}=true alone is heeded")
    yield judged
    if {"traces", "metrics"} & set(lab.signals):
        yield from _judge_old_names(lab)


def _judge_old_names(lab: ExporterLab) -> Iterator[Judged]:
    signals = tuple(each for each in lab.signals if each in {"traces", "metrics"})
    seen = _run(lab, dict.fromkeys(_OLD_NAMES, "true"), is_bare=True, signals=signals)()
    yield _may_speak_plaintext("OTLP-CFG-021", seen, _OLD_NAMES)


def _run(
    lab: ExporterLab,
    variables: dict[str, str],
    *,
    is_bare: bool = False,
    **options: object,
) -> _Run:
    """Start a run; `is_bare`: the endpoint without its scheme."""

    def changes(fake: FakeCollector) -> dict[str, str | None]:
        endpoint = fake.grpc_endpoint
        shown = endpoint.partition("://")[2] if is_bare else endpoint
        return {_ENDPOINT: shown, **variables}

    return steady(lab, changes, is_wanted=lambda seen: bool(spoken(seen)), **options)


def _speaks(rule: str, seen: Observation, expected: str, names: Iterable[str]) -> Judged:
    what, found = told(seen, names), spoken(seen)
    if found == {expected}:
        return held(rule, f"{what}; {expected} was spoken")
    if not found:
        return not_observed(rule, f"{what}; nothing came; {last_words(seen)}")
    return broken(rule, f"{what}; expected {expected}; spoken: {', '.join(sorted(found))}")


def _may_speak_plaintext(rule: str, seen: Observation, names: Iterable[str]) -> Judged:
    """As `_speaks`, for an option that may be left out: then it is lacking."""
    judged = _speaks(rule, seen, "plaintext", names)
    if judged.outcome == "broken":
        return lacking(rule, f"{judged.evidence}; {_OPTIONAL}")
    return judged


CASES: Final = (
    ExporterCase(
        id="grpc_endpoints/schemes",
        title="The scheme of a gRPC endpoint decides on TLS, whatever INSECURE says",
        requirements=("OTLP-CFG-014", "OTLP-CFG-015", "OTLP-CFG-016"),
        judge=_judge_schemes,
        protocols=("grpc",),
        runs=2,
    ),
    ExporterCase(
        id="grpc_endpoints/bare",
        title="A gRPC endpoint without a scheme: TLS, unless INSECURE=true",
        requirements=("OTLP-CFG-017", "OTLP-CFG-018", "OTLP-CFG-019", "OTLP-CFG-055"),
        judge=_judge_bare,
        protocols=("grpc",),
        runs=6,
        exclusive=DEFAULT_PORTS,
    ),
    ExporterCase(
        id="grpc_endpoints/own_insecure",
        title="INSECURE of one signal beats the general one; its old names",
        requirements=("OTLP-CFG-021", "OTLP-CFG-052"),
        judge=_judge_own_insecure,
        protocols=("grpc",),
        runs=3,
        exclusive=DEFAULT_PORTS,
    ),
)

"""The forms of a gRPC endpoint, and `INSECURE`, which decides if the form does not.

A fake of the other kind recognizes it too: a ClientHello at a plaintext port, plaintext at a TLS
port. A command that cannot parse an endpoint may try the default port until it is ended: so runs
that only show TLS or plaintext run at the same time.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import ExporterCases
from otlptest.conformance.exporter.cases.endpoints import DEFAULT_PORTS
from otlptest.conformance.exporter.lab import Changes, ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    format_env,
    global_env_var,
    judged_spoken,
    output_tail,
    signal_env_var,
    start_until_stable,
    transports_used,
)
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed

CASES: Final = ExporterCases()


_ENDPOINT: Final = global_env_var("ENDPOINT")
_INSECURE: Final = global_env_var("INSECURE")
_OLD_NAMES: Final = ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "OTEL_EXPORTER_OTLP_METRIC_INSECURE")
_OPTIONAL: Final = "the option may be left out"
_FALSE_WORDS: Final = ("1", "yes", "on")


@CASES.add(
    "grpc_endpoints/schemes",
    "The scheme of a gRPC endpoint decides on TLS, whatever INSECURE says",
    ("OTLP-CFG-014", "OTLP-CFG-015", "OTLP-CFG-016"),
    protocols=("grpc",),
    runs=3,
)
def _judge_schemes(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge that a scheme takes precedence over `INSECURE`."""
    plain_https = start_until_stable(lab, {}, is_wanted=transports_used, tls=True)
    https = start_until_stable(lab, {_INSECURE: "true"}, is_wanted=transports_used, tls=True)
    http = start_until_stable(lab, {_INSECURE: "false"}, is_wanted=transports_used)
    over_tls = plain_https()
    names = (_ENDPOINT, _INSECURE)
    yield _takes_both(over_tls)
    yield judged_spoken("OTLP-CFG-015", https(), "tls", names, without=over_tls)
    yield judged_spoken("OTLP-CFG-016", http(), "plaintext", names, without=lab.baseline)


def _takes_both(over_tls: Observation) -> CheckResult:
    """Judge that `http://` is taken, as the observing run has shown."""
    what = format_env(over_tls, [_ENDPOINT])
    if transports_used(over_tls):
        return passed("OTLP-CFG-014", f"{what}; it connected, and with http:// it does too")
    return inconclusive("OTLP-CFG-014", f"{what}; nothing came; {output_tail(over_tls)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _BareRuns:
    """Runs with `host:port` as the endpoint, all at the same time."""

    secure: "Future[Observation]"
    insecure: "Future[Observation]"
    capital: "Future[Observation]"
    odd: tuple["Future[Observation]", ...]
    overriding: "Future[Observation]"
    old_names: "Future[Observation]"


@CASES.add(
    "grpc_endpoints/bare",
    "A gRPC endpoint without a scheme: TLS, unless INSECURE=true",
    (
        "OTLP-CFG-017",
        "OTLP-CFG-018",
        "OTLP-CFG-019",
        "OTLP-CFG-021",
        "OTLP-CFG-052",
        "OTLP-CFG-055",
    ),
    protocols=("grpc",),
    expected_s=12.0,
    runs=8,
    exclusive=DEFAULT_PORTS,
)
def _judge_bare(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge `host:port`: TLS by default."""
    runs = _bare_runs(lab)
    names = (_ENDPOINT, _INSECURE)
    secure, insecure = runs.secure.result(), runs.insecure.result()
    yield _is_taken(secure, insecure)
    yield judged_spoken("OTLP-CFG-018", secure, "tls", names)
    yield _optional("OTLP-CFG-019", insecure, names, without=secure)
    has_option = "plaintext" in transports_used(insecure)
    odd = [run.result() for run in runs.odd]
    if "plaintext" in transports_used(secure):
        why = "plaintext without the variable too, which OTLP-CFG-018 judges"
        yield inconclusive("OTLP-CFG-055", why, exchanges=format_env(secure, names))
    else:
        yield from _booleans(runs.capital.result(), odd, has_option=has_option)
    overriding, old_names = runs.overriding.result(), runs.old_names.result()
    yield _overriding(lab, overriding, without=secure, has_option=has_option)
    yield _optional("OTLP-CFG-021", old_names, _OLD_NAMES, without=secure)


def _bare_runs(lab: ExporterLab) -> _BareRuns:
    own_names = [signal_env_var(signal, "INSECURE") for signal in lab.signals]
    return _BareRuns(
        secure=lab.start(_bare({}), tls=True),
        insecure=lab.start(_bare({_INSECURE: "true"})),
        capital=lab.start(_bare({_INSECURE: "TRUE"})),
        odd=tuple(lab.start(_bare({_INSECURE: word}), tls=True) for word in _FALSE_WORDS),
        overriding=lab.start(_bare({_INSECURE: "false", **dict.fromkeys(own_names, "true")})),
        old_names=lab.start(
            _bare(dict.fromkeys(_OLD_NAMES, "true")),
            signals=tuple(each for each in lab.signals if each != "logs") or lab.signals,
        ),
    )


def _bare(variables: dict[str, str]) -> Changes:
    def changes(fake: FakeCollector) -> dict[str, str | None]:
        return {_ENDPOINT: fake.grpc_endpoint.partition("://")[2], **variables}

    return changes


def _is_taken(*runs: Observation) -> CheckResult:
    rule = "OTLP-CFG-017"
    what = "; ".join(format_env(seen, [_ENDPOINT, _INSECURE]) for seen in runs)
    if any(transports_used(seen) for seen in runs):
        return passed(rule, f"{what}; it connected")
    return failed(rule, f"{what}; nothing came; {output_tail(runs[0])}")


def _booleans(
    capital: Observation, odd: Iterable[Observation], *, has_option: bool
) -> Iterator[CheckResult]:
    rule, names = "OTLP-CFG-055", (_ENDPOINT, _INSECURE)
    if not has_option:
        yield inconclusive(rule, f"{_INSECURE}=true changes nothing; {_OPTIONAL}")
        return
    yield judged_spoken(rule, capital, "plaintext", names)
    for seen in odd:
        yield judged_spoken(rule, seen, "tls", names)


def _overriding(
    lab: ExporterLab, seen: Observation, *, without: Observation, has_option: bool
) -> CheckResult:
    """Judge `INSECURE` of the signals against the general one."""
    rule = "OTLP-CFG-052"
    names = (_INSECURE, *(signal_env_var(signal, "INSECURE") for signal in lab.signals))
    found = _optional(rule, seen, names, without=without)
    if has_option and found.outcome == "not_applicable":
        return judged_spoken(rule, seen, "plaintext", names)
    return found


def _optional(
    rule: str, seen: Observation, names: Iterable[str], *, without: Observation
) -> CheckResult:
    """Judge an option that may be missing: TLS in spite of it is not applicable, not a failure.

    Args:
        rule: The requirement.
        seen: The run whose variables ask for plaintext.
        names: The variables that ask for it.
        without: A run without them: if it speaks plaintext too, nothing is shown.
    """
    judged = judged_spoken(rule, seen, "plaintext", names)
    if judged.outcome == "failed":
        return not_applicable(rule, f"{judged.evidence}; {_OPTIONAL}")
    if judged.outcome == "passed" and "plaintext" in transports_used(without):
        reason = "it speaks plaintext without the variables too, so that nothing shows them read"
        return inconclusive(rule, f"{judged.evidence}; {reason}")
    return judged

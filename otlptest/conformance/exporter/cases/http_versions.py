"""The fallback of a command that prefers HTTP/2."""

from collections.abc import Iterator
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import global_env_var, output_tail, whole_run
from otlptest.conformance.exporter.tls_front import TlsFront
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_RULE: Final = "OTLP-HTTP-010"


@CASES.add(
    "http_versions/fallback",
    "HTTP/1.1 where HTTP/2 cannot be had",
    (_RULE,),
    protocols=HTTP_PROTOCOLS,
    runs=2,
)
def _judge(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge two runs: ALPN with both versions to choose from, then with HTTP/1.1 alone."""
    free = lab.run(tls=True)
    versions = _versions(lab, free)
    if "h2" not in versions:
        spoke = f"it spoke {', '.join(sorted(versions))}" if versions else output_tail(free)
        yield inconclusive(_RULE, f"it does not prefer HTTP/2 over TLS: {spoke}")
        return
    bound = _without_http2(lab)
    if "http/1.1" not in _versions(lab, bound):
        bound = _without_http2(lab)  # one unlucky run is not enough
    if "http/1.1" in _versions(lab, bound):
        told = "HTTP/2 where ALPN offers it; HTTP/1.1 where that is all it offers"
        yield passed(_RULE, told, exchanges=bound.describe())
        return
    if bound.has_timed_out:
        yield inconclusive(_RULE, f"with HTTP/1.1 alone {output_tail(bound)}")
        return
    told = "where ALPN offers HTTP/1.1 alone nothing came, in two runs; with HTTP/2 it did"
    yield failed(_RULE, f"{told}\n{whole_run(bound)}")


def _without_http2(lab: ExporterLab) -> Observation:
    fronts: list[TlsFront] = []

    def changes(fake: FakeCollector) -> dict[str, str | None]:
        front = TlsFront(fake.http_port, protocols=["http/1.1"])
        fronts.append(front)
        return {
            global_env_var("ENDPOINT"): front.endpoint,
            global_env_var("CERTIFICATE"): str(front.ca_file),
        }

    try:
        return lab.run(changes)
    finally:
        for front in fronts:
            front.close()


def _versions(lab: ExporterLab, seen: Observation) -> set[str]:
    """Return the HTTP versions of accepted requests."""
    return {
        each.connection.protocol
        for each in seen.requests
        if each.is_accepted and each.signal in lab.signals and each.connection.protocol
    }

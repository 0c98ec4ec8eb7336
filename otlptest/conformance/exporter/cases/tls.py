"""Certificates: those that the command trusts, and its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import HTTP_PROTOCOLS, ExporterCases
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import (
    format_env,
    global_env_var,
    judged_spoken,
    lost_signals,
    output_tail,
    signal_env_var,
    transports_used,
    whole_run,
)
from otlptest.conformance.exporter.tls_front import TlsFront
from otlptest.results import CheckResult, failed, inconclusive, passed

CASES: Final = ExporterCases()


_ENDPOINT: Final = global_env_var("ENDPOINT")
_INSECURE: Final = global_env_var("INSECURE")
_CA: Final = global_env_var("CERTIFICATE")
_PAIR: Final = (global_env_var("CLIENT_CERTIFICATE"), global_env_var("CLIENT_KEY"))
_OPTIONS: Final = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")

# Variables of the suite's machine that a TLS library may take its authorities from: with some of
# them set, libraries ignore the certificate that they are given.
_OF_THE_MACHINE: Final[Mapping[str, str | None]] = dict.fromkeys(
    (
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "NODE_EXTRA_CA_CERTS",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    )
)
# The system's trust store cannot be changed for a test, but many libraries take its place from
# these.
_SYSTEM_TRUST: Final = (
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)
_ANOTHER_HOST: Final = "another-host.otlptest.invalid"
_UNSHOWN_CERTIFICATE: Final = "PEER_DID_NOT_RETURN_A_CERTIFICATE"

_Files = Callable[[FakeCollector], Mapping[str, str | None]]


@CASES.add(
    "tls/trust",
    "CERTIFICATE is what the server is trusted by, and the only thing",
    ("OTLP-CFG-022", "OTLP-CFG-023"),
    expected_s=12.0,
    runs=4,
)
def _judge_trust(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge trust in the fake's own authority, another one, none, and one with another host."""
    with (
        lab.collector(tls=True) as stranger,
        lab.collector() as other,
        TlsFront(
            other.grpc_port if lab.protocol == "grpc" else other.http_port,
            protocols=["h2"] if lab.protocol == "grpc" else ["http/1.1"],
            names=[_ANOTHER_HOST],
        ) as front,
    ):
        trusting = _run(lab, lambda _: {})
        wrong = lab.start(_with(lambda _: {_CA: str(stranger.ca_file)}), tls=True)
        untold = lab.start(_with(lambda _: {_CA: None}), tls=True)
        misnamed = lab.start(
            _with(lambda _: {_CA: str(front.ca_file), _ENDPOINT: front.endpoint}), tls=True
        )
        taken, refused, unknown = trusting(), wrong.result(), untold.result()
        fooled, arrived = misnamed.result(), lab.arrived(other)
    yield _judged_authority(lab, taken, refused)
    yield _judged_stranger("OTLP-CFG-023", unknown)
    if arrived.requests:
        why = f"telemetry went to a server whose certificate is for {_ANOTHER_HOST}"
        yield failed("OTLP-CFG-023", f"{why}; {format_env(fooled, [_ENDPOINT, _CA])}")


def _judged_authority(lab: ExporterLab, taken: Observation, refused: Observation) -> CheckResult:
    rule = "OTLP-CFG-022"
    if refused.requests:
        return failed(rule, f"the certificate of another authority was trusted; {_seen(refused)}")
    failure = _handshake_failure(taken)
    if lost_signals(lab, taken):
        judge = failed if failure and not taken.requests else inconclusive
        return judge(rule, f"with the right authority; {_seen(taken)}{failure}")
    if not _handshake_failure(refused):
        return inconclusive(rule, f"no handshake with another authority; {_seen(refused)}")
    return passed(rule, f"sent with the right authority, refused with another; {_seen(taken)}")


def _judged_stranger(rule: str, seen: Observation) -> CheckResult:
    if seen.requests:
        return failed(
            rule, f"telemetry was sent to a server with an untrusted certificate; {_seen(seen)}"
        )
    failure = _handshake_failure(seen)
    if not failure:
        return inconclusive(rule, f"it did not connect; {_seen(seen)}")
    return passed(rule, f"{format_env(seen, [_ENDPOINT, _CA])}{failure}; nothing was sent")


@CASES.add(
    "tls/client_certificate",
    "CLIENT_CERTIFICATE and CLIENT_KEY are shown, with and without CERTIFICATE",
    ("OTLP-CFG-024",),
    expected_s=10.0,
    runs=2,
)
def _judge_client_certificate(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge client certificates, with the server's authority configured or trusted by default."""
    told_all = _run(lab, lambda _: {}, needs_client_certificate=True)
    told_pair = _run(lab, _trusted_by_the_system, needs_client_certificate=True)
    yield _judged_certificate(lab, told_all(), is_needed=True)
    yield _judged_certificate(lab, told_pair(), is_needed=False)


def _trusted_by_the_system(fake: FakeCollector) -> Mapping[str, str | None]:
    return {_CA: None, **dict.fromkeys(_SYSTEM_TRUST, str(fake.ca_file))}


def _judged_certificate(lab: ExporterLab, seen: Observation, *, is_needed: bool) -> CheckResult:
    """Fail only if the handshake shows that the client trusted the server and sent nothing.

    Args:
        lab: For the signals.
        seen: The run.
        is_needed: Whether all but telemetry fails: the server is trusted.
    """
    rule = "OTLP-CFG-024"
    failure = _handshake_failure(seen)
    if not lost_signals(lab, seen):
        return passed(rule, f"the certificate was shown; {_seen(seen, *_PAIR)}")
    if _UNSHOWN_CERTIFICATE in failure:
        return failed(rule, f"no certificate was shown; {_seen(seen, *_PAIR)}{failure}")
    if is_needed:
        return inconclusive(rule, f"{_seen(seen, *_PAIR)}{failure}")
    reason = "it cannot be made to trust the server without the variable"
    return inconclusive(rule, f"{reason}; {_seen(seen, *_PAIR)}{failure}")


@CASES.add(
    "tls/own_certificates",
    "Certificates of one signal beat the general ones",
    ("OTLP-CFG-025", "OTLP-CFG-052"),
    runs=2,
)
def _judge_own_certificates(lab: ExporterLab) -> Iterator[CheckResult]:
    """Judge general files of another authority, with the right ones for each signal."""
    names = [*(global_env_var(option) for option in _OPTIONS)]
    names += [signal_env_var(signal, option) for signal in lab.signals for option in _OPTIONS]
    control = _run(lab, lambda _: {}, needs_client_certificate=True)
    with lab.collector(tls=True) as stranger:
        theirs = {global_env_var(option): path for option, path in _files(stranger).items()}
        overriding = _run(
            lab,
            lambda fake: {
                **theirs,
                **{
                    signal_env_var(s, option): path
                    for s in lab.signals
                    for option, path in _files(fake).items()
                },
            },
            needs_client_certificate=True,
        )
        seen = overriding()
    works = not lost_signals(lab, control())
    for rule in ("OTLP-CFG-025", "OTLP-CFG-052"):
        yield _judged_own(rule, lab, seen, names, works=works)


def _judged_own(
    rule: str, lab: ExporterLab, seen: Observation, names: Iterable[str], *, works: bool
) -> CheckResult:
    lost = lost_signals(lab, seen)
    if not lost:
        return passed(rule, f"each signal used its own files; {format_env(seen, names)}")
    failure = _handshake_failure(seen)
    if works:
        return failed(
            rule, f"nothing of {', '.join(lost)} came; {format_env(seen, names)}{failure}"
        )
    reason = "with the general variables alone it does not come either"
    return inconclusive(rule, f"{reason}; {format_env(seen, names)}; {output_tail(seen)}")


def _files(fake: FakeCollector) -> dict[str, str]:
    files = (fake.ca_file, fake.client_certificate_file, fake.client_key_file)
    return {option: str(file) for option, file in zip(_OPTIONS, files, strict=True)}


@CASES.add(
    "tls/insecure_over_http",
    "INSECURE does nothing to an https URL over HTTP",
    ("OTLP-CFG-020",),
    protocols=HTTP_PROTOCOLS,
    runs=2,
)
def _judge_insecure_over_http(lab: ExporterLab) -> Iterator[CheckResult]:
    without = _run(lab, lambda _: {}, is_wanted=transports_used)
    seen = _run(lab, lambda _: {_INSECURE: "true"}, is_wanted=transports_used)
    names = (_ENDPOINT, _INSECURE)
    yield judged_spoken("OTLP-CFG-020", seen(), "tls", names, without=without())


def _with(files: _Files) -> Callable[[FakeCollector], Mapping[str, str | None]]:
    return lambda fake: {**_OF_THE_MACHINE, **files(fake)}


def _run(
    lab: ExporterLab,
    files: _Files,
    *,
    needs_client_certificate: bool = False,
    is_wanted: Callable[[Observation], object] | None = None,
) -> Callable[[], Observation]:
    """Start a run with TLS; if something is missing, another one by host name.

    A TLS library may not support certificates for addresses.
    """

    def by_name(fake: FakeCollector) -> Mapping[str, str | None]:
        url = fake.grpc_endpoint if lab.protocol == "grpc" else fake.http_endpoint
        return {**_with(files)(fake), _ENDPOINT: url.replace("127.0.0.1", "localhost")}

    first = lab.start(_with(files), tls=True, needs_client_certificate=needs_client_certificate)

    def result() -> Observation:
        seen = first.result()
        will_do = is_wanted(seen) if is_wanted else not lost_signals(lab, seen)
        if will_do:
            return seen
        return lab.run(by_name, tls=True, needs_client_certificate=needs_client_certificate)

    return result


def _handshake_failure(seen: Observation) -> str:
    """Return why a TLS handshake failed, or that the client broke it off; empty if none did."""
    for problem in seen.problems:
        if problem.rule == "OTLP-SRV-080":
            return f"; {problem.message}"
    if "plaintext" in transports_used(seen):
        return ""
    for connection in seen.connections:
        if connection.is_tls and connection.bytes_received and not connection.requests:
            return f"; a connection ended without a request: {connection.close_reason}"
    return ""


def _seen(seen: Observation, *names: str) -> str:
    return f"{format_env(seen, [_ENDPOINT, _CA, *names])}\n{whole_run(seen)}"

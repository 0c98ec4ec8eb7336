"""A receiver with TLS: its versions, and its reaction to plain text."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from typing import Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.cases.success import sample_body
from otlptest.conformance.receiver.exchange import crash_result, http_fields, target_of
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.results import CheckResult, failed, inconclusive, not_applicable, passed
from otlptest.sending.raw.http1_client import RawHttp1Client, request_bytes
from otlptest.sending.raw.raw_socket import end_words

CASES: Final = ReceiverCases()


_NO_TLS: Final = "its endpoint has no TLS"
_OLD: Final = ssl.TLSVersion.TLSv1_1
_OLD_CIPHERS: Final = "ALL:@SECLEVEL=0"
_ENDS_S: Final = 5.0


@CASES.add(
    "secured/plain_text",
    "Plain HTTP on a TLS port",
    ("OTLP-SRV-081",),
    is_plain=True,
)
def _judge_plain_text(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge HTTP/1.1 in clear text on a TLS port: closed, or refused."""
    rule = "OTLP-SRV-081"
    if not lab.endpoint.is_tls:
        yield not_applicable(rule, _NO_TLS)
        return
    body = sample_body(lab, lab.signals[0], lab.marker())
    plain = socket.create_connection((lab.endpoint.host, lab.endpoint.port), lab.timeout_s)
    with RawHttp1Client(plain, min(_ENDS_S, lab.timeout_s)) as talk:
        talk.say(request_bytes("POST", target_of(lab), http_fields(lab), body))
        answer = talk.answer()
    seen = f"plain HTTP on a TLS port was answered {answer.told()}"
    fall = crash_result(lab, rule, seen)
    if fall is not None:
        yield fall
    elif answer.is_refused or answer.end in {"closed", "reset"}:
        yield passed(rule, seen)
    else:
        yield failed(rule, f"{seen}, {end_words(answer.end)}", expected="HTTP 400 or a close")


@CASES.add(
    "secured/versions",
    "TLS versions and ALPN",
    ("OTLP-SRV-082",),
    is_plain=True,
)
def _judge_versions(lab: ReceiverLab) -> Iterator[CheckResult]:
    """Judge TLS versions: 1.2 or newer, with `h2` by ALPN for gRPC, and nothing older."""
    rule = "OTLP-SRV-082"
    if not lab.endpoint.is_tls:
        yield not_applicable(rule, _NO_TLS)
        return
    with lab.connect() as wire:
        if not isinstance(wire, ssl.SSLSocket):
            yield inconclusive(rule, "the connection is not encrypted")
            return
        version, protocol = wire.version() or "", wire.selected_alpn_protocol()
    seen = f"{version} was agreed, by ALPN {protocol}"
    if version not in {"TLSv1.2", "TLSv1.3"}:
        yield failed(rule, seen, expected="TLS 1.2 or newer")
    elif lab.protocol == "grpc" and protocol != "h2":
        yield failed(rule, seen, expected="h2 by ALPN")
    else:
        yield _old_version(lab, rule, seen)


def _old_version(lab: ReceiverLab, rule: str, seen: str) -> CheckResult:
    """Return whether a client that has nothing newer than TLS 1.1 is turned away."""
    context = ssl.create_default_context(cafile=lab.ca_file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what it is about
        try:
            context.set_ciphers(_OLD_CIPHERS)
            context.minimum_version = context.maximum_version = _OLD
        except (ValueError, ssl.SSLError) as unable:
            return inconclusive(rule, f"{seen}; nothing older can be offered here: {unable}")
    to = (lab.endpoint.host, lab.endpoint.port)
    with socket.create_connection(to, lab.timeout_s) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=lab.endpoint.host) as old:
                return failed(
                    rule, f"it agrees to {old.version()} too", expected="TLS 1.2 or newer"
                )
        except OSError as refused:
            return passed(rule, f"{seen}; TLS 1.1 came to: {refused}")

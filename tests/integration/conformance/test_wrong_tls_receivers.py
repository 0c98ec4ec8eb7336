"""Receivers that speak TLS, and let in what they should keep out, are caught."""

import warnings
from collections.abc import Callable

import pytest

from otlptest import FakeCollector
from otlptest.conformance.receiver.cases import CASES
from otlptest.conformance.receiver.suite import judged_receiver_case
from otlptest.conformance.receiver.target_lab import TargetLab, endpoint_of
from otlptest.conformance.runner import judgements
from otlptest.model import Protocol
from otlptest.wire.transport.certificates import ThrowAwayCertificates
from tests.subjects.wrong_receivers.tls_fronts import (
    Opened,
    either,
    only,
    tls_front,
    with_old_versions,
    without_h2,
)

GRPC: Protocol = "grpc"
HTTP: Protocol = "http/protobuf"
PLAIN_TEXT, VERSIONS = "OTLP-SRV-081", "OTLP-SRV-082"


def right(certificates: ThrowAwayCertificates) -> Opened:
    return only(certificates.server_context())


@pytest.mark.parametrize(
    ("front", "protocol", "broken"),
    [
        pytest.param(right, HTTP, set(), id="TLS alone, over HTTP"),
        pytest.param(right, GRPC, set(), id="TLS alone, over gRPC"),
        pytest.param(either, HTTP, {PLAIN_TEXT}, id="plaintext too"),
        pytest.param(with_old_versions, HTTP, {VERSIONS}, id="TLS 1.1 too"),
        pytest.param(without_h2, GRPC, {VERSIONS}, id="gRPC without h2 by ALPN"),
        pytest.param(without_h2, HTTP, set(), id="HTTP without h2 by ALPN"),
    ],
)
def test_what_a_tls_port_lets_in(
    front: Callable[[ThrowAwayCertificates], Opened], protocol: Protocol, broken: set[str]
) -> None:
    certificates = ThrowAwayCertificates()
    with FakeCollector() as collector, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1: that is what it is about
        port = collector.grpc_port if protocol == GRPC else collector.http_port
        with tls_front(port, front(certificates)) as secured:
            there = endpoint_of(f"https://127.0.0.1:{secured}", is_grpc=protocol == GRPC)
            lab = TargetLab(
                protocol=protocol,
                grpc=there if protocol == GRPC else None,
                http=None if protocol == GRPC else there,
                ca_file=certificates.ca_file,
                timeout_s=30.0,
            )
            found = [
                each
                for case in CASES
                if case.id.startswith("secured/")
                for each in judgements(case, judged_receiver_case(case, lab))
            ]
    certificates.close()
    assert {each.rule for each in found if each.outcome == "failed"} == broken, found
    if not broken:
        assert {each.outcome for each in found} == {"passed"}, found

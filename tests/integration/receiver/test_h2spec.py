"""The gRPC port passes every case of h2spec, the strict ones included.

On the HTTP port one case must not pass: that port speaks HTTP/1.1 as well, so what is not HTTP/2
preface is answered in HTTP/1.1, and h2spec expects the connection to be closed without a word.
"""

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from otlptest.wire.transport.certificates import ThrowAwayCertificates
from tests.support.peers import require_peer
from tests.support.receiving import receiving

NOT_PASSED = {
    "grpc": set[str](),
    "http": {"Sends invalid connection preface"},
}


def failures(report: Path) -> tuple[int, set[str]]:
    """How many cases ran, and the names of those that failed."""
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 -- our own file
    ran = list(cases)
    failed = [
        case for case in ran if case.find("failure") is not None or case.find("error") is not None
    ]
    assert not [case for case in ran if case.find("skipped") is not None]
    return len(ran), {case.attrib["classname"] for case in failed}


@pytest.mark.needs_h2spec
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("role", ["grpc", "http"])
def test_every_case_of_h2spec_passes(role: str, tmp_path: Path, *, is_tls: bool) -> None:
    report = tmp_path / "h2spec.xml"
    certificates = ThrowAwayCertificates()
    tls = certificates.server_context() if is_tls else None
    with receiving(tls=tls) as (receiver, _):
        port = receiver.grpc_port if role == "grpc" else receiver.http_port
        command = [str(require_peer("h2spec")), "--strict", "-h", "127.0.0.1", "-p", str(port)]
        command += ["-o", "2", "-j", str(report), *(["-t", "-k"] if is_tls else [])]
        subprocess.run(command, check=False, capture_output=True, timeout=25)
    certificates.close()
    count, failed = failures(report)
    assert count > 140
    assert failed == (set() if is_tls else NOT_PASSED[role])

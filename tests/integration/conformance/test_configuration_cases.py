"""Each exporter case of configuration: a right exporter passes, and a wrong one is caught."""

import pytest

from otlptest.conformance import SuiteRun
from otlptest.conformance.exporter.cases import endpoints
from otlptest.model import Protocol
from otlptest.processes.free_ports import free_port
from tests.support.conformed import broken_rules, conformed

GRPC: Protocol = "grpc"
HTTP: Protocol = "http/protobuf"
JSON: Protocol = "http/json"

RIGHT: dict[Protocol, tuple[str, ...]] = {
    HTTP: (
        "endpoints",
        "headers",
        "compression",
        "tls",
        "protocols",
        "empty_values",
        "user_agent",
        "sdk",
        "intervals",
    ),
    GRPC: (
        "endpoints",
        "grpc_endpoints",
        "headers",
        "compression",
        "tls",
        "protocols",
        "empty_values",
        "user_agent",
        "sdk",
    ),
    JSON: ("endpoints/as_is", "compression/values", "protocols/values", "sdk/config_file"),
}

# What is wrong with the exporter, the case and the protocol in which that shows, and every
# requirement that the case then finds broken.
WRONG: tuple[tuple[str, str, Protocol, str], ...] = (
    ("default port", "endpoints/default_http", HTTP, "CFG-001 HTTP-040"),
    ("default port", "endpoints/default_grpc", GRPC, "CFG-002 GRPC-034"),
    ("silent without an endpoint", "endpoints/default_http", HTTP, "CFG-001"),
    ("silent without an endpoint", "endpoints/default_grpc", GRPC, "CFG-002"),
    ("empty endpoint is kept", "endpoints/default_http", HTTP, "CFG-054"),
    ("empty endpoint is kept", "endpoints/default_grpc", GRPC, "CFG-054"),
    ("appends to own URL", "endpoints/as_is", HTTP, "CFG-006 CFG-007 CFG-008"),
    ("strips a slash of own URL", "endpoints/as_is", HTTP, "CFG-007"),
    ("appends to own URL without a path", "endpoints/as_is", HTTP, "CFG-008"),
    ("stops at an own ENDPOINT", "endpoints/as_is", HTTP, ""),
    ("stops at an own ENDPOINT", "endpoints/unchanged", HTTP, ""),
    ("stops at an own ENDPOINT", "endpoints/precedence", HTTP, "CFG-009"),
    ("no own ENDPOINT", "endpoints/precedence", HTTP, "CFG-009 CFG-052"),
    ("no own ENDPOINT", "endpoints/precedence", GRPC, "CFG-009 CFG-052"),
    ("own ENDPOINT counts for all", "endpoints/precedence", GRPC, "CFG-009"),
    ("decodes the path", "endpoints/unchanged", HTTP, "CFG-013"),
    ("lowers the path", "endpoints/unchanged", HTTP, "CFG-013"),
    ("no scheme", "endpoints/url", HTTP, "CFG-010"),
    ("another Host", "endpoints/url", HTTP, "CFG-010"),
    ("no standard port", "endpoints/standard_port", HTTP, "CFG-012"),
    ("INSECURE beats https", "grpc_endpoints/schemes", GRPC, "CFG-015"),
    ("INSECURE=false beats http", "grpc_endpoints/schemes", GRPC, "CFG-016"),
    ("stops at INSECURE", "grpc_endpoints/schemes", GRPC, "CFG-015 CFG-016"),
    ("no bare target", "grpc_endpoints/bare", GRPC, "CFG-017"),
    ("bare target in plaintext", "grpc_endpoints/bare", GRPC, "CFG-018"),
    ("always insecure", "grpc_endpoints/bare", GRPC, "CFG-018"),
    ("1 is true", "grpc_endpoints/bare", GRPC, "CFG-055"),
    ("TRUE is false", "grpc_endpoints/bare", GRPC, "CFG-055"),
    ("no own INSECURE", "grpc_endpoints/bare", GRPC, "CFG-052"),
    ("splits headers at every =", "environment/headers", HTTP, "CFG-028"),
    ("no headers", "environment/headers", HTTP, "CFG-026"),
    ("stops at any header", "environment/headers", HTTP, "CFG-026"),
    ("stops at any header", "headers/spelling", HTTP, ""),
    ("no headers", "headers/spelling", HTTP, ""),
    ("keeps spaces", "headers/spelling", HTTP, "CFG-029"),
    ("properties are headers", "headers/spelling", HTTP, "CFG-030"),
    ("stops at a property", "headers/spelling", HTTP, "CFG-030"),
    ("stops at a malformed header", "headers/spelling", HTTP, "CFG-033"),
    ("drops all headers with a malformed one", "headers/spelling", HTTP, "CFG-033"),
    ("properties are headers", "headers/grpc_spelling", GRPC, "CFG-030"),
    ("drops all headers with a malformed one", "headers/grpc_spelling", GRPC, "CFG-033"),
    ("capitals in metadata", "headers/grpc_spelling", GRPC, "CFG-034"),
    ("general HEADERS win", "headers/own", HTTP, "CFG-032 CFG-052"),
    ("no own HEADERS", "headers/own", GRPC, "CFG-032 CFG-052"),
    ("headers go once", "headers/repeated", HTTP, "CFG-026"),
    ("framing headers are kept", "headers/framing", HTTP, "CFG-059"),
    ("no gzip", "compression/values", HTTP, "CFG-035"),
    ("no gzip", "compression/values", GRPC, "CFG-035"),
    ("gzip for traces alone", "compression/values", HTTP, "CFG-035"),
    ("always gzip", "compression/values", HTTP, "CFG-036"),
    ("always gzip", "compression/values", GRPC, "CFG-036"),
    ("none is unknown", "compression/values", HTTP, "CFG-036"),
    ("stops at an unknown COMPRESSION", "compression/values", HTTP, "CFG-038"),
    ("takes any COMPRESSION", "compression/values", HTTP, "CFG-038 CFG-039"),
    ("enums in small letters only", "compression/values", HTTP, "CFG-039"),
    ("no own COMPRESSION", "compression/own", GRPC, "CFG-052"),
    ("trusts anybody", "tls/trust", HTTP, "CFG-022 CFG-023"),
    ("trusts anybody when not told", "tls/trust", HTTP, "CFG-023"),
    ("any host will do", "tls/trust", HTTP, "CFG-023"),
    ("ignores the CA", "tls/trust", HTTP, "CFG-022"),
    ("ignores the CA", "tls/trust", GRPC, "CFG-022"),
    ("ignores the client pair", "tls/client_certificate", HTTP, "CFG-024"),
    ("ignores the client pair without a CA", "tls/client_certificate", GRPC, "CFG-024"),
    ("no own CERTIFICATE", "tls/own_certificates", HTTP, "CFG-025 CFG-052"),
    ("no own CLIENT_CERTIFICATE", "tls/own_certificates", HTTP, "CFG-025 CFG-052"),
    ("INSECURE over HTTP", "tls/insecure_over_http", HTTP, "CFG-020"),
    ("stops at INSECURE", "tls/insecure_over_http", HTTP, "CFG-020"),
    ("stops at an unknown PROTOCOL", "protocols/values", HTTP, "CFG-047"),
    ("in code, and stops at an unknown PROTOCOL", "protocols/values", HTTP, "CFG-047"),
    ("http/json by default", "protocols/values", HTTP, "CFG-050"),
    ("empty PROTOCOL is grpc", "protocols/values", HTTP, "CFG-054"),
    ("no own PROTOCOL", "protocols/own", HTTP, "CFG-051 CFG-052"),
    ("empty compression is refused", "empty_values/general", HTTP, "CFG-054"),
    ("empty own is set", "empty_values/own", HTTP, "CFG-054"),
    ("no user agent", "user_agent/product", HTTP, "CFG-057"),
    ("no user agent", "user_agent/product", GRPC, "CFG-057"),
    ("never disabled", "sdk/disabled", HTTP, "CFG-065"),
    ("disabled in part", "sdk/disabled", HTTP, "CFG-065"),
    ("1 is true", "sdk/disabled", HTTP, "CFG-055"),
    ("TRUE is false", "sdk/disabled", HTTP, "CFG-055"),
    ("logs are always on", "sdk/exporters", HTTP, "CFG-064"),
    ("no default exporter", "sdk/exporters", HTTP, "CFG-064"),
    ("stops at an unknown exporter", "sdk/exporters", HTTP, "CFG-064"),
    ("the variables beat the file", "sdk/config_file", HTTP, "CFG-066"),
    ("takes undecodable attributes", "sdk/undecodable_attributes", HTTP, "CFG-078"),
)

# What cannot be told from a right exporter, or need not be there: no verdict against it.
UNTOLD: tuple[tuple[str, str, Protocol, str, str], ...] = (
    ("no own ENDPOINT", "endpoints/as_is", HTTP, "CFG-006", "inconclusive"),
    ("no own ENDPOINT", "endpoints/as_is", HTTP, "CFG-008", "inconclusive"),
    ("no own ENDPOINT", "endpoints/unchanged", HTTP, "CFG-013", "inconclusive"),
    ("splits headers at every =", "headers/spelling", HTTP, "CFG-030", "pass"),
    ("no own ENDPOINT", "protocols/own", HTTP, "CFG-051", "inconclusive"),
    ("no headers", "headers/spelling", HTTP, "CFG-029", "inconclusive"),
    ("no headers", "headers/spelling", HTTP, "CFG-030", "inconclusive"),
    ("no headers", "headers/own", HTTP, "CFG-032", "inconclusive"),
    ("no headers", "headers/framing", HTTP, "CFG-059", "inconclusive"),
    ("no headers", "empty_values/general", HTTP, "CFG-054", "inconclusive"),
    ("no headers", "empty_values/own", HTTP, "CFG-054", "inconclusive"),
    ("no gzip", "compression/own", HTTP, "CFG-052", "inconclusive"),
    ("gzip from 1 KiB on", "compression/values", HTTP, "CFG-035", "pass"),
    ("gzip from 1 KiB on", "compression/values", HTTP, "CFG-039", "pass"),
    ("gzip from 1 KiB on", "compression/own", HTTP, "CFG-052", "pass"),
    ("gzip from 1 KiB on", "compression/values", JSON, "CFG-035", "pass"),
    ("cuts the gzip stream", "compression/values", HTTP, "CFG-035", "inconclusive"),
    ("says gzip and is none", "compression/values", HTTP, "CFG-039", "inconclusive"),
    ("transport/grpc_calls", "endpoints/default_grpc", GRPC, "CFG-002", "inconclusive"),
    ("no gzip", "compression/own", GRPC, "CFG-052", "inconclusive"),
    ("TLS by default", "endpoints/default_http", HTTP, "CFG-001", "inconclusive"),
    ("TLS by default", "endpoints/default_grpc", GRPC, "CFG-002", "inconclusive"),
    ("silent about unknown values", "compression/values", HTTP, "CFG-038", "inconclusive"),
    ("none is unknown", "compression/own", HTTP, "CFG-052", "pass"),
    ("silent about unknown values", "protocols/values", HTTP, "CFG-047", "inconclusive"),
    ("silent about unknown values", "sdk/disabled", HTTP, "CFG-056", "inconclusive"),
    ("silent about unknown values", "sdk/exporters", HTTP, "CFG-064", "inconclusive"),
    ("no configuration file", "sdk/config_file", HTTP, "CFG-066", "skip"),
    ("decodes no attributes", "sdk/undecodable_attributes", HTTP, "CFG-078", "inconclusive"),
    ("never insecure", "grpc_endpoints/bare", GRPC, "CFG-019", "skip"),
    ("never insecure", "grpc_endpoints/bare", GRPC, "CFG-055", "inconclusive"),
    ("http/protobuf alone", "protocols/values", HTTP, "CFG-049", "inconclusive"),
    ("grpc alone", "protocols/values", GRPC, "CFG-049", "inconclusive"),
    ("JSON alone", "protocols/values", JSON, "CFG-048", "inconclusive"),
    ("http/protobuf alone", "protocols/own", HTTP, "CFG-051", "inconclusive"),
    ("http/protobuf alone", "protocols/values", HTTP, "CFG-054", "inconclusive"),
    ("exporters in code", "protocols/own", HTTP, "CFG-051", "inconclusive"),
    ("exporters in code", "sdk/exporters", HTTP, "CFG-064", "inconclusive"),
    ("exporters in code", "sdk/disabled", HTTP, "CFG-065", "inconclusive"),
    ("refuses parts of a URL", "endpoints/unchanged", HTTP, "CFG-011", "pass"),
)

# The same, beside a fault that another requirement has: one cause is one accusation.
ONE_CAUSE: tuple[tuple[str, str, Protocol, str, str], ...] = (
    ("always gzip", "compression/values", HTTP, "CFG-035", "inconclusive"),
    ("always gzip", "compression/values", HTTP, "CFG-039", "inconclusive"),
    ("no gzip", "compression/values", HTTP, "CFG-036", "inconclusive"),
    ("always insecure", "grpc_endpoints/bare", GRPC, "CFG-019", "inconclusive"),
    ("always insecure", "grpc_endpoints/bare", GRPC, "CFG-021", "inconclusive"),
    ("always insecure", "grpc_endpoints/bare", GRPC, "CFG-052", "inconclusive"),
    ("always insecure", "grpc_endpoints/bare", GRPC, "CFG-055", "inconclusive"),
    ("no gzip", "compression/values", HTTP, "CFG-039", "inconclusive"),
)


# A gRPC client without a connection tries again until its time is over; that much of it will do.
SOON_MS = "3000"


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Default ports of the test's own: those of OTLP are one for the whole machine."""
    for name, variable in (
        ("GRPC_PORT", "DEFAULT_GRPC_PORT"),
        ("HTTP_PORT", "DEFAULT_HTTP_PORT"),
        ("PLAIN_HTTP_PORT", "DEFAULT_PLAIN_PORT"),
    ):
        port = free_port()
        monkeypatch.setattr(endpoints, name, port)
        monkeypatch.setenv(variable, str(port))


@pytest.mark.timeout(300)  # many runs of the command, of which some live for seconds
@pytest.mark.parametrize(
    ("protocol", "case"),
    [
        pytest.param(protocol, case, id=f"{case} over {protocol}")
        for protocol, cases in RIGHT.items()
        for case in cases
    ],
)
def test_a_right_exporter_passes(
    monkeypatch: pytest.MonkeyPatch, protocol: Protocol, case: str
) -> None:
    monkeypatch.delenv("WRONG", raising=False)
    results = conformed(protocol, case).results
    assert [each for each in results if each.verdict != "pass"] == []
    assert all(each.evidence for each in results)


def run_of(monkeypatch: pytest.MonkeyPatch, wrong: str, case: str, protocol: Protocol) -> SuiteRun:
    """The verdicts about an exporter with something planted."""
    monkeypatch.setenv("WRONG", wrong)
    monkeypatch.setenv("DEFAULT_TIMEOUT", SOON_MS)
    return conformed(protocol, case)


@pytest.mark.timeout(300)  # as above
@pytest.mark.parametrize(
    ("wrong", "case", "protocol", "rules"),
    [pytest.param(*row, id=f"{row[0]}, in {row[1]} over {row[2]}") for row in WRONG],
)
def test_a_wrong_exporter_is_caught(
    monkeypatch: pytest.MonkeyPatch, wrong: str, case: str, protocol: Protocol, rules: str
) -> None:
    run = run_of(monkeypatch, wrong, case, protocol)
    assert broken_rules(run) == {f"OTLP-{rule}" for rule in rules.split()}, run.results


@pytest.mark.timeout(300)  # as above
@pytest.mark.parametrize(
    ("row", "is_beside_a_fault"),
    [
        pytest.param(row, rows is ONE_CAUSE, id=f"{row[0]}, in {row[1]}: {row[3]} over {row[2]}")
        for rows in (UNTOLD, ONE_CAUSE)
        for row in rows
    ],
)
def test_what_cannot_be_seen_is_not_held_against_an_exporter(
    monkeypatch: pytest.MonkeyPatch,
    row: tuple[str, str, Protocol, str, str],
    *,
    is_beside_a_fault: bool,
) -> None:
    wrong, case, protocol, rule, verdict = row
    run = run_of(monkeypatch, wrong, case, protocol)
    verdicts = {each.id: each.verdict for each in run.results}
    assert verdicts[f"OTLP-{rule}"] == verdict, run.results
    assert bool(broken_rules(run)) == is_beside_a_fault, run.results

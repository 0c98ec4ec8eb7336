"""Exporter cases of encodings and data: a right exporter passes each, a wrong one is caught."""

import pytest

from otlptest.conformance.exporter.cases import lifecycle
from otlptest.model import Protocol
from tests.planted.common_faults import COMMON_PLANTS
from tests.planted.log_faults import LOG_PLANTS
from tests.planted.series_faults import SERIES_PLANTS
from tests.planted.span_faults import SPAN_PLANTS
from tests.support.conformed import broken_rules, conformed

# The right exporter waits ten seconds at a dead endpoint; many commands run, on whatever machine.
pytestmark = pytest.mark.timeout(180)

GRPC: Protocol = "grpc"
HTTP: Protocol = "http/protobuf"
JSON: Protocol = "http/json"

RIGHT = (
    "transport",
    "encoding",
    "connections",
    "json",
    "text",
    "lifecycle",
    "attribute_limits",
    "data",
)
# What the right exporter does not show: what it does not emit, and what is only reported.
OPTIONAL = {"OTLP-HTTP-037", "OTLP-CFG-063"}
DEVELOPMENT = {"OTLP-TRACE-028", "OTLP-PROF-034"}
NOT_EMITTED = {"OTLP-COMMON-049", "OTLP-COMMON-050"}


def plant_of(rule: str) -> str:
    """The first planted fault of a rule."""
    plants = (*SPAN_PLANTS, *LOG_PLANTS, *COMMON_PLANTS, *SERIES_PLANTS)
    return next(plant.test_id for plant in plants if plant.rule == f"OTLP-{rule}")


# What is wrong with the exporter, the case and the protocol in which that shows, and every
# requirement that the case then finds broken.
WRONG: tuple[tuple[str, str, Protocol, str], ...] = (
    ("transport/grpc_calls", "transport/grpc_calls", GRPC, "GRPC-004"),
    ("two messages in a call", "transport/grpc_calls", GRPC, "GRPC-005"),
    ("never ends its stream", "transport/grpc_calls", GRPC, "GRPC-005"),
    ("no te", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("a media type of HTTP", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("grpc-encoding and te twice", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("grpc-encoding twice", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("te twice", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("content-type twice", "transport/grpc_calls", GRPC, "GRPC-006"),
    ("a list of encodings", "encoding/grpc_gzip", GRPC, "GRPC-011"),
    ("another signal's message", "transport/grpc_calls", GRPC, "GRPC-007"),
    ("transport/http_requests", "transport/http_requests", HTTP, "HTTP-001"),
    ("gRPC prefix over HTTP", "transport/http_requests", HTTP, "HTTP-008"),
    ("another signal's message", "transport/http_requests", HTTP, "HTTP-008"),
    ("transport/json_requests", "transport/json_requests", JSON, "JSON-001"),
    ("a shorter Content-Length", "transport/http_framing", HTTP, "HTTP-055"),
    ("no port in Host", "transport/http_framing", HTTP, "HTTP-055"),
    ("gzip without saying so", "encoding/http_gzip", HTTP, "HTTP-012"),
    ("gzip without saying so", "encoding/http_gzip", JSON, "HTTP-012"),
    ("says gzip and is none", "encoding/http_gzip", HTTP, "HTTP-012"),
    ("cuts the gzip stream", "encoding/http_gzip", HTTP, "HTTP-012"),
    ("always says gzip", "encoding/http_identity", HTTP, "HTTP-013"),
    ("gzip without saying so", "encoding/grpc_gzip", GRPC, "GRPC-011"),
    ("says gzip and is none", "encoding/grpc_gzip", GRPC, "GRPC-011"),
    ("flag without an encoding", "encoding/grpc_gzip", GRPC, "GRPC-011"),
    ("HTTP/2 or nothing", "http_versions/fallback", HTTP, "HTTP-010"),
    ("a connection for each request", "connections/grpc_reuse", GRPC, "GRPC-039"),
    ("a connection for each request", "connections/http_keep_alive", HTTP, "HTTP-033"),
    ("closes each connection", "connections/http_keep_alive", HTTP, "HTTP-033"),
    ("JSON: trace_id in base64", "json/encoding", JSON, "JSON-003"),
    ("JSON: enums as names", "json/encoding", JSON, "JSON-008 JSON-009"),
    ("JSON: keys in snake_case", "json/encoding", JSON, "JSON-012"),
    ("JSON: integers as numbers", "json/encoding", JSON, "JSON-016"),
    ("JSON: an array", "json/encoding", JSON, "JSON-012"),
    ("JSON: bare attribute values", "json/encoding", JSON, "JSON-012"),
    ("JSON: a count below 0", "json/encoding", JSON, "JSON-016"),
    ("JSON: no zero of a oneof", "json/encoding", JSON, "JSON-030"),
    ("JSON: values under another key", "data/metrics", JSON, "METRIC-013"),
    ("JSON: values under another key", "json/encoding", JSON, ""),
    ("JSON: bare NaN", "json/encoding", JSON, "JSON-024"),
    ("JSON: Latin-1", "text/json", JSON, "JSON-035"),
    ("JSON: no escapes", "text/json", JSON, "JSON-035"),
    ("JSON: escaped twice", "text/json", JSON, "JSON-035"),
    ("bytes in a string", "text/protobuf", HTTP, "HTTP-052"),
    ("bytes in a string", "text/protobuf", GRPC, "HTTP-052"),
    ("the shutdown loses spans", "lifecycle/shutdown_flush", HTTP, "CFG-071"),
    ("the shutdown loses metrics", "lifecycle/shutdown_flush", HTTP, "CFG-071"),
    (plant_of("TRACE-009"), "data/traces", HTTP, "TRACE-009"),
    (plant_of("TRACE-001"), "data/traces", GRPC, "TRACE-001"),
    (plant_of("METRIC-019"), "data/metrics", HTTP, "METRIC-019"),
    ("the start moves", "data/metrics", HTTP, "METRIC-020"),
    (plant_of("LOG-001"), "data/logs", JSON, "LOG-001"),
    (plant_of("COMMON-033"), "data/common", HTTP, "COMMON-033"),
    ("cuts by bytes", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("cuts no bytes", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("cuts nothing in lists", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("cuts nothing in maps", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("cuts numbers", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("what is cut is dropped", "attribute_limits/lengths", HTTP, "COMMON-027 TRACE-041 LOG-030"),
    ("cuts bodies", "attribute_limits/lengths", HTTP, "LOG-026"),
    ("limits resources", "attribute_limits/lengths", HTTP, "COMMON-029"),
    ("limits resources", "attribute_limits/counts", HTTP, "COMMON-029"),
    ("limits data points", "attribute_limits/lengths", HTTP, "METRIC-059"),
    ("limits data points", "attribute_limits/counts", HTTP, "METRIC-059"),
    ("one attribute too many", "attribute_limits/counts", HTTP, "COMMON-028 LOG-028"),
    ("counts nothing that is dropped", "attribute_limits/counts", HTTP, "TRACE-039 LOG-029"),
    ("the general limit wins", "attribute_limits/counts", HTTP, "COMMON-030"),
    ("the same ids in every run", "data/trace_ids", HTTP, "TRACE-008"),
    ("exports what is not sampled", "data/sampling", HTTP, "TRACE-035"),
    ("no sampled flag", "data/trace_flags", GRPC, "TRACE-029"),
    ("no flags", "data/trace_flags", GRPC, ""),
    ("no flags", "data/traces", JSON, ""),
    (plant_of("LOG-009"), "data/observed_time", HTTP, "LOG-010"),
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("WRONG", raising=False)
    return monkeypatch


@pytest.mark.parametrize("protocol", [GRPC, HTTP, JSON], ids=str)
def test_a_right_exporter_passes(environment: pytest.MonkeyPatch, protocol: Protocol) -> None:
    folders = [each for each in RIGHT if each != "json" or protocol == JSON]
    results = [each for each in conformed(protocol, *folders).results if "PROF" not in each.id]
    others = {each.id: each.verdict for each in results if each.verdict != "pass"}
    assert [rule for rule, verdict in others.items() if verdict in {"fail", "warn"}] == []
    assert set(others) - OPTIONAL - DEVELOPMENT == NOT_EMITTED


@pytest.mark.parametrize(
    ("wrong", "case", "protocol", "rules"),
    [
        pytest.param(*row, id=f"{row[0]}, {row[1]} over {row[2]}".replace("::", ":"))
        for row in WRONG
    ],
)
def test_a_wrong_exporter_is_caught(
    environment: pytest.MonkeyPatch, wrong: str, case: str, protocol: Protocol, rules: str
) -> None:
    environment.setenv("WRONG", wrong)
    run = conformed(protocol, case)
    assert broken_rules(run) == {f"OTLP-{rule}" for rule in rules.split()}


def test_a_doubled_header_is_one_accusation(environment: pytest.MonkeyPatch) -> None:
    """As the Collector does, the fake takes the call; what is left of the run is judged."""
    environment.setenv("WRONG", "grpc-encoding and te twice")
    environment.setenv("SIGNALS", "traces")
    run = conformed(GRPC, "transport", "encoding", "data/traces")
    results = {each.id: each for each in run.results}
    assert broken_rules(run) == {"OTLP-GRPC-006"}
    assert results["OTLP-GRPC-011"].verdict == results["OTLP-TRACE-001"].verdict == "pass"
    said, _, rest = results["OTLP-GRPC-006"].evidence.partition("\n")
    assert said == (
        "the header te is there twice, and a call has it once; "
        "the header grpc-encoding is there twice, and a call has it once"
    )
    assert rest.endswith(
        "content-type: application/grpc; te: trailers; grpc-encoding: gzip; "
        "grpc-encoding: gzip; te: trailers"
    )


def test_calls_that_all_have_a_media_type_of_http_are_wrong_calls(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "a media type of HTTP")
    environment.setenv("SIGNALS", "traces")
    assert broken_rules(conformed(GRPC, "transport/grpc_calls")) == {"OTLP-GRPC-006"}


def test_an_exporter_that_prefers_http2_and_does_without_is_right(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "prefers HTTP/2")
    assert [each.verdict for each in conformed(HTTP, "http_versions").results] == ["pass"]


def test_an_exporter_that_never_speaks_http2_is_not_asked(environment: pytest.MonkeyPatch) -> None:
    (result,) = conformed(HTTP, "http_versions").results
    assert result.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("case", "protocol", "rule"),
    [
        pytest.param("transport/grpc_calls", GRPC, "GRPC-007", id="over gRPC"),
        pytest.param("transport/http_requests", HTTP, "HTTP-008", id="over HTTP"),
    ],
)
def test_messages_without_content_tell_nothing_of_their_encoding(
    environment: pytest.MonkeyPatch, case: str, protocol: Protocol, rule: str
) -> None:
    environment.setenv("WRONG", "empty requests")
    run = conformed(protocol, case)
    assert {each.id: each.verdict for each in run.results}[f"OTLP-{rule}"] == "inconclusive"
    assert broken_rules(run) == set()


def test_a_key_that_nobody_knows_is_neither_right_nor_wrong(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("WRONG", "JSON: an unknown key")
    results = {each.id: each for each in conformed(JSON, "json/encoding").results}
    assert results["OTLP-JSON-012"].verdict == "inconclusive"
    assert "futureKey" in results["OTLP-JSON-012"].evidence


def test_a_command_that_waits_for_ever_is_caught(environment: pytest.MonkeyPatch) -> None:
    environment.setattr(lifecycle, "_FOR_EVER_S", 2.0)
    environment.setenv("WRONG", "never ends")
    run = conformed(HTTP, "lifecycle/dead_endpoint")
    assert broken_rules(run) == {"OTLP-CFG-074"}

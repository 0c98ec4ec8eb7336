"""The variables that a program under test gets."""

import pytest

from otlptest.errors import UnknownNameError
from otlptest.processes.otel_environ import Endpoints, environment
from otlptest.queries.evidence.trace_context import invent

HERE = Endpoints(grpc="http://127.0.0.1:1", http="http://127.0.0.1:2")


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("http/protobuf", "http://127.0.0.1:2"),
        ("http/json", "http://127.0.0.1:2"),
        ("grpc", "http://127.0.0.1:1"),
    ],
    ids=["http-protobuf", "http-json", "grpc"],
)
def test_only_what_otlptest_sets_is_there_without_inheritance(protocol: str, endpoint: str) -> None:
    assert environment(HERE, protocol, inherit=False) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "250",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
    }


def test_foreign_telemetry_settings_stay_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "pytest itself")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere:4318")
    monkeypatch.setenv("SHOP_MODE", "test")
    variables = environment(HERE)
    assert "OTEL_SERVICE_NAME" not in variables
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" not in variables
    assert variables["SHOP_MODE"] == "test"


def test_hosts_that_need_no_proxy_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "internal.example,localhost")
    assert environment(HERE)["no_proxy"] == "internal.example,localhost,127.0.0.1,::1"


def test_certificates_are_named_where_there_are_any() -> None:
    secure = Endpoints(
        grpc="https://127.0.0.1:1",
        http="https://127.0.0.1:2",
        ca_file="ca.pem",
        client_certificate_file="client.pem",
        client_key_file="client.key",
    )
    variables = environment(secure, "grpc", inherit=False)
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://127.0.0.1:1"
    assert variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] == "ca.pem"
    assert variables["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] == "client.pem"
    assert variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] == "client.key"


def test_an_unknown_protocol_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'http/protobuf'"):
        environment(HERE, "http/protobuff")


def test_an_invented_context_is_sampled_and_never_the_same() -> None:
    contexts = [invent() for _ in range(100)]
    assert len({context.trace_id for context in contexts}) == len(contexts)
    first = contexts[0]
    assert dict(first.headers) == {"traceparent": f"00-{first.trace_id}-{first.span_id}-01"}
    assert (len(first.trace_id), len(first.span_id)) == (32, 16)

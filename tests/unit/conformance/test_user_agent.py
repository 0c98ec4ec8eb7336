"""Which user agents name the exporter, its language and version."""

import pytest

from otlptest.conformance.exporter_cases.user_agent import user_agent_fault

RIGHT = (
    ("OTel-OTLP-Exporter-Python/1.2.3", "python"),
    ("MyDistribution/1.0 OTel-OTLP-Exporter-Python/1.2.3", "python"),
    ("OTel OTLP Exporter Go/1.47.0 grpc-go/1.83.2", "go"),
    ("OTel Go OTLP over HTTP/protobuf logs exporter/0.14.0", "go"),
    ("OTel OTLP Exporter Java/1.5", "java"),
    ("OTel-OTLP-Exporter-JavaScript/0.2.0 grpc-node-js/1.9", "nodejs"),
    ("OpenTelemetry Collector/0.159.0 (linux/amd64)", ""),
)
WRONG = (
    ("", "python", "none is sent"),
    ("OTel; Python", "python", "no list of products"),
    ("OTel-OTLP-Exporter-Python", "python", "no version"),
    ("OTel Go OTLP over HTTP/protobuf", "go", "no version"),
    ("OTel-OTLP-Exporter/1.2.3", "python", "does not name the language"),
    ("Exporter/1.2.3", "", "names no language"),
    ("Go-http-client/1.1", "go", "names the library"),
    ("python-requests/2.32 (linux)", "python", "names the library"),
)


@pytest.mark.parametrize(("agent", "language"), RIGHT)
def test_one_that_names_all_has_no_fault(agent: str, language: str) -> None:
    assert user_agent_fault(agent, {language} if language else set()) == ""


@pytest.mark.parametrize(("agent", "language", "fault"), WRONG)
def test_one_that_lacks_something_is_caught(agent: str, language: str, fault: str) -> None:
    assert fault in user_agent_fault(agent, {language} if language else set())

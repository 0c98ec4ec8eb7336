"""Which user agents name the exporter, its language and version."""

import pytest

from otlptest.conformance.exporter.cases.user_agent import judged_agent

RIGHT = (
    ("OTel-OTLP-Exporter-Python/1.2.3", "python"),
    ("MyDistribution/1.0 OTel-OTLP-Exporter-Python/1.2.3", "python"),
    ("OTel OTLP Exporter Go/1.47.0 grpc-go/1.83.2", "go"),
    ("OTel Go OTLP over HTTP/protobuf logs exporter/0.14.0", "go"),
    ("OTel OTLP Exporter Java/1.5", "java"),
    ("OTel-OTLP-Exporter-JavaScript/0.2.0 grpc-node-js/1.9", "nodejs"),
    ("OpenTelemetry Collector/0.159.0 (linux/amd64)", ""),
    ("OTel-OTLP-Exporter-C/1.2.3", ""),
    ("OTel-OTLP-Exporter-Shell/5.1.0", ""),
    ("OTel-OTLP-Exporter-F#/1.0", ""),
    ("OTel-OTLP-Exporter-Groovy/1.0", ""),
    ("OTel-OTLP-Exporter-Gleam/1.0", ""),
    ("OTel-OTLP-Exporter-ObjC/1.0", ""),
    ("OTel-OTLP-Exporter-PowerShell/1.0", ""),
    ("OTel-OTLP-Exporter-Rust/1.0", "python"),  # a native exporter below another SDK
    ("OTel-OTLP-Exporter-Befunge/1.0", "befunge"),
)
WRONG = (
    ("", "python", "none is sent"),
    ("OTel; Python", "python", "not a list of products"),
    ("OTel-OTLP-Exporter-Python", "python", "no version"),
    ("OTel Go OTLP over HTTP/protobuf", "go", "no version"),
    ("OTel-OTLP-Exporter/1.2.3", "python", "names no language"),
    ("OTelOTLPExporter/1.2.3", "", "names no language"),
    ("OTel OTLP HTTP protobuf traces exporter/1.2.3", "", "names no language"),
    ("Exporter/1.2.3", "", "names no language"),
    ("emit/2.23.0", "", "names no language"),
    ("Go-http-client/1.1", "go", "names the library"),
    ("python-requests/2.32 (linux)", "python", "names the library"),
)
UNKNOWN = (
    ("OTel-OTLP-Exporter-Befunge/1.0", "befunge"),
    ("OTelOTLPExporterBefunge/1.0", "befunge"),
    ("befunge-otlp/1.0", "befunge"),
    ("Acme-Telemetry/1.0 grpc-befunge/1.83.2", "acme"),
)


@pytest.mark.parametrize(("agent", "language"), RIGHT)
def test_one_that_names_all_is_right(agent: str, language: str) -> None:
    assert judged_agent(agent, [language] if language else ()).outcome == "passed"


@pytest.mark.parametrize(("agent", "language", "fault"), WRONG)
def test_one_that_lacks_something_is_caught(agent: str, language: str, fault: str) -> None:
    found = judged_agent(agent, [language] if language else ())
    assert found.outcome == "failed"
    assert fault in found.evidence


@pytest.mark.parametrize(("agent", "word"), UNKNOWN)
def test_a_language_that_nobody_listed_accuses_nobody(agent: str, word: str) -> None:
    found = judged_agent(agent, ["python"])
    assert (found.outcome, found.evidence) == (
        "inconclusive",
        f"User-Agent: {agent}; {word!r} may be a language that is not known here",
    )

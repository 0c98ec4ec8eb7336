"""What `env=` says that keeps telemetry away; no secret is shown."""

import pytest

from otlptest.pytest_plugin.program_circumstances import Endpoint, of_environment
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.sources import Kind

HTTP = "http://127.0.0.1:1318"
GRPC = "http://127.0.0.1:1317"
BASE = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": HTTP,
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_BSP_SCHEDULE_DELAY": "100",
    "OTEL_METRIC_EXPORT_INTERVAL": "250",
}


def endpoint_of(url: str) -> Endpoint:
    if url in {HTTP, GRPC}:
        return Endpoint("", is_grpc=url == GRPC)
    return Endpoint("not this collector", None)


def doubts(changes: dict[str, str | None], kind: Kind = "traces") -> list[Circumstance]:
    return list(of_environment("orders", BASE, changes, kind, endpoint_of))


@pytest.mark.parametrize(
    ("changes", "fact", "hint"),
    [
        pytest.param(
            {"OTEL_SDK_DISABLED": "True"},
            "sets OTEL_SDK_DISABLED=True",
            "that switches the SDK off",
            id="disabled",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:secret@localhost:4317?key=secret"},
            "sets OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317, which is not this collector",
            "leave it out, unless what listens there passes it on to this collector",
            id="endpoint",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:9"},
            "sets OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:9, which is not this"
            " collector",
            "leave it out, unless what listens there passes it on to this collector",
            id="endpoint of the signal",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": None},
            "unsets OTEL_EXPORTER_OTLP_ENDPOINT",
            "the SDK sends to localhost:4317 or 4318, its default",
            id="no endpoint",
        ),
        pytest.param(
            {"OTEL_TRACES_EXPORTER": "console"},
            "sets OTEL_TRACES_EXPORTER=console",
            "only otlp sends traces to a collector",
            id="exporter",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "sets OTEL_EXPORTER_OTLP_PROTOCOL=grpc, and the endpoint is the one for HTTP",
            "otlp_process(…, protocol='grpc') sets both",
            id="protocol",
        ),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http"},
            "sets OTEL_EXPORTER_OTLP_PROTOCOL=http",
            "it is one of grpc, http/protobuf, http/json",
            id="unknown protocol",
        ),
        pytest.param(
            {"OTEL_TRACES_SAMPLER": "always_off"},
            "sets OTEL_TRACES_SAMPLER=always_off",
            "nothing is sampled",
            id="sampler",
        ),
        pytest.param(
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"},
            "sets OTEL_TRACES_SAMPLER=traceidratio and OTEL_TRACES_SAMPLER_ARG=0.1",
            "not every trace is sampled",
            id="ratio",
        ),
        pytest.param(
            {"OTEL_BSP_SCHEDULE_DELAY": "60000"},
            "sets OTEL_BSP_SCHEDULE_DELAY=60000",
            "traces may be sent 60 s late",
            id="delay",
        ),
        pytest.param(
            {"OTEL_CONFIG_FILE": "otel.yaml"},
            "sets OTEL_CONFIG_FILE=otel.yaml",
            "an SDK that reads it ignores the other OTEL_ variables, and so the endpoint",
            id="file",
        ),
    ],
)
def test_variable_that_the_test_set_is_named(
    changes: dict[str, str | None], fact: str, hint: str
) -> None:
    said = f"env= of 'orders' {fact}"
    assert doubts(changes) == [Circumstance(fact=said, hint=f"{said}: {hint}")]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="nothing"),
        pytest.param(dict(BASE), id="the same"),
        pytest.param({"OTEL_SDK_DISABLED": "false"}, id="not disabled"),
        pytest.param({"OTEL_SDK_DISABLED": None}, id="unset"),
        pytest.param({"OTEL_TRACES_EXPORTER": "console,otlp"}, id="otlp too"),
        pytest.param({"OTEL_TRACES_SAMPLER": "always_on"}, id="always on"),
        pytest.param({"OTEL_TRACES_SAMPLER": "traceidratio"}, id="ratio of 1"),
        pytest.param({"OTEL_METRIC_EXPORT_INTERVAL": "60000"}, id="another signal"),
        pytest.param({"OTEL_BSP_SCHEDULE_DELAY": "soon"}, id="no number"),
        pytest.param({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret"}, id="headers"),
        pytest.param(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            id="gRPC to the gRPC port",
        ),
        pytest.param(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:9",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HTTP,
            },
            id="the signal's own endpoint is right",
        ),
    ],
)
def test_variable_that_is_no_reason_is_not(changes: dict[str, str | None]) -> None:
    assert doubts(changes) == []


def test_signal_is_looked_at_by_its_own_variables() -> None:
    (doubt,) = doubts({"OTEL_METRIC_EXPORT_INTERVAL": "60000"}, "metrics")
    assert doubt.fact == "env= of 'orders' sets OTEL_METRIC_EXPORT_INTERVAL=60000"

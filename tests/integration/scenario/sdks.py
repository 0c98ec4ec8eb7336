"""The SDKs that run the scenario: how each is started, over which protocols, and what it is."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SDKS", "Sdk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One SDK.

    Attributes:
        name: Also the name of its peer, unless pip brings it with the tests.
        protocols: Those that it can export with.
        command: The program, given its file.
        environ: What it needs beside the variables that all get.
        clock_step_nanos: How far the clocks that it takes times from may be apart.
        own_scopes: How scopes begin under which it may measure itself: no part of the scenario.
        known_findings: Rules that what it sends may break, each with the way it does.
    """

    name: str
    protocols: tuple[str, ...]
    command: Callable[[Path], list[str]]
    environ: dict[str, str] = field(default_factory=dict)
    clock_step_nanos: int = 0
    own_scopes: str | None = None
    known_findings: dict[str, str] = field(default_factory=dict)


def _java(jar: Path) -> list[str]:
    agent = next((jar.parent / "libraries").glob("opentelemetry-javaagent-*.jar"))
    quick_start = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return ["java", *quick_start, f"-javaagent:{agent}", "-jar", str(jar)]


SDKS = {
    sdk.name: sdk
    for sdk in (
        Sdk(
            name="python",
            protocols=("grpc", "http/protobuf"),
            command=lambda file: [sys.executable, str(file)],
            # Where set, they outrank the certificate that the exporter is given (requests).
            environ={"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""},
            known_findings={
                "OTLP-METRIC-051": "an exemplar is timed just before the series that it begins",
            },
        ),
        Sdk(
            name="node",
            protocols=("grpc", "http/protobuf", "http/json"),
            command=lambda file: ["node", str(file)],
            # Starts are read from the wall clock, which counts milliseconds in JavaScript; ends
            # are the start plus a monotonic duration: where the wall clock is adjusted meanwhile, a
            # child may seem to end after its parent by more than that millisecond.
            clock_step_nanos=5_000_000,
            known_findings={"OTLP-JSON-016": "integers are JSON numbers"},
        ),
        Sdk(
            name="go",
            protocols=("grpc", "http/protobuf"),
            command=lambda file: [str(file)],
        ),
        Sdk(
            name="java",
            protocols=("grpc", "http/protobuf"),
            command=_java,
            # The agent's own measurements of the virtual machine come when they come.
            environ={"OTEL_INSTRUMENTATION_RUNTIME_TELEMETRY_ENABLED": "false"},
            # Exemplars carry milliseconds.
            clock_step_nanos=1_000_000,
            # Its own queues and exporters, or not, depending on what is exported first.
            own_scopes="io.opentelemetry.",
            known_findings={
                "OTLP-METRIC-010": "its own `processedSpans` may start after the collection",
            },
        ),
    )
}

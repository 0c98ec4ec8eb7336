"""Runs the scenario with one SDK against a fake collector."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from otlptest import FakeCollector
from otlptest.model import Scope
from tests.integration.scenario.normalised import Run
from tests.integration.scenario.sdks import Sdk
from tests.peers import installation
from tests.support.peers import require_peer

__all__ = ["VARIANTS", "run_scenario"]

_TIMEOUT_S = 80.0  # a virtual machine on a busy computer; within the tests' own 90 s

# What every SDK is asked for. The metric interval is longer than any run: what is sent is what the
# shutdown sends, once.
_SETTINGS = {
    "OTEL_SERVICE_NAME": "scenario",
    "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2.3,deployment.environment.name=a%20test",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "20",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "2",
}

_PREFERENCE = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "cumulative, explicit buckets": {
        _PREFERENCE: "cumulative",
        _AGGREGATION: "explicit_bucket_histogram",
    },
    "delta, exponential buckets": {
        _PREFERENCE: "delta",
        _AGGREGATION: "base2_exponential_bucket_histogram",
    },
}


def run_scenario(otlp: FakeCollector, sdk: Sdk, protocol: str, settings: Mapping[str, str]) -> Run:
    """Run the program to its end; what it sent is in `otlp` and in the result."""
    started = time.time_ns()
    done = subprocess.run(
        sdk.command(_program(sdk)),
        env={**otlp.environ(protocol), **_SETTINGS, **sdk.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT_S,
        check=False,
        text=True,
    )
    ended = time.time_ns()
    assert done.returncode == 0, done.stdout
    metrics = [metric for metric in otlp.metrics.all() if not _is_own(metric.scope, sdk)]
    return Run(
        spans=otlp.spans.all(),
        points=[point for metric in metrics for point in metric.exports.all()],
        logs=otlp.logs.all(),
        started_unix_nano=started,
        ended_unix_nano=ended,
        clock_step_nanos=sdk.clock_step_nanos,
    )


def _is_own(scope: Scope, sdk: Sdk) -> bool:
    return sdk.own_scopes is not None and scope.name.startswith(sdk.own_scopes)


def _program(sdk: Sdk) -> Path:
    if sdk.name in installation.PEERS:
        return require_peer(sdk.name)
    return installation.HERE / sdk.name / "scenario.py"

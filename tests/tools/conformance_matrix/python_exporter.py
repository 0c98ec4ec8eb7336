"""The scenario with the Python SDK set up by nothing but the environment.

Run it by `opentelemetry-instrument`: that makes the providers from the `OTEL_*` variables, as the
Java agent and `NodeSDK` do. The program only emits, and shuts down what it was given, STAY_S
seconds later where that is set.
"""

import os
import sys
from pathlib import Path
from threading import Event
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # it is run as a file, from anywhere

from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from tests.peers.python.scenario import Recorder, emit_spans


def main() -> None:
    """Run the scenario; where the SDK could not be set up there is nothing to shut down."""
    tracers = cast("TracerProvider", trace.get_tracer_provider())
    meters = cast("MeterProvider", metrics.get_meter_provider())
    loggers = cast("LoggerProvider", _logs.get_logger_provider())
    record = Recorder(meters, loggers)
    emit_spans(tracers, record)
    record.outside()
    Event().wait(float(os.environ.get("STAY_S", "0")))
    for provider in (tracers, meters, loggers):
        if hasattr(provider, "shutdown"):
            provider.shutdown()


if __name__ == "__main__":
    main()

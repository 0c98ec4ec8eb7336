"""Runs that several cases read, made once for all of them."""

from collections.abc import Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import Final

from otlptest import faults
from otlptest.conformance.case import COMMON_SIGNALS
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.readings import global_env_var, lost_signals, run_until_stable
from otlptest.conformance.exporter.retries.delivery_attempts import replying_always
from otlptest.model import Signal

MANY_EXPORTS: Final = {
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "1",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
}
"""Variables that make batches small and frequent."""

_DELTAS: Final = {
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "base2_exponential_bucket_histogram"
    ),
}

_UNSAMPLED: Final = {"OTEL_TRACES_SAMPLER": "always_off"}

NOTHING_SAMPLED: Final = "OTEL_TRACES_SAMPLER=always_off"
"""The environment of `unsampled_run`, for evidence."""

ANSWERED_AFTER_S: Final = 0.2

NO_TIMEOUT: Final = MappingProxyType({"OTEL_EXPORTER_OTLP_TIMEOUT": "60000"})
"""Timeouts so long that a client can wait as long as it is asked to."""


HEADERS: Final = global_env_var("HEADERS")
"""The variable of the headers of all signals."""

PLAIN_HEADER: Final = "x-otlptest-plain"
"""The header of `plain_header_run`, with the value 1."""


def plain_header_run(lab: ExporterLab) -> Observation:
    """Return a run with one plain header set; made once for all cases.

    An odd value of the variable fails only if this one has an effect.
    """
    changes = {HEADERS: f"{PLAIN_HEADER}=1"}
    return lab.shared("one plain header", lambda: run_until_stable(lab, changes))


def reads_headers(lab: ExporterLab) -> bool:
    """Return whether all comes with the header of `plain_header_run`."""
    seen = plain_header_run(lab)
    return not lost_signals(lab, seen) and all(
        PLAIN_HEADER in each.headers for each in seen.requests
    )


def slow_run(lab: ExporterLab) -> Observation:
    """Return a run of many exports with slow answers, so that the command lives longer.

    It has all signals, not only those of the case: exemplars come from sampled spans, and
    exports of other signals keep the command alive. Blocks until it has ended, once for all cases.
    """
    prepare = replying_always(faults.delay(ANSWERED_AFTER_S), signals=COMMON_SIGNALS)
    return lab.shared(
        "many exports, answered slowly",
        lambda: lab.run(MANY_EXPORTS, prepare=prepare, signals=COMMON_SIGNALS),
    )


def delta_run(lab: ExporterLab) -> Observation:
    """Return a `slow_run` with delta temporality and exponential histograms.

    Blocks until it has ended, once for all cases.
    """
    prepare = replying_always(faults.delay(ANSWERED_AFTER_S), signals=COMMON_SIGNALS)
    return lab.shared(
        "many exports of deltas, answered slowly",
        lambda: lab.run(MANY_EXPORTS | _DELTAS, prepare=prepare, signals=COMMON_SIGNALS),
    )


def unsampled_run(lab: ExporterLab) -> Observation:
    """Return a run that samples nothing. Blocks until it has ended, once for all cases."""
    return lab.shared(NOTHING_SAMPLED, lambda: lab.run(_UNSAMPLED, signals=COMMON_SIGNALS))


def unavailable_runs(lab: ExporterLab) -> "Mapping[Signal, Future[Observation]]":
    """Start runs with one signal answered UNAVAILABLE (503) for good; once for all cases."""
    answer = faults.unavailable()
    return lab.shared(
        f"unavailable for good: {', '.join(lab.signals)}",
        lambda: {
            signal: lab.start(prepare=replying_always(answer, signals=(signal,)))
            for signal in lab.signals
        },
    )

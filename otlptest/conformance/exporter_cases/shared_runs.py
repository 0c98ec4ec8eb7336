"""Runs that several cases read, made once for all of them."""

from typing import Final

from otlptest import faults
from otlptest.conformance.cases import COMMON_SIGNALS
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.faulted import replying_always
from otlptest.conformance.observations import Observation

__all__ = ["ANSWERED_AFTER_S", "MANY_EXPORTS", "slow_run"]

MANY_EXPORTS: Final = {
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "1",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "100",
}
"""Makes batches small and quick."""

ANSWERED_AFTER_S: Final = 0.2


def slow_run(lab: ExporterLab) -> Observation:
    """Many exports, each answered only after a while: so the command lives longer, too.

    Of all signals, whatever the case is about: exemplars come from sampled spans, and the exports
    of other signals keep the command alive. Blocks until it has ended, once for all cases.
    """
    prepare = replying_always(faults.delay(ANSWERED_AFTER_S), signals=COMMON_SIGNALS)
    return lab.shared(
        "many exports, answered slowly",
        lambda: lab.run(MANY_EXPORTS, prepare=prepare, signals=COMMON_SIGNALS),
    )

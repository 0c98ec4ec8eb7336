"""A lab whose runs are given beforehand, for what no command would show at will."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from otlptest import FakeCollector
from otlptest.conformance.case import COMMON_SIGNALS, ExporterCase
from otlptest.conformance.exporter.command_lab import arrived_at
from otlptest.conformance.exporter.lab import NO_CHANGES, Changes
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.conformance.runner import judgements
from otlptest.model import Protocol, Request, Signal
from otlptest.results import CheckResult

T = TypeVar("T")

__all__ = ["RecordedLab", "judged", "observed"]


def observed(
    requests: Iterable[Request] = (),
    *,
    protocol: Protocol = "http/protobuf",
    environment: dict[str, str] | None = None,
    **more: Any,  # noqa: ANN401 -- fields of an observation
) -> Observation:
    """A run in which these requests came."""
    return Observation(
        arrived=Arrived(requests=tuple(requests)),
        environment=environment or {},
        protocol=protocol,
        **{"exit_code": 0, "ended_at": 1.0, **more},
    )


class RecordedLab:
    """An `ExporterLab` that gives the next of its runs whenever one is asked for.

    Args:
        baseline: The observing run.
        runs: The others, in order; the last one again and again. The baseline if there are none.
        signals: Those that the command emits.
    """

    timeout_s = 60.0
    target_version = (1, 10)

    def __init__(
        self,
        baseline: Observation,
        *runs: Observation,
        signals: tuple[Signal, ...] = COMMON_SIGNALS,
    ) -> None:
        self.baseline = baseline
        self.protocol = baseline.protocol
        self.signals = signals
        self.asked: list[tuple[Changes, dict[str, Any]]] = []
        self._runs = list(runs) or [baseline]

    def run(self, changes: Changes = NO_CHANGES, **options: Any) -> Observation:  # noqa: ANN401 -- the options of `ExporterLab.run`
        """The next run."""
        self.asked.append((changes, options))
        return self._runs.pop(0) if len(self._runs) > 1 else self._runs[0]

    def start(self, changes: Changes = NO_CHANGES, **options: Any) -> "Future[Observation]":  # noqa: ANN401 -- as above
        """The next run, at once."""
        future: Future[Observation] = Future()
        future.set_result(self.run(changes, **options))
        return future

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """Made anew for whoever asks: one case has this lab."""
        self.asked.append(({}, {"shared": name}))
        return make()

    def collector(self, **options: Any) -> FakeCollector:  # noqa: ANN401 -- as in the protocol
        """A further fake."""
        return FakeCollector(**options)

    def arrived(self, collector: FakeCollector) -> Arrived:
        """What came to it."""
        return arrived_at(collector)


def judged(case: ExporterCase, lab: RecordedLab) -> dict[str, CheckResult]:
    """What the case finds out about each requirement; where it says two things, the worse one."""
    found: dict[str, CheckResult] = {}
    for each in judgements(case, case.judge(lab)):
        before = found.get(each.rule)
        if before is None or before.outcome != "failed":
            found[each.rule] = each
    return found

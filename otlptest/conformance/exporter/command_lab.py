"""Runs of a command against fakes: the `ExporterLab` that cases get."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from otlptest.collector.fake import FakeCollector
from otlptest.conformance.case import COMMON_SIGNALS, ExporterCase
from otlptest.conformance.exporter.command import Ending, Runs, Subject
from otlptest.conformance.exporter.lab import NO_CHANGES, Changes, Prepare
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.errors import ProcessError
from otlptest.model import Protocol, Signal
from otlptest.timing import Deadline
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits

T = TypeVar("T")

_OWNER: Final[ContextVar[Runs | None]] = ContextVar("otlptest_runs", default=None)
"""The owner that ends the runs that this thread begins, if it is not their lab's case."""


@contextmanager
def _owned_by(runs: Runs) -> Iterator[None]:
    token = _OWNER.set(runs)
    try:
        yield
    finally:
        _OWNER.reset(token)


_SETTLING_S: Final = 10.0
# A conformance run needs an SDK's defaults: variables that make tests quick are removed.
TIMERS: Final = (
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_METRIC_EXPORT_INTERVAL",
)


class _Shelf:
    """Objects that are made once for all cases. Thread-safe."""

    def __init__(self) -> None:
        self.runs = Runs()  # of no case: others wait for their results
        self._lock = threading.Lock()
        self._made: dict[str, Future[Any]] = {}

    def get(self, name: str, make: Callable[[], T]) -> T:
        """Return the object of that name, made by the first caller."""
        with self._lock:
            is_first = name not in self._made
            future: Future[T] = self._made.setdefault(name, Future())
        if is_first:
            try:
                with _owned_by(self.runs):
                    future.set_result(make())
            except BaseException as failure:  # noqa: BLE001 -- raised again by `result()`
                future.set_exception(failure)
        return future.result()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLab:
    """The lab of one command in one protocol; `ExporterLab` has the documentation.

    Attributes:
        subject: The command.
        protocol: See `ExporterLab`.
        signals: See `ExporterLab`.
        baseline: See `ExporterLab`.
        timeout_s: See `ExporterLab`.
        target_version: See `ExporterLab`.
    """

    subject: Subject
    protocol: Protocol
    signals: tuple[Signal, ...]
    baseline: Observation
    timeout_s: float
    target_version: tuple[int, ...]
    _shelf: _Shelf = field(default_factory=_Shelf, repr=False, compare=False)
    _runs: Runs = field(default_factory=Runs, repr=False, compare=False)

    def narrowed(self, case: ExporterCase) -> "CommandLab":
        """Return the lab of one case: with the signals that it can use, and runs of its own."""
        signals = tuple(each for each in self.signals if each in case.signals)
        return replace(self, signals=signals, _runs=Runs())

    def close(self) -> None:
        """End the runs that the case has begun and not waited for."""
        self._runs.end()

    def run(
        self,
        changes: Changes = NO_CHANGES,
        *,
        prepare: Prepare | None = None,
        meanwhile: Prepare | None = None,
        protocol: Protocol | None = None,
        signals: tuple[Signal, ...] | None = None,
        timeout_s: float | None = None,
        **fake: Any,  # noqa: ANN401 -- the options of `collector`, typed in `ExporterLab`
    ) -> Observation:
        """Run the command; see `ExporterLab.run`."""
        runs = _OWNER.get() or self._runs
        with self.subject.turn(), self.collector(**fake) as collector:
            runs.check(self.subject.name)
            if prepare is not None:
                prepare(collector)
            with _beside(meanwhile, collector):
                return observed_run(
                    self.subject,
                    collector,
                    protocol=protocol or self.protocol,
                    signals=self.signals if signals is None else signals,
                    changes=changes,
                    timeout_s=self.timeout_s if timeout_s is None else timeout_s,
                    runs=runs,
                )

    def start(self, changes: Changes = NO_CHANGES, **options: Any) -> "Future[Observation]":  # noqa: ANN401 -- the options of `run`, typed in `ExporterLab`
        """Start the command; see `ExporterLab.start`."""
        future: Future[Observation] = Future()
        runs = _OWNER.get() or self._runs

        def work() -> None:
            try:
                with _owned_by(runs):
                    future.set_result(self.run(changes, **options))
            except BaseException as failure:  # noqa: BLE001 -- raised again by `result()`
                future.set_exception(failure)

        threading.Thread(target=work, name="otlptest-run", daemon=True).start()
        return future

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """Return a shared object; see `ExporterLab.shared`."""
        return self._shelf.get(name, make)

    def collector(
        self,
        *,
        tls: bool = False,
        needs_client_certificate: bool = False,
        grpc_port: int = 0,
        http_port: int = 0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> FakeCollector:
        """Start a further fake; see `ExporterLab.collector`."""
        return FakeCollector(
            tls=tls,
            needs_client_certificate=needs_client_certificate,
            grpc_port=grpc_port,
            http_port=http_port,
            limits=limits,
        )

    def arrived(self, collector: FakeCollector) -> Arrived:
        """Return a fake's traffic; see `ExporterLab.arrived`."""
        return arrived_at(collector)


def observed_run(
    subject: Subject,
    collector: FakeCollector,
    *,
    protocol: Protocol,
    signals: tuple[Signal, ...],
    changes: Changes = NO_CHANGES,
    timeout_s: float,
    runs: Runs | None = None,
) -> Observation:
    """Run the command once against `collector`; call it within `subject.turn()`.

    Raises:
        ProcessError: The command cannot be started.
        ReceiverError: The fake failed.
    """
    environment = _environment(collector, protocol, signals, changes)
    ending = subject.run(environment, timeout_s=timeout_s, runs=runs)
    settings = {name: value for name, value in environment.items() if name.startswith("OTEL_")}
    return _observation(arrived_at(collector), ending, settings, protocol)


def _observation(
    arrived: Arrived, ending: Ending, environment: Mapping[str, str], protocol: Protocol
) -> Observation:
    return Observation(
        arrived=arrived,
        environment=environment,
        protocol=protocol,
        started_at=ending.started_at,
        ended_at=ending.ended_at,
        exit_code=ending.exit_code,
        has_timed_out=ending.has_timed_out,
        output=ending.output,
        left_behind=ending.left_behind,
    )


def arrived_at(collector: FakeCollector) -> Arrived:
    """Return what a fake has received, once all of it is handled.

    Raises:
        ReceiverError: It failed, or is not done after 10 s.
    """
    collector.settle(Deadline(_SETTLING_S))
    seen = collector.source.arrivals()
    return Arrived(
        requests=tuple(seen.requests),
        connections=tuple(seen.connections),
        problems=tuple(seen.problems),
    )


def _environment(
    collector: FakeCollector, protocol: Protocol, signals: tuple[Signal, ...], changes: Changes
) -> dict[str, str]:
    environment = collector.environ(protocol)
    for name in TIMERS:
        environment.pop(name, None)
    for signal in COMMON_SIGNALS:
        switch = "otlp" if signal in signals else "none"
        environment[f"OTEL_{signal.upper()}_EXPORTER"] = switch
    for name, value in (changes(collector) if callable(changes) else changes).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


@contextmanager
def _beside(action: Prepare | None, collector: FakeCollector) -> Iterator[None]:
    """Run `action` in a thread of its own meanwhile; its errors are raised at the end.

    Raises:
        ProcessError: It does not end.
    """
    if action is None:
        yield
        return
    failures: list[BaseException] = []

    def work() -> None:
        try:
            action(collector)
        except BaseException as failure:  # noqa: BLE001 -- raised again below
            failures.append(failure)

    thread = threading.Thread(target=work, name="otlptest-meanwhile", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(_SETTLING_S)
    if thread.is_alive():
        raise ProcessError("what a case does beside its command", "did not end with the command")
    if failures:
        raise failures[0]

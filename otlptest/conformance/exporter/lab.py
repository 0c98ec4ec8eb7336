"""The lab of an exporter case: runs of the command against fakes with planned faults.

    def _judge(lab: ExporterLab) -> Iterator[CheckResult]:
        seen = lab.run(
            {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
            prepare=lambda fake: refuse_once(fake),
            signals=("traces",),
        )
        for payload in seen.payloads("traces"): ...
        yield passed("OTLP-RESP-062", seen.describe(payload.attempts))

Each run has a fake collector of its own, so faults and requests of runs at the same time never
meet. `prepare` gets that `FakeCollector` before the command starts, to plan its faults. `changes`
are added to the environment, a value of None removes a variable; if they need the fake's address,
give a function of the fake instead.

Before any case the frame has run the command once, without faults: `lab.baseline`.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from otlptest import model
from otlptest.collector.fake import FakeCollector
from otlptest.conformance.exporter.observation import Arrived, Observation
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits

Changes: TypeAlias = Mapping[str, str | None] | Callable[[FakeCollector], Mapping[str, str | None]]
"""Variables to set (None: to remove), or a function that returns them for the run's fake."""

Prepare: TypeAlias = Callable[[FakeCollector], Any]
"""A function that plans a fake's faults before the command starts, or acts on it in the run."""

T = TypeVar("T")

NO_CHANGES: Final[Mapping[str, str | None]] = MappingProxyType({})


class ExporterLab(Protocol):
    """A lab that runs the command as often as a case asks. Thread-safe.

    The command starts with the process environment without any `OTEL_*`, plus the endpoint of the
    run's fake (`OTEL_EXPORTER_OTLP_ENDPOINT`, without a path), `OTEL_EXPORTER_OTLP_PROTOCOL`,
    `OTEL_{TRACES,METRICS,LOGS}_EXPORTER` (`otlp`, or `none` for signals that were not asked for),
    the certificates where TLS is on, and `NO_PROXY`. Nothing else is set: intervals, batches and
    timeouts are the SDK's defaults.

    Attributes:
        protocol: The protocol of this run of the suite.
        signals: The signals that the command emits, out of those that the case and the user
            asked for; never empty.
        baseline: The observing run: no faults, all signals, default environment.
        timeout_s: The default deadline of a run: a minute, longer if the
            baseline took long.
        target_version: The OTLP version that the subject is judged by, e.g. `(1, 10)`.
    """

    @property
    def protocol(self) -> model.Protocol:
        """The protocol of this run of the suite."""
        ...

    @property
    def signals(self) -> tuple[model.Signal, ...]:
        """The signals that the command emits and the case can use; never empty."""
        ...

    @property
    def baseline(self) -> Observation:
        """The observing run: no faults, all signals, default environment."""
        ...

    @property
    def timeout_s(self) -> float:
        """The default deadline of a run, in seconds."""
        ...

    @property
    def target_version(self) -> tuple[int, ...]:
        """The OTLP version that the subject is judged by."""
        ...

    def run(
        self,
        changes: Changes = NO_CHANGES,
        *,
        prepare: Prepare | None = None,
        meanwhile: Prepare | None = None,
        protocol: model.Protocol | None = None,
        signals: tuple[model.Signal, ...] | None = None,
        tls: bool = False,
        needs_client_certificate: bool = False,
        grpc_port: int = 0,
        http_port: int = 0,
        limits: Limits = DEFAULT_LIMITS,
        timeout_s: float | None = None,
    ) -> Observation:
        """Run the command against a fake of its own, to its end.

        Blocks until the command has exited, or `timeout_s` has passed and it and all that it
        started was ended; then until everything that it had sent is handled.

        Args:
            changes: Changes to the environment; applied last.
            prepare: Called with the fake before the command starts.
            meanwhile: Called with the fake right after the start, in a thread of its own; what it
                raises is raised here. It must end by itself within `timeout_s`.
            protocol: The suite's if None.
            signals: Those to switch on by `OTEL_<S>_EXPORTER`; `lab.signals` if None. A command
                may still emit others.
            tls: The fake serves TLS, the endpoint is `https`, `OTEL_EXPORTER_OTLP_CERTIFICATE` is
                set (and the client's certificate and key where it is needed).
            needs_client_certificate: The fake refuses clients without one.
            grpc_port: A fixed port; claim it in `ExporterCase.exclusive`.
            http_port: The same.
            limits: The limits of the fake.
            timeout_s: Seconds until the command is ended; `lab.timeout_s` if None.

        Raises:
            ProcessError: The command cannot be started any more.
            PortTakenError: A fixed port is in use.
            ReceiverError: A fake failed.
        """
        ...

    def start(
        self,
        changes: Changes = NO_CHANGES,
        *,
        prepare: Prepare | None = None,
        meanwhile: Prepare | None = None,
        protocol: model.Protocol | None = None,
        signals: tuple[model.Signal, ...] | None = None,
        tls: bool = False,
        needs_client_certificate: bool = False,
        grpc_port: int = 0,
        http_port: int = 0,
        limits: Limits = DEFAULT_LIMITS,
        timeout_s: float | None = None,
    ) -> "Future[Observation]":
        """Start a run without waiting, for several at once; `.result()` returns the observation.

        The number of commands that run at the same time is bounded for the whole suite; the
        rest wait for their turn.
        """
        ...

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """Return an object that several cases need, made once in a run of the suite.

        The first that asks makes it, in its own thread; the others block until it is there. What
        `make` raises is raised in each of them.

        Args:
            name: Its name; include what it depends on, e.g. the signals.
            make: Makes it.
        """
        ...

    def collector(
        self,
        *,
        tls: bool = False,
        needs_client_certificate: bool = False,
        grpc_port: int = 0,
        http_port: int = 0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> FakeCollector:
        """Start a further fake, e.g. for the endpoint of one signal; close it or use `with`.

        Raises:
            PortTakenError: A fixed port is in use.
            ReceiverError: It could not start.
        """
        ...

    def arrived(self, collector: FakeCollector) -> Arrived:
        """Return what a further fake has received so far; call it before the fake is closed.

        Blocks, a few seconds at most, until what was sent to it is handled.
        """
        ...


def observed_again(lab: ExporterLab) -> Observation:
    """Run the observing run a second time, once for all cases; differences are the command's own.

    Blocks until the command has ended.
    """
    return lab.shared(f"observing {', '.join(lab.signals)} again", lab.run)

"""The OpenTelemetry SDK of the fixture `otlp_sdk`: its providers send to the test's collector.

Imported only when the fixture is used. It is configured as the programs of `otlp_process` are, by
the standard environment variables, which hold only while it is made.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from opentelemetry._logs import Logger
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer

from otlptest.errors import UsageError
from otlptest.pytest_plugin.earlier_providers import earlier_provider_gaps
from otlptest.pytest_plugin.following_metrics import follow_with_observables
from otlptest.pytest_plugin.global_providers import GlobalProviders
from otlptest.pytest_plugin.late_telemetry import LateLogs, LateSpans, Station
from otlptest.pytest_plugin.lendable_providers import (
    LendableLoggerProvider,
    LendableMeterProvider,
    LendableTracerProvider,
)

if TYPE_CHECKING:
    from otlptest.collector.fake import PortPair
    from otlptest.collector.view import CollectorView
    from otlptest.queries.evidence.judging import Evidence

_SCOPE: Final = "otlp_sdk"
_FLUSH_S: Final = 10.0


class InProcessSdk:
    """Providers of the OpenTelemetry SDK, wired to the collector of a test.

    Attributes:
        tracer_provider: Batches spans and sends them.
        meter_provider: Sends its metrics every 250 ms, and when flushed.
        logger_provider: Batches log records and sends them.
    """

    def __init__(
        self, view: "CollectorView", ports: "PortPair", *, protocol: str, service: str
    ) -> None:
        self._view = view
        self._owner = ports.owner
        self._globals: GlobalProviders | None = None
        self._is_shut_down = False
        self._failures: list[str] = []
        self._earlier: tuple[str, ...] = ()
        with _environment_of_telemetry(ports.environ(protocol, inherit=False)):
            spans, points, records = _exporters(protocol)
            for what, exporter in (("spans", spans), ("metrics", points), ("logs", records)):
                exporter.export = self._watched(what, exporter.export)
            resource = Resource.create({"service.name": service})
            station = Station(BatchSpanProcessor(spans), BatchLogRecordProcessor(records))
            self.tracer_provider = LendableTracerProvider(resource=resource, shutdown_on_exit=False)
            self.tracer_provider.add_span_processor(LateSpans(station))
            self.meter_provider = LendableMeterProvider(
                [PeriodicExportingMetricReader(points)], resource, shutdown_on_exit=False
            )
            self.logger_provider = LendableLoggerProvider(resource, shutdown_on_exit=False)
            self.logger_provider.add_log_record_processor(LateLogs(station))
            self._station = station

    @property
    def _providers(
        self,
    ) -> tuple[LendableTracerProvider, LendableMeterProvider, LendableLoggerProvider]:
        return self.tracer_provider, self.meter_provider, self.logger_provider

    @property
    def tracer(self) -> Tracer:
        """A tracer of `tracer_provider`, with the scope `otlp_sdk`."""
        return self.tracer_provider.get_tracer(_SCOPE)

    @property
    def meter(self) -> Meter:
        """A meter of `meter_provider`, with the scope `otlp_sdk`."""
        return self.meter_provider.get_meter(_SCOPE)

    @property
    def logger(self) -> Logger:
        """An OpenTelemetry logger of `logger_provider`, with the scope `otlp_sdk`."""
        return self.logger_provider.get_logger(_SCOPE)

    def set_globals(self) -> None:
        """Make the three providers the global ones until the test ends; then put back what was.

        Tracers, meters, loggers and instruments that libraries got through the API before follow,
        and those that they get from now on go on with the next test that calls this; between such
        tests they do nothing. An observable instrument is observed again in each of those tests,
        until code creates it again. What was got from a provider that somebody had set before
        does not follow: messages name that provider, and `flushed` proves no absence.

        Raises:
            UsageError: The SDK has been shut down.
        """
        if self._is_shut_down:
            raise UsageError("otlp_sdk has been shut down, and cannot become the global SDK")
        if self._globals is None:
            self._globals = GlobalProviders()
            self._earlier = tuple(earlier_provider_gaps(self._globals.earlier))
            for gap in self._earlier:
                self._view.note(gap)
            for provider in self._providers:
                provider.follows = True
            self._station.is_lent = True
            self._globals.install(*self._providers)
            follow_with_observables()

    def flushed(self, *, timeout_s: float = _FLUSH_S) -> "Evidence":
        """Flush all three providers: evidence that what had ended has been received.

        Blocks at most `timeout_s` for each provider. What keeps it from being proof is a gap in the
        evidence: a flush that returned false, a request that was not answered with success, a
        global provider that was set before `set_globals`, telemetry that went to the SDK of an
        earlier test.
        """
        evidence = self._view.flushed(
            lambda: self._failures_of_flushing(timeout_s), owner=self._owner
        )
        return replace(evidence, gaps=(*evidence.gaps, *self._earlier, *self._station.gaps()))

    def shutdown(self) -> None:
        """Flush, stop, and put the globals back; the fixture does it. Again does nothing."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        with ExitStack() as steps:  # each is done, whatever another raises
            steps.callback(self.logger_provider.shutdown)
            steps.callback(self.meter_provider.shutdown)
            steps.callback(self.tracer_provider.shutdown)
            steps.callback(self._end)

    def _end(self) -> None:
        """Let nothing more in: from here on the globals are what they were."""
        if self._globals is not None:
            self._globals.restore()
        self._station.end()
        for provider in self._providers:
            provider.end()
        self.meter_provider.give_measurements_to(self._station.measured_late)

    def _watched(self, what: str, export: Callable[..., Any]) -> Callable[..., Any]:
        """The export of an exporter, remembering when it fails: `force_flush` does not tell."""

        def watched(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 -- as the exporter has it
            try:
                result = export(*args, **kwargs)
            except Exception as error:
                self._failures.append(f"an export of {what} raised {type(error).__name__}: {error}")
                raise
            if result.name != "SUCCESS":
                self._failures.append(f"an export of {what} ended with {result.name}")
            return result

        return watched

    def _failures_of_flushing(self, timeout_s: float) -> Iterator[str]:
        for provider in self._providers:
            name = type(provider).__name__.removeprefix("Lendable")
            try:
                has_flushed = provider.force_flush(int(timeout_s * 1000))
            except Exception as error:  # noqa: BLE001 -- a reader raises whatever its exporter did
                yield f"{name}.force_flush raised {type(error).__name__}: {error}"
            else:
                if not has_flushed:
                    yield f"{name}.force_flush returned false"
        yield from self._failures


def _exporters(protocol: str) -> tuple[Any, Any, Any]:
    """Exporters of spans, metrics and logs; where they send is in the environment."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import (  # noqa: PLC0415 -- only if asked for
            _log_exporter as logs,
            metric_exporter as metrics,
            trace_exporter as traces,
        )

        return traces.OTLPSpanExporter(), metrics.OTLPMetricExporter(), logs.OTLPLogExporter()
    return _http_exporters()


def _http_exporters() -> tuple[Any, Any, Any]:
    from opentelemetry.exporter.otlp.proto.http import (  # noqa: PLC0415 -- only if asked for
        _log_exporter as logs,
        metric_exporter as metrics,
        trace_exporter as traces,
    )

    from otlptest.pytest_plugin.loopback_session import loopback_session  # noqa: PLC0415 -- same

    return (
        traces.OTLPSpanExporter(session=loopback_session()),
        metrics.OTLPMetricExporter(session=loopback_session()),
        logs.OTLPLogExporter(session=loopback_session()),
    )


@contextmanager
def _environment_of_telemetry(variables: Mapping[str, str]) -> Iterator[None]:
    """For as long as it takes to read them: these variables, and no other `OTEL_…`."""
    names = {name for name in os.environ if name.startswith("OTEL_")} | set(variables)
    before = {name: os.environ.get(name) for name in names}
    try:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(variables)
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

"""The OpenTelemetry SDK of the fixture `otlp_sdk`: its providers send to the test's collector.

Imported only when the fixture is used. Its configuration is that of the programs of `otlp_process`:
the standard environment variables, set only while it is made.
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
        """Return a tracer of `tracer_provider`, with the scope `otlp_sdk`."""
        return self.tracer_provider.get_tracer(_SCOPE)

    @property
    def meter(self) -> Meter:
        """Return a meter of `meter_provider`, with the scope `otlp_sdk`."""
        return self.meter_provider.get_meter(_SCOPE)

    @property
    def logger(self) -> Logger:
        """Return an OpenTelemetry logger of `logger_provider`, with the scope `otlp_sdk`."""
        return self.logger_provider.get_logger(_SCOPE)

    def set_globals(self) -> None:
        """Make the three providers the global ones until the test ends, then restore the others.

        Tracers, meters, loggers and instruments that libraries got through the API before follow,
        and those that they get from now on go on with the next test that calls this; between such
        tests they do nothing. An observable instrument is observed again in each of those tests,
        until code creates it again. Objects of a provider that was set before
        do not follow: messages name that provider, and `flushed` proves no absence.

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

        Blocks at most `timeout_s` for each provider. What weakens the proof is a gap in the
        evidence: a flush that returned false, a request that was not answered with success, a
        global provider that was set before `set_globals`, telemetry that went to the SDK of an
        earlier test.
        """
        evidence = self._view.flushed(
            lambda: self._failures_of_flushing(timeout_s), owner=self._owner
        )
        return replace(evidence, gaps=(*evidence.gaps, *self._earlier, *self._station.gaps()))

    def shutdown(self) -> None:
        """Flush, stop, and restore the globals, for the fixture. A second call does nothing."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        with ExitStack() as steps:  # each is done, whatever another raises
            steps.callback(self.logger_provider.shutdown)
            steps.callback(self.meter_provider.shutdown)
            steps.callback(self.tracer_provider.shutdown)
            steps.callback(self._end)

    def _end(self) -> None:
        """Restore the earlier globals; nothing more gets in."""
        if self._globals is not None:
            self._globals.restore()
        self._station.end()
        for provider in self._providers:
            provider.end()
        self.meter_provider.give_measurements_to(self._station.measured_late)

    def _watched(self, what: str, export: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap an exporter's export to record its failures, which `force_flush` does not report."""

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
    """Return exporters of spans, metrics and logs; the environment has their endpoint."""
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
    """Set these variables, and no other `OTEL_…`, for the time of reading them."""
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

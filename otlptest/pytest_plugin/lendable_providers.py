"""The SDK's providers for `otlp_sdk`: once lent, their objects follow the globals.

Before they are lent they return the SDK's own tracers, meters and loggers. Those stay bound to
them; their telemetry after the end of the test goes to `late_telemetry`.
"""

from collections.abc import Callable
from typing import Any

from opentelemetry._logs import Logger
from opentelemetry.metrics import Meter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from otlptest.pytest_plugin.following import Behind, FollowingLogger, FollowingTracer, Scope
from otlptest.pytest_plugin.following_metrics import FollowingMeter
from otlptest.pytest_plugin.global_providers import Signal, global_provider


class _Lendable:
    """The state of a provider that is lent to one test.

    Attributes:
        follows: Whether it was lent or has ended, so its objects follow the global provider.
        has_ended: Whether its test is over.
    """

    follows = False
    has_ended = False

    def end(self) -> None:
        """Mark it as ended; code may still hold it."""
        self.follows = self.has_ended = True


class LendableTracerProvider(_Lendable, TracerProvider):
    """A tracer provider whose tracers follow the global one, once it is lent."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,  # noqa: ANN401 -- as the API's
    ) -> Tracer:
        """See `TracerProvider.get_tracer`."""
        scope = Scope(
            instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        )
        real = self.own_tracer(scope)
        if not self.follows:
            return real
        return FollowingTracer(Behind("traces", lambda provider: _tracer(provider, scope), real))

    def own_tracer(self, scope: Scope) -> Tracer:
        """Return the SDK's tracer."""
        return super().get_tracer(*scope)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush it, or after its end the current global provider."""
        return _flushed(self, "traces", super().force_flush, timeout_millis)


class LendableMeterProvider(_Lendable, MeterProvider):
    """A meter provider whose meters follow the global one, once it is lent."""

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,  # noqa: ANN401 -- as the API's
    ) -> Meter:
        """See `MeterProvider.get_meter`."""
        scope = Scope(name, version, schema_url, attributes)
        return FollowingMeter(scope, _meter) if self.follows else self.own_meter(scope)

    def own_meter(self, scope: Scope) -> Meter:
        """Return the SDK's meter."""
        return super().get_meter(*scope)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush it, or after its end the current global provider."""
        return _flushed(self, "metrics", super().force_flush, timeout_millis)

    def give_measurements_to(self, late: Callable[[Any], None]) -> None:
        """Call `late` with each measurement of its own instruments from now on."""
        self._measurement_consumer.consume_measurement = late  # type: ignore[method-assign, assignment]


class LendableLoggerProvider(_Lendable, LoggerProvider):
    """A logger provider whose loggers follow the global one, once it is lent."""

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Any = None,  # noqa: ANN401 -- as the API's
    ) -> Logger:
        """See `LoggerProvider.get_logger`."""
        scope = Scope(name, version, schema_url, attributes)
        real = self.own_logger(scope)
        if not self.follows:
            return real
        behind = Behind("logs", lambda provider: _logger(provider, scope), real)
        return FollowingLogger(scope, behind)

    def own_logger(self, scope: Scope) -> Logger:
        """Return the SDK's logger."""
        return super().get_logger(*scope)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush it, or after its end the current global provider."""
        return _flushed(self, "logs", super().force_flush, timeout_millis)


def _flushed(
    provider: _Lendable, signal: Signal, own: Callable[[Any], bool], timeout_millis: float
) -> bool:
    if not provider.has_ended:
        return own(timeout_millis)
    flush = getattr(global_provider(signal), "force_flush", None)
    return flush is None or bool(flush(timeout_millis))


def _tracer(provider: Any, scope: Scope) -> Any:  # noqa: ANN401 -- any provider's
    own = isinstance(provider, LendableTracerProvider)
    return provider.own_tracer(scope) if own else provider.get_tracer(*scope)


def _meter(provider: Any, scope: Scope) -> Any:  # noqa: ANN401 -- any provider's
    own = isinstance(provider, LendableMeterProvider)
    return provider.own_meter(scope) if own else provider.get_meter(*scope)


def _logger(provider: Any, scope: Scope) -> Any:  # noqa: ANN401 -- any provider's
    own = isinstance(provider, LendableLoggerProvider)
    return provider.own_logger(scope) if own else provider.get_logger(*scope)

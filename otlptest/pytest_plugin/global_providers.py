"""Lends OpenTelemetry's global providers to one test, and restores the earlier ones.

The API lets each global be set once. This resets its private once-flags, and makes the proxies that
libraries hold (`tracer = trace.get_tracer(__name__)` at import) forget their resolved objects;
otherwise they would keep the provider of the first test for ever. What code gets while
globals are lent is not such a proxy: see `following`.
"""

# ruff: noqa: SLF001 -- the API has no public way to set a global a second time
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Literal, TypeAlias

from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import _internal as logs_internal
from opentelemetry.metrics import _internal as metrics_internal
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

Signal: TypeAlias = Literal["traces", "metrics", "logs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The place of one global in the API, and the flag that it is set."""

    module: ModuleType
    provider: str
    once: str


_PLACES: Final[dict[Signal, _Place]] = {
    "traces": _Place(module=trace, provider="_TRACER_PROVIDER", once="_TRACER_PROVIDER_SET_ONCE"),
    "metrics": _Place(
        module=metrics_internal, provider="_METER_PROVIDER", once="_METER_PROVIDER_SET_ONCE"
    ),
    "logs": _Place(
        module=logs_internal, provider="_LOGGER_PROVIDER", once="_LOGGER_PROVIDER_SET_ONCE"
    ),
}
NOUNS: Final[dict[Signal, str]] = {
    "traces": "tracer provider",
    "metrics": "meter provider",
    "logs": "logger provider",
}
_RESOLVED: Final = (
    (trace.ProxyTracer, "_real_tracer"),
    (logs_internal.ProxyLogger, "_real_logger"),
)


def global_provider(signal: Signal) -> Any:  # noqa: ANN401 -- whoever's it is
    """Return the global provider, None if none is set; unlike the API, never set one."""
    return getattr(_PLACES[signal].module, _PLACES[signal].provider)


class GlobalProviders:
    """The earlier globals, for `restore`.

    Attributes:
        earlier: The providers that somebody had set, by signal.
    """

    def __init__(self) -> None:
        self._saved = [
            (place, getattr(place.module, place.provider), getattr(place.module, place.once)._done)
            for place in _PLACES.values()
        ]
        self.earlier: Final[dict[Signal, object]] = {
            signal: provider
            for signal in _PLACES
            if (provider := global_provider(signal)) is not None
        }
        self._saved_meter_provider = metrics_internal._PROXY_METER_PROVIDER._real_meter_provider

    def install(
        self,
        tracer_provider: TracerProvider,
        meter_provider: MeterProvider,
        logger_provider: LoggerProvider,
    ) -> None:
        """Make these the globals, whatever was set before."""
        for place in _PLACES.values():
            _put(place, None, is_set=False)
        _forget_resolved()
        trace.set_tracer_provider(tracer_provider)
        metrics.set_meter_provider(meter_provider)
        _logs.set_logger_provider(logger_provider)

    def restore(self) -> None:
        """Restore the globals from when this object was made."""
        for place, provider, is_set in self._saved:
            _put(place, provider, is_set=is_set)
        _forget_resolved()
        _rebind_meters(self._saved_meter_provider)


def _put(place: _Place, provider: object, *, is_set: bool) -> None:
    setattr(place.module, place.provider, provider)
    getattr(place.module, place.once)._done = is_set


def _forget_resolved() -> None:
    for proxy, attribute in _proxies():
        setattr(proxy, attribute, None)


def _proxies() -> Iterator[tuple[object, str]]:
    """Return proxies of tracers and loggers, found through the garbage collector."""
    for one in gc.get_objects():
        for kind, attribute in _RESOLVED:
            if type(one) is kind:
                yield one, attribute


def _rebind_meters(provider: Any) -> None:  # noqa: ANN401 -- any provider, also none
    """Let the proxies of meters and instruments follow `provider`, or nothing."""
    known = metrics_internal._PROXY_METER_PROVIDER
    if provider is not None:
        known.on_set_meter_provider(provider)
        return
    known._real_meter_provider = None
    for meter in known._meters:
        meter._real_meter = None
        for instrument in meter._instruments:
            instrument._real_instrument = None

"""Meters and instruments that follow the global provider from test to test; see `following`.

An instrument that code holds is made again at the first measurement of a test. Nobody uses
an observable one, so each that was created while globals were lent is registered with the provider
of the next test. Where the code of that test creates it again, the new callbacks replace the old.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from threading import Lock
from typing import Any, Final
from weakref import WeakSet

from opentelemetry.metrics import (
    Counter,
    Histogram,
    Meter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.metrics._internal.instrument import Gauge  # not public in the oldest API

from otlptest.pytest_plugin.following import Behind, Following, Scope
from otlptest.pytest_plugin.global_providers import global_provider

_log: Final = logging.getLogger(__name__)

RealMeter = Callable[[Any, Scope], Any]


class _Recorded(Following):
    """A synchronous instrument; without a provider its measurements are dropped."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        behind.now()  # an invalid name is an error where it is given


class _Counter(_Recorded, Counter):
    def add(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as the API's
        if (real := self._behind.now()) is not None:
            real.add(*args, **kwargs)


class _UpDownCounter(_Recorded, UpDownCounter):
    def add(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as the API's
        if (real := self._behind.now()) is not None:
            real.add(*args, **kwargs)


class _Histogram(_Recorded, Histogram):
    def record(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as the API's
        if (real := self._behind.now()) is not None:
            real.record(*args, **kwargs)


class _Gauge(_Recorded, Gauge):
    def set(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as the API's
        if (real := self._behind.now()) is not None:
            real.set(*args, **kwargs)


class _Observed(Following):
    """An observable instrument, and its current callbacks.

    Args:
        name: Its name.
        make: Makes the SDK's instrument, from a provider and its only callback.
    """

    def __init__(self, name: str, make: Callable[[Any, Any], Any]) -> None:
        self._name = name
        self._behind = Behind("metrics", lambda provider: make(provider, self._observations))
        self._callbacks: tuple[Any, ...] = ()
        self._created_for: object = None

    def created(self, provider: object, callbacks: Sequence[Any]) -> None:
        """Note that code created it; a repetition with the same provider changes nothing."""
        if provider is None or self._created_for is not provider:
            self._created_for = provider
            self._callbacks = tuple(_asked(callback) for callback in callbacks)
        self.register()

    def register(self) -> None:
        """Let the global provider observe it, once."""
        self._behind.now()

    def _observations(self, options: Any) -> Iterator[Any]:  # noqa: ANN401 -- CallbackOptions
        for callback in self._callbacks:
            try:
                yield from callback(options)
            except Exception:  # noqa: BLE001 -- as the SDK: the others are asked all the same
                _log.exception("A callback of the observable instrument %r failed", self._name)


class _ObservableCounter(_Observed, ObservableCounter):
    pass


class _ObservableUpDownCounter(_Observed, ObservableUpDownCounter):
    pass


class _ObservableGauge(_Observed, ObservableGauge):
    pass


_observed: Final[dict[tuple[Any, ...], _Observed]] = {}
_started_generators: Final[WeakSet[Generator[Any, Any, None]]] = WeakSet()
_lock: Final = Lock()


def follow_with_observables() -> None:
    """Register every observable instrument that was created before with the global provider."""
    with _lock:
        known = list(_observed.values())
    for instrument in known:
        instrument.register()


def _asked(callback: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- a function or a generator
    """Return a callback as a function; start a generator only once."""
    if not isinstance(callback, Generator):
        return callback  # type: ignore[no-any-return]
    if callback not in _started_generators:
        _started_generators.add(callback)
        next(callback, None)
    return callback.send


class FollowingMeter(Meter):
    """A meter whose instruments belong to the provider that is the global one when they are used.

    Args:
        scope: The instrumentation scope.
        real_meter: Returns the SDK's meter for a provider and a scope.
    """

    def __init__(self, scope: Scope, real_meter: RealMeter) -> None:
        super().__init__(*scope[:3])
        self._scope = scope
        self._real_meter = real_meter

    def create_counter(self, *args: Any, **kwargs: Any) -> Counter:  # noqa: ANN401 -- as the API's
        """See `Meter.create_counter`."""
        return _Counter(self._made_by("create_counter", args, kwargs))

    def create_up_down_counter(self, *args: Any, **kwargs: Any) -> UpDownCounter:  # noqa: ANN401
        """See `Meter.create_up_down_counter`."""
        return _UpDownCounter(self._made_by("create_up_down_counter", args, kwargs))

    def create_histogram(self, *args: Any, **kwargs: Any) -> Histogram:  # noqa: ANN401
        """See `Meter.create_histogram`."""
        return _Histogram(self._made_by("create_histogram", args, kwargs))

    def create_gauge(self, *args: Any, **kwargs: Any) -> Gauge:  # noqa: ANN401
        """See `Meter.create_gauge`."""
        return _Gauge(self._made_by("create_gauge", args, kwargs))

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[Any] | None = None,
        unit: str = "",
        description: str = "",
    ) -> ObservableCounter:
        """See `Meter.create_observable_counter`."""
        instrument: ObservableCounter = self._observed(
            _ObservableCounter, name, callbacks, unit, description
        )
        return instrument

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[Any] | None = None,
        unit: str = "",
        description: str = "",
    ) -> ObservableUpDownCounter:
        """See `Meter.create_observable_up_down_counter`."""
        instrument: ObservableUpDownCounter = self._observed(
            _ObservableUpDownCounter, name, callbacks, unit, description
        )
        return instrument

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[Any] | None = None,
        unit: str = "",
        description: str = "",
    ) -> ObservableGauge:
        """See `Meter.create_observable_gauge`."""
        instrument: ObservableGauge = self._observed(
            _ObservableGauge, name, callbacks, unit, description
        )
        return instrument

    def _made_by(self, method: str, args: Any, kwargs: Any) -> Behind:  # noqa: ANN401
        real_meter, scope = self._real_meter, self._scope
        return Behind(
            "metrics",
            lambda provider: getattr(real_meter(provider, scope), method)(*args, **kwargs),
        )

    def _observed(self, kind: Any, name: str, callbacks: Any, unit: str, description: str) -> Any:  # noqa: ANN401
        real_meter, scope = self._real_meter, self._scope
        method = _CREATED_BY[kind]

        def make(provider: object, observations: Any) -> Any:  # noqa: ANN401
            create = getattr(real_meter(provider, scope), method)
            return create(name, [observations], unit, description)

        identity = (
            *scope[:3],
            str(scope.attributes),
            kind,
            name.strip().lower(),
            unit,
            description,
        )
        with _lock:
            instrument = _observed.get(identity)
            if instrument is None:
                instrument = _observed[identity] = kind(name, make)
        instrument.created(global_provider("metrics"), callbacks or ())
        return instrument


_CREATED_BY: Final = {
    _ObservableCounter: "create_observable_counter",
    _ObservableUpDownCounter: "create_observable_up_down_counter",
    _ObservableGauge: "create_observable_gauge",
}

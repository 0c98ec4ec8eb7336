"""Tracers and loggers that follow the global provider from test to test.

Code caches these objects: `functools.cache`, a class attribute, an instrumented program. Objects
from the providers that `otlp_sdk.set_globals()` lent ask at each use which provider is the
global one now: that of the running test, one that was set before, or none; without one they do
nothing, like the API's own proxies. Meters and instruments are in `following_metrics`.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from opentelemetry._logs import Logger, NoOpLogger
from opentelemetry.trace import NoOpTracer, Span, Tracer
from opentelemetry.util._decorator import _agnosticcontextmanager

from otlptest.pytest_plugin.global_providers import Signal, global_provider


class Scope(NamedTuple):
    """An instrumentation scope, in the order of the API's `get_tracer` and its like."""

    name: str
    version: str | None = None
    schema_url: str | None = None
    attributes: Any = None


class Behind:
    """The SDK's object behind a following one, made once for each provider that is lent.

    Args:
        signal: The signal of the global provider to follow.
        make: Makes the object from a provider.
        last: The first object, for the attributes that only the SDK's have.
    """

    def __init__(self, signal: Signal, make: Callable[[Any], Any], last: object = None) -> None:
        self._signal: Final[Signal] = signal
        self._make = make
        self._made: tuple[object, Any] = (None, last)

    def now(self) -> Any:  # noqa: ANN401 -- whatever `make` makes
        """Return the object of the global provider, None if there is no provider."""
        provider = global_provider(self._signal)
        if provider is None:
            return None
        made_for, made = self._made
        if made_for is not provider:
            made = self._make(provider)
            self._made = (provider, made)  # one assignment: a thread sees both or neither
        return made

    def last(self) -> Any:  # noqa: ANN401 -- whatever `make` makes
        """Return the object of the global provider, or without one that of the last provider."""
        return self.now() or self._made[1]


class Following:
    """Passes on the attributes that only the SDK's objects have, e.g. `tracer.resource`."""

    _behind: Behind

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever it is
        if name == "_behind" or name.startswith("__"):  # copies have no attributes yet
            raise AttributeError(name)
        return getattr(self._behind.last(), name)


class FollowingTracer(Following, Tracer):
    """A tracer of the provider that is the global one when it is used."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._idle: Final = NoOpTracer()

    def start_span(self, *args: Any, **kwargs: Any) -> Span:  # noqa: ANN401 -- as the API's
        """See `Tracer.start_span`."""
        span: Span = (self._behind.now() or self._idle).start_span(*args, **kwargs)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Iterator[Span]:  # noqa: ANN401
        """See `Tracer.start_as_current_span`; a decorator looks the tracer up at each call."""
        tracer = self._behind.now() or self._idle
        with tracer.start_as_current_span(*args, **kwargs) as span:
            yield span


class FollowingLogger(Following, Logger):
    """A logger of the provider that is the global one when it is used."""

    def __init__(self, scope: Scope, behind: Behind) -> None:
        super().__init__(*scope)
        self._behind = behind
        self._idle: Final = NoOpLogger(scope.name)

    def emit(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- as the API's
        """See `Logger.emit`."""
        (self._behind.now() or self._idle).emit(*args, **kwargs)

    def enabled(self, **kwargs: Any) -> bool:  # noqa: ANN401 -- as the API's
        """See `Logger.enabled`."""
        return bool((self._behind.now() or self._idle).enabled(**kwargs))

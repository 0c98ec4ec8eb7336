"""Global providers set before `otlp_sdk.set_globals()`, and the holders of their objects.

Tracers and the like from them go on sending to them, unseen by the test's collector.
"""

import gc
import sys
from collections.abc import Iterator
from typing import Final

from opentelemetry._logs import Logger
from opentelemetry._logs._internal import ProxyLogger
from opentelemetry.metrics import Meter
from opentelemetry.metrics._internal import _ProxyMeter
from opentelemetry.metrics._internal.instrument import Instrument, _ProxyInstrument
from opentelemetry.trace import ProxyTracer, Tracer

from otlptest.pytest_plugin.following import Following
from otlptest.pytest_plugin.following_metrics import FollowingMeter
from otlptest.pytest_plugin.global_providers import NOUNS, Signal

_KINDS: Final[dict[Signal, tuple[type, ...]]] = {
    "traces": (Tracer,),
    "metrics": (Meter, Instrument),
    "logs": (Logger,),
}
_FOLLOW: Final = (
    *(ProxyTracer, ProxyLogger, _ProxyMeter, _ProxyInstrument),
    *(Following, FollowingMeter),
)
_SHOWN: Final = 3
_UNKNOWN: Final = "nobody holds it by name: did a pytest plugin or opentelemetry-instrument set it?"
_OURS_OR_THEIRS: Final = {*sys.stdlib_module_names, "opentelemetry", "otlptest"}


def earlier_provider_gaps(earlier: dict[Signal, object]) -> Iterator[str]:
    """Return one sentence for each provider: its class, its holders, and what to do.

    Args:
        earlier: The providers that were the global ones, by signal.
    """
    for signal, provider in earlier.items():
        name = f"{type(provider).__module__}.{type(provider).__qualname__}"
        noun = NOUNS[signal]
        where = []
        if names := [*_holders(provider)] or [*_holding_objects(provider)]:
            where.append(f"held by {_listed(names)}")
        if names := [*_own_objects(signal)]:
            where.append(f"{_listed(names)} cannot follow")
        known = "; ".join(where) or _UNKNOWN
        yield (
            f"{name} was the global {noun} before otlp_sdk.set_globals() ({known}): what went there"
            " is unknown. Set it where the program starts, not where tests import it; or instead of"
            f" calling set_globals(), give the code under test otlp_sdk.{noun.replace(' ', '_')}"
        )


def _holders(provider: object) -> Iterator[str]:
    for module, name, value in _module_attributes():
        if value is provider:
            yield f"{module}.{name}"


def _holding_objects(provider: object) -> list[str]:
    """Return the classes of outside objects that hold it: the library that set it."""
    referrers = gc.get_referrers(provider)
    namespaces = [one for one in referrers if type(one) is dict]
    referrers += [one for space in namespaces for one in gc.get_referrers(space)]
    kinds = {type(one) for one in referrers if hasattr(type(one), "__dict__")}
    return sorted(
        f"an object of {kind.__module__}.{kind.__qualname__}"
        for kind in kinds
        if kind.__module__.split(".")[0] not in _OURS_OR_THEIRS
    )


def _own_objects(signal: Signal) -> Iterator[str]:
    """Return names of tracers and the like in modules that are not proxies, so do not follow."""
    for module, name, value in _module_attributes():
        kind = type(value)  # not isinstance(): a proxy of another library may run code for it
        if issubclass(kind, _KINDS[signal]) and not issubclass(kind, _FOLLOW):
            yield f"{module}.{name}"


def _module_attributes() -> Iterator[tuple[str, str, object]]:
    for module_name, module in sorted(sys.modules.items()):
        if module_name.split(".")[0] != "opentelemetry" or ".instrumentation" in module_name:
            for name, value in [*getattr(module, "__dict__", {}).items()]:
                yield module_name, name, value


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])

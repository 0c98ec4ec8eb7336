"""Actions of the test on its programs that explain missing telemetry: variables, endings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import urlsplit

from otlptest.model import Protocol
from otlptest.processes import Program
from otlptest.processes.exits import how_it_ended
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.sources import Arrivals, Kind

_PREFIX: Final = "OTEL_EXPORTER_OTLP_"
_CONFIG_FILES: Final = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
_DELAYS: Final[Mapping[str, str]] = {
    "traces": "OTEL_BSP_SCHEDULE_DELAY",
    "metrics": "OTEL_METRIC_EXPORT_INTERVAL",
    "logs": "OTEL_BLRP_SCHEDULE_DELAY",
}
_NEVER: Final = " and has never connected to this collector"
_SDK: Final = "is its SDK on, with an OTLP exporter, and was it flushed (force_flush)?"
_LONG_MS: Final = 2_000  # what a test that waits a few seconds notices
_OFF_SAMPLERS: Final = frozenset({"always_off", "parentbased_always_off"})
_RATIO_SAMPLERS: Final = frozenset({"traceidratio", "parentbased_traceidratio"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The target of an endpoint in a program's environment.

    Attributes:
        place: The listener in words; empty if it is this collector.
        is_grpc: Whether it is for OTLP/gRPC; None if that is not known.
    """

    place: str
    is_grpc: bool | None


@dataclass(frozen=True, slots=True)
class StartedProgram:
    """A program of the test, and the variables that the test set for it.

    Attributes:
        program: The program.
        base: Its environment without `env=`.
        changes: The content of `env=`; None unsets.
    """

    program: Program
    base: Mapping[str, str]
    changes: Mapping[str, str | None]


def program_circumstances(
    started: Sequence[StartedProgram],
    kind: Kind,
    arrivals: Arrivals,
    endpoint_of: Callable[[str], Endpoint],
) -> Iterator[Circumstance]:
    """Yield what may have kept the programs of a test from sending items of a kind.

    Args:
        started: The programs.
        kind: What is missing.
        arrivals: All that arrived.
        endpoint_of: Returns the target of a URL.
    """
    for one in started:
        program = one.program
        has_sent = any(
            request.is_accepted
            and request.connection.owner == program.owner
            and kind in {request.signal, "requests"}
            for request in arrivals.requests
        )
        set_wrong = (
            ()
            if has_sent
            else tuple(of_environment(program.name, one.base, one.changes, kind, endpoint_of))
        )
        yield from set_wrong
        is_connected = any(c.owner == program.owner for c in arrivals.connections)
        is_asked = len(started) == 1 and not set_wrong
        yield from _of_life(
            program, has_sent=has_sent, is_connected=is_connected, is_asked=is_asked
        )


def _of_life(
    program: Program, *, has_sent: bool, is_connected: bool, is_asked: bool
) -> Iterator[Circumstance]:
    """Yield how a program is, if that may be the reason; `is_asked`: only its SDK can be."""
    ending = program.ending
    if ending.abrupt:
        had = "may have had" if ending.may_have_flushed else "had"
        hint = f"{program.name} {ending.abrupt}: its SDK {had} no chance to flush"
        advice = f"; {ending.advice}" if ending.advice else ""
        yield Circumstance(fact=f"{program.name} {ending.abrupt}", hint=hint + advice)
    elif has_sent:
        return
    elif ending.way == "running":
        hint = f"{program.name} runs and got the endpoint: {_SDK}"
        yield Circumstance(
            fact=f"{program.name} runs{'' if is_connected else _NEVER}",
            hint="" if is_connected or not is_asked else hint,
        )
    else:
        how = how_it_ended(ending.exit_code)
        fact = f"{program.name} {how}{'' if is_connected else _NEVER}"
        hint = f"{fact}: its output may say why" if ending.is_failure else ""
        yield Circumstance(fact=fact, hint=hint)


def of_environment(
    name: str,
    base: Mapping[str, str],
    changes: Mapping[str, str | None],
    kind: Kind,
    endpoint_of: Callable[[str], Endpoint],
) -> Iterator[Circumstance]:
    """Yield what in `env=` keeps items of a kind away. No header is ever shown.

    Args:
        name: The name of the program.
        base: Its environment without `env=`.
        changes: The content of `env=`; None unsets.
        kind: What is missing.
        endpoint_of: Returns the target of a URL.
    """
    final = {**base, **changes}
    changed = {key for key, value in changes.items() if value != base.get(key)}
    settings = _Settings(kind, {key: value for key, value in final.items() if value}, changed)
    for fact, hint in settings.doubts(endpoint_of):
        said = f"env= of {name!r} {fact}"
        yield Circumstance(fact=said, hint=f"{said}: {hint}")


class _Settings:
    """The `OTEL_*` variables of one program, as one signal sees them."""

    def __init__(self, kind: Kind, values: Mapping[str, str], changed: set[str]) -> None:
        self._kind = kind
        self._values = values
        self._changed = changed

    def doubts(self, endpoint_of: Callable[[str], Endpoint]) -> Iterator[tuple[str, str]]:
        """Yield what the test set, and its consequences."""
        for key in ("OTEL_SDK_DISABLED", *_CONFIG_FILES):
            if key in self._changed and key in self._values:
                yield from self._switched(key)
        yield from self._exporter()
        yield from self._endpoint(endpoint_of)
        yield from self._sampler()
        yield from self._delay()

    def _switched(self, key: str) -> Iterator[tuple[str, str]]:
        value = self._values[key]
        if key in _CONFIG_FILES:
            why = "an SDK that reads it ignores the other OTEL_ variables, and so the endpoint"
            yield f"sets {key}={value}", why
        elif value.strip().lower() == "true":
            yield f"sets {key}={value}", "that switches the SDK off"

    def _exporter(self) -> Iterator[tuple[str, str]]:
        key = f"OTEL_{self._kind.upper()}_EXPORTER"
        value = self._values.get(key, "otlp")
        if key in self._changed and "otlp" not in value:
            yield f"sets {key}={value}", f"only otlp sends {self._kind} to a collector"

    def _endpoint(self, endpoint_of: Callable[[str], Endpoint]) -> Iterator[tuple[str, str]]:
        key = self._specific("ENDPOINT")
        value = self._values.get(key)
        if value is None:
            if key in self._changed:
                yield f"unsets {key}", "the SDK sends to localhost:4317 or 4318, its default"
            return
        endpoint = endpoint_of(value)
        if endpoint.place:
            if key in self._changed:
                yield (
                    f"sets {key}={_without_secrets(value)}, which is {endpoint.place}",
                    "leave it out, unless what listens there passes it on to this collector",
                )
            return
        protocol_key = self._specific("PROTOCOL")
        if protocol_key in self._changed and endpoint.is_grpc is not None:
            yield from self._protocol(protocol_key, is_grpc=endpoint.is_grpc)

    def _protocol(self, key: str, *, is_grpc: bool) -> Iterator[tuple[str, str]]:
        value = self._values.get(key)
        if value is None:
            return
        if value not in get_args(Protocol):
            yield f"sets {key}={value}", f"it is one of {', '.join(get_args(Protocol))}"
        elif (value == "grpc") != is_grpc:
            port = "gRPC" if is_grpc else "HTTP"
            yield (
                f"sets {key}={value}, and the endpoint is the one for {port}",
                f"otlp_process(…, protocol={value!r}) sets both",
            )

    def _sampler(self) -> Iterator[tuple[str, str]]:
        key, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
        value = self._values.get(key, "")
        if self._kind != "traces" or key not in self._changed:
            return
        if value in _OFF_SAMPLERS:
            yield f"sets {key}={value}", "nothing is sampled"
        elif value in _RATIO_SAMPLERS:
            ratio = self._values.get(argument, "1")
            if _number(ratio, 1.0) < 1:
                yield f"sets {key}={value} and {argument}={ratio}", "not every trace is sampled"

    def _delay(self) -> Iterator[tuple[str, str]]:
        key = _DELAYS.get(self._kind, "")
        value = self._values.get(key, "")
        delay_ms = _number(value, 0.0)
        if key in self._changed and delay_ms > _LONG_MS:
            yield f"sets {key}={value}", f"{self._kind} may be sent {delay_ms / 1000:g} s late"

    def _specific(self, ending: str) -> str:
        """Return the decisive variable: that of the signal if it is set, else the general one."""
        own = f"{_PREFIX}{self._kind.upper()}_{ending}"
        return own if own in self._values else _PREFIX + ending


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text)
    except ValueError:
        return otherwise


def _without_secrets(url: str) -> str:
    """Return `url` without a user, a password and a query."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()

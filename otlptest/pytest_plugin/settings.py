"""What a user can set, and which of several settings wins.

The marker of a test wins over the command line, that over the ini file, that over the environment.
Only `allow` adds up: a rule that any of them allows is allowed.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest

from otlptest.errors import UnknownNameError, UsageError
from otlptest.timing import checked_timeout

__all__ = ["Settings", "add_options", "check_configuration", "settings_of"]

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for one test.

    Attributes:
        strict: Every broken data rule fails the test, not only those that always do.
        allow: Rules whose findings are meant.
        stop_timeout_s: Seconds that a program has to flush and end before it is killed.
        sdk_protocol: How the exporters of `otlp_sdk` send: `http/protobuf` or `grpc`.
        sdk_service: The `service.name` of `otlp_sdk`.
    """

    strict: bool = False
    allow: tuple[str, ...] = ()
    stop_timeout_s: float = 10.0
    sdk_protocol: str = "http/protobuf"
    sdk_service: str = "otlp_sdk"


def _as_bool(value: Any) -> bool:  # noqa: ANN401 -- what a user wrote
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise UsageError(f"it must be true or false, and is {value!r}")
    return text in _TRUE


def _as_rules(value: Any) -> tuple[str, ...]:  # noqa: ANN401 -- what a user wrote
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple | set | frozenset):
        raise UsageError(f"it must be a list of rules, and is {value!r}")
    return tuple(str(word) for word in words)


def _as_seconds(value: Any) -> float:  # noqa: ANN401 -- what a user wrote
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"it must be a number of seconds, and is {value!r}") from None
    return checked_timeout(number, name="it")


def _as_protocol(value: Any) -> str:  # noqa: ANN401 -- what a user wrote
    known = ("http/protobuf", "grpc")
    if value not in known:
        raise UnknownNameError("protocol", str(value), known)
    return str(value)


def _as_text(value: Any) -> str:  # noqa: ANN401 -- what a user wrote
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How one setting is written: in the ini file by type, everywhere by its reader."""

    read: Callable[[Any], Any]
    help: str
    ini_type: str = "string"


_KINDS: Final[Mapping[str, _Kind]] = {
    "strict": _Kind(
        read=_as_bool,
        ini_type="bool",
        help="fail a test on every broken data rule of OTLP, not only on those that always fail it",
    ),
    "allow": _Kind(
        read=_as_rules, ini_type="args", help="rules whose findings are meant, in every test"
    ),
    "stop_timeout_s": _Kind(
        read=_as_seconds,
        help="seconds that a program of otlp_process has to flush and end before it is killed",
    ),
    "sdk_protocol": _Kind(
        read=_as_protocol, help="how the exporters of otlp_sdk send: http/protobuf or grpc"
    ),
    "sdk_service": _Kind(read=_as_text, help="the service.name of otlp_sdk"),
}
_ON_THE_COMMAND_LINE: Final = {
    "strict": {"action": "store_true"},
    "allow": {"action": "append", "metavar": "RULE"},
    "stop_timeout_s": {"action": "store", "metavar": "SECONDS"},
}


def add_options(parser: pytest.Parser) -> None:
    """Tell pytest the options `--otlp-…` and the ini keys `otlp_…`."""
    group = parser.getgroup("otlptest", "otlptest")
    for name, kind in _KINDS.items():
        parser.addini(f"otlp_{name}", kind.help, type=kind.ini_type, default=None)  # type: ignore[arg-type] # one of pytest's words
        if name in _ON_THE_COMMAND_LINE:
            option = "--otlp-" + name.replace("_", "-")
            group.addoption(
                option,
                dest=f"otlp_{name}",
                default=None,
                help=kind.help,
                **_ON_THE_COMMAND_LINE[name],
            )


def check_configuration(config: pytest.Config) -> None:
    """Read everything but markers once, so that a mistake is told before the first test.

    Raises:
        pytest.UsageError: A setting is not what it should be.
    """
    try:
        for name in _KINDS:
            for _ in _configured(config, name):
                pass
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def settings_of(item: pytest.Item) -> Settings:
    """What holds for one test.

    Raises:
        UsageError: The marker `otlp` is not what it should be.
        UnknownNameError: It has an argument that does not exist.
    """
    found: dict[str, list[Any]] = {name: [] for name in _KINDS}
    for marker in item.iter_markers("otlp"):  # the closest first
        if marker.args:
            raise UsageError(
                f"the marker otlp takes names with values, and has {marker.args[0]!r}",
                "write otlp(allow=[…]) or otlp(strict=True)",
            )
        for name, value in marker.kwargs.items():
            if name not in _KINDS:
                raise UnknownNameError("argument of the marker otlp", name, tuple(_KINDS))
            found[name].append(_read(name, value, f"{name} in the marker otlp"))
    for name, values in found.items():
        values.extend(_configured(item.config, name))
    chosen = {name: values[0] for name, values in found.items() if values}
    chosen["allow"] = tuple(rule for rules in found["allow"] for rule in rules)
    return Settings(**chosen)


def _configured(config: pytest.Config, name: str) -> Iterator[Any]:
    """The values of one setting outside markers, the strongest first.

    Raises:
        UsageError: One is not what it should be.
    """
    given = config.getoption(f"otlp_{name}", None)
    if given is not None:
        yield _read(name, given, "--otlp-" + name.replace("_", "-"))
    try:
        written = config.getini(f"otlp_{name}")
    except (TypeError, ValueError) as error:  # pytest converts some types itself
        raise UsageError(f"otlp_{name} in the configuration file: {error}") from error
    if written is not None:
        yield _read(name, written, f"otlp_{name} in the configuration file")
    variable = f"OTLPTEST_{name.upper()}"
    if variable in os.environ:
        yield _read(name, os.environ[variable], f"the environment variable {variable}")


def _read(name: str, value: object, place: str) -> object:
    """The value as its setting has it, or an error that tells where it was written.

    Raises:
        UsageError: It is not what it should be.
    """
    try:
        return _KINDS[name].read(value)
    except UsageError as error:
        raise UsageError(f"{place}: {error.problem}", error.hint) from error

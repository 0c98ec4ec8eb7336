"""The settings of one test, and the parsing of their values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otlptest.errors import UnknownNameError, UsageError
from otlptest.timing import checked_timeout

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_PROTOCOLS: Final = ("http/protobuf", "grpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one test.

    Attributes:
        strict: Whether every broken data rule fails the test, not only those that always do.
        allow: Rules whose findings are expected.
        stop_timeout_s: The seconds that a program has to flush and end before it is killed.
        sdk_protocol: The protocol of the exporters of `otlp_sdk`: `http/protobuf` or `grpc`.
        sdk_service: The `service.name` of `otlp_sdk`.
    """

    strict: bool = False
    allow: tuple[str, ...] = ()
    stop_timeout_s: float = 10.0
    sdk_protocol: str = "http/protobuf"
    sdk_service: str = "otlp_sdk"


def read(name: str, value: object, place: str) -> Any:  # noqa: ANN401 -- of the setting's type
    """Return the value of one setting, or raise an error that names its place.

    Args:
        name: A field of `Settings`.
        value: The user's value.
        place: Its place, for the message.

    Raises:
        UsageError: The value is invalid.
    """
    __tracebackhide__ = True
    try:
        return _READERS[name](value)
    except UsageError as error:
        raise UsageError(f"{place}: {error.problem}", error.hint) from error


def _boolean(value: object) -> bool:
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise UsageError(f"it must be true or false, and is {value!r}")
    return text in _TRUE


def _rules(value: object) -> tuple[str, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list | tuple | set | frozenset):
        raise UsageError(f"it must be a list of rules, and is {value!r}")
    return tuple(str(word) for word in words)


def _seconds(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise UsageError(f"it must be a number of seconds, and is {value!r}") from None
    return checked_timeout(number, name="it")


def _protocol(value: object) -> str:
    if value not in _PROTOCOLS:
        raise UnknownNameError("protocol", str(value), _PROTOCOLS)
    return str(value)


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "strict": _boolean,
    "allow": _rules,
    "stop_timeout_s": _seconds,
    "sdk_protocol": _protocol,
    "sdk_service": str,
}

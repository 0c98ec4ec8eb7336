"""Checks of the arguments of fault makers, at the user's call."""

import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, ParamSpec, TypeVar

from otlptest.errors import UnknownNameError, UsageError

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_S: Final = 86_400.0
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_FORBIDDEN_IN_HEADER: Final = frozenset("\r\n\0")


def with_known_names(make: Callable[P, T]) -> Callable[P, T]:
    """Wrap a maker of faults to suggest the nearest name for an unknown argument.

    Such a call raises `UnknownNameError` instead of Python's `TypeError`.
    """
    known = tuple(inspect.signature(make).parameters)

    @functools.wraps(make)
    def made(*arguments: P.args, **options: P.kwargs) -> T:
        __tracebackhide__ = True
        for name in options:
            if name not in known:
                raise UnknownNameError(f"argument of faults.{make.__name__}()", name, known)
        return make(*arguments, **options)

    return made


def written(call: str, *arguments: object, **options: object) -> str:
    """Return the call as a user would write it: `faults.status(429, retry_after_s=1)`.

    Args:
        call: The function's name.
        arguments: The positional arguments.
        options: The named arguments; None and empty ones are left out, as if not given.
    """
    said = [repr(each) for each in arguments]
    said += [
        f"{name}={dict(value) if isinstance(value, Mapping) else value!r}"
        for name, value in options.items()
        if value is not None and value not in ("", b"") and value != {}
    ]
    return f"faults.{call}({', '.join(said)})"


def checked_seconds(name: str, value: Any, *, least: float = 0.0) -> float:  # noqa: ANN401 -- the user's
    """Return a time in seconds, from `least` to a day.

    Raises:
        UsageError: It is something else.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not least <= value <= _LONGEST_S:
        raise UsageError(
            f"{name} must be seconds from {least:g} to {_LONGEST_S:g} and is {value!r}"
        )
    return float(value)


def checked_count(name: str, value: Any, *, least: int = 0, most: int = 2**63 - 1) -> int:  # noqa: ANN401 -- the user's
    """Return a whole number from `least` to `most`.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{name} must be a whole number from {least} to {most} and is {value!r}")
    return value


def checked_flag(name: str, value: Any) -> bool:  # noqa: ANN401 -- the user's
    """Return true or false; text does not count.

    Raises:
        UsageError: It is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be true or false and is {value!r}")
    return value


def checked_text(name: str, value: Any) -> str:  # noqa: ANN401 -- the user's
    """Return a text.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(value, str):
        raise UsageError(f"{name} must be a text and is {value!r}")
    return value


def checked_choice(name: str, value: Any, choices: Sequence[str]) -> str:  # noqa: ANN401 -- the user's
    """Return one of `choices`.

    Raises:
        UnknownNameError: It is not one of them.
    """
    if value not in choices:
        raise UnknownNameError(name, str(value), tuple(choices))
    return str(value)


def checked_name(kind: str, value: Any, known: Sequence[str]) -> str:  # noqa: ANN401 -- the user's
    """Return one of `known`, given by name, in either case, or as the enum member of that name.

    Raises:
        UnknownNameError: The name is unknown.
    """
    name = value.name if isinstance(value, Enum) else str(value)
    if name.upper() not in known:
        raise UnknownNameError(kind, name, tuple(known))
    return name.upper()


def checked_headers(headers: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 -- the user's
    """Return header fields as pairs.

    Raises:
        UsageError: A name or a value cannot be sent.
    """
    if not isinstance(headers, Mapping):
        raise UsageError(
            f"headers must be a mapping of names to values and are {headers!r}",
            'headers={"Retry-After": "soon"}',
        )
    for name, value in headers.items():
        is_text = isinstance(name, str) and isinstance(value, str)
        if not is_text or not _TOKEN.fullmatch(name) or _FORBIDDEN_IN_HEADER & {*value}:
            raise UsageError(f"a header cannot be sent: {name!r}: {value!r}")
    return tuple(headers.items())


def checked_body(body: Any) -> bytes | None:  # noqa: ANN401 -- the user's
    """Return a body to send.

    Raises:
        UsageError: It is not bytes.
    """
    if body is not None and not isinstance(body, bytes):
        raise UsageError(f"body must be bytes and is {body!r}")
    return body

"""Headers that a receiver wants with each request: checks, and their form in output."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Final

from otlptest.errors import UsageError

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_SECRET: Final = re.compile(
    r"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE
)
_OURS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "grpc-encoding",
        "host",
        "te",
        "transfer-encoding",
    }
)
_HINT: Final = "e.g. --header 'Authorization: Bearer abc'"


def checked_headers(headers: Mapping[str, str]) -> None:
    """Check that headers can be sent with each request.

    Raises:
        UsageError: One is not text, has characters that HTTP does not allow, or is about the
            request itself and set by the suite.
    """
    for name, value in headers.items():
        given: tuple[object, object] = (name, value)  # callers may be untyped
        if not all(isinstance(part, str) for part in given):
            raise UsageError(f"the header {name!r} must be text and is {value!r}")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise UsageError(
                f"the header {name!r} cannot be sent",
                "its name must be one word and its value one line of printable ASCII",
            )
        if name.lower() in _OURS:
            raise UsageError(
                f"the header {name!r} is set by the suite itself",
                "give only headers that the receiver wants, as Authorization or a tenant",
            )


def parsed_headers(texts: Iterable[str]) -> dict[str, str]:
    """Return the headers of `NAME: VALUE` texts.

    Raises:
        UsageError: One has another form, cannot be sent, or repeats a name.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon:  # its value may be secret: it is not shown
            raise UsageError("a --header is not of the form 'NAME: VALUE'", _HINT)
        name = name.strip()
        if name.lower() in {each.lower() for each in found}:
            raise UsageError(f"two --header options name {name!r}", "give each name once")
        found[name] = value.strip()
    checked_headers(found)
    return found


def header_words(headers: Mapping[str, str]) -> str:
    """Yield the command-line options that give the headers again, each after a space.

    Values that may be secret are replaced by a variable of the shell: `$AUTHORIZATION` for
    `Authorization`.
    """
    words = ""
    for name, value in headers.items():
        if _SECRET.search(name):
            variable = re.sub(r"\W", "_", name.upper().replace("-", "_"))
            words += f' --header "{name}: ${variable}"'
        else:
            words += f" --header {shlex.quote(f'{name}: {value}')}"
    return words

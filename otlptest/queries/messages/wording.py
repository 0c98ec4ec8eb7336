"""The form of a value in a message: as the test would write it.

`ABSENT` stands for a missing value; it is not `None`, which is a value in OTLP (an
AnyValue with nothing set).
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

from otlptest.model import Root

_LONGEST = 200  # characters of a value; a 64 MiB body would hide the rest of the message


class Absent(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        """Return a word for messages."""
        return "absent"


ABSENT: Final = Absent.ABSENT
"""No value: the attribute is missing, the field is not set."""

_NAMES: Final[tuple[tuple[type, str], ...]] = (
    (Absent, "absent"),
    (bool, "bool"),
    (int, "int"),
    (float, "double"),
    (str, "str"),
    (bytes, "bytes"),
    (list, "list"),
    (tuple, "list"),
    (Mapping, "mapping"),
    (type(None), "empty"),
)


def otlp_type(value: object) -> str:
    """Return a value's OTLP type: `int`, `double`, `str`, `bool`, `bytes`, `list`, `mapping`."""
    for kind, name in _NAMES:
        if isinstance(value, kind):
            return name
    return type(value).__name__


def show(value: object) -> str:
    """Return a value as a test would write it; a long one is cut, with its length."""
    if isinstance(value, Enum) and not isinstance(value, Absent | Root):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        unit = "characters" if isinstance(value, str) else "bytes"
        return f"{value[:_LONGEST]!r}... ({len(value):,} {unit})"
    text = repr(value)
    return text if len(text) <= 2 * _LONGEST else f"{text[: 2 * _LONGEST]}..."


def show_typed(value: object) -> str:
    """Return a value with its type: `int 200`, `str '200'`."""
    name = otlp_type(value)
    return name if name in {"absent", "empty"} else f"{name} {show(value)}"


def listed(words: Sequence[str], joint: str = "and") -> str:
    """Return words as a sentence lists them: `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"

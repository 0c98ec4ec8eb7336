"""Checks of criteria values in a test: each returns the normalised value or raises."""

import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any

from otlptest.errors import UnknownNameError, UsageError, nearest_name
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.messages.wording import show


def text_wanted(criterion: str, wanted: object) -> object:
    """Return a text, or a matcher.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(wanted, str | Matcher):
        return wanted
    raise UsageError(
        f"{criterion} must be text or a matcher, and is {show(wanted)}", _regex_hint(wanted)
    )


def _regex_hint(wanted: object) -> str:
    if isinstance(wanted, re.Pattern):
        return f"match.regex({wanted.pattern!r})"
    if isinstance(wanted, list | tuple | set | frozenset):
        return f"match.one_of({', '.join(map(show, wanted))})"
    return ""


def choice_wanted(criterion: str, wanted: object, known: tuple[str, ...]) -> object:
    """Return one of the known words, or a matcher.

    Raises:
        UnknownNameError: It is another word.
        UsageError: It is not text.
    """
    text = text_wanted(criterion, wanted)
    if isinstance(text, str) and text not in known:
        raise UnknownNameError(criterion, text, known)
    return text


def enum_wanted(criterion: str, wanted: object, kind: type[Enum]) -> object:
    """Return a member of `kind`, a number (OTLP's enums are open), or a matcher.

    Raises:
        UsageError: It is something else, e.g. the name as text, or an enum of another library.
    """
    if isinstance(wanted, Matcher | kind):
        return wanted
    if isinstance(wanted, int) and not isinstance(wanted, bool | Enum) and issubclass(kind, int):
        return wanted
    raise UsageError(
        f"{criterion} must be a {kind.__name__} or a matcher, and is {_foreign(wanted)}",
        f"{criterion}={kind.__name__}.{_member_meant(wanted, kind)}",
    )


def _foreign(wanted: object) -> str:
    if isinstance(wanted, Enum):
        return f"{show(wanted)} of {type(wanted).__module__}"
    return show(wanted)


def _member_meant(wanted: object, kind: type[Enum]) -> str:
    names = list(kind.__members__)
    given = wanted.name if isinstance(wanted, Enum) else str(wanted)
    return nearest_name(given.upper(), names) or names[-1]


def id_wanted(criterion: str, wanted: object, digits: int) -> object:
    """Return lower-case hex of the right length, from text or a number, or a matcher.

    Raises:
        UsageError: It is not an id.
    """
    if isinstance(wanted, Matcher):
        return wanted
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < 16**digits:
        return f"{wanted:0{digits}x}"
    if isinstance(wanted, str) and re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", wanted):
        return wanted.lower()
    hint = ""
    if isinstance(wanted, str) and wanted.startswith("0x"):
        hint = "leave out the 0x"
    raise UsageError(
        f"{criterion} must be {digits} hex digits or a matcher, and is {show(wanted)}", hint
    )


def number_wanted(criterion: str, wanted: object) -> object:
    """Return a number as float, or a matcher.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(wanted, Matcher):
        return wanted
    is_number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    if is_number and isinstance(wanted, int | float) and math.isfinite(wanted):
        return float(wanted)
    raise UsageError(
        f"{criterion} must be a number or a matcher, and is {show(wanted)}",
        "match.less_than(50), match.between(10, 20)",
    )


def attributes_wanted(criterion: str, wanted: object) -> Mapping[str, Any]:
    """Return a copy of a mapping of names to values or matchers.

    Raises:
        UsageError: It is not a mapping, or a name is not text.
    """
    example = f'{criterion}={{"name": "value"}}'
    if not isinstance(wanted, Mapping):
        raise UsageError(
            f"{criterion} must be a mapping of names to values, and is {show(wanted)}", example
        )
    for name, value in wanted.items():
        if not isinstance(name, str):
            raise UsageError(f"{criterion} must have text as names, and has {show(name)}", example)
        _check_value(criterion, name, value)
    return dict(wanted)


def _check_value(criterion: str, name: str, value: object) -> None:
    """Refuse a value that OTLP does not have: it could never match.

    Raises:
        UsageError: It is such a value.
    """
    if isinstance(value, Matcher | str | bool | int | float | bytes) or value is None:
        return
    if isinstance(value, Mapping):
        attributes_wanted(f"{criterion}[{name!r}]", value)
        return
    if isinstance(value, list | tuple):
        for each in value:
            _check_value(criterion, name, each)
        return
    raise UsageError(
        f"{criterion}[{name!r}] must be a value of OTLP or a matcher, and is {show(value)}",
        _regex_hint(value) or ("name=match.regex(…), name=match.present()" * callable(value)),
    )

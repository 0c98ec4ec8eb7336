r"""Matchers: values that stand for many values. Tests reach them as `otlptest.match`.

Criteria take a matcher wherever they take a value, also inside lists and mappings::

    otlp.spans.where(name=match.regex(r"GET /items/\d+"), duration_ms=match.less_than(50))

A matcher never raises on an unsuitable value: `None` is not less than 3, it just does
not match. Values are compared by OTLP type: `1`, `1.0`, `"1"` and `True` are four different
values; the ordering matchers (`less_than`, `between`, `approx`, ...) take int and double alike.
"""

import json as json_text
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from otlptest.errors import UnknownMatcherError, UsageError
from otlptest.queries.criteria.matching import Matcher, equals
from otlptest.queries.messages.wording import ABSENT, listed, otlp_type, show, show_typed

__all__ = [
    "Matcher",
    "absent",
    "all_of",
    "any_of",
    "approx",
    "at_least",
    "at_most",
    "between",
    "contains",
    "ends_with",
    "greater_than",
    "instance_of",
    "json",
    "less_than",
    "not_",
    "one_of",
    "present",
    "regex",
    "starts_with",
    "unordered",
]

_OTLP_KINDS: Mapping[type, str] = {
    bool: "bool",
    int: "int",
    float: "double",
    str: "str",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "mapping",
    Mapping: "mapping",
    type(None): "empty",
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(name: str, value: float) -> float:
    given: object = value  # callers may be untyped
    if not _is_number(given) or math.isnan(value):
        raise UsageError(f"match.{name} takes a number, and was given {show(given)}")
    return value


def _text(name: str, value: str | bytes) -> str | bytes:
    given: object = value
    if not isinstance(given, str | bytes):
        raise UsageError(f"match.{name} takes text or bytes, and was given {show(given)}")
    return given


def regex(pattern: str | re.Pattern[str], /) -> Matcher:
    """Match text that contains the pattern, as `re.search` does; anchor it with `^` and `$`.

    Raises:
        UsageError: The pattern is not a regular expression.
    """
    given: object = pattern
    if not isinstance(given, str | re.Pattern):
        raise UsageError(f"match.regex takes a regular expression, and was given {show(given)}")
    try:
        compiled = re.compile(given)
    except re.error as error:
        raise UsageError(f"match.regex was given {show(given)}, which is none: {error}") from error
    if not isinstance(compiled.pattern, str):
        raise UsageError(f"match.regex takes a pattern for text, and was given {show(given)}")

    def test(value: object) -> bool:
        return isinstance(value, str) and compiled.search(value) is not None

    shown = compiled.pattern if isinstance(pattern, str) else compiled
    return Matcher("regex", (shown,), test, needs="str")


def contains(part: object, /) -> Matcher:
    """Match text that contains `part`, a list with that element, or a mapping with those items.

    `part` is a substring, an element (a value or a matcher), or a mapping of keys to values or
    matchers.
    """

    def test(value: object) -> bool:
        if isinstance(value, str):
            return isinstance(part, str) and part in value
        if isinstance(value, bytes):
            return isinstance(part, bytes) and part in value
        if isinstance(value, list | tuple):
            return any(equals(part, each) for each in value)
        if isinstance(value, Mapping) and isinstance(part, Mapping):
            return all(equals(wanted, value.get(key, ABSENT)) for key, wanted in part.items())
        return False

    return Matcher("contains", (part,), test)


def starts_with(prefix: str | bytes, /) -> Matcher:
    """Match text or bytes that begin with `prefix`.

    Raises:
        UsageError: `prefix` is neither text nor bytes.
    """
    given = _text("starts_with", prefix)

    def test(value: object) -> bool:
        if isinstance(given, str):
            return isinstance(value, str) and value.startswith(given)
        return isinstance(value, bytes) and value.startswith(given)

    return Matcher("starts_with", (given,), test, needs=otlp_type(given))


def ends_with(suffix: str | bytes, /) -> Matcher:
    """Match text or bytes that end with `suffix`.

    Raises:
        UsageError: `suffix` is neither text nor bytes.
    """
    given = _text("ends_with", suffix)

    def test(value: object) -> bool:
        if isinstance(given, str):
            return isinstance(value, str) and value.endswith(given)
        return isinstance(value, bytes) and value.endswith(given)

    return Matcher("ends_with", (given,), test, needs=otlp_type(given))


def one_of(*values: object) -> Matcher:
    """Match a value equal to one of `values`, which may be matchers too.

    Raises:
        UsageError: No value was given.
    """
    return _one_of("one_of", values)


def any_of(*values: object) -> Matcher:
    """Match a value that at least one of `values` (values or matchers) matches.

    Raises:
        UsageError: No value was given.
    """
    return _one_of("any_of", values)


def _one_of(name: str, values: tuple[object, ...]) -> Matcher:
    if not values:
        raise UsageError(f"match.{name} needs at least one value")
    return Matcher(name, values, lambda value: any(equals(each, value) for each in values))


def all_of(*values: object) -> Matcher:
    """Match a value that each of `values` (values or matchers) matches.

    Raises:
        UsageError: No value was given.
    """
    if not values:
        raise UsageError("match.all_of needs at least one value")

    def explain(value: object) -> str:
        failing = [show(each) for each in values if not equals(each, value)]
        return f"{show(value)}, which fails {listed(failing)}"

    return Matcher(
        "all_of", values, lambda value: all(equals(each, value) for each in values), explain=explain
    )


def not_(value: object, /) -> Matcher:
    """Match a value, or its absence, that `value` (a value or a matcher) does not match."""
    return Matcher("not_", (value,), lambda received: not equals(value, received))


def less_than(limit: float, /) -> Matcher:
    """Match a number below `limit`.

    Raises:
        UsageError: `limit` is not a number.
    """
    return _ordered("less_than", limit, lambda value, bound: value < bound)


def at_most(limit: float, /) -> Matcher:
    """Match a number that is `limit` or below.

    Raises:
        UsageError: `limit` is not a number.
    """
    return _ordered("at_most", limit, lambda value, bound: value <= bound)


def greater_than(limit: float, /) -> Matcher:
    """Match a number above `limit`.

    Raises:
        UsageError: `limit` is not a number.
    """
    return _ordered("greater_than", limit, lambda value, bound: value > bound)


def at_least(limit: float, /) -> Matcher:
    """Match a number of `limit` or above, or a severity: `match.at_least(Severity.ERROR)`.

    Raises:
        UsageError: `limit` is not a number.
    """
    return _ordered("at_least", limit, lambda value, bound: value >= bound)


def _ordered(name: str, limit: float, holds: Callable[[float, float], bool]) -> Matcher:
    bound = _number(name, limit)

    def test(value: object) -> bool:
        return isinstance(value, int | float) and _is_number(value) and holds(value, bound)

    return Matcher(name, (bound,), test, needs="number")


def between(low: float, high: float, /) -> Matcher:
    """Match a number from `low` to `high`, both included.

    Raises:
        UsageError: One of them is not a number, or `low` is above `high`.
    """
    least, most = _number("between", low), _number("between", high)
    if least > most:
        raise UsageError(
            f"match.between takes the lower bound first, and was given {show(low)}, {show(high)}"
        )

    def test(value: object) -> bool:
        return isinstance(value, int | float) and _is_number(value) and least <= value <= most

    return Matcher("between", (least, most), test, needs="number")


def approx(expected: float, /, *, relative: float = 1e-6, absolute: float = 1e-12) -> Matcher:
    """Match a number close to `expected`: within `absolute`, or within `relative` times it.

    Raises:
        UsageError: One of them is not a number, or a tolerance is negative.
    """
    wanted = _number("approx", expected)
    if _number("approx", relative) < 0 or _number("approx", absolute) < 0:
        raise UsageError(
            f"match.approx takes tolerances of 0 or more, and was given relative={relative!r}, "
            f"absolute={absolute!r}"
        )

    def test(value: object) -> bool:
        if not isinstance(value, int | float) or not _is_number(value):
            return False
        if value == wanted or not (math.isfinite(value) and math.isfinite(wanted)):
            return value == wanted
        return abs(value - wanted) <= max(relative * abs(wanted), absolute)

    options = {"relative": (relative, 1e-6), "absolute": (absolute, 1e-12)}
    changed = tuple((key, given) for key, (given, usual) in options.items() if given != usual)
    return Matcher("approx", (wanted,), test, options=changed, needs="number")


def present() -> Matcher:
    """Match any value: the attribute is present, the field is set."""
    return Matcher("present", (), lambda value: value is not ABSENT)


def absent() -> Matcher:
    """Match no value: the attribute is missing, the field is not set."""
    return Matcher("absent", (), lambda value: value is ABSENT)


def instance_of(*types: type) -> Matcher:
    """Match a value of one of the OTLP types, given as Python types.

    `int` is not `bool`; `float` is OTLP's double; `list` and `dict` are its arrays and key-value
    lists. Any other class is tested with `isinstance`.

    Raises:
        UsageError: No type was given, or something that is not a type.
    """
    given: tuple[object, ...] = types  # callers may be untyped
    wrong = [each for each in given if not isinstance(each, type)]
    if not types or wrong:
        shown = show(wrong[0]) if wrong else "nothing"
        raise UsageError(
            f"match.instance_of takes types, and was given {shown}", "match.instance_of(int)"
        )
    names = {_OTLP_KINDS[each] for each in types if each in _OTLP_KINDS}
    classes = tuple(each for each in types if each not in _OTLP_KINDS)

    def test(value: object) -> bool:
        return otlp_type(value) in names or isinstance(value, classes)

    return Matcher("instance_of", types, test, explain=show_typed)


def unordered(values: Iterable[object], /) -> Matcher:
    """Match a list with exactly these elements (values or matchers), in any order.

    Raises:
        UsageError: `values` is not a list.
    """
    given: object = values
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise UsageError(f"match.unordered takes a list, and was given {show(given)}")
    wanted = list(given)

    def test(value: object) -> bool:
        if not isinstance(value, list | tuple) or len(value) != len(wanted):
            return False
        return _can_pair(wanted, value)

    return Matcher("unordered", (wanted,), test, needs="list")


def _can_pair(wanted: list[object], received: Iterable[object]) -> bool:
    """Return whether each wanted element can have its own received one (augmenting paths)."""
    values = list(received)
    owner: dict[int, int] = {}  # index of a received element -> index of the wanted one

    def place(index: int, seen: set[int]) -> bool:
        for at, value in enumerate(values):
            if at not in seen and equals(wanted[index], value):
                seen.add(at)
                if at not in owner or place(owner[at], seen):
                    owner[at] = index
                    return True
        return False

    return all(place(index, set()) for index in range(len(wanted)))


def json(expected: object, /) -> Matcher:
    """Match JSON text whose content equals `expected`; matchers may be inside.

    JSON has one kind of number: `1` and `1.0` are the same here.
    """

    def test(value: object) -> bool:
        if not isinstance(value, str | bytes):
            return False
        try:
            content = json_text.loads(value)
        except (ValueError, RecursionError):
            return False
        return equals(expected, content, numbers_alike=True)

    def explain(value: object) -> str:
        if not isinstance(value, str | bytes):
            return f"{show_typed(value)}, which is not text"
        try:
            content = json_text.loads(value)
        except (ValueError, RecursionError) as error:
            return f"{show(value)}, which is not valid JSON: {error}"
        return f"JSON {show(content)}"

    return Matcher("json", (expected,), test, explain=explain)


if not TYPE_CHECKING:  # else no checker would see a misspelt matcher

    def __getattr__(name: str) -> object:
        """Raise an error that suggests the nearest matcher.

        Raises:
            AttributeError: The name is private: a tool asks for it.
            UnknownMatcherError: The name is public: a matcher was meant.
        """
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        raise UnknownMatcherError("matcher", name, [each for each in __all__ if each != "Matcher"])

"""Conditions: one criterion each, and the ways in which an item fails it.

A *condition* is one criterion with its wanted value, checked and ready. A *difference* is one
field in which an item is not as wanted. Its *distance* is 0 to 1: 1 shares nothing with
the wanted value. The nearest miss ranks items by the sum of distance times *importance*: a wrong
name says more than a wrong kind.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from otlptest.errors import kin_names, nearest_name
from otlptest.queries.criteria.matching import Matcher, equals
from otlptest.queries.messages.wording import ABSENT, otlp_type, show, show_typed

_NAMED_ALIKE: Final = 0.45  # the largest distance of an attribute that is present


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that is not as wanted."""

    field: str
    expected: str
    received: str
    distance: float = 1.0
    importance: float = 1.0

    @property
    def weight(self) -> float:
        """Return its weight in the ranking."""
        return self.distance * self.importance

    def __str__(self) -> str:
        """Return one line of the nearest miss."""
        return f"{self.field}: expected {self.expected}, received {self.received}"


class Condition(Protocol):
    """One criterion, checked and ready."""

    @property
    def criterion(self) -> str:
        """Return the criterion's name."""
        ...

    @property
    def wanted(self) -> object:
        """Return the test's value, checked."""
        ...

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """Return whether `item` is as wanted."""
        ...

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """Return the differences of `item`; empty exactly if it matches."""
        ...

    def phrases(self) -> tuple[str, ...]:
        """Return the demand in a reader's words: `kind = SpanKind.SERVER`."""
        ...


def phrase(field: str, wanted: object) -> str:
    """Return `field = value`, or `field match.…(…)`."""
    if isinstance(wanted, Matcher):
        return f"{field} {wanted!r}"
    return f"{field} = {show(wanted)}"


def difference(
    field: str,
    wanted: object,
    received: object,
    *,
    distance: float | None = None,
    importance: float = 1.0,
    nearest: str | None = None,
) -> Difference:
    """Return the difference of `received` from `wanted`, with their types if only these differ."""
    if isinstance(wanted, Matcher):
        expected, shown = repr(wanted), wanted.explain(received)
    elif received is not ABSENT and otlp_type(wanted) != otlp_type(received):
        expected, shown = show_typed(wanted), show_typed(received)
    else:
        expected, shown = show(wanted), show(received)
    if nearest is not None:
        shown = f"{shown}; there is {nearest}"
    return Difference(
        field=field,
        expected=expected,
        received=shown,
        distance=_distance(wanted, received) if distance is None else distance,
        importance=importance,
    )


def _distance(wanted: object, received: object) -> float:
    """Return how far a value is from the wanted one, 0 to 1; a near text is nearer than no text."""
    if received is ABSENT:
        return 1.0
    if isinstance(wanted, str) and isinstance(received, str):
        return 1.0 - 0.9 * difflib.SequenceMatcher(None, wanted[:100], received[:100]).ratio()
    return 0.4 if str(wanted) == str(received) else 0.8


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """A criterion on one value of an item.

    Attributes:
        criterion: Its name, also the field's name in messages.
        wanted: A value or a matcher.
        read: Returns the item's value; `ABSENT` if it has none.
        importance: The importance of its differences.
    """

    criterion: str
    wanted: object
    read: Callable[[Any], object]
    importance: float = 1.0

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """See `Condition.matches`."""
        return equals(self.wanted, self.read(item))

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        received = self.read(item)
        if equals(self.wanted, received):
            return ()
        return (difference(self.criterion, self.wanted, received, importance=self.importance),)

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        if self.criterion == "name" and not isinstance(self.wanted, Matcher):
            return (f"named {show(self.wanted)}",)
        return (phrase(self.criterion, self.wanted),)


@dataclass(frozen=True, slots=True)
class AttributesCondition:
    """A criterion on a mapping: each name has the wanted value, or is matched.

    Attributes:
        criterion: `attributes`, `resource` or `headers`.
        wanted: Names to values or matchers; a name whose value may be absent has a matcher for it.
        read: Returns the item's mapping.
        prefix: A prefix of names in messages: `resource.`.
    """

    criterion: str
    wanted: Mapping[str, object]
    read: Callable[[Any], Mapping[str, object]]
    prefix: str = ""

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """See `Condition.matches`."""
        received = self.read(item)
        return all(equals(value, received.get(key, ABSENT)) for key, value in self.wanted.items())

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        received = self.read(item)
        return tuple(
            self._difference(key, value, received)
            for key, value in self.wanted.items()
            if not equals(value, received.get(key, ABSENT))
        )

    def _difference(self, key: str, wanted: object, received: Mapping[str, object]) -> Difference:
        value = received.get(key, ABSENT)
        if value is not ABSENT:  # having the name is already near
            distance = _distance(wanted, value) * _NAMED_ALIKE
            return difference(self.prefix + key, wanted, value, distance=distance)
        similar = _similar_key(key, wanted, received, taken=self.wanted)
        if similar is None:
            return difference(self.prefix + key, wanted, value)
        found = received[similar]
        near = f"{similar!r} = {show(found)}"
        distance = 0.3 if equals(wanted, found) else 0.7
        return difference(self.prefix + key, wanted, value, distance=distance, nearest=near)

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return tuple(phrase(self.prefix + key, value) for key, value in self.wanted.items())


def _similar_key(
    key: str, wanted: object, received: Mapping[str, object], *, taken: Mapping[str, object]
) -> str | None:
    """Return the received name that `key` most likely means.

    By spelling, or because it has the wanted value under a name with the same last part:
    `http.status_code` for `http.response.status_code`.
    """
    free = [each for each in received if each not in taken]
    for each in kin_names(key, free):
        if isinstance(wanted, Matcher) or equals(wanted, received[each]):
            return each
    return nearest_name(key, free)


@dataclass(frozen=True, slots=True)
class PartCondition:
    """A criterion on the parts of an item (events, links): each wanted part is among them.

    Attributes:
        criterion: `events` or `links`.
        wanted: The test's value.
        parts: For each wanted part its text and its test.
        read: Returns the item's parts.
        label: Returns the name of a received part for messages.
    """

    criterion: str
    wanted: object
    parts: Sequence[tuple[str, Callable[[Any], bool]]]
    read: Callable[[Any], Sequence[Any]]
    label: Callable[[Any], str]

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """See `Condition.matches`."""
        return not self._missing(item)

    def _missing(self, item: Any) -> list[str]:  # noqa: ANN401 -- as above
        received = self.read(item)
        return [text for text, test in self.parts if not any(map(test, received))]

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        received = [self.label(part) for part in self.read(item)]
        shown = ", ".join(received[:10]) or "none"
        more = f" and {len(received) - 10} more" if len(received) > 10 else ""  # noqa: PLR2004 -- as sliced
        return tuple(
            Difference(field=self.criterion, expected=text, received=shown + more)
            for text in self._missing(item)
        )

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return tuple(f"{self.criterion} with {text}" for text, _ in self.parts)


@dataclass(frozen=True, slots=True)
class TestCondition:
    """A predicate of the test that decides whether an item is wanted."""

    wanted: Callable[[Any], object]
    criterion: str = "test"

    __test__ = False  # pytest would collect it for its name

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """See `Condition.matches`; errors of the callable reach the test."""
        return bool(self.wanted(item))

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        if self.matches(item):
            return ()
        return (Difference(field=self._name(), expected="true", received="false"),)

    def _name(self) -> str:
        name = getattr(self.wanted, "__name__", type(self.wanted).__name__)
        code = getattr(self.wanted, "__code__", None)
        if name == "<lambda>" and code is not None:
            file = str(code.co_filename).replace("\\", "/").rsplit("/", 1)[-1]
            return f"the lambda in {file}:{code.co_firstlineno}"
        return f"{name}()"

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return (f"{self._name()} true",)

"""Expected trees: which span is whose child, how often, and which others are allowed.

A *pattern* is the result of `tree(...)`: criteria for one span, patterns of its children, and the
patterns of its *descendants*, which may be anywhere below it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Span
from otlptest.queries.criteria.conditions import Condition
from otlptest.queries.criteria.criteria import SpanCriteria, compiled
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.criteria.vocabularies import SPANS
from otlptest.queries.messages.wording import show

Order: TypeAlias = Literal["any", "start"]
"""The expected order of the children of a span."""

Extra: TypeAlias = Literal["forbid", "allow"]
"""The treatment of spans without a pattern."""

Pruned: TypeAlias = SpanCriteria | Sequence[SpanCriteria] | None
"""Criteria, or several: spans that meet one of them are taken out first."""

_ORDERS = ("any", "start")
_EXTRAS = ("forbid", "allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The pattern of a span and of everything below it; made by `tree(...)`.

    Attributes:
        name: The span's name, or a matcher for it.
        criteria: The other criteria, as written.
        children: The patterns of its direct children.
        descendants: The patterns of spans anywhere below it.
        times: The number of such spans.
        optional: Whether there may be fewer, or none.
        conditions: The criteria, checked and ready.
    """

    name: str | Matcher
    criteria: Mapping[str, Any]
    children: tuple["Tree", ...]
    descendants: tuple["Tree", ...]
    times: int
    optional: bool
    conditions: tuple[Condition, ...] = field(compare=False, repr=False)

    @property
    def below(self) -> tuple["Tree", ...]:
        """Return the patterns of its children, then those of its descendants."""
        return (*self.children, *self.descendants)

    @property
    def least(self) -> int:
        """Return the least number of such spans."""
        return 0 if self.optional else self.times

    def fits(self, span: Span) -> bool:
        """Return whether the span itself matches, whatever its children are."""
        return all(condition.matches(span) for condition in self.conditions)

    def walk(self) -> Iterator["Tree"]:
        """Yield the pattern and all patterns below it."""
        stack = [self]
        while stack:
            each = stack.pop()
            yield each
            stack.extend(each.below)

    def span_counts(self) -> tuple[int, int]:
        """Return the least and the largest number of spans that it stands for."""
        least = most = 0
        stack = [(self, 1, 1)]
        while stack:
            pattern, low, high = stack.pop()
            low, high = low * pattern.least, high * pattern.times
            least, most = least + low, most + high
            stack.extend((child, low, high) for child in pattern.below)
        return least, most


def tree(  # noqa: D417 -- the criteria are those of spans
    name: str | Matcher,
    /,
    *,
    children: Sequence[Tree] = (),
    descendants: Sequence[Tree] = (),
    times: int = 1,
    optional: bool = False,
    **criteria: Any,  # noqa: ANN401 -- SpanCriteria, checked here
) -> Tree:
    """Return a pattern: a span with this name and these criteria, and the patterns below it.

    `descendants` allows for spans that an instrumentation (a web framework's) puts between: spans
    without a pattern may be between this span and a descendant. A span that meets the
    criteria of a descendant (or, directly below, of a child) is never only between: it counts.
    Spans below a descendant belong to that descendant's own pattern. With `extra="forbid"`,
    the default of `wait_for_tree` and `expect_tree`, everything else is unexpected: also a span
    below this one that leads to no descendant.

    Args:
        name: The span's name, or a matcher for it.
        children: The patterns of its direct children.
        descendants: The patterns of spans below it, at any depth, direct children included.
        times: The number of such spans, each with everything below it; at least 1.
        optional: Whether there may be fewer than `times`, or none.

    Raises:
        UnknownNameError: A criterion does not exist.
        UsageError: An argument or a criterion's value is invalid.

    Example:
        tree("POST /checkout", kind=SpanKind.SERVER, descendants=[tree("INSERT orders", times=2)])
    """
    if "name" in criteria:
        raise UsageError("tree() takes the name as its first argument only, and was given two")
    given_times: object = times
    if not isinstance(given_times, int) or isinstance(given_times, bool) or given_times < 1:
        raise UsageError(
            f"times must be 1 or more, and is {show(given_times)}",
            'a span that must not be there is told by extra="forbid", or by expect_none(after=…)',
        )
    return Tree(
        name=name,
        criteria=dict(criteria),
        children=_checked("children", children),
        descendants=_checked("descendants", descendants),
        times=times,
        optional=bool(optional),
        conditions=compiled(SPANS, (), {"name": name, **criteria}),
    )


def _checked(argument: str, given: object) -> tuple[Tree, ...]:
    """Return the patterns below another one.

    Raises:
        UsageError: They are not a list of patterns.
    """
    if isinstance(given, Tree) or not isinstance(given, Sequence):
        raise UsageError(
            f"{argument} must be a list of trees, and is {_called(given)}", f"{argument}=[tree(…)]"
        )
    for each in given:
        if not isinstance(each, Tree):
            raise UsageError(
                f"{argument} must be trees, and one is {show(each)}", f"{argument}=[tree(…)]"
            )
    return tuple(given)


def _called(value: object) -> str:
    return f"one tree ({show(value.name)})" if isinstance(value, Tree) else show(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRules:
    """The rules for comparing a pattern with a trace.

    Attributes:
        order: `any`, or `start`: the children of a span start in the order of their patterns, and
            so do its descendants; equal starts in any order. Across services that depends on their
            clocks.
        extra: `forbid`: the trace has this tree and nothing else; `allow`: there may be further
            spans above, next to and below those of the tree, but not between a span and its
            `children`, which stay direct children.
        pruned: Spans that meet all conditions of one of these are taken out first.
    """

    order: Order = "any"
    extra: Extra = "forbid"
    pruned: tuple[tuple[Condition, ...], ...] = ()

    @classmethod
    def made(cls, *, order: str, extra: str, pruned: object) -> Self:
        """Return the rules of a test, checked.

        Raises:
            UnknownNameError: `order`, `extra` or a criterion of `pruned` does not exist.
            UsageError: `pruned` is neither a mapping of criteria nor a sequence of such.
        """
        if order not in _ORDERS:
            raise UnknownNameError("order", str(order), _ORDERS)
        if extra not in _EXTRAS:
            raise UnknownNameError("value of extra", str(extra), _EXTRAS)
        several = [pruned] if isinstance(pruned, Mapping) else pruned
        if several is None:
            several = ()
        if isinstance(several, str) or not isinstance(several, Sequence):
            raise UsageError(
                f"pruned must be criteria of spans, and is {show(pruned)}", _PRUNED_HINT
            )
        return cls(
            order="start" if order == "start" else "any",
            extra="allow" if extra == "allow" else "forbid",
            pruned=tuple(_pruned(criteria) for criteria in several),
        )

    def prunes(self, span: Span) -> bool:
        """Return whether the span is taken out first."""
        return any(
            all(condition.matches(span) for condition in conditions) for conditions in self.pruned
        )


_PRUNED_HINT = 'pruned={"scope": "framework"}, or a list of such'


def _pruned(criteria: object) -> tuple[Condition, ...]:
    if not isinstance(criteria, Mapping) or not criteria:
        raise UsageError(
            f"pruned must be criteria of spans, and has {show(criteria)}", _PRUNED_HINT
        )
    return compiled(SPANS, (), criteria)


def checked_top(pattern: object, rules: TreeRules | None = None) -> Tree:
    """Return the pattern of a whole tree.

    Raises:
        UsageError: It is not a tree, stands for more or less than one span at its top, or its
            order cannot be compared.
    """
    if not isinstance(pattern, Tree):
        raise UsageError(f"a tree is expected, and {show(pattern)} is none", "tree(name, …)")
    if pattern.times != 1 or pattern.optional:
        raise UsageError(
            f"the top of a tree is one span, and {show(pattern.name)} has"
            f" times={pattern.times}, optional={pattern.optional}",
            "leave out times and optional at the top",
        )
    for each in pattern.walk() if rules is not None and rules.order == "start" else ():
        if each.children and each.descendants:
            raise UsageError(
                f"the spans below {show(each.name)} have no order to compare: it has children"
                " and descendants",
                'order="any", or only one of the two',
            )
    return pattern

"""The criteria that queries take, by name, for type checkers, and their check at run time.

Each value is that of the item, or a matcher of `otlptest.match`. Attribute values compare
by OTLP type: `1`, `1.0`, `"1"` and `True` are four different values; a name whose value is
`match.absent()` must be missing. The meaning of each criterion is in
`otlptest.queries.criteria.vocabularies`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import (
    AggregationTemporality,
    LogRecord,
    MetricType,
    Protocol,
    Root,
    Severity,
    Signal,
    Span,
    SpanKind,
    StatusCode,
)
from otlptest.queries.criteria.conditions import Condition, TestCondition
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.messages.wording import show

AttributesWanted: TypeAlias = Mapping[str, Any]
"""Names to values or matchers."""

PartWanted: TypeAlias = str | Matcher | Mapping[str, Any] | Span
PartsWanted: TypeAlias = PartWanted | Sequence[PartWanted]
"""One event or link, or several."""


class SpanCriteria(TypedDict, total=False):
    """The arguments of `otlp.spans.where(...)`."""

    name: str | Matcher
    service: str | Matcher
    kind: SpanKind | int | Matcher
    status: StatusCode | int | Matcher
    attributes: AttributesWanted
    resource: AttributesWanted
    scope: str | Matcher | Mapping[str, Any]
    trace_id: str | int | Matcher
    span_id: str | int | Matcher
    parent: str | int | Span | Root | Matcher
    events: PartsWanted
    links: PartsWanted
    duration_ms: float | Matcher
    exporter: str | Matcher


class MetricCriteria(TypedDict, total=False):
    """The arguments of `otlp.metrics.where(...)`."""

    name: str | Matcher
    service: str | Matcher
    unit: str | Matcher
    type: MetricType | Matcher
    temporality: AggregationTemporality | int | Matcher
    attributes: AttributesWanted


class PointCriteria(TypedDict, total=False):
    """The arguments of `metric.points.where(...)` and `metric.exports.where(...)`."""

    attributes: AttributesWanted


class LogCriteria(TypedDict, total=False):
    """The arguments of `otlp.logs.where(...)`."""

    severity: Severity | int | Matcher
    body: Any
    event_name: str | Matcher
    attributes: AttributesWanted
    service: str | Matcher
    trace_id: str | int | Matcher


class ProfileCriteria(TypedDict, total=False):
    """The arguments of `otlp.profiles.where(...)`."""

    service: str | Matcher
    attributes: AttributesWanted


class TraceCriteria(TypedDict, total=False):
    """The arguments of `otlp.traces.where(...)`."""

    trace_id: str | int | Matcher
    service: str | Matcher
    containing: Span | LogRecord | Mapping[str, Any]


class RequestCriteria(TypedDict, total=False):
    """The arguments of `otlp.requests.where(...)`."""

    signal: Signal | Matcher
    protocol: Protocol | Matcher
    headers: AttributesWanted
    encoding: Literal["identity", "gzip", "deflate", "zstd"] | str | Matcher  # noqa: PYI051 -- the literals document what is usual
    path: str | Matcher
    reply_fault: str | Matcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The criteria of one kind of query.

    Attributes:
        noun: The name of one item: `span`.
        nouns: The same in the plural.
        criteria: Makes a condition from a value, by criterion; raises `UsageError`.
    """

    noun: str
    nouns: str
    criteria: Mapping[str, Callable[[object], Condition]]

    def counted(self, count: int) -> str:
        """Return `1 span`, `1,024 spans`."""
        return f"{count:,} {self.noun if count == 1 else self.nouns}"


def compiled(
    vocabulary: Vocabulary,
    tests: Sequence[Callable[[Any], object]],
    criteria: Mapping[str, object],
) -> tuple[Condition, ...]:
    """Return the conditions of `where(*tests, **criteria)`, checked.

    Raises:
        UnknownNameError: A criterion does not exist.
        UsageError: A value is invalid, or a test cannot be called.
    """
    __tracebackhide__ = True
    conditions: list[Condition] = []
    for name, wanted in criteria.items():
        make = vocabulary.criteria.get(name)
        if make is None:
            raise UnknownNameError(
                f"criterion of {vocabulary.nouns}", name, tuple(vocabulary.criteria)
            )
        if wanted is None and name != "body":
            raise UsageError(
                f"{name} must be a value or a matcher, and is None", f"{name}=match.absent()"
            )
        _check_values_within(name, wanted)
        conditions.append(make(wanted))
    given: Sequence[object] = tests  # callers may be untyped
    for test in given:
        if isinstance(test, Matcher) or not callable(test):
            raise UsageError(
                f"a test must be callable with one {vocabulary.noun}, and is {show(test)}",
                "give values and matchers by the name of their criterion: name=…",
            )
        conditions.append(TestCondition(test))
    return tuple(conditions)


def _check_values_within(name: str, wanted: object) -> None:
    """Refuse a span or `ROOT` inside a matcher: matchers compare plain values, such as ids.

    Raises:
        UsageError: There is one. Accepted, it would match nothing and prove absences wrongly.
    """
    if isinstance(wanted, Matcher) and _holds_object(wanted):
        raise UsageError(
            f"{name} cannot have a span or ROOT inside a matcher: {wanted!r}",
            "write span.span_id inside a matcher, give ROOT or the span alone, or use a test:"
            " where(lambda span: …)",
        )
    if isinstance(wanted, list | tuple):
        for each in wanted:
            _check_values_within(name, each)


def _holds_object(value: object) -> bool:
    if isinstance(value, Matcher):
        return any(map(_holds_object, value.arguments))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_object, value))
    return isinstance(value, Span | Root)

"""Criteria on traces and metrics that some of their spans or points must meet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otlptest.errors import UsageError
from otlptest.model import LogRecord, Span
from otlptest.queries.criteria.conditions import (
    AttributesCondition,
    Condition,
    Difference,
    difference,
    phrase,
)
from otlptest.queries.criteria.criteria import Vocabulary, compiled
from otlptest.queries.criteria.matching import Matcher, equals
from otlptest.queries.messages.wording import ABSENT, listed, show


@dataclass(frozen=True, slots=True)
class TraceServiceCondition:
    """A criterion on a trace: a service that took part in it."""

    wanted: object
    criterion: str = "service"

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- a trace; its class builds on this package
        """See `Condition.matches`."""
        return any(equals(self.wanted, _service(span)) for span in item.spans)

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        if self.matches(item):
            return ()
        services = sorted({show(_service(span)) for span in item.spans})
        expected = repr(self.wanted) if isinstance(self.wanted, Matcher) else show(self.wanted)
        return (Difference(field="service", expected=expected, received=listed(services)),)

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return (phrase("service", self.wanted),)


def _service(span: Span) -> object:
    return ABSENT if span.service is None else span.service


@dataclass(frozen=True, slots=True)
class ContainingCondition:
    """A criterion on a trace: it has this item, and no parent in it is missing.

    Without the second half a wait would return a trace whose upper spans are still on their way.
    """

    wanted: object
    inside: Callable[[Any], bool]
    text: str
    criterion: str = "containing"

    @classmethod
    def made(cls, wanted: object, spans: Vocabulary) -> "ContainingCondition":
        """Make it from a span, a log record, or a mapping of span criteria.

        Raises:
            UsageError: It is something else.
        """
        if isinstance(wanted, Span):
            text = f"span {show(wanted.name)} ({wanted.span_id})"
            return cls(wanted, lambda trace: wanted in trace, text)
        if isinstance(wanted, LogRecord):
            text = f"the log record {show(wanted.body)}"
            return cls(wanted, lambda trace: wanted in trace, text)
        if isinstance(wanted, Mapping):
            conditions = compiled(spans, (), wanted)
            return cls(wanted, lambda trace: _has_span(trace.spans, conditions), _said(conditions))
        raise UsageError(
            f"containing must be a span, a log record or span criteria, and is {show(wanted)}",
            'containing={"name": "POST /checkout"}',
        )

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- as above
        """See `Condition.matches`."""
        return self.inside(item) and bool(item.has_all_ancestors)

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`."""
        if not self.inside(item):
            names = [show(span.name) for span in item.spans]
            more = ["..."] if len(names) > 10 else []  # noqa: PLR2004 -- as sliced below
            received = f"spans {', '.join(names[:10] + more)}"
            return (Difference(field="containing", expected=self.text, received=received),)
        if not item.has_all_ancestors:
            return (
                Difference(
                    field="ancestors",
                    expected="a root, and each parent received",
                    received=_orphans(item.spans),
                    distance=0.2,
                ),
            )
        return ()

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return (f"{self.text} in it",)


def _has_span(spans: Sequence[Span], conditions: Sequence[Condition]) -> bool:
    return any(all(each.matches(span) for each in conditions) for span in spans)


def _said(conditions: Sequence[Condition]) -> str:
    phrases = [text for condition in conditions for text in condition.phrases()]
    return f"a span with {listed(phrases)}" if phrases else "a span"


def _orphans(spans: Sequence[Span]) -> str:
    known = {span.span_id for span in spans}
    orphans = [
        f"{show(span.name)} (parent {span.parent_span_id} is missing)"
        for span in spans
        if span.parent_span_id is not None
        and span.parent_span_id not in known
        and not span.has_outside_parent
    ]
    return listed(orphans) or "no root"


@dataclass(frozen=True, slots=True)
class PointsCondition:
    """A criterion on a metric: it has a data point with these attributes."""

    wanted: Mapping[str, object]
    criterion: str = "attributes"

    def _inner(self) -> AttributesCondition:
        return AttributesCondition("attributes", self.wanted, lambda point: point.attributes)

    def matches(self, item: Any) -> bool:  # noqa: ANN401 -- a metric; its class builds on this package
        """See `Condition.matches`."""
        return any(map(self._inner().matches, item.received))

    def differences(self, item: Any) -> tuple[Difference, ...]:  # noqa: ANN401 -- as above
        """See `Condition.differences`; returns those of the nearest point."""
        found = [self._inner().differences(point) for point in item.received]
        if not found:
            return (difference("attributes", self.wanted, ABSENT),)
        return min(found, key=lambda each: sum(one.weight for one in each))

    def phrases(self) -> tuple[str, ...]:
        """See `Condition.phrases`."""
        return tuple(f"a point with {text}" for text in self._inner().phrases())

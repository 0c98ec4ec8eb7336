"""Queries of spans."""

from collections.abc import Callable
from typing import ClassVar, Self, Unpack

from otlptest.model import Span
from otlptest.queries.criteria.criteria import SpanCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import SPANS
from otlptest.queries.query import Query
from otlptest.queries.sources import Kind


class SpanQuery(Query[Span]):
    """A question about spans: `otlp.spans`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "traces"
    vocabulary: ClassVar[Vocabulary] = SPANS

    def where(self, *tests: Callable[[Span], object], **criteria: Unpack[SpanCriteria]) -> Self:
        """Narrow the query to spans that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

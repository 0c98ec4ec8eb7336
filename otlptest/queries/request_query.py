"""Queries of requests."""

from collections.abc import Callable
from typing import ClassVar, Self, Unpack

from otlptest.model import Request
from otlptest.queries.criteria.criteria import RequestCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import REQUESTS
from otlptest.queries.query import Query
from otlptest.queries.sources import Kind


class RequestQuery(Query[Request]):
    """A question about requests: `otlp.requests`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "requests"
    vocabulary: ClassVar[Vocabulary] = REQUESTS

    def where(
        self, *tests: Callable[[Request], object], **criteria: Unpack[RequestCriteria]
    ) -> Self:
        """Narrow the query to requests that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

"""Queries of log records."""

from collections.abc import Callable
from typing import ClassVar, Self, Unpack

from otlptest.model import LogRecord
from otlptest.queries.criteria.criteria import LogCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import LOGS
from otlptest.queries.query import Query
from otlptest.queries.sources import Kind


class LogQuery(Query[LogRecord]):
    """A question about log records: `otlp.logs`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "logs"
    vocabulary: ClassVar[Vocabulary] = LOGS

    def where(self, *tests: Callable[[LogRecord], object], **criteria: Unpack[LogCriteria]) -> Self:
        """Narrow the query to log records that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

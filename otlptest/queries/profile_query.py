"""Queries of profiles."""

from collections.abc import Callable
from typing import ClassVar, Self, Unpack

from otlptest.model import Profile
from otlptest.queries.criteria.criteria import ProfileCriteria, Vocabulary
from otlptest.queries.criteria.vocabularies import PROFILES
from otlptest.queries.query import Query
from otlptest.queries.sources import Kind


class ProfileQuery(Query[Profile]):
    """A question about profiles: `otlp.profiles`."""

    __slots__ = ()

    kind: ClassVar[Kind] = "profiles"
    vocabulary: ClassVar[Vocabulary] = PROFILES

    def where(
        self, *tests: Callable[[Profile], object], **criteria: Unpack[ProfileCriteria]
    ) -> Self:
        """Narrow the query to profiles that meet all criteria and tests as well.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)

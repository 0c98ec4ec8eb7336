"""One look at a source: the fetched items, the matches, and the position."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from otlptest.errors import TruncatedResultError, UsageError
from otlptest.queries.criteria.conditions import Condition
from otlptest.queries.messages.wording import show
from otlptest.queries.sources import Batch, Kind, Source
from otlptest.timing import Deadline

T = TypeVar("T")


def checked_count(count: int, *, least: int) -> int:
    """Return `count` itself, if it is a whole number of at least `least`.

    Raises:
        UsageError: It is something else.
    """
    given: object = count
    if isinstance(given, int) and not isinstance(given, bool) and given >= least:
        return given
    raise UsageError(f"count must be a whole number, {least} or more, and is {show(given)}")


class ItemFilter(Generic[T]):
    """Keeps the fed items that meet all conditions, in order of arrival."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._matches: list[T] = []

    def feed(self, items: Iterable[Any]) -> None:
        """Look at more items, each fetched once."""
        self._matches += [item for item in items if self.passes(item)]

    def passes(self, item: Any) -> bool:  # noqa: ANN401 -- any kind of item
        """Return whether an item meets all conditions."""
        return all(condition.matches(item) for condition in self._conditions)

    def matches(self) -> Sequence[T]:
        """Return the items that met all conditions so far."""
        return self._matches

    def group(self, items: Sequence[Any]) -> Sequence[T]:
        """Return the candidates: the fetched items, or groups of them."""
        return items


class GroupingSieve(ItemFilter[T]):
    """A filter of groups of fetched items: traces of spans, metrics of points.

    It keeps all fed items, since later ones may belong to the same group.

    Args:
        conditions: The conditions of a group.
        group: Makes all groups of the fetched items.
    """

    def __init__(
        self,
        conditions: Sequence[Condition],
        group: Callable[[Sequence[Any]], Sequence[T]],
    ) -> None:
        super().__init__(conditions)
        self._group = group
        self._fed: list[Any] = []
        self._is_stale = False

    def group(self, items: Sequence[Any]) -> Sequence[T]:
        """See `ItemFilter.group`."""
        return self._group(items)

    def feed(self, items: Iterable[Any]) -> None:
        """See `ItemFilter.feed`."""
        before = len(self._fed)
        self._fed += items
        self._is_stale = self._is_stale or len(self._fed) > before

    def matches(self) -> Sequence[T]:
        """See `ItemFilter.matches`."""
        if self._is_stale:  # a new list each time: its identity shows whether it changed
            self._matches = [item for item in self.group(self._fed) if self.passes(item)]
            self._is_stale = False
        return self._matches


class QueryRun(Generic[T]):
    """Looks at a source, once or repeatedly.

    Attributes:
        token: The source's position after the seen items.
    """

    def __init__(
        self, source: Source, kind: Kind, pushed_down: Mapping[str, object], sieve: ItemFilter[T]
    ) -> None:
        self._source = source
        self._kind = kind
        self._pushed_down = pushed_down
        self._sieve = sieve
        self._is_complete = True
        self.token = -1

    def fetch_all(self, deadline: Deadline) -> None:
        """Look at everything in the source."""
        self._take(None, deadline)

    def fetch_new(self, deadline: Deadline) -> None:
        """Look at everything new since the last look."""
        self._take(self.token, deadline)

    def _take(self, since: int | None, deadline: Deadline) -> None:
        batch = self._source.fetch(
            self._kind, pushed_down=self._pushed_down, since=since, deadline=deadline
        )
        self._check_answerable(batch)
        self._sieve.feed(batch.items)
        self._is_complete = self._is_complete and batch.is_complete
        self.token = batch.token

    def _check_answerable(self, batch: Batch) -> None:
        lost = sorted(batch.lossy_fields & self._pushed_down.keys())
        if lost:
            raise UsageError(
                f"{self._source.name} does not keep what the criterion {lost[0]!r} asks for",
                "leave it out, or ask the source that received the telemetry first",
            )

    def matches(self) -> Sequence[T]:
        """Return the seen items that meet all conditions."""
        return self._sieve.matches()

    def check_complete(self, question: str) -> None:
        """Refuse to answer from a partial result.

        Raises:
            TruncatedResultError: The source returned only a part of its items.
        """
        if not self._is_complete:
            raise TruncatedResultError(self._source.name, question)

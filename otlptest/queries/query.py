"""Questions about received telemetry: immutable, lazy, chainable.

A *query* is a source with *conditions*; an *ending* (`all`, `wait_for_one`, ...) fetches. `where`
narrows it into a new query. A plain look (`all`, `count`) reports the present, which proves
nothing about items still on their way: `wait_for_…` waits for presence, `expect_…` judges absence
and takes evidence (`otlptest.queries.evidence.judging`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar

from otlptest.errors import ExpectationError, UsageError
from otlptest.queries.criteria.conditions import Condition
from otlptest.queries.criteria.criteria import Vocabulary, compiled
from otlptest.queries.evidence import verdicts
from otlptest.queries.evidence.judging import After, checked_evidence
from otlptest.queries.messages import miscounts, nearest_miss
from otlptest.queries.query_run import ItemFilter, QueryRun, checked_count
from otlptest.queries.sources import Kind, Recalling, Source
from otlptest.timing import Deadline

T = TypeVar("T")
Test = Callable[[T], object]

_LOOK_S = 30.0  # patience of a look that does not wait, for sources on a network


class Query(Generic[T]):
    """A question about items of one kind; made by a view, never directly by a test.

    Thread-safe: it has no mutable state. Two endings of one query may give different
    answers, as more arrives.

    Args:
        source: The source of the items.
        conditions: The conditions that an item must meet, all of them.
    """

    __slots__ = ("_conditions", "_source")

    kind: ClassVar[Kind]
    vocabulary: ClassVar[Vocabulary]

    def __init__(self, source: Source, conditions: tuple[Condition, ...] = ()) -> None:
        self._source = source
        self._conditions = conditions

    # Hooks of typed queries.

    def _sieve(self) -> ItemFilter[T]:
        """Return the filter of fetched items; queries that group items replace it."""
        return ItemFilter(self._conditions)

    def _pushed_down(self) -> Mapping[str, object]:
        """Return criteria that hold for each fetched item of a match; the source may use them."""
        pushed: dict[str, object] = {}
        for condition in self._conditions:
            if condition.criterion != "test":
                pushed.setdefault(condition.criterion, condition.wanted)
        return pushed

    # Narrowing. Each typed query has a `where` with its criteria spelled out.

    def _narrowed(
        self, tests: Sequence[Callable[[Any], object]], criteria: Mapping[str, object]
    ) -> Self:
        """Return this query with more conditions.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        if not tests and not criteria:
            return self
        added = compiled(self.vocabulary, tests, criteria)
        return type(self)(self._source, self._conditions + added)

    # Looks at the present.

    def all(self, *tests: Test[T], **criteria: Any) -> tuple[T, ...]:  # noqa: ANN401 -- checked at run time
        """Return all current matches, oldest arrival first. Does not wait.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        return tuple(self._narrowed(tests, criteria)._look().matches())  # noqa: SLF001 -- own class

    def first(self, *tests: Test[T], **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """Return the match that arrived first. Does not wait.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
            ExpectationError: Nothing matches; the finding shows the nearest misses.
        """
        __tracebackhide__ = True
        query = self._narrowed(tests, criteria)
        look = query._look()  # noqa: SLF001 -- own class
        if not look.matches():
            query._missed(look, 1)  # noqa: SLF001 -- own class
        return look.matches()[0]

    def one(self, *tests: Test[T], **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """Return the only match. Does not wait.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
            TruncatedResultError: The source returned only a part.
            ExpectationError: Nothing matches, or more than one does.
        """
        __tracebackhide__ = True
        query = self._narrowed(tests, criteria)
        look = query._look()  # noqa: SLF001 -- own class
        if not look.matches():
            query._missed(look, 1)  # noqa: SLF001 -- own class
        return query._only(look)  # noqa: SLF001 -- own class

    def count(self, *tests: Test[T], **criteria: Any) -> int:  # noqa: ANN401 -- as above
        """Return the current number of matches. Does not wait.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
            TruncatedResultError: The source returned only a part.
        """
        __tracebackhide__ = True
        query = self._narrowed(tests, criteria)
        total = query._total()  # noqa: SLF001 -- own class
        if total is not None:
            return total
        look = query._look()  # noqa: SLF001 -- own class
        look.check_complete(f"how many {self.vocabulary.nouns} there are")
        return len(look.matches())

    def __iter__(self) -> Iterator[T]:
        """Iterate over the current matches."""
        return iter(self._look().matches())

    def __bool__(self) -> NoReturn:
        """Refuse truth tests: a single look is not a verdict.

        Raises:
            UsageError: Always.
        """
        __tracebackhide__ = True
        raise UsageError(
            f"a query of {self.vocabulary.nouns} has no truth value: looking once proves nothing",
            "wait for it with wait_for_first(…), or judge its absence with expect_none(after=…)",
        )

    # Waiting for presence.

    def wait_for_one(self, *tests: Test[T], timeout_s: float = 5.0, **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """Return the only match, as soon as there is one.

        Blocks the calling thread, at most `timeout_s` seconds. A view judges again at the end of
        the test: a second match that began before this returned and arrived later is the finding
        `late_second_match`.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
            TruncatedResultError: The source returned only a part.
            ExpectationError: None arrived in time, or more than one.
        """
        __tracebackhide__ = True
        query = self._narrowed(tests, criteria)
        item = query._only(query._waited(1, timeout_s))  # noqa: SLF001 -- own class
        verdicts.remember_only(query, query._source)  # noqa: SLF001 -- own class
        return item

    def wait_for_first(self, *tests: Test[T], timeout_s: float = 5.0, **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """Return the match that arrived first, as soon as there is one.

        Blocks the calling thread, at most `timeout_s` seconds.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
            ExpectationError: None arrived in time.
        """
        __tracebackhide__ = True
        return self._narrowed(tests, criteria)._waited(1, timeout_s).matches()[0]  # noqa: SLF001 -- own class

    def wait_for(
        self,
        count: int,
        *tests: Test[T],
        timeout_s: float = 5.0,
        **criteria: Any,  # noqa: ANN401 -- as above
    ) -> tuple[T, ...]:
        """Return all matches, as soon as there are at least `count`.

        Blocks the calling thread, at most `timeout_s` seconds.

        Raises:
            UsageError: `count` is below 1, or a criterion is invalid.
            ExpectationError: Fewer arrived in time.
        """
        __tracebackhide__ = True
        enough = checked_count(count, least=1)
        return tuple(self._narrowed(tests, criteria)._waited(enough, timeout_s).matches())  # noqa: SLF001 -- own class

    # Verdicts on absence.

    def expect_none(self, *tests: Test[T], after: After | None = None, **criteria: Any) -> None:  # noqa: ANN401 -- as above
        """Check that nothing matches. Does not wait: the evidence has.

        Args:
            *tests: As for `where`.
            after: Evidence, one or several pieces; nothing is proven without it.
            **criteria: As for `where`.

        Raises:
            UsageError: There is no evidence, or a criterion is invalid.
            TruncatedResultError: The source returned only a part.
            ExpectationError: Something matches, or its absence is not proven.
        """
        __tracebackhide__ = True
        self._narrowed(tests, criteria)._judged(None, after)  # noqa: SLF001 -- own class

    def expect_count(
        self,
        count: int,
        *tests: Test[T],
        after: After | None = None,
        **criteria: Any,  # noqa: ANN401 -- as above
    ) -> tuple[T, ...]:
        """Check that exactly `count` match, and return them. Does not wait: the evidence has.

        Args:
            count: The expected number, 0 or more.
            *tests: As for `where`.
            after: Evidence, one or several pieces; nothing is proven without it.
            **criteria: As for `where`.

        Raises:
            UsageError: There is no evidence, or a criterion is invalid.
            TruncatedResultError: The source returned only a part.
            ExpectationError: There are fewer or more, or it is not proven.
        """
        __tracebackhide__ = True
        expected = checked_count(count, least=0)
        return tuple(self._narrowed(tests, criteria)._judged(expected, after))  # noqa: SLF001 -- own class

    # Implementation.

    def _look(self) -> QueryRun[T]:
        """Return the current matches."""
        look = QueryRun(self._source, self.kind, self._pushed_down(), self._sieve())
        look.fetch_all(Deadline(_LOOK_S, self._source.clock))
        return look

    def _total(self) -> int | None:
        """Return how many items of any kind there are, if the source knows without decoding."""
        source = self._source
        if (
            self._conditions
            or not isinstance(source, Recalling)
            or type(self._sieve()) is not ItemFilter
        ):
            return None
        return source.newest(self.kind, 0).total

    def _waited(self, enough: int, timeout_s: float) -> QueryRun[T]:
        """Return the first look with `enough` matches.

        Raises:
            ExpectationError: There were fewer at the deadline.
        """
        __tracebackhide__ = True
        deadline = Deadline(timeout_s, self._source.clock)
        look = self._look()
        while len(look.matches()) < enough:
            if not self._source.wait_for_change(look.token, deadline):
                return self._last_look(enough, deadline)
            look.fetch_new(deadline)
        return look

    def _last_look(
        self, enough: int, deadline: Deadline, *, is_awaited: bool = False
    ) -> QueryRun[T]:
        """Look at everything once more after the deadline.

        Raises:
            ExpectationError: There are still fewer than `enough`.
        """
        __tracebackhide__ = True
        look = self._look()
        if len(look.matches()) < enough:
            self._missed(look, enough, deadline, is_awaited=is_awaited)
        return look

    def _only(self, look: QueryRun[T]) -> T:
        __tracebackhide__ = True
        look.check_complete(f"that there is only one {self.vocabulary.noun}")
        if len(look.matches()) > 1:
            raise ExpectationError([miscounts.too_many(self, look.matches())])
        return look.matches()[0]

    def _missed(
        self,
        look: QueryRun[T],
        enough: int,
        deadline: Deadline | None = None,
        *,
        is_awaited: bool = False,
    ) -> NoReturn:
        __tracebackhide__ = True
        raise ExpectationError(
            [nearest_miss.missing(self, look, enough, deadline, is_awaited=is_awaited)]
        )

    def _judged(self, expected: int | None, after: After | None) -> Sequence[T]:
        """Return the matches if there are exactly `expected` (None: none), proven by evidence."""
        __tracebackhide__ = True
        return verdicts.judged(self, self._look(), expected, checked_evidence(after))

    # The interface for messages and the rest of this package.

    @property
    def source(self) -> Source:
        """Return the source of the items."""
        return self._source

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of an item."""
        return self._conditions

    def grouped(self, items: Sequence[Any]) -> Sequence[T]:
        """Return all possible matches in the fetched `items`, matching or not."""
        return self._sieve().group(items)

    def __repr__(self) -> str:
        return f"<query of {self.vocabulary.nouns}: {nearest_miss.description(self)}>"

"""The same queries with endings to `await`: `await otlp.aio.spans.wait_for_one(...)`.

A wait occupies no thread where the source can notify (the fake collector can) and is given up at
once when its task is cancelled. Works on any asyncio event loop, so under pytest-asyncio and anyio.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, NoReturn, ParamSpec, Self, TypeVar, cast

from otlptest.errors import UsageError
from otlptest.queries.evidence import verdicts
from otlptest.queries.evidence.judging import After
from otlptest.queries.log_query import LogQuery
from otlptest.queries.metrics.metric import Metric
from otlptest.queries.metrics.metric_query import MetricQuery
from otlptest.queries.profile_query import ProfileQuery
from otlptest.queries.query import Query
from otlptest.queries.query_run import QueryRun, checked_count
from otlptest.queries.request_query import RequestQuery
from otlptest.queries.sources import Notifying, Source
from otlptest.queries.span_query import SpanQuery
from otlptest.queries.traces.trace_query import TraceQuery
from otlptest.queries.traces.traces import Trace
from otlptest.timing import Deadline

T = TypeVar("T")
P = ParamSpec("P")
Q = TypeVar("Q", bound=Query[Any])
Test = Callable[[T], object]

_SLICE_S = 0.1  # how long a cancelled wait may still hold its thread, where one is needed


class AsyncQuery(Generic[P, T]):
    """A query whose endings are awaited; immutable, like the query it stands for.

    Args:
        query: The query.
        where: Its own `where`, which defines the criteria.
    """

    __slots__ = ("_query", "_where")

    def __init__(self, query: Query[T], where: Callable[P, Query[T]]) -> None:
        self._query = query
        self._where = where

    def where(self, *tests: P.args, **criteria: P.kwargs) -> Self:
        """See the `where` of the query.

        Raises:
            UsageError: A criterion does not exist, or its value is invalid.
        """
        __tracebackhide__ = True
        narrowed: Any = self._where(*tests, **criteria)
        return type(self)(narrowed, narrowed.where)

    async def all(self, *tests: Test[T], **criteria: Any) -> tuple[T, ...]:  # noqa: ANN401 -- checked at run time
        """See `Query.all`."""
        return self._query.all(*tests, **criteria)

    async def first(self, *tests: Test[T], **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """See `Query.first`."""
        __tracebackhide__ = True
        return self._query.first(*tests, **criteria)

    async def one(self, *tests: Test[T], **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """See `Query.one`."""
        __tracebackhide__ = True
        return self._query.one(*tests, **criteria)

    async def count(self, *tests: Test[T], **criteria: Any) -> int:  # noqa: ANN401 -- as above
        """See `Query.count`."""
        return self._query.count(*tests, **criteria)

    async def wait_for_one(self, *tests: Test[T], timeout_s: float = 5.0, **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """See `Query.wait_for_one`; blocks the task only."""
        __tracebackhide__ = True
        query = self._query._narrowed(tests, criteria)  # noqa: SLF001 -- the other face of one class
        item = query._only(await _waited(query, 1, timeout_s))  # noqa: SLF001 -- the other face of one class
        verdicts.remember_only(query, query.source)
        return item

    async def wait_for_first(self, *tests: Test[T], timeout_s: float = 5.0, **criteria: Any) -> T:  # noqa: ANN401 -- as above
        """See `Query.wait_for_first`; blocks the task only."""
        __tracebackhide__ = True
        look = await _waited(self._query._narrowed(tests, criteria), 1, timeout_s)  # noqa: SLF001 -- the other face of one class
        return look.matches()[0]

    async def wait_for(
        self,
        count: int,
        *tests: Test[T],
        timeout_s: float = 5.0,
        **criteria: Any,  # noqa: ANN401 -- as above
    ) -> tuple[T, ...]:
        """See `Query.wait_for`; blocks the task only."""
        __tracebackhide__ = True
        enough = checked_count(count, least=1)
        look = await _waited(self._query._narrowed(tests, criteria), enough, timeout_s)  # noqa: SLF001 -- the other face of one class
        return tuple(look.matches())

    async def expect_none(
        self,
        *tests: Test[T],
        after: After | None = None,
        **criteria: Any,  # noqa: ANN401 -- as above
    ) -> None:
        """See `Query.expect_none`."""
        __tracebackhide__ = True
        self._query.expect_none(*tests, after=after, **criteria)

    async def expect_count(
        self,
        count: int,
        *tests: Test[T],
        after: After | None = None,
        **criteria: Any,  # noqa: ANN401 -- as above
    ) -> tuple[T, ...]:
        """See `Query.expect_count`."""
        __tracebackhide__ = True
        return self._query.expect_count(count, *tests, after=after, **criteria)

    def __bool__(self) -> NoReturn:
        """Refuse truth tests, as `Query` does.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"a query of {self._query.vocabulary.nouns} has no truth value: looking once proves"
            " nothing",
            "await wait_for_first(…), or judge its absence with expect_none(after=…)",
        )

    def __repr__(self) -> str:
        return f"<awaitable {str(self._query)[1:]}"


async def _waited(query: Query[T], enough: int, timeout_s: float) -> QueryRun[T]:
    __tracebackhide__ = True
    deadline = Deadline(timeout_s, query.source.clock)
    look = query._look()  # noqa: SLF001 -- the other face of one class
    while len(look.matches()) < enough:
        if not await _change(query.source, look.token, deadline):
            return query._last_look(enough, deadline, is_awaited=True)  # noqa: SLF001 -- the other face of one class
        look.fetch_new(deadline)
    return look


async def _change(source: Source, token: int, deadline: Deadline) -> bool:
    """Wait as `Source.wait_for_change` does, without blocking the event loop."""
    if isinstance(source, Notifying):
        return await _notified_change(source, source, token, deadline)
    cancellable = _Cancellable(source)
    try:
        return await asyncio.to_thread(cancellable.wait_for_change, token, deadline)
    finally:
        cancellable.cancel()


async def _notified_change(
    source: Source, notifying: Notifying, token: int, deadline: Deadline
) -> bool:
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()

    def notify() -> None:
        try:
            loop.call_soon_threadsafe(changed.set)
        except RuntimeError:  # the loop was closed while this was on its way
            return

    unsubscribe = notifying.subscribe(notify)
    try:
        while not source.wait_for_change(token, Deadline(0.0, source.clock)):
            try:
                async with asyncio.timeout(deadline.remaining_s()):
                    await changed.wait()
            except TimeoutError:
                return source.wait_for_change(token, Deadline(0.0, source.clock))
            changed.clear()
        return True
    finally:
        unsubscribe()


class _Cancellable:
    """A source whose waits end soon after their task is cancelled.

    Delegates everything else, so it has all attributes of its source.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._is_cancelled = threading.Event()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- what the source has
        return getattr(self._source, name)

    def cancel(self) -> None:
        self._is_cancelled.set()

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:
        while not self._is_cancelled.is_set() and not deadline.has_passed():
            one = Deadline(min(_SLICE_S, deadline.remaining_s()), self._source.clock)
            if self._source.wait_for_change(token, one):
                return True
            if not one.has_passed():  # it gave up early: nothing will change
                return False
        return False


def _awaitable(
    query: Q, ending: Callable[Concatenate[Q, P], T]
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return an ending that waits for several items together, run in a thread of its own."""

    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True
        source = _Cancellable(query.source)
        same = type(query)(cast("Source", source), query.conditions)
        try:
            return await asyncio.to_thread(ending, same, *args, **kwargs)
        finally:
            source.cancel()

    return run


class AsyncTraceQuery(AsyncQuery[P, Trace]):
    """`TraceQuery`, with endings to await."""

    __slots__ = ("edges", "wait_for_edges", "wait_for_tree")

    def __init__(self, query: TraceQuery, where: Callable[P, Query[Trace]]) -> None:
        super().__init__(query, where)
        self.edges = _awaitable(query, TraceQuery.edges)
        self.wait_for_edges = _awaitable(query, TraceQuery.wait_for_edges)
        self.wait_for_tree = _awaitable(query, TraceQuery.wait_for_tree)


class AsyncMetricQuery(AsyncQuery[P, Metric]):
    """`MetricQuery`, with endings to await."""

    __slots__ = ("expect_total", "wait_for_total")

    def __init__(self, query: MetricQuery, where: Callable[P, Query[Metric]]) -> None:
        super().__init__(query, where)
        self.expect_total = _awaitable(query, MetricQuery.expect_total)
        self.wait_for_total = _awaitable(query, MetricQuery.wait_for_total)


class AsyncQueries:
    """The queries of a view, to be awaited: `otlp.aio`.

    Attributes:
        spans: The spans received.
        metrics: The metrics received.
        logs: The log records and events received.
        profiles: The profiles received.
        traces: The spans received, by trace.
        requests: The requests received, refused ones too.
    """

    def __init__(self, source: Source) -> None:
        spans, metrics, logs = SpanQuery(source), MetricQuery(source), LogQuery(source)
        profiles, traces = ProfileQuery(source), TraceQuery(source)
        requests = RequestQuery(source)
        self.spans = AsyncQuery(spans, spans.where)
        self.metrics = AsyncMetricQuery(metrics, metrics.where)
        self.logs = AsyncQuery(logs, logs.where)
        self.profiles = AsyncQuery(profiles, profiles.where)
        self.traces = AsyncTraceQuery(traces, traces.where)
        self.requests = AsyncQuery(requests, requests.where)

import asyncio
import threading
from collections.abc import Callable

import pytest

from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.errors import ExpectationError, UsageError
from otlptest.model import Span
from otlptest.queries.asynchronous import AsyncQueries, AsyncQuery
from otlptest.queries.evidence.judging import Evidence
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.messages.hints import with_loop_hint
from otlptest.queries.span_query import SpanQuery
from otlptest.queries.traces.trees import tree
from otlptest.timing import Deadline
from tests.support.metric_points import number
from tests.support.received import a_log, a_request, a_span, a_store

QUIET = Evidence(kind="quiet", what="nothing arrived for 1 s", token=99, covers_all=True)
A, B = a_span("a"), a_span("b")


def later(store: Store, *spans: Span) -> threading.Timer:
    timer = threading.Timer(0.03, store.request_received, [a_request(spans)])
    timer.start()
    return timer


def test_endings_give_what_the_blocking_ones_give() -> None:
    store = a_store(a_request([A, B]), a_request([a_log("x")], signal="logs"))
    aio = AsyncQueries(StoreSource(store))

    async def ask() -> None:
        assert await aio.spans.all() == (A, B)
        assert await aio.spans.first() == A
        assert await aio.spans.where(name="b").one() == B
        assert await aio.spans.count(name="a") == 1
        assert await aio.spans.wait_for_one(name="a") == A
        assert await aio.spans.wait_for_first() == A
        assert await aio.spans.wait_for(2) == (A, B)
        assert await aio.spans.expect_count(1, name="a", after=QUIET) == (A,)
        await aio.spans.expect_none(name="c", after=QUIET)
        assert (await aio.logs.where(body="x").one()).body == "x"
        assert await aio.requests.count(signal="logs") == 1
        assert await aio.profiles.all() == ()
        assert (await aio.traces.one()).spans == (A, B)
        assert await aio.metrics.count() == 0

    asyncio.run(ask())


def test_wait_is_woken_by_what_arrives() -> None:
    store = Store()

    async def ask() -> tuple[Span, ...]:
        timer = later(store, A, B)
        found = await AsyncQueries(StoreSource(store)).spans.wait_for(2, timeout_s=10)
        timer.join()
        return found

    assert asyncio.run(ask()) == (A, B)


def test_many_waits_share_one_loop() -> None:
    store = Store()
    aio = AsyncQueries(StoreSource(store))

    async def ask() -> list[Span]:
        waits = [aio.spans.wait_for_one(name=f"s{n}", timeout_s=10) for n in range(50)]
        gathered = asyncio.gather(*waits)
        await asyncio.sleep(0)
        for n in range(50):
            store.request_received(a_request([a_span(f"s{n}")]))
        return await gathered

    assert [span.name for span in asyncio.run(ask())] == [f"s{n}" for n in range(50)]


def test_wait_that_times_out_raises_the_nearest_miss() -> None:
    aio = AsyncQueries(StoreSource(a_store(a_request([A]))))
    with pytest.raises(ExpectationError) as caught:
        asyncio.run(aio.spans.wait_for_one(name="aa", timeout_s=0.02))
    assert caught.value.findings[0].rule == "no_matching_span"


def test_second_match_is_remembered_and_refused() -> None:
    source = StoreSource(a_store(a_request([A])))
    asyncio.run(AsyncQueries(source).spans.wait_for_one(name="a"))
    source_two = StoreSource(a_store(a_request([A]), a_request([A])))
    with pytest.raises(ExpectationError) as caught:
        asyncio.run(AsyncQueries(source_two).spans.wait_for_one(name="a"))
    assert caught.value.findings[0].rule == "too_many_matches"


def test_cancelled_wait_ends_at_once_and_leaves_nothing_behind() -> None:
    store = Store()
    aio = AsyncQueries(StoreSource(store))

    async def ask() -> None:
        waiting = asyncio.create_task(aio.spans.wait_for_one(timeout_s=60))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(ask())
    assert store._listeners == ()


class Eavesdropping(StoreSource):
    """Keeps what it was asked to call."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.callbacks: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return super().subscribe(callback)


def test_notice_to_a_closed_loop_is_dropped() -> None:
    store = Store()
    source = Eavesdropping(store)
    timer = later(store, A)
    asyncio.run(AsyncQueries(source).spans.wait_for_first(timeout_s=10))
    timer.join()
    (callback,) = source.callbacks
    callback()


def test_query_to_await_has_no_truth_value() -> None:
    aio = AsyncQueries(MemorySource([]))
    with pytest.raises(UsageError) as caught:
        bool(aio.spans)
    assert str(caught.value) == (
        "a query of spans has no truth value: looking once proves nothing\n"
        "  hint: await wait_for_first(…), or judge its absence with expect_none(after=…)"
    )
    assert repr(aio.spans.where(name="a")) == "<awaitable query of spans: named 'a'>"


class Polled(MemorySource):
    """A source that cannot notify: it blocks whoever waits, and gains a span after two waits."""

    def __init__(self) -> None:
        super().__init__([A])
        self.waits = 0

    def wait_for_change(self, token: int, deadline: Deadline) -> bool:  # noqa: ARG002 -- it only counts
        self.waits += 1
        if self.waits < 3:
            deadline.pause(0.2)
            return False
        return True


def test_source_that_cannot_notify_is_waited_for_in_a_thread() -> None:
    source = Polled()

    async def ask() -> None:
        with pytest.raises(ExpectationError):
            await AsyncQueries(MemorySource([A])).spans.wait_for(2, timeout_s=60)
        waiting = AsyncQueries(source).spans.wait_for(2, timeout_s=0.2)
        with pytest.raises(ExpectationError):
            await waiting

    asyncio.run(ask())
    assert source.waits >= 2


def test_wait_in_a_thread_ends_soon_after_it_was_cancelled() -> None:
    aio = AsyncQueries(StoreSource(Store()))

    async def ask() -> None:
        waiting = asyncio.create_task(aio.traces.wait_for_tree(tree("a"), timeout_s=60))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(ask())  # joins the thread


def test_trees_edges_and_totals_are_awaited_too() -> None:
    root = a_span("root", span_id="00000000000000a1", start_time_unix_nano=1)
    child = a_span(
        "child", service="payments", parent_span_id="00000000000000a1", start_time_unix_nano=2
    )
    store = a_store(
        a_request([number(3)], signal="metrics"),
    )
    aio = AsyncQueries(StoreSource(store))

    async def ask() -> None:
        timer = later(store, root, child)
        trace = await aio.traces.wait_for_tree(tree("root", children=[tree("child")]))
        timer.join()
        assert trace.spans == (root, child)
        edges = frozenset({("shop", "payments")})
        assert await aio.traces.wait_for_edges(edges) == edges
        assert await aio.traces.where(service="shop").edges() == edges
        assert await aio.metrics.wait_for_total("orders", 3) == 3
        await aio.metrics.expect_total("orders", 3, after=QUIET)

    asyncio.run(ask())


async def wait_for_a() -> Span:
    store = Store()
    timer = later(store, A)
    found = await AsyncQueries(StoreSource(store)).spans.wait_for_one(name="a", timeout_s=10)
    timer.join()
    return found


@pytest.mark.asyncio
async def test_it_works_under_pytest_asyncio() -> None:
    assert await wait_for_a() == A


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_works_under_anyio() -> None:
    assert await wait_for_a() == A


def test_it_works_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(wait_for_a()) == A


def test_where_keeps_the_awaited_kind() -> None:
    query = SpanQuery(MemorySource([A]))
    wrapped = AsyncQuery(query, query.where)
    assert type(wrapped.where(name="a")) is AsyncQuery
    assert asyncio.run(wrapped.where(name="a").one()) == A


@pytest.mark.parametrize(
    ("nouns", "query"), [("spans", "spans"), ("log records", "logs"), ("traces", "traces")]
)
def test_blocked_event_loop_is_named_where_one_runs(nouns: str, query: str) -> None:
    async def hint() -> str:
        return with_loop_hint("flush it", nouns)

    assert with_loop_hint("flush it", nouns) == "flush it"
    assert asyncio.run(hint()) == (
        "this wait blocked the event loop of its thread, and what runs there:"
        f" await otlp.aio.{query}.wait_for_…(…)\nflush it"
    )

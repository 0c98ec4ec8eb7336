"""What is done with a trace grows with its spans, not with their square."""

from collections.abc import Callable, Sequence

import pytest

from otlptest.model import LogRecord, Span
from otlptest.queries.memory_source import MemorySource
from otlptest.queries.traces.forest import forest_of
from otlptest.queries.traces.trace_query import TraceQuery
from otlptest.queries.traces.traces import Trace
from tests.support.effort import lines_executed
from tests.support.received import a_log
from tests.support.shapes import placed

SMALL, LARGE = 200, 800
MOST_GROWTH = 6.0  # fourfold input: 4 is linear, 16 quadratic; sorting lies between


def wide(count: int) -> tuple[Span, ...]:
    return tuple(
        placed(f"{i:04}", "0000" if i else None, (i, 9_999 - i), name=f"n{i % 2}")
        for i in range(count)
    )


def deep(count: int) -> tuple[Span, ...]:
    return tuple(
        placed(f"{i:04}", f"{i - 1:04}" if i else None, (i, 9_999 - i), name=f"n{i % 2}")
        for i in range(count)
    )


def comb(count: int) -> tuple[Span, ...]:
    """A chain of framework spans, each with a span of the program below it."""
    spine = [placed(f"{i:04}", f"{i - 1:04}" if i else None, name="n0") for i in range(count // 2)]
    return (*spine, *(placed(f"x{i:03}", f"{i:04}", name="n1") for i in range(count // 2)))


SHAPES = {"wide": wide, "deep": deep, "comb": comb}


def trace_of(spans: Sequence[Span]) -> Trace:
    return Trace(trace_id=spans[0].trace_id, spans=tuple(spans))


def waterfall(spans: Sequence[Span]) -> Callable[[], object]:
    return trace_of(spans).waterfall


def grouping(spans: Sequence[Span]) -> Callable[[], object]:
    return lambda: trace_of(spans)


def path(spans: Sequence[Span]) -> Callable[[], object]:
    trace = trace_of(spans)
    return lambda: trace.critical_path


def edges(spans: Sequence[Span]) -> Callable[[], object]:
    return trace_of(spans).edges


def children(spans: Sequence[Span]) -> Callable[[], object]:
    trace = trace_of(spans)
    return lambda: sum(len(trace.children_of(span)) for span in spans)


def pruning(spans: Sequence[Span]) -> Callable[[], object]:
    forest = forest_of(spans)
    return lambda: forest.without(lambda span: span.name == "n0")


WORK = {
    "waterfall": waterfall,
    "grouping": grouping,
    "critical path": path,
    "edges": edges,
    "children": children,
    "pruning": pruning,
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
def test_effort_grows_with_the_spans(
    work: Callable[[Sequence[Span]], Callable[[], object]],
    shape: Callable[[int], tuple[Span, ...]],
) -> None:
    small, large = (lines_executed(work(shape(count))) for count in (SMALL, LARGE))
    assert large < small * MOST_GROWTH


def test_many_traces_find_their_logs_without_looking_at_all_of_them() -> None:
    def drawn(count: int) -> Callable[[], object]:
        ids = [f"{i + 1:032x}" for i in range(count)]
        spans = [placed("r", trace_id=trace_id) for trace_id in ids]
        logs: list[LogRecord] = [a_log(trace_id=trace_id) for trace_id in ids]
        traces = TraceQuery(MemorySource([*spans, *logs])).all()
        assert [len(trace.logs) for trace in traces] == [1] * count
        return lambda: [trace.waterfall() for trace in traces]

    assert lines_executed(drawn(LARGE)) < lines_executed(drawn(SMALL)) * MOST_GROWTH

import pytest

from otlptest.model import Span
from otlptest.queries.traces.critical_path import critical_path
from otlptest.queries.traces.forest import forest_of
from tests.support.shapes import placed

CASES: dict[str, tuple[list[Span], str]] = {
    "nothing": ([], ""),
    "one after the other": (
        [placed("r", None, (0, 10)), placed("a", "r", (0, 4)), placed("b", "r", (5, 9))],
        "rab",
    ),
    "in parallel: the longest": (
        [placed("r", None, (0, 10)), placed("a", "r", (1, 9)), placed("b", "r", (2, 8))],
        "ra",
    ),
    "one that still ran when the next began held nothing up": (
        [placed("r", None, (0, 10)), placed("a", "r", (0, 6)), placed("b", "r", (4, 10))],
        "rb",
    ),
    "below the one that counts": (
        [
            placed("r", None, (0, 10)),
            placed("a", "r", (1, 9)),
            placed("b", "a", (2, 9)),
            placed("c", "r", (1, 5)),
            placed("d", "c", (1, 5)),
        ],
        "rab",
    ),
    "work that outlives its parent": (
        [placed("r", None, (0, 3)), placed("a", "r", (1, 2)), placed("b", "a", (2, 20))],
        "rab",
    ),
    "work beside it that goes on longer is not waited for": (
        [
            placed("r", None, (0, 10)),
            placed("a", "r", (0, 3)),
            placed("z", "a", (2, 9)),
            placed("t", "r", (3, 10)),
        ],
        "rat",
    ),
    "a child that ended before its parent began: skewed clocks": (
        [placed("r", None, (5, 10)), placed("a", "r", (0, 4))],
        "r",
    ),
    "a child that began before its parent": (
        [placed("r", None, (5, 10)), placed("a", "r", (0, 9)), placed("b", "r", (1, 2))],
        "ar",
    ),
    "a negative duration": ([placed("r", None, (0, 10)), placed("a", "r", (5, 2))], "ra"),
    "no time at all": ([placed("r", None, (0, 0)), placed("s", "r", (0, 0))], "rs"),
    "the tree that ends last": ([placed("r", None, (0, 9)), placed("o", "x", (1, 10))], "o"),
    "a circle": ([placed("a", "b", (0, 5)), placed("b", "a", (1, 6))], "ab"),
}


@pytest.mark.parametrize(("spans", "expected"), CASES.values(), ids=CASES.keys())
def test_critical_path_holds_what_determines_the_end(spans: list[Span], expected: str) -> None:
    forest = forest_of(spans)
    assert "".join(forest.spans[place].name for place in critical_path(forest)) == expected


def test_ten_thousand_children_take_no_time() -> None:
    children = [placed(f"{i:05}", "r", (i, i + 1)) for i in range(10_000)]
    forest = forest_of([placed("r", None, (0, 10_000)), *children])
    assert len(critical_path(forest)) == 10_001

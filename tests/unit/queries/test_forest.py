import pytest

from otlptest.model import Span
from otlptest.queries.traces.forest import Forest, forest_of
from tests.support.shapes import placed

A, B, C = placed("a"), placed("b", "a", (1, 2)), placed("c", "b", (2, 3))


def names(forest: Forest, places: tuple[int, ...]) -> list[str]:
    return [forest.spans[place].name for place in places]


def shown(forest: Forest) -> list[str]:
    return [
        "-" * depth + forest.spans[place].name
        for top in forest.tops
        for place, depth in forest.walk(top)
    ]


CASES: dict[str, tuple[list[Span], list[str], str, str, str]] = {
    # spans, the walk, names of roots, orphans and tops of circles
    "nothing": ([], [], "", "", ""),
    "a chain in wrong order": ([C, A, B], ["a", "-b", "--c"], "a", "", ""),
    "a span sent twice": ([A, B, A, B], ["a", "-b"], "a", "", ""),
    "two roots": ([A, placed("d", None, (5, 6))], ["a", "d"], "ad", "", ""),
    "a missing parent": ([A, C], ["a", "c"], "a", "c", ""),
    "its own parent": ([A, placed("d", "d")], ["a", "d"], "a", "", "d"),
    "a circle with a tail": (
        [placed("d", "f", (1, 2)), placed("e", "d"), placed("f", "e"), placed("g", "f")],
        ["e", "-f", "--g", "--d"],
        "",
        "",
        "e",
    ),
    "an invented parent": (
        [placed("d", "x", has_outside_parent=True), placed("e", "d")],
        ["d", "-e"],
        "d",
        "",
        "",
    ),
    "one id for two spans": (
        [placed("a"), placed("a", None, (1, 2), name="z"), placed("e", "a")],
        ["a", "-e", "z"],
        "az",
        "",
        "",
    ),
}


@pytest.mark.parametrize(
    ("spans", "walk", "roots", "orphans", "circles"), CASES.values(), ids=CASES.keys()
)
def test_every_span_is_reached_once_from_its_top(
    spans: list[Span], walk: list[str], roots: str, orphans: str, circles: str
) -> None:
    forest = forest_of(spans)
    assert shown(forest) == walk
    assert "".join(names(forest, forest.roots)) == roots
    assert "".join(names(forest, forest.orphans)) == orphans
    assert "".join(names(forest, forest.circles)) == circles


def test_children_of_a_pruned_span_move_up() -> None:
    spans = [A, B, C, placed("d", "a", (0.5, 1)), placed("e", "c", (2, 3))]
    forest = forest_of(spans).without(lambda span: span.name in "bc")
    assert shown(forest) == ["a", "-d", "-e"]
    assert names(forest, forest.roots) == ["a"]


def test_what_was_below_a_pruned_root_or_orphan_takes_its_place() -> None:
    spans = [A, B, placed("y", "x", (3, 4)), placed("z", "y", (4, 5)), placed("k", "k", (6, 7))]
    forest = forest_of(spans).without(lambda span: span.name in "ay")
    assert names(forest, forest.roots) == ["b"]
    assert names(forest, forest.orphans) == ["z"]
    assert names(forest, forest.circles) == ["k"]


def test_pruning_nothing_gives_the_same_forest() -> None:
    forest = forest_of([A, B])
    assert forest.without(lambda _: False) is forest


def test_a_chain_of_ten_thousand_spans_needs_no_recursion() -> None:
    spans = [placed(f"{i:05}", f"{i - 1:05}" if i else None, (i, i)) for i in range(10_000)]
    assert max(forest_of(spans).depths()) == 9_999

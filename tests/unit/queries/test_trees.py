from collections.abc import Sequence
from typing import Any

import pytest

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Span, SpanKind
from otlptest.queries import match
from otlptest.queries.traces.forest import forest_of
from otlptest.queries.traces.tree_matching import has_tree
from otlptest.queries.traces.trees import Tree, TreeRules, checked_top, tree
from tests.support.shapes import placed


def matches(spans: Sequence[Span], pattern: Tree, **rules: Any) -> bool:  # noqa: ANN401 -- passed on
    given = {"order": "any", "extra": "forbid", "pruned": None, **rules}
    made = TreeRules.made(**given)
    return has_tree(forest_of(spans).without(made.prunes), pattern, made)


R, A, B = placed("r", None, (0, 9)), placed("a", "r", (1, 2)), placed("b", "r", (3, 4))

# spans, a pattern, whether it matches with extra="forbid", and with "allow"
CASES: dict[str, tuple[list[Span], Tree, bool, bool]] = {
    "the same": ([R, A, B], tree("r", children=[tree("b"), tree("a")]), True, True),
    "a missing child": ([R, A], tree("r", children=[tree("a"), tree("b")]), False, False),
    "one child more": ([R, A, B], tree("r", children=[tree("a")]), False, True),
    "one level more": ([R, A, placed("c", "a")], tree("r", children=[tree("a")]), False, True),
    "one level less": ([R, A], tree("r", children=[tree("a", children=[tree("c")])]), False, False),
    "another top": ([R, A], tree("a"), False, True),
    "two roots": ([R, placed("q", None)], tree("r"), False, True),
    "a missing parent": ([placed("r", "x")], tree("r"), False, True),
    "an orphan beside it": ([R, placed("o", "x")], tree("r"), False, True),
    "a circle beside it": ([R, placed("o", "o")], tree("r"), False, True),
    "an invented parent": ([placed("r", "x", has_outside_parent=True)], tree("r"), True, True),
    "nothing received": ([], tree("r"), False, False),
    "a matcher for the name": ([R], tree(match.regex("^[a-z]$")), True, True),
    "another kind": ([R], tree("r", kind=SpanKind.SERVER), False, False),
    "exactly twice": (
        [R, A, placed("c", "r", name="a")],
        tree("r", children=[tree("a", times=2)]),
        True,
        True,
    ),
    "once of two": ([R, A], tree("r", children=[tree("a", times=2)]), False, False),
    "three of two": (
        [R, A, placed("c", "r", name="a"), placed("d", "r", name="a")],
        tree("r", children=[tree("a", times=2)]),
        False,
        True,
    ),
    "optional and there": ([R, A], tree("r", children=[tree("a", optional=True)]), True, True),
    "optional and not there": ([R], tree("r", children=[tree("a", optional=True)]), True, True),
    "fewer of an optional": (
        [R, A],
        tree("r", children=[tree("a", optional=True, times=3)]),
        True,
        True,
    ),
    "more of an optional": (
        [R, A, placed("c", "r", name="a")],
        tree("r", children=[tree("a", optional=True)]),
        False,
        True,
    ),
}


M = placed("m", "r", (1, 9), name="middleware")
UNDER_M = placed("a", "m", (2, 3))
X = tree("x")

# the same for descendants
DESCENDANTS: dict[str, tuple[list[Span], Tree, bool, bool]] = {
    "a direct child": ([R, A], tree("r", descendants=[tree("a")]), True, True),
    "a span between": ([R, M, UNDER_M], tree("r", descendants=[tree("a")]), True, True),
    "the same as a child": ([R, M, UNDER_M], tree("r", children=[tree("a")]), False, False),
    "many spans between": (
        [R, M, placed("n", "m"), placed("o", "n"), placed("a", "o")],
        tree("r", descendants=[tree("a")]),
        True,
        True,
    ),
    "not there": ([R, M], tree("r", descendants=[tree("a")]), False, False),
    "optional and not there": ([R], tree("r", descendants=[tree("a", optional=True)]), True, True),
    "a way that leads nowhere": (
        [R, M, UNDER_M, placed("n", "m")],
        tree("r", descendants=[tree("a")]),
        False,
        True,
    ),
    "an unexpected child beside": (
        [R, M, UNDER_M, B],
        tree("r", descendants=[tree("a")]),
        False,
        True,
    ),
    "below the descendant": (
        [R, M, UNDER_M, placed("c", "a")],
        tree("r", descendants=[tree("a")]),
        False,
        True,
    ),
    "twice, at different depths": (
        [R, M, UNDER_M, placed("d", "r", name="a")],
        tree("r", descendants=[tree("a", times=2)]),
        True,
        True,
    ),
    "once of two": ([R, M, UNDER_M], tree("r", descendants=[tree("a", times=2)]), False, False),
    "two of one": (
        [R, M, UNDER_M, placed("d", "r", name="a")],
        tree("r", descendants=[tree("a")]),
        False,
        True,
    ),
    "two of one, below each other": (
        [R, A, placed("d", "a", name="a")],
        tree("r", descendants=[tree("a")]),
        False,
        True,
    ),
    "one that is only too deep for children": (
        [R, M, UNDER_M],
        tree("r", children=[tree("middleware")], descendants=[tree("a")]),
        False,
        True,
    ),
    "children and descendants": (
        [R, B, M, UNDER_M],
        tree("r", children=[tree("b")], descendants=[tree("a")]),
        True,
        True,
    ),
    "a deeper span is no child": (
        [R, M, UNDER_M, placed("b", "m")],
        tree("r", children=[tree("b")], descendants=[tree("a")]),
        False,
        False,
    ),
    "told apart by what is below": (
        [R, A, placed("x", "a"), M, placed("d", "m", name="a")],
        tree("r", children=[tree("a", children=[X])], descendants=[tree("a")]),
        True,
        True,
    ),
    "told apart, both direct": (
        [R, A, placed("d", "r", name="a"), placed("x", "d")],
        tree("r", children=[tree("a")], descendants=[tree("a", children=[X])]),
        True,
        True,
    ),
    "descendants of descendants": (
        [R, M, UNDER_M, placed("n", "a", name="middleware"), placed("x", "n")],
        tree("r", descendants=[tree("a", descendants=[X])]),
        True,
        True,
    ),
    "children of a descendant stay direct": (
        [R, M, UNDER_M, placed("n", "a", name="middleware"), placed("x", "n")],
        tree("r", descendants=[tree("a", children=[X])]),
        False,
        False,
    ),
    "two descendants below each other": (
        [R, M, UNDER_M, placed("x", "a")],
        tree("r", descendants=[tree("a"), X]),
        False,
        True,
    ),
    "two roots": ([R, A, placed("q")], tree("r", descendants=[tree("a")]), False, True),
    "in another tree": (
        [R, placed("q"), placed("a", "q")],
        tree("r", descendants=[tree("a")]),
        False,
        False,
    ),
}
CASES |= {f"descendants: {name}": case for name, case in DESCENDANTS.items()}


@pytest.mark.parametrize(
    ("spans", "pattern", "strictly", "loosely"), CASES.values(), ids=CASES.keys()
)
def test_pattern_is_compared_with_the_whole_trace(
    spans: list[Span], pattern: Tree, *, strictly: bool, loosely: bool
) -> None:
    assert matches(spans, pattern) == strictly
    assert matches(spans, pattern, extra="allow") == loosely


def test_a_span_that_fits_two_patterns_is_given_to_the_one_that_needs_it() -> None:
    any_name = tree(match.regex("."))
    assert matches([R, A, B], tree("r", children=[any_name, tree("a")]))
    assert matches([R, A, B], tree("r", children=[tree("a"), any_name]))
    assert matches([R, A, B], tree("r", children=[tree("b", optional=True), any_name, tree("a")]))
    assert not matches([R, A, B], tree("r", children=[any_name, tree("a"), tree("b")]))


def test_which_child_is_meant_may_be_told_by_its_children_only() -> None:
    spans = [R, placed("1", "r", name="q"), placed("2", "r", name="q"), placed("x", "2")]
    with_child, bare = tree("q", children=[tree("x")]), tree("q", children=[])
    assert matches(spans, tree("r", children=[with_child, bare]))
    assert matches(spans, tree("r", children=[bare, with_child]))
    assert not matches(spans, tree("r", children=[with_child, with_child]))


def test_order_by_start_lets_equal_starts_come_in_any_order() -> None:
    equal = [R, A, placed("b", "r", (1, 2)), placed("c", "r", (5, 6))]
    forwards = tree("r", children=[tree("a"), tree("b"), tree("c")])
    swapped = tree("r", children=[tree("b"), tree("a"), tree("c")])
    wrong = tree("r", children=[tree("c"), tree("a"), tree("b")])
    assert matches(equal, forwards, order="start")
    assert matches(equal, swapped, order="start")
    assert not matches(equal, wrong, order="start")
    assert matches(equal, wrong)


def test_pruned_spans_are_taken_out_first() -> None:
    spans = [R, placed("m", "r", (1, 8), name="middleware"), placed("a", "m"), placed("n", "a")]
    pattern = tree("r", children=[tree("a")])
    assert not matches(spans, pattern)
    assert matches(
        spans, pattern, pruned=[{"name": "middleware"}, {"name": "n", "service": "shop"}]
    )
    assert matches(
        spans, tree("r", children=[tree("a", children=[tree("n")])]), pruned={"name": "middleware"}
    )


def test_descendants_start_in_the_order_of_their_patterns() -> None:
    spans = [R, placed("m", "r", (1, 8)), placed("a", "m", (2, 3)), placed("b", "r", (1, 2))]
    assert matches(spans, tree("r", descendants=[tree("b"), tree("a")]), order="start")
    assert not matches(spans, tree("r", descendants=[tree("a"), tree("b")]), order="start")
    assert matches(spans, tree("r", descendants=[tree("a"), tree("b")]))


def test_descendants_and_pruning_can_be_combined() -> None:
    spans = [R, M, UNDER_M, placed("n", "m", name="middleware")]
    pattern = tree("r", descendants=[tree("a")])
    assert not matches(spans, pattern)
    assert matches(spans, pattern, pruned={"name": "middleware"})


def test_a_thousand_descendants_at_any_depth_are_matched() -> None:
    spine = [placed(f"s{i:03}", f"s{i - 1:03}" if i else "r", name="m") for i in range(500)]
    leaves = [placed(f"x{i:03}", f"s{i:03}", name="x") for i in range(500)]
    spans = [R, *spine, *leaves]
    assert matches(spans, tree("r", descendants=[tree("x", times=500)]))
    assert not matches(spans, tree("r", descendants=[tree("x", times=499)]))
    assert not matches([*spans, placed("z", "s499")], tree("r", descendants=[tree("x", times=500)]))


def test_a_thousand_siblings_are_matched_whatever_their_order() -> None:
    siblings = [placed(f"{i:04}", "r", (i, i + 1)) for i in range(1_000)]
    patterns = [tree(match.regex(r"\d+"), times=500)]
    patterns += [tree(f"{i:04}") for i in range(0, 1_000, 2)]
    assert matches([R, *siblings], tree("r", children=patterns))
    assert not matches([R, *siblings[:-1]], tree("r", children=patterns))
    alike = tree("r", children=[tree(match.regex("."), times=1_000)])
    assert matches([R, *siblings], alike, order="start")


def test_a_pattern_may_be_deeper_than_python_recurses() -> None:
    pattern = tree("s")
    for _ in range(3_000):
        pattern = tree("s", children=[pattern])
    chain = [
        placed(f"{i:04}", f"{i - 1:04}" if i else None, (i, 9_999), name="s") for i in range(3_001)
    ]
    assert matches(chain, pattern)
    assert not matches(chain[:-1], pattern)


def test_pattern_counts_the_spans_that_it_stands_for() -> None:
    pattern = tree(
        "r", children=[tree("a", times=2, children=[tree("b")]), tree("c", optional=True, times=3)]
    )
    assert pattern.span_counts() == (5, 8)
    assert tree("r", descendants=[pattern]).span_counts() == (6, 9)


REFUSED: dict[str, tuple[Any, str]] = {
    "times 0": (
        lambda: tree("a", times=0),
        (
            "times must be 1 or more, and is 0\n  hint: a span that must not be there is told by"
            ' extra="forbid", or by expect_none(after=…)'
        ),
    ),
    "times as text": (
        lambda: tree("a", times="2"),  # type: ignore[arg-type]  # what an untyped caller may do
        (
            "times must be 1 or more, and is '2'\n  hint: a span that must not be there is told by"
            ' extra="forbid", or by expect_none(after=…)'
        ),
    ),
    "one child without a list": (
        lambda: tree("a", children=tree("b")),  # type: ignore[arg-type]  # as above
        "children must be a list of trees, and is one tree ('b')\n  hint: children=[tree(…)]",
    ),
    "a child that is not a tree": (
        lambda: tree("a", children=["b"]),  # type: ignore[list-item]  # as above
        "children must be trees, and one is 'b'\n  hint: children=[tree(…)]",
    ),
    "one descendant without a list": (
        lambda: tree("a", descendants=tree("b")),  # type: ignore[arg-type]  # as above
        "descendants must be a list of trees, and is one tree ('b')\n  hint: descendants=[tree(…)]",
    ),
    "an order of children and descendants": (
        lambda: checked_top(
            tree("r", children=[tree("a", children=[tree("b")], descendants=[tree("c")])]),
            TreeRules(order="start"),
        ),
        (
            "the spans below 'a' have no order to compare: it has children and descendants\n"
            '  hint: order="any", or only one of the two'
        ),
    ),
    "two names": (
        lambda: tree("a", name="b"),
        "tree() takes the name as its first argument only, and was given two",
    ),
    "a criterion that does not exist": (
        lambda: tree("a", servise="b"),
        "unknown criterion of spans 'servise'\n  hint: did you mean 'service'?",
    ),
    "a name that is none": (
        lambda: tree(3),  # type: ignore[arg-type]  # as above
        "name must be text or a matcher, and is 3",
    ),
    "a top that repeats": (
        lambda: checked_top(tree("a", times=2)),
        (
            "the top of a tree is one span, and 'a' has times=2, optional=False\n"
            "  hint: leave out times and optional at the top"
        ),
    ),
    "no tree": (
        lambda: checked_top("a"),
        "a tree is expected, and 'a' is none\n  hint: tree(name, …)",
    ),
    "an unknown order": (
        lambda: matches([], tree("a"), order="time"),
        "unknown order 'time'\n  hint: there are: any, start",
    ),
    "an unknown extra": (
        lambda: matches([], tree("a"), extra="allowed"),
        "unknown value of extra 'allowed'\n  hint: did you mean 'allow'?",
    ),
    "pruned by name": (
        lambda: matches([], tree("a"), pruned="b"),
        (
            "pruned must be criteria of spans, and is 'b'\n"
            '  hint: pruned={"scope": "framework"}, or a list of such'
        ),
    ),
    "pruned by nothing": (
        lambda: matches([], tree("a"), pruned=[{}]),
        (
            "pruned must be criteria of spans, and has {}\n"
            '  hint: pruned={"scope": "framework"}, or a list of such'
        ),
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused_in_one_sentence(call: Any, message: str) -> None:  # noqa: ANN401 -- a call
    with pytest.raises(UsageError) as caught:
        call()
    assert str(caught.value) == message


def test_an_unknown_criterion_of_pruned_is_told() -> None:
    with pytest.raises(UnknownNameError):
        matches([], tree("a"), pruned={"nam": "b"})

from collections.abc import Sequence
from typing import Any

import pytest

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Span, SpanKind
from otlptest.queries import match
from otlptest.queries.forest import forest_of
from otlptest.queries.tree_matching import has_tree
from otlptest.queries.trees import Tree, TreeRules, checked_top, tree
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
    "a child that is no tree": (
        lambda: tree("a", children=["b"]),  # type: ignore[list-item]  # as above
        "children must be trees, and one is 'b'\n  hint: children=[tree(…)]",
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

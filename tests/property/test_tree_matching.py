"""Trees, assignments and critical paths against plain and slow versions of themselves."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import assume, given, settings, strategies as st

from otlptest.model import Span
from otlptest.queries.traces.assignment import assigned
from otlptest.queries.traces.critical_path import critical_path
from otlptest.queries.traces.edges import service_edges
from otlptest.queries.traces.forest import Forest, forest_of
from otlptest.queries.traces.tree_matching import has_tree
from otlptest.queries.traces.tree_order import assigned_in_order
from otlptest.queries.traces.tree_report import tree_finding
from otlptest.queries.traces.trees import Extra, Order, Tree, TreeRules, tree
from tests.support.shapes import placed

EXTRAS: tuple[Extra, ...] = ("forbid", "allow")
ORDERS: tuple[Order, ...] = ("any", "start")
NAMES = "xy"


@st.composite
def assignments(
    draw: st.DrawFn,
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Fitting masks, times, least and most."""
    most = draw(st.lists(st.integers(1, 3), max_size=3))
    least = [draw(st.sampled_from([0, limit])) for limit in most]
    fitting = draw(st.lists(st.integers(0, (1 << len(most)) - 1), max_size=5))
    times = sorted(draw(st.integers(0, 2)) for _ in fitting)
    return fitting, times, least, most


def slow_assigned(
    fitting: Sequence[int],
    least: Sequence[int],
    most: Sequence[int],
    *,
    covers_all: bool,
    times: Sequence[int] | None = None,
) -> bool:
    """Try every assignment."""
    places = range(len(most))
    left_over: list[int | None] = [] if covers_all else [None]
    options = [[*left_over, *(p for p in places if mask >> p & 1)] for mask in fitting]
    for combination in itertools.product(*options):
        counts = [combination.count(place) for place in places]
        fits = all(
            low <= count <= high for low, count, high in zip(least, counts, most, strict=True)
        )
        if fits and (times is None or _is_in_order(combination, times)):
            return True
    return False


def _is_in_order(combination: Sequence[int | None], times: Sequence[int]) -> bool:
    given_places = [(t, p) for t, p in zip(times, combination, strict=True) if p is not None]
    return not any(
        one[0] < two[0] and one[1] > two[1]
        for one, two in itertools.product(given_places, given_places)
    )


@given(case=assignments(), covers_all=st.booleans())
def test_assignment_agrees_with_trying_all(
    case: tuple[list[int], list[int], list[int], list[int]], *, covers_all: bool
) -> None:
    fitting, _, least, most = case
    places = assigned(fitting, least, most, covers_all=covers_all)
    assert (places is not None) == slow_assigned(fitting, least, most, covers_all=covers_all)
    if places is not None:
        for mask, place in zip(fitting, places, strict=True):
            assert place is None or mask >> place & 1
        for place, (low, high) in enumerate(zip(least, most, strict=True)):
            assert low <= places.count(place) <= high
        assert not (covers_all and None in places)


@given(case=assignments(), covers_all=st.booleans())
def test_ordered_assignment_agrees_with_trying_all(
    case: tuple[list[int], list[int], list[int], list[int]], *, covers_all: bool
) -> None:
    fitting, times, least, most = case
    assert assigned_in_order(fitting, times, least, most, covers_all=covers_all) == slow_assigned(
        fitting, least, most, covers_all=covers_all, times=times
    )


@st.composite
def span_lists(draw: st.DrawFn, most: int = 6) -> list[Span]:
    """Spans below each other at random; some orphans, some roots."""
    spans: list[Span] = []
    for number in range(draw(st.integers(0, most))):
        above = draw(st.sampled_from([None, *range(number), *range(number), "gone"]))
        start = draw(st.integers(0, 3))
        spans.append(
            placed(
                str(number),
                None if above is None else str(above),
                (start, start + draw(st.integers(0, 3))),
                name=draw(st.sampled_from(NAMES)),
                service=draw(st.sampled_from(["shop", "payments", None])),
            )
        )
    return spans


@st.composite
def patterns(
    draw: st.DrawFn, depth: int = 2, *, is_top: bool = True, with_descendants: bool = False
) -> Tree:
    """Small patterns whose names have much in common."""
    below = patterns(depth - 1, is_top=False, with_descendants=with_descendants)
    most = 2 if with_descendants else 3
    children = draw(st.lists(below, max_size=most)) if depth else []
    descendants = draw(st.lists(below, max_size=most)) if depth and with_descendants else []
    return tree(
        draw(st.sampled_from(NAMES)),
        children=children,
        descendants=descendants,
        times=1 if is_top else draw(st.sampled_from([1, 1, 2])),
        optional=False if is_top else draw(st.booleans()),
    )


def slow_fits(forest: Forest, place: int, pattern: Tree, extra: Extra, order: Order) -> bool:
    """Whether a span is as the pattern says, by trying every assignment of its children."""
    if forest.spans[place].name != pattern.name:
        return False
    children = forest.children[place]
    fitting = [
        sum(
            1 << number
            for number, below in enumerate(pattern.children)
            if slow_fits(forest, child, below, extra, order)
        )
        for child in children
    ]
    starts = [forest.spans[child].start_time_unix_nano for child in children]
    return slow_assigned(
        fitting,
        [below.least for below in pattern.children],
        [below.times for below in pattern.children],
        covers_all=extra == "forbid",
        times=starts if order == "start" else None,
    )


def declared_fits(forest: Forest, place: int, pattern: Tree, extra: Extra) -> bool:
    """Whether a span is as the pattern says, from the definition of `tree(...)`.

    Tries every way to say of the spans below: it stands for this pattern, it is on the way, or it
    is no matter of this pattern.
    """
    if forest.spans[place].name != pattern.name:
        return False
    below = [each for each, depth in forest.walk(place) if depth]
    roles: list[list[int | str]] = []
    for each in below:
        is_direct = forest.parents[each] == place
        possible: list[int | str] = ["other", "passed"]
        for number, part in enumerate(pattern.below):
            is_allowed = is_direct or number >= len(pattern.children)
            if is_allowed and declared_fits(forest, each, part, extra):
                possible.append(number)
        roles.append(possible)
    return any(
        _is_consistent(forest, place, pattern, dict(zip(below, chosen, strict=True)), extra)
        for chosen in itertools.product(*roles)
    )


def _is_consistent(
    forest: Forest, place: int, pattern: Tree, roles: dict[int, int | str], extra: Extra
) -> bool:
    counts = [list(roles.values()).count(number) for number in range(len(pattern.below))]
    if not all(p.least <= n <= p.times for p, n in zip(pattern.below, counts, strict=True)):
        return False
    if extra == "allow":
        return True
    for each, role in roles.items():
        parent = forest.parents[each]
        is_direct = parent == place
        is_reached = is_direct or (parent is not None and roles[parent] == "passed")
        if is_reached == (role == "other"):
            return False
        if role == "passed":
            wanted = pattern.below if is_direct else pattern.descendants
            if any(part.name == forest.spans[each].name for part in wanted):
                return False
            if not pattern.descendants or not forest.children[each]:
                return False
    return True


def declared_has_tree(forest: Forest, pattern: Tree, extra: Extra) -> bool:
    if extra == "allow":
        places: Sequence[int] = range(len(forest.spans))
    else:
        is_one_tree = len(forest.tops) == 1 and len(forest.roots) == 1
        places = forest.roots if is_one_tree else ()
    return any(declared_fits(forest, place, pattern, extra) for place in places)


def slow_has_tree(forest: Forest, pattern: Tree, extra: Extra, order: Order) -> bool:
    if extra == "allow":
        return any(
            slow_fits(forest, place, pattern, extra, order) for place in range(len(forest.spans))
        )
    if len(forest.tops) != 1 or len(forest.roots) != 1:
        return False
    return slow_fits(forest, forest.roots[0], pattern, extra, order)


@settings(max_examples=200)
@given(span_lists(5), patterns(with_descendants=True), st.sampled_from(EXTRAS))
def test_descendants_agree_with_their_definition(
    spans: list[Span], pattern: Tree, extra: Extra
) -> None:
    forest = forest_of(spans)
    expected = declared_has_tree(forest, pattern, extra)
    assert has_tree(forest, pattern, TreeRules(extra=extra)) == expected


@given(span_lists(), patterns(with_descendants=True))
def test_what_matches_with_nothing_else_matches_with_others_allowed(
    spans: list[Span], pattern: Tree
) -> None:
    forest = forest_of(spans)
    if has_tree(forest, pattern, TreeRules()):
        assert has_tree(forest, pattern, TreeRules(extra="allow"))


@given(span_lists(), patterns(), st.sampled_from(EXTRAS), st.sampled_from(ORDERS))
def test_tree_matching_agrees_with_trying_all(
    spans: list[Span], pattern: Tree, extra: Extra, order: Order
) -> None:
    forest = forest_of(spans)
    rules = TreeRules(extra=extra, order=order)
    assert has_tree(forest, pattern, rules) == slow_has_tree(forest, pattern, extra, order)


@given(
    span_lists(),
    st.one_of(patterns(), patterns(with_descendants=True)),
    st.sampled_from(EXTRAS),
    st.sampled_from(ORDERS),
)
def test_a_mismatch_always_shows_a_fault(
    spans: list[Span], pattern: Tree, extra: Extra, order: Order
) -> None:
    assume(order == "any" or not _is_mixed(pattern))
    forest = forest_of(spans)
    rules = TreeRules(extra=extra, order=order)
    if not has_tree(forest, pattern, rules):
        finding = tree_finding([("t", forest)], pattern, rules, where="w", received="r")
        marks = {line[:1] for line in finding.closest.splitlines()[2:]}
        assert marks & set("~-+"), finding.closest


def _is_mixed(pattern: Tree) -> bool:
    """Whether a span has children and descendants, which have no order together."""
    return bool(pattern.children and pattern.descendants) or any(map(_is_mixed, pattern.below))


def _as_pattern(forest: Forest, place: int) -> Tree:
    return tree(
        forest.spans[place].name,
        children=[_as_pattern(forest, child) for child in forest.children[place]],
    )


@given(span_lists(10))
def test_every_tree_matches_the_pattern_made_of_it(spans: list[Span]) -> None:
    forest = forest_of(spans)
    for top in forest.tops:
        pattern = _as_pattern(forest, top)
        assert has_tree(forest, pattern, TreeRules(extra="allow"))
        assert has_tree(forest, pattern, TreeRules(extra="allow", order="start"))
        if len(forest.tops) == len(forest.roots) == 1:
            assert has_tree(forest, pattern, TreeRules())
            assert has_tree(forest, pattern, TreeRules(order="start"))


def _thinned(draw: st.DrawFn, forest: Forest, place: int) -> Tree:
    """A pattern of some spans at and below one, by their unique names, each anywhere below."""
    kept: list[Tree] = []
    stack = list(forest.children[place])
    while stack:
        each = stack.pop()
        if draw(st.booleans()) or not forest.children[each]:
            kept.append(_thinned(draw, forest, each))
        else:
            stack.extend(forest.children[each])
    return tree(forest.spans[place].name, descendants=kept)


@given(span_lists(8), st.data())
def test_spans_on_the_way_can_be_left_out_of_descendants(
    spans: list[Span], data: st.DataObject
) -> None:
    named = [replace(span, name=f"{span.name}{at}") for at, span in enumerate(spans)]
    forest = forest_of(named)
    for top in forest.tops:
        pattern = data.draw(st.composite(_thinned)(forest, top))
        assert has_tree(forest, pattern, TreeRules(extra="allow"))
        assert has_tree(forest, pattern, TreeRules()) == (
            len(forest.tops) == len(forest.roots) == 1
        )


@given(span_lists(10))
def test_edges_agree_with_looking_at_each_pair(spans: list[Span]) -> None:
    pairs = {
        (caller.service, callee.service)
        for caller, callee in itertools.product(spans, spans)
        if callee.parent_span_id == caller.span_id
        and caller.service != callee.service
        and caller.service is not None
        and callee.service is not None
    }
    assert service_edges(forest_of(spans)) == pairs


def slow_path(forest: Forest, place: int, until: int) -> list[int]:
    """The path from its definition, the last child searched for anew each time."""

    def own_end(at: int) -> int:
        return forest.spans[at].end_time_unix_nano

    def tree_end(at: int) -> int:
        return max(own_end(at), *map(tree_end, forest.children[at]), own_end(at))

    def start(at: int) -> int:
        return forest.spans[at].start_time_unix_nano

    path, left = [place], set(forest.children[place])
    while until >= start(place):
        ends = {c: tree_end(c) if tree_end(c) <= until else own_end(c) for c in left}
        able = [c for c in left if start(place) <= ends[c] <= until]
        if not able:
            break
        last = max(able, key=lambda c: (ends[c], start(c), -c))
        left.discard(last)
        path += slow_path(forest, last, ends[last])
        until = min(until, start(last))
    return path


@given(span_lists(8))
def test_critical_path_agrees_with_its_definition(spans: list[Span]) -> None:
    forest = forest_of(spans)
    path = critical_path(forest)
    if not spans:
        assert path == ()
        return
    ends = {
        top: max(forest.spans[place].end_time_unix_nano for place, _ in forest.walk(top))
        for top in forest.tops
    }
    top = max(forest.tops, key=lambda place: (ends[place], -place))
    assert set(path) == set(slow_path(forest, top, ends[top]))
    assert len(path) == len(set(path))
    last_end = max(forest.spans[place].end_time_unix_nano for place in path)
    assert last_end == max(span.end_time_unix_nano for span in forest.spans)

from collections.abc import Sequence

import pytest

from otlptest.errors import Finding
from otlptest.model import Scope, Span, Status, StatusCode
from otlptest.queries import match
from otlptest.queries.traces.forest import forest_of
from otlptest.queries.traces.tree_alignment import nearest_alignment
from otlptest.queries.traces.tree_matching import has_tree
from otlptest.queries.traces.tree_report import compared, tree_finding, tree_text
from otlptest.queries.traces.trees import Tree, TreeRules, tree
from tests.support.received import TRACE_ID
from tests.support.shapes import placed

SPANS = [
    placed("a", None, (0, 100), name="POST /checkout"),
    placed("b", "a", (5, 60), name="charge"),
    placed(
        "c",
        "b",
        (10, 50),
        name="POST /charge",
        service="payments",
        status=Status(code=StatusCode.ERROR),
    ),
    placed("d", "a", (61, 90), name="INSERT orders"),
    placed("e", "a", (91, 92), name="GET /a/rather/long/path/that/wraps"),
    placed("f", "e", (91, 92), name="dns"),
]
CHECKOUT = tree(
    "POST /checkout",
    children=[
        tree("charge", children=[tree("POST /charge", status=StatusCode.OK)]),
        tree("INSERT orders", times=2),
        tree("audit", optional=True),
    ],
)
RULES = TreeRules()
WHOLE = """\
tree_mismatch: service 'shop'
  expected: the tree 'POST /checkout' of 5 to 6 spans and no others
  received: 1 trace of 6 spans, within 5.0 s
  closest:  trace 0af7:
              expected            received
              'POST /checkout'    'POST /checkout' (shop)
                'charge'            'charge' (shop)
            ~     'POST /charge'      'POST /charge' (payments)
                    status: expected StatusCode.OK, received
                      StatusCode.ERROR
                'INSERT orders'     'INSERT orders' (shop)
            -   'INSERT orders'
            +                       'GET /a/rather/long/path/that/wraps'
                                      (shop)
            +                         'dns' (shop)
              ~ differs, - missing, + unexpected
  hint:     flush it
  explain:  otlptest explain tree_mismatch"""
AT_40 = """\
  expected
  'POST /checkout'
    'charge'
~     'POST /charge'
    'INSERT orders'
-   'INSERT orders'
  received
  'POST /checkout' (shop)
    'charge' (shop)
~     'POST /charge' (payments)
        status: expected StatusCode.OK,
          received StatusCode.ERROR
    'INSERT orders' (shop)
+   'GET /a/rather/long/path/that/wraps'
      (shop)
+     'dns' (shop)
  ~ differs, - missing, + unexpected"""


def report(spans: Sequence[Span], pattern: Tree, rules: TreeRules = RULES) -> list[str]:
    return compared(nearest_alignment(forest_of(spans), pattern, rules), 68).splitlines()[1:]


def test_mismatch_shows_both_trees_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    finding = tree_finding(
        [("0af7", forest_of(SPANS))],
        CHECKOUT,
        RULES,
        where="service 'shop'",
        received="1 trace of 6 spans, within 5.0 s",
        hint="flush it",
    )
    assert str(finding) == WHOLE


def test_trees_stand_below_each_other_at_40_columns() -> None:
    rows = nearest_alignment(forest_of(SPANS), CHECKOUT, RULES)
    text = compared(rows, 40)
    assert text == AT_40
    assert max(map(len, text.splitlines())) <= 40


def test_the_closest_of_several_traces_is_shown() -> None:
    far = forest_of([placed("z", None)])
    near = forest_of(SPANS)
    worse = forest_of([*SPANS[:1], placed("z", "a")])
    finding = tree_finding(
        [("far", far), ("near", near), ("worse", worse), ("far too", far)],
        CHECKOUT,
        RULES,
        where="",
        received="",
    )
    assert finding.closest.startswith("trace near:\n")


HTTP, EXPRESS, ROUTER, SHOP = (
    Scope(name=name) for name in ("http", "express", "router", "shop.orders")
)
FRAMEWORK = [
    placed("a", None, (0, 100), name="POST /checkout", scope=HTTP),
    placed("b", "a", (1, 90), name="middleware - patched", scope=EXPRESS),
    placed("c", "b", (2, 90), name="request handler", scope=ROUTER),
    placed("d", "c", (3, 90), name="request handler - /checkout", scope=EXPRESS),
    placed("e", "d", (4, 80), name="reserve", scope=SHOP),
    *(placed(f"f{i}", "d", (i, i + 9), name="charge attempt", scope=SHOP) for i in (10, 20, 30)),
]
RESERVED = [tree("reserve"), tree("charge attempt", times=3)]
DEEPER = (
    "'reserve' arrived 3 levels deeper, under 'middleware - patched', 'request handler',"
    " 'request handler - /checkout' (scopes 'express', 'router'):"
    " pruned={'scope': match.one_of('express', 'router')} takes such spans out, and"
    " descendants=[…] finds it below them"
)
FRAMEWORK_AT_80 = """\
  expected               received
  'POST /checkout'       'POST /checkout' (shop)
-   'reserve'
-   'charge attempt' x3
+                          'middleware - patched' (shop)
+                            'request handler' (shop)
+                              'request handler - /checkout'
                                 (shop)
+                                'reserve' (shop)
+                                'charge attempt' (shop) x3
  - missing, + unexpected"""
FRAMEWORK_ALLOWED = """\
  expected               received
  'POST /checkout'       'POST /checkout' (shop)
-   'reserve'
-   'charge attempt' x3
  - missing"""
DESCENDANTS_AT_80 = """\
  expected                      received
  'POST /checkout'              'POST /checkout' (shop)
    'reserve' (anywhere below)    'reserve' (shop)
-   'reserve' (anywhere below)
    'charge attempt' x3           'charge attempt' (shop) x3
      (anywhere below)
  - missing"""


def finding_of(pattern: Tree, rules: TreeRules = RULES, spans: Sequence[Span] = ()) -> Finding:
    received = list(spans) or FRAMEWORK
    return tree_finding(
        [(TRACE_ID, forest_of(received).without(rules.prunes))],
        pattern,
        rules,
        where="w",
        received="r",
        hint="flush it",
        elsewhere=received,
    )


def test_spans_that_a_framework_puts_between_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    strict = finding_of(tree("POST /checkout", children=RESERVED))
    assert strict.closest == f"trace {TRACE_ID}:\n{FRAMEWORK_AT_80}"
    assert strict.hint == DEEPER
    # What it advises works.
    pruned = {"scope": match.one_of("express", "router")}
    rules = TreeRules.made(order="any", extra="forbid", pruned=pruned)
    forest = forest_of(FRAMEWORK)
    children = tree("POST /checkout", children=RESERVED)
    assert has_tree(forest.without(rules.prunes), children, rules)
    assert has_tree(forest, tree("POST /checkout", descendants=RESERVED), RULES)


def test_with_extra_allowed_the_root_that_is_meant_is_compared() -> None:
    allowed = finding_of(tree("POST /checkout", children=RESERVED), TreeRules(extra="allow"))
    assert allowed.closest == f"trace {TRACE_ID}:\n{FRAMEWORK_ALLOWED}"
    assert allowed.hint == DEEPER
    nobody = finding_of(tree("GET /nothing", children=RESERVED), TreeRules(extra="allow"))
    assert "'GET /nothing'         'POST /checkout' (shop)" in nobody.closest


def test_a_descendant_that_is_missing_is_told_by_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    twice = [tree("reserve", times=2), RESERVED[1]]
    finding = finding_of(tree("POST /checkout", descendants=twice))
    assert finding.closest == f"trace {TRACE_ID}:\n{DESCENDANTS_AT_80}"
    assert finding.hint == "flush it"
    assert finding.expected == (
        "the tree 'POST /checkout' of 6 spans and no others but those on the way to descendants"
    )


WEB = Scope(name="web")
BETWEEN = [placed("a", scope=WEB), placed("b", "a", scope=WEB), placed("x", "b", scope=WEB)]
PRUNES = {"order": "any", "extra": "forbid"}
WHEREABOUTS: dict[str, tuple[list[Span], Tree, TreeRules, str]] = {
    "one level, without a scope": (
        [placed("a"), placed("b", "a"), placed("x", "b")],
        tree("a", children=[tree("x")]),
        RULES,
        (
            "'x' arrived 1 level deeper, under 'b': pruned={'name': 'b'} takes such spans out, and"
            " descendants=[…] finds it below them"
        ),
    ),
    "the scope is that of what is wanted": (
        BETWEEN,
        tree("a", children=[tree("x")]),
        RULES,
        (
            "'x' arrived 1 level deeper, under 'b' (scope 'web'): pruned={'name': 'b'} takes"
            " such spans out, and descendants=[…] finds it below them"
        ),
    ),
    "below a span that is wanted itself": (
        BETWEEN,
        tree("a", children=[tree("b"), tree("x")]),
        RULES,
        (
            "'x' arrived 1 level deeper, under 'b' (scope 'web'): descendants=[…] finds it below"
            " them"
        ),
    ),
    "very deep": (
        [
            placed("a"),
            *(placed(f"b{i}", f"b{i - 1}" if i else "a", scope=WEB) for i in range(9)),
            placed("x", "b8", scope=WEB),
        ],
        tree("a", children=[tree("x", service="shop")]),
        TreeRules(extra="allow"),
        (
            "'x' arrived 9 levels deeper, under 'b0', 'b1', 'b2', 'b3', 'b4', …, 'b8' (scope"
            " 'web'): pruned={'name': match.one_of('b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6',"
            " 'b7', 'b8')} takes such spans out, and descendants=[…] finds it below them"
        ),
    ),
    "below another parent": (
        [placed("a"), placed("b", "a", (0, 1)), placed("d", "a", (2, 3)), placed("c", "d")],
        tree("a", children=[tree("b", children=[tree("c")]), tree("d")]),
        RULES,
        (
            "'c' is in this trace, under 'd', and is expected directly under 'b': in which context"
            " was it started?"
        ),
    ),
    "at the top": (
        [placed("a"), placed("x", None, (2, 3))],
        tree("a", descendants=[tree("x")]),
        RULES,
        (
            "'x' is in this trace, at the top, and is expected below 'a': in which context was it"
            " started?"
        ),
    ),
    "below another descendant": (
        BETWEEN,
        tree("a", descendants=[tree("b"), tree("x")]),
        RULES,
        (
            "'x' arrived under 'b', below a span that stands for another pattern: expect it there,"
            " in that pattern's children or descendants"
        ),
    ),
    "below a top of another name": (
        BETWEEN,
        tree("x"),
        RULES,
        "'x' is in this trace, 2 levels below the top: extra=\"allow\" lets spans stand above it",
    ),
    "taken out by pruned": (
        BETWEEN,
        tree("a", children=[tree("x")]),
        TreeRules.made(**PRUNES, pruned={"name": match.one_of("b", "x")}),
        "'x' is in this trace, and pruned= takes it out",
    ),
    "nowhere": (BETWEEN, tree("a", children=[tree("b"), tree("z")]), RULES, "flush it"),
}


@pytest.mark.parametrize(
    ("spans", "pattern", "rules", "hint"), WHEREABOUTS.values(), ids=WHEREABOUTS.keys()
)
def test_a_missing_span_that_is_somewhere_else_is_named(
    spans: list[Span], pattern: Tree, rules: TreeRules, hint: str
) -> None:
    assert finding_of(pattern, rules, spans).hint == hint


def test_the_wider_tree_gets_the_room() -> None:
    name = "a name that takes about forty columns"
    spans = [placed("r"), placed("c", "r", name=name)]
    left_heavy = tree("r", children=[tree(match.regex(name + "( and more)?"))])
    rows = nearest_alignment(forest_of(spans), tree("r", children=[tree("x")]), RULES)
    assert compared(rows, 50).splitlines() == [
        "  expected  received",
        "  'r'       'r' (shop)",
        "-   'x'",
        "+             'a name that takes about forty",
        "                columns' (shop)",
        "  - missing, + unexpected",
    ]
    both = nearest_alignment(forest_of(spans), left_heavy, RULES)
    for width in (24, 40, 60, 80, 120, 200):
        for each in (rows, both):
            assert max(map(len, compared(each, width).splitlines())) <= width
    assert compared(both, 60).splitlines()[0] == "  expected"
    assert compared(both, 120).splitlines()[0].split() == ["expected", "received"]


def test_equal_leaves_are_one_row_and_others_are_not() -> None:
    spans = [placed("r", None, (0, 99))]
    spans += [placed(f"q{i}", "r", (i, i + 1), name="q") for i in range(4)]
    spans += [placed("x", "q3", (3, 4))]
    pattern = tree("r", children=[tree("q", times=5, optional=True), tree("z", times=2)])
    assert report(spans, pattern) == [
        "  'r'                  'r' (shop)",
        "    'q' x3 (optional)    'q' (shop) x3",
        "    'q' (optional)       'q' (shop)",
        "+                          'x' (shop)",
        "-   'z' x2",
        "  - missing, + unexpected",
    ]


def test_nothing_received_is_no_comparison() -> None:
    finding = tree_finding([], CHECKOUT, RULES, where="w", received="0 traces", hint="flush it")
    assert (finding.closest, finding.hint) == ("", "flush it")
    assert report([], tree("a")) == ["- 'a'", "  - missing"]


def test_a_missing_root_is_told_with_the_way_out() -> None:
    forest = forest_of([placed("a", "x")])
    finding = tree_finding([("0af7", forest)], tree("a"), RULES, where="w", received="r")
    assert finding.closest.splitlines()[2:] == [
        "~ 'a'       'a' (shop)",
        "    its parent 0000000000000078 has not been received",
        "  ~ differs",
    ]
    assert finding.hint == (
        "the parent was never received; begin the trace with otlp.new_trace(), so that it"
        ' counts as outside, or use extra="allow"'
    )


def test_a_missing_span_that_came_in_another_trace_is_named() -> None:
    spans = [placed("a"), placed("b", "a")]
    pattern = tree("a", children=[tree("b"), tree("pay", service="payments")])
    stray = [
        placed("x", name="pay", service="stock", trace_id="1" * 32),
        placed("y", name="pay", service="payments", trace_id="2" * 32),
        placed("z", name="pay", service="payments"),
    ]

    def hint(elsewhere: Sequence[Span]) -> str:
        return tree_finding(
            [(stray[2].trace_id, forest_of(spans))],
            pattern,
            RULES,
            where="w",
            received="r",
            hint="flush it",
            elsewhere=elsewhere,
        ).hint

    assert hint(stray) == (
        f"'pay' of service 'payments' arrived in another trace, {'2' * 32}: does its caller pass"
        " the context on (traceparent), and does it read it?"
    )
    assert hint(stray[::2]) == "flush it"  # another service, or this very trace


ADVICE: dict[str, tuple[Tree, TreeRules, str]] = {
    "order only": (
        tree("r", children=[tree("b"), tree("a")]),
        TreeRules(order="start"),
        'order="any" does not ask for the order',
    ),
    "unexpected only": (
        tree("r", children=[tree("a")]),
        RULES,
        'take what a framework adds out with pruned=, or let others be with extra="allow"',
    ),
    "a differing type": (
        tree("r", children=[tree("a", attributes={"n": 1}), tree("b")]),
        RULES,
        "attribute values compare by OTLP type: 1, 1.0, '1' and True are four values",
    ),
    "a differing status": (
        tree("r", children=[tree("a", status=StatusCode.OK), tree("b")]),
        RULES,
        "",
    ),
    "the top missing": (tree("checkout"), RULES, "flush it"),
    "one missing": (tree("r", children=[tree("a"), tree("b"), tree("c")]), RULES, "flush it"),
}


@pytest.mark.parametrize(("pattern", "rules", "hint"), ADVICE.values(), ids=ADVICE.keys())
def test_flushing_is_advised_only_where_a_span_is_missing(
    pattern: Tree, rules: TreeRules, hint: str
) -> None:
    spans = [
        placed("r", None, (0, 9)),
        placed("a", "r", (1, 2), attributes={"n": "1"}),
        placed("b", "r", (3, 4)),
    ]
    finding = tree_finding(
        [("t", forest_of(spans))], pattern, rules, where="w", received="r", hint="flush it"
    )
    assert finding.hint == hint


def test_orphans_and_circles_beside_the_tree_are_unexpected() -> None:
    spans = [placed("a"), placed("o", "x", (2, 3)), placed("k", "k", (4, 5))]
    assert report(spans, tree("a")) == [
        "  'a'       'a' (shop)",
        "+           'o' (shop)",
        "    its parent 0000000000000078 has not been received",
        "+           'k' (shop)",
        "    it is among its own ancestors",
        "  + unexpected",
    ]


def test_a_wrong_order_is_told_as_depending_on_clocks_across_services() -> None:
    spans = [placed("r", None, (0, 9)), placed("a", "r", (1, 2)), placed("b", "r", (3, 4))]
    across = [*spans[:2], placed("b", "r", (3, 4), service="payments")]
    pattern = tree("r", children=[tree("b"), tree("a")])
    rules = TreeRules(order="start")
    assert report(spans, pattern, rules)[:2] == [
        "~ 'r'       'r' (shop)",
        "    children start in the order 'a', 'b', expected 'b', 'a'",
    ]
    assert report(across, pattern, rules)[1:3] == [
        "    children start in the order 'a', 'b', expected 'b', 'a'; they",
        "      are of several services, so it depends on their clocks",
    ]


def test_a_span_that_nearly_fits_is_shown_as_different_not_as_missing() -> None:
    spans = [placed("r", None, (0, 9)), placed("1", "r", name="GET /item"), placed("2", "r")]
    pattern = tree("r", children=[tree("GET /items"), tree("2"), tree("3", children=[tree("4")])])
    assert report(spans, pattern) == [
        "  'r'             'r' (shop)",
        "~   'GET /items'    'GET /item' (shop)",
        "      name: expected 'GET /items', received 'GET /item'",
        "    '2'             '2' (shop)",
        "-   '3'",
        "-     '4'",
        "  ~ differs, - missing",
    ]


def test_with_extra_allowed_only_what_is_missing_is_told() -> None:
    spans = [placed("q"), placed("r", "q"), placed("x", "r")]
    pattern = tree("r", children=[tree("a")])
    assert report(spans, pattern, TreeRules(extra="allow")) == [
        "  'r'       'r' (shop)",
        "-   'a'",
        "  - missing",
    ]


def test_long_reports_keep_to_the_faults() -> None:
    spans = [placed("r", None, (0, 999))]
    spans += [placed(f"{i:03}", "r", (i, i + 1)) for i in range(200)]
    pattern = tree("r", children=[tree(f"{i:03}") for i in range(100)])
    lines = report(spans, pattern)
    assert len(lines) == 62
    assert lines[-2:] == ["  (141 more rows, 40 of them with faults)", "  + unexpected"]


def test_very_many_siblings_are_not_compared_one_by_one() -> None:
    spans = [placed("r", None, (0, 999)), *(placed(f"x{i:03}", "r") for i in range(200))]
    pattern = tree("r", children=[tree(f"y{i:03}") for i in range(200)])
    assert report(spans, pattern)[-2] == "  (341 more rows, 340 of them with faults)"


TEXTS: dict[str, tuple[Tree, TreeRules, str]] = {
    "one span": (tree("a"), RULES, "the tree 'a' of 1 span and no others"),
    "others allowed": (
        tree("a", children=[tree("b")]),
        TreeRules(extra="allow", order="start"),
        "the tree 'a' of 2 spans with others allowed, children in order of start",
    ),
    "pruned": (
        tree("a"),
        TreeRules.made(order="any", extra="forbid", pruned={"name": "b"}),
        "the tree 'a' of 1 span and no others, some spans pruned",
    ),
}


@pytest.mark.parametrize(("pattern", "rules", "text"), TEXTS.values(), ids=TEXTS.keys())
def test_expectation_in_one_line(pattern: Tree, rules: TreeRules, text: str) -> None:
    assert tree_text(pattern, rules) == text

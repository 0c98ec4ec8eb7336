import math
import pickle
import re
from typing import Any

import pytest

from otlptest.errors import UnknownMatcherError, UsageError
from otlptest.model import Severity
from otlptest.queries import match
from otlptest.queries.criteria.matchers import Matcher
from otlptest.queries.messages.wording import ABSENT

NAN = math.nan

CASES: dict[str, tuple[Matcher, list[object], list[object]]] = {
    # matcher, what it matches, what it does not
    "regex": (match.regex(r"/items/\d+"), ["GET /items/5", "/items/12/x"], ["/items/", 5, None]),
    "regex anchored": (match.regex(r"^\d+$"), ["5"], ["a5", "5a", b"5"]),
    "regex compiled": (match.regex(re.compile("A", re.IGNORECASE)), ["bab"], ["b"]),
    "contains text": (match.contains("card"), ["the card"], ["the cad", b"card", 4, None]),
    "contains bytes": (match.contains(b"\x00"), [b"a\x00"], [b"a", "\x00"]),
    "contains element": (match.contains(1), [[1, 2], (1,)], [[1.0], [True], ["1"], 1]),
    "contains matcher": (match.contains(match.less_than(0)), [[3, -1]], [[3], -1]),
    "contains items": (match.contains({"a": 1}), [{"a": 1, "b": 2}], [{"a": 1.0}, {"b": 1}, [1]]),
    "contains absent item": (match.contains({"a": match.absent()}), [{"b": 1}], [{"a": 1}]),
    "starts_with": (match.starts_with("ab"), ["abc"], ["cab", b"abc", ABSENT]),
    "starts_with bytes": (match.starts_with(b"ab"), [b"abc"], [b"cab", "abc"]),
    "ends_with": (match.ends_with("bc"), ["abc"], ["bcd", b"abc", 3]),
    "ends_with bytes": (match.ends_with(b"bc"), [b"abc"], [b"bcd", "abc"]),
    "one_of": (match.one_of(1, "a"), [1, "a"], [1.0, True, "1", ABSENT]),
    "any_of": (match.any_of(match.less_than(0), 5), [-1, 5], [4, 5.0]),
    "all_of": (match.all_of(match.at_least(0), match.less_than(2)), [0, 1.5], [2, -1, "1"]),
    "not_": (match.not_("a"), ["b", 1, ABSENT], ["a"]),
    "less_than": (match.less_than(3), [2, 2.9, -math.inf], [3, 4, "2", None, True, NAN, ABSENT]),
    "at_most": (match.at_most(3), [3, 2], [3.1, "3", False]),
    "greater_than": (match.greater_than(3), [4, 3.1], [3, "4", None]),
    "at_least": (match.at_least(Severity.ERROR), [17, Severity.FATAL], [16, Severity.WARN, "17"]),
    "between": (match.between(1, 2), [1, 1.5, 2], [0.9, 2.1, "1", True, None]),
    "approx": (match.approx(1.0), [1.0, 1 + 1e-7, 1], [1.1, "1.0", True, math.inf, NAN]),
    "approx infinity": (match.approx(math.inf), [math.inf], [1.0, -math.inf]),
    "approx wide": (match.approx(100, absolute=5), [95, 105.0], [94]),
    "approx relative": (match.approx(100, relative=0.1), [90, 110], [89]),
    "present": (match.present(), [1, "", None, False], [ABSENT]),
    "absent": (match.absent(), [ABSENT], [1, "", None]),
    "instance_of int": (match.instance_of(int), [1], [True, 1.0, "1"]),
    "instance_of bool": (match.instance_of(bool), [True], [1]),
    "instance_of several": (match.instance_of(str, float), ["", 1.0], [1, b""]),
    "instance_of mapping": (match.instance_of(dict), [{}], [[], "x"]),
    "instance_of list": (match.instance_of(list), [[], ()], [{}, "x"]),
    "instance_of a class": (match.instance_of(Severity), [Severity.WARN], [13]),
    "unordered": (match.unordered([1, 2, 2]), [[2, 1, 2], (2, 2, 1)], [[1, 2], [1, 1, 2], "122"]),
    "unordered pairs up": (
        match.unordered([match.instance_of(int), 1]),
        [[1, 2], [2, 1]],
        [[2, 3], [1, "1"]],
    ),
    "unordered empty": (match.unordered([]), [[]], [[1], None]),
    "json": (match.json({"a": [1, match.less_than(5)]}), ['{"a": [1.0, 2]}'], ['{"a": [1, 5]}']),
    "json not text": (match.json(None), ["null", b"null"], [None, "nil", 0, "[" * 100_000]),
    "json bool": (match.json(1), ["1", "1.0"], ["true", '"1"']),
    "nested": (match.one_of([1, match.present()]), [[1, 2]], [[1], [2, 1]]),
}


@pytest.mark.parametrize(
    ("matcher", "value"),
    [(m, value) for m, good, _ in CASES.values() for value in good],
    ids=[f"{name}: {i}" for name, (_, good, _) in CASES.items() for i in range(len(good))],
)
def test_matcher_takes_what_it_stands_for(matcher: Matcher, value: object) -> None:
    assert matcher.matches(value)


@pytest.mark.parametrize(
    ("matcher", "value"),
    [(m, value) for m, _, bad in CASES.values() for value in bad],
    ids=[f"{name}: {i}" for name, (_, _, bad) in CASES.items() for i in range(len(bad))],
)
def test_matcher_refuses_everything_else_without_raising(matcher: Matcher, value: object) -> None:
    assert not matcher.matches(value)


def test_every_matcher_has_cases_here() -> None:
    from otlptest.queries.criteria import matchers  # noqa: PLC0415 -- the module behind the name

    assert {m.name for m, _, _ in CASES.values()} == set(matchers.__all__) - {"Matcher"}


REPRS = {
    "regex": (match.regex("a+"), "match.regex('a+')"),
    "compiled": (match.regex(re.compile("a")), "match.regex(re.compile('a'))"),
    "approx": (match.approx(1), "match.approx(1)"),
    "approx with options": (match.approx(1, absolute=2), "match.approx(1, absolute=2)"),
    "nested": (match.not_(match.one_of(1, "a")), "match.not_(match.one_of(1, 'a'))"),
    "types": (match.instance_of(int, str), "match.instance_of(int, str)"),
    "enum": (match.at_least(Severity.WARN), "match.at_least(Severity.WARN)"),
    "nothing": (match.absent(), "match.absent()"),
    "list": (match.unordered([1, match.present()]), "match.unordered([1, match.present()])"),
}


@pytest.mark.parametrize(("matcher", "text"), REPRS.values(), ids=REPRS)
def test_matcher_reads_as_the_test_wrote_it(matcher: Matcher, text: str) -> None:
    assert repr(matcher) == text


@pytest.mark.parametrize("matcher", [m for m, _, _ in CASES.values()], ids=CASES)
def test_matcher_survives_a_process_boundary(matcher: Matcher) -> None:
    copy = pickle.loads(pickle.dumps(matcher))  # noqa: S301 -- our own bytes
    assert copy == matcher
    assert hash(copy) == hash(matcher)
    assert repr(copy) == repr(matcher)


def test_matchers_that_are_written_differently_differ() -> None:
    assert match.less_than(3) != match.at_most(3)
    assert match.less_than(3) != 3


def test_matcher_cannot_be_changed() -> None:
    matcher: Any = match.present()
    with pytest.raises(AttributeError, match="a matcher cannot be changed: name"):
        matcher.name = "absent"


WRONG: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "regex that is none": (
        "regex",
        ("(",),
        {},
        (
            "match.regex was given '(', which is none: missing ), unterminated subpattern at"
            " position 0"
        ),
    ),
    "regex of a number": (
        "regex",
        (3,),
        {},
        "match.regex takes a regular expression, and was given 3",
    ),
    "regex for bytes": (
        "regex",
        (re.compile(b"a"),),
        {},
        "match.regex takes a pattern for text, and was given re.compile(b'a')",
    ),
    "prefix": ("starts_with", (3,), {}, "match.starts_with takes text or bytes, and was given 3"),
    "suffix": ("ends_with", ([],), {}, "match.ends_with takes text or bytes, and was given []"),
    "one of none": ("one_of", (), {}, "match.one_of needs at least one value"),
    "any of none": ("any_of", (), {}, "match.any_of needs at least one value"),
    "all of none": ("all_of", (), {}, "match.all_of needs at least one value"),
    "less than text": (
        "less_than",
        ("3",),
        {},
        "match.less_than takes a number, and was given '3'",
    ),
    "less than NaN": ("less_than", (NAN,), {}, "match.less_than takes a number, and was given nan"),
    "at most a bool": ("at_most", (True,), {}, "match.at_most takes a number, and was given True"),
    "between the wrong way": (
        "between",
        (2, 1),
        {},
        "match.between takes the lower bound first, and was given 2, 1",
    ),
    "negative tolerance": (
        "approx",
        (2,),
        {"relative": -1},
        "match.approx takes tolerances of 0 or more, and was given relative=-1, absolute=1e-12",
    ),
    "instance of nothing": (
        "instance_of",
        (),
        {},
        "match.instance_of takes types, and was given nothing\n  hint: match.instance_of(int)",
    ),
    "instance of a value": (
        "instance_of",
        (5,),
        {},
        "match.instance_of takes types, and was given 5\n  hint: match.instance_of(int)",
    ),
    "unordered text": (
        "unordered",
        ("abc",),
        {},
        "match.unordered takes a list, and was given 'abc'",
    ),
    "unordered number": ("unordered", (5,), {}, "match.unordered takes a list, and was given 5"),
}


@pytest.mark.parametrize(("name", "arguments", "options", "message"), WRONG.values(), ids=WRONG)
def test_argument_that_cannot_be_meant_is_refused_at_once(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        getattr(match, name)(*arguments, **options)
    assert str(caught.value) == message


EXPLANATIONS: dict[str, tuple[Matcher, object, str]] = {
    "plain": (match.regex("a"), "b", "'b'"),
    "another type": (match.regex("a"), 5, "int 5"),
    "no number": (match.less_than(5), "5", "str '5'"),
    "a number": (match.less_than(5), 7, "7"),
    "absent": (match.less_than(5), ABSENT, "absent"),
    "empty": (match.less_than(5), None, "empty"),
    "types": (match.instance_of(int), "5", "str '5'"),
    "all_of": (
        match.all_of(match.at_least(0), match.less_than(2)),
        3,
        "3, which fails match.less_than(2)",
    ),
    "json": (match.json({"a": 1}), '{"a": 2}', "JSON {'a': 2}"),
    "no json": (
        match.json({"a": 1}),
        "{",
        (
            "'{', which is not valid JSON: Expecting property name enclosed"
            " in double quotes: line 1 column 2 (char 1)"
        ),
    ),
    "json of a number": (match.json(1), 1, "int 1, which is not text"),
}


@pytest.mark.parametrize(("matcher", "value", "text"), EXPLANATIONS.values(), ids=EXPLANATIONS)
def test_matcher_explains_what_was_received(matcher: Matcher, value: object, text: str) -> None:
    assert matcher.explain(value) == text


def test_misspelt_matcher_names_the_nearest() -> None:
    with pytest.raises(UnknownMatcherError) as caught:
        match.contain  # type: ignore[attr-defined]  # noqa: B018 -- what is asked for is the error
    assert str(caught.value) == "unknown matcher 'contain'\n  hint: did you mean 'contains'?"
    assert not hasattr(match, "contain")


def test_private_names_stay_plain_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="has no attribute '__wrapped__'"):
        match.__wrapped__  # type: ignore[attr-defined]  # noqa: B018 -- as tools ask for it

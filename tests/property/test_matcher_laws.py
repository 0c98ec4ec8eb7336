"""What holds for every matcher and every value."""

# ruff: noqa: ANN401 -- any value at all

import json
import math
import re
from typing import Any

from hypothesis import given, strategies as st

from otlptest.model import same_value
from otlptest.queries import match
from otlptest.queries.criteria.matching import Matcher, equals
from otlptest.queries.messages.wording import ABSENT
from tests.support.items import VALUES

ANYTHING = VALUES | st.just(ABSENT) | st.floats() | st.text()
NUMBERS = st.integers(-100, 100) | st.floats(-100, 100)
TEXTS = st.text("abc", max_size=3)
LEAVES = st.one_of(
    st.just(match.present()),
    st.just(match.absent()),
    TEXTS.map(match.contains),
    TEXTS.map(match.starts_with),
    TEXTS.map(match.ends_with),
    TEXTS.map(re.escape).map(match.regex),
    NUMBERS.map(match.less_than),
    NUMBERS.map(match.at_most),
    NUMBERS.map(match.greater_than),
    NUMBERS.map(match.at_least),
    NUMBERS.map(match.approx),
    st.sampled_from([int, str, float, bool, bytes, list, dict]).map(match.instance_of),
    VALUES.map(match.json),
    st.lists(VALUES, max_size=2).map(match.unordered),
)
MATCHERS: st.SearchStrategy[Matcher] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(match.not_),
        st.lists(inner | VALUES, min_size=1, max_size=3).map(lambda each: match.any_of(*each)),
        st.lists(inner | VALUES, min_size=1, max_size=3).map(lambda each: match.all_of(*each)),
        st.lists(inner, max_size=2).map(match.unordered),
    ),
    max_leaves=4,
)


@given(MATCHERS, ANYTHING)
def test_matcher_never_raises_and_can_always_explain(matcher: Matcher, value: object) -> None:
    assert isinstance(matcher.matches(value), bool)
    assert isinstance(matcher.explain(value), str)


@given(MATCHERS, ANYTHING)
def test_not_is_the_opposite(matcher: Matcher, value: object) -> None:
    assert match.not_(matcher).matches(value) is not matcher.matches(value)
    assert match.not_(match.not_(matcher)).matches(value) is matcher.matches(value)


@given(MATCHERS, MATCHERS, ANYTHING)
def test_any_and_all_follow_de_morgan(one: Matcher, other: Matcher, value: object) -> None:
    neither = match.all_of(match.not_(one), match.not_(other))
    assert match.not_(match.any_of(one, other)).matches(value) is neither.matches(value)
    assert match.any_of(one, other).matches(value) is match.any_of(other, one).matches(value)


@given(ANYTHING, ANYTHING)
def test_value_stands_for_itself_only(value: Any, other: Any) -> None:
    assert equals(value, value)
    assert match.one_of(value).matches(value)
    assert equals(value, other) is same_value(value, other)


@given(NUMBERS, NUMBERS)
def test_order_is_total_on_numbers(limit: float, value: float) -> None:
    assert match.less_than(limit).matches(value) is not match.at_least(limit).matches(value)
    assert match.at_most(limit).matches(value) is not match.greater_than(limit).matches(value)


@given(ANYTHING)
def test_present_and_absent_divide_everything(value: object) -> None:
    assert match.present().matches(value) is not match.absent().matches(value)


@given(st.lists(VALUES, max_size=4), st.randoms())
def test_unordered_does_not_mind_the_order(values: list[Any], chance: Any) -> None:
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert match.unordered(values).matches(shuffled)
    assert not match.unordered(values).matches([*shuffled, "one more"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    )
)
def test_json_matches_its_own_text(content: Any) -> None:
    assert match.json(content).matches(json.dumps(content))


@given(st.floats(allow_nan=False))
def test_approx_stands_for_its_number(value: float) -> None:
    assert match.approx(value).matches(value)
    if math.isfinite(value) and abs(value) < 1e300:
        assert not match.approx(value).matches(value * 1.01 + 1)

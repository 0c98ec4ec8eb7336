"""What a rule can fail on is counted, so that nothing passes by what was never there."""

from collections.abc import Callable
from typing import Any

import pytest

from otlptest.model import SIGNALS, Problem, Signal
from otlptest.validation import DATA_RULES, Occasion, count_occasions, occasion_of
from otlptest.validation.occasions import RULES_BY_OCCASION
from tests.planted.planting import Plant
from tests.planted.test_data_rules import PLANTS, planted
from tests.support.right_profiles import profile_request
from tests.support.right_requests import log_request, metric_request, trace_request
from tests.support.validated import accepted

RIGHT: dict[Signal, Callable[[], Any]] = {
    "traces": trace_request,
    "metrics": metric_request,
    "logs": log_request,
    "profiles": profile_request,
}


def counted(signal: Signal, messages: list[Any]) -> dict[Occasion, int]:
    requests = [accepted(signal, message, number=n) for n, message in enumerate(messages, start=1)]
    return dict(count_occasions(requests))


def test_every_data_rule_has_one_occasion() -> None:
    named = [rule for rules in RULES_BY_OCCASION.values() for rule in rules]
    assert sorted(named) == sorted(DATA_RULES)
    assert set(RULES_BY_OCCASION) == set(Occasion)


# The same points once more are no successive ones: a rule held by them alone was not tested.
RESENT = "deltas sent again though acknowledged"


@pytest.mark.parametrize(
    "plant",
    [plant for plant in PLANTS if plant.rule and plant.name != RESENT],
    ids=lambda plant: plant.test_id,
)
def test_what_breaks_a_rule_holds_its_occasion(plant: Plant) -> None:
    assert plant.rule is not None
    assert counted(plant.signal, planted(plant)).get(occasion_of(plant.rule), 0) > 0


@pytest.mark.parametrize("signal", SIGNALS)
def test_an_empty_request_is_no_occasion(signal: Signal) -> None:
    assert counted(signal, [type(RIGHT[signal]())()]) == {}


# What the right requests of each signal are no occasion for, though others are.
ABSENT: dict[Signal, set[Occasion]] = {
    "traces": set(),
    "metrics": {
        Occasion.CUMULATIVE_PAIR,
        Occasion.MONOTONIC_PAIR,
        Occasion.DELTA_PAIR,
        Occasion.SUMMARY_PAIR,
        Occasion.NAMED_AGAIN,
        Occasion.EMPTY_HISTOGRAM,
        Occasion.NEGATIVE_HISTOGRAM,
    },
    "logs": set(),
}


def occasions_of(group: str) -> set[Occasion]:
    return {
        occasion
        for occasion, rules in RULES_BY_OCCASION.items()
        if any(rule.startswith(f"OTLP-{group}-") for rule in rules)
    }


@pytest.mark.parametrize(
    ("signal", "group"), [("traces", "TRACE"), ("metrics", "METRIC"), ("logs", "LOG")]
)
def test_a_rich_request_is_an_occasion_for_all_but_what_it_lacks(
    signal: Signal, group: str
) -> None:
    assert occasions_of(group) - set(counted(signal, [RIGHT[signal]()])) == ABSENT[signal]


def test_two_exports_make_pairs() -> None:
    seen = counted("metrics", [metric_request(export=1), metric_request(export=2)])
    pairs = {occasion: seen.get(occasion, 0) for occasion in ABSENT["metrics"]}
    assert pairs == {
        Occasion.CUMULATIVE_PAIR: 2,
        Occasion.MONOTONIC_PAIR: 1,
        Occasion.DELTA_PAIR: 3,
        Occasion.SUMMARY_PAIR: 1,
        Occasion.NAMED_AGAIN: 6,
        Occasion.EMPTY_HISTOGRAM: 0,
        Occasion.NEGATIVE_HISTOGRAM: 0,
    }


def test_numbers_are_exact() -> None:
    seen = counted("traces", [trace_request()])
    assert seen[Occasion.SPAN] == 2
    assert seen[Occasion.ROOT_SPAN] == 1
    assert seen[Occasion.RELATED_SPAN] == 1
    assert seen[Occasion.LINK] == 1
    assert seen[Occasion.STATUS_MESSAGE] == 1
    assert seen[Occasion.MAP_VALUE] == 1


def test_what_was_refused_is_not_counted() -> None:
    request = accepted("traces", trace_request())
    request.problem = Problem(kind="malformed", rule="OTLP-HTTP-008", message="bad")
    assert count_occasions([request]) == {}


def test_what_cannot_be_decoded_is_not_counted() -> None:
    request = accepted("traces", trace_request())
    request.body = b"\xff"
    assert count_occasions([request]) == {}


def test_one_data_point_without_a_value_is_none_for_rules_about_values() -> None:
    message = metric_request()
    for metric in message.resource_metrics[0].scope_metrics[0].metrics:
        for point in getattr(metric, str(metric.WhichOneof("data"))).data_points:
            point.flags = 1
    seen = counted("metrics", [message])
    assert seen[Occasion.POINT] == 7
    assert Occasion.NUMBER_POINT not in seen
    assert Occasion.HISTOGRAM_POINT not in seen

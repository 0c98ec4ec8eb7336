"""Growth and jitter of waits, told from what a busy machine adds."""

import random
from collections.abc import Callable

import pytest

from otlptest.conformance.exporter.retries.backoff_statistics import (
    agreed,
    failures_in_a_row,
    judged_growth,
    judged_jitter,
    measured_noise,
)
from otlptest.results import failed, passed
from otlptest.timing import Deadline

RULE = "OTLP-RESP-041"
RUNS = 9


def waits(
    *, first: float = 1.0, growth: float = 2.0, jitter: float = 0.2, number: int = 3, seed: int = 1
) -> list[list[float]]:
    """Of some runs of a client that waits so."""
    chance = random.Random(seed)  # noqa: S311 -- must be repeatable
    return [
        [
            first * growth**place * chance.uniform(1 - jitter, 1 + jitter) + chance.random() * 0.003
            for place in range(number)
        ]
        for _ in range(RUNS)
    ]


def following(
    rule: Callable[[int, random.Random], float], number: int, seed: int = 1
) -> list[list[float]]:
    """Of some runs of a client that waits by a rule, on a machine with a little to do."""
    chance = random.Random(seed)  # noqa: S311 -- must be repeatable
    return [
        [rule(place, chance) + chance.random() * 0.003 for place in range(number)]
        for _ in range(RUNS)
    ]


def java_over_http() -> list[list[float]]:
    """As measured with Java: two waits in each run, a third in some."""
    return [
        [1.063, 1.443, 2.156],
        [1.198, 1.787],
        [1.188, 1.786, 2.208],
        [1.035, 1.288, 2.182],
        [1.175, 1.616],
        [0.871, 1.447, 2.682],
        [1.095, 1.427, 1.962],
        [1.214, 1.507],
        [0.965, 1.459, 2.686],
    ]


def test_growth_is_seen_in_the_waits_that_enough_runs_have() -> None:
    found = judged_growth(RULE, java_over_http())
    assert found.outcome == "passed"
    assert "wait number 2 was 1.39 times" in found.evidence
    steady = [[1.0, 1.0, 1.0][: len(run)] for run in java_over_http()]
    assert judged_growth(RULE, steady).outcome == "failed"
    assert judged_growth(RULE, [run[:1] for run in steady]).outcome == "inconclusive"
    assert judged_growth(RULE, [[], *steady[:6]]).outcome == "inconclusive"


def linear(place: int, chance: random.Random) -> float:
    """As otel-cli does: 0, 100, 200 ms and so on."""
    return 0.1 * place


def small(place: int, chance: random.Random) -> float:
    return float(min(5.0, 0.02 * 2**place) * chance.uniform(0.5, 1.0))


def absolute(place: int, chance: random.Random) -> float:
    return float(2.0**place + chance.randint(0, 100) / 1000)


def after_none(place: int, chance: random.Random) -> float:
    """The first attempt at once, the others after a little jitter."""
    return absolute(place, chance) if place else 0.0


def capped(place: int, chance: random.Random) -> float:
    return float(min(0.5, 0.1 * 2**place) * chance.uniform(0.8, 1.2))


def busy(place: int, chance: random.Random) -> float:
    """No jitter, on a machine that is late one time in five."""
    return float(0.4 * 2**place + (chance.random() * 0.2 if chance.random() < 0.2 else 0.0))


def stretched(rows: list[list[float]]) -> list[list[float]]:
    """The same with one wait in which the machine was busy."""
    return [[*rows[0][:-1], rows[0][-1] * 2.5], *rows[1:]]


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        pytest.param(waits(), "passed", id="doubled"),
        pytest.param(waits(growth=1.5, jitter=0.5), "passed", id="grown by half, much jitter"),
        pytest.param(waits(growth=1.0), "failed", id="always the same"),
        pytest.param(stretched(waits(growth=1.0)), "failed", id="the same, one stretched"),
        pytest.param(waits(first=0.002, growth=1.0, number=9), "failed", id="none"),
        pytest.param(waits(first=0.002, growth=1.0), "inconclusive", id="few, and hardly any"),
        pytest.param(waits(first=0.002, growth=1.4, number=9), "inconclusive", id="short, growing"),
        pytest.param(following(linear, 10), "failed", id="by the same time each time"),
        pytest.param(following(linear, 4), "passed", id="the same, too few to tell"),
        pytest.param(following(small, 9), "passed", id="from 20 ms on"),
        pytest.param(following(small, 3), "inconclusive", id="from 20 ms on, three times"),
        pytest.param(following(absolute, 3), "passed", id="doubled, and some"),
        pytest.param(following(capped, 5), "passed", id="doubled, up to a longest one"),
        pytest.param(waits(growth=1.5, number=8, jitter=0.1), "passed", id="slowly, eight times"),
        pytest.param(waits(growth=1.0, jitter=0.9, seed=4), "inconclusive", id="left to chance"),
        pytest.param(waits(number=1), "inconclusive", id="one wait each"),
        pytest.param(waits()[:4], "inconclusive", id="few runs"),
        pytest.param([], "inconclusive", id="no runs"),
    ],
)
def test_waits_that_grow(rows: list[list[float]], outcome: str) -> None:
    assert judged_growth(RULE, rows).outcome == outcome


@pytest.mark.parametrize("seed", range(20))
def test_no_client_with_jitter_is_accused(seed: int) -> None:
    for jitter in (0.2, 0.5):
        rows = waits(jitter=jitter, seed=seed)
        assert judged_jitter(RULE, rows).outcome == "passed"
        assert judged_growth(RULE, rows).outcome == "passed"
    for rule, number in ((small, 9), (absolute, 3), (capped, 8), (after_none, 3)):
        rows = following(rule, number, seed)
        assert judged_jitter(RULE, rows, 0.002).outcome != "failed", rule
        assert judged_growth(RULE, rows).outcome != "failed", rule


@pytest.mark.parametrize("seed", range(20))
def test_a_busy_machine_is_no_jitter(seed: int) -> None:
    assert judged_jitter(RULE, following(busy, 3, seed)).outcome == "failed"


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        pytest.param(waits(jitter=0.0), "failed", id="always the same"),
        pytest.param(stretched(waits(jitter=0.0)), "failed", id="the same, one stretched"),
        pytest.param(waits(first=0.002, growth=1.0, number=9), "failed", id="none"),
        pytest.param(waits(first=0.002), "inconclusive", id="few, and hardly any"),
        pytest.param(following(small, 9), "passed", id="from 20 ms on"),
        pytest.param(following(absolute, 3), "inconclusive", id="a little, whatever the wait"),
        pytest.param(waits()[:4], "inconclusive", id="few runs"),
        pytest.param([], "inconclusive", id="no runs"),
    ],
)
def test_waits_that_differ(rows: list[list[float]], outcome: str) -> None:
    assert judged_jitter(RULE, rows).outcome == outcome


def test_the_noise_of_a_machine_makes_small_differences_unclear() -> None:
    rows = waits(first=0.1, jitter=0.1)
    assert judged_jitter(RULE, rows, 0.001).outcome == "passed"
    assert judged_jitter(RULE, rows, 0.1).outcome == "inconclusive"


def test_what_is_left_out_of_the_waits_is_told() -> None:
    found = judged_jitter(RULE, [[2.0 + 0.001 * run] for run in range(RUNS)], 0.003)
    assert found.evidence == (
        "no jitter: wait number 1 of 9 runs: the quicker half lies within 0.004 s (0.2%), all but"
        " the 2 longest within 0.006 s (0.3%; a busy machine makes some longer); without jitter"
        " they may differ by 0.009 s on this machine. seconds waited, run by run: 2.000; 2.001;"
        " 2.002; 2.003; 2.004; 2.005; 2.006; 2.007; 2.008"
    )


@pytest.mark.parametrize(
    ("first_s", "number"), [(None, 3), (0.0, 10), (0.02, 8), (0.4, 4), (1.0, 3), (5.0, 2)]
)
def test_the_shorter_the_first_wait_the_more_failures(first_s: float | None, number: int) -> None:
    assert failures_in_a_row(first_s) == number


def test_only_what_shows_twice_is_broken() -> None:
    wrong = failed(RULE, "no jitter: 1")
    assert agreed(wrong, failed(RULE, "no jitter: 2")).evidence == (
        "no jitter: 1\nthe same once more: no jitter: 2"
    )
    assert agreed(wrong, passed(RULE, "jitter")).outcome == "inconclusive"
    assert agreed(passed(RULE, "jitter"), wrong).outcome == "passed"


def test_noise_is_what_our_own_waits_differ_by() -> None:
    with measured_noise() as noise_s:
        assert noise_s() == 0.0
        Deadline(1.0).pause(1.0)
        assert 0.0 <= noise_s() < 1.0

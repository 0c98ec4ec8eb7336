"""Growth and jitter of waits, told from what a busy machine adds."""

import random

import pytest

from otlptest.conformance.waits import judged_growth, judged_jitter

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


def stretched(rows: list[list[float]]) -> list[list[float]]:
    """The same with one wait in which the machine was busy."""
    return [[*rows[0][:-1], rows[0][-1] * 2.5], *rows[1:]]


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        pytest.param(waits(), "held", id="doubled"),
        pytest.param(waits(growth=1.5, jitter=0.5), "held", id="grown by half, much jitter"),
        pytest.param(waits(growth=1.0), "broken", id="always the same"),
        pytest.param(stretched(waits(growth=1.0)), "broken", id="the same, one stretched"),
        pytest.param(waits(first=0.002, growth=1.0), "broken", id="none"),
        pytest.param(waits(growth=1.0, jitter=0.9, seed=4), "not_observed", id="left to chance"),
        pytest.param(waits(number=1), "not_observed", id="one wait each"),
        pytest.param(waits()[:4], "not_observed", id="few runs"),
        pytest.param([], "not_observed", id="no runs"),
    ],
)
def test_waits_that_grow(rows: list[list[float]], outcome: str) -> None:
    assert judged_growth(RULE, rows).outcome == outcome


@pytest.mark.parametrize("seed", range(20))
def test_no_client_with_jitter_is_accused(seed: int) -> None:
    for jitter in (0.2, 0.5):
        rows = waits(jitter=jitter, seed=seed)
        assert judged_jitter(RULE, rows).outcome == "held"
        assert judged_growth(RULE, rows).outcome == "held"


@pytest.mark.parametrize(
    ("rows", "outcome"),
    [
        pytest.param(waits(jitter=0.0), "broken", id="always the same"),
        pytest.param(stretched(waits(jitter=0.0)), "broken", id="the same, one stretched"),
        pytest.param(waits(first=0.002), "broken", id="none"),
        pytest.param(waits()[:4], "not_observed", id="few runs"),
        pytest.param([], "not_observed", id="no runs"),
    ],
)
def test_waits_that_differ(rows: list[list[float]], outcome: str) -> None:
    assert judged_jitter(RULE, rows).outcome == outcome

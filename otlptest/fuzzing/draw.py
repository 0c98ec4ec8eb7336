"""Lets Hypothesis draw payloads from a seed, and shrink a failing one.

This works in portions: the memory of Hypothesis grows with each payload, and is freed with it.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

from otlptest.model import Protocol, Signal
from otlptest.strategies import Payload
from otlptest.strategies.payloads import Topic, topics_of

PORTION: Final = 500
"""The number of payloads that Hypothesis draws in one go."""

_FEWEST: Final = 4  # payloads about one topic: the first ones are the simplest
_FEWEST_RIGHT: Final = 12


class FailedError(Exception):
    """Tells Hypothesis that a payload failed, so that it looks for a smaller one."""


def topics_in_order(
    protocol: Protocol, signals: Sequence[Signal], *, seed: int
) -> tuple[Topic, ...]:
    """Return all topics: first valid requests, then the others in an order from the seed.

    Going through all of them, instead of drawing them, leaves nothing rare to chance.
    """
    topics = [topic for signal in signals for topic in topics_of(signal, protocol)]
    right = [topic for topic in topics if topic.validity == "valid"]
    others = [topic for topic in topics if topic.validity != "valid"]
    _chance(seed, protocol).shuffle(others)
    return (*right, *others)


def share_of(topic: Topic, left: int, topics: int) -> int:
    """Return how many of the remaining payloads go to the next of `topics` topics."""
    fair = -(-left // topics)
    if topic.validity == "valid":
        return min(left, max(_FEWEST_RIGHT, min(PORTION, 3 * fair)))
    return min(left, max(_FEWEST, min(PORTION, fair)))


def seed_of(base: int, protocol: str, portion: int) -> int:
    """Return the seed of a portion, different for each protocol and portion."""
    return _chance(base, f"{protocol}/{portion}").getrandbits(64)


def _chance(base: int, purpose: str) -> random.Random:
    return random.Random(f"{base}/{purpose}")  # noqa: S311 -- repeatable, not secret


def run_portion(
    payloads: SearchStrategy[Payload], number: int, count: int, test: Callable[[Payload], None]
) -> None:
    """Draw `count` payloads and test each; if one fails, shrink it instead of going on.

    Args:
        payloads: The strategy to draw from.
        number: The seed.
        count: How many.
        test: Raises `FailedError` for one that fails. It is called for every shrinking attempt
            too, and keeps its own records.
    """

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,  # which Hypothesis turns on where CI is set
        backend="hypothesis",
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
    @given(payloads)
    def each(payload: Payload) -> None:
        test(payload)

    try:
        each()
    except (FailedError, HypothesisException):
        return  # a receiver that fails now and then is flaky to Hypothesis; `test` knows better

"""Lets Hypothesis draw payloads from a seed, and shrink the one that fails.

In portions: what Hypothesis remembers of a run grows with each payload, and is dropped with it.
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
"""Payloads that Hypothesis draws in one go."""

_FEWEST: Final = 4  # payloads about one topic: the first ones are the simplest
_FEWEST_RIGHT: Final = 12


class FailedError(Exception):
    """A payload showed a fault: Hypothesis looks for a smaller one that does."""


def topics_in_order(
    protocol: Protocol, signals: Sequence[Signal], *, seed: int
) -> tuple[Topic, ...]:
    """All topics: first right requests, then the others in an order that the seed decides.

    To go through them, rather than to draw them too, leaves nothing rare to chance.
    """
    topics = [topic for signal in signals for topic in topics_of(signal, protocol)]
    right = [topic for topic in topics if topic.validity == "valid"]
    others = [topic for topic in topics if topic.validity != "valid"]
    _chance(seed, protocol).shuffle(others)
    return (*right, *others)


def share_of(topic: Topic, left: int, topics: int) -> int:
    """Return how many of the payloads that are left go to a topic, the next of so many."""
    fair = -(-left // topics)
    if topic.validity == "valid":
        return min(left, max(_FEWEST_RIGHT, min(PORTION, 3 * fair)))
    return min(left, max(_FEWEST, min(PORTION, fair)))


def seed_of(base: int, protocol: str, portion: int) -> int:
    """The seed of a portion, which is another one for each protocol and portion."""
    return _chance(base, f"{protocol}/{portion}").getrandbits(64)


def _chance(base: int, purpose: str) -> random.Random:
    return random.Random(f"{base}/{purpose}")  # noqa: S311 -- repeatable, not secret


def run_portion(
    payloads: SearchStrategy[Payload], number: int, count: int, test: Callable[[Payload], None]
) -> None:
    """Draw `count` payloads and test each; once one fails, shrink it instead of going on.

    Args:
        payloads: What to draw from.
        number: The seed.
        count: How many.
        test: Raises `FailedError` for one that fails. It is called for every attempt to shrink it
            too, and keeps what it wants to know.
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

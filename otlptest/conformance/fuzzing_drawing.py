"""Lets Hypothesis draw payloads from a seed, and shrink the one that fails.

In portions: what Hypothesis remembers of a run grows with each payload, and is dropped with it.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import HypothesisException
from hypothesis.strategies import DrawFn, SearchStrategy, composite

from otlptest.model import Protocol, Signal
from otlptest.strategies import Payload, Validity, encoded

__all__ = ["PORTION", "FailedError", "fuzzed_payloads", "run_portion", "seed_of"]

PORTION: Final = 500
"""Payloads that Hypothesis draws in one go."""

_SHARES: Final[tuple[Validity, ...]] = ("invalid", "borderline", "valid", "invalid", "borderline")


class FailedError(Exception):
    """A payload showed a fault: Hypothesis looks for a smaller one that does."""


def fuzzed_payloads(
    protocol: Protocol, signals: Sequence[Signal], *, at_unix_nano: int
) -> SearchStrategy[Payload]:
    """Payloads of all signals, two fifths invalid, two fifths borderline, one fifth valid."""
    kinds = [(signal, validity) for validity in _SHARES for signal in signals]
    strategies = [
        encoded(signal, protocol=protocol, validity=validity, at_unix_nano=at_unix_nano)
        for signal, validity in kinds
    ]
    return _one_of(tuple(strategies))


@composite
def _one_of(draw: DrawFn, strategies: tuple[SearchStrategy[Payload], ...]) -> Payload:
    from hypothesis import strategies as st  # noqa: PLC0415 -- the argument has its name

    return draw(strategies[draw(st.integers(0, len(strategies) - 1))])


def seed_of(base: int, protocol: str, portion: int) -> int:
    """The seed of a portion, which is another one for each protocol and portion."""
    return random.Random(f"{base}/{protocol}/{portion}").getrandbits(64)  # noqa: S311 -- repeatable, not secret


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

"""Quantiles of buckets: the place of the value with a given rank.

The quantile `q` of `n` values is the value of rank `⌈q·n⌉` in ascending order (the first for
`q = 0`), as in "nearest rank". `q` counts as the decimal number as written: the quantile
0.07 of 100 values is the 7th, though the double 0.07 is a little more.
"""

import math
from collections.abc import Iterable
from fractions import Fraction

from otlptest.errors import UsageError
from otlptest.queries.messages.wording import show


def checked_quantile(q: float) -> float:
    """Return `q` itself, if it is a quantile.

    Raises:
        UsageError: It is not a number from 0 to 1.
    """
    given: object = q  # callers may be untyped
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 <= q <= 1:
        return float(q)
    raise UsageError(
        f"a quantile must be a number from 0 to 1, and is {show(given)}",
        "quantile(0.99) for the 99th percentile",
    )


def quantile_rank(q: float, count: int) -> int:
    """Return the rank, from 1, of the quantile among `count` values."""
    return max(1, math.ceil(Fraction(repr(q)) * count))


def ranked_bounds(
    rank: int, buckets: Iterable[tuple[tuple[float, float], int]]
) -> tuple[float, float] | None:
    """Return the bounds of the bucket with the value of a rank; None with fewer values."""
    passed = 0
    for bounds, count in buckets:
        passed += count
        if count and passed >= rank:
            return bounds
    return None

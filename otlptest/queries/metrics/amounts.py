"""The algebra of merged points.

A *stretch* is a data point with the earlier one of its stream at which its count starts, or None
if it starts at nothing, as for every delta point. The recorded amount of a stretch is the
point less the earlier one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from otlptest.model import (
    DataPoint,
    ExponentialHistogramPoint,
    HistogramPoint,
    NumberPoint,
    SummaryPoint,
)
from otlptest.queries.metrics.exponential import ExponentialBuckets, combined_buckets

Stretch: TypeAlias = tuple[DataPoint, DataPoint | None]
"""A point, and the earlier one at which its count starts."""

_Counted: TypeAlias = HistogramPoint | ExponentialHistogramPoint | SummaryPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitBuckets:
    """The counts of a histogram with explicit bounds; upper bounds are inclusive."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    def in_order(self) -> Iterable[tuple[tuple[float, float], int]]:
        """Yield bounds and counts of all buckets, from the lowest values up."""
        lows = (-math.inf, *self.bounds)
        highs = (*self.bounds, math.inf)
        return zip(zip(lows, highs, strict=True), self.counts, strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The combined amount of histogram or summary points.

    Attributes:
        count: Number of values.
        sum: Their sum; None if a point omits it.
        min: The lowest; None if a point omits it, or it may be older than the stretch.
        max: The highest; likewise.
        buckets: The buckets; None if the points have none, or they cannot be added.
        problem: The reason why the buckets cannot be added; empty if they can.
    """

    count: int
    sum: float | None
    min: float | None = None
    max: float | None = None
    buckets: ExplicitBuckets | ExponentialBuckets | None = None
    problem: str = ""


def total_of(values: Iterable[int | float]) -> int | float:
    """Return the sum: exact for integers, rounded once for doubles, in any order."""
    several = list(values)
    if all(isinstance(value, int) for value in several):
        return sum(several)
    try:
        return math.fsum(several)
    except (OverflowError, ValueError):  # infinities of both signs, or beyond a double
        return sum(several)


def has_fallen(later: DataPoint, earlier: DataPoint) -> bool:
    """Return whether a cumulative point is below an earlier one, so must have restarted."""
    if isinstance(later, NumberPoint) and isinstance(earlier, NumberPoint):
        if later.metric.is_monotonic is False or later.value is None or earlier.value is None:
            return False
        return later.value < earlier.value
    if isinstance(later, _Counted) and isinstance(earlier, type(later)):
        return later.count < earlier.count or _has_fallen_bucket(later, earlier)
    return True  # of another kind: it contains nothing of the earlier one


def _has_fallen_bucket(later: _Counted, earlier: _Counted) -> bool:
    if isinstance(later, HistogramPoint) and isinstance(earlier, HistogramPoint):
        counts = zip(later.bucket_counts, earlier.bucket_counts, strict=False)
        same = later.explicit_bounds == earlier.explicit_bounds
        return same and any(now < before for now, before in counts)
    if isinstance(later, ExponentialHistogramPoint) and isinstance(
        earlier, ExponentialHistogramPoint
    ):
        difference = combined_buckets(
            [ExponentialBuckets.of(later)], [ExponentialBuckets.of(earlier)]
        )
        return difference.has_negative_count()
    return False


def distribution(stretches: Sequence[Stretch]) -> Distribution:
    """Return the combined amount of the stretches of histogram or summary points."""
    pairs = [
        (point, earlier if isinstance(earlier, _Counted) else None)
        for point, earlier in stretches
        if isinstance(point, _Counted)
    ]
    filled = [(p, e) for p, e in pairs if p.count or e is not None]
    buckets, problem = _buckets(filled or pairs)
    return Distribution(
        count=sum(p.count - (e.count if e else 0) for p, e in pairs),
        sum=_sum(filled),
        min=_extreme(filled, "min"),
        max=_extreme(filled, "max"),
        buckets=buckets,
        problem=problem,
    )


def _sum(pairs: Sequence[tuple[_Counted, _Counted | None]]) -> float | None:
    terms: list[float] = []
    for point, earlier in pairs:
        if point.sum is None or (earlier is not None and earlier.count and earlier.sum is None):
            return None
        terms.append(point.sum)
        if earlier is not None:
            terms.append(-(earlier.sum or 0.0))
    return float(total_of(terms))


def _extreme(pairs: Sequence[tuple[_Counted, _Counted | None]], name: str) -> float | None:
    """Return the lowest or highest value, if it is known to lie within the stretches."""
    found: list[float] = []
    for point, earlier in pairs:
        value = getattr(point, name, None)
        before = getattr(earlier, name, None) if earlier is not None and earlier.count else None
        if earlier is not None and point.count == earlier.count:
            continue
        if value is None:
            return None
        if earlier is not None and earlier.count:
            is_new = before is not None and (value < before if name == "min" else value > before)
            if not is_new:
                return None
        found.append(value)
    return (min(found) if name == "min" else max(found)) if found else None


def _buckets(
    pairs: Sequence[tuple[_Counted, _Counted | None]],
) -> tuple[ExplicitBuckets | ExponentialBuckets | None, str]:
    added = [point for point, _ in pairs]
    subtracted = [earlier for _, earlier in pairs if earlier is not None and earlier.count]
    several = [*added, *subtracted]
    if all(isinstance(point, ExponentialHistogramPoint) for point in several) and several:
        plus = [ExponentialBuckets.of(p) for p in added if isinstance(p, ExponentialHistogramPoint)]
        minus = [
            ExponentialBuckets.of(p) for p in subtracted if isinstance(p, ExponentialHistogramPoint)
        ]
        return combined_buckets(plus, minus), ""
    explicit = [point for point in several if isinstance(point, HistogramPoint)]
    if not explicit or len(explicit) < len(several):
        return None, ""
    return _explicit_buckets(explicit, len(added))


def _explicit_buckets(
    points: Sequence[HistogramPoint], added: int
) -> tuple[ExplicitBuckets | None, str]:
    shapes = dict.fromkeys((p.explicit_bounds, len(p.bucket_counts)) for p in points)
    if len(shapes) > 1:
        shown = " and then ".join(
            f"[{', '.join(f'{bound:g}' for bound in bounds)}]" if size else "no buckets"
            for bounds, size in list(shapes)[:3]
        )
        return None, f"its bounds changed between exports: {shown}"
    bounds, size = next(iter(shapes))
    if not size:
        return None, ""
    if size != len(bounds) + 1:
        return None, f"a point has {size} buckets for {len(bounds)} bounds (OTLP-METRIC-025)"
    counts = [
        sum(p.bucket_counts[place] * (1 if n < added else -1) for n, p in enumerate(points))
        for place in range(size)
    ]
    return ExplicitBuckets(bounds=bounds, counts=tuple(counts)), ""

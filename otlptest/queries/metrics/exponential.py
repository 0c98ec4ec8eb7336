"""The algebra of exponential histograms (MDM "ExponentialHistogram").

Bucket `i` at scale `s` holds values in `(b^i, b^(i+1)]` with `b = 2^(2^-s)`. Lowering the scale by
one joins the buckets `2i` and `2i + 1` into bucket `i`, so every histogram can be brought to any
lower scale without loss of counts, and histograms of different scales meet at the lowest.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from otlptest.model import Buckets, ExponentialHistogramPoint

_MOST_EXPONENT = 1024  # 2.0 ** 1024 is above every double
_FINEST_SCALE = 1000  # beyond it every bound that an index can name is 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialBuckets:
    """The counts of an exponential histogram.

    Attributes:
        scale: As in OTLP.
        zero_count: The number of values with an absolute value up to `zero_threshold`.
        zero_threshold: As in OTLP.
        positive: Counts by bucket index; buckets without values are left out.
        negative: The same for negative values, by their absolute value.
    """

    scale: int = 0
    zero_count: int = 0
    zero_threshold: float = 0.0
    positive: Mapping[int, int] = field(default_factory=dict)
    negative: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, point: ExponentialHistogramPoint) -> "ExponentialBuckets":
        """Return the counts of a point as sent."""
        return cls(
            scale=point.scale,
            zero_count=point.zero_count,
            zero_threshold=point.zero_threshold,
            positive=_by_index(point.positive),
            negative=_by_index(point.negative),
        )

    def at_scale(self, scale: int) -> "ExponentialBuckets":
        """Return the same counts at a scale that is not above its own."""
        steps = self.scale - scale
        return ExponentialBuckets(
            scale=scale,
            zero_count=self.zero_count,
            zero_threshold=self.zero_threshold,
            positive=_lowered(self.positive, steps),
            negative=_lowered(self.negative, steps),
        )

    def at_threshold(self, threshold: float) -> "ExponentialBuckets":
        """Return the same counts with a zero bucket that is at least as wide.

        The threshold must not lie within a bucket that has values.
        """
        zeros = self.zero_count
        kept: list[dict[int, int]] = []
        for buckets in (self.positive, self.negative):
            rest = {}
            for index, count in buckets.items():
                if bucket_bounds(self.scale, index)[1] <= threshold:
                    zeros += count
                else:
                    rest[index] = count
            kept.append(rest)
        return ExponentialBuckets(
            scale=self.scale,
            zero_count=zeros,
            zero_threshold=threshold,
            positive=kept[0],
            negative=kept[1],
        )

    def in_order(self) -> Iterable[tuple[tuple[float, float], int]]:
        """Yield bounds and counts of all buckets with values, from the lowest values up."""
        for index in sorted(self.negative, reverse=True):
            low, high = bucket_bounds(self.scale, index)
            yield (-high, -low), self.negative[index]
        if self.zero_count:
            yield (-self.zero_threshold, self.zero_threshold), self.zero_count
        for index in sorted(self.positive):
            yield bucket_bounds(self.scale, index), self.positive[index]

    def has_negative_count(self) -> bool:
        """Return whether a difference of two histograms shows that the later one restarted."""
        counts = (self.zero_count, *self.positive.values(), *self.negative.values())
        return any(count < 0 for count in counts)


def bucket_bounds(scale: int, index: int) -> tuple[float, float]:
    """Return lower (exclusive) and upper (inclusive) bound; exact for powers of two.

    Bounds beyond the range of a double are 0 and infinity.
    """
    return _power(scale, index), _power(scale, index + 1)


def combined_buckets(
    added: Sequence[ExponentialBuckets], subtracted: Sequence[ExponentialBuckets] = ()
) -> ExponentialBuckets:
    """Return the sum of histograms, less others, at the lowest of their scales.

    The zero bucket becomes as wide as the widest of them, and as the upper bound of each bucket
    with values that it would otherwise cut through (MDM "Zero Count and Zero Threshold").
    """
    both = [*added, *subtracted]
    scale = min((each.scale for each in both), default=0)
    both = [each.at_scale(scale) for each in both]
    threshold = _common_threshold(both, scale)
    both = [each.at_threshold(threshold) for each in both]
    signs = [1] * len(added) + [-1] * len(subtracted)
    return ExponentialBuckets(
        scale=scale,
        zero_count=sum(sign * each.zero_count for sign, each in zip(signs, both, strict=True)),
        zero_threshold=threshold,
        positive=_summed(signs, [each.positive for each in both]),
        negative=_summed(signs, [each.negative for each in both]),
    )


def _by_index(buckets: Buckets) -> dict[int, int]:
    return {
        buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count
    }


def _lowered(buckets: Mapping[int, int], steps: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for index, count in buckets.items():
        found[index >> steps] = found.get(index >> steps, 0) + count
    return found


def _common_threshold(histograms: Sequence[ExponentialBuckets], scale: int) -> float:
    threshold = max((each.zero_threshold for each in histograms), default=0.0)
    if not threshold:
        return 0.0
    indexes = {i for each in histograms for i in (*each.positive, *each.negative)}
    for index in sorted(indexes):
        low, high = bucket_bounds(scale, index)
        if low < threshold < high:
            threshold = high
    return threshold


def _summed(signs: Sequence[int], several: Sequence[Mapping[int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for sign, buckets in zip(signs, several, strict=True):
        for index, count in buckets.items():
            found[index] = found.get(index, 0) + sign * count
    return {index: count for index, count in sorted(found.items()) if count}


def _power(scale: int, index: int) -> float:
    """Return `(2^(2^-scale))^index`, split so that whole powers of two are exact."""
    if scale > _FINEST_SCALE:
        return 1.0
    if scale > 0:
        whole = index >> scale
        part = (index - (whole << scale)) * 2.0**-scale
    else:
        whole, part = index << min(-scale, _MOST_EXPONENT), 0.0
    if whole >= _MOST_EXPONENT:
        return math.inf
    return math.ldexp(2.0**part, max(whole, -2 * _MOST_EXPONENT))

"""Rules about the values of one data point (metrics.proto, MDM "Metric Points").

A point with the flag NO_RECORDED_VALUE has no values and does not come here (OTLP-METRIC-013).
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from otlptest.model import AggregationTemporality
from otlptest.validation.finding_builder import Item, Message, Notes

_MAX_INDEX: Final = 2**31 - 1
_TOLERANCE: Final = 1e-6  # of a sum of floats, relative


def check_number(notes: Notes, item: Item, data: Message, point: Message) -> None:
    """Check a point of a gauge or a sum."""
    kind = point.WhichOneof("value")
    if kind is None:
        notes.note("OTLP-METRIC-013", item, "value", "neither of them")
    elif (
        getattr(data, "is_monotonic", False)
        and data.aggregation_temporality == AggregationTemporality.DELTA
        and getattr(point, kind) < 0
    ):
        notes.note("OTLP-METRIC-018", item, "value", f"{getattr(point, kind):g}")


def check_histogram(notes: Notes, item: Item, data: Message, point: Message) -> None:
    """Check a point of a histogram with explicit bounds; it may have no buckets."""
    counts, bounds = point.bucket_counts, point.explicit_bounds
    fits = len(counts) == len(bounds) + 1 if counts else not bounds
    if not fits:
        received = f"{len(counts)} counts for {len(bounds)} bounds"
        notes.note("OTLP-METRIC-025", item, "bucket_counts", received)
    if counts and sum(counts) != point.count:
        received = f"counts of {sum(counts)} in all, and a count of {point.count}"
        notes.note("OTLP-METRIC-026", item, "bucket_counts", received)
    is_sorted = _check_bounds(notes, item, bounds)
    _check_sum(notes, item, point)
    if _check_extremes(notes, item, data, point) and fits and counts and is_sorted:
        _check_extremes_in_buckets(notes, item, point)


def check_exponential_histogram(notes: Notes, item: Item, data: Message, point: Message) -> None:
    """Check a point of an exponential histogram; no scale is wrong by itself."""
    in_buckets = sum(point.positive.bucket_counts) + sum(point.negative.bucket_counts)
    if point.count != point.zero_count + in_buckets:
        received = f"{point.zero_count} + {in_buckets}, and a count of {point.count}"
        notes.note("OTLP-METRIC-035", item, "count", received)
    for path, buckets in (("positive", point.positive), ("negative", point.negative)):
        last = buckets.offset + len(buckets.bucket_counts) - 1
        if last > _MAX_INDEX:
            received = f"buckets up to the index {last}"
            notes.note("OTLP-METRIC-036", item, path, received)
    threshold = getattr(point, "zero_threshold", 0.0)
    if not threshold >= 0:  # NaN is neither
        notes.note("OTLP-METRIC-042", item, "zero_threshold", f"{threshold:g}")
    _check_sum(notes, item, point, has_negative=any(point.negative.bucket_counts))
    _check_extremes(notes, item, data, point)


def check_summary(notes: Notes, item: Item, _data: Message, point: Message) -> None:
    """Check a point of a summary; NaN is a legal value (nothing was observed)."""
    quantiles = [value.quantile for value in point.quantile_values]
    strays = [quantile for quantile in quantiles if not 0 <= quantile <= 1]
    if strays:
        notes.note("OTLP-METRIC-044", item, "quantile_values", f"the quantile {strays[0]:g}")
    elif not _is_increasing(quantiles):
        notes.note("OTLP-METRIC-044", item, "quantile_values", _listed(quantiles))
    negative = [value.value for value in point.quantile_values if value.value < 0]
    if negative:
        notes.note("OTLP-METRIC-045", item, "quantile_values", f"the value {negative[0]:g}")
    if not point.count and point.sum:
        notes.note("OTLP-METRIC-045", item, "sum", f"a sum of {point.sum:g} beside a count of 0")


def _check_bounds(notes: Notes, item: Item, bounds: Sequence[float]) -> bool:
    """Return whether the bounds are in order."""
    if not _is_increasing(bounds) or any(map(math.isnan, bounds)):
        notes.note("OTLP-METRIC-027", item, "explicit_bounds", _listed(bounds))
        return False
    if any(map(math.isinf, bounds)):  # odd, but valid by the letter
        notes.note("OTLP-METRIC-027", item, "explicit_bounds", _listed(bounds), severity="warning")
    return True


def _check_sum(notes: Notes, item: Item, point: Message, *, has_negative: bool = False) -> None:
    if not point.HasField("sum"):
        return
    if not point.count:
        if point.sum != 0:
            received = f"a sum of {point.sum:g} beside a count of 0"
            notes.note("OTLP-METRIC-031", item, "sum", received)
    elif has_negative or (point.HasField("min") and point.min < 0):
        notes.note("OTLP-METRIC-032", item, "sum", f"{point.sum:g}")


def _check_extremes(notes: Notes, item: Item, data: Message, point: Message) -> bool:
    """Return whether min and max can be looked at further: there, and in order."""
    if not (point.count and point.HasField("min") and point.HasField("max")):
        return False
    low, high, count = point.min, point.max, point.count
    if low > high:
        notes.note("OTLP-METRIC-033", item, "min", f"a min of {low:g} and a max of {high:g}")
        return False
    is_delta = data.aggregation_temporality == AggregationTemporality.DELTA
    total = point.sum if point.HasField("sum") else math.nan
    if is_delta and all(map(math.isfinite, (low, high, total))):
        slack = _TOLERANCE * max(abs(low), abs(high)) * count
        if not low * count - slack <= total <= high * count + slack:
            received = f"{count} values from {low:g} to {high:g} with a sum of {total:g}"
            notes.note("OTLP-METRIC-033", item, "sum", received)
    return True


def _check_extremes_in_buckets(notes: Notes, item: Item, point: Message) -> None:
    for path, value in (("min", point.min), ("max", point.max)):
        if math.isnan(value):
            continue
        index = bisect_left(point.explicit_bounds, value)  # an upper bound belongs to its bucket
        if not point.bucket_counts[index]:
            notes.note("OTLP-METRIC-033", item, path, f"{value:g}, in an empty bucket")


def _is_increasing(numbers: Sequence[float]) -> bool:
    return all(low < high for low, high in pairwise(numbers))


def _listed(numbers: Sequence[float]) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:20])
    return f"{shown}, …" if len(numbers) > 20 else shown  # noqa: PLR2004 -- as many as shown

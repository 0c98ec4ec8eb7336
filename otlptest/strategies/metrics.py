"""Metrics of every kind with their points and exemplars, all valid.

The numbers of a point are consistent: they are derived from a few measurements.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.errors import UnknownNameError
from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, new, one_in, pick, upto
from otlptest.strategies.values import draw_attributes, draw_id, draw_key, draw_name, draw_value

MetricKind: TypeAlias = Literal["gauge", "sum", "histogram", "exponential_histogram", "summary"]

_KINDS: Final[tuple[MetricKind, ...]] = get_args(MetricKind)
_COMMON: Final = 3  # kinds that every receiver takes: the first ones
_UNITS: Final = ("", "1", "s", "By", "{order}", "Cel")
_BOUNDS: Final[tuple[tuple[float, ...], ...]] = (
    (),
    (0.0,),
    (1.0, 10.0),
    (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0),
    (-1.0, 0.5, 1e300),
)
_QUANTILES: Final = (0.0, 0.5, 0.9, 0.99, 1.0)
_SCALES: Final = (0, -4, -1, 1, 2)
_DELTA, _CUMULATIVE = 1, 2
_SECOND: Final = 1_000_000_000
_STARTS: Final = st.integers(0, 10 * _SECOND)
_INTERVALS: Final = st.integers(1, 60 * _SECOND)
_TOTALS: Final = st.integers(0, 2**63 - 1)
_INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)
_DOUBLES: Final = st.floats(allow_nan=False, allow_infinity=False)
_POSITIVE: Final = st.floats(0, 1e300)
_TENTHS: Final = st.integers(-50, 10_000)


def metrics(
    *, kind: MetricKind | None = None, at_unix_nano: int = DEFAULT_UNIX_NANO
) -> SearchStrategy[Any]:
    """Draw `Metric` messages with one or more points, each of a series of its own.

    Args:
        kind: `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`; any if None.
        at_unix_nano: No point starts before this time; each ends within some minutes after it.

    Raises:
        UnknownNameError: The kind does not exist.
    """
    if kind is not None and kind not in _KINDS:
        raise UnknownNameError("metric kind", kind, _KINDS)
    return st.composite(lambda draw: draw_metric(draw, at_unix_nano, kind=kind))()


def exemplars(*, at_unix_nano: int = DEFAULT_UNIX_NANO) -> SearchStrategy[Any]:
    """Draw `Exemplar` messages, with the ids of a span and without.

    Args:
        at_unix_nano: Their time.
    """
    return st.composite(lambda draw: _exemplar(draw, at_unix_nano))()


def draw_metric(
    draw: Draw,
    at_unix_nano: int,
    *,
    kind: MetricKind | None = None,
    name: str = "",
    is_common: bool = False,
) -> Any:  # noqa: ANN401 -- a generated message
    """Draw one metric; its kind and its name are drawn if they are not given.

    Only of a kind that every receiver takes, if it is to be a common one.
    """
    kinds = _KINDS[:_COMMON] if is_common else _KINDS
    chosen: MetricKind = pick(draw, kinds) if kind is None else kind
    temporalities = (_CUMULATIVE,) if is_common else (_CUMULATIVE, _DELTA)
    temporality = 0 if chosen in {"gauge", "summary"} else pick(draw, temporalities)
    is_monotonic = chosen == "sum" and bool(upto(draw, 1))
    points = []
    for number in range(1 + upto(draw, 1)):
        common = _common(draw, at_unix_nano, number, has_start=chosen != "gauge")
        is_empty = one_in(draw, 12)  # the series has ended: no recorded value
        values = {"flags": 1} if is_empty else _VALUES[chosen](draw, common, is_monotonic)
        points.append(new("metrics", _POINTS[chosen], **common, **values))
    data = new(
        "metrics",
        _DATA[chosen],
        data_points=points,
        aggregation_temporality=temporality or None,
        is_monotonic=is_monotonic or None,
    )
    metadata = [new("metrics", "KeyValue", key=draw_key(draw), value=draw_value(draw, 0))]
    return new(
        "metrics",
        "Metric",
        name=name or draw_name(draw),
        description=pick(draw, ("", "what it counts")),
        unit=pick(draw, _UNITS),
        metadata=metadata if one_in(draw, 6) else None,
        **{chosen: data},
    )


def _common(draw: Draw, at_unix_nano: int, number: int, *, has_start: bool) -> dict[str, Any]:
    """Return times, attributes and exemplars; another number makes another series."""
    start = at_unix_nano + draw(_STARTS)
    attributes = draw_attributes(draw, taken=("series",))
    if number:
        text = new("metrics", "AnyValue", string_value=str(number))
        attributes.append(new("metrics", "KeyValue", key="series", value=text))
    return {
        "start_time_unix_nano": start if has_start else pick(draw, (0, start)),
        "time_unix_nano": start + draw(_INTERVALS),
        "attributes": attributes,
    }


def _exemplars(draw: Draw, common: Mapping[str, Any]) -> list[Any]:
    taken = {each.key for each in common["attributes"]}
    return [_exemplar(draw, common["time_unix_nano"], taken) for _ in range(upto(draw, 1))]


def _exemplar(draw: Draw, time: int, taken: "set[str] | tuple[()]" = ()) -> Any:  # noqa: ANN401 -- a generated message
    inside = bool(upto(draw, 1))
    is_integer = bool(upto(draw, 1))
    return new(
        "metrics",
        "Exemplar",
        time_unix_nano=time,
        as_int=draw(_INTEGERS) if is_integer else None,
        as_double=None if is_integer else draw(_DOUBLES),
        trace_id=draw_id(draw, 16) if inside else None,
        span_id=draw_id(draw, 8) if inside else None,
        filtered_attributes=draw_attributes(draw, most=1, taken=taken),
    )


def _number(draw: Draw, common: Mapping[str, Any], is_monotonic: bool) -> dict[str, Any]:  # noqa: FBT001 -- the table's signature
    value: dict[str, Any]
    if upto(draw, 1):
        value = {"as_double": draw(_POSITIVE if is_monotonic else _DOUBLES)}
    else:
        value = {"as_int": draw(_TOTALS if is_monotonic else _INTEGERS)}
    return {**value, "exemplars": _exemplars(draw, common)}


def _histogram(draw: Draw, common: Mapping[str, Any], _is_monotonic: bool) -> dict[str, Any]:  # noqa: FBT001 -- the table's signature
    measured = _measurements(draw)
    bounds = pick(draw, _BOUNDS)
    counts = [0] * (len(bounds) + 1)
    for value in measured:
        counts[bisect_left(bounds, value)] += 1
    has_buckets = bool(bounds) or bool(upto(draw, 1))
    return {
        **_summed(draw, measured),
        "bucket_counts": counts if has_buckets else None,
        "explicit_bounds": bounds,
        "exemplars": _exemplars(draw, common),
    }


def _exponential(draw: Draw, common: Mapping[str, Any], _is_monotonic: bool) -> dict[str, Any]:  # noqa: FBT001 -- the table's signature
    measured = _measurements(draw)
    scale = pick(draw, _SCALES)
    return {
        **_summed(draw, measured),
        "scale": scale,
        "zero_count": measured.count(0.0),
        "zero_threshold": pick(draw, (None, 0.0, 0.01)),
        "positive": _buckets([value for value in measured if value > 0], scale),
        "negative": _buckets([-value for value in measured if value < 0], scale),
        "exemplars": _exemplars(draw, common),
    }


def _measurements(draw: Draw) -> list[float]:
    return [draw(_TENTHS) / 10 for _ in range(upto(draw, 4))]


def _summed(draw: Draw, measured: Sequence[float]) -> dict[str, Any]:
    """Return count, sum, min and max; a sum only if no value is negative, and only sometimes."""
    fields: dict[str, Any] = {"count": len(measured)}
    if not any(value < 0 for value in measured) and not one_in(draw, 4):
        fields["sum"] = math.fsum(measured)
    if measured and not one_in(draw, 4):
        fields |= {"min": min(measured), "max": max(measured)}
    return fields


def _buckets(values: Sequence[float], scale: int) -> Any:  # noqa: ANN401 -- a generated message
    if not values:
        return None
    indexes = [math.ceil(math.log2(value) * 2.0**scale) - 1 for value in values]
    counts = [0] * (max(indexes) - min(indexes) + 1)
    for index in indexes:
        counts[index - min(indexes)] += 1
    return new("metrics", "Buckets", offset=min(indexes), bucket_counts=counts)


def _summary(draw: Draw, _common: Mapping[str, Any], _is_monotonic: bool) -> dict[str, Any]:  # noqa: FBT001 -- the table's signature
    measured = sorted(abs(value) for value in _measurements(draw))
    quantiles = [each for each in _QUANTILES if upto(draw, 1)] if measured else []
    values = [
        new(
            "metrics",
            "ValueAtQuantile",
            quantile=quantile,
            value=measured[round(quantile * (len(measured) - 1))],
        )
        for quantile in quantiles
    ]
    return {"count": len(measured), "sum": math.fsum(measured), "quantile_values": values}


_VALUES: Final = MappingProxyType(
    {
        "gauge": _number,
        "sum": _number,
        "histogram": _histogram,
        "exponential_histogram": _exponential,
        "summary": _summary,
    }
)
_POINTS: Final = MappingProxyType(
    {
        "gauge": "NumberDataPoint",
        "sum": "NumberDataPoint",
        "histogram": "HistogramDataPoint",
        "exponential_histogram": "ExponentialHistogramDataPoint",
        "summary": "SummaryDataPoint",
    }
)
_DATA: Final = MappingProxyType(
    {
        "gauge": "Gauge",
        "sum": "Sum",
        "histogram": "Histogram",
        "exponential_histogram": "ExponentialHistogram",
        "summary": "Summary",
    }
)

"""Valid but rare metrics, and invalid ones: section 7 for receivers."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.case import ReceiverCases
from otlptest.conformance.receiver.data_cases import (
    Change,
    DataCase,
    alongside_valid_item,
    judged_corners,
    of_items,
    requirement_ids,
    with_fields,
)
from otlptest.conformance.receiver.lab import ReceiverLab
from otlptest.results import CheckResult

CASES: Final = ReceiverCases()


_DELTA: Final = 1
_CUMULATIVE: Final = 2
_SCALES: Final = (-4, 0, 3, 20)
_NAMED: Final = "otlptest.corner"


def _of(kind: str, *changes: Change, temporality: int = _CUMULATIVE) -> Change:
    """Return a metric of a kind, with a point for each change; each names its number."""

    def change(metric: Any) -> None:  # noqa: ANN401 -- a generated message
        (old,) = metric.gauge.data_points
        attributes, at = list(old.attributes), old.time_unix_nano
        metric.ClearField("gauge")
        data = getattr(metric, kind)
        if kind not in {"gauge", "summary"}:
            data.aggregation_temporality = temporality
        if kind == "sum":
            data.is_monotonic = True
        for number, each in enumerate(changes):
            point = data.data_points.add(start_time_unix_nano=at - 10**9, time_unix_nano=at)
            point.attributes.extend(attributes)
            point.attributes.add(key=_NAMED).value.string_value = str(number)
            each(point)

    return change


def _point(**fields: Any) -> Change:  # noqa: ANN401 -- fields of a point
    """Return a point; lists are filled in."""

    def change(point: Any) -> None:  # noqa: ANN401 -- as above
        for name, value in fields.items():
            if isinstance(value, list):
                getattr(point, name).extend(value)
            else:
                setattr(point, name, value)

    return change


def _exponential(scale: int, *, offset: int = 0, count: int = 1) -> Change:
    def change(point: Any) -> None:  # noqa: ANN401 -- as above
        point.count, point.sum, point.scale = count, 1.0, scale
        point.positive.offset = offset
        point.positive.bucket_counts.append(1)

    return change


def _metrics(*changes: Change) -> Callable[[str], bytes]:
    return of_items("metrics", *changes)


_RIGHT: Final = _of("gauge", _point(as_int=1))
_PLAIN: Final = _point(count=3, sum=6.0, min=1.0, max=3.0)
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType(
    {"count": 3, "sum": 0.0, "min": 0.0, "max": 0.0}
)
_BUCKETS: Final[Mapping[str, Any]] = MappingProxyType(
    {"bucket_counts": [1, 2], "explicit_bounds": [1.0]}
)

_PLAIN_HISTOGRAM: Final = _metrics(
    _of("histogram", _point(count=3, sum=6.0, min=1.0, max=3.0, **_BUCKETS))
)
_PLAIN_EXPONENTIAL: Final = _metrics(_of("exponential_histogram", _exponential(0)))

_VALID: Final = (
    DataCase(
        rule="OTLP-METRIC-030",
        what="a histogram without buckets",
        signal="metrics",
        request=_metrics(_of("histogram", _PLAIN)),
        fields=("count", "sum", "bucket_counts", "explicit_bounds"),
        plain=_PLAIN_HISTOGRAM,
    ),
    DataCase(
        rule="OTLP-METRIC-034",
        what="histograms without sum, min and max, and with all three 0",
        signal="metrics",
        request=_metrics(
            _of("histogram", _point(count=3, **_BUCKETS), _point(**_NOTHING, **_BUCKETS))
        ),
        fields=("attributes", "sum", "min", "max"),
        count=2,
        needs_read_back=True,
        plain=_PLAIN_HISTOGRAM,
    ),
    DataCase(
        rule="OTLP-METRIC-038",
        what=f"exponential histograms of scale {', '.join(map(str, _SCALES))}",
        signal="metrics",
        request=_metrics(_of("exponential_histogram", *map(_exponential, _SCALES))),
        fields=("attributes", "scale", "positive"),
        count=len(_SCALES),
        plain=_PLAIN_EXPONENTIAL,
    ),
)

# Each is valid, but not every store supports it: then it has to say so.
_KINDS: Final = tuple(
    DataCase(
        rule="OTLP-METRIC-061",
        what=what,
        signal="metrics",
        request=_metrics(change),
        fields=fields,
        is_told=True,
        needs_read_back=True,
    )
    for what, change, fields in (
        (
            "a delta sum",
            _of("sum", _point(as_int=2), temporality=_DELTA),
            ("value", "metric.temporality"),
        ),
        (
            "a delta histogram",
            _of("histogram", _point(count=3, sum=6.0, **_BUCKETS), temporality=_DELTA),
            ("count", "bucket_counts", "metric.temporality"),
        ),
        (
            "an exponential histogram",
            _of("exponential_histogram", _exponential(3)),
            ("count", "scale", "positive"),
        ),
        ("a summary", _of("summary", _point(count=2, sum=3.0)), ("count", "sum")),
    )
)

_INVALID: Final = tuple(
    DataCase(
        rule="OTLP-METRIC-062",
        what=f"{what}, beside a right metric",
        signal="metrics",
        request=_metrics(alongside_valid_item(change), _RIGHT),
        may_be_refused=True,
        needs_read_back=True,
    )
    for what, change in (
        ("a metric without data", lambda metric: metric.ClearField("gauge")),
        ("a point without a value", _of("gauge", _point())),
        ("a point at time 0", _of("gauge", _point(as_int=1, time_unix_nano=0))),
        (
            "a histogram with more bounds than buckets",
            _of("histogram", _point(count=1, bucket_counts=[1], explicit_bounds=[1.0, 2.0, 3.0])),
        ),
        (
            "a histogram whose buckets do not add up",
            _of("histogram", _point(count=9, **_BUCKETS)),
        ),
        (
            "a histogram whose bounds fall",
            _of("histogram", _point(count=3, bucket_counts=[1, 1, 1], explicit_bounds=[2.0, 1.0])),
        ),
        (
            "an exponential histogram beyond a double",
            _of("exponential_histogram", _exponential(-10, offset=10)),
        ),
        ("a quantile of 2", _of("summary", lambda point: point.quantile_values.add(quantile=2.0))),
        ("a sum of no temporality", _of("sum", _point(as_int=1), temporality=0)),
        ("a metric without a name", with_fields(name="")),
    )
)

_CORNERS: Final = (*_VALID, *_KINDS, *_INVALID)


@CASES.add(
    "data/metrics",
    "Metrics of every kind, their corners, and wrong ones beside right ones",
    requirement_ids(_CORNERS),
    signals=("metrics",),
)
def _judge_metrics(lab: ReceiverLab) -> Iterator[CheckResult]:
    return judged_corners(lab, _CORNERS)

"""Faults of metrics and their points, and what looks like one and is none."""

import math
from typing import Any

from tests.planted.planting import plants, put, steps
from tests.support.right_requests import SECOND, SPAN_ID, START, TRACE_ID, attribute

INF = math.inf
NAN = math.nan


def metric(requests: list[Any], name: str) -> Any:  # noqa: ANN401 -- a generated class
    metrics = requests[0].resource_metrics[0].scope_metrics[0].metrics
    return next(metric for metric in metrics if metric.name == name)


def point(requests: list[Any], name: str) -> Any:  # noqa: ANN401 -- a generated class
    """The last point of the metric."""
    found = metric(requests, name)
    return getattr(found, found.WhichOneof("data")).data_points[-1]


def temperature(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "temperature")


def orders(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "orders")


def hits(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "hits")


def duration(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "duration")


def size(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "size")


def legacy(requests: list[Any]) -> Any:  # noqa: ANN401 -- a generated class
    return point(requests, "legacy")


def as_delta(requests: list[Any], **values: object) -> None:
    metric(requests, "duration").histogram.aggregation_temporality = 1
    put(duration(requests), **values)


def quantile(requests: list[Any], index: int, **values: object) -> None:
    put(legacy(requests).quantile_values[index], **values)


def exemplar(requests: list[Any], **values: object) -> None:
    put(orders(requests).exemplars[0], **values)


def without_value(requests: list[Any]) -> None:
    """A point with the flag that it has no value, and values that no rule would take."""
    put(duration(requests), flags=1, count=9, start_time_unix_nano=0, bucket_counts=[1])
    orders(requests).ClearField("value")
    put(orders(requests), flags=1)


METRIC_PLANTS = plants(
    "metrics",
    ("OTLP-METRIC-001", "no name", lambda r: put(metric(r, "hits"), name="")),
    ("OTLP-METRIC-002", "no data", lambda r: metric(r, "hits").ClearField("sum")),
    ("OTLP-METRIC-003", "no points", lambda r: put(metric(r, "hits").sum, data_points=[])),
    ("OTLP-METRIC-004", "unit of 64", lambda r: put(metric(r, "hits"), unit="u" * 64)),
    (
        "OTLP-METRIC-004",
        "unit in Greek",
        lambda r: put(metric(r, "hits"), unit="\N{GREEK SMALL LETTER MU}s"),
    ),
    (None, "unit of 63", lambda r: put(metric(r, "hits"), unit="u" * 63)),
    ("OTLP-METRIC-007", "gauge at 0", lambda r: put(temperature(r), time_unix_nano=0)),
    (
        "OTLP-METRIC-007+OTLP-METRIC-009",
        "sum without times",
        lambda r: put(hits(r), time_unix_nano=0, start_time_unix_nano=0),
    ),
    ("OTLP-METRIC-009", "sum without start", lambda r: put(hits(r), start_time_unix_nano=0)),
    ("OTLP-METRIC-009", "histogram without start", lambda r: put(size(r), start_time_unix_nano=0)),
    (None, "gauge without start", lambda r: put(temperature(r), start_time_unix_nano=0)),
    (None, "summary without start", lambda r: put(legacy(r), start_time_unix_nano=0)),
    (
        "OTLP-METRIC-010",
        "start after time",
        lambda r: put(hits(r), start_time_unix_nano=START + 9 * SECOND),
    ),
    (
        None,
        "gauge with a start after its time",
        lambda r: put(temperature(r), start_time_unix_nano=START + 9 * SECOND),
    ),
    (None, "unknown start", lambda r: put(hits(r), start_time_unix_nano=START + SECOND)),
    ("OTLP-METRIC-013", "gauge without value", lambda r: temperature(r).ClearField("as_double")),
    (None, "no recorded value", without_value),
    (
        "OTLP-METRIC-016",
        "no temporality",
        lambda r: put(metric(r, "hits").sum, aggregation_temporality=0),
    ),
    (
        "OTLP-METRIC-016",
        "temporality 3",
        lambda r: put(metric(r, "duration").histogram, aggregation_temporality=3),
    ),
    ("OTLP-METRIC-018", "negative delta", lambda r: put(hits(r), as_int=-1)),
    (
        None,
        "negative delta of an up-and-down counter",
        steps(
            lambda r: put(hits(r), as_int=-1),
            lambda r: put(metric(r, "hits").sum, is_monotonic=False),
        ),
    ),
    (None, "negative gauge", lambda r: put(temperature(r), as_double=-4.0)),
    (
        "OTLP-METRIC-025",
        "as many bounds as counts",
        lambda r: put(duration(r), explicit_bounds=[1.0, 2.0, 4.0]),
    ),
    ("OTLP-METRIC-025", "bounds without counts", lambda r: put(duration(r), bucket_counts=[])),
    (None, "no buckets", lambda r: put(duration(r), bucket_counts=[], explicit_bounds=[])),
    (None, "one bucket", lambda r: put(duration(r), bucket_counts=[3], explicit_bounds=[])),
    (
        "OTLP-METRIC-026",
        "counts beyond the count",
        lambda r: put(duration(r), bucket_counts=[1, 0, 3]),
    ),
    ("OTLP-METRIC-027", "bounds that fall", lambda r: put(duration(r), explicit_bounds=[2.0, 1.0])),
    ("OTLP-METRIC-027", "a bound twice", lambda r: put(duration(r), explicit_bounds=[1.0, 1.0])),
    (
        "OTLP-METRIC-027",
        "one bound that is not a number",
        lambda r: put(duration(r), explicit_bounds=[NAN], bucket_counts=[1, 2]),
    ),
    (
        "OTLP-METRIC-027",
        "an infinite bound",
        lambda r: put(duration(r), explicit_bounds=[1.0, INF], bucket_counts=[1, 2, 0]),
    ),
    (
        "OTLP-METRIC-031",
        "a sum of nothing",
        lambda r: put(duration(r), count=0, bucket_counts=[0, 0, 0]),
    ),
    (
        None,
        "nothing counted",
        lambda r: put(duration(r), count=0, sum=0.0, bucket_counts=[0, 0, 0]),
    ),
    (None, "no sum", lambda r: duration(r).ClearField("sum")),
    ("OTLP-METRIC-032", "a sum with a negative min", lambda r: put(duration(r), min=-1.0)),
    (
        "OTLP-METRIC-032",
        "a sum with negative buckets",
        steps(lambda r: put(size(r).negative, bucket_counts=[1]), lambda r: put(size(r), count=5)),
    ),
    ("OTLP-METRIC-033", "min above max", lambda r: put(duration(r), min=4.0)),
    ("OTLP-METRIC-033", "max in an empty bucket", lambda r: put(duration(r), max=1.5)),
    ("OTLP-METRIC-033", "a sum above count times max", lambda r: as_delta(r, sum=10.0)),
    ("OTLP-METRIC-033", "a sum below count times min", lambda r: as_delta(r, sum=2.9)),
    (
        None,
        "max on an upper bound",
        lambda r: put(duration(r), min=1.0, max=2.0, bucket_counts=[1, 2, 0]),
    ),
    (None, "min alone", lambda r: duration(r).ClearField("max")),
    (None, "a delta whose sum is right", lambda r: as_delta(r, sum=9.000001)),
    (None, "a cumulative sum beyond count times max", lambda r: put(duration(r), sum=99.0)),
    (None, "min that is not a number", lambda r: put(duration(r), min=NAN)),
    ("OTLP-METRIC-035", "count beside the buckets", lambda r: put(size(r), count=5)),
    ("OTLP-METRIC-036", "an index of 2^31", lambda r: put(size(r).positive, offset=2**31 - 1)),
    (None, "the last index", lambda r: put(size(r).positive, offset=2**31 - 3)),
    ("OTLP-METRIC-042", "a negative threshold", lambda r: put(size(r), zero_threshold=-1.0)),
    (
        "OTLP-METRIC-042",
        "a threshold that is not a number",
        lambda r: put(size(r), zero_threshold=NAN),
    ),
    ("OTLP-METRIC-044", "a quantile above 1", lambda r: quantile(r, 1, quantile=1.1)),
    ("OTLP-METRIC-044", "a quantile twice", lambda r: quantile(r, 0, quantile=1.0)),
    ("OTLP-METRIC-044", "a quantile that is not a number", lambda r: quantile(r, 0, quantile=NAN)),
    ("OTLP-METRIC-045", "a negative value", lambda r: quantile(r, 0, value=-1.0)),
    ("OTLP-METRIC-045", "a sum of nothing in a summary", lambda r: put(legacy(r), count=0)),
    (None, "a value that is not a number", lambda r: quantile(r, 0, value=NAN)),
    (
        "OTLP-METRIC-048",
        "exemplar without value",
        lambda r: orders(r).exemplars[0].ClearField("value"),
    ),
    ("OTLP-METRIC-049", "exemplar with a short id", lambda r: exemplar(r, trace_id=SPAN_ID)),
    ("OTLP-METRIC-049", "exemplar with zero ids", lambda r: exemplar(r, span_id=bytes(8))),
    (
        "OTLP-METRIC-049",
        "exemplar of a histogram with a long id",
        lambda r: put(duration(r).exemplars[0], span_id=TRACE_ID),
    ),
    (None, "exemplar without ids", lambda r: exemplar(r, trace_id=b"", span_id=b"")),
    (
        "OTLP-METRIC-050",
        "filtered attribute of the point",
        lambda r: exemplar(r, filtered_attributes=[attribute("http.route")]),
    ),
    ("OTLP-METRIC-051", "exemplar at 0", lambda r: exemplar(r, time_unix_nano=0)),
    (
        "OTLP-METRIC-051",
        "exemplar before the start",
        lambda r: exemplar(r, time_unix_nano=START - SECOND),
    ),
    (
        "OTLP-METRIC-051",
        "exemplar after the point",
        lambda r: exemplar(r, time_unix_nano=START + 2 * SECOND),
    ),
    (
        None,
        "exemplar a moment before the start",
        lambda r: exemplar(r, time_unix_nano=START - 1000),
    ),
    ("OTLP-METRIC-055", "bit 1", lambda r: put(hits(r), flags=2)),
    (
        "OTLP-COMMON-001",
        "key of a point twice",
        lambda r: hits(r).attributes.append(attribute("http.route")),
    ),
    (
        "OTLP-COMMON-001",
        "key of the metadata twice",
        lambda r: metric(r, "temperature").metadata.append(attribute("help")),
    ),
    (
        "OTLP-COMMON-001",
        "filtered key twice",
        lambda r: orders(r).exemplars[0].filtered_attributes.append(attribute("user.id")),
    ),
    ("OTLP-COMMON-003", "empty key of a point", lambda r: hits(r).attributes.append(attribute(""))),
)

"""Faults that only several points or exports show, and what looks like one and is none."""

from copy import deepcopy
from typing import Any

from tests.planted.metric_faults import hits, legacy, metric, orders, point, temperature
from tests.planted.planting import plants, put, steps
from tests.support.right_requests import SECOND, START, metric_request


def exports(requests: list[Any]) -> None:
    """Three exports in all."""
    requests.extend(metric_request(export=number) for number in (2, 3))


def second(requests: list[Any], name: str, **values: object) -> None:
    """A second export that says other things of one metric."""
    requests.append(metric_request(export=2))
    put(point(requests[1:], name), **values)


def third_first(requests: list[Any]) -> None:
    requests[:] = [metric_request(export=number) for number in (3, 1, 2)]


def restarted(requests: list[Any]) -> None:
    """Everything begins again, right after the last time."""
    second(requests, "orders", as_int=1, start_time_unix_nano=START + SECOND)


def twice(requests: list[Any], name: str, **values: object) -> None:
    """Each point of the metric twice in it."""
    found = metric(requests, name)
    points = getattr(found, found.WhichOneof("data")).data_points
    points.extend(deepcopy(list(points)))
    for again in points[len(points) // 2 :]:
        put(again, **values)


def another(requests: list[Any], **values: object) -> None:
    """A metric of the name `orders` that is another one, in a second request."""
    requests.append(metric_request(export=2))
    put(metric(requests[1:], "orders"), **values)


def not_monotonic(requests: list[Any]) -> None:
    requests.append(metric_request(export=2))
    metric(requests[1:], "orders").sum.is_monotonic = False


def a_gauge(requests: list[Any]) -> None:
    requests.append(metric_request(export=2))
    found = metric(requests[1:], "orders")
    found.gauge.data_points.add(as_int=1, time_unix_nano=START + 2 * SECOND)


def other_scope(requests: list[Any]) -> None:
    another(requests, unit="1")
    requests[1].resource_metrics[0].scope_metrics[0].scope.name = "other"


def other_attributes(requests: list[Any]) -> None:
    second(requests, "orders", as_int=1, start_time_unix_nano=START - 1)
    orders(requests[1:]).attributes[0].value.string_value = "/other"


def up_and_down(requests: list[Any]) -> None:
    second(requests, "orders", as_int=1)
    for request in requests:
        metric([request], "orders").sum.is_monotonic = False


def reordered(requests: list[Any]) -> None:
    """The same resource with its attributes the other way round, and a sum that falls."""
    second(requests, "orders", as_int=1)
    requests[1].resource_metrics[0].resource.attributes.reverse()


def sent_again(requests: list[Any]) -> None:
    requests.append(deepcopy(requests[0]))


def without_start(requests: list[Any], name: str, **values: object) -> None:
    second(requests, name, start_time_unix_nano=0, **values)
    put(point(requests, name), start_time_unix_nano=0)


SERIES_PLANTS = plants(
    "metrics",
    (None, "three exports", exports),
    (None, "three exports out of order", third_first),
    ("OTLP-METRIC-005", "another unit", lambda r: another(r, unit="1")),
    ("OTLP-METRIC-005", "another monotonicity", not_monotonic),
    ("OTLP-METRIC-005", "another type", a_gauge),
    (None, "another description", lambda r: another(r, description="d")),
    (None, "another unit in another scope", other_scope),
    ("OTLP-METRIC-019", "a sum that falls", lambda r: second(r, "orders", as_int=2)),
    (
        "OTLP-METRIC-019",
        "a sum that falls and changes its type",
        lambda r: second(r, "orders", as_double=2.5),
    ),
    ("OTLP-METRIC-019", "a sum that falls under a reordered resource", reordered),
    (None, "a sum that stays", lambda r: second(r, "orders", as_int=3)),
    (None, "a sum that falls after a restart", restarted),
    (None, "another series", other_attributes),
    (None, "a sum that may fall", up_and_down),
    (
        "OTLP-METRIC-009",
        "a sum that falls and has no start",
        lambda r: without_start(r, "orders", as_int=1),
    ),
    (
        "OTLP-METRIC-020",
        "an earlier start",
        lambda r: second(r, "orders", start_time_unix_nano=START - SECOND),
    ),
    (
        "OTLP-METRIC-020",
        "a later start within the interval",
        lambda r: second(r, "duration", start_time_unix_nano=START + SECOND // 2),
    ),
    (
        "OTLP-METRIC-021",
        "deltas that overlap",
        lambda r: second(r, "hits", start_time_unix_nano=START + 1),
    ),
    (
        "OTLP-METRIC-021",
        "deltas of one interval that differ",
        lambda r: second(
            r, "hits", start_time_unix_nano=START, time_unix_nano=START + SECOND, as_int=5
        ),
    ),
    ("OTLP-METRIC-021", "deltas sent again though acknowledged", sent_again),
    (
        None,
        "deltas with a gap",
        lambda r: second(r, "hits", start_time_unix_nano=START + SECOND + 5),
    ),
    ("OTLP-METRIC-009", "deltas without start", lambda r: without_start(r, "hits")),
    ("OTLP-METRIC-024", "a delta twice in one metric", lambda r: twice(r, "hits")),
    (
        "OTLP-METRIC-024",
        "deltas in one metric that overlap",
        lambda r: twice(r, "hits", time_unix_nano=START + SECOND + 1),
    ),
    ("OTLP-METRIC-024", "a gauge twice at one time", lambda r: twice(r, "temperature")),
    ("OTLP-METRIC-024", "a sum twice at one time", lambda r: twice(r, "orders")),
    (
        "OTLP-METRIC-024",
        "sums in one metric from two starts",
        lambda r: twice(
            r, "duration", start_time_unix_nano=START + 1, time_unix_nano=START + 2 * SECOND
        ),
    ),
    (
        None,
        "a gauge at two times",
        lambda r: twice(r, "temperature", time_unix_nano=START + 2 * SECOND),
    ),
    (None, "a sum at two times", lambda r: twice(r, "orders", time_unix_nano=START + 2 * SECOND)),
    (
        "OTLP-METRIC-046",
        "a summary whose count falls",
        steps(lambda r: put(legacy(r), count=5), exports),
    ),
    ("OTLP-METRIC-046", "a summary whose sum falls", lambda r: second(r, "legacy", sum=1.0)),
    (None, "a gauge that falls", steps(exports, lambda r: put(temperature(r[2:]), as_double=0.1))),
    (
        None,
        "a delta smaller than the one before",
        steps(exports, lambda r: put(hits(r[1:]), as_int=1)),
    ),
)

"""Signs that two writers share a series: data points that one writer does not send.

A series has one writer (MDM "Single-Writer"). Two processes with one resource break that, and
the combined amount of their points is only a guess.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Final, NamedTuple

from otlptest.model import (
    DataPoint,
    ExponentialHistogramPoint,
    HistogramPoint,
    MetricType,
    NumberPoint,
    SummaryPoint,
)

_OF_STREAM: Final = frozenset(
    {"metric", "attributes", "start_time_unix_nano", "time_unix_nano", "exporter", "request"}
)
_SAID: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        kind: tuple(each.name for each in fields(kind) if each.name not in _OF_STREAM)
        for kind in (NumberPoint, HistogramPoint, ExponentialHistogramPoint, SummaryPoint)
    }
)
"""The fields of each kind of point in which points of one stream and time can differ."""

_FALLS: Final = {MetricType.SUM: "OTLP-METRIC-019", MetricType.SUMMARY: "OTLP-METRIC-046"}


def amount_of(point: DataPoint) -> int | float | None:
    """Return the value of a number, or the count of another point."""
    return point.value if isinstance(point, NumberPoint) else point.count


def all_it_says(point: DataPoint) -> tuple[str, bytes]:
    """Return a key that tells a delta point from others of its stream and time.

    A repetition has an equal key, since a request is repeated byte by byte. For a point without
    a start time the key includes the whole request: two exports within one tick of a
    clock may well have equal points of one series.
    """
    said = [getattr(point, name) for name in _SAID[type(point)]]
    text = repr(said)  # with types; NaN equals itself
    if _has_interval(point) or point.request is None:
        return text, b""
    return text, point.request.body


class Conflict(NamedTuple):
    """A sign that a series has two writers.

    Attributes:
        clause: What was received, and how it counts.
        rule: The broken requirement; empty if the points may be valid by themselves.
    """

    clause: str
    rule: str = ""

    def __str__(self) -> str:
        """Return the clause with the rule."""
        return f"{self.clause} ({self.rule})" if self.rule else self.clause


class Conflicts:
    """The first sign of each kind in one series; not thread-safe."""

    def __init__(self) -> None:
        self._found: dict[str, Conflict] = {}

    def add_same_interval(self, point: DataPoint, other: DataPoint) -> None:
        """Take in two delta points of one stream and time that differ."""
        rule = "OTLP-METRIC-021" if _has_interval(point) else ""
        clause = f"it has {_both(point, other)} for one interval, and both count"
        self._found.setdefault("interval", Conflict(clause, rule))

    def add_cumulative(self, earlier: DataPoint, later: DataPoint) -> None:
        """Take in two successive cumulative points of one stream; the lower first at one time."""
        is_same_time = earlier.time_unix_nano == later.time_unix_nano != 0
        if is_same_time and amount_of(earlier) != amount_of(later):
            clause = f"it has {_both(earlier, later)} at one time, and the latter counts"
            self._found.setdefault("time", Conflict(clause))

    def add_fall(self, earlier: DataPoint, later: DataPoint) -> None:
        """Take in two successive cumulative points of one stream that show a reset.

        Without a start time in the points there is no other way to show it.
        """
        if later.start_time_unix_nano:
            clause = f"it has {amount_of(earlier)!r} and then {amount_of(later)!r} since one start"
            rule = _FALLS.get(later.metric.type, "")
            self._found.setdefault("fall", Conflict(f"{clause}, which counts as a reset", rule))

    def found(self) -> tuple[Conflict, ...]:
        """Return the signs, those that break a rule first."""
        return tuple(sorted(self._found.values(), key=lambda each: not each.rule))


def _has_interval(point: DataPoint) -> bool:
    return 0 < point.start_time_unix_nano < point.time_unix_nano


def _both(point: DataPoint, other: DataPoint) -> str:
    return f"{amount_of(point)!r} and {amount_of(other)!r}"

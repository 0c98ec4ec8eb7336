"""Rules across the points of a series, and across the metrics of a scope.

Sources: MDM "Single-Writer", "Temporality", "Resets and Gaps", "Overlap", "Producer
recommendations". Terms: a *series* is what one producer says about one identity (scope, name, type,
unit, temporality, monotonicity) and one set of attributes; its points are compared in the order of
their times, not of arrival. A *resend* is the same point received again.

Not accused: resets (a new start that is not before the last time), gaps in delta series (nothing
was measured), unknown starts and times (0), a resend of a request that was not answered with
success at once, and points of several exports that have one time and cover no interval of their
own: a process may export twice within one tick of its clock.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from otlptest.model import AggregationTemporality, Request
from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted
from otlptest.validation.metrics import NO_RECORDED_VALUE

_PROMPT_S: Final = 1.0  # a client may give up on an answer that takes longer
_HTTP_SUCCESS: Final = range(200, 300)
_DELTA: Final = int(AggregationTemporality.DELTA)
_CUMULATIVE: Final = int(AggregationTemporality.CUMULATIVE)


class _Point(NamedTuple):
    """One point of a series; sorts by time, then start, then arrival."""

    time: int
    start: int
    arrival: int
    origin: int
    item: Item
    message: Message


class _Identity(NamedTuple):
    """The properties that two metrics of one name and scope must share (OTLP-METRIC-005)."""

    type: str
    unit: str
    temporality: int
    is_monotonic: bool


class Pair(NamedTuple):
    """Two points of one series that follow each other in time.

    Attributes:
        type: `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`.
        temporality: As in the metric; 0 if it has none.
        is_monotonic: As in the metric.
        is_successive: Whether they are of different exports and times.
        has_starts: Whether both have a start.
        has_same_start: Whether both have the same start.
    """

    type: str
    temporality: int
    is_monotonic: bool
    is_successive: bool
    has_starts: bool
    has_same_start: bool


class AllSeries:
    """All series of one pass; points go in one metric at a time, `check` judges at the end."""

    def __init__(self) -> None:
        self._identities: dict[object, _Identity] = {}
        self._series: dict[tuple[object, _Identity, object], list[_Point]] = {}
        self._origins = 0
        self._arrivals = 0

    def add(self, notes: Notes, context: Context, owner: object, metric: Message) -> None:
        """Add a metric.

        Args:
            notes: Collects conflicts of identities.
            context: The request and resource of the metric.
            owner: A key for its producer, resource and scope.
            metric: The message; one without data or name is left out.
        """
        kind = metric.WhichOneof("data")
        if kind is None or not metric.name:
            return
        data = getattr(metric, kind)
        identity = _Identity(
            kind,
            metric.unit,
            getattr(data, "aggregation_temporality", 0),
            getattr(data, "is_monotonic", False),
        )
        name = (owner, metric.name)
        first = self._identities.setdefault(name, identity)
        if first != identity:
            received = _difference(first, identity)
            notes.note("OTLP-METRIC-005", Item(context, "metric", metric), "", received)
        self._origins += 1
        for number, point in enumerate(data.data_points, start=1):
            if point.time_unix_nano and not point.flags & NO_RECORDED_VALUE:
                item = Item(context, "point", metric, number)
                self._add_point((name, identity, _series_of(point)), item, point)

    def _add_point(self, key: tuple[object, _Identity, object], item: Item, point: Message) -> None:
        self._arrivals += 1
        entry = _Point(
            point.time_unix_nano,
            point.start_time_unix_nano,
            self._arrivals,
            self._origins,
            item,
            point,
        )
        self._series.setdefault(key, []).append(entry)

    def check(self, notes: Notes) -> None:
        """Compare the points of each series."""
        for identity, before, after in self._neighbours():
            if before.time == after.time and before.origin == after.origin:
                received = f"two points of time {after.time} with the same attributes"
                notes.note("OTLP-METRIC-024", after.item, "attributes", received)
            elif identity.type == "gauge":
                continue
            elif identity.temporality == _DELTA:
                _check_delta(notes, before, after)
            elif identity.temporality == _CUMULATIVE or identity.type == "summary":
                _check_cumulative(notes, identity, before, after)

    def pairs(self) -> Iterator[Pair]:
        """Yield a summary of each pair of points that `check` compares."""
        for identity, before, after in self._neighbours():
            has_starts = bool(before.start and after.start)
            yield Pair(
                type=identity.type,
                temporality=identity.temporality,
                is_monotonic=identity.is_monotonic,
                is_successive=before.time != after.time and before.origin != after.origin,
                has_starts=has_starts,
                has_same_start=has_starts and before.start == after.start,
            )

    def _neighbours(self) -> Iterator[tuple[_Identity, _Point, _Point]]:
        for (_, identity, _), points in self._series.items():
            for before, after in pairwise(sorted(points, key=lambda point: point[:3])):
                yield identity, before, after


def _check_delta(notes: Notes, before: _Point, after: _Point) -> None:
    if not (before.start and after.start) or after.start >= before.time:
        return
    received = f"intervals {_interval(before)} and {_interval(after)}"
    if (before.start, before.time) == (after.start, after.time):
        is_resend = _is_equal(before.message, after.message)
        if is_resend and _is_excused(before, after):
            return
        again = "the same point again" if is_resend else "two points that differ"
        received = f"{again} for the interval {_interval(after)}"
    rule = "OTLP-METRIC-024" if before.origin == after.origin else "OTLP-METRIC-021"
    received = f"{received}, {_origin(before)}"
    notes.note(rule, after.item, "start_time_unix_nano", received)


def _check_cumulative(notes: Notes, identity: _Identity, before: _Point, after: _Point) -> None:
    if not (before.start and after.start) or before.time == after.time:
        return
    if before.start != after.start:
        if after.start < before.time:
            rule = "OTLP-METRIC-024" if before.origin == after.origin else "OTLP-METRIC-020"
            received = f"intervals {_interval(before)} and {_interval(after)}, {_origin(before)}"
            notes.note(rule, after.item, "start_time_unix_nano", received)
    elif identity.type == "summary":
        fallen = list(_fallen(before, after, ("count", "sum")))
        if fallen:
            notes.note("OTLP-METRIC-046", after.item, "", f"{fallen[0]}, {_origin(before)}")
    elif identity.is_monotonic:
        fallen = list(_fallen(before, after, ("value",)))
        if fallen:
            notes.note("OTLP-METRIC-019", after.item, "", f"{fallen[0]}, {_origin(before)}")


def _fallen(before: _Point, after: _Point, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        old, new = _number(before.message, name), _number(after.message, name)
        if new < old:
            yield f"a {name} of {old:g} and then of {new:g}"


def _number(point: Message, name: str) -> float:
    """Return the number of that name; NaN if absent, which is never below another."""
    member = point.WhichOneof("value") if name == "value" else name
    return float("nan") if member is None else getattr(point, member)


def _is_excused(before: _Point, after: _Point) -> bool:
    """Return whether the sender of a resend had reason for it."""
    first, second = sorted((before, after), key=lambda point: point.arrival)
    return first.origin != second.origin and not _was_acknowledged(first.item.context.request)


def _is_equal(point: Message, other: Message) -> bool:
    """Return whether two points say the same; NaN is equal to itself."""
    return bool(point == other) or point.SerializeToString() == other.SerializeToString()


def _was_acknowledged(request: Request) -> bool:
    """Return whether the sender must have seen the success of a request that was accepted."""
    return (
        request.replied_at is not None
        and request.replied_at - request.received_at < _PROMPT_S
        and request.http_status in _HTTP_SUCCESS
        and not request.grpc_status
        and not request.reply_fault
    )


def _series_of(point: Message) -> object:
    """Return a key for the attributes that ignores their order."""
    return frozenset(attribute.SerializePartialToString() for attribute in point.attributes)


def _difference(first: _Identity, other: _Identity) -> str:
    """Return the parts in which two identities differ."""
    pairs = zip(_Identity._fields, first, other, strict=True)
    return ", ".join(
        f"{name} {_shown(old)} and {_shown(new)}" for name, old, new in pairs if old != new
    )


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def _interval(point: _Point) -> str:
    return f"({point.start}, {point.time}]"


def _origin(point: _Point) -> str:
    return f"the former from request {point.item.context.request.number}"

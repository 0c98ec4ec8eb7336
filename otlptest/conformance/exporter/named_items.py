"""The items of a run by name, to be compared with those of another run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otlptest.conformance.case import COMMON_SIGNALS
from otlptest.conformance.exporter.lab import ExporterLab
from otlptest.conformance.exporter.observation import Observation
from otlptest.conformance.exporter.payloads import items_of
from otlptest.model import Attributes, LogRecord, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItems:
    """The items of a run, by name; those that share a name and differ are left out.

    Attributes:
        spans: By name.
        records: By body and event name.
        resources: The attributes of every resource, all as one name.
        points: The attributes of every data point, by the name of its metric.
    """

    spans: Mapping[str, Span]
    records: Mapping[str, LogRecord]
    resources: Mapping[str, list[Attributes]]
    points: Mapping[str, list[Attributes]]


def named_items(lab: ExporterLab, seen: Observation) -> NamedItems:
    """Return the accepted items of the lab's protocol."""
    found: list[Any] = [
        item
        for request in seen.requests
        if request.is_accepted
        and request.protocol == lab.protocol
        and request.signal in COMMON_SIGNALS
        for item in items_of(request)
    ]
    spans = [item for item in found if isinstance(item, Span)]
    records = [item for item in found if isinstance(item, LogRecord)]
    points: dict[str, list[Attributes]] = {}
    resources: list[Attributes] = []
    for item in found:
        if isinstance(item, Span | LogRecord):
            resources.append(item.resource)
        else:
            points.setdefault(item.metric.name, []).append(item.attributes)
            resources.append(item.metric.resource)
    return NamedItems(
        spans=_told_apart((span.name, span) for span in spans),
        records=_told_apart((f"{each.body!r} {each.event_name}", each) for each in records),
        resources={"": resources},
        points=points,
    )


def _told_apart(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return items by name; equal names get a number if their items are alike, or are left out.

    Such items cannot be matched with those of another run, so they may only differ in ways that do
    not affect a comparison.
    """
    named: dict[str, list[Any]] = {}
    for name, item in pairs:
        named.setdefault(name, []).append(item)
    return {
        f"{name} #{number}" if number > 1 else name: item
        for name, several in named.items()
        if len({_shape(each) for each in several}) == 1
        for number, item in enumerate(several, start=1)
    }


def _shape(item: Any) -> tuple[object, ...]:  # noqa: ANN401 -- a span or a log record
    """Return the shape that items of one name must share: values in ASCII may differ."""
    values = [
        (key, type(value).__name__, None if repr(value).isascii() else repr(value))
        for key, value in sorted(item.attributes.items())
    ]
    return (item.dropped_attributes_count, *values)

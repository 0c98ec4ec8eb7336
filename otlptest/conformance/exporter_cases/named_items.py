"""The items of a run by name, to be compared with those of another run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otlptest.conformance.cases import COMMON_SIGNALS
from otlptest.conformance.exporter_lab import ExporterLab
from otlptest.conformance.observations import Observation
from otlptest.conformance.payloads import items_of
from otlptest.model import Attributes, LogRecord, Span

__all__ = ["NamedItems", "named_items"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItems:
    """The items of a run, by name; those whose name comes twice are left out.

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
    """What came in the lab's protocol and was taken."""
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
        spans=_once((span.name, span) for span in spans),
        records=_once((f"{each.body!r} {each.event_name}", each) for each in records),
        resources={"": resources},
        points=points,
    )


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    twice: set[str] = set()
    for name, item in pairs:
        if name in found:
            twice.add(name)
        found[name] = item
    return {name: item for name, item in found.items() if name not in twice}

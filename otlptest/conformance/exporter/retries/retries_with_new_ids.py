"""Telemetry that was sent again under new ids, recognized by all its other fields.

A retry carries what was refused. An exporter that rebuilds its spans for each attempt gives them
new ids, often new times too, and then no retry is recognized by its items. Two signs remain: a run
with a refusal brings exactly that many more items than a run without, and the additional items
look like the refused ones.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Final

from otlptest.conformance.exporter.lab import ExporterLab, observed_again
from otlptest.conformance.exporter.payloads import answered_at, items_of
from otlptest.conformance.exporter.retries.delivery_attempts import DeliveryAttempts
from otlptest.model import LogRecord, Request, Signal, Span


def lookalikes(lab: ExporterLab, each: DeliveryAttempts) -> tuple[Request, ...]:
    """Return the requests that seem to carry the refused items with other ids and times.

    Empty for metrics, whose later points look like earlier ones by nature, and unless a run
    without faults shows that the command never sends as much by itself. Runs the command once
    more, without faults, if there are candidates.

    Args:
        lab: Has the observing run.
        each: The delivery that was refused, and not seen again by its ids.
    """
    look = _LOOKS.get(each.signal)
    if look is None or not each.is_hit or each.is_retried:
        return ()
    first = each.attempts[0]
    refused = _looks([first], look)
    answered = answered_at(first)
    later = [one for one in each.seen.of(each.signal) if one.started_at >= answered]
    alike = tuple(one for one in later if _looks([one], look) == refused)
    if not refused or not alike:
        return ()
    came = _looks(each.seen.of(each.signal), look)
    usual = [_looks(run.of(each.signal), look) for run in (lab.baseline, observed_again(lab))]
    return alike if all(came == one + refused for one in usual) else ()


def _looks(
    requests: tuple[Request, ...] | list[Request], look: Callable[[Any], Hashable]
) -> Counter[Hashable]:
    return Counter(look(item) for request in requests for item in items_of(request))


def _look_of_span(span: Span) -> Hashable:
    return span.name, span.kind, span.scope.name, _keys(span)


def _look_of_log(record: LogRecord) -> Hashable:
    return repr(record.body), record.severity_number, record.scope.name, _keys(record)


def _keys(item: Span | LogRecord) -> tuple[str, ...]:
    return tuple(sorted(item.attributes))


_LOOKS: Final[Mapping[Signal, Callable[[Any], Hashable]]] = MappingProxyType(
    {"traces": _look_of_span, "logs": _look_of_log}
)

"""Payloads and the attempts to deliver them: the requests that carry the same telemetry.

Exports are distinguished by their items, never counted: a batch processor sends other batches
meanwhile. Spans are the same by trace id, span id and times: a span that is exported when it starts
and again when it has ended is two items. Data points are the same by series and time, log records
by all their fields. A forwarder may split batches differently, so attempts belong together as soon
as they share one item.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields
from typing import Any

from otlptest.errors import UsageError, WireError
from otlptest.model import LogRecord, Profile, Request, Signal, Span
from otlptest.wire.otlp.otlp_protobuf import decode_request
from otlptest.wire.otlp.otlp_requests import items_from_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Telemetry that came once or several times.

    Attributes:
        signal: Its signal.
        attempts: The requests that carried it, oldest first, with any answer.
    """

    signal: Signal
    attempts: tuple[Request, ...]

    @property
    def is_repeated(self) -> bool:
        """Return whether it was sent more than once."""
        return len(self.attempts) > 1

    @property
    def intervals_s(self) -> tuple[float, ...]:
        """Seconds from each reply to the beginning of the next attempt.

        Without a reply, from the last byte of that attempt. A negative one means that the
        next attempt began before the reply.
        """
        return tuple(
            later.started_at - answered_at(earlier)
            for earlier, later in zip(self.attempts, self.attempts[1:], strict=False)
        )


def answered_at(request: Request) -> float:
    """Return when a request was answered; if never, when it was complete."""
    return request.received_at if request.replied_at is None else request.replied_at


def items_of(request: Request) -> tuple[Any, ...]:
    """Return the spans, data points, log records or profiles of a request, also of a refused one.

    Empty if its body could not be read.
    """
    return _read_items(request) or ()


def _read_items(request: Request) -> tuple[Any, ...] | None:
    """Return the items, as `items_of`; None if the body could not be read."""
    if request.signal is None or not request.body:
        return None
    try:
        protocol = request.protocol or "http/protobuf"
        message = decode_request(request.signal, request.body, protocol=protocol)
    except (WireError, UsageError):
        return None
    return tuple(items_from_request(request.signal, message, request))


def item_keys(request: Request) -> frozenset[Hashable]:
    """Return the identities of the items of a request; of one that cannot be read, its body.

    Empty for a request without items: two of them have nothing in common.
    """
    items = _read_items(request)
    if items is None:
        return frozenset({(request.signal, "body", request.body)} if request.body else ())
    return frozenset(map(_key, items))


def have_times(request: Request) -> bool:
    """Return whether all items of a request have times: log records need not."""
    return all(
        item.time_unix_nano or item.observed_time_unix_nano
        for item in items_of(request)
        if isinstance(item, LogRecord)
    )


def whole_items(requests: Iterable[Request]) -> Counter[str]:
    """Return the full content of the items of requests, with counts."""
    return Counter(_all_of(item) for request in requests for item in items_of(request))


def _all_of(item: Any) -> str:  # noqa: ANN401 -- an item of any signal
    return repr([(each.name, getattr(item, each.name)) for each in fields(item) if each.compare])


def _key(item: Any) -> Hashable:  # noqa: ANN401 -- an item of any signal
    if isinstance(item, Span):
        times = item.start_time_unix_nano, item.end_time_unix_nano
        return "span", item.trace_id, item.span_id, *times
    if isinstance(item, Profile):
        return "profile", repr(item)
    if isinstance(item, LogRecord):
        return "log", item.time_unix_nano, item.observed_time_unix_nano, _text(item)
    metric = item.metric
    return (
        "point",
        metric.name,
        metric.scope.name,
        metric.type,
        item.start_time_unix_nano,
        item.time_unix_nano,
        _sorted_text(item.attributes),
    )


def _text(record: LogRecord) -> str:
    return repr(
        (
            record.body,
            record.trace_id,
            record.span_id,
            record.severity_number,
            record.event_name,
            _sorted_text(record.attributes),
        )
    )


def _sorted_text(attributes: Any) -> str:  # noqa: ANN401 -- Attributes, whose order says nothing
    return repr(sorted((key, repr(value)) for key, value in attributes.items()))


def payloads_of(requests: Iterable[Request]) -> tuple[Payload, ...]:
    """Return the payloads with their attempts, in the order of first attempts.

    A request that carries items of two payloads makes them one. Requests that are not
    OTLP, or carry nothing, are left out.
    """
    groups: list[_Group] = []
    for request in sorted(requests, key=lambda each: each.started_at):
        keys = item_keys(request)
        if request.signal is None or not keys:
            continue
        joined = [group for group in groups if not keys.isdisjoint(group.keys)]
        if not joined:
            groups.append(_Group(request.signal, set(keys), [request]))
            continue
        first, *others = joined
        for other in others:
            first.keys |= other.keys
            first.attempts += other.attempts
            groups.remove(other)
        first.keys |= keys
        first.attempts.append(request)
    return tuple(
        Payload(
            signal=group.signal,
            attempts=tuple(sorted(group.attempts, key=lambda each: each.started_at)),
        )
        for group in groups
    )


@dataclass(slots=True, eq=False)
class _Group:
    """Attempts that share items, while they are gathered."""

    signal: Signal
    keys: set[Hashable]
    attempts: list[Request]

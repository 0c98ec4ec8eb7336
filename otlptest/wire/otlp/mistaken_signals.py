"""Requests of one signal that were sent as another's (OTLP-SRV-011).

All requests share their outer field numbers, so a logs request decodes as traces: every field of a
log record but its body has another wire type than the span field of its number, and counts as
unknown. What is left is an item without its minimal fields. Only then it is checked closely:
as an item of another signal it is whole, or at least has the missing fields.

In JSON a request of another signal is one with unknown keys only, which a reader ignores. It is
known by its key at the top.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from otlptest.model import Signal
from otlptest.wire.otlp.json_tables import plain_key
from otlptest.wire.otlp.signals import SIGNAL_BY_JSON_KEY, SIGNAL_NAMES, request_class

_ID_SIZES: Final = (16, 8)
_COMPLETE: Final[Mapping[Signal, Callable[[Any], bool]]] = MappingProxyType(
    {
        "traces": lambda span: (len(span.trace_id), len(span.span_id)) == _ID_SIZES,
        "metrics": lambda metric: bool(metric.name or _points_of(metric)),
        "logs": lambda log: bool(log.time_unix_nano or log.observed_time_unix_nano),
    }
)
"""Functions that return whether an item has the minimal fields of its signal."""


def mistake(signal: Signal, other: Signal) -> str:
    """Return the sentence that refuses a request of `other` that came as `signal`."""
    return f"a request of {other}, sent as {signal}"


def mistaken_for(signal: Signal, message: Message, body: bytes) -> Signal | None:
    """Return the actual signal of `body`; None if it may be `signal`.

    Args:
        signal: The signal it was sent as.
        message: `body`, decoded as that.
        body: The bytes.
    """
    if signal not in _COMPLETE:
        return None
    item = _first_item(signal, message)
    if item is None or _COMPLETE[signal](item):
        return None
    others = {other: _first_item_in(other, body) for other in _COMPLETE if other != signal}
    read = {other: first for other, first in others.items() if first is not None}
    whole = next((other for other, first in read.items() if _is_whole(other, first)), None)
    if whole is not None or not _is_strange(signal, item):
        return whole
    return next((other for other, first in read.items() if not _is_strange(other, first)), None)


def mistaken_json_for(signal: Signal, document: object) -> Signal | None:
    """Return the actual signal of a JSON document; None if it may be `signal`.

    Args:
        signal: The signal it was sent as.
        document: The parsed JSON.
    """
    if type(document) is not dict or SIGNAL_NAMES[signal].json_key in document:
        return None
    filled = {plain_key(key) for key, value in document.items() if value and type(value) is list}
    others = [other for key, other in SIGNAL_BY_JSON_KEY.items() if key.lower() in filled]
    return others[0] if others and signal not in others else None


def _is_strange(signal: Signal, item: Any) -> bool:  # noqa: ANN401 -- generated messages
    """Return whether an item has foreign fields, and none that shows its signal."""
    has_ids = signal == "traces" and (item.trace_id or item.span_id)
    return not (has_ids or _COMPLETE[signal](item)) and _has_unknown(item)


def _is_whole(signal: Signal, item: Any) -> bool:  # noqa: ANN401 -- generated messages
    """Return whether an item has its signal's own fields, and no foreign ones."""
    if _has_unknown(item):
        return False
    if signal == "metrics":
        points = _points_of(item)
        return bool(item.name and points) and not any(map(_has_unknown, points))
    if signal == "logs":
        return item.body.WhichOneof("value") is not None and not _has_unknown(item.body)
    return _COMPLETE[signal](item)


def _points_of(metric: Any) -> Sequence[Any]:  # noqa: ANN401 -- generated messages
    """Return the data points of a metric; empty if its data has foreign fields."""
    kind = metric.WhichOneof("data")
    data = None if kind is None else getattr(metric, kind)
    return () if data is None or _has_unknown(data) else data.data_points


def _has_unknown(message: Message) -> bool:
    return len(UnknownFieldSet(message)) > 0


def _first_item_in(signal: Signal, body: bytes) -> Any:  # noqa: ANN401 -- generated messages
    """Return the first item of a body as a request of `signal`; None if it is not one."""
    message = request_class(signal)()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return None
    return _first_item(signal, message)


def _first_item(signal: Signal, message: Any) -> Any:  # noqa: ANN401 -- generated messages
    """Return the first item of the first scope; None if that has none."""
    names = SIGNAL_NAMES[signal]
    try:
        scope = getattr(getattr(message, names.field)[0], names.scope_field)[0]
        return getattr(scope, names.item_field)[0]
    except IndexError:
        return None

"""Requests of one signal that were sent as another's (OTLP-SRV-011).

All requests share their outer field numbers, so a logs request decodes as traces: every field of a
log record has another wire type than the span field of its number, and counts as unknown. What is
left is an item without the least that an item has. Only then is it looked at closer.

In JSON a request of another signal is one with unknown keys only, which a reader ignores. It is
known by its key at the top.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from otlptest.model import Signal
from otlptest.wire.json_tables import plain_key
from otlptest.wire.signals import SIGNAL_BY_JSON_KEY, SIGNAL_NAMES, request_class

__all__ = ["mistaken_for", "mistaken_json_for"]

_HOLLOW: Final[Mapping[Signal, Callable[[Any], bool]]] = MappingProxyType(
    {
        "traces": lambda span: not (span.trace_id or span.span_id),
        "metrics": lambda metric: not metric.name,
        "logs": lambda log: not (log.time_unix_nano or log.observed_time_unix_nano),
    }
)


def mistaken_for(signal: Signal, message: Message, body: bytes) -> Signal | None:
    """The signal whose request `body` really is; None if it may be that of `signal`.

    Args:
        signal: Whose request it was sent as.
        message: `body`, decoded as that.
        body: The bytes.
    """
    if signal not in _HOLLOW or _is_sound(signal, message):
        return None
    return next((other for other in _HOLLOW if other != signal and _is_one(other, body)), None)


def mistaken_json_for(signal: Signal, document: object) -> Signal | None:
    """The signal whose request a JSON document really is; None if it may be that of `signal`.

    Args:
        signal: Whose request it was sent as.
        document: The parsed JSON.
    """
    if type(document) is not dict or SIGNAL_NAMES[signal].json_key in document:
        return None
    filled = {plain_key(key) for key, value in document.items() if value and type(value) is list}
    others = [other for key, other in SIGNAL_BY_JSON_KEY.items() if key.lower() in filled]
    return others[0] if others and signal not in others else None


def _is_one(signal: Signal, body: bytes) -> bool:
    message = request_class(signal)()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return False
    return _first_item(signal, message) is not None and _is_sound(signal, message)


def _is_sound(signal: Signal, message: Message) -> bool:
    """Whether the first item has what an item has, or nothing that is strange to it."""
    item = _first_item(signal, message)
    return item is None or not _HOLLOW[signal](item) or not len(UnknownFieldSet(item))


def _first_item(signal: Signal, message: Any) -> Any:  # noqa: ANN401 -- generated messages
    """The first item of the first scope; None if that has none."""
    names = SIGNAL_NAMES[signal]
    try:
        scope = getattr(getattr(message, names.field)[0], names.scope_field)[0]
        return getattr(scope, names.item_field)[0]
    except IndexError:
        return None

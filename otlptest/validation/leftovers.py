"""Removal of an earlier test's items from a mixed request, before it is judged.

An exporter that outlives its test sends the last items of that test and the first of the next
together. The view decides which item belongs to which test.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from otlptest.model import Request, Signal
from otlptest.validation.finding_builder import Message
from otlptest.wire.otlp.signals import SIGNAL_NAMES

IsForeign: TypeAlias = Callable[[Message], bool]
"""A function that returns whether an item belongs to an earlier test."""

ForeignItems: TypeAlias = Callable[[Request], IsForeign | None]
"""A function that returns the test for foreign items in a request; None without any."""


def nothing_foreign(_: Request) -> None:
    """Return that no request has items of an earlier test."""


def drop_leftovers(signal: Signal, message: Message, is_foreign: IsForeign) -> bool:
    """Remove items of an earlier test, and containers that become empty, from a message.

    Returns:
        False if they cannot be separated from the rest: profiles share a dictionary.
    """
    if signal == "profiles":
        return False
    names = SIGNAL_NAMES[signal]
    layers = [names.field, names.scope_field, names.item_field]
    layers += ["data_points"] if signal == "metrics" else []
    _cut(message, layers, is_foreign)
    return True


def _cut(holder: Message, layers: Sequence[str], is_foreign: Callable[[Message], bool]) -> None:
    members = _members(holder, layers[0])
    for at in range(len(members) - 1, -1, -1):
        member = members[at]
        if len(layers) == 1:
            is_gone = is_foreign(member)
        else:
            had_some = len(_members(member, layers[1])) > 0
            _cut(member, layers[1:], is_foreign)
            is_gone = had_some and not _members(member, layers[1])
        if is_gone:
            del members[at]


def _members(holder: Message, layer: str) -> Any:  # noqa: ANN401 -- a repeated field, which can be cut
    if layer != "data_points":
        return getattr(holder, layer)
    kind = holder.WhichOneof("data")
    return getattr(holder, kind).data_points if kind else []

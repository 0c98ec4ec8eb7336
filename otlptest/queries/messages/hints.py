"""The hints of messages: each fits the facts, or there is none.

"Flush it" helps if the awaited item may still be in a batch. It does not help if
the wanted item arrived and differs, nor in a verdict whose evidence says that everything arrived.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from otlptest.queries.criteria.conditions import Difference

FLUSH: Final = "if the SDK batches, flush it before waiting (force_flush)"

_NEAR: Final = 0.5  # a name with a smaller distance is probably the same, misspelt
_TYPES: Final = frozenset({"int", "str", "double", "bool", "bytes", "list", "mapping"})
_NAMES: Final = frozenset({"name", "event_name"})


def closest_hint(differences: Sequence[Difference]) -> str:
    """Return the hint in the differences of the closest candidate; empty if there is none."""
    for each in differences:
        if "; there is " in each.received:
            return "the attribute has another name than the test expects"
        if {each.expected.split(" ")[0], each.received.split(" ")[0]} <= _TYPES:
            return "attribute values compare by OTLP type: 1, 1.0, '1' and True are four values"
    if len(differences) == 1 and differences[0].field in _NAMES and differences[0].distance < _NEAR:
        return "a name much like it was received: is it misspelt, in the test or in the program?"
    return ""


def wait_hint(*, differs: bool) -> str:
    """Return a hint for a wait without a match, after which one that `differs` came near."""
    if differs:
        return (
            "the closest did arrive, and differs; if another is meant, flush the SDK before waiting"
            " (force_flush)"
        )
    return FLUSH


def look_hint(*, differs: bool) -> str:
    """Return what may help a look that did not wait and found no match."""
    if differs:
        return "the closest did arrive, and differs; if another is meant, wait_for_first(…) waits"
    return "this looks once; wait_for_first(…) waits for what is still on its way"


def with_loop_hint(hint: str, nouns: str) -> str:
    """Return `hint`, with a line before it if the failed wait blocked an event loop.

    Senders in that loop could not go on. A wait for another process works there, so
    it is not a mistake by itself.

    Args:
        hint: The other hint.
        nouns: The awaited items: `spans`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return hint
    query = nouns.split(maxsplit=1)[0].removesuffix("s") + "s"  # `log records` are `logs`
    blocked = (
        "this wait blocked the event loop of its thread, and what runs there:"
        f" await otlp.aio.{query}.wait_for_…(…)"
    )
    return f"{blocked}\n{hint}".rstrip()

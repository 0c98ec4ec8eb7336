"""What a message advises: a hint fits what happened, or there is none.

"Flush it" helps where something is waited for that may still be in a batch. It is no help where
the wanted item arrived and differs, nor in a verdict whose evidence says that all has arrived.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from otlptest.queries.criteria.conditions import Difference

FLUSH: Final = "if the SDK batches, flush it before waiting (force_flush)"

_NEAR: Final = 0.5  # a name with a smaller distance is likely the same, misspelt
_TYPES: Final = frozenset({"int", "str", "double", "bool", "bytes", "list", "mapping"})
_NAMES: Final = frozenset({"name", "event_name"})


def closest_hint(differences: Sequence[Difference]) -> str:
    """Return what the differences of the closest candidate suggest; empty if nothing more."""
    for each in differences:
        if "; there is " in each.received:
            return "the attribute has another name than the test expects"
        if {each.expected.split(" ")[0], each.received.split(" ")[0]} <= _TYPES:
            return "attribute values compare by OTLP type: 1, 1.0, '1' and True are four values"
    if len(differences) == 1 and differences[0].field in _NAMES and differences[0].distance < _NEAR:
        return "a name much like it was received: is it misspelt, in the test or in the program?"
    return ""


def wait_hint(*, differs: bool) -> str:
    """What may help a wait that ended without a match, where one that `differs` came near."""
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
    """`hint`, with a line before it if the wait that has failed blocked an event loop.

    What would have sent in that loop could not go on. A wait for another process works there, so
    it is no mistake by itself.

    Args:
        hint: What else may help.
        nouns: What was waited for: `spans`.
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

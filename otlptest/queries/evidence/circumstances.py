"""Explanations of missing telemetry that are not a fault of the sender.

The test planned a fault, set a variable, or ended the program: a message that omits this
blames the sender wrongly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from otlptest.queries.sources import Kind, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """One thing that may explain what is missing.

    Attributes:
        fact: A line below "received".
        hint: The consequence; empty if the fact is not a reason by itself.
    """

    fact: str
    hint: str = ""


@runtime_checkable
class Explaining(Protocol):
    """A source that knows what else the test did."""

    def circumstances(self, kind: Kind) -> Sequence[Circumstance]:
        """Return what may explain that items of a kind are missing."""
        ...


def circumstances(source: Source, kind: Kind) -> Sequence[Circumstance]:
    """Return the circumstances that `source` knows; empty if it knows none."""
    return source.circumstances(kind) if isinstance(source, Explaining) else ()

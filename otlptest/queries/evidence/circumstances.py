"""What explains that telemetry is missing, and is not a fault of the sender: told by a source.

The test planned a fault, set a variable, or ended the program: a message that does not say so
accuses the wrong one.
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
        hint: What follows from it; empty if the fact is no reason by itself.
    """

    fact: str
    hint: str = ""


@runtime_checkable
class Explaining(Protocol):
    """A source that knows what the test did besides receiving."""

    def circumstances(self, kind: Kind) -> Sequence[Circumstance]:
        """Return what may explain that items of a kind are missing."""
        ...


def circumstances(source: Source, kind: Kind) -> Sequence[Circumstance]:
    """Return what `source` knows of it; empty if it does not know such things."""
    return source.circumstances(kind) if isinstance(source, Explaining) else ()

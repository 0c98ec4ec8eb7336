"""A planted fault: what is done to requests that are right, and which rule must be found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otlptest.model import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One fault.

    Attributes:
        rule: The rule that must be found; None if the change is legal and nothing must be.
        name: What is planted, as an id.
        signal: Which right requests it is planted into.
        change: Plants it; gets the list of requests, which it may lengthen.
        also: Rules that cannot but be broken along with it.
    """

    rule: str | None
    name: str
    signal: Signal
    change: Callable[[list[Any]], object]
    also: frozenset[str] = frozenset()

    @property
    def test_id(self) -> str:
        """Names it in the list of tests."""
        return f"{self.rule or 'legal'}: {self.name}"


def plants(
    signal: Signal, *rows: tuple[str | None, str, Callable[[list[Any]], object]]
) -> tuple[Plant, ...]:
    """Plants of one signal, from `(rule, name, change)`; `A+B` is rule A, which entails B."""
    return tuple(_plant(signal, *row) for row in rows)


def _plant(
    signal: Signal, rule: str | None, name: str, change: Callable[[list[Any]], object]
) -> Plant:
    first, *more = (rule or "").split("+")
    return Plant(rule=first or None, name=name, signal=signal, change=change, also=frozenset(more))


def steps(*changes: Callable[[list[Any]], object]) -> Callable[[list[Any]], None]:
    """Several changes, one after the other."""

    def change(requests: list[Any]) -> None:
        for step in changes:
            step(requests)

    return change


def put(target: Any, **values: object) -> None:  # noqa: ANN401 -- a generated class
    """Set fields of a message; lists are replaced."""
    for name, value in values.items():
        if isinstance(value, list):
            target.ClearField(name)
            getattr(target, name).extend(value)
        else:
            setattr(target, name, value)

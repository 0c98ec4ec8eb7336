"""The base of matchers, and the comparison of values with matchers in them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from otlptest.model import same_value
from otlptest.queries.messages.wording import otlp_type, show, show_typed


class Matcher:
    """A value that stands for many; made by the functions of `otlptest.match`. Immutable.

    Two matchers are equal when they were written alike.
    """

    __slots__ = ("_explain", "_needs", "_test", "arguments", "name", "options")

    name: str
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...]
    _test: Callable[[object], bool]
    _needs: str
    _explain: Callable[[object], str] | None

    def __init__(
        self,
        name: str,
        arguments: tuple[object, ...],
        test: Callable[[object], bool],
        *,
        options: tuple[tuple[str, object], ...] = (),
        needs: str = "",
        explain: Callable[[object], str] | None = None,
    ) -> None:
        place = object.__setattr__
        place(self, "name", name)
        place(self, "arguments", arguments)
        place(self, "options", options)
        place(self, "_test", test)
        place(self, "_needs", needs)
        place(self, "_explain", explain)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to change: a matcher is shared between queries.

        Raises:
            AttributeError: Always.
        """
        raise AttributeError(f"a matcher cannot be changed: {name}")

    def matches(self, value: object) -> bool:
        """Return whether it stands for `value`; never raise."""
        return self._test(value)

    def explain(self, value: object) -> str:
        """Return the received value in words that show why it does not match."""
        if self._explain is not None:
            return self._explain(value)
        kind = otlp_type(value)
        wanted = {"number": {"int", "double"}}.get(self._needs, {self._needs})
        if self._needs and kind != "absent" and kind not in wanted:
            return show_typed(value)
        return show(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Matcher) and self._written() == other._written()

    def __hash__(self) -> int:
        return hash(self._written())

    def __repr__(self) -> str:
        return self._written()

    def _written(self) -> str:
        given = [_shown_argument(each) for each in self.arguments]
        given += [f"{key}={show(value)}" for key, value in self.options]
        return f"match.{self.name}({', '.join(given)})"

    def __reduce__(self) -> Any:  # noqa: ANN401 -- the shape pickle asks for
        return (_made_again, (self.name, self.arguments, self.options))


def _shown_argument(value: object) -> str:
    return value.__name__ if isinstance(value, type) else show(value)


def _made_again(
    name: str, arguments: tuple[object, ...], options: tuple[tuple[str, object], ...]
) -> Matcher:
    matchers = import_module("otlptest.queries.criteria.matchers")  # it is above this module
    made: Matcher = getattr(matchers, name)(*arguments, **dict(options))
    return made


def equals(wanted: object, received: object, *, numbers_alike: bool = False) -> bool:
    """Return whether `received` has the OTLP type and value of `wanted`, or is matched by it.

    `wanted` may be a matcher, or a list or mapping with matchers inside.

    Args:
        wanted: The test's value.
        received: The received value.
        numbers_alike: Whether to compare int and double by number, as JSON does.
    """
    if isinstance(wanted, Matcher):
        return wanted.matches(received)
    if isinstance(wanted, Mapping):
        return (
            isinstance(received, Mapping)
            and wanted.keys() == received.keys()
            and all(
                equals(value, received[key], numbers_alike=numbers_alike)
                for key, value in wanted.items()
            )
        )
    if isinstance(wanted, list | tuple):
        return (
            isinstance(received, list | tuple)
            and len(wanted) == len(received)
            and all(
                equals(one, other, numbers_alike=numbers_alike)
                for one, other in zip(wanted, received, strict=True)
            )
        )
    if numbers_alike and {otlp_type(wanted), otlp_type(received)} == {"int", "double"}:
        return wanted == received
    return same_value(wanted, received)

"""Attribute values, attribute collections, resources and scopes (common.proto, resource.proto)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from otlptest.errors import MissingAttributeError

AttributeValue: TypeAlias = Any
"""str | bool | int | float | bytes | list | Attributes, or None: an AnyValue with nothing set.

`Any`, because a test reads and compares these freely; the union would demand a cast at every use.
"""


class Attributes(Mapping[str, AttributeValue]):
    """A read-only mapping of attribute names to Python values.

    If a payload repeats a key, the last value counts here; the repetition itself is a finding
    (OTLP-COMMON-001). Compares equal to any mapping with the same keys and values of the same
    OTLP types: `1`, `1.0`, `"1"` and `True` are four different values.
    """

    __slots__ = ("_items",)

    _NOUN: ClassVar[str] = "attribute"

    def __init__(self, items: Mapping[str, AttributeValue] | None = None) -> None:
        self._items: dict[str, AttributeValue] = dict(items or {})

    def __getitem__(self, key: str) -> AttributeValue:
        """Return the value of an attribute.

        Raises:
            MissingAttributeError: The attribute is missing; also a `KeyError`.
        """
        __tracebackhide__ = True
        try:
            return self._items[key]
        except KeyError:
            raise MissingAttributeError(self._NOUN, key, self._items) from None

    def get(self, key: str, /, default: Any = None) -> AttributeValue:  # noqa: ANN401 -- as given
        """Return the value of an attribute, or `default` if it is missing."""
        return self._items.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return same_value(self._items, dict(other))

    def __hash__(self) -> int:
        return hash(frozenset(self._items))

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[type["Attributes"], tuple[dict[str, AttributeValue]]]:
        return (type(self), (self._items,))


def same_value(left: object, right: object) -> bool:
    """Return whether two attribute values have the same OTLP type and the same value.

    Recurses into lists and mappings; the order of a mapping does not matter. NaN equals NaN.
    """
    if isinstance(left, Mapping):
        return (
            isinstance(right, Mapping)
            and left.keys() == right.keys()
            and all(same_value(value, right[key]) for key, value in left.items())
        )
    if isinstance(left, list | tuple):
        return (
            isinstance(right, list | tuple)
            and len(left) == len(right)
            and all(map(same_value, left, right))
        )
    if _otlp_type(left) is not _otlp_type(right):
        return False
    return left == right or (left != left and right != right)  # noqa: PLR0124 -- NaN


def _otlp_type(value: object) -> type:
    for kind in (bool, int, float, str, bytes):  # bool first: it is an int to Python
        if isinstance(value, kind):
            return kind
    return type(value)


class Resource(Attributes):
    """The attributes of what produced the telemetry, with the schema URL of their names."""

    __slots__ = ("dropped_attributes_count", "schema_url")

    _NOUN: ClassVar[str] = "resource attribute"

    def __init__(
        self,
        items: Mapping[str, AttributeValue] | None = None,
        *,
        schema_url: str = "",
        dropped_attributes_count: int = 0,
    ) -> None:
        super().__init__(items)
        self.schema_url = schema_url
        self.dropped_attributes_count = dropped_attributes_count

    @property
    def service(self) -> str | None:
        """Return `service.name`, if it is present and text."""
        name = self._items.get("service.name")
        return name if isinstance(name, str) else None

    def __reduce__(self) -> Any:  # noqa: ANN401 -- the shape pickle asks for
        return (_rebuilt, (self._items, self.schema_url, self.dropped_attributes_count))


def _rebuilt(items: dict[str, AttributeValue], schema_url: str, dropped: int) -> Resource:
    return Resource(items, schema_url=schema_url, dropped_attributes_count=dropped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """common.proto `InstrumentationScope`, with the schema URL next to it."""

    name: str = ""
    version: str = ""
    attributes: Attributes = field(default_factory=Attributes)
    dropped_attributes_count: int = 0
    schema_url: str = ""

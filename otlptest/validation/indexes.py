"""The check that indexes of profiles point at existing entries of their dictionary.

A walk over every `…_index`, `…_indices` and `…_strindex` field (OTLP-PROF-008), which also
remembers what was pointed at (OTLP-PROF-011).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from otlptest.validation.finding_builder import Item, Message, Notes

_SINGLE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Mapping": {"filename_strindex": "string_table"},
        "Line": {"function_index": "function_table"},
        "Location": {"mapping_index": "mapping_table"},
        "Function": {
            "name_strindex": "string_table",
            "system_name_strindex": "string_table",
            "filename_strindex": "string_table",
        },
        "ValueType": {"type_strindex": "string_table", "unit_strindex": "string_table"},
        "Sample": {"stack_index": "stack_table", "link_index": "link_table"},
        "KeyValueAndUnit": {"key_strindex": "string_table", "unit_strindex": "string_table"},
        "KeyValue": {"key_strindex": "string_table"},
    }
)
_LISTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Mapping": {"attribute_indices": "attribute_table"},
        "Location": {"attribute_indices": "attribute_table"},
        "Sample": {"attribute_indices": "attribute_table"},
        "Profile": {"attribute_indices": "attribute_table"},
        "Stack": {"location_indices": "location_table"},
    }
)


class Indexes:
    """The indexes of one request."""

    def __init__(self, dictionary: Message) -> None:
        self._dictionary = dictionary
        self._sizes: dict[str, int] = {}
        self._used: defaultdict[str, set[int]] = defaultdict(set)

    def used(self, table: str) -> set[int]:
        """Return the indexes into a table that were used."""
        return self._used[table]

    def check(self, notes: Notes, item: Item, path: str, message: Message, shape: str) -> None:
        """Check the indexes of one message, without its submessages."""
        name = message.DESCRIPTOR.name
        for field, table in _SINGLE.get(name, {}).items():
            index = getattr(message, field, 0)
            if index:
                self._meet(notes, item, f"{path}{field}", table, (index,), shape=f"{shape}{field}")
        for field, table in _LISTS.get(name, {}).items():
            indices = getattr(message, field)
            if indices:
                self._meet(notes, item, f"{path}{field}", table, indices, shape=f"{shape}{field}")

    def check_value(self, notes: Notes, item: Item, path: str, value: Message, shape: str) -> None:
        """Check the indexes inside an attribute value, at any depth."""
        stack = [value]
        while stack:
            inner = stack.pop()
            kind = inner.WhichOneof("value")
            if kind == "string_value_strindex":
                index = inner.string_value_strindex
                self._meet(notes, item, path, "string_table", (index,), shape=shape)
            elif kind == "array_value":
                stack.extend(inner.array_value.values)
            elif kind == "kvlist_value":
                for entry in inner.kvlist_value.values:
                    self.check(notes, item, f"{path}.", entry, f"{shape}.")
                    stack.append(entry.value)

    def _meet(
        self, notes: Notes, item: Item, path: str, table: str, indices: Iterable[int], *, shape: str
    ) -> None:
        if table not in self._sizes:
            self._sizes[table] = len(getattr(self._dictionary, table))
        size = self._sizes[table]
        for index in indices:
            if 0 <= index < size:
                self._used[table].add(index)
            elif index:
                received = f"{index}, and {table} has {size} entries"
                notes.note("OTLP-PROF-008", item, path, received, shape=shape)


def attribute_keys(dictionary: Message, indices: Iterable[int]) -> Iterator[str]:
    """Yield the keys of the attributes at `indices`; dangling indexes are left out."""
    attributes, texts = dictionary.attribute_table, dictionary.string_table
    for index in indices:
        if 0 < index < len(attributes):
            key = attributes[index].key_strindex
            if 0 <= key < len(texts):
                yield str(texts[key])

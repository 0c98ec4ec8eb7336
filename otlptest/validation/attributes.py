"""Rules about attribute collections, resources, scopes and schema URLs.

Sources: common.proto, resource.proto, COMMON "Attribute", SCHEMAS "Schema URL"; section 10 of the
requirements. Profiles may name keys and texts by an index into their dictionary, see
`otlptest.validation.profiles`; elsewhere the two index fields must not be there (OTLP-PROF-034).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted

_PLAIN: Final = frozenset(
    {"string_value", "bool_value", "int_value", "double_value", "bytes_value", None}
)
_SCHEMA_URL: Final = re.compile(r"https?://[^/\s?#]+/(?:[^\s?#]*/)?v?[0-9][^/\s?#]*")


def check_attributes(
    notes: Notes, item: Item, path: str, attributes: Sequence[Message], *, shape: str = ""
) -> None:
    """Check one attribute list (OTLP-COMMON-001, -002, -003).

    Args:
        notes: Collects the faults.
        item: The item with the attributes.
        path: The place in the item: `attributes`, `events[2].attributes`.
        attributes: The `KeyValue` messages.
        shape: The path without indexes; the path itself, unless given.
    """
    keys = []
    for attribute in attributes:
        keys.append(attribute.key)
        value = attribute.value
        if value.WhichOneof("value") not in _PLAIN:
            check_value(notes, item, f'{path}["{attribute.key}"]', value, shape=shape or path)
    if len(set(keys)) != len(keys) or "" in keys:
        _check_keys(notes, item, path, _named_keys(notes, item, path, attributes), shape=shape)


def _check_keys(
    notes: Notes,
    item: Item,
    path: str,
    keys: Sequence[str],
    *,
    shape: str = "",
    is_map: bool = False,
) -> None:
    """Check the keys of a collection, or of a map inside a value (`is_map`)."""
    rule = "OTLP-COMMON-002" if is_map else "OTLP-COMMON-001"
    for key, count in Counter(keys).items():
        if count > 1:
            received = f"the key {quoted(key)} {count} times"
            notes.note(rule, item, f'{path}["{key}"]', received, shape=shape or path)
    if "" in keys and not is_map:
        notes.note("OTLP-COMMON-003", item, path, "an empty key", shape=shape or path)


def check_value(notes: Notes, item: Item, path: str, value: Message, *, shape: str) -> None:
    """Check what is inside an attribute value or a log body, at any depth."""
    stack = [(path, value)]
    while stack:
        at, inner = stack.pop()
        kind = inner.WhichOneof("value")
        if kind == "kvlist_value":
            entries = inner.kvlist_value.values
            keys = _named_keys(notes, item, at, entries)
            _check_keys(notes, item, at, keys, shape=shape, is_map=True)
            stack.extend((f'{at}["{kv.key}"]', kv.value) for kv in entries)
        elif kind == "array_value":
            elements = enumerate(inner.array_value.values)
            stack.extend((f"{at}[{n}]", one) for n, one in elements if not _is_plain(one))
        elif kind == "string_value_strindex" and item.context.strings is None:
            received = f"string_value_strindex = {inner.string_value_strindex}"
            notes.note("OTLP-PROF-034", item, at, received, shape=shape)


def check_resource(notes: Notes, context: Context, holder: Message) -> None:
    """Check a `Resource…` message: its resource, entity references and schema URL."""
    item = Item(context, "resource", holder)
    if not holder.HasField("resource"):
        notes.note("OTLP-COMMON-033", item, "", "no resource")
    check_attributes(notes, item, "attributes", holder.resource.attributes)
    _check_schema_url(notes, item, holder.schema_url)
    known = {attribute.key for attribute in holder.resource.attributes}
    for index, entity in enumerate(getattr(holder.resource, "entity_refs", ())):
        _check_entity(notes, item, f"entity_refs[{index}]", entity, known)


def check_scope(notes: Notes, context: Context, holder: Message) -> None:
    """Check a `Scope…` message: its scope and schema URL."""
    item = Item(context, "scope", holder.scope)
    check_attributes(notes, item, "attributes", holder.scope.attributes)
    _check_schema_url(notes, item, holder.schema_url)


def _named_keys(notes: Notes, item: Item, path: str, attributes: Iterable[Message]) -> list[str]:
    """Return the keys, those of profiles resolved; report indexes where none are allowed."""
    strings = item.context.strings
    keys = []
    for attribute in attributes:
        index = 0 if attribute.key else getattr(attribute, "key_strindex", 0)
        if not index:
            keys.append(attribute.key)
        elif strings is None:
            notes.note("OTLP-PROF-034", item, path, f"key_strindex = {index}")
        elif 0 < index < len(strings):
            keys.append(strings[index])
    return keys


def _is_plain(value: Message) -> bool:
    return value.WhichOneof("value") in _PLAIN


def _check_schema_url(notes: Notes, item: Item, url: str) -> None:
    if url and not _SCHEMA_URL.fullmatch(url):
        notes.note("OTLP-COMMON-043", item, "schema_url", quoted(url))


def _check_entity(
    notes: Notes, item: Item, path: str, entity: Message, known: Iterable[str]
) -> None:
    if not entity.type:
        notes.note("OTLP-COMMON-049", item, path, "an empty type", shape="entity_refs")
    elif not entity.id_keys:
        notes.note("OTLP-COMMON-049", item, path, "no id_keys", shape="entity_refs")
    missing = [key for key in (*entity.id_keys, *entity.description_keys) if key not in known]
    if missing:
        received = f"no attribute {', '.join(map(quoted, missing))}"
        notes.note("OTLP-COMMON-050", item, path, received, shape="entity_refs")

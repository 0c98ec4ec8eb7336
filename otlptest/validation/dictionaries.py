"""Rules about the dictionary that all profiles of a request share (profiles.proto, Development).

Entry 0 of every table stands for "not set", so it is there, is the zero value, and is never
counted as a duplicate or an orphan.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from otlptest.validation.finding_builder import Item, Message, Notes, quoted
from otlptest.validation.indexes import Indexes, attribute_keys
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes

TABLES: Final = (
    "mapping_table",
    "location_table",
    "function_table",
    "link_table",
    "string_table",
    "attribute_table",
    "stack_table",
)
_BUILD_IDS: Final = frozenset(
    f"process.executable.build_id.{kind}" for kind in ("gnu", "go", "htlhash")
)

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8


def check_dictionary(notes: Notes, item: Item, dictionary: Message) -> None:
    """Check the tables by themselves, except for their indexes."""
    for table in TABLES:
        entries = getattr(dictionary, table)
        if not entries:
            notes.note("OTLP-PROF-005", item, table, "an empty table", shape="")
            continue
        if not _is_zero(entries[0]):
            notes.note("OTLP-PROF-006", item, f"{table}[0]", "another value", shape=table)
        _check_duplicates(notes, item, table, entries)
    for index, link in _after_first(dictionary.link_table):
        sizes = (len(link.trace_id), len(link.span_id))
        if sizes != (_TRACE_ID_BYTES, _SPAN_ID_BYTES):
            received = f"ids of {sizes[0]} and {sizes[1]} bytes"
            hint = mistake_in_bytes(link.trace_id, _TRACE_ID_BYTES)
            hint = hint or mistake_in_bytes(link.span_id, _SPAN_ID_BYTES)
            place = f"link_table[{index}]"
            notes.note("OTLP-PROF-023", item, place, received, shape="link_table", hint=hint)
    _check_functions(notes, item, dictionary)
    _check_locations(notes, item, dictionary)
    _check_mappings(notes, item, dictionary)


def check_orphans(notes: Notes, item: Item, dictionary: Message, indexes: Indexes) -> None:
    """Check that everything in the tables is referred to (OTLP-PROF-011)."""
    for table in TABLES:
        used = indexes.used(table)
        size = len(getattr(dictionary, table))
        orphans = [index for index in range(1, size) if index not in used]
        if orphans:
            received = f"{len(orphans)} entries that nothing refers to, the first is {orphans[0]}"
            notes.note("OTLP-PROF-011", item, table, received)


def _check_duplicates(notes: Notes, item: Item, table: str, entries: Sequence[Any]) -> None:
    """Find entries of equal bytes, but not entries that only resolve to equal values."""
    counts = Counter(map(_content, entries))
    repeated = sum(count - 1 for count in counts.values())
    if repeated:
        notes.note("OTLP-PROF-009", item, table, f"{repeated} entries that were there before")


def _content(entry: Any) -> object:  # noqa: ANN401 -- a message or a text
    return entry if isinstance(entry, str) else entry.SerializePartialToString()


def _is_zero(value: Any) -> bool:  # noqa: ANN401 -- a message, or what its fields hold
    """Return whether a value is the zero value; empty submessages count as zero."""
    if not hasattr(value, "ListFields"):
        return not (any(value) if isinstance(value, bytes) else value)
    return all(_is_zero(inner) for field, inner in value.ListFields())


def _check_functions(notes: Notes, item: Item, dictionary: Message) -> None:
    for index, function in _after_first(dictionary.function_table):
        path = f"function_table[{index}]"
        names = (
            function.name_strindex,
            function.system_name_strindex,
            function.filename_strindex,
        )
        if not any(names):
            notes.note("OTLP-PROF-022", item, path, "none of them", shape="function_table")
        if function.start_line < 0:
            received = f"start_line = {function.start_line}"
            notes.note("OTLP-PROF-025", item, path, received, shape="function_table")


def _check_locations(notes: Notes, item: Item, dictionary: Message) -> None:
    mappings = dictionary.mapping_table
    for index, location in _after_first(dictionary.location_table):
        path = f"location_table[{index}]"
        for line in location.lines:
            if line.line < 0 or line.column < 0:
                received = f"line = {line.line}, column = {line.column}"
                notes.note("OTLP-PROF-025", item, path, received, shape="location_table")
        if location.address and 0 < location.mapping_index < len(mappings):
            mapping = mappings[location.mapping_index]
            start, limit = mapping.memory_start, mapping.memory_limit
            if limit and not start <= location.address <= limit:
                received = f"{location.address:#x}, outside {start:#x} to {limit:#x}"
                notes.note("OTLP-PROF-026", item, f"{path}.address", received, shape="address")


def _check_mappings(notes: Notes, item: Item, dictionary: Message) -> None:
    for index, mapping in _after_first(dictionary.mapping_table):
        if not _BUILD_IDS & set(attribute_keys(dictionary, mapping.attribute_indices)):
            filename = _text(dictionary, mapping.filename_strindex)
            received = f"no build id of {quoted(filename)}"
            path = f"mapping_table[{index}]"
            notes.note("OTLP-PROF-029", item, path, received, shape="mapping_table")


def _after_first(entries: Sequence[Message]) -> Iterator[tuple[int, Message]]:
    return ((index, entry) for index, entry in enumerate(entries) if index)


def _text(dictionary: Message, index: int) -> str:
    texts = dictionary.string_table
    return str(texts[index]) if 0 <= index < len(texts) else ""

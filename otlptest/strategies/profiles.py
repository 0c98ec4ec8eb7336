"""Profiles with the dictionary that they share, all valid.

Profiles are in Development; an old `opentelemetry-proto` does not have them.
"""

from typing import Any, Final

from hypothesis import strategies as st

from otlptest.strategies.drawing import Draw, new, one_in, pick, upto
from otlptest.strategies.values import draw_id, draw_value

_FUNCTIONS: Final = ("main", "charge", "ünïcode", "a::b<c>")
_FILES: Final = ("main.py", "/usr/lib/libc.so.6")
_SAMPLE_TYPES: Final = (("cpu", "nanoseconds"), ("alloc_space", "bytes"))
_BUILD_IDS: Final = ("process.executable.build_id.gnu", "process.executable.build_id.go")
_SECOND: Final = 1_000_000_000
_OFFSETS: Final = st.integers(0, 10 * _SECOND)
_INSIDE: Final = st.integers(0, _SECOND - 1)
_NUMBERS: Final = st.integers(0, 2**63 - 1)


class Dictionary:
    """The tables of one request, each value once; index 0 means "not set" in all of them."""

    def __init__(self) -> None:
        self._indexes: dict[str, dict[object, int]] = {}
        self.message = new("profiles", "ProfilesDictionary")
        self.message.string_table.append("")
        for table, name in _TABLES.items():
            getattr(self.message, table).append(new("profiles", name))

    def text(self, text: str) -> int:
        """Return the index of a text."""
        return self._index("string_table", text, text) if text else 0

    def entry(self, table: str, **fields: Any) -> int:  # noqa: ANN401 -- any field
        """Return the index of an entry of another table."""
        message = new("profiles", _TABLES[table], **fields)
        return self._index(table, message, message.SerializeToString(deterministic=True))

    def attribute(self, key: str, value: Any, unit: str = "") -> int:  # noqa: ANN401 -- a generated message
        """Return the index of an attribute."""
        return self.entry(
            "attribute_table",
            key_strindex=self.text(key),
            value=value,
            unit_strindex=self.text(unit),
        )

    def _index(self, table: str, value: Any, key: object) -> int:  # noqa: ANN401 -- an entry of a table
        known = self._indexes.setdefault(table, {})
        if key not in known:
            entries = getattr(self.message, table)
            known[key] = len(entries)
            entries.append(value)
        return known[key]


_TABLES: Final = {
    "mapping_table": "Mapping",
    "location_table": "Location",
    "function_table": "Function",
    "link_table": "Link",
    "attribute_table": "KeyValueAndUnit",
    "stack_table": "Stack",
}


def draw_profile(draw: Draw, at_unix_nano: int, tables: Dictionary) -> Any:  # noqa: ANN401 -- a generated message
    """Return one profile, and in `tables` what it refers to."""
    start = at_unix_nano + draw(_OFFSETS)
    kind, unit = pick(draw, _SAMPLE_TYPES)
    value_type = new(
        "profiles", "ValueType", type_strindex=tables.text(kind), unit_strindex=tables.text(unit)
    )
    shape = pick(draw, ("values", "timestamps", "both"))
    has_original = one_in(draw, 6)
    return new(
        "profiles",
        "Profile",
        time_unix_nano=start,
        duration_nano=_SECOND,
        sample_type=value_type,
        period_type=value_type if one_in(draw, 3) else None,
        period=upto(draw, 10),
        samples=[_sample(draw, start, tables, shape, number) for number in range(upto(draw, 3))],
        profile_id=draw_id(draw, 16) if upto(draw, 1) else None,
        original_payload_format="pprof" if has_original else None,
        original_payload=b"x" if has_original else None,
        attribute_indices=[_attribute(draw, tables)] if one_in(draw, 3) else None,
    )


def _sample(draw: Draw, start: int, tables: Dictionary, shape: str, number: int) -> Any:  # noqa: ANN401 -- a generated message
    """Return one sample; its number makes its stack differ from others."""
    count = 1 + upto(draw, 1)
    link = 0
    if one_in(draw, 3):
        link = tables.entry("link_table", trace_id=draw_id(draw, 16), span_id=draw_id(draw, 8))
    times = [start + draw(_INSIDE) for _ in range(count)]
    return new(
        "profiles",
        "Sample",
        stack_index=_stack(draw, tables, number),
        link_index=link,
        values=[draw(_NUMBERS) for _ in range(count)] if shape != "timestamps" else None,
        timestamps_unix_nano=times if shape != "values" else None,
        attribute_indices=[_attribute(draw, tables)] if one_in(draw, 3) else None,
    )


def _stack(draw: Draw, tables: Dictionary, number: int) -> int:
    leaf = _location(draw, tables, line=number + 1)
    callers = [_location(draw, tables, line=100) for _ in range(upto(draw, 2))]
    return tables.entry("stack_table", location_indices=[leaf, *callers])


def _location(draw: Draw, tables: Dictionary, *, line: int) -> int:
    function = tables.entry(
        "function_table",
        name_strindex=tables.text(pick(draw, _FUNCTIONS)),
        filename_strindex=tables.text(pick(draw, _FILES)),
        start_line=upto(draw, 3),
    )
    lines = [new("profiles", "Line", function_index=function, line=line, column=upto(draw, 9))]
    is_mapped = bool(upto(draw, 1))
    return tables.entry(
        "location_table",
        mapping_index=_mapping(draw, tables) if is_mapped else 0,
        address=0x1000 + 16 * upto(draw, 15) if is_mapped else 0,
        lines=lines,
    )


def _mapping(draw: Draw, tables: Dictionary) -> int:
    value = new("profiles", "AnyValue", string_value="abc")
    return tables.entry(
        "mapping_table",
        memory_start=0x1000,
        memory_limit=0x2000,
        filename_strindex=tables.text(pick(draw, _FILES)),
        attribute_indices=[tables.attribute(pick(draw, _BUILD_IDS), value)],
    )


def _attribute(draw: Draw, tables: Dictionary) -> int:
    key = pick(draw, ("thread.id", "thread.name", "size"))
    return tables.attribute(key, draw_value(draw, 1), pick(draw, ("", "1", "By")))

"""OTLP JSON as a tree that can be written in odd ways, with the tables of its messages."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from otlptest.wire.otlp.json_tables import (
    FieldTable,
    JsonKind,
    MessageTable,
    table_of,
    table_of_class,
)
from otlptest.wire.otlp.otlp_json import json_object


@dataclass(frozen=True, slots=True)
class Literally:
    """A value that is written verbatim, JSON or not."""

    text: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object whose keys may repeat."""

    items: list[tuple[str, Any]]


Style: TypeAlias = Callable[[FieldTable, Any], Any]
"""A function that rewrites one value of a field, as OTLP JSON writes it, in another way."""


def restyled(message: Any, style: Style) -> dict[str, Any]:  # noqa: ANN401 -- a generated message
    """Return the JSON tree of `message`, each single value of its fields written by `style`."""
    return _object(table_of_class(type(message)), json_object(message), style)


def _object(table: MessageTable, value: dict[str, Any], style: Style) -> dict[str, Any]:
    return {key: _field(table.fields[key], inner, style) for key, inner in value.items()}


def _field(field: FieldTable, value: Any, style: Style) -> Any:  # noqa: ANN401 -- any JSON value
    if field.is_list:
        return [_single(field, item, style) for item in value]
    return _single(field, value, style)


def _single(field: FieldTable, value: Any, style: Style) -> Any:  # noqa: ANN401 -- any JSON value
    if field.kind is JsonKind.MESSAGE:
        return _object(table_of(field.descriptor), value, style)
    return style(field, value)


def first_holder(document: dict[str, Any]) -> dict[str, Any]:
    """Return the first resource's object; a new one if there is none."""
    for value in document.values():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            holder: dict[str, Any] = value[0]
            return holder
    return {}


def written(
    value: Any,  # noqa: ANN401 -- any JSON value, `Literally` or `Pairs`
    *,
    is_escaped: bool = False,
    is_pretty: bool = False,
    is_reversed: bool = False,
) -> bytes:
    """Return the text of a tree.

    Args:
        value: The tree.
        is_escaped: Write every character of every text as an escape.
        is_pretty: Write white space in every allowed place.
        is_reversed: Write the keys of each object in reverse.
    """
    gap = " \r\n\t" if is_pretty else ""
    text = _escaped if is_escaped else _plain

    def write(inner: Any) -> str:  # noqa: ANN401 -- as above
        if isinstance(inner, Literally):
            return inner.text
        if isinstance(inner, dict | Pairs):
            items = inner.items if isinstance(inner, Pairs) else list(inner.items())
            pairs = [f"{text(key)}{gap}:{gap}{write(item)}" for key, item in items]
            return _joined("{", pairs[::-1] if is_reversed else pairs, "}", gap)
        if isinstance(inner, list):
            return _joined("[", [write(item) for item in inner], "]", gap)
        if isinstance(inner, str):
            return text(inner)
        return json.dumps(inner, allow_nan=False)

    return f"{gap}{write(value)}{gap}".encode("utf-8", "surrogatepass")


def _joined(start: str, parts: list[str], end: str, gap: str) -> str:
    return f"{start}{gap}{f'{gap},{gap}'.join(parts)}{gap}{end}"


def _plain(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _escaped(text: str) -> str:
    units = text.encode("utf-16-be")
    pairs = zip(units[::2], units[1::2], strict=True)
    return '"' + "".join(f"\\u{high:02x}{low:02X}" for high, low in pairs) + '"'

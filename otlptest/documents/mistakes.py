"""A mistake in a document, in words: what is wrong, what is allowed there, the nearest name."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from otlptest.documents.places import KeyPath, Places
from otlptest.documents.shapes import Shape
from otlptest.errors import nearest_name

_NOUNS: Final[Mapping[str, str]] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("above", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("below", "lt"),
}
_SHOWN: Final = 80


def first_mistake(
    shape: type[Shape], places: Places, refused: ValidationError
) -> tuple[KeyPath, str, str]:
    """Return the first mistake in the file: its path, the problem, a hint."""
    errors = sorted(refused.errors(include_url=False), key=lambda each: places.line(each["loc"]))
    first = errors[0]
    problem, hint = _in_words(shape, first)
    path = first["loc"][:-1] if first["type"] == "missing" else first["loc"]
    more = len(errors) - 1
    if more:
        problem += f" (and {more} more mistake{'' if more == 1 else 's'})"
    return path, problem, hint


def _in_words(shape: type[Shape], error: ErrorDetails) -> tuple[str, str]:
    """Return the problem in words, and what is allowed there."""
    kind, given = error["type"], shown(error["input"])
    if kind in {"extra_forbidden", "missing"}:
        return _about_key(shape, error)
    if kind == "literal_error":
        known = _literals_at(shape, error["loc"])
        return f"is {given}", choices_hint(str(error["input"]), known)
    if kind in _NOUNS:
        return f"must be {_NOUNS[kind]} and is {given}", ""
    if kind in _BOUNDS:
        word, name = _BOUNDS[kind]
        bound = error["ctx"][name]
        limit = int(bound) if float(bound).is_integer() else bound
        return f"must be {word} {limit} and is {given}", ""
    return f"{error['msg']}: {given}", ""


def _about_key(shape: type[Shape], error: ErrorDetails) -> tuple[str, str]:
    key = str(error["loc"][-1])
    known = list(_shape_at(shape, error["loc"][:-1]).model_fields)
    if error["type"] == "missing":
        return f"the key {key!r} is missing", f"the keys are: {', '.join(known)}"
    return f"unknown key {key!r}", choices_hint(key, known)


def choices_hint(name: str, known: Sequence[str]) -> str:
    """Return `did you mean 'x'? there are: x, y`."""
    nearest = nearest_name(name, known)
    meant = f"did you mean {nearest!r}? " if nearest else ""
    return f"{meant}there are: {', '.join(known)}"


def shown(value: object) -> str:
    """Return a value for a message, cut if it is long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _parts(annotation: object) -> tuple[object, ...]:
    """Yield an annotation and the members of its union or list."""
    return (annotation, *get_args(annotation))


def _shape_in(annotation: object) -> type[Shape] | None:
    shapes = (each for each in _parts(annotation) if isinstance(each, type))
    return next((each for each in shapes if issubclass(each, Shape)), None)


def _annotation_at(shape: type[Shape], path: KeyPath) -> object:
    """Return the annotation that a shape has at a path; an index leads to a list's elements."""
    found: object = shape
    for step in path:
        inner = _shape_in(found)
        if isinstance(step, str) and inner is not None and step in inner.model_fields:
            found = inner.model_fields[step].annotation
    return found


def _shape_at(shape: type[Shape], path: KeyPath) -> type[Shape]:
    return _shape_in(_annotation_at(shape, path)) or shape


def _literals_at(shape: type[Shape], path: KeyPath) -> list[str]:
    """Return the texts that a `Literal` at a path allows, in a union or not."""
    parts = _parts(_annotation_at(shape, path))
    return [value for part in parts for value in _parts(part) if isinstance(value, str)]

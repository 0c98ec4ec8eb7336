"""A file read and checked against its shape, with the place of each value."""

import pathlib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from otlptest.documents.mistakes import first_mistake, shown
from otlptest.documents.places import KeyPath, Places
from otlptest.documents.shapes import Shape
from otlptest.documents.yaml_text import parsed_yaml
from otlptest.errors import FileFormatError

S = TypeVar("S", bound=Shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Generic[S]):
    """One file that has its shape.

    Attributes:
        file: Its name in messages.
        content: Its content.
        places: The place of each value.
    """

    file: str
    content: S
    places: Places

    def error(self, path: KeyPath, problem: str, hint: str = "") -> FileFormatError:
        """Return an error about the value at a path, with its line."""
        return FileFormatError(self.file, self.places.text(path), problem, hint)


def read_document(file: pathlib.Path, shape: type[S], *, called: str = "") -> Document[S]:
    """Read a file and check it.

    Args:
        file: YAML 1.2 in UTF-8.
        shape: The shape that it must have.
        called: Its name in messages; its path if empty.

    Raises:
        FileFormatError: It cannot be read, is not YAML, or has another shape: the first mistake.
    """
    name = called or str(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        words = problem.strerror or str(problem)
        raise FileFormatError(name, "", words, "give the path of a file") from problem
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        raise FileFormatError(
            name, f"line {line}", "is not valid UTF-8", "save it as text in UTF-8"
        ) from problem
    value, places = parsed_yaml(name, text)
    if not isinstance(value, dict):
        raise FileFormatError(name, places.text(()), "is not a mapping", "begin with: version: 1")
    _check_version(name, value, places)
    try:
        content = shape.model_validate(value)
    except ValidationError as refused:
        path, what, hint = first_mistake(shape, places, refused)
        raise FileFormatError(name, places.text(path), what, hint) from None
    return Document(file=name, content=content, places=places)


def _check_version(file: str, value: dict[str, Any], places: Places) -> None:
    """Check the version first: with a wrong one, other mistakes mean nothing.

    Raises:
        FileFormatError: It has no version, or another one.
    """
    if "version" not in value:
        raise FileFormatError(
            file, places.text(()), "the key 'version' is missing", "begin with: version: 1"
        )
    if value["version"] != 1 or isinstance(value["version"], bool):
        raise FileFormatError(
            file,
            places.text(("version",)),
            f"is {shown(value['version'])}; this otlptest reads version 1",
            "write version: 1",
        )

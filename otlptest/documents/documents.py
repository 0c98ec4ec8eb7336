"""A file read, checked against its shape, and able to say where something in it stands."""

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
        file: What messages call it.
        content: What it says.
        places: Where each value of it stands.
    """

    file: str
    content: S
    places: Places

    def error(self, path: KeyPath, problem: str, hint: str = "") -> FileFormatError:
        """The mistake that something at a path is wrong, with its line."""
        return FileFormatError(self.file, self.places.text(path), problem, hint)


def read_document(file: pathlib.Path, shape: type[S], *, called: str = "") -> Document[S]:
    """Read a file and check it.

    Args:
        file: YAML 1.2 in UTF-8.
        shape: What it should be.
        called: What messages call it; its path if empty.

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
    """Say first what makes everything else meaningless.

    Raises:
        FileFormatError: It is of no version, or of another.
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

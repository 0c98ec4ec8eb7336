"""YAML 1.2 text to plain values and their places; nothing in it is ever run.

Only JSON's values are accepted: mappings with text keys, lists, texts, numbers, true, false, null.
A mistake is an error with its line. Nodes are counted: aliases cannot blow a small file up.
"""

from collections.abc import Mapping
from io import StringIO
from types import MappingProxyType
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from otlptest.documents.places import KeyPath, Places, place_text
from otlptest.errors import FileFormatError

_MOST_BYTES: Final = 1024 * 1024
_MOST_NODES: Final = 100_000
_TAG: Final = "tag:yaml.org,2002:"
_HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"'\t'": "indent with spaces, not with tabs",
        "single document": "one file is one document: leave the line '---' out",
    }
)
_TEXT_TAGS: Final = frozenset({f"{_TAG}str", f"{_TAG}timestamp"})


def parsed_yaml(file: str, text: str) -> tuple[Any, Places]:
    """Return the value of a YAML text, and the place of each value in it.

    Args:
        file: Its name in messages.
        text: One YAML document.

    Raises:
        FileFormatError: It is not valid YAML, or holds something other than plain values.
    """
    if len(text) > _MOST_BYTES:
        raise FileFormatError(
            file, "", f"is larger than {_MOST_BYTES} characters", "split it into several files"
        )
    reading = _Reading(file)
    try:
        node = YAML(typ="safe", pure=True).compose(StringIO(text))
        if node is None:
            raise FileFormatError(file, "line 1", "is empty", "begin with: version: 1")
        return reading.value(node, ()), Places(reading.lines)
    except MarkedYAMLError as broken:
        problem = f"is not valid YAML: {_problem(broken)}"
        raise FileFormatError(file, _mark(broken), problem, _hint(broken)) from broken
    except YAMLError as broken:
        first = str(broken).strip().splitlines()[0]
        problem = f"is not valid YAML: {first}"
        raise FileFormatError(file, "", problem, "save it as plain text in UTF-8") from broken
    except RecursionError as broken:
        raise FileFormatError(
            file, "", "is nested too deeply", "write it with fewer levels"
        ) from broken


def _mark(broken: MarkedYAMLError) -> str:
    mark = broken.problem_mark or broken.context_mark
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""


def _problem(broken: MarkedYAMLError) -> str:
    said = [part for part in (broken.context, broken.problem) if part]
    return ", ".join(" ".join(part.split()) for part in said)


def _hint(broken: MarkedYAMLError) -> str:
    said = _problem(broken)
    for part, hint in _HINTS.items():
        if part in said:
            return hint
    return "look at the indentation and the quotes there"


class _Reading:
    """Turns nodes into values and keeps their lines."""

    def __init__(self, file: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._file = file
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Node, path: KeyPath) -> Any:  # noqa: ANN401 -- whatever the file says
        """Return the value of a node.

        Raises:
            FileFormatError: It is not a plain value.
        """
        self.lines.setdefault(path, node.start_mark.line + 1)
        self._count += 1
        if self._count > _MOST_NODES:
            raise self._error(path, f"the file has more than {_MOST_NODES} values")
        if id(node) in self._open:
            raise self._error(path, "an alias stands within what it is an alias of")
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        """Return a mapping.

        Raises:
            FileFormatError: A key is not text, or occurs twice.
        """
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == f"{_TAG}null":
                raise self._error(path, "a key is not text", at=key_node)
            key = str(key_node.value)
            if key in values:
                raise self._error(
                    (*path, key), "the key is there twice", at=key_node, hint="keep one of the two"
                )
            self.lines[*path, key] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, (*path, key))
        return values

    def _scalar(self, node: Node, path: KeyPath) -> str | int | float | bool | None:
        """Return a text, a number, true, false or null.

        Raises:
            FileFormatError: It is something else.
        """
        text, tag = str(node.value), str(node.tag)
        if tag in _TEXT_TAGS:
            return text
        try:
            if tag == f"{_TAG}int":
                return _integer(text)
            if tag == f"{_TAG}float":
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError as broken:
            raise self._error(path, f"is not a number: {text!r}", at=node) from broken
        if tag == f"{_TAG}bool":
            return text.lower() == "true"
        if tag == f"{_TAG}null":
            return None
        raise self._error(path, f"the tag {tag.removeprefix(_TAG)!r} is not taken", at=node)

    def _error(
        self, path: KeyPath, problem: str, *, at: Node | None = None, hint: str = ""
    ) -> FileFormatError:
        line = self.lines[path] if at is None else at.start_mark.line + 1
        return FileFormatError(self._file, place_text(line, path), problem, hint)


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign, bare = (-1, digits[1:]) if digits.startswith("-") else (1, digits.removeprefix("+"))
    for prefix, base in (("0x", 16), ("0o", 8), ("0b", 2)):
        if bare.startswith(prefix):
            return sign * int(bare[2:], base)
    return sign * int(bare)

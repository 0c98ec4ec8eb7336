"""The places of values in a file."""

from collections.abc import Mapping
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead to a value: `("replies", 0, "times")`."""


def place_text(line: int, path: KeyPath) -> str:
    """Return `line 4, replies[0].times`; the line alone for the whole file."""
    return f"line {line}, {_path_text(path)}" if path else f"line {line}"


def _path_text(path: KeyPath) -> str:
    """Return `replies[0].times`; a key that is not a plain word is quoted."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


class Places:
    """The line of each value of one file.

    Args:
        lines: Lines by path, counted from 1.
    """

    def __init__(self, lines: Mapping[KeyPath, int]) -> None:
        self._lines = dict(lines)

    def has(self, path: KeyPath) -> bool:
        """Return whether there is a value at that path."""
        return path in self._lines

    def text(self, path: KeyPath) -> str:
        """Return `line 4, replies[0].times`: of the value, or of the nearest one around it."""
        return place_text(self.line(path), path)

    def line(self, path: KeyPath) -> int:
        """Return the line of the value, or of the nearest one around it."""
        lengths = range(len(path), -1, -1)
        return next(self._lines[path[:n]] for n in lengths if path[:n] in self._lines)

"""A reader of the JSON documents of a text: one per line, over many lines each, or both."""

import re
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from otlptest.errors import FileFormatError

_Record = TypeVar("_Record")

_TOKENS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_OPENING: Final = (b"{", b"[")
_BLANK: Final = b" \t\r\n"


class JsonDocuments(Generic[_Record]):
    """A reader of the documents of a text in their order; keeps one at a time.

    A line is one document, unless it leaves brackets open: then the lines after it belong to it, up
    to where its brackets close or another document begins.

    Args:
        lines: The lines of the text, each with its end.
        read: Returns the record of a document that begins in a line of this number, or its
            fault.

    Attributes:
        line: The number of the last line that was read.
    """

    def __init__(
        self, lines: Iterator[bytes], read: Callable[[bytes, int], _Record | FileFormatError]
    ) -> None:
        self._lines = lines
        self._read = read
        self.line = 0

    def records(self) -> Iterator[_Record | FileFormatError]:
        """Yield a record for each document, or its fault."""
        text = self._next_line()
        while text:
            following = b""
            if text.strip(_BLANK):
                found = self._read(text, self.line)
                if isinstance(found, FileFormatError) and text.lstrip(_BLANK)[:1] in _OPENING:
                    found, following = self._document(text, found)
                yield found
            text = following or self._next_line()

    def _next_line(self) -> bytes:
        """Return the next line; empty at the end."""
        line = next(self._lines, b"")
        self.line += bool(line)
        return line

    def _document(
        self, text: bytes, fault: FileFormatError
    ) -> tuple[_Record | FileFormatError, bytes]:
        """Return the document over several lines that a line begins, and the text after it."""
        start = self.line
        parts: list[bytes] = []
        depth = 0
        while text and not (parts and self._begins_anew(text, parts)):
            depth, end = _brackets(text, depth)
            parts.append(text)
            if depth:
                text = self._next_line()
                continue
            if text[end:].lstrip(_BLANK)[:1] != b"{":
                text = b""
                break
            parts[-1] = text[:end]
            return self._read(b"".join(parts), start), text[end:]
        return (fault if len(parts) == 1 else self._read(b"".join(parts), start)), text

    def _begins_anew(self, line: bytes, parts: list[bytes]) -> bool:
        """Return whether a line begins another document, so that the previous one was cut."""
        if line[:1] != b"{":
            return False
        is_indented = len(parts) > 1 and parts[1][:1] in {b" ", b"\t"}
        return is_indented or not isinstance(self._read(line, self.line), FileFormatError)


def _brackets(text: bytes, depth: int) -> tuple[int, int]:
    """Return the number of open brackets after a text, and where it closed the last one."""
    for token in _TOKENS.finditer(text):
        if token[0] in {b"{", b"["}:
            depth += 1
        elif token[0] in {b"}", b"]"}:
            depth -= 1
            if depth <= 0:
                return 0, token.end()
    return depth, len(text)

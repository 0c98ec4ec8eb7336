"""Text that fits: one-line values, cut and wrapped lines, tables as narrow as the terminal.

Telemetry is untrusted text: control characters in it are shown, never sent to a terminal.
"""

import textwrap
import unicodedata
from collections.abc import Sequence

_GAP = "  "


def one_line(text: object) -> str:
    """Return `text` with characters escaped that move a cursor or break a line."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in shown
    )


def text_width(text: str) -> int:
    """Return the terminal columns of `text`: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, width: int | None) -> str:
    """Return `text` in at most `width` columns, with `…` for what was cut; uncut if None."""
    if width is None or text_width(text) <= width:
        return text
    kept: list[str] = []
    left = width - 1
    for char in text:
        left -= _columns(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def wrapped(text: str, width: int, *, indent: str = "") -> str:
    """Return `text` as lines of at most `width` columns; line breaks stay, long words break.

    A line that begins with `- ` continues below its text, not below its dash.
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        hanging = "  " if paragraph.startswith("- ") else ""
        lines += textwrap.wrap(
            paragraph,
            max(width, len(indent) + 10),
            initial_indent=indent,
            subsequent_indent=indent + hanging,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]], *, headers: Sequence[str], width: int) -> str | None:
    """Return columns of text with a headline; None if they do not fit into `width` columns."""
    cells = [headers, *rows]
    widths = [max(text_width(row[at]) for row in cells) for at in range(len(headers))]
    if sum(widths) + len(_GAP) * (len(headers) - 1) > width:
        return None
    return "\n".join(
        _GAP.join(
            cell + " " * (room - text_width(cell)) for cell, room in zip(row, widths, strict=True)
        ).rstrip()
        for row in cells
    )

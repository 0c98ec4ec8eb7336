"""stdout and stderr as commands use them: any encoding, any width, a reader that may leave."""

import codecs
import os
import re
import shutil
import sys

from otlptest.errors import OtlptestError

ASCII_FALLBACK = {
    "─": "-", "━": "=", "│": "|", "┃": "|", "┄": "-", "┆": "|", "╌": "-", "╎": "|",
    "┌": "+", "┐": "+", "└": "`", "┘": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+",
    "╭": "+", "╮": "+", "╯": "+", "╰": "`", "█": "#", "▓": "#", "▒": "=", "░": ".", "■": "#",
    "▏": "|", "▎": "|", "▍": "|", "▌": "#", "▋": "#", "▊": "#", "▉": "#", "▐": "#", "▪": "*",
    "▶": ">", "◀": "<", "●": "*", "○": "o", "◆": "*", "★": "*", "✓": "+", "✔": "+", "✗": "x",
    "✘": "x", "→": ">", "←": "<", "↑": "^", "↓": "v", "⇒": ">", "≥": ">", "≤": "<", "≠": "!",
    "…": "~", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "•": "*", "·": ".",  # noqa: RUF001 -- meant
    "×": "x", "µ": "u", "±": "~", "∞": "~",  # noqa: RUF001 -- meant
}  # fmt: skip
"""One character for one, which keeps columns aligned."""

_ERRORS = "otlptest.ascii"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(ASCII_FALLBACK.get(char, "?") for char in text), error.end


def prepare_streams() -> None:
    """Let stdout and stderr take any text; ASCII replaces what their encoding cannot hold."""
    codecs.register_error(_ERRORS, _plain)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # tests put other objects there
        if reconfigure is not None:
            reconfigure(errors=_ERRORS)


def screen_width() -> int:
    """Return the columns to write in: $COLUMNS, else the terminal's, else 100; at least 20."""
    return max(20, shutil.get_terminal_size((100, 24)).columns)


def line_width() -> int | None:
    """Return the columns of one line on a terminal; None where output goes elsewhere."""
    if "COLUMNS" in os.environ or sys.stdout.isatty():
        return screen_width()
    return None


def wants_color() -> bool:
    """Return whether stdout gets colour, by pytest's own rules.

    The strongest first: `--color` in PYTEST_ADDOPTS, PY_COLORS, NO_COLOR, FORCE_COLOR; then a
    terminal that is not `dumb` gets it.
    """
    environment = os.environ
    asked = re.findall(r"--color[= ](yes|no)\b", environment.get("PYTEST_ADDOPTS", ""))
    if asked:
        return bool(asked[-1] == "yes")
    if environment.get("PY_COLORS") in ("0", "1"):
        return environment["PY_COLORS"] == "1"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"


def write(text: str) -> None:
    """Write one piece of the result to stdout, unbuffered."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write anything that is not the result to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def complain_of(sentence: str, hint: str = "") -> None:
    """Write one sentence on what went wrong, and what to do, to stderr."""
    note(f"error: {sentence}" + (f"\nhint: {hint}" if hint else ""))


def complain(problem: OtlptestError) -> None:
    """Write one of our errors to stderr in the same way."""
    complain_of(*str(problem).split("\n  hint: ", 1))


def silence_stdout() -> None:
    """Drop what is still buffered for a closed pipe, so that the interpreter ends quietly."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError):  # a stdout without a descriptor has nothing to drop
        return

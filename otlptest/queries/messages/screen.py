"""The width of the screen for messages.

Under pytest, standard output is captured while a test runs; so the plugin, which starts before
that, remembers how wide the terminal is.
"""

import shutil
from typing import Final

_REMEMBERED: Final = {"columns": 80}


def screen_columns() -> int:
    """Return the columns of $COLUMNS, else of the terminal, else those remembered, else 80."""
    return shutil.get_terminal_size((_REMEMBERED["columns"], 24)).columns


def remember_columns(columns: int) -> None:
    """Keep a width for when standard output is not a terminal."""
    _REMEMBERED["columns"] = columns

"""Runs a command in a real pseudo-terminal of a given width, as a person at a screen does.

`COLUMNS` is not set: the width is the terminal's own. POSIX only.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otlptest.timing import Deadline

__all__ = ["ESCAPES", "Screen", "run_in_terminal"]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What a terminal takes as colours and movements."""

_ASKING = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "PYTEST_ADDOPTS", "TERM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a command left on the screen.

    Attributes:
        exit_code: Of the command; negative for a signal.
        output: Everything that it wrote to stdout and stderr, with plain line ends.
        columns: The width of the terminal.
    """

    exit_code: int
    output: str
    columns: int

    @property
    def text(self) -> str:
        """The output without escape codes."""
        return ESCAPES.sub("", self.output)

    def too_wide(self) -> list[str]:
        """The lines that the terminal would have to wrap."""
        return [line for line in self.text.split("\n") if _width(line) > self.columns]


def run_in_terminal(
    command: Sequence[str | Path],
    *,
    columns: int,
    variables: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    patience_s: float = 240.0,
) -> Screen:
    """Run `command` to its end with stdin, stdout and stderr in a terminal of its own.

    Blocks at most `patience_s` seconds.

    Args:
        command: The program and its arguments.
        columns: The width of the terminal.
        variables: Added to the environment, which says nothing of width or colour otherwise.
        cwd: The folder that it runs in.
        patience_s: When it is killed.

    Raises:
        TimeoutError: It did not end in time.
    """
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=cwd,
            env=_environment(variables or {}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    try:
        output = _read(master, Deadline(patience_s))
        exit_code = process.wait(timeout=patience_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    return Screen(exit_code=exit_code, output=output.replace("\r\n", "\n"), columns=columns)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    for name in _ASKING:
        kept.pop(name, None)
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **variables}


def _read(master: int, deadline: Deadline) -> str:
    """What comes until nobody has the terminal open any more.

    Raises:
        TimeoutError: Somebody still has.
    """
    pieces: list[bytes] = []
    while True:
        ready, _, _ = select.select([master], [], [], max(0.0, deadline.remaining_s()))
        if not ready:
            raise TimeoutError(b"".join(pieces).decode("utf-8", "replace"))
        try:
            piece = os.read(master, 65_536)
        except OSError:  # EIO: Linux's way to say that the other side is closed
            piece = b""
        if not piece:
            return b"".join(pieces).decode("utf-8")
        pieces.append(piece)


def _width(line: str) -> int:
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in line
    )

"""Finds the processes that a program under test has started, and signals them.

They are found by their process group, or by an environment marker if they left the group (a
daemon that forked twice and began its own session). A zombie counts as gone: it runs nothing
and holds nothing.

Linux reads `/proc`, macOS asks `ps`; elsewhere nothing is found, and only the program
itself is known.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARKER = "OTLPTEST_PROCESS"
"""The environment variable that marks started programs; ids of nested ones join with `/`."""

KILL: Final[int] = getattr(signal, "SIGKILL", signal.SIGTERM)
"""The signal that no process survives; on Windows any signal ends a process at once."""

_PROC = Path("/proc")
_GONE = frozenset("ZXx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descendant:
    """A living process that a program under test started.

    Attributes:
        pid: Its process id.
        name: Its executable, as the system calls it.
        is_in_group: Whether it is in the program's process group; else its environment marks it.
    """

    pid: int
    name: str
    is_in_group: bool

    def __str__(self) -> str:
        """Return its name in a message."""
        return f"process {self.pid} ({self.name})"


def living_processes(group: int, mark: str) -> tuple[Descendant, ...]:
    """Return every living process of the group `group`, or with `mark` in its marker.

    Takes a few milliseconds. A process that belongs to another user is found by its group only.
    """
    if _PROC.joinpath("self", "stat").exists():
        return tuple(_of_proc(group, mark))
    if sys.platform == "win32":  # pragma: no cover -- no process groups, no readable environment
        return ()
    return _of_ps(group, mark)  # pragma: no cover -- macOS; `parsed_ps` is tested on its own


def _of_proc(group: int, mark: str) -> Iterator[Descendant]:
    for folder in _PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            stat = folder.joinpath("stat").read_text("utf-8", "replace")
            head, _, tail = stat.rpartition(")")
            state, _parent, in_group = tail.split()[:3]
            if state in _GONE:
                continue
            is_in_group = int(in_group) == group
            if is_in_group or _has_mark(folder.joinpath("environ").read_bytes(), mark):
                name = head.partition("(")[2]
                yield Descendant(pid=int(folder.name), name=name, is_in_group=is_in_group)
        except (OSError, ValueError):
            continue  # it ended while it was read, or is not ours to read


def _has_mark(environ: bytes, mark: str) -> bool:
    prefix = f"{MARKER}=".encode()
    return any(
        mark.encode() in entry.removeprefix(prefix).split(b"/")
        for entry in environ.split(b"\0")
        if entry.startswith(prefix)
    )


def _of_ps(group: int, mark: str) -> tuple[Descendant, ...]:  # pragma: no cover -- macOS
    command = ["/bin/ps", "-AEww", "-o", "pid=,pgid=,stat=,command="]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- fixed words
    return parsed_ps(done.stdout.decode("utf-8", "replace"), group, mark)


def parsed_ps(listing: str, group: int, mark: str) -> tuple[Descendant, ...]:
    """Return the same from the columns pid, pgid, stat, command and environment."""
    found = []
    for line in listing.splitlines():
        pid, in_group, state, *words = line.split()
        is_in_group = int(in_group) == group
        is_marked = any(_has_mark(word.encode(), mark) for word in words)
        if state[0] not in _GONE and (is_in_group or is_marked):
            name = Path(words[0]).name if words else "?"
            found.append(Descendant(pid=int(pid), name=name, is_in_group=is_in_group))
    return tuple(found)


def signal_all(leader: int, mark: str, number: int) -> None:
    """Send a signal to the unreaped `leader`'s group, and to all processes that it started.

    A stopped process is woken, so that it can act on the signal.
    """
    if sys.platform == "win32":  # pragma: no cover -- ends the tree at once, whatever the signal
        command = ["taskkill", "/F", "/T", "/PID", str(leader)]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603 -- fixed words
        return
    outside = [found.pid for found in living_processes(leader, mark) if not found.is_in_group]
    for one in (number, signal.SIGCONT):
        _signal_group(leader, one)
        for pid in outside:
            _signal_process(pid, one)


def _signal_group(leader: int, number: int) -> None:
    # A group of zombies, or of another user, refuses: the caller checks which processes live.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _signal_process(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)

"""Finds the TCP ports on which processes listen, for messages about a wrong port.

This works on Linux only, from `/proc`; elsewhere nothing is known.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"  # TCP_LISTEN, as the kernel writes it


def listening_ports(pids: Iterable[int]) -> tuple[int, ...]:
    """Return the ports on which these processes listen, sorted; empty if unknown."""
    inodes = {inode for pid in pids for inode in _socket_inodes(pid)}
    return tuple(sorted({port for port, inode in _listeners() if inode in inodes}))


def _socket_inodes(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in Path("/proc", str(pid), "fd").iterdir():
            with contextlib.suppress(OSError):
                kind, _, inode = str(link.readlink()).partition(":")
                if kind == "socket":
                    yield inode.strip("[]")


def _listeners() -> Iterator[tuple[int, str]]:
    for table in _TABLES:
        with contextlib.suppress(OSError):
            for line in table.read_text("ascii").splitlines()[1:]:
                columns = line.split()
                if columns[3] == _LISTENING:
                    yield int(columns[1].rpartition(":")[2], 16), columns[9]

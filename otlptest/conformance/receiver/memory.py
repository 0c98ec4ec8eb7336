"""The memory of the process that listens on a local port, as Linux reports it."""

import os
import socket
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from otlptest.timing import SYSTEM_CLOCK

_PROC: Final = Path("/proc")
_LISTEN: Final = "0A"
_REMEMBERED_S: Final = 5.0


def resident_bytes_at(host: str, port: int) -> int | None:
    """Return resident memory of the process that listens on a port of this machine.

    None for processes of other machines or users, and on systems without `/proc`. With several
    processes on one port (a pre-fork server), the sum.
    """
    if not _is_local(host) or not _PROC.joinpath("net", "tcp").exists():
        return None
    sockets = frozenset(f"socket:[{inode}]" for inode in _listening_inodes(port))
    era = int(SYSTEM_CLOCK.monotonic() / _REMEMBERED_S)
    sizes = [size for size in map(_resident, _owners_lately(sockets, era)) if size]
    return sum(sizes) or None


@lru_cache(maxsize=8)
def _owners_lately(sockets: frozenset[str], _era: int) -> tuple[str, ...]:
    """Return the processes that hold sockets, cached: to walk over all processes is slow."""
    return tuple(_owners(sockets))


def _is_local(host: str) -> bool:
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(each.startswith("127.") or each == "::1" for each in addresses)


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = _PROC.joinpath("net", table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                yield fields[9]


def _owners(sockets: frozenset[str]) -> Iterator[str]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and _holds(entry, sockets):
            yield entry.name


def _holds(process: Path, sockets: frozenset[str]) -> bool:
    try:
        return any(str(each.readlink()) in sockets for each in (process / "fd").iterdir())
    except OSError:  # another user's, or it has just ended
        return False


def _resident(pid: str) -> int:
    try:
        pages = int(_PROC.joinpath(pid, "statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")

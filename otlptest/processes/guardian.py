"""Ends programs under test when the process that started them dies without cleaning up.

`SIGKILL`, a crash and `os._exit` (pytest-timeout's thread method) leave no time to clean up. So
the first program of a process comes with a small helper process: it reads from a pipe which
programs live. The pipe ends when its writer ends; then it kills the programs that are left.
Where there are no process groups there is no guardian.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Final

from otlptest.processes.descendants import living_processes
from otlptest.timing import Deadline

_PATIENCE_S: Final = 5.0
_ROOT: Final = Path(__file__).resolve().parents[2]
_CODE: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from otlptest.processes.guardian import main; main(sys.stdin.buffer)"
)


class Guardian:
    """The helper process that watches over the programs of this one. Thread-safe."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(  # noqa: S603 -- our own code
            [sys.executable, "-E", "-S", "-c", _CODE, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self.dismiss)

    def tell(self, sign: str, leader: int, mark: str) -> None:
        """Report that a program has begun (`+`) or has ended and was reaped (`-`)."""
        pipe = self._process.stdin
        with self._lock, contextlib.suppress(OSError, ValueError):  # it is gone, or dismissed
            if pipe is not None:
                pipe.write(f"{sign} {leader} {mark}\n".encode())
                pipe.flush()

    def dismiss(self) -> None:
        """Let the guardian end, and wait for that; in a forked process do nothing."""
        if self.pid == os.getpid() and self._process.stdin is not None:
            with self._lock, contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()


_guardians: dict[int, Guardian] = {}
_lock = threading.Lock()


def guard() -> Guardian | None:
    """Return the guardian of this process, started if needed; None where there cannot be one."""
    if os.name != "posix":  # pragma: no cover -- Windows
        return None
    with _lock:
        own = _guardians.get(os.getpid())  # a forked process needs one of its own
        if own is None:
            own = _guardians[os.getpid()] = Guardian()
        return own


def main(pipe: IO[bytes]) -> None:
    """Run as a guardian, in its own process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(pipe)


def watch(pipe: IO[bytes]) -> None:
    """Read which programs live; at the end of the pipe kill the remaining ones."""
    living: dict[str, int] = {}
    for line in pipe:
        sign, leader, mark = line.decode().split()
        if sign == "+":
            living[mark] = int(leader)
        else:
            living.pop(mark, None)
    for mark, group in living.items():
        _kill(group, mark)


def _kill(group: int, mark: str) -> None:
    deadline = Deadline(_PATIENCE_S)
    while found := living_processes(group, mark):
        for one in found:
            with contextlib.suppress(OSError):
                os.kill(one.pid, signal.SIGKILL)
        if not deadline.pause(0.02):
            return

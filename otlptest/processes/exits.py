"""Waits for the end of a program in its own thread, and describes that end."""

import os
import signal
import subprocess
import threading


def signal_name(number: int) -> str:
    """Return `SIGTERM`, or `signal 99` for a signal without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def ended_by_signal(number: int) -> str:
    """Return `was ended by SIGTERM`."""
    return f"was ended by {signal_name(number)}"


def how_it_ended(code: int | None) -> str:
    """Return an exit code in words: `exited with code 1`, `was ended by SIGKILL`."""
    if code is None:
        return "ended with a code that something else in this process took"
    if code >= 0:
        return f"exited with code {code}"
    return ended_by_signal(-code)


class ExitWatch:
    """A watch on the exit of a process, without polling. Thread-safe.

    Where the system allows it, the process is left a zombie until `reap`.

    Args:
        process: The process, just started.
        name: The name of its thread.
        changed: Notified at the exit.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", name: str, changed: threading.Condition
    ) -> None:
        self.has_exited = False
        self.code: int | None = None
        self._process = process
        self._changed = changed
        self._thread = threading.Thread(
            target=self._wait, name=f"otlptest-exit-{name}", daemon=True
        )
        self._thread.start()

    def look(self) -> bool:
        """Return whether it has exited, even if the thread has not noticed yet."""
        if self.has_exited or not hasattr(os, "waitid"):
            return self.has_exited
        try:
            how = os.WEXITED | os.WNOWAIT | os.WNOHANG
            return os.waitid(os.P_PID, self._process.pid, how) is not None
        except ChildProcessError:  # something else took its exit code
            return True

    def reap(self) -> None:
        """Release the exited process to the system; its id may then be used again."""
        self._thread.join()
        self._process.wait()

    def _wait(self) -> None:
        # Popen.wait(timeout=…) does not work: freezegun stops the clock that it reads.
        code = self._awaited_code()
        with self._changed:
            self.code = code
            self.has_exited = True
            self._changed.notify_all()

    def _awaited_code(self) -> int | None:
        if not hasattr(os, "waitid"):  # pragma: no cover -- Windows, and macOS before Python 3.13
            return self._process.wait()
        try:
            told = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # e.g. SIGCHLD is ignored, or a library waits for any child
            return None
        if told is None:  # pragma: no cover -- only with WNOHANG
            return None
        return told.si_status if told.si_code == os.CLD_EXITED else -told.si_status

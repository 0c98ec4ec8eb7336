"""The output of a program: read continuously, kept within bounds, searched by line.

The *pipe* takes standard output and standard error together. A thread reads it while any process
holds its other end, so a program never blocks on printing. Only the newest bytes are kept.
"""

import os
import re
import select
import threading

from otlptest.timing import Deadline

KEPT_BYTES = 1024 * 1024
"""The number of bytes of output that are kept."""

_CHUNK_BYTES = 65536
_LONGEST_LINE_BYTES = 65536
_TAIL_COLUMNS = 500


class Output:
    """The newest output of one program. Thread-safe.

    Args:
        name: The name of its thread.
        changed: Notified when a watched line has come.
    """

    def __init__(self, name: str, changed: threading.Condition) -> None:
        self._changed = changed
        self._lock = threading.Condition()
        self._newest = bytearray()
        self._total = 0
        self._line = b""
        self._watched: dict[re.Pattern[str], re.Match[str] | None] = {}
        self._asked = 0
        self._answered = 0
        self._is_over = False
        self._reading, self.pipe = os.pipe()
        self._wake_reading, self._wake = os.pipe()
        self._thread = threading.Thread(
            target=self._drain, name=f"otlptest-output-{name}", daemon=True
        )

    def start(self) -> None:
        """Begin to read, once the program holds the pipe."""
        os.close(self.pipe)
        self._thread.start()

    def discard(self) -> None:
        """Close the pipes without reading: the program did not start."""
        for descriptor in (self.pipe, self._reading, self._wake_reading, self._wake):
            os.close(descriptor)

    def close(self) -> None:
        """Read what is still there, then stop, whichever process still holds the pipe."""
        self._catch_up(Deadline(1.0), is_last=True)
        self._thread.join(1.0)

    def text(self) -> str:
        """Return the newest output, including everything printed before this call.

        Invalid UTF-8 is replaced; the first line reports dropped output.
        """
        self._catch_up(Deadline(1.0), is_last=False)
        with self._lock:
            kept = bytes(self._newest[-KEPT_BYTES:])
            dropped = self._total - len(kept)
        said = f"[{dropped:,} bytes of earlier output were dropped]\n" if dropped else ""
        return said + kept.decode("utf-8", "replace")

    def last_lines(self, count: int) -> str:
        """Return the last `count` lines, each cut to a readable length."""
        lines = self.text().splitlines()[-count:]
        return "\n".join(
            line if len(line) <= _TAIL_COLUMNS else line[:_TAIL_COLUMNS] + "…" for line in lines
        )

    def watch(self, pattern: re.Pattern[str]) -> None:
        """Search each line from now on for `pattern`; before `start`, all lines."""
        with self._lock:
            self._watched.setdefault(pattern, None)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the first match of a watched pattern, None if it has not come yet."""
        with self._lock:
            return self._watched.get(pattern)

    def _catch_up(self, deadline: Deadline, *, is_last: bool) -> None:
        """Block until the thread has read everything that was in the pipe at the call."""
        with self._lock:
            self._asked += 1
            wanted = self._asked
            if self._is_over:
                return
            os.write(self._wake, b"x" if is_last else b".")
            while self._answered < wanted and not self._is_over:
                if not deadline.wait_on(self._lock):
                    return

    def _drain(self) -> None:
        try:
            if hasattr(select, "poll"):
                self._read_and_answer()
            else:  # pragma: no cover -- Windows, whose pipes cannot be polled
                self._read_until_end()
        finally:
            with self._lock:
                self._end_line()
                self._is_over = True
                for descriptor in (self._reading, self._wake_reading, self._wake):
                    os.close(descriptor)
                self._lock.notify_all()

    def _read_and_answer(self) -> None:
        poller = select.poll()
        poller.register(self._reading, select.POLLIN)
        poller.register(self._wake_reading, select.POLLIN)
        while True:
            ready = dict(poller.poll())
            if self._wake_reading in ready:
                asked = os.read(self._wake_reading, 4096)
                has_ended = self._read_what_is_there()
                with self._lock:
                    self._answered += len(asked)
                    self._lock.notify_all()
                if has_ended or b"x" in asked:
                    return
            elif self._read_once():
                return

    def _read_what_is_there(self) -> bool:
        """Read until the pipe is empty, but at most its capacity; return True at its end."""
        poller = select.poll()
        poller.register(self._reading, select.POLLIN)
        until = self._total + KEPT_BYTES
        while self._total < until and poller.poll(0):
            if self._read_once():
                return True
        return False

    def _read_until_end(self) -> None:  # pragma: no cover -- Windows, whose pipes cannot be polled
        while not self._read_once():
            with self._lock:
                self._answered = self._asked
                self._lock.notify_all()

    def _read_once(self) -> bool:
        """Read one chunk; return True at the end of the pipe."""
        chunk = os.read(self._reading, _CHUNK_BYTES)
        with self._lock:
            self._keep(chunk)
            if self._watched:
                self._scan(chunk)
        return not chunk

    def _keep(self, chunk: bytes) -> None:
        self._newest += chunk
        self._total += len(chunk)
        if len(self._newest) > 2 * KEPT_BYTES:  # not each time: it moves what it keeps
            del self._newest[:-KEPT_BYTES]

    def _scan(self, chunk: bytes) -> None:
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self._judge(line)
        if len(self._line) > _LONGEST_LINE_BYTES:
            self._end_line()

    def _end_line(self) -> None:
        if self._line:
            self._judge(self._line)
            self._line = b""

    def _judge(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        for pattern, found in self._watched.items():
            if found is None and (match := pattern.search(text)):
                self._watched[pattern] = match
                with self._changed:
                    self._changed.notify_all()

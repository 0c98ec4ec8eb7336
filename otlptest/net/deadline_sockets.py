"""A socket whose waits share one deadline, for `http.client`, which limits single waits only."""

import io
import selectors
import socket
from typing import Any

from otlptest.timing import Deadline


class DeadlineSocket:
    """Wraps a connected socket; sending and receiving raise TimeoutError once time is up."""

    def __init__(self, connected: socket.SocketType, deadline: Deadline) -> None:
        self._socket = connected
        self.deadline = deadline
        self._readers = 0
        self._is_closed = False

    def sendall(self, data: Any) -> None:  # noqa: ANN401 -- any buffer
        """Send everything."""
        rest = memoryview(data).cast("B")
        while rest:
            self._limit()
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file that `http.client` reads answers from; it always asks for `rb`."""
        self._readers += 1
        return io.BufferedReader(_Reader(self))

    def receive_into(self, buffer: Any) -> int:  # noqa: ANN401 -- any writable buffer
        """Receive the available bytes, at least one unless the peer has ended."""
        self._limit()
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        """Close the socket once nobody reads from it any more.

        `http.client` closes before it has read an answer that ends with the connection; a real
        socket lives on in its files too.
        """
        self._is_closed = True
        self._close_if_unused()

    def reader_closed(self) -> None:
        """Note that a file of `makefile` was closed."""
        self._readers -= 1
        self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._is_closed and self._readers <= 0:
            self._socket.close()

    def is_stale(self) -> bool:
        """Return whether the peer has ended the connection, or sent unexpected bytes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def _limit(self) -> None:
        """Allow the next wait to last until the deadline.

        Raises:
            TimeoutError: It has passed.
        """
        left = self.deadline.remaining_s()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)


class _Reader(io.RawIOBase):
    def __init__(self, owner: DeadlineSocket) -> None:
        super().__init__()
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any writable buffer
        return self._owner.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._owner.reader_closed()

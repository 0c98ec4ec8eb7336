"""A connection that sends and receives raw bytes and never blocks beyond its timeout.

The end of a conversation is recorded exactly: the peer *closed* it, *reset* it, or was *silent*
until time ran out; it is *open* while none of these has happened.
"""

import selectors
import socket
import ssl
from collections.abc import Iterable
from typing import Final, Literal, Self, TypeAlias

from otlptest.timing import Deadline

End: TypeAlias = Literal["open", "closed", "reset", "silent"]

TlsOrPlain: TypeAlias = "socket.socket | ssl.SSLSocket"

_READ_SIZE: Final = 256 * 1024
_PIECE: Final = 256 * 1024
_WORDS: Final[dict[End, str]] = {
    "open": "the connection stayed open",
    "closed": "the connection was closed",
    "reset": "the connection was reset",
    "silent": "nothing came",
}


def end_words(end: End) -> str:
    """Return the description of an end, for evidence."""
    return _WORDS[end]


class RawSocket:
    """A connected socket; a context manager that closes it. Not thread-safe.

    Args:
        wire: The socket, which belongs to this from now on.
        timeout_s: Seconds that any one operation may take.

    Attributes:
        end: The end of the peer's side; `open` as long as it has not ended.
    """

    def __init__(self, wire: TlsOrPlain, timeout_s: float) -> None:
        self.wire = wire
        self.timeout_s = timeout_s
        self.end: End = "open"
        wire.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self.wire.close()

    def say(self, data: bytes | Iterable[bytes], *, stops_at_answer: bool = False) -> bool:
        """Send bytes; return whether all of them went out.

        Blocks at most `timeout_s`.

        Args:
            data: The bytes, in pieces if large.
            stops_at_answer: Stop as soon as the peer sends anything.
        """
        deadline = Deadline(self.timeout_s)
        pieces = (data,) if isinstance(data, bytes) else data
        return all(
            self._say_one(each, deadline, stops_at_answer=stops_at_answer) for each in pieces
        )

    def _say_one(self, data: bytes, deadline: Deadline, *, stops_at_answer: bool) -> bool:
        rest = memoryview(data)
        while rest:
            if stops_at_answer and self._can("read", 0.0):
                return False
            try:
                rest = rest[self.wire.send(rest[:_PIECE]) :]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                if deadline.has_passed() or not self._can("write", deadline.remaining_s()):
                    return False
            except OSError:
                return False
        return True

    def receive(self, deadline: Deadline) -> bytes:
        """Return what the peer sends next; empty after its end or the timeout, `end` says which.

        Blocks until there is something, at most until `deadline`.
        """
        while self.end in {"open", "silent"}:
            try:
                data = self.wire.recv(_READ_SIZE)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self.end = "silent"
                if deadline.has_passed() or not self._can("read", deadline.remaining_s()):
                    return b""
                continue
            except ssl.SSLEOFError:
                data = b""
            except OSError:
                self.end = "reset"
                return b""
            self.end = "open" if data else "closed"
            return data
        return b""

    def wait_for_end(self, timeout_s: float) -> End:
        """Return how the peer's side ends in time; `silent` if it does not.

        Data from the peer is dropped meanwhile.
        """
        deadline = Deadline(timeout_s)
        while self.receive(deadline):
            pass
        return self.end

    def shutdown_write(self) -> None:
        """Half-close: signal to the peer that nothing more comes."""
        try:
            self.wire.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone already
            return

    def _can(self, what: Literal["read", "write"], timeout_s: float) -> bool:
        event = selectors.EVENT_READ if what == "read" else selectors.EVENT_WRITE
        with selectors.DefaultSelector() as selector:
            selector.register(self.wire, event)
            return bool(selector.select(timeout_s))

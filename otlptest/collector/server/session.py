"""The interface between a socket and a protocol."""

from collections.abc import Callable
from typing import Protocol

from otlptest.model import Request


class Outbox:
    """The output of a session. The connection sends it after it has read.

    Args:
        close: Ends the connection, for a reason, once everything is sent.
        reset: Resets the connection at once, for a reason.
        later: Calls a function after a number of seconds, if the connection is open then, and
            sends its output.

    Attributes:
        chunks: Bytes, in order.
        replied: Requests whose replies are among them.
        write: Appends to `chunks`.
    """

    __slots__ = ("chunks", "close", "later", "replied", "reset", "write")

    def __init__(
        self,
        close: Callable[[str], None],
        reset: Callable[[str], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self.chunks: list[bytes] = []
        self.replied: list[Request] = []
        self.write = self.chunks.append
        self.close = close
        self.reset = reset
        self.later = later


class Session(Protocol):
    """One protocol on one connection."""

    @property
    def receive(self) -> Callable[[bytes], None]:
        """Take plain bytes from the peer."""
        ...

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is incomplete."""
        ...

    @property
    def is_idle(self) -> bool:
        """Return whether no request or reply is in progress."""
        ...

    def ended(self) -> None:
        """Note that the peer sends nothing more."""
        ...

    def go_away(self) -> None:
        """Announce that the receiver stops, where the protocol can."""
        ...

    def check_patience(self, now: float) -> None:
        """Give up after a timeout."""
        ...

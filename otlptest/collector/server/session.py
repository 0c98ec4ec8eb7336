"""Between a socket and a protocol: what a connection asks of a session, and what it offers."""

from collections.abc import Callable
from typing import Protocol

from otlptest.model import Request


class Outbox:
    """Where a session puts what goes to the peer. The connection sends it after it has read.

    Args:
        close: Ends the connection once all is sent, for a reason.
        reset: Resets the connection at once, for a reason.
        later: Calls a function after so many seconds, if the connection is open then, and sends
            what it writes.

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
        """Takes plain bytes from the peer."""
        ...

    @property
    def is_within_request(self) -> bool:
        """Return whether a request has begun and is not whole."""
        ...

    @property
    def is_idle(self) -> bool:
        """Return whether nothing is under way."""
        ...

    def ended(self) -> None:
        """The peer sends no more."""
        ...

    def go_away(self) -> None:
        """The receiver stops: say so where the protocol can."""
        ...

    def check_patience(self, now: float) -> None:
        """Give up what takes too long."""
        ...

"""The seam between the receivers, which speak HTTP and gRPC, and the store, which remembers."""

from typing import Protocol

from otlptest.model import Connection, Problem, Request


class Intake(Protocol):
    """What the receivers tell. Called in the receiver's thread only; must return quickly."""

    def connection_opened(self, connection: Connection) -> None:
        """A connection was accepted."""
        ...

    def connection_closed(self, connection: Connection) -> None:
        """A connection has ended and all that was sent on it has been read."""
        ...

    def request_received(self, request: Request) -> None:
        """A request arrived whole, and was decoded (`problem is None`) or refused.

        Called before the reply is written. The store gives `request.number`, keeps it, and wakes
        whoever waits.
        """
        ...

    def request_replied(self, request: Request) -> None:
        """The reply was handed to the socket; `replied_at` and the status are set."""
        ...

    def problem_found(self, problem: Problem) -> None:
        """Something arrived that is not even a whole request."""
        ...

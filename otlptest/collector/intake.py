"""The seam between the receivers, which speak HTTP and gRPC, and the store, which remembers."""

from typing import Protocol

from otlptest.model import Connection, Problem, Request


class Intake(Protocol):
    """The events of the receivers. Called in the receiver's thread only; must return quickly."""

    def connection_opened(self, connection: Connection) -> None:
        """Note that a connection was accepted."""
        ...

    def connection_closed(self, connection: Connection) -> None:
        """Note that a connection has ended and everything sent on it has been read."""
        ...

    def request_received(self, request: Request) -> None:
        """Take a request that arrived whole, and was decoded (`problem is None`) or refused.

        Called before the reply is written. The store sets `request.number`, keeps the request,
        and wakes the waiting threads.
        """
        ...

    def request_replied(self, request: Request) -> None:
        """Note that the reply was handed to the socket; `replied_at` and the status are set."""
        ...

    def problem_found(self, problem: Problem) -> None:
        """Note something that is not even a whole request."""
        ...

"""Listening ports: what each is for, whose it is, and the connections that came to it."""

import ssl
from typing import TYPE_CHECKING

from otlptest.collector.receiving.heads import Role
from otlptest.collector.receiving.sockets import Socket, close_socket, listening_sockets

if TYPE_CHECKING:
    from otlptest.collector.receiving.connection import SocketConnection

__all__ = ["Endpoint", "role_of"]

_ROLES: dict[int, Role] = {}
"""Of the ports that this process listens on; what listens there later has its own."""


def role_of(port: int) -> Role | None:
    """What a port of this process is for; None if no receiver listens there."""
    return _ROLES.get(port)


class Endpoint:
    """One listening port. Made in the caller's thread, used in the receiver's.

    Args:
        host: Address to listen on; `localhost` is both of loopback's.
        port: 0 takes a free one.
        role: What it is for.
        owner: The process under test that it was opened for.
        tls: Makes it a TLS port.

    Attributes:
        listeners: The sockets that listen: one, or two with the same port.
        connections: The open ones.
        opened_at: When connections were taken from, on the receiver's clock.
    """

    def __init__(
        self,
        host: str,
        port: int,
        role: Role,
        *,
        owner: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.listeners: tuple[Socket, ...] = listening_sockets(host, port)
        self.port: int = self.listeners[0].getsockname()[1]
        self.role: Role = role
        self.owner = owner
        self.tls = tls
        self.opened_at = 0.0
        self.connections: set[SocketConnection] = set()
        self.is_open = True
        _ROLES[self.port] = role

    def close(self) -> None:
        """Stop listening; what waits in the accept queue is refused."""
        if self.is_open:
            self.is_open = False
            _ROLES.pop(self.port, None)
            for listener in self.listeners:
                close_socket(listener)

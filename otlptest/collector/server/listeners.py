"""Listening ports: the purpose, the owner and the connections of each."""

import ssl
from typing import Generic, TypeVar

from otlptest.collector.server.request_head import Role
from otlptest.net.local_network import local_network
from otlptest.net.sockets import Socket, close_socket, listening_sockets

C = TypeVar("C")


class Endpoint(Generic[C]):
    """One listening port. Made in the caller's thread, used in the receiver's.

    Args:
        host: Address to listen on; `localhost` is both of loopback's.
        port: 0 takes a free one.
        role: The purpose of the port.
        owner: The process under test that it was opened for.
        tls: Makes it a TLS port.

    Attributes:
        listeners: The sockets that listen: one, or two with the same port.
        connections: The open connections.
        opened_at: When it began to accept, on the receiver's clock.
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
        self.connections: set[C] = set()
        self.is_open = True
        local_network.port_opened(self.port, role)

    def close(self) -> None:
        """Stop listening; pending connections in the accept queue are refused."""
        if self.is_open:
            self.is_open = False
            local_network.port_closed(self.port)
            for listener in self.listeners:
                close_socket(listener)

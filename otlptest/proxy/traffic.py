"""The traffic of a proxy."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

_KEPT_CONNECTIONS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The traffic of a proxy so far.

    Attributes:
        connections: Accepted connections, refused and broken ones included.
        open_connections: Connections that are open now.
        requests: HTTP/1.1 requests and HTTP/2 streams that began; none can be seen within TLS.
        bytes_to_upstream: Bytes sent to the receiver.
        bytes_to_client: Bytes sent back.
    """

    connections: int
    open_connections: int
    requests: int
    bytes_to_upstream: int
    bytes_to_client: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedConnection:
    """One connection through a proxy, as of the moment of the query.

    Attributes:
        number: 1 for the proxy's first.
        port: The proxy's port that it came to.
        upstream: Its target: `http://127.0.0.1:4317`.
        opened_at: Seconds on the proxy's clock.
        closed_at: When both sides were closed; None before.
        protocol: `http/1.1`, `h2`, or None for anything else.
        requests: How many began.
        bytes_to_upstream: Bytes sent to the receiver.
        bytes_to_client: Bytes sent back.
        wire_fault: The injected fault that acted on it last; empty if none.
        close_reason: Why it ended; empty before.
    """

    number: int
    port: int
    upstream: str
    opened_at: float
    closed_at: float | None
    protocol: str | None
    requests: int
    bytes_to_upstream: int
    bytes_to_client: int
    wire_fault: str
    close_reason: str


@dataclass(eq=False, slots=True)
class PassingConnection:
    """One connection while it is open. Changed in the proxy's thread, read in any.

    Attributes:
        number: 1 for the first.
        port: The port of the proxy.
        upstream: Its target.
        opened_at: The time in seconds.
    """

    number: int
    port: int
    upstream: str
    opened_at: float
    closed_at: float | None = None
    protocol: str | None = None
    requests: int = 0
    bytes_to_upstream: int = 0
    bytes_to_client: int = 0
    wire_fault: str = ""
    close_reason: str = ""

    def as_seen(self) -> ProxiedConnection:
        """Return a copy of the current state."""
        return ProxiedConnection(**asdict(self))


class Ledger:
    """All connections of a proxy: totals, and the latest ones. Written in the proxy's thread.

    Attributes:
        unreachable: How often the upstream was unreachable, by reason.
    """

    def __init__(self) -> None:
        self._count = 0
        self._latest: deque[PassingConnection] = deque()
        self._dropped = PassingConnection(0, 0, "", 0.0)  # the totals of those not kept
        self.unreachable: dict[str, int] = {}

    def opened(self, port: int, upstream: str, at: float) -> PassingConnection:
        """Begin a record."""
        self._count += 1
        connection = PassingConnection(self._count, port, upstream, at)
        self._latest.append(connection)
        while len(self._latest) > _KEPT_CONNECTIONS and self._latest[0].closed_at is not None:
            oldest = self._latest.popleft()
            self._dropped.requests += oldest.requests
            self._dropped.bytes_to_upstream += oldest.bytes_to_upstream
            self._dropped.bytes_to_client += oldest.bytes_to_client
        return connection

    def could_not_reach(self, what: str) -> None:
        """Note that an upstream was unreachable."""
        self.unreachable = {**self.unreachable, what: self.unreachable.get(what, 0) + 1}

    def connections(self) -> tuple[ProxiedConnection, ...]:
        """Return the latest 10,000 connections, and all open ones; oldest first."""
        return tuple(connection.as_seen() for connection in tuple(self._latest))

    def traffic(self) -> Traffic:
        """Return the totals."""
        latest = tuple(self._latest)
        open_ones = sum(connection.closed_at is None for connection in latest)
        requests = up = down = 0
        for connection in (self._dropped, *latest):
            requests += connection.requests
            up += connection.bytes_to_upstream
            down += connection.bytes_to_client
        return Traffic(
            connections=self._count,
            open_connections=open_ones,
            requests=requests,
            bytes_to_upstream=up,
            bytes_to_client=down,
        )

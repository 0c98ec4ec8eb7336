"""The targets of a proxy."""

import _socket
import re
import socket
from dataclasses import dataclass, replace
from typing import Final, Protocol

from otlptest.errors import UsageError
from otlptest.net.addresses import AddressError, parse_address

_HINT: Final = 'upstream="http://127.0.0.1:4317", or a collector'


class EndpointPair(Protocol):
    """Something that takes both OTLP/gRPC and OTLP/HTTP: a `FakeCollector`, a view of it."""

    @property
    def grpc_endpoint(self) -> str:
        """Return its endpoint for OTLP/gRPC."""
        ...

    @property
    def http_endpoint(self) -> str:
        """Return its endpoint for OTLP/HTTP."""
        ...

    def environ(self, protocol: str = ..., /, *, inherit: bool = ...) -> dict[str, str]:
        """Return the environment of a program that sends there, with its certificates."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One port of a receiver.

    Attributes:
        url: As a user writes it: `http://127.0.0.1:4317`.
        family: The family of its address.
        address: Numeric, with the port.
        is_tls: Whether it uses TLS, which a proxy cannot look into.
    """

    url: str
    family: int
    address: tuple[str, int]
    is_tls: bool

    def at(self, port: int) -> "Upstream":
        """Return another port of the same receiver."""
        url = f"{self.url.rpartition(':')[0]}:{port}"
        return replace(self, url=url, address=(self.address[0], port))


def upstream_at(endpoint: str) -> Upstream:
    """Return the upstream at a URL, or at `HOST:PORT`.

    Blocks while a name is resolved.

    Raises:
        UsageError: It has another form, or the host does not exist.
    """
    try:
        parsed = parse_address(endpoint)
    except AddressError as wrong:
        raise UsageError(f"upstream {endpoint!r}: {wrong}", _HINT) from wrong
    netloc = parsed.netloc
    if not re.fullmatch(r"[^:@]+:\d+|\[[^]]+\]:\d+", netloc) or not parsed.port:
        raise UsageError(f"upstream {endpoint!r} has no port", _HINT)
    if parsed.path not in {"", "/"}:
        raise UsageError(
            f"upstream {endpoint!r} has a path; a proxy passes whatever path the client asks for",
            f'upstream="{parsed.scheme}://{netloc}"',
        )
    family, address = _resolved(parsed.host, parsed.port)
    return Upstream(
        url=f"{parsed.scheme}://{netloc}",
        family=family,
        address=address,
        is_tls=parsed.is_tls,
    )


def _resolved(host: str, port: int) -> tuple[int, tuple[str, int]]:
    """Return the family and numeric address.

    Raises:
        UsageError: The host does not exist.
    """
    try:
        found = _socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"upstream host {host!r} cannot be found: {reason}", _HINT) from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    family, _, _, _, address = found[0]
    return family, (str(address[0]), port)

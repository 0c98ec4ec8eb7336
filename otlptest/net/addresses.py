"""Addresses that people write: URLs and `host:port`."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

GRPC_PORT: Final = 4317
"""The usual port of OTLP/gRPC (OTLP specification, "OTLP/gRPC Default Port")."""

HTTP_PORT: Final = 4318
"""The usual port of OTLP/HTTP (OTLP specification, "OTLP/HTTP Default Port")."""

_SCHEME_PORTS: Final = {"http": 80, "https": 443}


class AddressError(ValueError):
    """The text is not an address; the message is a clause: `it is not a URL`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL or `host:port`, taken apart.

    Attributes:
        scheme: `http` or `https`; `http` for `host:port`.
        host: Without brackets.
        port: The port; None without one.
        path: As written, maybe empty.
        netloc: The part between the scheme and the path, as written.
        is_url: Whether it has a scheme.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    netloc: str
    is_url: bool

    @property
    def is_tls(self) -> bool:
        """Return whether the address uses TLS."""
        return self.scheme == "https"

    def port_for(self, *, is_grpc: bool) -> int:
        """Return its port, or the usual one: of the scheme for an HTTP URL, else of OTLP."""
        if self.port is not None:
            return self.port
        if is_grpc:
            return GRPC_PORT
        return _SCHEME_PORTS[self.scheme] if self.is_url else HTTP_PORT


def parse_address(text: str) -> Address:
    """Take a URL or `host:port` apart.

    Raises:
        AddressError: It is neither.
    """
    if text.startswith("unix:"):
        raise AddressError("OTLP is sent over TCP only, not over Unix sockets")
    is_url = "://" in text
    try:
        parts = urlsplit(text if is_url else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise AddressError(str(error)) from error
    if parts.scheme not in _SCHEME_PORTS or not parts.hostname or parts.query:
        raise AddressError("it is not an http or https URL, and not host:port")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        path=parts.path,
        netloc=parts.netloc,
        is_url=is_url,
    )

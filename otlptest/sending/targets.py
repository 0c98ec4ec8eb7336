"""Destinations: URLs, `host:port`, and objects with endpoints."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from otlptest.errors import UnknownNameError, UsageError
from otlptest.model import Protocol, Signal
from otlptest.net.addresses import GRPC_PORT, AddressError, parse_address
from otlptest.wire.otlp.signals import SIGNAL_NAMES

PROTOCOLS: Final[tuple[Protocol, ...]] = ("grpc", "http/protobuf", "http/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver.

    Attributes:
        protocol: The protocol to use.
        host: Name or address, without brackets.
        port: TCP port.
        is_tls: Whether it speaks TLS.
        path: The prefix of `/v1/traces`, without a trailing slash.
        ca_file: The authority to trust instead of the system's.
        certificate_file: The client's certificate for mTLS.
        key_file: Its key.
    """

    protocol: Protocol
    host: str
    port: int
    is_tls: bool = False
    path: str = ""
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def address(self) -> str:
        """`host:port`, with brackets around an IPv6 address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def path_of(self, signal: Signal) -> str:
        """Return the path of a signal: below `path`, unless that is the signal's already."""
        names = SIGNAL_NAMES[signal]
        if self.protocol == "grpc":
            return names.grpc_path
        return self.path if self.path.endswith(names.http_path) else self.path + names.http_path

    def url_of(self, signal: Signal) -> str:
        """Return its name in messages."""
        if self.protocol == "grpc":
            return f"{self.address}{self.path_of(signal)}"
        return f"{'https' if self.is_tls else 'http'}://{self.address}{self.path_of(signal)}"


def target_of(to: object, protocol: Protocol | None) -> Target:
    """Return the receiver that `to` stands for.

    Args:
        to: A URL, `host:port`, or anything with `grpc_endpoint` or `http_endpoint`, e.g. a
            `FakeCollector`; its `ca_file` and client certificate are used if it has them.
        protocol: If None: gRPC for port 4317, otherwise HTTP with protobuf.

    Raises:
        UnknownNameError: OTLP does not have the protocol.
        UsageError: `to` is none of these.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    if isinstance(to, str):
        return _target_of_text(to, protocol)
    kind = "grpc_endpoint" if protocol == "grpc" else "http_endpoint"
    other = "http_endpoint" if protocol == "grpc" else "grpc_endpoint"
    endpoint = getattr(to, kind, None)
    if not isinstance(endpoint, str):
        has_other = isinstance(getattr(to, other, None), str)
        raise UsageError(
            f"cannot send to {to!r}: it has no {kind}",
            f"it has a {other}: choose another protocol="
            if has_other
            else "give a URL, 'host:port', or a FakeCollector",
        )
    chosen: Protocol = protocol or "http/protobuf"
    return replace(
        _target_of_text(endpoint, chosen),
        ca_file=_file(to, "ca_file"),
        certificate_file=_file(to, "client_certificate_file"),
        key_file=_file(to, "client_key_file"),
    )


def _file(owner: object, name: str) -> Path | None:
    file = getattr(owner, name, None)
    return Path(file) if isinstance(file, str | Path) else None


def _target_of_text(to: str, protocol: Protocol | None) -> Target:
    """Return the receiver at a URL or `host:port`.

    Raises:
        UsageError: It is neither.
    """
    try:
        address = parse_address(to)
    except AddressError as wrong:
        raise UsageError(
            f"cannot send to {to!r}: {wrong}", "write e.g. http://127.0.0.1:4318"
        ) from wrong
    chosen: Protocol = protocol or ("grpc" if address.port == GRPC_PORT else "http/protobuf")
    return Target(
        protocol=chosen,
        host=address.host,
        port=address.port_for(is_grpc=chosen == "grpc"),
        is_tls=address.is_tls,
        path=address.path.rstrip("/"),
    )

"""The fake collector: an OTLP receiver in this process that remembers what it received."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from otlptest.collector.container_ports import CONTAINER_HOST, ContainerPorts
from otlptest.collector.leftovers import Epoch
from otlptest.collector.server.cors import CorsPolicy
from otlptest.collector.server.server import Receiver
from otlptest.collector.store import Store
from otlptest.collector.store_source import StoreSource
from otlptest.collector.view import CollectorView
from otlptest.errors import UsageError
from otlptest.net.local_network import LocalProxy, local_network
from otlptest.processes.otel_environ import Endpoints, environment
from otlptest.timing import SYSTEM_CLOCK, Clock
from otlptest.wire.transport.certificates import ThrowAwayCertificates
from otlptest.wire.transport.limits import DEFAULT_LIMITS, Limits

__all__ = ["FakeCollector", "PortPair"]

_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- only compared with


class PortPair:
    """Another gRPC and HTTP port of a collector, for one program.

    Everything that arrives through it is attributed to that program.

    Attributes:
        owner: The name that it was opened under.
        endpoints: Where it is reached.
        grpc_port: The port for OTLP/gRPC.
        http_port: The port for OTLP/HTTP.
    """

    def __init__(self, owner: str, endpoints: Endpoints) -> None:
        self.owner = owner
        self.endpoints = endpoints
        self.grpc_port, self.http_port = (
            int(url.rpartition(":")[2]) for url in (endpoints.grpc, endpoints.http)
        )

    def environ(
        self, protocol: str = "http/protobuf", /, *, inherit: bool = True
    ) -> dict[str, str]:
        """See `FakeCollector.environ`.

        Raises:
            UnknownNameError: `protocol` is not one of OTLP's three.
        """
        return environment(self.endpoints, protocol, inherit=inherit)


class FakeCollector(CollectorView):
    """An OTLP receiver in this process: gRPC and HTTP on free ports of 127.0.0.1.

    Ready when the constructor returns; a context manager; thread-safe. It has all of a view's
    queries and evidence, over everything received, and judges nothing by itself: the
    fixture `otlp` does, and `findings()` gives the same list on demand.

    Args:
        grpc_port: 0 takes a free one.
        http_port: 0 takes a free one.
        listen: The address to listen on; anything but loopback is reachable by others. `localhost`
            is 127.0.0.1 and ::1, for clients that try ::1 first.
        tls: Serve TLS with throw-away certificates; clients trust `ca_file`.
        needs_client_certificate: mTLS: refuse clients without the certificate of
            `client_certificate_file`. Needs `tls`.
        cors_origins: Origins whose pages may send (`"*"` for any); empty: CORS is off.
        limits: Limits on what a sender may send.
        clock: Where times come from.

    Attributes:
        grpc_port: The gRPC port.
        http_port: The HTTP port.
        ca_file: The authority that clients must trust; None without TLS.
        client_certificate_file: A client certificate that mTLS accepts; None without TLS.
        client_key_file: Its key; None without TLS.

    Raises:
        PortTakenError: A requested port is in use.
        ReceiverError: The receiver could not start.
        UsageError: The arguments do not fit together, or `listen` is a Unix socket.

    Example:
        >>> from otlptest import FakeCollector
        >>> with FakeCollector() as otlp:
        ...     otlp.spans.count()
        0
    """

    def __init__(
        self,
        *,
        grpc_port: int = 0,
        http_port: int = 0,
        listen: str = "127.0.0.1",
        tls: bool = False,
        needs_client_certificate: bool = False,
        cors_origins: Sequence[str] = (),
        limits: Limits = DEFAULT_LIMITS,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if needs_client_certificate and not tls:
            raise UsageError(
                "needs_client_certificate=True without TLS means nothing", "add tls=True"
            )
        self._certificates = ThrowAwayCertificates(names=_names(listen)) if tls else None
        self._needs_client_certificate = needs_client_certificate
        self._started_unix_nano = clock.unix_nanos()
        self._store = Store()
        self._clock = clock
        self._listen = listen
        receiver = Receiver(
            self._store,
            host=listen,
            grpc_port=grpc_port,
            http_port=http_port,
            tls=self._server_context(),
            cors=CorsPolicy(origins=tuple(cors_origins)) if cors_origins else None,
            limits=limits,
            clock=clock,
        )
        try:
            receiver.start()
        except BaseException:
            self._remove_certificates()
            raise
        self.grpc_port = receiver.grpc_port
        self.http_port = receiver.http_port
        self.ca_file = self._file("ca_file")
        self.client_certificate_file = self._file("client_certificate_file")
        self.client_key_file = self._file("client_key_file")
        endpoints = self._first_endpoints()
        super().__init__(
            receiver,
            StoreSource(self._store, clock=clock, lost=receiver.lost_on_the_way),
            endpoints,
            ContainerPorts(receiver, endpoints),
        )

    # TLS.

    def _server_context(self) -> ssl.SSLContext | None:
        if self._certificates is None:
            return None
        return self._certificates.server_context(
            needs_client_certificate=self._needs_client_certificate
        )

    def _file(self, name: str) -> Path | None:
        return getattr(self._certificates, name) if self._certificates is not None else None

    def _remove_certificates(self) -> None:
        if self._certificates is not None:
            self._certificates.close()

    def _first_endpoints(self) -> Endpoints:
        scheme = "https" if self._certificates is not None else "http"
        host = _reachable(self._listen)
        asks = self._needs_client_certificate
        return Endpoints(
            grpc=f"{scheme}://{host}:{self.grpc_port}",
            http=f"{scheme}://{host}:{self.http_port}",
            ca_file=_text(self.ca_file),
            client_certificate_file=_text(self.client_certificate_file) if asks else None,
            client_key_file=_text(self.client_key_file) if asks else None,
        )

    # Ports.

    def open_ports(self, owner: str) -> PortPair:
        """Open another port pair, whose requests and connections belong to `owner`.

        Raises:
            ReceiverError: No ports could be opened.
        """
        grpc_port, http_port = self._receiver.open_ports(owner)
        return PortPair(owner, self._endpoints.at(_reachable(self._listen), grpc_port, http_port))

    def find_proxy(self, endpoint: str) -> LocalProxy | None:
        """Return the proxy of this process at `endpoint` that leads here, if any."""
        return local_network.find_proxy(endpoint, (self.grpc_port, self.http_port))

    def close_ports(self, owner: str) -> None:
        """Stop listening on the port pair of `owner`; open connections go on."""
        self._receiver.close_ports(owner)

    # Views.

    def view(self) -> CollectorView:
        """Return a view that begins now and leaves out leftovers of earlier tests.

        Leftovers, and items that may be leftovers, are neither counted nor judged, only
        reported; `otlptest explain leftover` lists the signs of one.
        """
        epoch = Epoch(
            token=self._store.token(),
            collector_unix_nano=self._started_unix_nano,
            unix_nano=self._clock.unix_nanos(),
            monotonic=self._clock.monotonic(),
        )
        source = StoreSource(
            self._store, clock=self._clock, epoch=epoch, lost=self._receiver.lost_on_the_way
        )
        return CollectorView(self._receiver, source, self._endpoints, self._container_ports)

    def clear(self) -> None:
        """Forget everything received so far; cumulative series go on from their last value."""
        self._source.clear()

    def close(self) -> None:
        """Stop receiving and end all threads; what was received stays available.

        Blocks for a few seconds at most. Closing again does nothing.

        Raises:
            ReceiverError: The receiver broke while it ran, or did not stop.
        """
        try:
            self._receiver.close()
        finally:
            self._remove_certificates()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FakeCollector grpc port {self.grpc_port}, http port {self.http_port}>"


def _names(listen: str) -> tuple[str, ...]:
    known = ("localhost", "127.0.0.1", "::1", CONTAINER_HOST)
    return known if listen in {*known, *_EVERY_ADDRESS} else (*known, listen)


def _reachable(listen: str) -> str:
    """Return how this machine itself reaches what listens on an address."""
    if listen in _EVERY_ADDRESS or listen.lower() == "localhost":
        return "127.0.0.1"
    return f"[{listen}]" if ":" in listen else listen


def _text(file: Path | None) -> str | None:
    return None if file is None else str(file)

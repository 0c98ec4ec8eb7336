"""A TLS port in front of a plaintext one, with a given ALPN offer; it relays all data."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from otlptest.wire.transport.certificates import LOOPBACK_NAMES, ThrowAwayCertificates

_PIECE: Final = 65536
_PATIENCE_S: Final = 30.0  # without a byte in either direction


class TlsFront:
    """A relay from TLS connections to a plaintext port. A context manager.

    Args:
        port: The port to relay to, on this machine.
        protocols: What ALPN offers, e.g. `http/1.1`.
        names: Host names and addresses that its certificate is for.
    """

    def __init__(
        self, port: int, *, protocols: Sequence[str], names: Sequence[str] = LOOPBACK_NAMES
    ) -> None:
        self._port = port
        self._certificates = ThrowAwayCertificates(names=names)
        self._context = self._certificates.server_context()
        self._context.set_alpn_protocols(list(protocols))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_closed = False
        threading.Thread(target=self._accept, name="otlptest-tls-front", daemon=True).start()

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def ca_file(self) -> Path:
        """PEM of the authority that clients must trust."""
        return self._certificates.ca_file

    def close(self) -> None:
        """Take no more connections and end those that are open; may be called twice."""
        with self._lock:
            self._is_closed = True
            ending = [self._listener, *self._open]
        for each in ending:
            with suppress(OSError):  # it has ended by itself
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._certificates.close()

    def __enter__(self) -> Self:
        """Return itself; it runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(
                    target=self._serve, args=(peer,), name="otlptest-tls-front", daemon=True
                ).start()

    def _serve(self, peer: socket.socket) -> None:
        """Serve one connection, until either side ends it."""
        peer.settimeout(_PATIENCE_S)
        with (
            suppress(OSError),  # no TLS, or gone, or closed
            self._context.wrap_socket(peer, server_side=True) as client,
            self._kept(client),
            socket.create_connection(("127.0.0.1", self._port), _PATIENCE_S) as server,
        ):
            _relay(client, server)

    @contextmanager
    def _kept(self, client: socket.socket) -> Iterator[None]:
        """Remember a connection so that `close` ends it; end it at once if it is too late."""
        with self._lock:
            self._open.add(client)
            if self._is_closed:
                client.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(client)


def _relay(client: ssl.SSLSocket, server: socket.socket) -> None:
    while True:
        ready: list[socket.socket] = [client]
        if not client.pending():
            ready = select.select([client, server], [], [], _PATIENCE_S)[0]
        if not ready:
            return
        for source in ready:
            data = source.recv(_PIECE)
            if not data:
                return
            (server if source is client else client).sendall(data)

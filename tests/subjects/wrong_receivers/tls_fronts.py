"""TLS ports before a right receiver that let in what they should keep out."""

import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from otlptest.wire.transport.certificates import ThrowAwayCertificates

_PIECE = 65536
_PATIENCE_S = 30.0
_HANDSHAKE = b"\x16"  # the first byte of TLS

Opened = Callable[[socket.socket], socket.socket]
"""Makes of a new connection one that is in plaintext on this side."""


def either(certificates: ThrowAwayCertificates) -> Opened:
    """Takes TLS, and plaintext too."""
    secured = only(certificates.server_context())

    def opened(peer: socket.socket) -> socket.socket:
        return secured(peer) if peer.recv(1, socket.MSG_PEEK) == _HANDSHAKE else peer

    return opened


def only(context: ssl.SSLContext) -> Opened:
    """Takes TLS as the context has it."""
    return lambda peer: context.wrap_socket(peer, server_side=True)


def with_old_versions(certificates: ThrowAwayCertificates) -> Opened:
    """Takes TLS 1.1 too."""
    context = certificates.server_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    return only(context)


def without_h2(certificates: ThrowAwayCertificates) -> Opened:
    """Offers nothing but HTTP/1.1."""
    context = certificates.server_context()
    context.set_alpn_protocols(["http/1.1"])
    return only(context)


@contextmanager
def tls_front(port: int, opened: Opened) -> Iterator[int]:
    """The port of a front that opens connections so, and relays what they say to `port`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, port, opened), daemon=True)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, port: int, opened: Opened) -> None:
    with suppress(OSError):  # closed
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=_serve, args=(peer, port, opened), daemon=True).start()


def _serve(peer: socket.socket, port: int, opened: Opened) -> None:
    peer.settimeout(_PATIENCE_S)
    with (
        suppress(OSError),  # no TLS, or gone
        peer,
        opened(peer) as client,
        socket.create_connection(("127.0.0.1", port), _PATIENCE_S) as server,
    ):
        while _passed_on(client, server):
            pass


def _passed_on(client: socket.socket, server: socket.socket) -> bool:
    """Hand over what is there in either direction; False once one side has ended."""
    ready: list[socket.socket] = [client]
    if not (isinstance(client, ssl.SSLSocket) and client.pending()):
        ready = select.select([client, server], [], [], _PATIENCE_S)[0]
    for source in ready:
        data = source.recv(_PIECE)
        if not data:
            return False
        (server if source is client else client).sendall(data)
    return bool(ready)

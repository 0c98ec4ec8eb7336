"""TLS on bytes instead of a socket, which keeps reading and writing under our control."""

import contextlib
import ssl
from typing import Final

TLS_REFUSAL: Final = bytes.fromhex("15 03 01 00 02 02 28")
"""A fatal handshake_failure alert: the answer of a plaintext port to a TLS client."""

_READ_SIZE: Final = 256 * 1024


class TlsStream:
    """The server's side of one TLS connection.

    Args:
        context: Certificates, versions, ALPN.

    Attributes:
        is_established: Whether the handshake is done.
        is_ended: Whether the peer has announced the end of its bytes.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.is_established = False
        self.is_ended = False

    @property
    def alpn(self) -> str | None:
        """Return the protocol that both sides agreed on, None if the client offered none."""
        return self._tls.selected_alpn_protocol()

    def receive(self, data: bytes) -> bytes:
        """Decrypt bytes from the peer.

        Raises:
            ssl.SSLError: The handshake failed, or a record is broken.
        """
        self._incoming.write(data)
        if not self.is_established:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.is_established = True
        parts: list[bytes] = []
        try:
            while True:
                part = self._tls.read(_READ_SIZE)
                if not part:
                    self.is_ended = True
                    break
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        return b"".join(parts)

    def send(self, data: bytes) -> None:
        """Encrypt `data` into `pending`."""
        self._tls.write(data)

    def say_end(self) -> None:
        """Announce the end of our bytes to the peer."""
        with contextlib.suppress(ssl.SSLError):  # the peer has not answered, and need not
            self._tls.unwrap()

    def pending(self) -> bytes:
        """Return the bytes for the socket, and clear them."""
        return self._outgoing.read()

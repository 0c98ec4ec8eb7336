"""TLS for receivers: certificates that live as long as a collector, or the user's own.

Clients get PEM files (`ca_file`, `client_certificate_file`, `client_key_file`), because
`OTEL_EXPORTER_OTLP_CERTIFICATE` and its relatives take files.
"""

import os
import shutil
import ssl
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from otlptest.errors import UsageError

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
"""The names in a temporary server certificate."""

_ALPN: Final = ("h2", "http/1.1")


class ThrowAwayCertificates:
    """A new certificate authority with one server and one client certificate, as PEM files.

    The files sit in a folder of their own and are gone after `close()`, which may be called twice,
    or with the process. Making them takes a few milliseconds. Not thread-safe to close while used.

    Args:
        names: Host names and addresses that the server certificate is for.

    Attributes:
        ca_file: The authority that clients must trust.
        server_certificate_file: The server's certificate, with `server_key_file`.
        client_certificate_file: A client's certificate for mTLS, with `client_key_file`.
    """

    def __init__(self, *, names: Sequence[str] = LOOPBACK_NAMES) -> None:
        import trustme  # noqa: PLC0415 -- loads cryptography, which only TLS needs

        folder = Path(tempfile.mkdtemp(prefix="otlptest-tls-"))
        self._removal = weakref.finalize(self, _remove, folder, os.getpid())
        authority = trustme.CA(organization_name="otlptest")
        server = authority.issue_cert(*names)
        client = authority.issue_cert("client.otlptest.invalid")
        self.ca_file = folder / "ca.pem"
        self.server_certificate_file = folder / "server.pem"
        self.server_key_file = folder / "server.key"
        self.client_certificate_file = folder / "client.pem"
        self.client_key_file = folder / "client.key"
        _write(self.ca_file, authority.cert_pem.bytes())
        for leaf, certificate, key in (
            (server, self.server_certificate_file, self.server_key_file),
            (client, self.client_certificate_file, self.client_key_file),
        ):
            _write(certificate, b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
            _write(key, _pkcs8(leaf.private_key_pem.bytes()))

    def server_context(self, *, needs_client_certificate: bool = False) -> ssl.SSLContext:
        """Return a server's context with these certificates.

        Args:
            needs_client_certificate: mTLS: only the client certificate made here is accepted.
        """
        return server_context(
            self.server_certificate_file,
            self.server_key_file,
            client_ca_file=self.ca_file if needs_client_certificate else None,
        )

    def client_context(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        """Return a client's context that trusts the server certificate.

        Args:
            with_certificate: Show the client certificate.
        """
        return client_context(
            self.ca_file,
            certificate_file=self.client_certificate_file if with_certificate else None,
            key_file=self.client_key_file if with_certificate else None,
        )

    def close(self) -> None:
        """Delete the files."""
        self._removal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def server_context(
    certificate_file: str | Path, key_file: str | Path, *, client_ca_file: str | Path | None = None
) -> ssl.SSLContext:
    """Return a TLS 1.2+ server context that offers `h2` and `http/1.1` (OTLP-SRV-082).

    Args:
        certificate_file: PEM, the leaf first, then the chain.
        key_file: PEM, without a password.
        client_ca_file: PEM; if given, a client must show a certificate of this authority.

    Raises:
        UsageError: A file cannot be read, is not PEM, or the key is not the certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(list(_ALPN))
    _load_pair(context, certificate_file, key_file)
    if client_ca_file is not None:
        _load_authority(context, client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    ca_file: str | Path | None = None,
    *,
    certificate_file: str | Path | None = None,
    key_file: str | Path | None = None,
    alpn: Sequence[str] = (),
) -> ssl.SSLContext:
    """Return a TLS client context.

    Args:
        ca_file: PEM of the authorities to trust; the system's if None.
        certificate_file: PEM of the client's certificate, for mTLS.
        key_file: PEM of its key; if None it is in `certificate_file`.
        alpn: Protocols to offer.

    Raises:
        UsageError: A file cannot be read, is not PEM, or the key is not the certificate's.
    """
    context = ssl.create_default_context()
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if ca_file is not None:
        _load_authority(context, ca_file)
    if certificate_file is not None:
        _load_pair(context, certificate_file, key_file or certificate_file)
    return context


def _load_pair(context: ssl.SSLContext, certificate_file: str | Path, key_file: str | Path) -> None:
    """Give `context` a certificate and its key.

    Raises:
        UsageError: It does not take them.
    """
    _check_readable("certificate", certificate_file)
    _check_readable("key", key_file)
    try:
        # The empty password turns an encrypted key into an error instead of a prompt.
        context.load_cert_chain(certificate_file, key_file, password="")
    except (ssl.SSLError, ValueError) as refused:
        raise UsageError(
            f"the certificate {str(certificate_file)!r} with the key {str(key_file)!r}"
            f" cannot be used: {_reason(refused)}",
            "both must be PEM, belong together, and the key must have no password",
        ) from refused


def _load_authority(context: ssl.SSLContext, ca_file: str | Path) -> None:
    """Make `context` trust `ca_file`.

    Raises:
        UsageError: It is not PEM with a certificate.
    """
    _check_readable("certificate authority", ca_file)
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as refused:
        raise UsageError(
            f"the certificate authority {str(ca_file)!r} cannot be used: {_reason(refused)}",
            "it must be a PEM file with at least one certificate",
        ) from refused


def _check_readable(what: str, file: str | Path) -> None:
    """Check that a file can be read: OpenSSL does not name the file that it could not read.

    Raises:
        UsageError: `file` cannot be read.
    """
    try:
        with Path(file).open("rb"):
            return
    except OSError as failed:
        raise UsageError(f"the {what} {str(file)!r} cannot be read: {failed.strerror}") from failed


def _reason(refused: Exception) -> str:
    reason = getattr(refused, "reason", None) or str(refused)
    return reason.lower().replace("_", " ")


def _pkcs8(key: bytes) -> bytes:
    """Return the same private key in the one PEM form that Java's SDK reads too."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 -- as trustme

    return serialization.load_pem_private_key(key, password=None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not delete what its parent still uses
        shutil.rmtree(folder, ignore_errors=True)

"""Throw-away certificates work for both sides; a user's bad ones are told apart."""

import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from otlptest.errors import UsageError
from otlptest.wire.transport.certificates import (
    ThrowAwayCertificates,
    client_context,
    server_context,
)


@pytest.fixture(scope="module")
def made() -> Iterator[ThrowAwayCertificates]:
    with ThrowAwayCertificates() as certificates:
        yield certificates


def handshake(
    server: ssl.SSLContext, client: ssl.SSLContext, *, host: str = "localhost"
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends of a finished handshake, in memory; one failing raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=host)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = {near, far}
    for _ in range(10):
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.discard(end)
            except ssl.SSLWantReadError:
                continue
    assert not waiting
    with pytest.raises(ssl.SSLWantReadError):
        far.read(1)  # TLS 1.3 checks the client's certificate only now
    return near, far


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_client_and_server_understand_each_other(made: ThrowAwayCertificates, host: str) -> None:
    near, _ = handshake(made.server_context(), made.client_context(), host=host)
    assert near.version() in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_server_offers_both_versions_of_http(made: ThrowAwayCertificates, protocol: str) -> None:
    client = client_context(made.ca_file, alpn=[protocol])
    near, _ = handshake(made.server_context(), client)
    assert near.selected_alpn_protocol() == protocol


def test_a_client_that_does_not_trust_the_authority_refuses(made: ThrowAwayCertificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made.server_context(), client_context())


def test_a_client_certificate_is_asked_for_and_checked(made: ThrowAwayCertificates) -> None:
    server = made.server_context(needs_client_certificate=True)
    _, far = handshake(server, made.client_context(with_certificate=True))
    assert far.getpeercert()
    with pytest.raises(ssl.SSLError):
        handshake(server, made.client_context())
    with ThrowAwayCertificates() as others:
        stranger = client_context(
            made.ca_file,
            certificate_file=others.client_certificate_file,
            key_file=others.client_key_file,
        )
        with pytest.raises(ssl.SSLError):
            handshake(server, stranger)


def test_files_are_private_and_gone_after_close() -> None:
    certificates = ThrowAwayCertificates()
    folder = certificates.ca_file.parent
    if os.name == "posix":
        assert stat.S_IMODE(certificates.client_key_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    certificates.close()
    certificates.close()
    assert not folder.exists()


def test_forgotten_files_are_gone_too() -> None:
    certificates = ThrowAwayCertificates()
    folder = certificates.ca_file.parent
    del certificates
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX forks")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_leaves_the_files_alone() -> None:
    with ThrowAwayCertificates() as certificates:
        child = os.fork()
        if child == 0:
            certificates.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert certificates.ca_file.exists()


def test_a_missing_file_is_named(made: ThrowAwayCertificates) -> None:
    with pytest.raises(UsageError, match=r"the certificate 'nope\.pem' cannot be read: No such"):
        server_context("nope.pem", made.server_key_file)
    with pytest.raises(UsageError, match=r"the key 'nope\.key' cannot be read"):
        server_context(made.server_certificate_file, "nope.key")
    with pytest.raises(UsageError, match=r"certificate authority 'ca\.pem' cannot be read"):
        client_context("ca.pem")


def test_a_file_that_is_no_certificate_is_named(
    made: ThrowAwayCertificates, tmp_path: Path
) -> None:
    text = tmp_path / "text.pem"
    text.write_text("hello")
    with pytest.raises(UsageError, match=r"text\.pem.*cannot be used"):
        server_context(text, made.server_key_file)
    with pytest.raises(UsageError, match=r"text\.pem' cannot be used"):
        server_context(made.server_certificate_file, made.server_key_file, client_ca_file=text)


def test_a_key_of_another_certificate_is_refused(made: ThrowAwayCertificates) -> None:
    with pytest.raises(UsageError, match="belong together"):
        server_context(made.server_certificate_file, made.client_key_file)


def test_an_encrypted_key_is_refused_without_a_prompt(
    made: ThrowAwayCertificates, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 -- heavy

    key = serialization.load_pem_private_key(made.server_key_file.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(UsageError, match="the key must have no password"):
        server_context(made.server_certificate_file, locked)


def test_private_keys_are_in_the_form_that_java_reads_too() -> None:
    with ThrowAwayCertificates() as made:
        keys = [made.client_key_file, made.server_key_file]
        firsts = [key.read_text("ascii").splitlines()[0] for key in keys]
    assert firsts == ["-----BEGIN PRIVATE KEY-----"] * 2

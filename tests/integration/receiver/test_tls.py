"""TLS: who gets in, what is agreed, and what a client hears that speaks the wrong thing."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from otlptest.wire.transport import http2_frames as frames
from otlptest.wire.transport.certificates import ThrowAwayCertificates, client_context
from otlptest.wire.transport.limits import Limits
from tests.support.http2_talk import OPENING, Listener, call
from tests.support.receiving import (
    PATIENCE_S,
    connect,
    http1,
    read_to_end,
    receiving,
    span_request,
    talk,
)

GOOD = span_request("good")


@pytest.fixture(name="certificates", scope="module")
def _certificates() -> Iterator[ThrowAwayCertificates]:
    certificates = ThrowAwayCertificates()
    yield certificates
    certificates.close()


def tls_talk(port: int, sent: bytes, context: ssl.SSLContext) -> bytes:
    """Like `talk`, over TLS."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
            if received.endswith((b"\r\n\r\n", b"\r\n\r\n{}")):
                break
        return received


def trusting(certificates: ThrowAwayCertificates, *alpn: str) -> ssl.SSLContext:
    context = client_context(ca_file=certificates.ca_file)
    context.set_alpn_protocols(list(alpn))
    return context


def test_http_over_tls_is_taken(certificates: ThrowAwayCertificates) -> None:
    with receiving(tls=certificates.server_context()) as (receiver, heard):
        answer = tls_talk(receiver.http_port, http1(GOOD), trusting(certificates))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    (connection,) = heard.connections
    assert (connection.is_tls, connection.protocol) == (True, "http/1.1")
    assert connection.bytes_received > len(http1(GOOD))


@pytest.mark.parametrize("role", ["grpc", "http"])
@pytest.mark.parametrize(
    ("offered", "agreed"),
    [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1"), (("h2",), "h2")],
    ids=["both", "1.1 only", "2 only"],
)
def test_alpn_agrees_on_what_the_client_can(
    certificates: ThrowAwayCertificates, role: str, offered: tuple[str, ...], agreed: str
) -> None:
    context = trusting(certificates, *offered)
    with receiving(tls=certificates.server_context()) as (receiver, heard):
        port = receiver.grpc_port if role == "grpc" else receiver.http_port
        with (
            connect(port) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            assert connection.selected_alpn_protocol() == agreed
            assert connection.version() in {"TLSv1.2", "TLSv1.3"}
            if agreed == "h2":
                connection.sendall(OPENING + call(1, GOOD))
                listener = Listener()
                while 1 not in listener.heard.answers:
                    listener.hear(connection.recv(65536))
                status = "0" if role == "grpc" else "12"
                assert listener.heard.answers[1]["grpc-status"] == status
                assert heard.connections[0].protocol == "h2"


def test_a_large_request_in_many_records_is_taken(certificates: ThrowAwayCertificates) -> None:
    large = span_request("x" * 3_000_000)
    with receiving(tls=certificates.server_context()) as (receiver, heard):
        answer = tls_talk(receiver.http_port, http1(large), trusting(certificates))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert heard.requests[0].body == large


def test_mutual_tls_lets_in_only_who_has_a_certificate(
    certificates: ThrowAwayCertificates,
) -> None:
    asking = certificates.server_context(needs_client_certificate=True)
    known = trusting(certificates)
    known.load_cert_chain(certificates.client_certificate_file, certificates.client_key_file)
    with receiving(tls=asking) as (receiver, heard):
        answer = tls_talk(receiver.http_port, http1(GOOD), known)
        with pytest.raises((ssl.SSLError, OSError)):
            tls_talk(receiver.http_port, http1(GOOD), trusting(certificates))
        heard.wait_until(lambda heard: len(heard.problems) == 1)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert (heard.problems[0].kind, heard.problems[0].rule) == ("tls_mismatch", "OTLP-SRV-080")
    assert len(heard.requests) == 1


def test_a_client_that_does_not_trust_us_is_recorded(certificates: ThrowAwayCertificates) -> None:
    with receiving(tls=certificates.server_context()) as (receiver, heard):
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_talk(receiver.http_port, http1(GOOD), ssl.create_default_context())
        heard.wait_until(lambda heard: len(heard.problems) == 1)
    assert heard.kinds() == ["tls_mismatch"]


@pytest.mark.parametrize("role", ["grpc", "http"])
def test_tls_to_a_plain_port_gets_an_alert(role: str) -> None:
    context = ssl.create_default_context()
    with receiving() as (receiver, heard):
        port = receiver.grpc_port if role == "grpc" else receiver.http_port
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            tls_talk(port, b"", context)
        neighbour = talk(receiver.http_port, http1(GOOD))
    assert heard.kinds() == ["tls_mismatch"]
    assert neighbour.startswith(b"HTTP/1.1 200 OK")


def test_plaintext_to_a_tls_port_is_told(certificates: ThrowAwayCertificates) -> None:
    with receiving(tls=certificates.server_context()) as (receiver, heard):
        answer = talk(receiver.http_port, http1(GOOD))
        with connect(receiver.grpc_port) as plain:
            plain.sendall(OPENING + call(1, GOOD))
            said = Listener().hear(read_to_end(plain))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"takes TLS only" in answer
    assert (said.goaway, "TLS only" in said.debug) == (frames.ErrorCode.PROTOCOL_ERROR, True)
    assert heard.kinds() == ["tls_mismatch", "tls_mismatch"]
    assert not heard.requests


def test_a_handshake_that_stops_is_given_up(certificates: ThrowAwayCertificates) -> None:
    impatient = Limits(handshake_s=0.1, patience_s=0.1, idle_s=5.0, drain_s=0.1)
    tls = certificates.server_context()
    with (
        receiving(tls=tls, limits=impatient) as (receiver, heard),
        connect(receiver.http_port) as stalled,
    ):
        stalled.sendall(b"\x16\x03\x01\x02\x00")
        heard.wait_until(lambda heard: len(heard.closed) == 1)
    assert heard.kinds() == ["too_slow"]

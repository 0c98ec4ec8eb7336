"""A TLS port that offers what it is told by ALPN, before a fake that speaks plaintext."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import pytest

from otlptest import FakeCollector
from otlptest.conformance.exporter.tls_front import TlsFront
from tests.support.receiving import span_request

PATIENCE_S = 30.0


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as fake:
        yield fake


@pytest.fixture
def front(collector: FakeCollector) -> Iterator[TlsFront]:
    with TlsFront(collector.http_port, protocols=["http/1.1"]) as made:
        yield made


def port_of(front: TlsFront) -> int:
    return int(front.endpoint.rpartition(":")[2])


def client(front: TlsFront) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(front.ca_file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("127.0.0.1", port_of(front)), PATIENCE_S)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_it_offers_what_it_was_told_and_relays(collector: FakeCollector, front: TlsFront) -> None:
    context = ssl.create_default_context(cafile=str(front.ca_file))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port_of(front), timeout=PATIENCE_S, context=context
    )
    headers = {"Content-Type": "application/x-protobuf"}
    statuses = []
    for _ in range(2):
        connection.request("POST", "/v1/traces", body=span_request("a"), headers=headers)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert statuses == [200, 200]
    assert [each.is_accepted for each in collector.requests] == [True, True]


def test_of_two_versions_it_takes_the_one_that_it_offers(front: TlsFront) -> None:
    with client(front) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_what_is_no_tls_is_hung_up_on(front: TlsFront) -> None:
    with socket.create_connection(("127.0.0.1", port_of(front)), PATIENCE_S) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            while plain.recv(4096):
                pass


def test_closing_ends_what_is_open_and_may_be_done_twice(collector: FakeCollector) -> None:
    front = TlsFront(collector.http_port, protocols=["http/1.1"])
    port = port_of(front)
    with client(front) as connection:
        front.close()
        front.close()
        assert connection.recv(4096) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), PATIENCE_S)

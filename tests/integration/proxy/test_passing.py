"""Without faults a proxy is as good as none: bytes, ends, errors and counts."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise

import pytest

from otlptest import FakeCollector, OtlpProxy
from otlptest.errors import PortTakenError, ReceiverError, UsageError
from otlptest.timing import Deadline
from otlptest.wire.transport import http2_frames as frames
from tests.support.receiving import connect, http1, read_to_end, span_request
from tests.support.wire_places import PATIENCE_S, grpc_client, http_client, place

pytestmark = pytest.mark.timeout(90)

GOOD = http1(span_request("good"))


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A bare receiver."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


@contextmanager
def before(listener: socket.socket) -> Iterator[OtlpProxy]:
    with OtlpProxy(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}") as proxy:
        yield proxy


@contextmanager
def joined() -> Iterator[tuple[OtlpProxy, socket.socket, socket.socket]]:
    """A proxy, a client's socket, and the receiver's end of the same connection."""
    with listening() as listener, before(listener) as proxy, connect(proxy.port) as client:
        server, _ = listener.accept()
        server.settimeout(PATIENCE_S)
        with server:
            yield proxy, client, server


def wait_for(condition: object, what: str) -> None:
    """Block until a count is what it should be."""
    deadline = Deadline(PATIENCE_S)
    while not condition():  # type: ignore[operator]  # a lambda
        assert deadline.pause(0.005), what


def received(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"ended after {len(data)} bytes"
        data += piece
    return bytes(data)


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"POST /v1/traces HTTP/1.1\r\n\r\n",
        frames.PREFACE,
        b"\x16\x03\x01",
    ],
    ids=["noise", "HTTP/1.1", "HTTP/2", "TLS"],
)
def test_any_bytes_pass_both_ways_as_they_are(opening: bytes) -> None:
    sent = opening + bytes(range(256)) * 3000
    with joined() as (proxy, client, server):
        for begin, end in pairwise([*range(0, len(sent), 100_000), len(sent)]):
            client.sendall(sent[begin:end])
            assert received(server, end - begin) == sent[begin:end]
            server.sendall(sent[begin:end])
            assert received(client, end - begin) == sent[begin:end]
        traffic = proxy.traffic
        assert (traffic.bytes_to_upstream, traffic.bytes_to_client) == (len(sent), len(sent))
        assert (traffic.connections, traffic.open_connections) == (1, 1)


def test_much_waits_for_a_slow_reader_and_arrives_whole() -> None:
    sent = bytes(range(256)) * 50_000
    with joined() as (proxy, client, server):
        sender = threading.Thread(target=client.sendall, args=(sent,))
        sender.start()
        wait_for(lambda: proxy.traffic.bytes_to_upstream > 100_000, "nothing passes")
        assert received(server, len(sent)) == sent
        sender.join(PATIENCE_S)
        assert proxy.traffic.bytes_to_upstream == len(sent)


def test_end_of_one_side_is_passed_and_the_other_goes_on() -> None:
    with joined() as (proxy, client, server):
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(server) == b"question"
        server.sendall(b"answer")
        server.close()
        assert read_to_end(client) == b"answer"
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason == "closed by the client"


def test_receiver_that_ends_first_is_passed_on() -> None:
    with joined() as (proxy, client, server):
        server.sendall(b"go away")
        server.close()
        assert read_to_end(client) == b"go away"
        client.close()
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason == "closed by the upstream"


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def test_reset_by_the_receiver_is_a_reset_for_the_client() -> None:
    with joined() as (proxy, client, server):
        client.sendall(b"question")
        assert received(server, 8) == b"question"
        reset(server)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason.startswith("reset (Connection reset by peer)")
        assert proxy.connections[0].close_reason.endswith("by the upstream")


def test_what_a_client_sent_before_its_reset_arrives() -> None:
    with joined() as (proxy, client, server):
        client.sendall(b"last words")
        server.sendall(b"unread")
        wait_for(lambda: proxy.traffic.bytes_to_client == 6, "nothing passes")
        reset(client)
        assert read_to_end(server) == b"last words"
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason.endswith("by the client")


def test_http_and_grpc_pass_and_are_counted() -> None:
    with place("proxy") as at, http_client(at) as over_http, grpc_client(at) as over_grpc:
        assert isinstance(at.faulty, OtlpProxy)
        assert [over_http.export(f"http {number}") for number in range(3)] == ["200"] * 3
        assert [over_grpc.export(f"grpc {number}") for number in range(4)] == ["OK"] * 4
        traffic = at.faulty.traffic
        assert (traffic.connections, traffic.requests) == (2, 7)
        assert [(c.protocol, c.requests) for c in at.faulty.connections] == [
            ("http/1.1", 3),
            ("h2", 4),
        ]
        assert {c.upstream for c in at.faulty.connections} == {
            at.fake.http_endpoint,
            at.fake.grpc_endpoint,
        }
        fake_bytes = sum(r.connection.bytes_received for r in at.fake.requests.all()[2:4])
        assert fake_bytes == traffic.bytes_to_upstream
        assert at.fake.spans.count() == 7
        assert at.faulty.findings() == ()


def test_large_requests_pass() -> None:
    with place("proxy") as at, http_client(at) as over_http, grpc_client(at) as over_grpc:
        assert over_http.export("h", size=3_000_000) == "200"
        assert over_grpc.export("g", size=3_000_000) == "OK"
        assert sorted(len(span.name) for span in at.fake.spans.all()) == [3_000_001] * 2


def test_many_connections_pass_beside_each_other() -> None:
    with FakeCollector() as fake, OtlpProxy(upstream=fake.http_endpoint) as proxy:
        clients = [connect(proxy.port) for _ in range(50)]
        for client in clients:
            client.sendall(GOOD)
        for client in clients:
            with client:
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert fake.spans.count() == 50
        wait_for(lambda: proxy.traffic.open_connections == 0, "they stay open")


def test_tls_passes_as_it_is() -> None:
    with (
        FakeCollector(tls=True) as fake,
        OtlpProxy(upstream=fake) as proxy,
        socket.create_connection(("127.0.0.1", int(proxy.http_endpoint.split(":")[2]))) as plain,
    ):
        context = ssl.create_default_context(cafile=fake.ca_file)
        with context.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(GOOD)
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert proxy.http_endpoint.startswith("https://")
        assert proxy.environ()["OTEL_EXPORTER_OTLP_CERTIFICATE"] == str(fake.ca_file)
        assert proxy.connections[0].protocol is None


def ask(port: int) -> bytes:
    """Connect and read; either may find that the connection was reset."""
    with connect(port) as client:
        return client.recv(1)


def test_upstream_that_is_down_is_a_reset_and_a_finding() -> None:
    with listening() as listener:
        port = listener.getsockname()[1]
    with OtlpProxy(upstream=f"127.0.0.1:{port}") as proxy:
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                ask(proxy.port)
        wait_for(lambda: proxy.traffic.open_connections == 0, "they stay open")
        (finding,) = proxy.findings()
        assert (finding.rule, finding.severity) == ("upstream_unreachable", "warning")
        assert finding.received == "Connection refused, 2 times; the clients were reset"
        assert f"http://127.0.0.1:{port} could not be reached" in proxy.connections[0].close_reason
        proxy.allow("upstream_unreachable")
        assert proxy.findings() == ()


def test_close_ends_open_connections_and_the_thread() -> None:
    with joined() as (proxy, client, server):
        client.sendall(b"begun")
        assert received(server, 5) == b"begun"
        proxy.close()
        assert read_to_end(server) == b""
        assert read_to_end(client) == b""
        proxy.close()
        assert "otlptest-proxy" not in {thread.name for thread in threading.enumerate()}
        assert proxy.connections[0].close_reason == "the proxy was closed"
        with pytest.raises(ConnectionRefusedError):
            connect(proxy.port)


def test_close_passes_on_what_was_sent_and_waits_for_its_answer() -> None:
    with FakeCollector() as fake:
        proxy = OtlpProxy(upstream=fake.http_endpoint)
        with closing(proxy), connect(proxy.port) as client:
            client.sendall(GOOD)
            proxy.close()
            assert read_to_end(client).startswith(b"HTTP/1.1 200")
        assert fake.spans.count() == 1


def test_forgotten_proxy_warns() -> None:
    def forget() -> None:
        OtlpProxy(upstream="http://127.0.0.1:1")

    with pytest.warns(ResourceWarning, match="unclosed <OtlpProxy http://127.0.0.1:"):
        forget()
    assert "otlptest-proxy" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    ("upstream", "problem"),
    [
        ("", "not an http or https URL"),
        ("ftp://127.0.0.1:1", "not an http or https URL"),
        ("http://127.0.0.1", "has no port"),
        ("http://127.0.0.1:0", "has no port"),
        ("http://127.0.0.1:99999", "Port out of range 0-65535"),
        ("http://[::1:4317", "Invalid IPv6 URL"),
        ("http://user@127.0.0.1:4317", "has no port"),
        ("http://127.0.0.1:4318/v1/traces", "has a path"),
        ("http://no.such.host.invalid:4318", "cannot be found"),
        ("unix:/tmp/otlp.sock", "OTLP is sent over TCP only, not over Unix sockets"),
        (4317, "neither a URL nor a collector"),
        (None, "neither a URL nor a collector"),
    ],
    ids=str,
)
def test_what_is_no_upstream_is_refused(upstream: str, problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        OtlpProxy(upstream=upstream)
    assert problem in str(raised.value)


def test_port_that_is_taken_is_told() -> None:
    with listening() as listener, pytest.raises(PortTakenError):
        OtlpProxy(upstream="http://127.0.0.1:1", port=listener.getsockname()[1])


def test_one_port_cannot_be_before_two() -> None:
    with FakeCollector() as fake, pytest.raises(UsageError) as raised:
        OtlpProxy(upstream=fake, port=4317)
    assert "port=4317 cannot lead to both endpoints" in str(raised.value)


def test_second_port_that_cannot_be_had_gives_the_first_back() -> None:
    with FakeCollector() as fake, pytest.raises(ReceiverError):
        OtlpProxy(upstream=fake, listen="192.0.2.1")


@pytest.mark.parametrize(
    ("asked", "protocol", "endpoint"),
    [
        (None, "http/protobuf", "http_endpoint"),
        ("http/json", "http/json", "http_endpoint"),
        ("grpc", "grpc", "grpc_endpoint"),
    ],
    ids=str,
)
def test_environ_before_a_collector(asked: str | None, protocol: str, endpoint: str) -> None:
    with FakeCollector() as fake, OtlpProxy(upstream=fake) as proxy:
        variables = proxy.environ(asked)
        assert variables["OTEL_EXPORTER_OTLP_PROTOCOL"] == protocol
        assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == getattr(proxy, endpoint)
        assert "PATH" in variables
        assert "PATH" not in proxy.environ(inherit=False)
        assert proxy.grpc_endpoint != proxy.http_endpoint


def test_environ_knows_what_the_ports_of_a_collector_are_for() -> None:
    with FakeCollector() as fake:
        for upstream, expected in (
            (fake.grpc_endpoint, "grpc"),
            (fake.http_endpoint, "http/protobuf"),
            (fake.open_ports("a program").endpoints.grpc, "grpc"),
            ("http://localhost:4317", "grpc"),
            ("http://localhost:9999", "http/protobuf"),
        ):
            with OtlpProxy(upstream=upstream) as proxy:
                variables = proxy.environ()
                assert variables["OTEL_EXPORTER_OTLP_PROTOCOL"] == expected
                assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == proxy.endpoint
                assert proxy.grpc_endpoint == proxy.http_endpoint == proxy.endpoint


def test_ipv6_and_all_addresses() -> None:
    with FakeCollector() as fake:
        with OtlpProxy(upstream=fake.http_endpoint, listen="::1") as proxy:
            assert proxy.endpoint == f"http://[::1]:{proxy.port}"
            with socket.create_connection(("::1", proxy.port), timeout=PATIENCE_S) as client:
                client.sendall(GOOD)
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
        with OtlpProxy(upstream=fake.http_endpoint, listen="0.0.0.0") as proxy:  # noqa: S104 -- the point
            assert proxy.endpoint == f"http://127.0.0.1:{proxy.port}"

"""What can go wrong around a proxy: slow and dead peers, errors of its own, forks."""

import os
import socket
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from otlptest import FakeCollector, OtlpProxy, faults
from otlptest.errors import ReceiverError
from otlptest.faults import WireFault
from otlptest.proxy.traffic import Ledger
from otlptest.timing import SYSTEM_CLOCK, Deadline
from tests.integration.proxy.test_passing import ask, joined, listening, received, reset, wait_for
from tests.support.receiving import connect, http1, read_to_end, span_request
from tests.support.wire_places import PATIENCE_S

pytestmark = pytest.mark.timeout(90)

GOOD = http1(span_request("good"))


class JumpingClock:
    """The machine's clock, moved ahead when a test says so."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic() + self.ahead_s

    def unix_nanos(self) -> int:
        return SYSTEM_CLOCK.unix_nanos()


def broken(fault: WireFault) -> WireFault:
    """A fault that cannot act: an error of ours."""
    return replace(fault, text=None)  # type: ignore[arg-type]  # what makes it one


@pytest.mark.parametrize(
    "fault",
    [faults.reset(), faults.reset(at="connect"), faults.latency(0.1, direction="up")],
    ids=repr,
)
def test_error_of_ours_costs_one_connection_and_is_raised_at_close(fault: WireFault) -> None:
    with FakeCollector() as fake:
        proxy = OtlpProxy(upstream=fake.http_endpoint)
        proxy.inject(broken(fault), times=1)
        with pytest.raises(ConnectionError):
            exchange(proxy.port)
        assert exchange(proxy.port).startswith(b"HTTP/1.1 200")
        assert proxy.connections[0].close_reason == "an error in the proxy"
        with pytest.raises(ReceiverError) as raised:
            proxy.close()
        assert "the proxy had an error: TypeError" in str(raised.value)
        proxy.close()


def exchange(port: int) -> bytes:
    """Send a request; the beginning of its reply."""
    with connect(port) as client:
        client.sendall(GOOD)
        return client.recv(1000)


def test_receiver_that_never_ends_does_not_keep_a_dead_clients_connection() -> None:
    with joined() as (proxy, client, server):
        client.sendall(b"question")
        assert received(server, 8) == b"question"
        reset(client)
        assert read_to_end(server) == b"question"[8:]
        server.sendall(b"x" * 100_000)
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason.endswith("by the client")


def test_connection_that_is_cut_is_closed_also_if_nobody_ends_it() -> None:
    with joined() as (proxy, client, server):
        with proxy.injecting(faults.truncate(after_bytes=3)):
            client.sendall(b"question")
            assert read_to_end(server) == b"que"
            assert read_to_end(client) == b""
            client.sendall(b"more")
        wait_for(lambda: proxy.traffic.open_connections == 0, "it stays open")
        assert proxy.connections[0].close_reason == "cut by faults.truncate(after_bytes=3)"


def test_upstream_that_never_accepts_is_given_up() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # they fill the accept queue
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        clock = JumpingClock()
        with OtlpProxy(upstream=f"http://127.0.0.1:{port}", clock=clock) as proxy:
            with connect(proxy.port) as client:
                wait_for(lambda: proxy.traffic.connections == 1, "nobody accepts")
                clock.ahead_s = 20.0
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
            (finding,) = proxy.findings()
            assert finding.received.startswith("Connection timed out, 1 times")
        for each in waiting:
            each.close()


def test_end_that_comes_while_much_waits_is_passed_after_it() -> None:
    size = 12_000_000
    with joined() as (proxy, client, server):

        def send() -> None:
            server.sendall(bytes(size))
            server.close()

        sender = threading.Thread(target=send)
        sender.start()
        wait_for(lambda: proxy.traffic.bytes_to_client > 1_000_000, "nothing passes")
        assert count_to_end(client) == size
        sender.join(PATIENCE_S)
        assert not sender.is_alive()


def count_to_end(connection: socket.socket) -> int:
    """How much comes until the end."""
    count = 0
    while piece := connection.recv(1_000_000):
        count += len(piece)
    return count


def test_client_that_dies_while_much_waits_for_it_ends_the_connection() -> None:
    with joined() as (proxy, client, server):
        server.setblocking(False)
        sent = 0
        deadline = Deadline(PATIENCE_S)
        try:
            while True:
                sent += server.send(bytes(1_000_000))
        except BlockingIOError:
            assert sent > 1_000_000
        reset(client)
        while proxy.traffic.open_connections:
            assert deadline.pause(0.01)
        assert proxy.connections[0].close_reason.endswith("by the client")


def test_upstream_at_an_address_that_cannot_be_had_is_unreachable() -> None:
    with OtlpProxy(upstream="http://255.255.255.255:9") as proxy:
        with pytest.raises(ConnectionResetError):
            ask(proxy.port)
        (finding,) = proxy.findings()
        assert finding.rule == "upstream_unreachable"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_proxy_in_a_forked_child_is_inert() -> None:
    with FakeCollector() as fake, OtlpProxy(upstream=fake.http_endpoint) as proxy:
        child = os.fork()
        if child == 0:
            try:
                proxy.end_faults()
                proxy.close()
                proxy.inject(faults.reset())
            except ReceiverError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert exchange(proxy.port).startswith(b"HTTP/1.1 200")


def test_closed_proxy_holds_nothing_back_and_opens_no_port() -> None:
    with FakeCollector() as fake:
        with OtlpProxy(upstream=fake) as proxy:
            further = proxy.open_port(proxy.http_endpoint, fake.grpc_port, fake.http_port)
            assert exchange(int(further.rpartition(":")[2])).startswith(b"HTTP/1.1 200")
            assert proxy.connections[0].upstream == fake.http_endpoint
            assert fake.find_proxy(proxy.grpc_endpoint) is proxy
            assert fake.find_proxy(fake.grpc_endpoint) is None
        assert fake.find_proxy(proxy.grpc_endpoint) is None
        assert proxy.pass_on(Deadline(PATIENCE_S)) == ""
        with pytest.raises(ReceiverError):
            proxy.open_port(proxy.http_endpoint, fake.grpc_port, fake.http_port)


def test_sums_stay_right_when_old_connections_are_forgotten() -> None:
    ledger = Ledger()
    for number in range(10_500):
        connection = ledger.opened(1, "http://127.0.0.1:2", 0.0)
        connection.requests, connection.bytes_to_upstream, connection.bytes_to_client = 1, 2, 3
        if number != 5:
            connection.closed_at = 1.0
    traffic = ledger.traffic()
    assert (traffic.connections, traffic.requests, traffic.open_connections) == (10_500, 10_500, 1)
    assert (traffic.bytes_to_upstream, traffic.bytes_to_client) == (21_000, 31_500)
    assert len(ledger.connections()) >= 10_000
    assert 6 in {connection.number for connection in ledger.connections()}


def test_listener_is_closed_with_its_proxy() -> None:
    with listening() as listener, closing(OtlpProxy(upstream="http://127.0.0.1:9")) as proxy:
        assert listener.getsockname()[1] != proxy.port
    with pytest.raises(ConnectionRefusedError):
        connect(proxy.port)

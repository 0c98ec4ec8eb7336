"""`localhost` is both loopback addresses, with one port; a Unix socket is not an address."""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from otlptest import FakeCollector, OtlpProxy
from otlptest.errors import PortTakenError, UsageError
from otlptest.net import sockets
from otlptest.timing import Deadline
from tests.support.receiving import http1, receiving, span_request

GOOD = span_request("good")


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


LOOPBACK = ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",)


def answer(host: str, port: int, *, then_close: bool = True) -> bytes:
    with socket.create_connection((host, port), timeout=10) as client:
        client.sendall(http1(GOOD))
        if then_close:
            client.shutdown(socket.SHUT_WR)
        return client.recv(12)


def is_open(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=10):
        return True
    return False


@pytest.mark.parametrize("listen", ["localhost", "LOCALHOST"])
def test_localhost_is_reached_at_both_addresses(listen: str) -> None:
    with FakeCollector(listen=listen) as otlp:
        for host in LOOPBACK:
            assert answer(host, otlp.http_port) == b"HTTP/1.1 200"
            assert is_open(host, otlp.grpc_port)
        assert otlp.spans.count() == len(LOOPBACK)
        assert otlp.http_endpoint == f"http://127.0.0.1:{otlp.http_port}"
        assert otlp.grpc_endpoint == f"http://127.0.0.1:{otlp.grpc_port}"
    assert not any(is_open(host, otlp.http_port) for host in LOOPBACK)


@pytest.mark.parametrize("listen", LOOPBACK)
def test_an_address_is_that_one_alone(listen: str) -> None:
    with FakeCollector(listen=listen) as otlp:
        reached = [host for host in LOOPBACK if is_open(host, otlp.http_port)]
    assert reached == [listen]


def test_an_owners_ports_are_drained_and_closed_at_both_addresses() -> None:
    with receiving(host="localhost") as (receiver, heard):
        _, port = receiver.open_ports("mine")
        for host in LOOPBACK:
            answer(host, port)
        assert receiver.drain("mine", Deadline(10.0)) == []
        receiver.settle(Deadline(10.0))
        assert [each.connection.owner for each in heard.requests] == ["mine"] * len(LOOPBACK)
        receiver.close_ports("mine")
        assert not any(is_open(host, port) for host in LOOPBACK)
        assert all(is_open(host, receiver.http_port) for host in LOOPBACK)


def test_a_proxy_on_localhost_is_reached_at_both_addresses() -> None:
    with FakeCollector() as otlp, OtlpProxy(upstream=otlp, listen="localhost") as proxy:
        assert proxy.http_endpoint.startswith("http://127.0.0.1:")
        port = int(proxy.http_endpoint.rpartition(":")[2])
        for host in LOOPBACK:
            assert answer(host, port) == b"HTTP/1.1 200"
        assert proxy.pass_on(Deadline(10.0)) == ""
        assert otlp.spans.count() == len(LOOPBACK)
    assert not any(is_open(host, port) for host in LOOPBACK)


@pytest.mark.parametrize("taken", LOOPBACK)
def test_a_port_that_is_taken_at_one_address_is_told(taken: str) -> None:
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    with socket.create_server((taken, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTakenError) as told:
            FakeCollector(listen="localhost", http_port=port)
    assert (told.value.host, told.value.port) == (taken, port)
    shown = f"[{taken}]" if ":" in taken else taken
    assert str(told.value).startswith(f"cannot listen on {shown}:{port}: the port is in use\n")
    with FakeCollector(listen="localhost", http_port=port) as otlp:  # nothing was left open
        assert otlp.http_port == port


def test_a_machine_without_the_second_address_has_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "_LOOPBACK", ("127.0.0.1", "2001:db8::1"))  # no machine has it
    with FakeCollector(listen="localhost") as otlp:
        assert answer("127.0.0.1", otlp.http_port) == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    "making",
    [
        partial(FakeCollector, listen="unix:/tmp/otlp.sock"),
        partial(OtlpProxy, upstream="http://127.0.0.1:4318", listen="unix:/tmp/otlp.sock"),
    ],
    ids=["collector", "proxy"],
)
def test_a_unix_socket_is_refused_in_a_clear_sentence(making: Callable[[], object]) -> None:
    with pytest.raises(UsageError) as told:
        making()
    assert str(told.value) == (
        "cannot listen on 'unix:/tmp/otlp.sock': OTLP is received over TCP only, not over Unix"
        " sockets\n  hint: listen on an address, e.g. 127.0.0.1"
    )

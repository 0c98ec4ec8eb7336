"""What only a proxy has to settle: TLS, scopes, counts, close while faults hold something back."""

import socket
import ssl

import pytest

from otlptest import FakeCollector, OtlpProxy, faults
from otlptest.errors import ReceiverError, UsageError
from otlptest.faults import WireFault
from otlptest.processes import Ending
from otlptest.timing import Deadline
from tests.support.receiving import connect, http1, read_to_end, span_request
from tests.support.wire_places import PATIENCE_S, SHORT_S, grpc_client, http_client, place

pytestmark = pytest.mark.timeout(90)

GOOD = http1(span_request("good"))


def over_tls(proxy: OtlpProxy, fake: FakeCollector) -> bytes:
    """Send a request over TLS through the proxy; the beginning of its answer."""
    context = ssl.create_default_context(cafile=fake.ca_file)
    port = int(proxy.http_endpoint.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(GOOD)
        return client.recv(15)


@pytest.mark.parametrize(
    "fault",
    [
        faults.goaway(),
        faults.goaway(at="connect"),
        faults.rst_stream(),
        faults.window(),
        faults.reset(at="before_reply"),
        faults.reset(at="after_reply"),
    ],
    ids=repr,
)
def test_what_needs_to_see_requests_is_refused_before_tls(fault: WireFault) -> None:
    with FakeCollector(tls=True) as fake, OtlpProxy(upstream=fake) as proxy:
        with pytest.raises(UsageError) as raised:
            proxy.inject(fault)
        assert f"{fault!r} needs to see requests" in str(raised.value)
        with pytest.raises(UsageError):
            proxy.injecting(fault)
        assert proxy.findings() == ()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.reset(), ConnectionResetError),
        (faults.reset(after_bytes=300), ConnectionResetError),
        (faults.truncate(after_bytes=600, direction="down"), ssl.SSLEOFError),
        (faults.corrupt(after_bytes=600, direction="down"), ssl.SSLError),
    ],
    ids=repr,
)
def test_faults_of_bytes_act_on_tls(fault: WireFault, error: type[OSError]) -> None:
    with FakeCollector(tls=True) as fake, OtlpProxy(upstream=fake) as proxy:
        with proxy.injecting(fault) as injection, pytest.raises(error):
            over_tls(proxy, fake)
        assert injection.fired >= 1
        assert over_tls(proxy, fake) == b"HTTP/1.1 200 OK"


def test_fake_itself_lets_faults_of_requests_act_within_tls() -> None:
    with FakeCollector(tls=True) as fake:
        context = ssl.create_default_context(cafile=fake.ca_file)
        with (
            connect(fake.http_port) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as client,
        ):
            injection = fake.inject(faults.reset(at="after_reply"))
            client.sendall(GOOD)
            assert client.recv(15) == b"HTTP/1.1 200 OK"
            assert injection.fired == 1
        (request,) = fake.requests.all()
        assert request.connection.wire_fault == "faults.reset(at='after_reply')"


def test_proxy_that_is_closed_takes_no_faults_and_keeps_its_findings() -> None:
    with OtlpProxy(upstream="http://127.0.0.1:1") as proxy:
        injection = proxy.inject(faults.reset())
    with pytest.raises(ReceiverError):
        proxy.inject(faults.reset())
    proxy.end_faults()
    assert injection.is_ended
    (finding,) = proxy.findings()
    assert finding.rule == "fault_never_fired"
    assert finding.where == "the proxy before http://127.0.0.1:1"


def test_close_is_prompt_and_passes_on_what_a_fault_held_back() -> None:
    with FakeCollector() as fake:
        with OtlpProxy(upstream=fake.http_endpoint) as proxy, connect(proxy.port) as client:
            proxy.inject(faults.blackhole(direction="up"))
            client.sendall(GOOD)
            injection = proxy.inject(faults.latency(1000.0, direction="up"))
            client.sendall(GOOD)
            with connect(proxy.port):  # who has connected and says nothing
                proxy.close()
            assert injection.fired == 1
            read_to_end(client)
        assert fake.spans.wait_for(2, timeout_s=PATIENCE_S)


def test_fault_for_one_connection_leaves_the_others_alone() -> None:
    with place("proxy") as at, http_client(at) as one, http_client(at) as other:
        assert (one.export("first"), other.export("first")) == ("200", "200")
        injection = at.faulty.inject(faults.latency(0.2), times=1)
        assert one.export("late") == "200"
        (firing,) = injection.firings
        assert other.export("in time") == "200"
        assert injection.firings == (firing,)
        assert isinstance(at.faulty, OtlpProxy)
        hit = {connection.number: connection.wire_fault for connection in at.faulty.connections}
        assert hit[firing.connection] == "faults.latency(0.2)"
        assert list(hit.values()).count("") == 1


def test_faults_of_two_kinds_act_beside_each_other() -> None:
    with place("proxy") as at, grpc_client(at) as client:
        with (
            at.faulty.injecting(faults.slice(slice_bytes=11, direction="both")),
            at.faulty.injecting(faults.latency(0.01, direction="both")),
            at.faulty.injecting(faults.rst_stream(), times=2),
            at.faulty.injecting(faults.goaway(at="after_reply"), times=1) as goaway,
        ):
            seen = [client.export(f"call {number}") for number in range(3)]
            assert seen == ["UNAVAILABLE", "UNAVAILABLE", "OK"]
            assert goaway.fired == 1
        assert client.export("later", waits=True) == "OK"
        assert at.fake.spans.count() == 2


def test_evidence_asks_the_proxy_what_it_holds_back() -> None:
    with place("proxy") as at, http_client(at) as client:
        assert client.export("first") == "200"
        assert at.fake.held_back(Deadline(PATIENCE_S)) == ()
        with (
            at.faulty.injecting(faults.blackhole(direction="up")),
            connect(at.http_port) as stuck,
        ):
            stuck.sendall(GOOD)
            (held,) = at.fake.held_back(Deadline(SHORT_S))
            assert held.endswith("holds back what came over 1 connection(s)")
        assert at.fake.held_back(Deadline(PATIENCE_S)) == ()
        assert at.fake.spans.count(name="good") == 1
    assert at.fake.spans.count() == 2


def test_late_bytes_are_waited_for_before_absence_is_proven() -> None:
    with place("proxy") as at, connect(at.http_port) as client:
        at.faulty.inject(faults.latency(0.3, direction="up"))
        client.sendall(GOOD)
        client.close()
        evidence = at.fake.exited(Gone(), flushed=True)  # its ports are not its own
        assert evidence.gaps == ()
        assert at.fake.spans.count(name="good") == 1


class Gone:
    """A program that has ended; its telemetry went through the proxy."""

    name = "gone"
    owner = "gone"
    has_exited = True
    ending = Ending(way="by itself", exit_code=0)

    def descendants(self) -> tuple[object, ...]:
        return ()

"""Each wire fault, in the proxy and in the fake itself: what real clients see, what arrives."""

import pytest

from otlptest import faults
from otlptest.faults import WireFault
from tests.support.wire_places import SHORT_S, Where, grpc_client, http_client, place

pytestmark = pytest.mark.timeout(90)

PLACES: tuple[Where, ...] = ("proxy", "fake")


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("fault", "seen", "arrived"),
    [
        (faults.reset(), "ConnectionResetError", []),
        (faults.reset(at="connect"), "ConnectionResetError", []),
        (faults.refuse(), "ConnectionResetError", []),
        (faults.reset(after_bytes=50), "ConnectionResetError", []),
        (faults.reset(at="before_reply"), "ConnectionResetError", ["first"]),
        (faults.reset(at="after_reply"), "200", ["first"]),
        (faults.reset(after_bytes=5, direction="down"), "ConnectionResetError", ["first"]),
        (faults.truncate(after_bytes=30), "RemoteDisconnected", []),
        (faults.truncate(after_bytes=5, direction="down"), "BadStatusLine", ["first"]),
        (faults.corrupt(count=20), "400", []),
        (faults.corrupt(count=4, direction="down"), "BadStatusLine", ["first"]),
        (faults.latency(0.05, jitter_s=0.05, direction="both"), "200", ["first"]),
        (faults.bandwidth(5000, direction="both"), "200", ["first"]),
        (faults.trickle(slice_bytes=50, pause_s=0.01), "200", ["first"]),
        (faults.slice(slice_bytes=3, direction="both"), "200", ["first"]),
    ],
    ids=repr,
)
def test_http_client(where: Where, fault: WireFault, seen: str, arrived: list[str]) -> None:
    with place(where) as at, http_client(at) as client:
        injection = at.faulty.inject(fault, times=1)
        assert client.export("first") == seen
        assert injection.fired == 1
        assert [span.name for span in at.fake.spans.all()] == arrived
        client.close()
        assert client.export("second") == "200"
        assert injection.fired == 1
        assert "fault_never_fired" not in {finding.rule for finding in at.faulty.findings()}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("fault", "seen", "arrived"),
    [
        (faults.reset(), "UNAVAILABLE", []),
        (faults.reset(at="connect"), "UNAVAILABLE", []),
        (faults.refuse(), "UNAVAILABLE", []),
        (faults.reset(at="before_reply"), "UNAVAILABLE", ["first"]),
        (faults.truncate(after_bytes=200), "UNAVAILABLE", []),
        (faults.corrupt(count=9, direction="down"), "UNAVAILABLE", []),
        (faults.latency(0.05, direction="both"), "OK", ["first"]),
        (faults.trickle(slice_bytes=100, pause_s=0.01), "OK", ["first"]),
        (faults.slice(slice_bytes=7, direction="both"), "OK", ["first"]),
        (faults.goaway(), "OK", ["first"]),
        (faults.goaway(at="before_reply"), "OK", ["first"]),
        (faults.goaway(at="after_reply"), "OK", ["first"]),
        (faults.goaway(code="ENHANCE_YOUR_CALM", message="calm"), "OK", ["first"]),
        (faults.goaway(ends_connection=False), "OK", ["first"]),
        (faults.goaway(last_stream_id=2**31 - 1), "OK", ["first"]),
        (faults.goaway(last_stream_id=0), "UNAVAILABLE", []),
        (faults.goaway(last_stream_id=0, at="before_reply"), "UNAVAILABLE", ["first"]),
        (faults.rst_stream(), "UNAVAILABLE", []),
        (faults.rst_stream("INTERNAL_ERROR"), "INTERNAL", []),
        (faults.rst_stream("CANCEL", at="before_reply"), "CANCELLED", ["first"]),
        (faults.rst_stream("ENHANCE_YOUR_CALM"), "RESOURCE_EXHAUSTED", []),
    ],
    ids=repr,
)
def test_grpcio(where: Where, fault: WireFault, seen: str, arrived: list[str]) -> None:
    with place(where) as at, grpc_client(at) as client:
        injection = at.faulty.inject(fault, times=1)
        assert client.export("first") == seen
        assert injection.fired == 1
        assert [span.name for span in at.fake.spans.all()] == arrived
        with grpc_client(at) as later:
            assert later.export("second", waits=True) == "OK"
        assert injection.fired == 1
        assert "fault_never_fired" not in {finding.rule for finding in at.faulty.findings()}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    "fault",
    [faults.window(), faults.window(3), faults.blackhole(), faults.blackhole(direction="down")],
    ids=repr,
)
def test_grpc_call_that_waits_for_ever_goes_on_when_the_block_ends(
    where: Where, fault: WireFault
) -> None:
    with (
        place(where) as at,
        grpc_client(at, timeout_s=SHORT_S) as hasty,
        grpc_client(at) as patient,
    ):
        with at.faulty.injecting(fault) as injection:
            assert hasty.export("hasty") == "DEADLINE_EXCEEDED"
        assert injection.fired >= 1
        assert patient.export("patient", waits=True) == "OK"
        names = [span.name for span in at.fake.spans.all()]
        assert names[-1] == "patient"


@pytest.mark.parametrize("where", PLACES)
def test_open_connection_gets_a_fault_at_its_next_request(where: Where) -> None:
    with place(where) as at, grpc_client(at) as client, http_client(at) as other:
        assert (client.export("first"), other.export("first")) == ("OK", "200")
        with at.faulty.injecting(faults.reset()) as injection:
            assert client.export("second") == "UNAVAILABLE"
            assert other.export("second") == "ConnectionResetError"
        assert [firing.fault for firing in injection.firings] == [faults.reset()] * 2
        assert (client.export("third", waits=True), other.export("third")) == ("OK", "200")
        assert at.fake.spans.count(name="second") == 0


@pytest.mark.parametrize("where", PLACES)
def test_window_of_an_open_channel_is_taken_and_given_back(where: Where) -> None:
    with (
        place(where) as at,
        grpc_client(at) as client,
        grpc_client(at, timeout_s=SHORT_S) as hasty,
    ):
        assert (client.export("first"), hasty.export("first")) == ("OK", "OK")
        injection = at.faulty.inject(faults.window(2))
        held = [hasty.export("held") for _ in range(3)]  # one may begin before the client knows
        assert held[1:] == ["DEADLINE_EXCEEDED"] * 2
        at.faulty.end_faults()
        assert injection.fired >= 1
        assert client.export("later") == "OK"
        assert hasty.export("later") == "OK"


@pytest.mark.parametrize("where", PLACES)
def test_many_streams_are_refused_and_the_channel_goes_on(where: Where) -> None:
    with place(where) as at, grpc_client(at) as client:
        with at.faulty.injecting(faults.rst_stream()) as injection:
            seen = [client.export("refused", size=5000) for _ in range(30)]
        assert seen == ["UNAVAILABLE"] * 30
        assert injection.fired == 30
        assert len({firing.connection for firing in injection.firings}) == 1
        assert client.export("taken", size=200_000) == "OK"
        assert at.fake.spans.count() == 1


@pytest.mark.parametrize("where", PLACES)
def test_large_messages_pass_beside_refused_ones(where: Where) -> None:
    with place(where) as at, grpc_client(at) as client:
        for turn in range(5):
            with at.faulty.injecting(faults.rst_stream(), times=1):
                assert client.export("refused", size=1_000_000) == "UNAVAILABLE"
            assert client.export(f"taken {turn}", size=1_000_000) == "OK"
        assert at.fake.spans.count() == 5


@pytest.mark.parametrize("where", PLACES)
def test_replies_can_be_dropped_again_and_again(where: Where) -> None:
    with place(where) as at, grpc_client(at) as client:
        with at.faulty.injecting(faults.rst_stream("CANCEL", at="before_reply")):
            assert [client.export("lost") for _ in range(5)] == ["CANCELLED"] * 5
        assert client.export("told") == "OK"
        assert at.fake.spans.count() == 6

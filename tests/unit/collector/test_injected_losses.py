"""What injected faults did, and what a right sender does after each."""

from collections.abc import Sequence

import pytest

from otlptest import faults
from otlptest.collector.injected_losses import injected_losses
from otlptest.faults import WireFault
from otlptest.faults.injection.injections import Injection
from otlptest.model import Connection, Request
from otlptest.queries.evidence.circumstances import Circumstance

AGAIN = (
    "after a broken connection a right exporter sends again (OTLP-HTTP-036; gRPC: UNAVAILABLE);"
    " this one has not in 30 s: is its retry off, or its backoff longer than this wait"
    " (timeout_s=…)? Its output may say"
)


def injected(
    fault: WireFault, *, fired: int = 1, times: int | None = 1, is_ended: bool = False
) -> Injection:
    injection = Injection(fault, times)
    for number in range(fired):
        assert injection.take(number + 1, None, 70.0)
    if is_ended:
        injection.end()
    return injection


def losses(
    *injections: Injection, requests: Sequence[Request] = (), begin: float = 60.0
) -> list[Circumstance]:
    placed = [("the proxy", injection) for injection in injections]
    return list(injected_losses(placed, requests, "traces", begin=begin, now=100.0))


@pytest.mark.parametrize(
    ("injection", "deed", "hint"),
    [
        pytest.param(injected(faults.reset(after_bytes=100)), "reset", f": {AGAIN}", id="reset"),
        pytest.param(
            injected(faults.reset(after_bytes=100), fired=3, times=None),
            "reset",
            ", which hits what is sent again too: give it times=1, or wait after its block",
            id="reset each time",
        ),
        pytest.param(
            injected(faults.truncate(after_bytes=9)), "cut off", f": {AGAIN}", id="truncate"
        ),
        pytest.param(
            injected(faults.rst_stream()),
            "reset a stream of",
            f": {AGAIN}",
            id="stream",
        ),
        pytest.param(injected(faults.goaway()), "sent GOAWAY on", f": {AGAIN}", id="goaway"),
        pytest.param(
            injected(faults.refuse(), times=None),
            "refused",
            ": nothing can connect before it ends, so wait after its block",
            id="refuse",
        ),
        pytest.param(
            injected(faults.refuse(), times=None, is_ended=True),
            "refused",
            f": {AGAIN}",
            id="refused",
        ),
        pytest.param(
            injected(faults.blackhole()),
            "let nothing pass on",
            ": nothing passes before it ends, so wait after its block",
            id="blackhole",
        ),
        pytest.param(
            injected(faults.blackhole(), is_ended=True),
            "let nothing pass on",
            ": a sender notices that by its own timeout only (OTEL_EXPORTER_OTLP_TIMEOUT, 10 s"
            " unless set)",
            id="blackhole that ended",
        ),
        *(
            pytest.param(
                injected(fault),
                deed,
                ", which slows what is sent: wait longer, or after its block",
                id=fault.kind,
            )
            for fault, deed in (
                (faults.latency(1), "slowed"),
                (faults.trickle(), "slowed"),
                (faults.bandwidth(10), "slowed"),
                (faults.window(), "kept the window of"),
            )
        ),
        pytest.param(
            injected(faults.corrupt()),
            "changed what",
            ": a request that cannot be decoded is refused for good, so a right exporter drops it"
            " and the loss is right",
            id="corrupt",
        ),
        pytest.param(injected(faults.slice()), "cut into pieces what", "", id="slice"),
        pytest.param(injected(faults.reset(at="before_reply")), "reset", "", id="reply lost"),
        pytest.param(injected(faults.corrupt(direction="down")), "changed what", "", id="down"),
    ],
)
def test_each_fault_says_what_it_did(injection: Injection, deed: str, hint: str) -> None:
    (loss,) = losses(injection)
    assert loss.fact.startswith(f"{injection.fault!r} of the proxy {deed} {injection.fired} ")
    assert loss.fact.endswith("; no requests of traces came in the 30 s since")
    assert loss.hint == (f"this test injected {injection.fault!r}{hint}" if hint else "")


def test_sender_that_sent_again_is_no_reason() -> None:
    connection = Connection(number=2, endpoint="http", port=1)
    again = Request(connection=connection, signal="traces", started_at=71.0)
    (loss,) = losses(injected(faults.reset(after_bytes=100)), requests=[again])
    assert loss == Circumstance(
        fact="faults.reset(after_bytes=100) of the proxy reset 1 connection; 1 request of traces"
        " came in the 30 s since"
    )


def test_faults_that_never_fired_or_belong_to_an_earlier_test_say_nothing() -> None:
    assert losses(injected(faults.refuse(), fired=0)) == []
    assert losses(injected(faults.refuse()), begin=71.0) == []

"""A lie for each kind of evidence: what it did not see must make a verdict not proven.

The tests are named in the table of evidence in `docs/evidence.md`.
"""

import signal
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from otlptest import FakeCollector, OtlpProxy, faults
from otlptest.collector.view import CollectorView
from otlptest.errors import ExpectationError
from otlptest.processes import Program, start_program
from otlptest.queries.evidence.judging import Evidence
from otlptest.timing import Deadline
from tests.support.producers import a_producer, a_socket, a_trace_request, http_bytes
from tests.support.small_programs import python_program


@pytest.fixture
def otlp() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


SHOP = """
    import os, signal, socket, subprocess, sys, time
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests' own is ignored
    port = int(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rsplit(":", 1)[1])
    def send():
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(bytes.fromhex("{request}"))
            peer.recv(1000)
"""
WAIT = "print('up', flush=True)\nsignal.pause()"
ON_SIGTERM = "signal.signal(signal.SIGTERM, lambda *_: {then})"


def a_shop(otlp: FakeCollector, code: str, script: str = "") -> Program:
    """A program with its own ports that can `send()` a span 'charge'."""
    ports = otlp.open_ports("shop#1")
    request = http_bytes("/v1/traces", a_trace_request("charge"))
    whole = textwrap.dedent(SHOP.replace("{request}", request.hex())) + code
    command = python_program(whole)
    if script:
        command = ["sh", "-c", script, *command]
    return start_program(command, name="shop", owner="shop#1", env=ports.environ())


def wait(shop: Program) -> None:
    shop.wait()


def up(shop: Program) -> None:
    """Wait until it says that it is up."""
    deadline = Deadline(60.0)
    while "up" not in shop.output and deadline.pause(0.01):
        pass


def stop(shop: Program) -> None:
    up(shop)
    shop.stop(timeout_s=30)


def interrupt(shop: Program) -> None:
    up(shop)
    shop.stop(timeout_s=30, signal_number=signal.SIGINT)


def stop_in_vain(shop: Program) -> None:
    up(shop)
    shop.stop(timeout_s=0.2)


def kill(shop: Program) -> None:
    up(shop)
    shop.kill()


NOTHING_SENT = "shop sent nothing to this collector in this test, so its silence proves nothing"
ENDINGS: dict[str, tuple[str, Callable[[Program], None], str]] = {
    # what it does, how it is ended, the gap; without a gap its silence is proven
    "by itself": ("send()", wait, ""),
    "by its handler": (f"send()\n{ON_SIGTERM.format(then='sys.exit(0)')}\n{WAIT}", stop, ""),
    "interrupted": (f"send()\n{WAIT}", interrupt, ""),  # Python unwinds: its exit handlers run
    "exit code 3": (
        "send()\nsys.exit(3)",
        wait,
        "shop exited with code 3, perhaps by an exception, before its SDK could flush",
    ),
    "exception": (
        "send()\nraise ValueError",
        wait,
        "shop exited with code 1, perhaps by an exception, before its SDK could flush",
    ),
    "exit code 1 of its handler": (
        f"send()\n{ON_SIGTERM.format(then='os._exit(1)')}\n{WAIT}",
        stop,
        "shop exited with code 1, perhaps by an exception",
    ),
    "crash": (
        "send()\nos.kill(os.getpid(), signal.SIGSEGV)",
        wait,
        "shop was ended by SIGSEGV, which otlptest did not send: it may have held",
    ),
    "no handler": (
        f"send()\n{WAIT}",
        stop,
        "shop was ended by SIGTERM (it has no handler): it may have held",
    ),
    "stop in vain": (
        f"send()\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAIT}\n{WAIT}",
        stop_in_vain,
        "shop did not end on SIGTERM within 0.2 s and was killed: it may have held",
    ),
    "kill": (f"send()\n{WAIT}", kill, "shop was killed by kill(): it may have held"),
    "connected only": (
        "socket.create_connection(('127.0.0.1', port)).close()",
        wait,
        NOTHING_SENT,
    ),
    "no SDK": ("", wait, NOTHING_SENT),
}


@pytest.mark.parametrize(("code", "end", "gap"), ENDINGS.values(), ids=ENDINGS.keys())
def test_exit_proves_silence_of_a_program_that_had_the_chance_to_flush(
    otlp: FakeCollector, code: str, end: Callable[[Program], None], gap: str
) -> None:
    with a_shop(otlp, code) as shop:
        end(shop)
        done, vouched = otlp.exited(shop), otlp.exited(shop, flushed=True)
    arrived = otlp.spans.count()
    assert arrived == (0 if NOTHING_SENT in gap else 1)
    for verdict in (
        lambda after: otlp.spans.expect_none(name="refund", after=after),
        lambda after: otlp.spans.expect_count(arrived, name="charge", after=after),
    ):
        assert_gap(gap, lambda verdict=verdict: verdict(done))  # type: ignore[misc]  # bound early
        verdict(vouched)
    assert "gap: " in str(done) or not gap
    assert str(vouched) == (
        "exited: shop has exited, and the test says that nothing was held back; covers shop#1"
    )


def assert_gap(gap: str, verdict: Callable[[], object]) -> None:
    """Not proven for this reason; or proven, where there is none."""
    if not gap:
        verdict()
        return
    with pytest.raises(ExpectationError) as failure:
        verdict()
    (finding,) = failure.value.findings
    assert finding.rule == "not_proven"
    assert f"gap: {gap}" in finding.received


def test_a_shell_that_reports_the_signal_of_its_command_is_no_exit_of_its_own(
    otlp: FakeCollector,
) -> None:
    with a_shop(otlp, f"send()\n{WAIT}", script='"$0" "$@"; exit $?') as shop:
        stop(shop)
        done = otlp.exited(shop)
    assert_gap("shop ", lambda: otlp.spans.expect_none(name="refund", after=done))


def test_a_verdict_on_another_service_has_no_gap_by_a_program_that_was_killed(
    otlp: FakeCollector,
) -> None:
    with a_shop(otlp, f"send()\n{WAIT}") as shop:
        kill(shop)
        otlp.exited(shop)
        otlp.add_program(shop)
        done = otlp.quiet(0.05)
    otlp.spans.expect_none(service="payments", after=done)
    assert_gap(
        "shop was killed by kill(): it may have held telemetry back",
        lambda: otlp.spans.expect_none(name="refund", after=done),
    )


# What was not seen is a gap of every kind of evidence.


class Payments:
    """A stand-in for a traced service that is there all the time."""

    def __init__(self, otlp: FakeCollector, at: ExitStack) -> None:
        self.otlp = otlp
        self.at = at
        self.producer = at.enter_context(a_producer(otlp.open_ports("payments#1").endpoints.http))
        self.producer.export("started", service="payments")

    def call(self, headers: Mapping[str, str]) -> None:
        trace_id = headers["traceparent"].split("-")[1]
        self.producer.export("GET /health", service="payments", trace_id=trace_id)


def by_exit(view: CollectorView, payments: Payments) -> list[Evidence]:
    """A program that has exited; and the other service, so that it is covered too."""
    with a_shop(payments.otlp, "send()") as shop:
        shop.wait()
        return [view.exited(shop), *by_fence(view, payments)]


def by_fence(view: CollectorView, payments: Payments) -> list[Evidence]:
    return [view.fence(payments.call)]


def by_quiet(view: CollectorView, _: Payments) -> list[Evidence]:
    return [view.quiet(0.05)]


def by_flush(view: CollectorView, _: Payments) -> list[Evidence]:
    return [view.flushed(list, owner="payments#1")]


EVIDENCE = {"exited": by_exit, "fence": by_fence, "quiet": by_quiet, "flushed": by_flush}


def kept_sender(payments: Payments) -> Callable[..., int]:
    """A sender of the session, whose connection is older than the test."""
    kept = payments.at.enter_context(a_producer(payments.otlp.http_endpoint))
    kept.post("/v1/traces", b"")
    return kept.post


Act = Callable[[CollectorView], None]
"""What happens within the test."""


def nothing(payments: Payments) -> Act:
    kept_sender(payments)
    return lambda _: None


def refused(payments: Payments) -> Act:
    post = kept_sender(payments)
    return lambda _: answered(post("/v1/traces", b"\xff\xff"), 400)


def wrong_path(payments: Payments) -> Act:
    post = kept_sender(payments)
    return lambda _: answered(post("/v1/trace", a_trace_request("refund")), 404)


def other_signal(payments: Payments) -> Act:
    post = kept_sender(payments)
    return lambda _: answered(post("/v1/logs", b"\xff\xff"), 400)


def mistaken_signal(payments: Payments) -> Act:
    post = kept_sender(payments)
    return lambda _: answered(post("/v1/logs", a_trace_request("refund")), 400)


def key_of_another_signal(payments: Payments) -> Act:
    post = kept_sender(payments)
    body = b'{"resourceLogs": [], "resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}'
    return lambda _: answered(post("/v1/logs", body, content_type="application/json"), 200)


def unknown_key(payments: Payments) -> Act:
    post = kept_sender(payments)
    body = b'{"resource_spans": [{"scope_spans": [{"spans": [{"name": "refund"}]}]}]}'
    return lambda _: answered(post("/v1/traces", body, content_type="application/json"), 200)


def cut(payments: Payments) -> Act:
    peer = payments.at.enter_context(a_socket(payments.otlp.http_endpoint))
    peer.sendall(http_bytes("/v1/traces", b""))
    peer.recv(1000)

    def act(view: CollectorView) -> None:
        peer.sendall(http_bytes("/v1/traces", a_trace_request("refund"))[:-10])
        peer.close()
        view.settle(Deadline(30))

    return act


def planned_reply(payments: Payments) -> Act:
    post = kept_sender(payments)

    def act(view: CollectorView) -> None:
        with view.replying(faults.unavailable(), signal="traces", times=1):
            answered(post("/v1/traces", a_trace_request("refund")), 503)

    return act


def sent_again(payments: Payments) -> Act:
    """What a planned fault refused and then came again is not missing."""
    post = kept_sender(payments)

    def act(view: CollectorView) -> None:
        body = a_trace_request("lookup", service="lookups")
        with view.replying(faults.unavailable(), signal="traces", times=1):
            answered(post("/v1/traces", body), 503)
        answered(post("/v1/traces", body), 200)

    return act


def planned_refusal(payments: Payments) -> Act:
    def act(view: CollectorView) -> None:
        with view.injecting(faults.refuse()):
            assert not is_taken(payments.otlp.http_endpoint)

    return act


def reset_at_a_proxy(_: Payments) -> Act:
    """The proxy is gone when the verdict is asked for."""

    def act(view: CollectorView) -> None:
        with OtlpProxy(upstream=view) as proxy:
            proxy.inject(faults.reset(at="connect"))
            assert not is_taken(proxy.http_endpoint)

    return act


def probe(payments: Payments) -> Act:
    """A question whether somebody listens holds no telemetry."""

    def act(_: CollectorView) -> None:
        with a_socket(payments.otlp.http_endpoint) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            peer.recv(1000)

    return act


def is_taken(endpoint: str) -> bool:
    """Whether a request is answered."""
    try:
        with a_socket(endpoint) as peer:
            peer.sendall(http_bytes("/v1/traces", a_trace_request("refund")))
            return bool(peer.recv(1000))
    except OSError:
        return False


def answered(status: int, expected: int) -> None:
    assert status == expected


UNSEEN: dict[str, tuple[Callable[[Payments], Act], str]] = {
    "nothing": (nothing, ""),
    "other signal": (other_signal, ""),
    "probe": (probe, ""),
    "sent again": (sent_again, ""),
    "refused": (refused, "request "),
    "wrong path": (wrong_path, "request "),
    "unknown key": (unknown_key, "request "),
    "mistaken signal": (mistaken_signal, "request "),
    "key of another signal": (key_of_another_signal, "request "),
    "cut": (cut, "cut_request: "),
    "planned reply": (planned_reply, "request "),
    "planned refusal": (planned_refusal, "cut_request: faults.refuse() kept a request"),
    "reset at a proxy": (reset_at_a_proxy, "faults.reset(at='connect') of the proxy"),
}


@pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=EVIDENCE.keys())
@pytest.mark.parametrize(("lie", "gap"), UNSEEN.values(), ids=UNSEEN.keys())
def test_what_was_not_seen_is_a_gap(
    otlp: FakeCollector,
    evidence: Callable[[CollectorView, Payments], list[Evidence]],
    lie: Callable[[Payments], Act],
    gap: str,
) -> None:
    with ExitStack() as at:
        payments = Payments(otlp, at)
        act = lie(payments)  # connections that are older than the test
        view = otlp.view()
        act(view)
        after = [*evidence(view, payments), view.quiet(0.05)]  # no sender is uncovered
        assert_gap(gap, lambda: view.spans.expect_none(name="refund", after=after))

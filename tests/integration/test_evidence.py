"""Evidence against a real collector and real processes: what it proves, and what it must refuse."""

import textwrap
import threading
from collections.abc import Iterator, Mapping

import pytest

from otlptest import FakeCollector
from otlptest.errors import ExpectationError, UsageError
from otlptest.processes import Program, start_program
from otlptest.timing import Deadline
from tests.support.producers import (
    Producer,
    a_counter_request,
    a_log_request,
    a_producer,
    a_socket,
    a_trace_request,
    http_bytes,
)
from tests.support.small_programs import python_program


@pytest.fixture
def otlp() -> Iterator[FakeCollector]:
    with FakeCollector() as collector:
        yield collector


def rules(failure: pytest.ExceptionInfo[ExpectationError]) -> list[str]:
    return [finding.rule for finding in failure.value.findings]


def a_program(otlp: FakeCollector, code: str) -> Program:
    """A program with its own ports, of which `code` knows `port` and `request`."""
    ports = otlp.open_ports("shop#1")
    request = http_bytes("/v1/traces", a_trace_request("charge"))
    prelude = f"""
        import os, socket, subprocess, sys, time
        port = int(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"].rsplit(":", 1)[1])
        request = bytes.fromhex("{request.hex()}")
        peer = socket.create_connection(("127.0.0.1", port))
    """
    whole = textwrap.dedent(prelude) + textwrap.dedent(code)
    return start_program(python_program(whole), name="shop", owner="shop#1", env=ports.environ())


# Exit.


def test_a_process_that_still_runs_is_no_evidence(otlp: FakeCollector) -> None:
    with (
        a_program(otlp, "time.sleep(60)") as shop,
        pytest.raises(UsageError, match="shop still runs, so it may still send"),
    ):
        otlp.exited(shop)


def test_exit_without_a_process_is_no_evidence(otlp: FakeCollector) -> None:
    with pytest.raises(UsageError, match="needs the processes"):
        otlp.exited()


def test_what_a_process_never_sent_is_proven_absent_by_its_exit(otlp: FakeCollector) -> None:
    with a_program(otlp, "peer.sendall(request); peer.recv(1000)") as shop:
        shop.wait()
        done = otlp.exited(shop)
    otlp.spans.expect_count(1, name="charge", after=done)
    otlp.spans.expect_none(name="refund", after=done)


def test_bytes_unread_at_exit_are_read_before_the_verdict(otlp: FakeCollector) -> None:
    """The program leaves its requests behind and goes, without reading a single reply."""
    with a_program(otlp, "peer.sendall(request * 200); os._exit(0)") as shop:
        shop.wait()
        done = otlp.exited(shop)
    otlp.spans.expect_count(200, name="charge", after=done)


def test_connections_that_wait_to_be_accepted_at_exit_are_read(otlp: FakeCollector) -> None:
    code = """
        for _ in range(50):
            another = socket.create_connection(("127.0.0.1", port))
            another.sendall(request)
        os._exit(0)
    """
    with a_program(otlp, code) as shop:
        shop.wait()
        done = otlp.exited(shop)
    otlp.spans.expect_count(50, name="charge", after=done)


def test_a_surviving_grandchild_is_a_gap(otlp: FakeCollector) -> None:
    code = """
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"],
                         start_new_session=True)
        peer.sendall(request); peer.recv(1000)
    """
    with a_program(otlp, code) as shop:
        shop.wait()
        done = otlp.exited(shop)
        with pytest.raises(ExpectationError, match="that it started still runs") as failure:
            otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_a_second_producer_that_could_match_is_a_gap(otlp: FakeCollector) -> None:
    with a_program(otlp, "peer.sendall(request); peer.recv(1000)") as shop:
        shop.wait()
        done = otlp.exited(shop)
    with a_producer(otlp.http_endpoint) as other:
        other.export("charge", service="payments")
        with pytest.raises(ExpectationError, match="payments has sent in this test") as failure:
            otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]
    otlp.spans.expect_none(name="refund", service="shop", after=done)


def test_a_refused_batch_is_a_gap(otlp: FakeCollector) -> None:
    request = http_bytes("/v1/traces", b"\xff\xff")
    code = f"""
        peer.sendall(request); peer.recv(1000)
        peer.sendall(bytes.fromhex("{request.hex()}")); peer.recv(1000)
    """
    with a_program(otlp, code) as shop:
        shop.wait()
        done = otlp.exited(shop)
    with pytest.raises(ExpectationError, match="request 2 was refused") as failure:
        otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


# Fences.


class Service:
    """A stand-in for a traced service: it exports a span for each call, over one connection."""

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        self.calls = 0

    def call(self, headers: Mapping[str, str]) -> None:
        self.calls += 1
        _, trace_id, _, _ = headers["traceparent"].split("-")
        self.producer.export("GET /health", trace_id=trace_id)

    def call_with_log(self, headers: Mapping[str, str]) -> None:
        _, trace_id, _, _ = headers["traceparent"].split("-")
        self.producer.post("/v1/logs", a_log_request("asked", trace_id=trace_id))
        self.producer.export("GET /health", trace_id=trace_id)

    def call_with_metric(self, headers: Mapping[str, str]) -> None:
        self.call(headers)
        self.producer.post("/v1/metrics", a_counter_request("calls", self.calls))


@pytest.fixture
def service(otlp: FakeCollector) -> Iterator[Service]:
    with a_producer(otlp.http_endpoint) as producer:
        yield Service(producer)


def test_a_fence_proves_what_its_producer_ended_before(
    otlp: FakeCollector, service: Service
) -> None:
    service.producer.export("charge")
    done = otlp.fence(service.call)
    otlp.spans.expect_count(1, name="charge", after=done)
    otlp.spans.expect_none(name="refund", after=done)


def test_a_fence_for_traces_says_nothing_of_logs(otlp: FakeCollector, service: Service) -> None:
    done = otlp.fence(service.call)
    with pytest.raises(ExpectationError, match="is not covered for logs"):
        otlp.logs.expect_none(body="declined", after=done)
    both = otlp.fence(service.call_with_log, signals=("traces", "logs"))
    otlp.logs.expect_none(body="declined", after=both)


def test_a_fence_for_metrics_needs_a_later_point(otlp: FakeCollector, service: Service) -> None:
    done = otlp.fence(service.call_with_metric, signals=("metrics",))
    otlp.metrics.expect_none(name="refunds", after=done)
    with pytest.raises(ExpectationError, match="no metrics fence item from shop") as failure:
        otlp.fence(service.call, signals=("metrics",), timeout_s=0.2)
    assert rules(failure) == ["not_proven"]


def test_no_fence_span_names_the_usual_reasons(otlp: FakeCollector) -> None:
    with pytest.raises(ExpectationError) as failure:
        otlp.fence(lambda _: None, timeout_s=0.1)
    assert str(failure.value) == (
        "1 unmet expectation\n"
        "not_proven: fence\n"
        "  expected: a span of the fence's trace from 1 producer within 0.1 s\n"
        "  received: 1 call(s) sent, spans from nobody\n"
        "  hint:     usual reasons: the endpoint is excluded from tracing, a sampler drops it, the"
        " service does not read traceparent, or send() does not pass the headers on\n"
        "  explain:  otlptest explain not_proven"
    )


def test_a_call_that_was_dropped_is_made_again(otlp: FakeCollector, service: Service) -> None:
    dropped = iter([True, False])

    def send(headers: Mapping[str, str]) -> None:
        if not next(dropped):
            service.call(headers)

    done = otlp.fence(send)
    otlp.spans.expect_none(name="refund", after=done)


def test_a_fence_asks_for_as_many_producers_as_it_is_told(
    otlp: FakeCollector, service: Service
) -> None:
    with pytest.raises(ExpectationError, match=r"from 2 producers within 0\.3 s"):
        otlp.fence(service.call, producers=2, timeout_s=0.3)

    def call_both(headers: Mapping[str, str]) -> None:
        service.call(headers)
        _, trace_id, _, _ = headers["traceparent"].split("-")
        service.producer.export("charge", service="payments", trace_id=trace_id)

    done = otlp.fence(call_both, producers=2)
    otlp.spans.expect_none(name="refund", after=done)


@pytest.mark.parametrize("producers", [0, True], ids=["zero", "bool"])
def test_a_fence_of_no_producer_is_refused(otlp: FakeCollector, producers: int) -> None:
    with pytest.raises(UsageError, match="producers must be 1 or more"):
        otlp.fence(lambda _: None, producers=producers)


@pytest.mark.parametrize("signals", [(), ("profiles",), ("trace",)], ids=["none", "prof", "typo"])
def test_a_fence_of_unprovable_signals_is_refused(
    otlp: FakeCollector, signals: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match="a fence proves traces, logs or metrics"):
        otlp.fence(lambda _: None, signals=signals)  # type: ignore[arg-type]  # the point here


def test_a_producer_beside_the_fence_is_a_gap(otlp: FakeCollector, service: Service) -> None:
    with a_producer(otlp.http_endpoint) as other:
        other.export("charge", service="payments")
        done = otlp.fence(service.call)
        with pytest.raises(ExpectationError, match="payments has sent in this test") as failure:
            otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_overlapping_exports_are_a_gap(otlp: FakeCollector, service: Service) -> None:
    """Two requests of one producer are under way at once: the first waits for its last byte."""
    slow = http_bytes("/v1/traces", a_trace_request("charge"))
    with a_socket(otlp.http_endpoint) as peer:
        peer.sendall(slow[:-1])
        otlp.settle(Deadline(5))
        service.producer.export("charge")
        peer.sendall(slow[-1:])
        peer.recv(1000)
    done = otlp.fence(service.call)
    with pytest.raises(ExpectationError, match=r"overlapped: its exports have no order") as failure:
        otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_a_refused_export_before_the_fence_is_a_gap(otlp: FakeCollector, service: Service) -> None:
    service.producer.post("/v1/traces", b"\xff\xff")
    done = otlp.fence(service.call)
    with pytest.raises(ExpectationError, match="request 1 was refused") as failure:
        otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_an_export_that_was_cut_before_the_fence_is_a_gap(
    otlp: FakeCollector, service: Service
) -> None:
    with a_socket(otlp.http_endpoint) as peer:
        peer.sendall(http_bytes("/v1/traces", a_trace_request("charge"))[:-10])
    otlp.settle(Deadline(5))
    done = otlp.fence(service.call)
    with pytest.raises(ExpectationError, match="cut_request") as failure:
        otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_a_forwarder_is_a_gap(otlp: FakeCollector) -> None:
    agent = "OpenTelemetry Collector Contrib/0.160.0 (linux/amd64)"
    with a_producer(otlp.http_endpoint, agent=agent) as producer:
        done = otlp.fence(Service(producer).call)
        with pytest.raises(ExpectationError, match="sent by a forwarder") as failure:
            otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["not_proven"]


def test_a_producer_that_sends_after_the_evidence_makes_it_stale(
    otlp: FakeCollector, service: Service
) -> None:
    done = otlp.fence(service.call)
    service.producer.export("something else")
    with pytest.raises(ExpectationError, match="shop sent 1 more span after") as failure:
        otlp.spans.expect_none(name="refund", after=done)
    assert rules(failure) == ["stale_evidence"]
    again = otlp.fence(service.call)
    otlp.spans.expect_none(name="refund", after=again)


def test_late_spans_of_the_fence_itself_do_not_make_it_stale(
    otlp: FakeCollector, service: Service
) -> None:
    traces: list[str] = []

    def send(headers: Mapping[str, str]) -> None:
        traces.append(headers["traceparent"].split("-")[1])
        service.call(headers)

    done = otlp.fence(send)
    service.producer.export("GET /health's child", trace_id=traces[0])
    otlp.spans.expect_none(name="refund", after=done)


def test_a_reader_that_repeats_itself_does_not_make_a_total_stale(
    otlp: FakeCollector, service: Service
) -> None:
    service.producer.post("/v1/metrics", a_counter_request("orders", 3))
    done = otlp.fence(service.call_with_metric, signals=("metrics",))
    service.producer.post("/v1/metrics", a_counter_request("orders", 3))
    otlp.metrics.expect_total("orders", 3, after=done)


# Quiet.


def test_quiet_is_a_guess_and_says_so(otlp: FakeCollector, service: Service) -> None:
    service.producer.export("charge")
    done = otlp.quiet(0.05)
    assert "(a guess: time passed, nothing more is known)" in str(done)
    otlp.spans.expect_none(name="refund", after=done)


def test_a_collector_that_never_falls_silent_gives_no_quiet(
    otlp: FakeCollector, service: Service
) -> None:
    stop = threading.Event()

    def chatter() -> None:
        while not stop.wait(0.01):
            service.producer.export("tick")

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        with pytest.raises(ExpectationError) as failure:
            otlp.quiet(0.2, timeout_s=0.5)
    finally:
        stop.set()
        thread.join()
    assert rules(failure) == ["never_quiet"]


@pytest.mark.parametrize("seconds", [0, 60], ids=["nothing", "beyond-the-timeout"])
def test_a_quiet_time_out_of_range_is_refused(otlp: FakeCollector, seconds: float) -> None:
    with pytest.raises(UsageError, match="quiet"):
        otlp.quiet(seconds)


# Flush.


def test_a_flush_that_returned_true_over_a_failing_exporter_is_a_gap(otlp: FakeCollector) -> None:
    ports = otlp.open_ports("sdk#1")
    with a_producer(ports.endpoints.http) as producer:

        def flush() -> list[str]:
            producer.post("/v1/traces", b"\xff\xff")
            return []

        done = otlp.flushed(flush, owner="sdk#1")
        producer.export("charge")
        with pytest.raises(ExpectationError, match="sent during the flush, was refused"):
            otlp.spans.expect_none(name="refund", after=done)


def test_a_flush_that_failed_is_a_gap(otlp: FakeCollector) -> None:
    ports = otlp.open_ports("sdk#1")
    with a_producer(ports.endpoints.http) as producer:
        producer.export("charge")
        done = otlp.flushed(lambda: ["traces: force_flush returned False"], owner="sdk#1")
        with pytest.raises(ExpectationError, match="force_flush returned False"):
            otlp.spans.expect_none(name="refund", after=done)
        proven = otlp.flushed(list, owner="sdk#1")
        otlp.spans.expect_none(name="refund", after=proven)


# What `after` takes.


@pytest.mark.parametrize("after", [None, (), "fence", ["fence"], 1])
def test_what_is_no_evidence_is_refused(otlp: FakeCollector, after: object) -> None:
    with pytest.raises(UsageError, match="after="):
        otlp.spans.expect_none(name="refund", after=after)  # type: ignore[arg-type]  # the point


def test_pieces_of_evidence_complete_each_other(otlp: FakeCollector, service: Service) -> None:
    with a_program(otlp, "peer.sendall(request); peer.recv(1000)") as shop:
        shop.wait()
        gone = otlp.exited(shop)
    through = otlp.fence(service.call)
    with pytest.raises(ExpectationError, match="is not covered"):
        otlp.spans.expect_none(name="refund", after=gone)
    otlp.spans.expect_none(name="refund", after=[gone, through])

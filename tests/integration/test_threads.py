"""Many threads at once: what says thread-safe is."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from otlptest import FakeCollector, faults
from otlptest.faults import ReplyFault
from otlptest.model import Request
from tests.support.producers import a_producer, a_trace_request

THREADS = 8
ROUNDS = 40


@pytest.fixture(autouse=True)
def _frequent_switches() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@contextmanager
def all_at_once(*work: Callable[[], object]) -> Iterator[None]:
    """Run each in a thread of its own while the block runs; what one raises is raised here."""
    failures: list[BaseException] = []

    def guarded(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as failure:  # noqa: BLE001 -- raised again below
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in work]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def statuses_when_published(fake: FakeCollector, send: Callable[[], object]) -> set[object]:
    """What each request said of its reply at the moment at which waiters could see it."""
    seen: dict[int, tuple[int, int | None]] = {}

    def note() -> None:
        for request in fake.source.arrivals().requests:
            seen.setdefault(request.number, (request.http_status, request.grpc_status))

    unsubscribe = fake.source.subscribe(note)
    send()
    unsubscribe()
    return set(seen.values())


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, (200, None)),
        (faults.status(429), (429, None)),
        (faults.partial_success(rejected=1, message="quota"), (200, None)),
        (faults.redirect("http://127.0.0.1:1/"), (307, None)),
    ],
)
def test_a_request_over_http_is_published_with_its_status(
    fault: ReplyFault | None, expected: tuple[int, int | None]
) -> None:
    with FakeCollector() as fake, a_producer(fake.http_endpoint) as producer:
        if fault is not None:
            fake.reply(fault, times=1, signal="traces")
        body = a_trace_request("span")
        assert statuses_when_published(fake, lambda: producer.post("/v1/traces", body)) == {
            expected
        }


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(None, (200, 0)), (faults.status("UNAVAILABLE"), (200, 14))],
)
def test_a_request_over_grpc_is_published_with_its_status(
    fault: ReplyFault | None, expected: tuple[int, int | None]
) -> None:
    with FakeCollector() as fake:
        if fault is not None:
            fake.reply(fault, times=1, signal="traces")
        address = fake.grpc_endpoint.removeprefix("http://")

        def send() -> None:
            with grpc.insecure_channel(address) as channel:
                request = ExportTraceServiceRequest.FromString(a_trace_request("span"))
                try:
                    TraceServiceStub(channel).Export(  # type: ignore[no-untyped-call]
                        request, timeout=10.0
                    )
                except grpc.RpcError:
                    assert fault is not None

        assert statuses_when_published(fake, send) == {expected}


def test_a_request_has_no_status_while_its_reply_is_delayed() -> None:
    with FakeCollector() as fake, a_producer(fake.http_endpoint) as producer:
        fake.reply(faults.delay(0.05), times=1, signal="traces")
        body = a_trace_request("span")
        assert statuses_when_published(fake, lambda: producer.post("/v1/traces", body)) == {
            (0, None)
        }
        assert fake.requests.one().http_status == 200


def test_whoever_waits_sees_finished_requests_while_others_clear() -> None:
    wrong: list[Request] = []
    with FakeCollector() as fake:

        def send(number: int) -> None:
            with a_producer(fake.http_endpoint, agent=f"test/{number}") as producer:
                for turn in range(ROUNDS):
                    producer.export(f"{number}-{turn}")

        def wait() -> None:
            for _ in range(ROUNDS):
                wrong.extend(r for r in fake.requests.all() if r.http_status != 200)
                fake.spans.where(name="nowhere").count()

        def clear() -> None:
            for _ in range(ROUNDS):
                fake.clear()

        senders = [partial(send, number) for number in range(THREADS)]
        with all_at_once(*senders, wait, wait, clear):
            pass
        assert wrong == []
        fake.clear()
        assert fake.requests.count() == 0
        send(99)
        assert fake.spans.count() == ROUNDS


def test_no_invented_parent_is_lost_among_many() -> None:
    contexts: list[str] = []
    with FakeCollector() as fake, a_producer(fake.http_endpoint) as producer:

        def invent() -> None:
            for _ in range(ROUNDS):
                contexts.append(fake.new_trace().headers["traceparent"])  # noqa: PERF401 -- in turns

        with all_at_once(*[invent] * THREADS):
            pass
        producer.post("/v1/traces", children_of(contexts))
        spans = fake.spans.all()
        assert len(spans) == THREADS * ROUNDS
        assert [span for span in spans if not span.is_local_root] == []


def children_of(contexts: Sequence[str]) -> bytes:
    """A request with one span below each trace context."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number, context in enumerate(contexts, 1):
        _, trace_id, parent_id, _ = context.split("-")
        now = time.time_ns()
        scope.spans.add(
            name="below",
            trace_id=bytes.fromhex(trace_id),
            parent_span_id=bytes.fromhex(parent_id),
            span_id=number.to_bytes(8, "big"),
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1,
        )
    return request.SerializeToString()

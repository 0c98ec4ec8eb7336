"""One test's view of a collector that others have used before it."""

import time
from collections.abc import Iterator

import pytest

from otlptest import ROOT, FakeCollector
from otlptest.errors import UnknownNameError, UsageError
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


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with FakeCollector() as fake:
        yield fake


@pytest.fixture
def producer(collector: FakeCollector) -> Iterator[Producer]:
    with a_producer(collector.http_endpoint) as sender:
        yield sender


def test_what_arrived_before_the_view_is_not_in_it(
    collector: FakeCollector, producer: Producer
) -> None:
    producer.export("before")
    view = collector.view()
    producer.export("after")
    assert [span.name for span in view.spans.all()] == ["after"]
    assert [span.name for span in collector.spans.all()] == ["before", "after"]


def test_what_began_before_the_view_and_arrives_in_it_is_left_over(
    collector: FakeCollector, producer: Producer
) -> None:
    late_spans, late_log = a_trace_request("late"), a_log_request("late")
    view = collector.view()
    producer.post("/v1/traces", late_spans)
    producer.post("/v1/logs", late_log)
    producer.export("mine")
    assert [span.name for span in view.spans.all()] == ["mine"]
    assert view.logs.count() == 0
    assert view.requests.count() == 1
    (leftover,) = view.findings()
    assert (leftover.rule, leftover.severity) == ("leftover", "warning")
    assert "1 log record" in leftover.received
    assert "1 span" in leftover.received
    assert not view.failing_findings()


def test_leftovers_are_not_judged(collector: FakeCollector, producer: Producer) -> None:
    late = bytearray(a_trace_request("late", trace_id="ab" * 16))

    invalid = bytes(late).replace(b"\xab" * 16, bytes(16))
    view = collector.view()
    producer.post("/v1/traces", invalid)
    assert {finding.rule for finding in view.findings()} == {"leftover"}
    assert "OTLP-TRACE-002" in {finding.rule for finding in collector.findings()}


def test_beside_leftovers_the_items_of_this_test_are_judged(
    collector: FakeCollector, producer: Producer
) -> None:
    late = a_trace_request("late", trace_id="ab" * 16).replace(b"\xab" * 16, bytes(16))
    view = collector.view()
    mine = a_trace_request("mine", trace_id="cd" * 16)
    producer.post("/v1/traces", late + mine)  # protobuf messages add up
    assert {finding.rule for finding in view.findings()} == {"leftover"}
    broken = a_trace_request("mine", trace_id="ef" * 16).replace(b"\xef" * 16, bytes(16))
    producer.post("/v1/traces", late + broken)
    (finding,) = view.failing_findings()
    assert finding.rule == "OTLP-TRACE-002"
    assert "'mine'" in finding.where
    assert "more" not in finding.where


def test_what_is_older_than_the_collector_counts_by_arrival(
    collector: FakeCollector, producer: Producer
) -> None:
    """A replayed capture or a wrong clock: its times say nothing about this session's tests."""
    view = collector.view()
    producer.post("/v1/traces", _dated("replayed", time.time_ns() - 3_600_000_000_000))
    producer.post("/v1/traces", _dated("undated", 0))
    assert [span.name for span in view.spans.all()] == ["replayed", "undated"]


def _dated(name: str, unix_nano: int) -> bytes:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 -- only here
        ExportTraceServiceRequest,
    )

    request = ExportTraceServiceRequest.FromString(a_trace_request(name))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.start_time_unix_nano = span.end_time_unix_nano = unix_nano
    return request.SerializeToString()


@pytest.mark.parametrize("had_begun", [False, True], ids=["began-within", "began-before"])
def test_an_undecodable_request_counts_if_it_began_within_the_view(
    collector: FakeCollector, *, had_begun: bool
) -> None:
    """Every SDK keeps its connection: its age says nothing about a request."""
    request = http_bytes("/v1/traces", b"\xff\xff")
    with a_socket(collector.http_endpoint) as peer:
        peer.sendall(http_bytes("/v1/traces", a_trace_request("before")))
        peer.recv(1000)
        peer.sendall(request[:-1] if had_begun else b"")
        collector.settle(Deadline(5))
        view = collector.view()
        peer.sendall(request[-1:] if had_begun else request)
        peer.recv(1000)
    assert [finding.rule for finding in view.failing_findings()] == (
        [] if had_begun else ["OTLP-HTTP-008"]
    )


@pytest.mark.parametrize("had_begun", [False, True], ids=["began-within", "began-before"])
def test_a_request_that_was_cut_counts_if_it_began_within_the_view(
    collector: FakeCollector, *, had_begun: bool
) -> None:
    request = http_bytes("/v1/traces", a_trace_request("charge"))
    with a_socket(collector.http_endpoint) as peer:
        peer.sendall(request[:-20] if had_begun else b"")
        collector.settle(Deadline(5))
        view = collector.view()
        peer.sendall(request[-20:-10] if had_begun else request[:-10])
    view.settle(Deadline(5))
    assert [finding.rule for finding in view.findings()] == ([] if had_begun else ["OTLP-SRV-050"])


def test_a_cumulative_series_goes_on_from_its_last_value_before_the_view(
    collector: FakeCollector, producer: Producer
) -> None:
    producer.post("/v1/metrics", a_counter_request("orders", 5))
    view = collector.view()
    producer.post("/v1/metrics", a_counter_request("orders", 7))
    view.metrics.wait_for_total("orders", 2)
    collector.metrics.wait_for_total("orders", 7)


def test_clearing_forgets_what_was_received_but_not_where_counters_stood(
    collector: FakeCollector, producer: Producer
) -> None:
    producer.post("/v1/metrics", a_counter_request("orders", 5))
    producer.export("charge")
    collector.clear()
    assert collector.spans.count() == 0
    assert collector.metrics.all() == ()
    producer.post("/v1/metrics", a_counter_request("orders", 7))
    collector.metrics.wait_for_total("orders", 2)


def test_a_call_narrows_to_what_it_caused(collector: FakeCollector, producer: Producer) -> None:
    view = collector.view()
    call = view.new_trace()
    _, trace_id, span_id, flags = call.headers["traceparent"].split("-")
    assert (trace_id, flags) == (call.trace_id, "01")
    producer.export("other")
    producer.post("/v1/traces", a_trace_request("mine", trace_id=trace_id, parent=span_id))
    producer.post("/v1/logs", a_log_request("mine too", trace_id=trace_id))
    span = call.spans.one()
    assert (span.name, span.is_local_root) == ("mine", True)
    assert call.spans.one(parent=ROOT) == span
    assert call.logs.one().body == "mine too"
    trace = call.traces.wait_for_one(containing=span)
    assert trace.has_all_ancestors
    assert call.logs.one() in trace


def test_a_rule_that_is_allowed_is_in_no_judgement(
    collector: FakeCollector, producer: Producer
) -> None:
    producer.export("charge", trace_id="00" * 16)
    assert "OTLP-TRACE-002" in {finding.rule for finding in collector.failing_findings()}
    collector.allow("OTLP-TRACE-002")
    assert "OTLP-TRACE-002" not in {finding.rule for finding in collector.findings()}


def test_an_unknown_rule_cannot_be_allowed(collector: FakeCollector) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'OTLP-TRACE-0"):
        collector.allow("OTLP-TRACE-02")


def test_ports_of_an_owner_mark_what_comes_through_them(collector: FakeCollector) -> None:
    ports = collector.open_ports("shop#1")
    with a_producer(ports.endpoints.http) as sender:
        sender.export("charge")
    span = collector.spans.one(name="charge")
    assert span.request is not None
    assert span.request.connection.owner == "shop#1"


def test_a_container_reaches_a_further_port_pair_on_all_addresses(
    collector: FakeCollector,
) -> None:
    variables = collector.environ("grpc", inherit=False, from_container=True)
    endpoint = variables["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint.startswith("http://host.docker.internal:")
    assert endpoint.rpartition(":")[2] != str(collector.grpc_port)


def test_a_view_shares_the_container_ports_and_sees_what_comes_through_them(
    collector: FakeCollector,
) -> None:
    view = collector.view()
    endpoint = view.environ(from_container=True)["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint == collector.environ(from_container=True)["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert view.environ()["OTEL_EXPORTER_OTLP_ENDPOINT"] == collector.http_endpoint
    with a_producer(endpoint.replace("host.docker.internal", "127.0.0.1")) as sender:
        sender.export("charge")
    span = view.spans.one(name="charge")
    assert span.request is not None
    assert span.request.connection.owner == "container"


def test_container_ports_speak_tls_where_the_collector_does() -> None:
    with FakeCollector(tls=True) as fake:
        variables = fake.view().environ("grpc", inherit=False, from_container=True)
        assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("https://host.docker.internal:")
        assert variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] == str(fake.ca_file)


def test_mutual_tls_without_tls_is_refused() -> None:
    with pytest.raises(UsageError, match="add tls=True"):
        FakeCollector(needs_client_certificate=True)


def test_closing_twice_is_fine_and_what_was_received_stays(producer: Producer) -> None:
    with FakeCollector() as fake, a_producer(fake.http_endpoint) as sender:
        sender.export("charge")
    fake.close()
    assert fake.spans.count() == 1

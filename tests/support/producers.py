"""Senders of OTLP whose timing and manners a test controls, byte by byte if need be."""

import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE


def a_trace_request(
    *names: str, service: str = "shop", trace_id: str = "", parent: str = ""
) -> bytes:
    """A request with a span of each name, which began and ended now."""
    request = ExportTraceServiceRequest()
    envelope = request.resource_spans.add()
    attribute = envelope.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    scope = envelope.scope_spans.add()
    for name in names:
        span = scope.spans.add(
            name=name,
            kind=2,
            trace_id=bytes.fromhex(trace_id) or os.urandom(16),
            span_id=os.urandom(8),
            parent_span_id=bytes.fromhex(parent),
        )
        span.end_time_unix_nano = time.time_ns()
        span.start_time_unix_nano = span.end_time_unix_nano - 1_000
    return request.SerializeToString()


def a_log_request(body: str, *, service: str = "shop", trace_id: str = "") -> bytes:
    """A request with one record, made now."""
    request = ExportLogsServiceRequest()
    envelope = request.resource_logs.add()
    attribute = envelope.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    record = envelope.scope_logs.add().log_records.add(
        time_unix_nano=time.time_ns(),
        observed_time_unix_nano=time.time_ns(),
        severity_number=9,
        trace_id=bytes.fromhex(trace_id),
    )
    record.body.string_value = body
    return request.SerializeToString()


def a_counter_request(name: str, value: int, *, service: str = "shop") -> bytes:
    """A request with one point of a cumulative counter, collected now."""
    request = ExportMetricsServiceRequest()
    envelope = request.resource_metrics.add()
    attribute = envelope.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    metric = envelope.scope_metrics.add().metrics.add(name=name, unit="1")
    metric.sum.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    metric.sum.is_monotonic = True
    metric.sum.data_points.add(
        start_time_unix_nano=1_700_000_000_000_000_000,
        time_unix_nano=time.time_ns(),
        as_int=value,
    )
    return request.SerializeToString()


class Producer:
    """Sends requests over one kept-alive connection.

    Args:
        endpoint: The collector's HTTP endpoint.
        agent: The User-Agent to send.
    """

    def __init__(self, endpoint: str, *, agent: str = "test/1") -> None:
        port = urlsplit(endpoint).port
        self.port = port if port is not None else 80
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self._agent = agent

    def post(self, path: str, body: bytes, *, content_type: str = "application/x-protobuf") -> int:
        """Send one request and give the status of its reply."""
        headers = {"Content-Type": content_type, "User-Agent": self._agent}
        self._connection.request("POST", path, body, headers)
        reply = self._connection.getresponse()
        reply.read()
        return reply.status

    def export(self, *names: str, service: str = "shop", trace_id: str = "") -> None:
        """Send a span of each name.

        Raises:
            RuntimeError: The collector did not take them.
        """
        status = self.post(
            "/v1/traces", a_trace_request(*names, service=service, trace_id=trace_id)
        )
        if status != http.client.OK:
            raise RuntimeError(f"the collector answered {status}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@contextmanager
def a_producer(endpoint: str, *, agent: str = "test/1") -> Iterator[Producer]:
    """A producer that is closed at the end."""
    producer = Producer(endpoint, agent=agent)
    try:
        yield producer
    finally:
        producer.close()


def http_bytes(path: str, body: bytes, *, content_type: str = "application/x-protobuf") -> bytes:
    """A whole HTTP/1.1 request, to be sent in whatever portions."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def a_socket(endpoint: str) -> socket.socket:
    """A plain connection to an endpoint."""
    address = urlsplit(endpoint)
    return socket.create_connection((address.hostname or "127.0.0.1", address.port or 80), 10)

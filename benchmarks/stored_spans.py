"""What a million stored spans cost: memory, the first query and the next.

    python benchmarks/stored_spans.py [--spans N] [--batch N] [ENCODING ...]

For each encoding (grpc, http, gzip, json) a collector of its own receives N spans of about 220
bytes, in requests of 512 (`--batch`), from a client in another process. Then two queries ask for a
name and an attribute, each for others than the one before:

* memory: what the process grew by, from before the first request to after both queries, as a ratio
  to the bytes received, inflated (target: at most 1.3)
* first query: target 3 s; next query: target 0.5 s (three times as long for JSON)

Prints one row per encoding and exits with 1 if a target is missed.
"""

import argparse
import gzip
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otlptest.model import Request

ENCODINGS = ("grpc", "http", "gzip", "json")
BATCH = 512
DISTINCT = 32_768  # spans that are made; then they are sent again
NAMES = 50
MOST_MEMORY, MOST_FIRST_S, MOST_NEXT_S = 1.3, 3.0, 0.5
JSON_PATIENCE = 3
_START = 1_700_000_000_000_000_000


def request_of_spans(seed: int, batch: int) -> ExportTraceServiceRequest:
    """A request of spans with 50 names, and a rare status among the attributes."""
    chance = random.Random(seed)  # noqa: S311 -- not for secrets
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    scope.scope.name = "benchmark"
    for number in range(seed * batch, (seed + 1) * batch):
        span = scope.spans.add(
            trace_id=chance.randbytes(16),
            span_id=chance.randbytes(8),
            parent_span_id=chance.randbytes(8),
            name=f"GET /items/{number % NAMES}",
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=_START + number * 1000,
            end_time_unix_nano=_START + number * 1000 + 500,
        )
        texts = {
            "http.request.method": "GET",
            "http.route": "/items/{id}" if chance.random() > 0.01 else "/items/special",
            "server.address": "shop.internal",
        }
        for key, value in texts.items():
            span.attributes.add(key=key).value.string_value = value
        status = 200 if chance.random() > 0.01 else 503
        span.attributes.add(key="http.response.status_code").value.int_value = status
    return request


# The client: a process of its own.


def send(encoding: str, grpc_endpoint: str, http_endpoint: str, requests: int, batch: int) -> None:
    """Send that many requests of `batch` spans."""
    from otlptest.wire.otlp.otlp_json import encode_message

    made = [request_of_spans(seed, batch) for seed in range(min(DISTINCT // batch, requests))]
    if encoding == "json":
        bodies = [encode_message(request) for request in made]
    else:
        bodies = [request.SerializeToString() for request in made]
    if encoding == "gzip":
        bodies = [gzip.compress(body, 1) for body in bodies]
    post = over_grpc(grpc_endpoint) if encoding == "grpc" else over_http(http_endpoint, encoding)
    for number in range(requests):
        post(bodies[number % len(bodies)])


def over_grpc(endpoint: str) -> Callable[[bytes], object]:
    """A call of the export method that takes bytes."""
    import grpc

    channel = grpc.insecure_channel(endpoint.removeprefix("http://"))
    method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    call: Callable[[bytes], object] = channel.unary_unary(
        method, request_serializer=None, response_deserializer=None
    )
    return call


def over_http(endpoint: str, encoding: str) -> Callable[[bytes], object]:
    """A POST on one kept connection."""
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"))
    kind = "application/json" if encoding == "json" else "application/x-protobuf"
    headers = {"Content-Type": kind}
    if encoding == "gzip":
        headers["Content-Encoding"] = "gzip"

    def post(body: bytes) -> None:
        connection.request("POST", "/v1/traces", body, headers)
        response = connection.getresponse()
        response.read()
        if response.status != http.client.OK:
            raise SystemExit(f"the collector answered {response.status}")

    return post


# The collector: one process per encoding.


def resident_bytes() -> int:
    """Memory of this process, as the kernel counts it."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure(encoding: str, spans: int, batch: int) -> None:
    """Receive, query twice, and print the figures as JSON."""
    from otlptest import FakeCollector

    requests = -(-spans // batch)
    with FakeCollector() as otlp:
        otlp.spans.count(name="warm-up")
        before = resident_bytes()
        arguments = [encoding, otlp.grpc_endpoint, otlp.http_endpoint, str(requests), str(batch)]
        subprocess.run([sys.executable, __file__, "--send", *arguments], check=True)
        received = otlp.requests.all()
        stored = sum(inflated_size(request) for request in received)
        loaded = resident_bytes() - before
        first_s, found = timed(
            lambda: otlp.spans.count(
                name="GET /items/7", attributes={"http.route": "/items/special"}
            )
        )
        next_s, found_next = timed(
            lambda: otlp.spans.count(
                name="GET /items/9", attributes={"http.response.status_code": 503}
            )
        )
        figures = {
            "spans": len(received) * batch,
            "megabytes": stored / 1e6,
            "loaded": loaded / stored,
            "memory": (resident_bytes() - before) / stored,
            "first_s": first_s,
            "next_s": next_s,
            "found": [found, found_next],
        }
    print(json.dumps(figures))


def inflated_size(request: Request) -> int:
    """Bytes of a request as they came, without compression."""
    return request.wire_size if request.protocol == "http/json" else request.size


def timed(query: Callable[[], int]) -> tuple[float, int]:
    """How long a query took, in seconds, and what it gave."""
    start = time.perf_counter()
    found = query()
    return time.perf_counter() - start, found


# The report.


def rows(encodings: list[str], spans: int, batch: int) -> Iterator[tuple[str, bool]]:
    """A line per encoding, and whether it reached the targets."""
    for encoding in encodings:
        command = [sys.executable, __file__, "--measure", encoding, str(spans), str(batch)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        patience = JSON_PATIENCE if encoding == "json" else 1
        reached = (
            figures["memory"] <= MOST_MEMORY
            and figures["first_s"] <= MOST_FIRST_S * patience
            and figures["next_s"] <= MOST_NEXT_S * patience
            and min(figures["found"]) > 0
        )
        found, found_next = figures["found"]
        line = (
            f"{encoding:<9}{figures['spans']:>10,}{figures['megabytes']:>9.1f}"
            f"{figures['loaded']:>9.2f} x{figures['memory']:>9.2f} x"
            f"{figures['first_s']:>9.2f} s{figures['next_s']:>9.2f} s"
            f"{found:>8,}{found_next:>8,}  {'reached' if reached else 'MISSED'}"
        )
        yield line, reached


def main() -> int:
    """Measure each encoding and print the table."""
    parser = argparse.ArgumentParser(description="Cost of stored spans.")
    parser.add_argument("encodings", nargs="*", default=list(ENCODINGS))
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=BATCH, help="spans of a request")
    options = parser.parse_args()
    print(
        f"{'encoding':<9}{'spans':>10}{'MB':>9}{'stored':>11}{'queried':>11}{'first':>11}"
        f"{'next':>11}{'found':>8}{'found':>8}"
    )
    has_missed = False
    for line, reached in rows(options.encodings, options.spans, options.batch):
        print(line, flush=True)
        has_missed = has_missed or not reached
    return int(has_missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--send"]:
        send(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6]))
    elif sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        raise SystemExit(main())

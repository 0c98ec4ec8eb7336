"""How quickly otlptest reacts: a waiter after the reply, a collector after the call, the plugin.

    python benchmarks/reaction.py

Prints three figures, each a median with its spread:

* from the moment a client in another process has read its reply to the moment the waiter of the
  request that satisfies it runs (target: 1 ms);
* from the call of `FakeCollector()` to a collector that accepts connections, once imported
  (target: 50 ms);
* what the unused plugin adds to the start of pytest: pairs of runs with and without it, in turn
  (target: 5 ms).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from otlptest import FakeCollector

ROUNDS = 200
STARTS = 20
PYTEST_PAIRS = 40

_CLIENT = """
import http.client, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for line in sys.stdin:
    body = bytes.fromhex(line.strip())
    connection.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    connection.getresponse().read()
    print(time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
"""


def a_request(name: str) -> bytes:
    """One span of that name, in protobuf."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = name, os.urandom(16), os.urandom(8)
    span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
    return request.SerializeToString()


def waiter_latencies() -> list[float]:
    """Seconds from a read reply to a running waiter; below 0 the waiter was first."""
    latencies = []
    with FakeCollector() as otlp:
        client = subprocess.Popen(
            [sys.executable, "-c", _CLIENT, str(otlp.http_port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with client:
            assert client.stdin is not None and client.stdout is not None
            for number in range(ROUNDS):
                name, ran = f"span {number}", [0.0]

                def wait(name: str = name, ran: list[float] = ran) -> None:
                    otlp.spans.wait_for_one(name=name)
                    ran[0] = time.clock_gettime(time.CLOCK_MONOTONIC)

                waiter = threading.Thread(target=wait)
                waiter.start()
                time.sleep(0.005)
                client.stdin.write(a_request(name).hex() + "\n")
                client.stdin.flush()
                replied = float(client.stdout.readline())
                waiter.join()
                latencies.append(ran[0] - replied)
            client.stdin.close()
    return latencies


def start_times() -> list[float]:
    """Seconds that `FakeCollector()` takes."""
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        collector = FakeCollector()
        times.append(time.perf_counter() - began)
        collector.close()
    return times


def plugin_costs() -> list[float]:
    """Seconds of a pytest run with the unused plugin, less one without, pair by pair."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        with_it = pytest_run(folder, ["-p", "otlptest.pytest_plugin"])
        without = pytest_run(folder, [])
        with_it(), without()
        return [-without() + with_it() for _ in range(PYTEST_PAIRS)]


def pytest_run(folder: str, options: Sequence[str]) -> Callable[[], float]:
    """A run of pytest in an empty project; calling it gives its seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as users have it: compiled once, then read

    def run() -> float:
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return time.perf_counter() - began

    return run


def show(what: str, seconds: Sequence[float], target_ms: float) -> None:
    """Print a median with its quartiles."""
    low, median, high = statistics.quantiles([1000 * s for s in seconds], n=4)
    print(f"{what:<48} {median:8.3f} ms   ({low:.3f} to {high:.3f})   target {target_ms} ms")


def main() -> None:
    """Measure and print."""
    show("waiter after the reply", waiter_latencies(), 1.0)
    show("collector ready after the call", start_times(), 50.0)
    show("plugin, unused, at pytest's start", plugin_costs(), 5.0)


if __name__ == "__main__":
    main()

"""How fast otlptest receives, beside the real Collector in the same run.

    python benchmarks/ingest.py [--seconds 3] [--rounds 3] [--streams 1]

Four connections of native clients (`h2load` for gRPC, `wrk` for HTTP) send requests of 1, 512 and
8,192 spans to the fake collector, which keeps everything, and to the Collector 0.160 with the nop
exporter, in turn, each in a process of its own. Both decode every request whole before they reply.
Printed as a Markdown table: items per CPU-second of the receiving process (user and system) and
items per second, as medians over the rounds, and otlptest's as multiples of the Collector's.

Needs `h2load` and `wrk` on the PATH and the peer `otelcol` (python tests/peers/install.py otelcol).
"""

import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.span_payloads import spans_request
from otlptest.wire.otlp.signals import SIGNAL_NAMES
from otlptest.wire.transport.grpc_framing import encode_grpc_frame
from tests.peers.installation import installed_file

SIZES = (1, 512, 8192)
CONNECTIONS = 4
TARGETS = {"grpc": (0.6, 2.5, 2.0), "http": (2.0, 3.0, 1.8)}
TICKS = os.sysconf("SC_CLK_TCK")
START_S = 20.0

COLLECTOR_CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}", max_recv_msg_size_mib: 64}}
      http: {{endpoint: "127.0.0.1:{http}"}}
exporters:
  nop: {{}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [nop]}}
"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A receiver under load, in a process of its own."""

    name: str
    process: subprocess.Popen[str]
    grpc_port: int
    http_port: int

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / TICKS

    def forget(self) -> None:
        """Free what it keeps, between measurements."""
        if self.process.stdin is not None and self.process.stdout is not None:
            self.process.stdin.write("forget\n")
            self.process.stdin.flush()
            self.process.stdout.readline()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run of a client."""

    per_cpu_second: float
    per_second: float


@contextmanager
def fake_collector() -> Iterator[Subject]:
    """otlptest's, as users start it."""
    command = [sys.executable, str(Path(__file__).with_name("ingest_receiver.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        ports = process.stdout.readline().split() if process.stdout else []
        yield Subject(
            name="otlptest", process=process, grpc_port=int(ports[0]), http_port=int(ports[1])
        )
        if process.stdin is not None:
            process.stdin.close()


@contextmanager
def real_collector(folder: Path) -> Iterator[Subject]:
    """The Collector with the nop exporter."""
    program = installed_file("otelcol")
    if program is None:
        sys.exit("the Collector is missing: python tests/peers/install.py otelcol")
    grpc, http = free_port(), free_port()
    config = folder / "collector.yaml"
    config.write_text(COLLECTOR_CONFIG.format(grpc=grpc, http=http), "utf-8")
    with subprocess.Popen([str(program), "--config", str(config)], text=True) as process:
        wait_for_port(http)
        wait_for_port(grpc)
        yield Subject(name="Collector", process=process, grpc_port=grpc, http_port=http)
        process.send_signal(signal.SIGTERM)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Wait until something listens there."""
    give_up_at = time.monotonic() + START_S
    while time.monotonic() < give_up_at:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def grpc_requests(port: int, payload: Path, seconds: int, streams: int) -> int:
    """Requests that h2load had answered."""
    command = ["h2load", f"-c{CONNECTIONS}", f"-m{streams}", "-t1", f"--duration={seconds}"]
    command += ["-d", str(payload), "-H", "content-type: application/grpc", "-H", "te: trailers"]
    command.append(f"http://127.0.0.1:{port}{SIGNAL_NAMES['traces'].grpc_path}")
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed", said)
    if found is None or int(found[3]):
        sys.exit(f"h2load was not served:\n{said}")
    return int(found[2])


def http_requests(port: int, script: Path, seconds: int) -> int:
    """Requests that wrk had answered."""
    command = ["wrk", f"-c{CONNECTIONS}", "-t1", f"-d{seconds}s", "-s", str(script)]
    command.append(f"http://127.0.0.1:{port}/v1/traces")
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", said)
    if found is None or "Non-2xx" in said:
        sys.exit(f"wrk was not served:\n{said}")
    return int(found[1])


class Load:
    """The payloads as files, and one measurement."""

    def __init__(self, folder: Path, seconds: int, streams: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._streams = streams
        for size in SIZES:
            body = spans_request(size)
            (folder / f"{size}.http").write_bytes(body)
            (folder / f"{size}.grpc").write_bytes(encode_grpc_frame(body))
            (folder / f"{size}.lua").write_text(
                f'local file = io.open("{folder}/{size}.http", "rb")\n'
                'wrk.method, wrk.body = "POST", file:read("*a")\n'
                'wrk.headers["Content-Type"] = "application/x-protobuf"\n',
                "utf-8",
            )

    def measure(self, subject: Subject, protocol: str, size: int) -> Measured:
        """Load one receiver for some seconds."""
        cpu, began = subject.cpu_seconds(), time.monotonic()
        if protocol == "grpc":
            payload = self._folder / f"{size}.grpc"
            count = grpc_requests(subject.grpc_port, payload, self._seconds, self._streams)
        else:
            count = http_requests(subject.http_port, self._folder / f"{size}.lua", self._seconds)
        took = time.monotonic() - began
        used = subject.cpu_seconds() - cpu
        subject.forget()
        return Measured(per_cpu_second=count * size / used, per_second=count * size / took)


def table(results: dict[tuple[str, int, str], list[Measured]]) -> str:
    """The Markdown that is published."""
    rates = "items per CPU-second | the Collector's | ratio | target"
    speeds = "items per second | the Collector's | ratio"
    lines = [f"| protocol | spans a request | {rates} | {speeds} |", "|" + "---|" * 9]
    for protocol, targets in TARGETS.items():
        for size, target in zip(SIZES, targets, strict=True):
            ours, theirs = (results[protocol, size, name] for name in ("otlptest", "Collector"))
            cells = [protocol, f"{size:,}"]
            for field in ("per_cpu_second", "per_second"):
                mine, other = (
                    statistics.median(getattr(run, field) for run in runs)
                    for runs in (ours, theirs)
                )
                cells += [f"{mine:,.0f}", f"{other:,.0f}", f"{mine / other:.2f}"]
                if field == "per_cpu_second":
                    cells.append(f"{target:g}")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind")
    parser.add_argument("--streams", type=int, default=1, help="gRPC calls at once on a connection")
    options = parser.parse_args()
    for tool in ("h2load", "wrk"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing (Debian: nghttp2-client, wrk)")
    results: dict[tuple[str, int, str], list[Measured]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        load = Load(folder, options.seconds, options.streams)
        subjects = [
            stack.enter_context(fake_collector()),
            stack.enter_context(real_collector(folder)),
        ]
        for _ in range(options.rounds):
            for protocol in TARGETS:
                for size in SIZES:
                    for subject in subjects:
                        measured = load.measure(subject, protocol, size)
                        results.setdefault((protocol, size, subject.name), []).append(measured)
    print(table(results))


if __name__ == "__main__":
    main()

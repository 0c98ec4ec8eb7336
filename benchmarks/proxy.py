"""What `OtlpProxy` costs: throughput of large requests, and what it adds to a small one.

    python benchmarks/proxy.py

A client, the proxy and a receiver are three processes; client and receiver are bare sockets that
do next to nothing. In alternating rounds the client sends directly and through the proxy:

* requests of 16 MiB, one after the other, over HTTP/1.1 and as gRPC calls in HTTP/2 frames of
  16 KiB (target: 500 MB/s through the proxy), and what passes in a CPU-second of the proxy, which
  says more where others use the machine;
* requests of 300 bytes over HTTP/1.1: the median time until the reply (target: at most 0.3 ms
  more than directly).
"""

import argparse
import multiprocessing
import socket
import statistics
import time
from dataclasses import dataclass, field

from otlptest import OtlpProxy
from otlptest.wire.transport import http2_frames as frames

MB = 1_000_000
LARGE = 16 * 1024 * 1024
SMALL = 300
TARGET_MB_PER_S = 500
TARGET_ADDED_MS = 0.3


@dataclass(frozen=True)
class Exchange:
    """A request that is sent again and again on one connection, and its reply."""

    opening: bytes
    request: bytes
    reply: bytes


def over_http(size: int) -> Exchange:
    """An export over HTTP/1.1 with a body of `size` bytes."""
    head = (
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/x-protobuf\r\nContent-Length: {size}\r\n\r\n"
    )
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
    return Exchange(b"", head.encode() + bytes(size), reply)


def over_grpc(size: int) -> Exchange:
    """The frames of a gRPC call of `size` bytes; nobody looks into its header blocks."""
    piece = bytes(frames.MIN_FRAME_SIZE)
    count = size // len(piece)
    data = b"".join(
        frames.data_frame(1, piece, ends_stream=number == count - 1) for number in range(count)
    )
    return Exchange(
        frames.PREFACE + frames.settings(()),
        frames.header_frames(1, b"\x83", ends_stream=False) + data,
        frames.header_frames(1, b"\x88", ends_stream=True),
    )


EXCHANGES = {"large": over_http(LARGE), "grpc": over_grpc(LARGE), "small": over_http(SMALL)}


def receive(listener: socket.socket, name: str) -> None:
    """Answer each request on each connection, one connection after the other."""
    exchange = EXCHANGES[name]
    buffer = bytearray(1024 * 1024)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            left = len(exchange.opening) + len(exchange.request)
            while got := connection.recv_into(buffer):
                left -= got
                if left == 0:
                    connection.sendall(exchange.reply)
                    left = len(exchange.request)


def send(port: int, exchange: Exchange, seconds: float) -> list[float]:
    """Exchange for so long; the seconds that each took."""
    taken = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(exchange.opening)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            connection.sendall(exchange.request)
            left = len(exchange.reply)
            while left:
                left -= len(connection.recv(left))
            taken.append(time.perf_counter() - began)
    return taken


def client(jobs: "multiprocessing.connection.Connection") -> None:
    """Send what it is told."""
    while (job := jobs.recv()) is not None:
        port, name, seconds = job
        jobs.send(send(port, EXCHANGES[name], seconds))


@dataclass
class Figures:
    """What all rounds came to.

    Attributes:
        seconds: For each kind of request and each way, the median of each round.
        per_cpu_second: For each kind of request, the bytes that pass in a CPU-second.
    """

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    per_cpu_second: dict[str, float] = field(default_factory=dict)


def measure(rounds: int, seconds: float) -> Figures:
    """Let the client send, directly and through the proxy."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    sender = spawn.Process(target=client, args=(theirs,), daemon=True)
    sender.start()
    figures = Figures()
    for name in EXCHANGES:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            receiver = spawn.Process(target=receive, args=(listener, name), daemon=True)
            receiver.start()
            port = listener.getsockname()[1]
            with OtlpProxy(upstream=f"http://127.0.0.1:{port}") as proxy:
                cpu_s = -time.process_time()
                for _ in range(rounds):
                    for way, to in (("direct", port), ("proxy", proxy.port)):
                        ours.send((to, name, seconds))
                        taken = ours.recv()
                        medians = figures.seconds.setdefault((name, way), [])
                        medians.append(statistics.median(taken))
                cpu_s += time.process_time()
                figures.per_cpu_second[name] = proxy.traffic.bytes_to_upstream / cpu_s
            receiver.terminate()
            receiver.join()
    ours.send(None)
    sender.join()
    return figures


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.7, help="of each way in each round")
    options = parser.parse_args()
    measured = measure(options.rounds, options.seconds)
    figures = measured.seconds
    print("| requests | directly | through the proxy | target | in a CPU-second of the proxy |")
    print("|---|---|---|---|---|")
    for name, title in (("large", "16 MiB over HTTP/1.1"), ("grpc", "16 MiB over gRPC")):
        size = len(EXCHANGES[name].request) / MB
        direct, proxied = (
            size / statistics.median(figures[name, way]) for way in ("direct", "proxy")
        )
        print(
            f"| {title} | {direct:,.0f} MB/s | {proxied:,.0f} MB/s | {TARGET_MB_PER_S} MB/s "
            f"| {measured.per_cpu_second[name] / MB:,.0f} MB |"
        )
    direct, proxied = (statistics.median(figures["small", w]) * 1000 for w in ("direct", "proxy"))
    added = statistics.median(
        (via - straight) * 1000
        for straight, via in zip(figures["small", "direct"], figures["small", "proxy"], strict=True)
    )
    print(
        f"| {SMALL} bytes over HTTP/1.1 | {direct:.3f} ms | {proxied:.3f} ms, "
        f"{added:.3f} ms more | {TARGET_ADDED_MS} ms more | |"
    )


if __name__ == "__main__":
    main()

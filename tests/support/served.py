"""`otlptest serve` while it runs, and a plain HTTP client to send to it."""

import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.command_line import PATIENCE_S, running
from tests.support.payloads import CHECKOUT, payload_path

ANY_PORTS = ("--grpc-port", "0", "--http-port", "0")


@dataclass(kw_only=True)
class Served:
    """The running command; its stderr is read all the time, as a terminal does."""

    process: subprocess.Popen[str]
    grpc: str = ""
    http: str = ""
    said: list[str] = field(default_factory=list)

    def post(self, name: str = CHECKOUT, *, path: str = "/v1/traces") -> int:
        """Send a shipped payload as OTLP/JSON; the HTTP status."""
        return self.post_bytes(Path(payload_path(name)).read_bytes(), path=path)

    def post_bytes(self, body: bytes, *, path: str = "/v1/traces") -> int:
        request = urllib.request.Request(  # noqa: S310 -- loopback
            self.http + path, body, {"Content-Type": "application/json"}, method="POST"
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE_S) as response:
                return int(response.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code

    def line(self) -> str:
        """The next line of stdout."""
        stdout = self.process.stdout
        return stdout.readline() if stdout else ""

    def finished(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, the rest of stdout, all of stderr."""
        stdout = self.process.stdout
        rest = stdout.read() if stdout and not stdout.closed else ""
        code = self.process.wait(PATIENCE_S)
        return code, rest, "".join(self.said)


@contextmanager
def serve(*arguments: str | Path, **variables: str) -> Iterator[Served]:
    """Start it on free ports and wait until it has told them."""
    with running(["serve", *ANY_PORTS, *arguments], **variables) as process:
        served = Served(process=process)
        is_ready = threading.Event()

        def listen() -> None:
            for line in process.stderr or ():
                served.said.append(line)
                found = re.match(r"gRPC: (\S+)   HTTP: (\S+)", line)
                if found:
                    served.grpc, served.http = found.groups()
                if "PROTOCOL=grpc" in line:
                    is_ready.set()
            is_ready.set()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        is_ready.wait(PATIENCE_S)
        try:
            yield served
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE_S)
            listener.join(PATIENCE_S)

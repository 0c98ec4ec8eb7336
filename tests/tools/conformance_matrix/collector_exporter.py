"""The Collector's OTLP exporters as a command that exports: emits, shuts down and exits.

A Collector reads a file and no `OTEL_*` variables. So this program writes that file from the
variables, starts the Collector, sends telemetry through it, waits until its exporters are done with
it, delivered or given up, and stops it. What it makes of variables is judged of this program and
not of the Collector: the matrix leaves such cases out. All that no variable sets is the Collector's
own default.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # it is run as a file, from anywhere

from otlptest.model import Signal
from otlptest.processes.free_ports import free_port
from otlptest.sending import send
from otlptest.timing import Deadline
from tests.peers.installation import installed_file
from tests.subjects.exporters.telemetry import KINDS, exports

_PATIENCE_S = 45.0
_COUNTED = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}


def is_on(kind: str) -> bool:
    return os.environ.get(f"OTEL_{kind.upper()}_EXPORTER", "otlp") != "none"


def exporter(is_grpc: bool) -> dict[str, Any]:  # noqa: FBT001 -- one of two
    """The section of the exporter, from the variables."""
    told = {
        name.removeprefix("OTEL_EXPORTER_OTLP_"): value
        for name, value in os.environ.items()
        if value
    }
    tls = {
        key: told[name]
        for key, name in (
            ("ca_file", "CERTIFICATE"),
            ("cert_file", "CLIENT_CERTIFICATE"),
            ("key_file", "CLIENT_KEY"),
        )
        if name in told
    }
    made: dict[str, Any] = {"tls": tls or {"insecure": True}}
    if "ENDPOINT" in told:
        made["endpoint"] = told["ENDPOINT"]  # the Collector has no default, and refuses to start
    for kind in KINDS if not is_grpc else ():
        if f"{kind.upper()}_ENDPOINT" in told:
            made[f"{kind}_endpoint"] = told[f"{kind.upper()}_ENDPOINT"]
    if "HEADERS" in told:
        made["headers"] = dict(entry.split("=", 1) for entry in told["HEADERS"].split(","))
    if "COMPRESSION" in told:
        made["compression"] = told["COMPRESSION"]
    if "TIMEOUT" in told:
        made["timeout"] = f"{told['TIMEOUT']}ms"
    if not is_grpc and os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/json":
        made["encoding"] = "json"
    return made


def configuration(port: int, metrics_port: int, kinds: list[str]) -> dict[str, Any]:
    is_grpc = os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    name = "otlp" if is_grpc else "otlphttp"
    prometheus = {"host": "127.0.0.1", "port": metrics_port}
    reader = {"pull": {"exporter": {"prometheus": prometheus}}}
    pipeline = {"receivers": ["otlp"], "exporters": [name]}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": {name: exporter(is_grpc)},
        "service": {
            "telemetry": {"metrics": {"level": "normal", "readers": [reader]}},
            "pipelines": dict.fromkeys(kinds, pipeline),
        },
    }


def deliver(
    collector: "subprocess.Popen[bytes]", port: int, metrics_port: int, kinds: list[str]
) -> None:
    """Send telemetry in, and wait until the exporters are done with it."""
    deadline = Deadline(_PATIENCE_S)
    while not is_up(port):
        if collector.poll() is not None or not deadline.pause(0.05):
            return
    for kind, body in exports(kinds):
        signal = cast("Signal", kind)
        send(body, to=f"http://127.0.0.1:{port}", protocol="http/protobuf", signal=signal)
    while not all(is_done(metrics(metrics_port), _COUNTED[kind]) for kind in kinds):
        if not deadline.pause(0.1):
            return


def is_up(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def metrics(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return ""


def is_done(told: str, item: str) -> bool:
    """Whether as many items were delivered or given up as were taken."""
    taken = counted(told, f"otelcol_receiver_accepted_{item}")
    ended = sum(counted(told, f"otelcol_exporter_{way}_{item}") for way in ("sent", "send_failed"))
    return 0 < taken <= ended


def counted(told: str, name: str) -> float:
    found = re.findall(rf"^{name}(?:_total)?\{{.*\}} ([0-9.e+]+)$", told, re.MULTILINE)
    return sum(map(float, found))


def main() -> None:
    program = installed_file("otelcol")
    if program is None:
        sys.exit("the Collector is missing: python tests/peers/install.py otelcol")
    kinds = [kind for kind in _COUNTED if is_on(kind)]
    port, metrics_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "collector.yaml")
        file.write_text(json.dumps(configuration(port, metrics_port, kinds)), "utf-8")
        own = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        collector = subprocess.Popen([program, "--config", file], env=own)
        try:
            deliver(collector, port, metrics_port, kinds)
        finally:
            collector.terminate()
            code = collector.wait(30)
    sys.exit(code)


if __name__ == "__main__":
    main()

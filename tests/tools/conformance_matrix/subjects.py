"""The real exporters and receivers of the published matrix, and how each is run."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory
from typing import Final

from otlptest import FakeCollector
from otlptest.conformance.case import ALL_PROTOCOLS
from otlptest.conformance.receiver.read_back import ForwardReadBack
from otlptest.conformance.receiver.suite import Target
from otlptest.model import Protocol, Signal
from otlptest.processes.free_ports import free_port
from tests.integration.scenario.sdks import SDKS
from tests.peers import installation

__all__ = ["EXPORTERS", "RECEIVERS", "Exporter"]

HERE: Final = Path(__file__).parent

# Batches of spans wait 5 s; then a retry may take 8 s to begin (`LONGEST_FIRST_WAIT_S`).
_STAYING: Final = ("env", "STAY_S=15")
_OF_INTERVALS: Final = ("intervals",)
_OF_RETRIES: Final = (
    *_OF_INTERVALS,
    *("retry", "refusals", "backoff", "throttling", "success", "limits/grpc_response"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """A command that exports.

    Attributes:
        title: What the matrix calls it, with its version.
        command: Its words.
        protocols: Those that it has.
        partly: Of a protocol that it has for some signals alone: those.
        is_sdk: Whether it is one. If not, rows that bind SDKs alone are left out of the matrix:
            those about the `OTEL_*` variables would judge the program around it.
    """

    title: str
    command: tuple[str, ...]
    protocols: tuple[Protocol, ...] = ALL_PROTOCOLS
    partly: Mapping[Protocol, tuple[Signal, ...]] = field(default_factory=dict)
    is_sdk: bool = True
    staying: tuple[str, ...] = ()
    patient: Mapping[Protocol, tuple[str, ...]] = field(default_factory=dict)


def _of_file(peer: str, file: str, pattern: str) -> str:
    found = re.search(pattern, (installation.PEERS[peer].sources / file).read_text("utf-8"))
    if found is None:
        raise LookupError(f"{file} of the peer {peer} tells no version")
    return found[1]


def _file(peer: str) -> Path:
    found = installation.installed_file(peer)
    if found is None:
        raise LookupError(f"the peer {peer} is missing: python tests/peers/install.py {peer}")
    return found


def _scenario(name: str, title: str) -> Exporter:
    sdk = SDKS[name]
    extra = [f"{key}={value}" for key, value in sdk.environ.items()]
    return Exporter(
        title=title,
        command=(*(["env", *extra] if extra else []), *sdk.command(_file(name))),
        protocols=tuple(each for each in ALL_PROTOCOLS if each in sdk.protocols),
    )


def _python() -> Exporter:
    """The SDK as `opentelemetry-instrument` sets it up from the environment.

    In the other languages something in the scenario does so; that of Python has its exporters in
    code.
    """
    starter = Path(sys.executable).with_name("opentelemetry-instrument")
    command = (str(starter), sys.executable, str(HERE / "python_exporter.py"))
    protocols: tuple[Protocol, ...] = ("grpc", "http/protobuf")
    return Exporter(
        title=f"Python SDK {version('opentelemetry-sdk')}",
        command=command,
        protocols=protocols,
        staying=(*_STAYING, *command),
        patient=dict.fromkeys(protocols, _OF_INTERVALS),
    )


def _node() -> Exporter:
    """The SDK that `NodeSDK` sets up; over gRPC it sends nothing again while it shuts down."""
    file = str(_file("node"))
    return Exporter(
        title=f"JavaScript SDK {_node_version()}",
        command=("node", file),
        staying=(*_STAYING, "node", "-r", str(HERE / "stay_up.js"), file),
        patient={**dict.fromkeys(ALL_PROTOCOLS, _OF_INTERVALS), "grpc": _OF_RETRIES},
    )


def _go() -> Exporter:
    """Its exporter of traces alone has JSON; those of metrics and logs stay with Protobuf."""
    version_of_sdk = _of_file("go", "go.mod", r"otel/sdk v([0-9.]+)")
    return replace(
        _scenario("go", f"Go SDK {version_of_sdk}"),
        protocols=ALL_PROTOCOLS,
        partly={"http/json": ("traces",)},
    )


def _node_version() -> str:
    text = (installation.PEERS["node"].sources / "package-lock.json").read_text("utf-8")
    return str(json.loads(text)["packages"]["node_modules/@opentelemetry/sdk-metrics"]["version"])


def _collector_version() -> str:
    return _of_file("otelcol", "go.mod", r"cmd/builder v([0-9.]+)")


EXPORTERS: Final[Mapping[str, Callable[[], Exporter]]] = {
    "python": _python,
    "node": _node,
    "go": _go,
    "java": lambda: _scenario(
        "java", f"Java agent {_of_file('java', 'pom.xml', r'<agent.version>(.+)</agent.version>')}"
    ),
    "rust": lambda: Exporter(
        title=f"Rust SDK {_of_file('rust', 'Cargo.toml', r'opentelemetry_sdk = .=([0-9.]+)')}",
        command=(str(_file("rust")),),
    ),
    "collector": lambda: Exporter(
        title=f"Collector exporters {_collector_version()}",
        command=(sys.executable, str(HERE / "collector_exporter.py")),
        is_sdk=False,
    ),
}


@contextmanager
def _fake() -> Iterator[Target]:
    """The fake collector itself; what it stored is read back from it."""
    with FakeCollector() as fake:
        yield Target(
            grpc=fake.grpc_endpoint,
            http=fake.http_endpoint,
            read_back=ForwardReadBack(fake),
            name="otlptest's fake collector",
        )


@contextmanager
def _collector() -> Iterator[Target]:
    """The Collector's OTLP receiver, which forwards to a fake."""
    with FakeCollector() as behind, TemporaryDirectory() as folder:
        grpc, http = free_port(), free_port()
        protocols = {
            "grpc": {"endpoint": f"127.0.0.1:{grpc}"},
            "http": {
                "endpoint": f"127.0.0.1:{http}",
                "cors": {"allowed_origins": ["*"], "allowed_headers": ["*"]},
            },
        }
        pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
        exporter = {"endpoint": behind.http_endpoint, "compression": "none"}
        config = {
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": {"otlp_http": exporter},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": dict.fromkeys(("traces", "metrics", "logs"), pipeline),
            },
        }
        file = Path(folder, "collector.yaml")
        file.write_text(json.dumps(config), "utf-8")
        process = Popen([_file("otelcol"), "--config", file], stdout=DEVNULL, stderr=DEVNULL)
        try:
            yield Target(
                grpc=f"127.0.0.1:{grpc}",
                http=f"http://127.0.0.1:{http}",
                read_back=ForwardReadBack(behind),
                wait_s=20.0,
                name=f"Collector OTLP receiver {_collector_version()}",
            )
        finally:
            process.terminate()
            process.wait(30)


RECEIVERS: Final = {"fake": _fake, "collector": _collector}

"""How each real peer is put in place, and where.

A peer is a program that the tests talk to and that pip does not bring: an SDK in another language,
`telemetrygen`, `h2spec`, the Collector. Each lives in `PEERS_DIR/NAME-KEY`, where KEY is a hash of
everything in `tests/peers/NAME`: a changed lock file or program gets a new folder, an unchanged one
is never built again. Only the Python standard library is imported here, so that a machine without
any package can run it.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "PEERS",
    "Peer",
    "PeerError",
    "install",
    "installed_file",
    "peers_folder",
]

HERE = Path(__file__).resolve().parent
_TIMEOUT_S = 1500


class PeerError(Exception):
    """A peer could not be installed; the text says which step failed and what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One peer.

    Attributes:
        name: Also the name of its folder in `tests/peers`.
        what: What it is, for people.
        tools: Commands that must be there to install or run it.
        file: Which file of the installed folder the tests use.
        build: Fills the folder it is given, starting from a copy of `tests/peers/NAME`.
    """

    name: str
    what: str
    tools: tuple[str, ...]
    file: str
    build: Callable[[Path], None]

    @property
    def sources(self) -> Path:
        """The folder of the repository that says what to install."""
        return HERE / self.name

    def key(self) -> str:
        """Twelve hex digits that change whenever what is installed would."""
        digest = hashlib.sha256()
        for path in sorted(self.sources.rglob("*")):
            if path.is_file() and not _is_by_product(path.relative_to(self.sources)):
                digest.update(path.relative_to(self.sources).as_posix().encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
        return digest.hexdigest()[:12]

    def folder(self) -> Path:
        """Where it is, or would be, installed."""
        return peers_folder() / f"{self.name}-{self.key()}"


def peers_folder() -> Path:
    """`OTLPTEST_PEERS_DIR`, else `.cache/peers` of the checkout."""
    named = os.environ.get("OTLPTEST_PEERS_DIR")
    return Path(named).expanduser().resolve() if named else HERE.parents[1] / ".cache" / "peers"


def installed_file(name: str) -> Path | None:
    """The file that the tests use of the peer, or None if it is not installed."""
    file = PEERS[name].folder() / PEERS[name].file
    return file if file.exists() else None


def install(name: str) -> bool:
    """Put one peer in place, and a link to its file into `bin`.

    Returns:
        False if it was there already.

    Raises:
        PeerError: A tool is missing or a step failed.
    """
    peer = PEERS[name]
    target = peer.folder()
    is_new = installed_file(name) is None
    if is_new:
        missing = [tool for tool in peer.tools if shutil.which(tool) is None]
        if missing:
            raise PeerError(f"needs {' and '.join(missing)} on the PATH")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{name}-") as scratch:
            work = Path(scratch) / "work"
            shutil.copytree(peer.sources, work, ignore=shutil.ignore_patterns(*_BY_PRODUCTS))
            peer.build(work)
            shutil.rmtree(target, ignore_errors=True)
            work.rename(target)
    _link(peer)
    return is_new


def _link(peer: Peer) -> None:
    """`bin/NAME`, for people and benchmarks; replaced in one step, others may be reading it."""
    links = peers_folder() / "bin"
    links.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=links) as scratch:
        fresh = Path(scratch) / peer.name
        fresh.symlink_to(peer.folder() / peer.file)
        fresh.replace(links / peer.name)


_BY_PRODUCTS = ("__pycache__", "node_modules", "target", "build")


def _is_by_product(path: Path) -> bool:
    return any(part in _BY_PRODUCTS for part in path.parts)


def _run(command: Sequence[str], folder: Path, **environ: str) -> None:
    """Run one step; what it prints is shown only if it fails.

    Raises:
        PeerError: It could not be run, failed, or took too long.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").splitlines()[-20:]
        raise PeerError("\n".join([f"{' '.join(command)}: exit code {done.returncode}", *said]))


def _go_program(output: str, package: str) -> Callable[[Path], None]:
    """Build one package of the folder's Go module, with exactly the modules of its go.sum."""

    def build(folder: Path) -> None:
        flags = ["-mod=readonly", "-trimpath", "-buildvcs=false"]
        _run(["go", "build", *flags, "-o", output, package], folder, CGO_ENABLED="0")

    return build


def _node_modules(folder: Path) -> None:
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)


def _maven_program(folder: Path) -> None:
    """Compile the program and copy it, its libraries and the agent into `target`.

    Offline first: a machine that has built it before asks no registry.
    """
    command = ["mvn", "--batch-mode", "--quiet", "package"]
    try:
        _run([*command, "--offline"], folder)
    except PeerError:
        _run(command, folder)


def _cargo_program(folder: Path) -> None:
    """Build the folder's Rust program with exactly the crates of its Cargo.lock."""
    _run(["cargo", "build", "--release", "--locked", "--quiet"], folder)


def _collector(folder: Path) -> None:
    _go_program("builder", "go.opentelemetry.io/collector/cmd/builder")(folder)
    _run(["./builder", "--config", "builder.yaml"], folder, CGO_ENABLED="0")


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            name="h2spec",
            what="the HTTP/2 conformance suite",
            tools=("go",),
            file="h2spec",
            build=_go_program("h2spec", "github.com/summerwind/h2spec/cmd/h2spec"),
        ),
        Peer(
            name="telemetrygen",
            what="the generator of the Collector project",
            tools=("go",),
            file="telemetrygen",
            build=_go_program(
                "telemetrygen",
                "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen",
            ),
        ),
        Peer(
            name="go",
            what="the scenario with the Go SDK",
            tools=("go",),
            file="scenario",
            build=_go_program("scenario", "."),
        ),
        Peer(
            name="node",
            what="the scenario with the JavaScript SDK",
            tools=("node", "npm"),
            file="scenario.js",
            build=_node_modules,
        ),
        Peer(
            name="java",
            what="the scenario with the Java agent",
            tools=("java", "javac", "mvn"),
            file="target/scenario.jar",
            build=_maven_program,
        ),
        Peer(
            name="rust",
            what="a program that emits with the Rust SDK",
            tools=("cargo",),
            file="target/release/emitter",
            build=_cargo_program,
        ),
        Peer(
            name="otelcol",
            what="the Collector: an OTLP receiver, and both OTLP exporters",
            tools=("go",),
            file="build/otelcol",
            build=_collector,
        ),
    )
}

"""The checks of `otlptest doctor` that send nothing: versions, ports, variables, programs."""

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from typing import Final, Literal

from otlptest import __version__
from otlptest.errors import PortTakenError, ReceiverError
from otlptest.net.sockets import close_socket, listening_sockets

Status = Literal["ok", "note", "problem"]

_PACKAGES: Final = ("protobuf", "opentelemetry-proto", "grpcio", "pytest")
_LOOPBACK: Final = ("localhost", "127.0.0.1")
_PROXY_VARIABLES: Final = (
    "http_proxy", "https_proxy", "all_proxy", "grpc_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "GRPC_PROXY",
)  # fmt: skip
_SECRET_VARIABLES: Final = ("HEADERS", "KEY", "TOKEN", "PASSWORD")
_APT: Final = {
    "docker": "apt install docker.io",
    "go": "apt install golang-go",
    "java": "apt install default-jre-headless",
    "node": "apt install nodejs npm",
}
_BREW: Final = {
    "docker": "brew install --cask docker",
    "go": "brew install go",
    "java": "brew install openjdk",
    "node": "brew install node",
}
_WINGET: Final = {
    "docker": "winget install Docker.DockerDesktop",
    "go": "winget install GoLang.Go",
    "java": "winget install EclipseAdoptium.Temurin.21.JRE",
    "node": "winget install OpenJS.NodeJS",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        section: The heading of its section.
        name: What was looked at.
        status: `ok`, `note` (worth knowing) or `problem` (tests will not run).
        value: What was found.
        hint: What to do about it.
    """

    section: str
    name: str
    status: Status
    value: str
    hint: str = ""


def versions() -> Iterator[Check]:
    """Return Python, otlptest and the packages whose versions matter."""
    yield Check(section="versions", name="python", status="ok", value=platform.python_version())
    yield Check(section="versions", name="otlptest", status="ok", value=__version__)
    for package in _PACKAGES:
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield Check(
                section="versions",
                name=package,
                status="problem",
                value="not installed",
                hint=f"pip install {package}",
            )
        else:
            yield Check(section="versions", name=package, status="ok", value=found)


def plugin_checks(variables: Mapping[str, str]) -> Iterator[Check]:
    """Yield whether pytest will load the plugin by itself."""
    if not metadata.entry_points(group="pytest11", name="otlptest"):
        yield Check(
            section="plugin",
            name="otlptest",
            status="problem",
            value="not registered",
            hint="pip install --force-reinstall otlptest",
        )
    elif variables.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        yield Check(
            section="plugin",
            name="otlptest",
            status="note",
            value="PYTEST_DISABLE_PLUGIN_AUTOLOAD keeps pytest from loading it",
            hint="unset it, or run pytest -p otlptest.pytest_plugin",
        )
    else:
        yield Check(section="plugin", name="otlptest", status="ok", value="pytest loads it")


def port_checks(host: str = "localhost") -> Iterator[Check]:
    """Yield whether the standard ports are free; only `otlptest serve` wants them."""
    for port in (4317, 4318):
        try:
            for probe in listening_sockets(host, port):
                close_socket(probe)
        except (PortTakenError, ReceiverError) as refusal:
            reason = getattr(refusal.__cause__, "strerror", None) or refusal
            value, hint = f"not free: {reason}", "only `otlptest serve` wants it"
            yield Check(section="ports", name=str(port), status="note", value=value, hint=hint)
        else:
            yield Check(section="ports", name=str(port), status="ok", value="free")


def environment_checks(variables: Mapping[str, str]) -> Iterator[Check]:
    """Return `OTEL_*` variables and proxies that could come between a program and the collector."""
    telemetry = sorted(name for name in variables if name.startswith("OTEL_"))
    for name in telemetry:
        yield Check(
            section="environment",
            name=name,
            status="note",
            value=_masked(name, variables[name]),
            hint="environ() leaves it out for programs; an SDK in the test process reads it",
        )
    proxies = [name for name in _PROXY_VARIABLES if variables.get(name)]
    for name in proxies:
        yield _proxy_check(variables, name)
    if not telemetry and not proxies:
        value = "no OTEL_* variable, no proxy"
        yield Check(section="environment", name="variables", status="ok", value=value)


def _proxy_check(variables: Mapping[str, str], name: str) -> Check:
    exempt = (variables.get("no_proxy") or variables.get("NO_PROXY") or "").split(",")
    value = _without_password(variables[name])
    if "*" in exempt or any(host in exempt for host in _LOOPBACK):
        value = f"{value}, not for loopback"
        return Check(section="environment", name=name, status="ok", value=value)
    return Check(
        section="environment",
        name=name,
        status="note",
        value=f"{value}, also for loopback",
        hint="environ() exempts loopback for programs; "
        "for the test process set NO_PROXY=localhost,127.0.0.1",
    )


def _without_password(address: str) -> str:
    scheme, separator, rest = address.rpartition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}***@{host}" if at else address


def _masked(name: str, value: str) -> str:
    return "***" if any(part in name for part in _SECRET_VARIABLES) else value


def part_checks() -> Iterator[Check]:
    """Return the optional parts, and the command that installs each missing one."""
    is_there = has_sdk()
    yield Check(
        section="optional parts",
        name="sdk",
        status="ok" if is_there else "note",
        value=_sdk_version() if is_there else "not installed",
        hint="" if is_there else 'pip install "otlptest[sdk]"',
    )
    install = {"darwin": _BREW, "win32": _WINGET}.get(sys.platform, _APT)
    for program in ("docker", "go", "java", "node"):
        found = shutil.which(program)
        yield Check(
            section="optional parts",
            name=program,
            status="ok" if found else "note",
            value=found or "not found",
            hint="" if found else install[program],
        )


def has_sdk() -> bool:
    """Return whether the extra `sdk` is installed: the SDK and both OTLP exporters."""
    wanted = (
        "opentelemetry.sdk",
        "opentelemetry.exporter.otlp.proto.grpc",
        "opentelemetry.exporter.otlp.proto.http",
    )
    try:
        return all(util.find_spec(name) is not None for name in wanted)
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _sdk_version() -> str:
    return f"opentelemetry-sdk {metadata.version('opentelemetry-sdk')}"

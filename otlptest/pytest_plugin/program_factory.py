"""The callable of the fixture `otlp_process`: starts programs that send to the test."""

import os
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from otlptest.collector.container_ports import CONTAINER_HOST
from otlptest.collector.fake import FakeCollector, PortPair
from otlptest.collector.view import CollectorView
from otlptest.errors import UsageError
from otlptest.processes import Command, Program, Readiness, start_program
from otlptest.processes.commands import checked_command, short_name
from otlptest.pytest_plugin.current_test import CurrentTest
from otlptest.pytest_plugin.program_circumstances import (
    Endpoint,
    StartedProgram,
    program_circumstances,
)
from otlptest.queries.evidence.circumstances import Circumstance
from otlptest.queries.sources import Arrivals, Kind

_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class ProgramFactory:
    """Starts the programs of one test; call it.

    Args:
        collector: The target of their telemetry.
        view: The test's view of it.
        test: The test that they belong to.
    """

    def __init__(self, collector: FakeCollector, view: CollectorView, test: CurrentTest) -> None:
        self._collector = collector
        self._view = view
        self._test = test
        self._owners: list[str] = []
        self._started: list[StartedProgram] = []
        self._ports: list[PortPair] = []

    def __call__(
        self,
        command: Command,
        *,
        protocol: str = "http/protobuf",
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        ready: Readiness | None = None,
        name: str | None = None,
    ) -> Program:
        """Start a program and wait until it is ready; it ends with the test.

        Its environment is the test's without `OTEL_*`, plus what points its SDK at ports of its
        own on the collector, plus a free port in `PORT`, plus `env`.

        Args:
            command: The program and its arguments, a list; no shell reads them.
            protocol: The protocol of its SDK: `http/protobuf`, `http/json` or `grpc`.
            env: Further variables; None unsets one.
            cwd: The folder in which it runs.
            ready: The condition of readiness, from `otlptest.ready`; if None, it only has to run.
            name: The name in messages; made from the command if None.

        Raises:
            UsageError: An argument is invalid.
            ProcessError: It cannot be started, ended before it was ready, or was not ready in time.
        """
        called = name or short_name(checked_command(command))
        changes = env or {}
        port = _chosen_port(changes)
        owner = self._test.unique_owner(called)
        ports = self._collector.open_ports(owner)
        self._owners.append(owner)
        self._ports.append(ports)
        base = ports.environ(protocol)
        program = start_program(
            command,
            name=called,
            owner=owner,
            env=_merged(base, self._by_own_port(changes, ports)),
            cwd=cwd,
            port=port,
            ready=ready,
        )
        self._test.programs.append(program)
        self._view.add_program(program)
        self._started.append(StartedProgram(program, base, changes))
        return program

    def circumstances(self, kind: Kind, arrivals: Arrivals) -> Iterator[Circumstance]:
        """Yield what the test did to its programs that explains missing items of a kind."""
        return program_circumstances(self._started, kind, arrivals, self._endpoint_of)

    def _endpoint_of(self, url: str) -> Endpoint:
        """Return the target of a URL in a program's environment."""
        try:
            place = urlsplit(url if "://" in url else f"http://{url}")
            port = place.port
        except ValueError:
            return Endpoint("no URL", None)
        grpc_ports = {self._collector.grpc_port, *(each.grpc_port for each in self._ports)}
        if port in {self._collector.http_port, *(each.http_port for each in self._ports)}:
            return Endpoint("", is_grpc=False)
        if port in grpc_ports:
            return Endpoint("", is_grpc=True)
        base = f"{place.scheme}://{place.netloc}"
        if place.hostname == CONTAINER_HOST or self._collector.find_proxy(base) is not None:
            return Endpoint("", None)
        for name, view in self._test.views.items():
            if base in {view.grpc_endpoint, view.http_endpoint}:
                return Endpoint(f"the collector {name!r}", None)
        return Endpoint("not this collector", None)

    def _by_own_port(
        self, changes: Mapping[str, str | None], ports: PortPair
    ) -> Mapping[str, str | None]:
        """Replace the endpoint of a proxy by one for this program, to attribute its telemetry.

        Raises:
            ReceiverError: The proxy could not open one.
        """
        endpoint = changes.get(_ENDPOINT)
        way = None if endpoint is None else self._collector.find_proxy(endpoint)
        if way is None or endpoint is None:
            return changes
        opened = way.open_port(endpoint, ports.grpc_port, ports.http_port)
        return {**changes, _ENDPOINT: opened}

    def close_ports(self) -> None:
        """Stop listening on the ports of all programs; their telemetry must be received by then."""
        for owner in self._owners:
            self._collector.close_ports(owner)


def _merged(base: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _chosen_port(env: Mapping[str, str | None]) -> int | None:
    """Return the port in `env`, if it was set there and not inherited from this process.

    Raises:
        UsageError: It is not a port.
    """
    port = env.get("PORT")
    if port is None or port == os.environ.get("PORT"):
        return None
    if not port.isdecimal():
        raise UsageError(f"the environment variable PORT must be a port, and is {port!r}")
    return int(port)

"""The fixtures. Each imports what it needs when it is used: an unused plugin costs nothing."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import pytest

from otlptest.errors import UsageError
from otlptest.pytest_plugin.current_test import CURRENT_TEST, CurrentTest
from otlptest.pytest_plugin.judging import SETTLE_S, judge
from otlptest.pytest_plugin.settings import settings_of
from otlptest.timing import Deadline

if TYPE_CHECKING:
    from otlptest.collector.fake import FakeCollector
    from otlptest.collector.view import CollectorView
    from otlptest.processes import Command, Program, Readiness
    from otlptest.pytest_plugin.in_process_sdk import InProcessSdk

__all__ = [
    "CollectorFactory",
    "ProgramFactory",
    "_otlp_test",
    "otlp",
    "otlp_collector",
    "otlp_collectors",
    "otlp_process",
    "otlp_sdk",
]

CollectorFactory = Callable[..., "tuple[FakeCollector, ...]"]
"""What the fixture `otlp_collectors` gives: names in, collectors out."""


class ProgramFactory(Protocol):
    """What the fixture `otlp_process` gives."""

    def __call__(
        self,
        command: "Command",
        *,
        protocol: str = "http/protobuf",
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        ready: "Readiness | None" = None,
        name: str | None = None,
    ) -> "Program":
        """Start a program whose telemetry comes to this test; see the fixture."""
        ...


@pytest.fixture(scope="session")
def otlp_collector() -> "Iterator[FakeCollector]":
    """The fake collector of this session: its ports, for programs that live as long.

    Override it to have one with other options, e.g. `FakeCollector(tls=True)`.
    """
    from otlptest.collector.fake import FakeCollector  # noqa: PLC0415 -- heavy to import

    with FakeCollector() as collector:
        yield collector


@pytest.fixture
def _otlp_test(request: pytest.FixtureRequest) -> CurrentTest:
    """What otlptest knows about this run of the test; for its own fixtures."""
    test = CurrentTest(settings_of(request.node))
    request.node.stash[CURRENT_TEST] = test
    return test


@pytest.fixture
def otlp(otlp_collector: "FakeCollector", _otlp_test: CurrentTest) -> "Iterator[CollectorView]":
    """What this test receives: queries, waits, evidence; judged when the test has passed.

    At its end the programs of `otlp_process` are stopped, and so flush; then the test fails if
    anything received could not be decoded or breaks a rule that always fails, unless
    `otlp.allow(rule)` or the marker `otlp(allow=[…])` says that it is meant.
    """
    __tracebackhide__ = True
    view = otlp_collector.view()
    view.allow(*_otlp_test.settings.allow)
    _otlp_test.views["otlp"] = view
    yield view
    judge(_otlp_test, view)


@pytest.fixture
def otlp_collectors(_otlp_test: CurrentTest) -> Iterator[CollectorFactory]:
    """Further fake collectors for this test.

    `first, second = otlp_collectors("a", "b")`; reports tell them by these names. They are judged
    like `otlp`, and closed at the end of the test.
    """
    __tracebackhide__ = True
    from otlptest.collector.fake import FakeCollector  # noqa: PLC0415 -- heavy to import

    collectors: dict[str, FakeCollector] = {}

    def opened(name: str) -> "FakeCollector":
        if name in _otlp_test.views:
            raise UsageError(f"there is a collector {name!r} in this test already")
        collector = collectors[name] = FakeCollector()
        _otlp_test.views[name] = collector
        collector.allow(*_otlp_test.settings.allow)
        return collector

    def otlp_collectors(*names: str) -> "tuple[FakeCollector, ...]":
        if not names:
            raise UsageError("otlp_collectors() needs names", 'otlp_collectors("a", "b")')
        return tuple(map(opened, names))

    try:
        yield otlp_collectors
        for collector in collectors.values():
            judge(_otlp_test, collector)
    finally:
        for collector in collectors.values():
            collector.close()


@pytest.fixture
def otlp_process(
    otlp_collector: "FakeCollector",
    otlp: "CollectorView",
    _otlp_test: CurrentTest,
) -> Iterator[ProgramFactory]:
    """Starts programs under test whose telemetry comes to `otlp`; they end with the test.

    `otlp_process(command, *, protocol="http/protobuf", env=None, cwd=None, ready=None, name=None)`
    gives a `Program`. Its environment is the test's without foreign `OTEL_*`, plus what points
    its SDK at ports of its own, plus a free port in `PORT`, plus `env`, in which None unsets a
    variable. `ready` is one of `otlptest.ready`, `name` what messages call the program.
    """
    from otlptest.processes import start_program  # noqa: PLC0415 -- heavy to import
    from otlptest.processes.commands import checked_command, short_name  # noqa: PLC0415 -- same

    owners: list[str] = []

    def otlp_process(
        command: "Command",
        *,
        protocol: str = "http/protobuf",
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        ready: "Readiness | None" = None,
        name: str | None = None,
    ) -> "Program":
        called = name or short_name(checked_command(command))
        owner = _otlp_test.unique_owner(called)
        ports = otlp_collector.open_ports(owner)
        owners.append(owner)
        program = start_program(
            command,
            name=called,
            owner=owner,
            env=_merged(ports.environ(protocol), env or {}),
            cwd=cwd,
            port=_chosen_port(env or {}),
            ready=ready,
        )
        _otlp_test.programs.append(program)
        return program

    try:
        yield otlp_process
    finally:
        _otlp_test.stop_programs()
        otlp.settle(Deadline(SETTLE_S))  # a port that closes drops what nobody has accepted yet
        for owner in owners:
            otlp_collector.close_ports(owner)


def _merged(base: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _chosen_port(env: Mapping[str, str | None]) -> int | None:
    """The port in `env`, if it was written there and not taken over from this process.

    Raises:
        UsageError: It is no port.
    """
    port = env.get("PORT")
    if port is None or port == os.environ.get("PORT"):
        return None
    if not port.isdecimal():
        raise UsageError(f"the environment variable PORT must be a port, and is {port!r}")
    return int(port)


@pytest.fixture
def otlp_sdk(
    otlp_collector: "FakeCollector", otlp: "CollectorView", _otlp_test: CurrentTest
) -> "Iterator[InProcessSdk]":
    """The OpenTelemetry SDK in this process, sending to `otlp`; needs `otlptest[sdk]`.

    Globals are left alone unless `otlp_sdk.set_globals()` asks for them. Shut down at the end.

    Raises:
        UsageError: The SDK or its exporters are not installed.
    """
    try:
        from otlptest.pytest_plugin.in_process_sdk import InProcessSdk  # noqa: PLC0415 -- heavy
    except ImportError as error:
        raise UsageError(
            f"otlp_sdk needs the OpenTelemetry SDK, and importing it gave: {error}",
            'pip install "otlptest[sdk]"',
        ) from error
    owner = _otlp_test.unique_owner("otlp_sdk")
    ports = otlp_collector.open_ports(owner)
    settings = _otlp_test.settings
    sdk = InProcessSdk(otlp, ports, protocol=settings.sdk_protocol, service=settings.sdk_service)
    try:
        yield sdk
    finally:
        sdk.shutdown()
        otlp.settle(Deadline(SETTLE_S))
        otlp_collector.close_ports(owner)

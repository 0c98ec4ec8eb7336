"""The fixtures. Each imports what it needs when it is used: an unused plugin costs nothing."""

# ruff: noqa: PLC0415 -- importing pytest_plugin must stay cheap, it happens in every session
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from otlptest.pytest_plugin.current_test import (
    COLUMNS,
    CURRENT_TEST,
    RUNNING_TEST,
    CurrentTest,
)
from otlptest.pytest_plugin.settings import settings_of

if TYPE_CHECKING:
    from otlptest.collector.fake import FakeCollector
    from otlptest.collector.view import CollectorView
    from otlptest.proxy import OtlpProxy
    from otlptest.pytest_plugin.collector_factory import CollectorFactory
    from otlptest.pytest_plugin.in_process_sdk import InProcessSdk
    from otlptest.pytest_plugin.program_factory import ProgramFactory


@pytest.fixture(scope="session")
def otlp_collector() -> "Iterator[FakeCollector]":
    """The fake collector of this session: its ports, for programs that live as long.

    Override it to have one with other options, e.g. `FakeCollector(tls=True)`.
    """
    from otlptest.collector.fake import FakeCollector

    with FakeCollector() as collector:
        yield collector


@pytest.fixture
def _otlp_test(request: pytest.FixtureRequest) -> CurrentTest:
    """Return what otlptest knows about this run of the test; for its own fixtures."""
    __tracebackhide__ = True
    from otlptest.pytest_plugin.interruption import watch_interruptions
    from otlptest.queries.messages.screen import remember_columns

    watch_interruptions(request.config)
    remember_columns(request.config.stash[COLUMNS])
    test = CurrentTest(settings_of(request.node))
    request.node.stash[CURRENT_TEST] = test
    request.config.stash[RUNNING_TEST] = test
    return test


@pytest.fixture
def otlp(otlp_collector: "FakeCollector", _otlp_test: CurrentTest) -> "Iterator[CollectorView]":
    """Return what this test receives: queries, waits, evidence; judged when the test has passed.

    At its end the programs of `otlp_process` are stopped, and so flush; then the test fails if
    anything received could not be decoded or breaks a rule that always fails, unless
    `otlp.allow(rule)` or the marker `otlp(allow=[…])` says that it is expected.
    """
    __tracebackhide__ = True
    from otlptest.pytest_plugin.judging import judge, killed_programs

    view = otlp_collector.view()
    view.allow(*_otlp_test.settings.allow)
    view.judge_also(lambda: killed_programs(_otlp_test))
    _otlp_test.views["otlp"] = view
    try:
        yield view
        judge(_otlp_test, view)
    finally:
        view.end_faults()


@pytest.fixture
def otlp_collectors(_otlp_test: CurrentTest) -> "Iterator[CollectorFactory]":
    """Further fake collectors for this test.

    `first, second = otlp_collectors("a", "b")`; reports use these names. They are judged
    like `otlp`, and closed at the end of the test.
    """
    __tracebackhide__ = True
    from otlptest.pytest_plugin.collector_factory import CollectorFactory
    from otlptest.pytest_plugin.judging import judge

    factory = CollectorFactory(_otlp_test)
    try:
        yield factory
        judge(_otlp_test, *factory.collectors)
    finally:
        factory.close()


@pytest.fixture
def otlp_process(
    otlp_collector: "FakeCollector", otlp: "CollectorView", _otlp_test: CurrentTest
) -> "Iterator[ProgramFactory]":
    """Starts programs under test whose telemetry comes to `otlp`; they end with the test.

    `otlp_process(command, *, protocol="http/protobuf", env=None, cwd=None, ready=None, name=None)`
    gives a `Program`. Its environment is the test's without foreign `OTEL_*`, plus what points
    its SDK at ports of its own, plus a free port in `PORT`, plus `env`, in which None unsets a
    variable. `ready` is one of `otlptest.ready`, `name` what messages call the program.
    """
    from otlptest.pytest_plugin.judging import settle
    from otlptest.pytest_plugin.program_factory import ProgramFactory

    factory = ProgramFactory(otlp_collector, otlp, _otlp_test)
    otlp.explain_also(factory.circumstances)
    try:
        yield factory
    finally:
        _otlp_test.stop_programs()
        settle(otlp)  # a port that closes drops what nobody has accepted yet
        factory.close_ports()


@pytest.fixture
def otlp_proxy(otlp: "CollectorView", _otlp_test: CurrentTest) -> "Iterator[OtlpProxy]":
    """A proxy before `otlp`, one port for OTLP/gRPC and one for OTLP/HTTP, and faults for it.

    `otlp_process(command, env=otlp_proxy.environ())` sends a program's telemetry through it, by a
    port of its own, so that `otlp.exited` is evidence for what came through. At
    the end of the test its faults end and the programs are stopped, then it is closed; its
    findings are judged with those of `otlp`, which also knows what is allowed.
    """
    __tracebackhide__ = True
    from otlptest.proxy import OtlpProxy

    with OtlpProxy(upstream=otlp) as proxy:
        otlp.judge_also(proxy.findings)
        try:
            yield proxy
        finally:
            proxy.end_faults()
            _otlp_test.stop_programs()


@pytest.fixture
def otlp_sdk(
    otlp_collector: "FakeCollector", otlp: "CollectorView", _otlp_test: CurrentTest
) -> "Iterator[InProcessSdk]":
    """The OpenTelemetry SDK in this process, sending to `otlp`; needs `otlptest[sdk]`.

    Globals are left alone unless `otlp_sdk.set_globals()` asks for them. Shut down at the end.

    Raises:
        UsageError: The SDK or its exporters are not installed.
    """
    __tracebackhide__ = True
    from otlptest.errors import UsageError
    from otlptest.pytest_plugin.judging import settle

    settings = _otlp_test.settings
    owner = _otlp_test.unique_owner("otlp_sdk")
    ports = otlp_collector.open_ports(owner)
    try:
        from otlptest.pytest_plugin.in_process_sdk import InProcessSdk

        sdk = InProcessSdk(
            otlp, ports, protocol=settings.sdk_protocol, service=settings.sdk_service
        )
    except ImportError as error:
        otlp_collector.close_ports(owner)
        problem = f"otlp_sdk needs the OpenTelemetry SDK and its OTLP exporters: {error}"
        raise UsageError(problem, 'pip install "otlptest[sdk]"') from error
    try:
        yield sdk
    finally:
        sdk.shutdown()
        settle(otlp)
        otlp_collector.close_ports(owner)

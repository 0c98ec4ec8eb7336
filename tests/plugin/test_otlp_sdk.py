"""The fixture `otlp_sdk`: real providers and exporters in the process of the test."""

import pytest

from otlptest.processes.free_ports import free_port
from otlptest.pytest_plugin.loopback_session import loopback_session
from tests.support.plugin_runs import run_suite

HEAD = """
from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
"""
ALL_SIGNALS = """
@pytest.mark.parametrize("number", [1, 2])
def test_it(otlp, otlp_sdk, number):
    with otlp_sdk.tracer.start_as_current_span("work"):
        otlp_sdk.meter.create_counter("orders").add(3)
        otlp_sdk.logger.emit(LogRecord(body="done", severity_number=SeverityNumber.INFO))
    done = otlp_sdk.flushed()
    otlp.spans.expect_count(1, name="work", service=SERVICE, after=done)
    otlp.spans.expect_none(name="charge", after=done)
    otlp.metrics.wait_for_total("orders", 3)
    assert otlp.logs.wait_for_one(body="done").trace_id == otlp.spans.one(name="work").trace_id
    assert otlp.requests.first().protocol == PROTOCOL
    assert not isinstance(trace.get_tracer_provider(), type(otlp_sdk.tracer_provider))
"""


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_all_signals_arrive_and_the_flush_is_evidence(
    protocol: str, pytester: pytest.Pytester
) -> None:
    head = f"SERVICE, PROTOCOL = 'shop', {protocol!r}\n"
    mark = f"pytestmark = pytest.mark.otlp(sdk_protocol={protocol!r}, sdk_service='shop')\n"
    result = run_suite(pytester, HEAD + head + mark + ALL_SIGNALS)
    result.assert_outcomes(passed=2)


def test_settings_of_the_environment_do_not_reach_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    head = "import os\nSERVICE, PROTOCOL = 'otlp_sdk', 'http/protobuf'\n"
    tail = "    assert os.environ['OTEL_TRACES_SAMPLER'] == 'always_off'\n"
    run_suite(pytester, HEAD + head + ALL_SIGNALS + tail).assert_outcomes(passed=2)


def test_globals_are_lent_and_put_back(pytester: pytest.Pytester) -> None:
    tests = """
tracer = trace.get_tracer("library")
counter = metrics.get_meter("library").create_counter("calls")
logger = _logs.get_logger("library")
BEFORE = trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()

def call():
    with tracer.start_as_current_span("work"):
        counter.add(1)
        logger.emit(LogRecord(body="called"))

@pytest.mark.parametrize("number", [1, 2])
def test_library_follows(otlp, otlp_sdk, number):
    otlp_sdk.set_globals()
    otlp_sdk.set_globals()
    assert trace.get_tracer_provider() is otlp_sdk.tracer_provider
    call()
    done = otlp_sdk.flushed()
    otlp.spans.expect_count(1, name="work", after=done)
    otlp.metrics.expect_total("calls", 1, after=done)
    otlp.logs.expect_count(1, body="called", after=done)

def test_library_is_left_alone(otlp, otlp_sdk):
    call()
    otlp.spans.expect_none(after=otlp_sdk.flushed())
    now = trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()
    assert all(one is other for one, other in zip(BEFORE, now))

def test_after_the_end(otlp_sdk):
    otlp_sdk.shutdown()
    otlp_sdk.shutdown()
    with pytest.raises(Exception) as caught:
        otlp_sdk.set_globals()
    assert str(caught.value) == "otlp_sdk has been shut down, and cannot become the global SDK"
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=4)


def test_globals_that_were_set_before_come_back(pytester: pytest.Pytester) -> None:
    tests = """
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
own = MeterProvider([reader])
early = metrics.get_meter("early").create_counter("calls")

def test_it(otlp, otlp_sdk):
    metrics.set_meter_provider(own)
    early.add(1)
    otlp_sdk.set_globals()
    early.add(10)
    otlp_sdk.shutdown()
    assert metrics.get_meter_provider() is own
    early.add(1)
    (scope,) = reader.get_metrics_data().resource_metrics[0].scope_metrics
    assert scope.metrics[0].data.data_points[0].value == 2
    own.shutdown()
"""
    run_suite(pytester, HEAD + tests).assert_outcomes(passed=1)


def test_flush_over_a_failing_exporter_is_no_evidence(pytester: pytest.Pytester) -> None:
    tests = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

@pytest.fixture
def failing(monkeypatch):
    fail = lambda self, spans: SpanExportResult.FAILURE
    monkeypatch.setattr(OTLPSpanExporter, "export", fail)

def test_failing(failing, otlp, otlp_sdk):
    otlp_sdk.tracer.start_span("work").end()
    assert otlp_sdk.tracer_provider.force_flush()
    done = otlp_sdk.flushed()
    assert done.gaps == ("the flush failed: an export of spans ended with FAILURE",)
    otlp.spans.expect_none(name="charge", after=done)

@pytest.fixture
def raising(monkeypatch):
    def fail(self, spans): raise LookupError("lost")
    monkeypatch.setattr(OTLPSpanExporter, "export", fail)

def test_exporter_that_raises(raising, otlp, otlp_sdk):
    otlp_sdk.tracer.start_span("work").end()
    done = otlp_sdk.flushed()
    assert done.gaps == ("the flush failed: an export of spans raised LookupError: lost",)

def test_raising(otlp, otlp_sdk):
    def fail(*_): raise LookupError("lost")
    otlp_sdk.meter_provider.force_flush = fail
    otlp_sdk.logger_provider.force_flush = lambda *_: False
    done = otlp_sdk.flushed()
    assert "the flush failed: MeterProvider.force_flush raised LookupError: lost" in done.gaps
    assert "the flush failed: LoggerProvider.force_flush returned false" in done.gaps
"""
    result = run_suite(pytester, HEAD + tests)
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*not_proven*"])


def test_missing_sdk_is_one_clear_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys
        sys.modules["opentelemetry.sdk.trace"] = None
        """
    )
    result = run_suite(pytester, "def test_it(otlp_sdk): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*UsageError: otlp_sdk needs the OpenTelemetry SDK and its OTLP exporters: *",
            '*hint: pip install "otlptest[[]sdk[]]"',
        ]
    )


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_it_trusts_the_collector_that_a_suite_replaced(
    protocol: str, pytester: pytest.Pytester
) -> None:
    tests = f"""
from otlptest import FakeCollector

@pytest.fixture(scope="session")
def otlp_collector():
    with FakeCollector(tls=True) as collector:
        yield collector

@pytest.mark.otlp(sdk_protocol={protocol!r})
def test_it(otlp, otlp_sdk):
    otlp_sdk.tracer.start_span("work").end()
    otlp.spans.expect_count(1, name="work", after=otlp_sdk.flushed())
    assert otlp.http_endpoint.startswith("https:")
"""
    run_suite(pytester, tests).assert_outcomes(passed=1)


def test_exporter_that_reaches_nobody_leaves_no_socket_behind() -> None:
    session = loopback_session()
    with pytest.raises(OSError, match="refused"):
        session.get(f"http://127.0.0.1:{free_port()}/")
    session.close()

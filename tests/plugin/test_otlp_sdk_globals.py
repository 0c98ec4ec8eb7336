"""`otlp_sdk.set_globals()` in several tests: what code caches in one works in the next."""

import pytest

from tests.support.plugin_runs import run_suite

HEAD = """
import functools, logging
from opentelemetry import _logs, metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk.trace import TracerProvider

@pytest.fixture
def lent(otlp_sdk, caplog):
    otlp_sdk.set_globals()
    yield otlp_sdk
    assert [record.getMessage() for record in caplog.records] == []
"""
CACHED = """
@functools.cache
def tracer(): return trace.get_tracer("shop", "1.2")

@functools.cache
def logger(): return _logs.get_logger("shop")

@functools.cache
def meter(): return metrics.get_meter("shop")

@functools.cache
def instruments():
    return {
        "placed": meter().create_counter("placed"),
        "open": meter().create_up_down_counter("open"),
        "took": meter().create_histogram("took", unit="s", description="How long it took"),
        "depth": meter().create_gauge("depth"),
    }

observed = []
def stock(options):
    observed.append(1)
    yield Observation(len(observed), {"place": "shelf"})

def running():
    while True:
        yield [Observation(7)]

@functools.cache
def observable():
    meter().create_observable_counter("sold", [stock])
    meter().create_observable_up_down_counter("stock", [stock, stock])
    meter().create_observable_gauge("running", [running()])

@functools.cache
def decorated():
    @tracer().start_as_current_span("decorated")
    def work(): return trace.get_current_span().is_recording()
    return work

def act():
    observable()
    with tracer().start_as_current_span("place order"):
        logger().emit(LogRecord(body="placed", severity_number=SeverityNumber.INFO))
    own = instruments()
    own["placed"].add(1)
    own["open"].add(2)
    own["took"].record(0.5)
    own["depth"].set(3)
    meter().create_counter("late").add(4)
    return decorated()()
"""
FOLLOWING = """
@pytest.mark.parametrize("number", [1, 2, 3])
def test_lent(otlp, lent, number):
    assert act()
    done = lent.flushed()
    otlp.spans.expect_count(1, name="place order", scope="shop", after=done)
    otlp.spans.expect_count(1, name="decorated", after=done)
    otlp.logs.expect_count(1, body="placed", after=done)
    assert otlp.logs.one(body="placed").trace_id == otlp.spans.one(name="place order").trace_id
    otlp.metrics.expect_total("placed", 1, after=done)
    otlp.metrics.expect_total("open", 2, after=done)
    otlp.metrics.expect_total("late", 4, after=done)
    assert otlp.metrics.one(name="took").unit == "s"
    assert {point.value for point in otlp.metrics.one(name="depth").points} == {3}
    assert {point.value for point in otlp.metrics.one(name="running").points} == {7}
    otlp.metrics.expect_count(1, name="sold", after=done)
    otlp.metrics.expect_count(1, name="stock", after=done)

def test_not_lent_between(otlp, otlp_sdk, caplog):
    before = len(observed)
    assert not act()
    otlp_sdk.tracer.start_span("own").end()
    done = otlp_sdk.flushed()
    otlp.spans.expect_count(1, after=done)
    otlp.metrics.expect_none(after=done)
    otlp.logs.expect_none(after=done)
    assert (len(observed), caplog.records) == (before, [])

def test_without_an_sdk(caplog):
    assert not act()
    assert caplog.records == []

def test_lent_again(otlp, lent):
    assert act()
    otlp.spans.expect_count(1, name="place order", after=lent.flushed())
    otlp.metrics.expect_total("placed", 1, after=lent.flushed())
"""


def test_what_was_cached_while_lent_follows(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + CACHED + FOLLOWING).assert_outcomes(passed=6)


OBSERVABLE = """
calls = []

def create(name):
    def observe(options):
        calls.append(name)
        yield Observation(len(calls), {"made by": name})
    metrics.get_meter("shop").create_observable_gauge("depth", [observe])

def fail(options):
    raise LookupError("gone")

def sources(otlp):
    return {point.attributes["made by"] for point in otlp.metrics.one(name="depth").points}

def test_created(otlp, lent):
    create("first")
    create("ignored")  # as with the SDK alone: the instrument exists
    lent.flushed()
    assert sources(otlp) == {"first"}

def test_is_observed_again_once_each_time(otlp, lent):
    lent.meter_provider.force_flush()
    calls.clear()
    lent.meter_provider.force_flush()
    assert calls in (["first"], ["first", "first"])  # the reader's own interval may have come
    assert sources(otlp) == {"first"}

def test_created_again_replaces(otlp, lent):
    create("second")
    lent.flushed()
    assert sources(otlp) == {"second"}

def test_one_that_fails_keeps_no_other_from_being_asked(otlp, otlp_sdk, caplog):
    otlp_sdk.set_globals()
    good = lambda options: [Observation(5)]
    metrics.get_meter("shop").create_observable_gauge("both", [fail, good])
    otlp_sdk.flushed()
    assert {point.value for point in otlp.metrics.one(name="both").points} == {5}
    assert {record.getMessage() for record in caplog.records} == {
        "A callback of the observable instrument 'both' failed"
    }

def test_bad_name(lent):
    with pytest.raises(Exception, match="Expected ASCII string"):
        metrics.get_meter("shop").create_counter("no name")
"""


def test_observable_instruments_are_registered_once(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + OBSERVABLE).assert_outcomes(passed=5)


LATE = """
held = {}

def test_1_not_lent(otlp_sdk):
    held["tracer"] = otlp_sdk.tracer
    held["counter"] = otlp_sdk.meter.create_counter("own")
    held["logger"] = otlp_sdk.logger

def test_2_begins(otlp, lent):
    held["span"] = trace.get_tracer("shop").start_span("long")
    otlp.spans.expect_none(after=lent.flushed())

def test_3_ends_here(otlp, lent):
    held["span"].end()
    held["tracer"].start_span("own").end()
    held["logger"].emit(LogRecord(body="own"))
    done = lent.flushed()
    otlp.spans.expect_count(1, name="long", after=done)  # it began before, and ended here
    otlp.spans.expect_count(1, name="own", after=done)
    otlp.logs.expect_count(1, body="own", after=done)
    held["span"] = trace.get_tracer("shop").start_span("long")

def test_4_nowhere_to_go(otlp, otlp_sdk):
    held["span"].end()
    held["tracer"].start_span("own").end()
    held["counter"].add(1)
    held["logger"].emit(LogRecord(body="own"))
    done = otlp_sdk.flushed()
    assert done.gaps == (GAP,)
    with pytest.raises(AssertionError, match="not_proven"):
        otlp.spans.expect_none(name="own", after=done)

def test_5_without_an_sdk():
    held["span"] = None
    held["tracer"].start_span("own").end()
    held["counter"].add(1)

def test_6_is_proven_again(otlp, otlp_sdk):
    otlp.spans.expect_none(name="own", after=otlp_sdk.flushed())
"""
LATE_GAP = (
    "the otlp_sdk of an earlier test, which has ended, got span 'long', span 'own', a measurement"
    " of 'own', 1 more: nothing of it was sent. Call otlp_sdk.set_globals() before tracers, meters"
    " and loggers are got from it: then they go on with the next test"
)


def test_what_an_ended_sdk_gets_is_sent_or_is_a_gap(pytester: pytest.Pytester) -> None:
    suite = f"{HEAD}\nGAP = {LATE_GAP!r}\n{LATE}"
    run_suite(pytester, suite).assert_outcomes(passed=6)


HELD_PROVIDERS = """
import copy
from opentelemetry.sdk.resources import Resource

class Handler(logging.Handler):
    provider = None
    def emit(self, record):
        logger = self.provider.get_logger(record.name)
        assert logger.resource.attributes["service.name"] == "otlp_sdk"
        logger.emit(LogRecord(body=record.getMessage()))
    def flush(self):
        assert self.provider.force_flush()

handler = Handler()
held = {}

def log():
    record = logging.LogRecord("app", logging.INFO, __file__, 1, "hello", (), None)
    handler.emit(record)
    handler.flush()
    held["tracers"].get_tracer("app").start_span("hello").end()
    held["meters"].get_meter("app").create_counter("hello").add(1)
    held["tracers"].force_flush()
    held["meters"].force_flush()

@pytest.mark.parametrize("number", [1, 2])
def test_lent(otlp, lent, number):
    if number == 1:
        handler.provider = _logs.get_logger_provider()
        held.update(tracers=trace.get_tracer_provider(), meters=metrics.get_meter_provider())
        held["tracer"] = trace.get_tracer("app")
    log()
    otlp.logs.one(body="hello")  # flushed through the providers that were held
    otlp.spans.one(name="hello")
    otlp.metrics.expect_total("hello", 1, after=lent.flushed())
    assert held["tracer"].resource is lent.tracer_provider.resource

def test_between():
    log()
    assert held["tracer"].resource.attributes["service.name"] == "otlp_sdk"
    with pytest.raises(AttributeError, match="no_such"):
        held["tracer"].no_such
    assert copy.copy(held["tracer"]).resource is held["tracer"].resource

def test_types(lent):
    meter = metrics.get_meter("app")
    assert isinstance(trace.get_tracer("app"), trace.Tracer)
    assert isinstance(trace.get_tracer_provider(), TracerProvider)
    assert isinstance(_logs.get_logger("app"), _logs.Logger)
    assert isinstance(meter, metrics.Meter) and meter.name == "app"
    assert isinstance(meter.create_counter("a"), metrics.Counter)
    assert isinstance(meter.create_up_down_counter("b"), metrics.UpDownCounter)
    assert isinstance(meter.create_histogram("c"), metrics.Histogram)
    assert isinstance(meter.create_observable_counter("d"), metrics.ObservableCounter)
    assert isinstance(meter.create_observable_gauge("e"), metrics.ObservableGauge)
    assert isinstance(meter.create_observable_up_down_counter("f"), metrics.ObservableUpDownCounter)
    assert meter.create_counter("a").name == "a"

@pytest.mark.asyncio
async def test_decorated_coroutine(otlp, lent):
    @trace.get_tracer("app").start_as_current_span("decorated")
    async def work(): raise LookupError("no order")
    with pytest.raises(LookupError):
        await work()
    lent.flushed()
    assert otlp.spans.one(name="decorated").status.message == "LookupError: no order"
"""


def test_providers_that_code_holds_follow_and_have_the_attributes_of_the_sdk(
    pytester: pytest.Pytester,
) -> None:
    result = run_suite(
        pytester,
        HEAD + HELD_PROVIDERS,
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        plugins=["pytest_asyncio.plugin"],
    )
    result.assert_outcomes(passed=5)


EARLIER = """
import app
BEFORE = ("opentelemetry.sdk.trace.TracerProvider was the global tracer provider before"
    " otlp_sdk.set_globals() (held by app.provider; app.tracer cannot follow): what went there is"
    " unknown. Set it where the program starts, not where tests import it; or instead of calling"
    " set_globals(), give the code under test otlp_sdk.tracer_provider")

def test_missing(otlp, lent):
    app.handle()
    lent.flushed()
    with pytest.raises(AssertionError) as caught:
        otlp.spans.wait_for_one(name="handle", timeout_s=0.05)
    assert str(caught.value) == f'''1 unmet expectation
no_matching_span: this collector
  expected: a span named 'handle'
  received: no spans, within 0.05 s
            no connection was opened
            {BEFORE}
  hint:     what should have come here may have gone where the last lines say
  explain:  otlptest explain no_matching_span'''

def test_missing_among_others(otlp, lent):
    lent.tracer.start_span("other").end()
    lent.flushed()
    with pytest.raises(AssertionError) as caught:
        otlp.spans.one(name="handle")
    assert BEFORE in str(caught.value)

def test_absence_is_not_proven(otlp, lent):
    app.handle()
    done = lent.flushed()
    assert done.gaps == (BEFORE,)
    with pytest.raises(AssertionError, match="not_proven"):
        otlp.spans.expect_none(name="handle", after=done)

def test_not_lent(otlp, otlp_sdk):
    assert otlp_sdk.flushed().gaps == ()

def test_cached_tracer_goes_to_that_provider_between_tests():
    assert trace.get_tracer("late").start_span("x").is_recording()
"""


def test_provider_that_was_set_before_is_named_and_a_gap(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        app="""
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        provider = TracerProvider()
        trace.set_tracer_provider(provider)
        tracer = trace.get_tracer("app")

        def handle():
            tracer.start_span("handle").end()
        """
    )
    run_suite(pytester, HEAD + EARLIER).assert_outcomes(passed=5)


BY_A_LIBRARY = """
import library

def test_it(otlp, lent):
    (gap,) = lent.flushed().gaps
    assert gap == ("opentelemetry.sdk.trace.TracerProvider was the global tracer provider before"
        " otlp_sdk.set_globals() (held by an object of library.Setup): what went there is unknown."
        " Set it where the program starts, not where tests import it; or instead of calling"
        " set_globals(), give the code under test otlp_sdk.tracer_provider")
"""


SET_BY_NOBODY = """
trace.set_tracer_provider(TracerProvider())

def test_it(otlp, lent):
    (gap,) = lent.flushed().gaps
    assert gap.startswith("opentelemetry.sdk.trace.TracerProvider was the global tracer provider"
        " before otlp_sdk.set_globals() (nobody holds it by name: did a pytest plugin or"
        " opentelemetry-instrument set it?): what went there is unknown. Set it")
"""


def test_provider_that_nobody_holds(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + SET_BY_NOBODY).assert_outcomes(passed=1)


def test_library_that_set_a_provider_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        library="""
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        class Setup:
            def __init__(self):
                self.own = TracerProvider()
                trace.set_tracer_provider(self.own)

        setup = Setup()
        """
    )
    run_suite(pytester, HEAD + BY_A_LIBRARY).assert_outcomes(passed=1)


WEB = """
import fastapi, flask
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.flask import FlaskInstrumentor

fast = fastapi.FastAPI()

@fast.get("/items/{number}")
def item(number: int): return number

flasks = flask.Flask("shop")

@flasks.route("/items/<number>")
def get_item(number): return number

@pytest.fixture
def fast_client(lent):
    if not getattr(fast, "_is_instrumented_by_opentelemetry", False):
        FastAPIInstrumentor.instrument_app(fast)
    return TestClient(fast)

@pytest.fixture
def flask_client(lent):
    if not getattr(flasks, "_is_instrumented_by_opentelemetry", False):
        FlaskInstrumentor().instrument_app(flasks)
    return flasks.test_client()

@pytest.mark.parametrize("number", [1, 2])
def test_fastapi(otlp, lent, fast_client, number):
    call = otlp.new_trace()
    assert fast_client.get(f"/items/{number}", headers=call.headers).json() == number
    done = lent.flushed()
    call.spans.expect_count(1, name="GET /items/{number}", after=done)
    otlp.metrics.expect_total("http.server.duration", 1, after=done)

@pytest.mark.parametrize("number", [1, 2])
def test_flask(otlp, lent, flask_client, number):
    call = otlp.new_trace()
    assert flask_client.get(f"/items/{number}", headers=call.headers).text == str(number)
    done = lent.flushed()
    call.spans.expect_count(1, name="GET /items/<number>", after=done)
    otlp.metrics.expect_total("http.server.duration", 1, after=done)

def test_neither_without_globals(otlp, otlp_sdk, caplog):
    assert TestClient(fast).get("/items/3").json() == 3
    assert flasks.test_client().get("/items/3").text == "3"
    done = otlp_sdk.flushed()
    otlp.spans.expect_none(after=done)
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []
"""


def test_instrumented_applications_of_fastapi_and_flask(pytester: pytest.Pytester) -> None:
    run_suite(pytester, HEAD + WEB).assert_outcomes(passed=5)

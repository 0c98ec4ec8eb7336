"""The scenario of tests/integration with the Python SDK; it reads only OTEL_* variables."""

import os
from importlib import import_module
from types import ModuleType

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import AnyValue

EXPLICIT_NANOS = 1_700_000_000_123_456_789
SCOPE = ("scenario.shop", "1.2.3")
SCHEMA_URL = "https://example.com/schemas/1.2.3"
SCOPE_ATTRIBUTES = {"scope.team": "checkout"}
EVERY_TYPE: dict[str, AnyValue] = {
    "text": "größer als 3 €",
    "text.empty": "",
    "flag.true": True,
    "flag.false": False,
    "int": 42,
    "int.negative": -7,
    "int.beyond_double": 9_007_199_254_740_993,
    "double": 0.1,
    "double.whole": 2.0,
    "texts": ["a", "", "c"],
    "flags": [True, False],
    "ints": [1, -2, 3],
    "doubles": [0.5, 1.5],
    "texts.empty": [],
    "bytes": b"\x00\xff\x10",
    "map": {"inner": {"deep": 1}, "list": ["x", 2, True]},
}
REMOTE = SpanContext(
    trace_id=0x0AF7651916CD43DD8448EB211C80319C,
    span_id=0xB7AD6B7169203331,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "1")]),
)


def exporters() -> ModuleType:
    """The package of the exporters for `OTEL_EXPORTER_OTLP_PROTOCOL`."""
    kind = "grpc" if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc" else "http"
    base = f"opentelemetry.exporter.otlp.proto.{kind}"
    package = import_module(base)
    for part in ("trace_exporter", "metric_exporter", "_log_exporter"):
        import_module(f"{base}.{part}")
    return package


def emit_spans(tracers: TracerProvider, record: "Recorder") -> None:
    """Three traces: a checkout, the order's consumption, a request from outside."""
    shop = tracers.get_tracer(*SCOPE, schema_url=SCHEMA_URL, attributes=SCOPE_ATTRIBUTES)
    warehouse = tracers.get_tracer("scenario.warehouse")
    with shop.start_as_current_span("POST /checkout", kind=SpanKind.SERVER) as root:
        root.set_attributes(EVERY_TYPE)
        record.in_span()
        with shop.start_as_current_span("charge", kind=SpanKind.CLIENT) as charge:
            charge.record_exception(ValueError("card declined"))
            charge.set_status(Status(StatusCode.ERROR, "declined by bank"))
        with warehouse.start_as_current_span("reserve stock") as reserve:
            reserve.add_event("cache.miss", {"cache.key": "sku-1", "cache.tries": 2})
            reserve.add_event("reserved", timestamp=EXPLICIT_NANOS)
        with shop.start_as_current_span("publish order", kind=SpanKind.PRODUCER) as publish:
            published = publish.get_span_context()
        root.set_status(Status(StatusCode.OK))
    links = [Link(published, {"link.reason": "queue", "link.hops": 1}), Link(REMOTE)]
    with shop.start_as_current_span("consume order", kind=SpanKind.CONSUMER, links=links):
        pass
    outside = trace.set_span_in_context(trace.NonRecordingSpan(REMOTE))
    with shop.start_as_current_span("GET /stock", context=outside, kind=SpanKind.SERVER):
        emit_overfull(shop, Link(published))


def emit_overfull(shop: trace.Tracer, link: Link) -> None:
    """A span with more of everything than the limits of the environment allow."""
    with shop.start_as_current_span("overfull", links=[link] * 3) as overfull:
        for number in range(23):
            overfull.set_attribute(f"key.{number:02}", number)
        for number in range(3):
            overfull.add_event(f"event.{number}")


class Recorder:
    """Every instrument, recorded inside a span (`in_span`) and outside (`outside`)."""

    def __init__(self, meters: MeterProvider, loggers: LoggerProvider) -> None:
        shop = meters.get_meter(*SCOPE, schema_url=SCHEMA_URL, attributes=SCOPE_ATTRIBUTES)
        warehouse = meters.get_meter("scenario.warehouse")
        self.orders = shop.create_counter("orders.placed", "{order}", "Orders placed")
        self.carts = shop.create_up_down_counter("carts.open", "{cart}", "Carts open now")
        self.duration = shop.create_histogram("checkout.duration", "ms", "Time to check out")
        self.basket = shop.create_histogram(
            "basket.size", "{item}", "Items", explicit_bucket_boundaries_advisory=[1, 2, 5]
        )
        self.depth = warehouse.create_gauge("queue.depth", "1", "Share of the queue in use")
        warehouse.create_observable_counter("cpu.time", [observed_cpu], "s", "Time on a core")
        warehouse.create_observable_up_down_counter(
            "workers.busy", [observed_workers], "{worker}", "Workers at work"
        )
        warehouse.create_observable_gauge("temperature", [observed_heat], "Cel", "Of the room")
        self.logger = loggers.get_logger(*SCOPE, schema_url=SCHEMA_URL, attributes=SCOPE_ATTRIBUTES)
        self.other_logger = loggers.get_logger("scenario.warehouse")

    def in_span(self) -> None:
        """What is recorded while `POST /checkout` is the current span."""
        self.orders.add(2, {"region": "eu"})
        self.duration.record(7.5, {"http.route": "/checkout"})
        self.logger.emit(
            LogRecord(
                timestamp=EXPLICIT_NANOS,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="order placed in a span",
                attributes={"order.id": 17},
            )
        )
        self.logger.emit(
            LogRecord(
                timestamp=EXPLICIT_NANOS,
                event_name="order.placed",
                attributes={"order.id": 17, "order.total": 12.5},
            )
        )

    def outside(self) -> None:
        """What is recorded without a span."""
        self.orders.add(3, {"region": "eu"})
        self.orders.add(4, {"region": "us", "vip": True})
        self.carts.add(5)
        self.carts.add(-2)
        for duration in (3.0, 120.0, 20_000.0):
            self.duration.record(duration, {"http.route": "/checkout"})
        for items in (1, 2, 3, 9):
            self.basket.record(items)
        self.depth.set(0.25)
        self.depth.set(0.5)
        for number in range(1, 25):
            self.log_of_severity(number)
        body: AnyValue = {"order": 17, "lines": ["a", 1, False], "raw": b"\x00\xff"}
        self.other_logger.emit(LogRecord(body=body, attributes=EVERY_TYPE))

    def log_of_severity(self, number: int) -> None:
        """One record with the given severity number."""
        severity = SeverityNumber(number)
        self.other_logger.emit(
            LogRecord(
                timestamp=EXPLICIT_NANOS + number,
                severity_number=severity,
                severity_text=severity.name,
                body=f"severity {number}",
            )
        )


def observed_cpu(_: CallbackOptions) -> list[Observation]:
    """Two series of a monotonic total."""
    return [Observation(1.5, {"state": "user"}), Observation(0.5, {"state": "system"})]


def observed_workers(_: CallbackOptions) -> list[Observation]:
    """One whole number."""
    return [Observation(3)]


def observed_heat(_: CallbackOptions) -> list[Observation]:
    """One negative double."""
    return [Observation(-4.5, {"room": "cellar"})]


def main() -> None:
    """Run the scenario, shut the SDK down."""
    otlp = exporters()
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(otlp.trace_exporter.OTLPSpanExporter()))
    reader = PeriodicExportingMetricReader(otlp.metric_exporter.OTLPMetricExporter())
    meters = MeterProvider(metric_readers=[reader])
    loggers = LoggerProvider()
    loggers.add_log_record_processor(
        BatchLogRecordProcessor(otlp._log_exporter.OTLPLogExporter())  # its name in this SDK
    )
    record = Recorder(meters, loggers)
    emit_spans(tracers, record)
    record.outside()
    for provider in (tracers, meters, loggers):
        provider.shutdown()


if __name__ == "__main__":
    main()

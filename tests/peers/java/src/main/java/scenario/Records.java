package scenario;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.LogRecordBuilder;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.DoubleGauge;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.LongHistogram;
import io.opentelemetry.api.metrics.LongUpDownCounter;
import io.opentelemetry.api.metrics.Meter;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Every instrument and two loggers; recorded inside a span and outside. */
final class Records {
  private static final Attributes EU = Attributes.of(AttributeKey.stringKey("region"), "eu");
  private static final Attributes ROUTE =
      Attributes.of(AttributeKey.stringKey("http.route"), "/checkout");

  private final LongCounter orders;
  private final LongUpDownCounter carts;
  private final DoubleHistogram duration;
  private final LongHistogram basket;
  private final DoubleGauge depth;
  private final Logger logger;
  private final Logger warehouseLogger;

  Records(OpenTelemetry telemetry) {
    Meter shop =
        telemetry
            .getMeterProvider()
            .meterBuilder("scenario.shop")
            .setInstrumentationVersion("1.2.3")
            .setSchemaUrl(Spans.SCHEMA_URL)
            .build();
    Meter warehouse = telemetry.getMeter("scenario.warehouse");
    orders =
        shop.counterBuilder("orders.placed").setUnit("{order}").setDescription("Orders placed").build();
    carts =
        shop.upDownCounterBuilder("carts.open")
            .setUnit("{cart}")
            .setDescription("Carts open now")
            .build();
    duration =
        shop.histogramBuilder("checkout.duration")
            .setUnit("ms")
            .setDescription("Time to check out")
            .build();
    basket =
        shop.histogramBuilder("basket.size")
            .ofLongs()
            .setUnit("{item}")
            .setDescription("Items")
            .setExplicitBucketBoundariesAdvice(List.of(1L, 2L, 5L))
            .build();
    depth =
        warehouse
            .gaugeBuilder("queue.depth")
            .setUnit("1")
            .setDescription("Share of the queue in use")
            .build();
    observe(warehouse);
    logger =
        telemetry
            .getLogsBridge()
            .loggerBuilder("scenario.shop")
            .setInstrumentationVersion("1.2.3")
            .setSchemaUrl(Spans.SCHEMA_URL)
            .build();
    warehouseLogger = telemetry.getLogsBridge().get("scenario.warehouse");
  }

  private static void observe(Meter meter) {
    AttributeKey<String> state = AttributeKey.stringKey("state");
    meter
        .counterBuilder("cpu.time")
        .ofDoubles()
        .setUnit("s")
        .setDescription("Time on a core")
        .buildWithCallback(
            observer -> {
              observer.record(1.5, Attributes.of(state, "user"));
              observer.record(0.5, Attributes.of(state, "system"));
            });
    meter
        .upDownCounterBuilder("workers.busy")
        .setUnit("{worker}")
        .setDescription("Workers at work")
        .buildWithCallback(observer -> observer.record(3));
    Attributes cellar = Attributes.of(AttributeKey.stringKey("room"), "cellar");
    meter
        .gaugeBuilder("temperature")
        .setUnit("Cel")
        .setDescription("Of the room")
        .buildWithCallback(observer -> observer.record(-4.5, cellar));
  }

  /** What is recorded while `POST /checkout` is the current span. */
  void inSpan() {
    orders.add(2, EU);
    duration.record(7.5, ROUTE);
    at(logger, Spans.EXPLICIT_NANOS)
        .setSeverity(Severity.INFO)
        .setSeverityText("INFO")
        .setBody("order placed in a span")
        .setAttribute(AttributeKey.longKey("order.id"), 17L)
        .emit();
    at(logger, Spans.EXPLICIT_NANOS)
        .setEventName("order.placed")
        .setAttribute(AttributeKey.longKey("order.id"), 17L)
        .setAttribute(AttributeKey.doubleKey("order.total"), 12.5)
        .emit();
  }

  /** What is recorded without a span. */
  void outside() {
    orders.add(3, EU);
    orders.add(4, Attributes.builder().put("region", "us").put("vip", true).build());
    carts.add(5);
    carts.add(-2);
    for (double each : new double[] {3, 120, 20_000}) {
      duration.record(each, ROUTE);
    }
    for (long items : new long[] {1, 2, 3, 9}) {
      basket.record(items);
    }
    depth.set(0.25);
    depth.set(0.5);
    for (Severity severity : Severity.values()) {
      int number = severity.getSeverityNumber();
      if (number > 0) {
        at(warehouseLogger, Spans.EXPLICIT_NANOS + number)
            .setSeverity(severity)
            .setSeverityText(severity.name())
            .setBody("severity " + number)
            .emit();
      }
    }
    warehouseLogger
        .logRecordBuilder()
        .setBody(
            Value.of(
                KeyValue.of("order", Value.of(17L)),
                KeyValue.of("lines", Value.of(Value.of("a"), Value.of(1L), Value.of(false))),
                KeyValue.of("raw", Value.of(new byte[] {0, (byte) 0xff}))))
        .setAllAttributes(Spans.EVERY_TYPE)
        .emit();
  }

  private static LogRecordBuilder at(Logger logger, long nanos) {
    return logger.logRecordBuilder().setTimestamp(nanos, TimeUnit.NANOSECONDS);
  }
}

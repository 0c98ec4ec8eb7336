package scenario;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.TracerProvider;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Three traces: a checkout, the order's consumption, a request from outside. */
final class Spans {
  static final String SCHEMA_URL = "https://example.com/schemas/1.2.3";
  static final long EXPLICIT_NANOS = 1_700_000_000_123_456_789L;
  static final Attributes EVERY_TYPE =
      Attributes.builder()
          .put("text", "größer als 3 €")
          .put("text.empty", "")
          .put("flag.true", true)
          .put("flag.false", false)
          .put("int", 42L)
          .put("int.negative", -7L)
          .put("int.beyond_double", 9_007_199_254_740_993L)
          .put("double", 0.1)
          .put("double.whole", 2.0)
          .put("texts", "a", "", "c")
          .put("flags", true, false)
          .put("ints", 1L, -2L, 3L)
          .put("doubles", 0.5, 1.5)
          .put(AttributeKey.stringArrayKey("texts.empty"), List.of())
          .put("bytes", Value.of(new byte[] {0, (byte) 0xff, 0x10}))
          .put(
              "map",
              Value.of(
                  KeyValue.of("inner", Value.of(KeyValue.of("deep", Value.of(1L)))),
                  KeyValue.of("list", Value.of(Value.of("x"), Value.of(2L), Value.of(true)))))
          .build();
  private static final SpanContext REMOTE =
      SpanContext.createFromRemoteParent(
          "0af7651916cd43dd8448eb211c80319c",
          "b7ad6b7169203331",
          TraceFlags.getSampled(),
          TraceState.builder().put("vendor", "1").build());

  static void emit(TracerProvider tracers, Records records) {
    Tracer shop =
        tracers
            .tracerBuilder("scenario.shop")
            .setInstrumentationVersion("1.2.3")
            .setSchemaUrl(SCHEMA_URL)
            .build();
    Tracer warehouse = tracers.get("scenario.warehouse");
    SpanContext published = checkOut(shop, warehouse, records);
    consume(shop, published);
    serveOutsider(shop, published);
  }

  private static SpanContext checkOut(Tracer shop, Tracer warehouse, Records records) {
    Span root = shop.spanBuilder("POST /checkout").setSpanKind(SpanKind.SERVER).startSpan();
    try (Scope current = root.makeCurrent()) {
      root.setAllAttributes(EVERY_TYPE);
      records.inSpan();
      Span charge = shop.spanBuilder("charge").setSpanKind(SpanKind.CLIENT).startSpan();
      charge.recordException(new IllegalStateException("card declined"));
      charge.setStatus(StatusCode.ERROR, "declined by bank");
      charge.end();
      Span reserve = warehouse.spanBuilder("reserve stock").startSpan();
      reserve.addEvent(
          "cache.miss",
          Attributes.builder().put("cache.key", "sku-1").put("cache.tries", 2L).build());
      reserve.addEvent("reserved", EXPLICIT_NANOS, TimeUnit.NANOSECONDS);
      reserve.end();
      Span publish = shop.spanBuilder("publish order").setSpanKind(SpanKind.PRODUCER).startSpan();
      publish.end();
      root.setStatus(StatusCode.OK);
      return publish.getSpanContext();
    } finally {
      root.end();
    }
  }

  private static void consume(Tracer shop, SpanContext published) {
    Attributes reason =
        Attributes.builder().put("link.reason", "queue").put("link.hops", 1L).build();
    shop.spanBuilder("consume order")
        .setSpanKind(SpanKind.CONSUMER)
        .addLink(published, reason)
        .addLink(REMOTE)
        .startSpan()
        .end();
  }

  private static void serveOutsider(Tracer shop, SpanContext published) {
    Context outside = Context.root().with(Span.wrap(REMOTE));
    Span get =
        shop.spanBuilder("GET /stock").setSpanKind(SpanKind.SERVER).setParent(outside).startSpan();
    try (Scope current = get.makeCurrent()) {
      emitOverfull(shop, published);
    } finally {
      get.end();
    }
  }

  /** A span with more of everything than the limits of the environment allow. */
  private static void emitOverfull(Tracer shop, SpanContext link) {
    SpanBuilder builder = shop.spanBuilder("overfull");
    for (int number = 0; number < 3; number++) {
      builder.addLink(link);
    }
    Span overfull = builder.startSpan();
    for (int number = 0; number < 23; number++) {
      overfull.setAttribute(String.format("key.%02d", number), number);
    }
    for (int number = 0; number < 3; number++) {
      overfull.addEvent("event." + number);
    }
    overfull.end();
  }

  private Spans() {}
}

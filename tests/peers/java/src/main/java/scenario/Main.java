package scenario;

import io.opentelemetry.api.GlobalOpenTelemetry;

/** The scenario of tests/integration under the Java agent, which reads the OTEL_* variables. */
public final class Main {
  public static void main(String[] arguments) {
    Records records = new Records(GlobalOpenTelemetry.get());
    Spans.emit(GlobalOpenTelemetry.getTracerProvider(), records);
    records.outside();
  }

  private Main() {}
}

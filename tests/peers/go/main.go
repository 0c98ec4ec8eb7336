// The scenario of tests/integration with the Go SDK; it reads only standard OTEL_* variables.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const schemaURL = "https://example.com/schemas/1.2.3"

var explicitTime = time.Unix(1_700_000_000, 123_456_789)

// exporters are those for OTEL_EXPORTER_OTLP_PROTOCOL; the Go SDK leaves that choice to the program.
type exporters struct {
	spans   sdktrace.SpanExporter
	metrics sdkmetric.Exporter
	logs    sdklog.Exporter
}

func newExporters(ctx context.Context) (made exporters, err error) {
	var spansErr, metricsErr, logsErr error
	if os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" {
		made.spans, spansErr = otlptracegrpc.New(ctx)
		made.metrics, metricsErr = otlpmetricgrpc.New(ctx)
		made.logs, logsErr = otlploggrpc.New(ctx)
	} else {
		made.spans, spansErr = otlptracehttp.New(ctx)
		made.metrics, metricsErr = otlpmetrichttp.New(ctx)
		made.logs, logsErr = otlploghttp.New(ctx)
	}
	return made, errors.Join(spansErr, metricsErr, logsErr)
}

func run(ctx context.Context) error {
	exporters, err := newExporters(ctx)
	if err != nil {
		return err
	}
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporters.spans))
	meters := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporters.metrics)),
	)
	loggers := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(exporters.logs)),
	)
	record, err := newRecorder(meters, loggers)
	if err != nil {
		return err
	}
	emitSpans(tracers, record)
	record.outside(ctx)
	return errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx), loggers.Shutdown(ctx))
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

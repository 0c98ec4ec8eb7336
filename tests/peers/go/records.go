package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// recorder has every instrument and two loggers; it records inside a span and outside.
type recorder struct {
	orders                metric.Int64Counter
	carts                 metric.Int64UpDownCounter
	duration              metric.Float64Histogram
	basket                metric.Int64Histogram
	depth                 metric.Float64Gauge
	logger, warehouseLogs log.Logger
}

func newRecorder(meters *sdkmetric.MeterProvider, loggers *sdklog.LoggerProvider) (*recorder, error) {
	shop := meters.Meter("scenario.shop",
		metric.WithInstrumentationVersion("1.2.3"),
		metric.WithSchemaURL(schemaURL),
		metric.WithInstrumentationAttributes(scopeAttributes...))
	warehouse := meters.Meter("scenario.warehouse")
	made := &recorder{
		logger: loggers.Logger("scenario.shop",
			log.WithInstrumentationVersion("1.2.3"),
			log.WithSchemaURL(schemaURL),
			log.WithInstrumentationAttributes(scopeAttributes...)),
		warehouseLogs: loggers.Logger("scenario.warehouse"),
	}
	var errs [5]error
	made.orders, errs[0] = shop.Int64Counter("orders.placed",
		metric.WithUnit("{order}"), metric.WithDescription("Orders placed"))
	made.carts, errs[1] = shop.Int64UpDownCounter("carts.open",
		metric.WithUnit("{cart}"), metric.WithDescription("Carts open now"))
	made.duration, errs[2] = shop.Float64Histogram("checkout.duration",
		metric.WithUnit("ms"), metric.WithDescription("Time to check out"))
	made.basket, errs[3] = shop.Int64Histogram("basket.size",
		metric.WithUnit("{item}"), metric.WithDescription("Items"),
		metric.WithExplicitBucketBoundaries(1, 2, 5))
	made.depth, errs[4] = warehouse.Float64Gauge("queue.depth",
		metric.WithUnit("1"), metric.WithDescription("Share of the queue in use"))
	return made, errors.Join(append(errs[:], observe(warehouse))...)
}

func observe(meter metric.Meter) error {
	_, cpuErr := meter.Float64ObservableCounter("cpu.time",
		metric.WithUnit("s"), metric.WithDescription("Time on a core"),
		metric.WithFloat64Callback(func(_ context.Context, observer metric.Float64Observer) error {
			observer.Observe(1.5, metric.WithAttributes(attribute.String("state", "user")))
			observer.Observe(0.5, metric.WithAttributes(attribute.String("state", "system")))
			return nil
		}))
	_, workersErr := meter.Int64ObservableUpDownCounter("workers.busy",
		metric.WithUnit("{worker}"), metric.WithDescription("Workers at work"),
		metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
			observer.Observe(3)
			return nil
		}))
	_, heatErr := meter.Float64ObservableGauge("temperature",
		metric.WithUnit("Cel"), metric.WithDescription("Of the room"),
		metric.WithFloat64Callback(func(_ context.Context, observer metric.Float64Observer) error {
			observer.Observe(-4.5, metric.WithAttributes(attribute.String("room", "cellar")))
			return nil
		}))
	return errors.Join(cpuErr, workersErr, heatErr)
}

// inSpan is what is recorded while `POST /checkout` is the current span.
func (r *recorder) inSpan(ctx context.Context) {
	r.orders.Add(ctx, 2, metric.WithAttributes(attribute.String("region", "eu")))
	r.duration.Record(ctx, 7.5, metric.WithAttributes(attribute.String("http.route", "/checkout")))

	var record log.Record
	record.SetTimestamp(explicitTime)
	record.SetSeverity(log.SeverityInfo)
	record.SetSeverityText("INFO")
	record.SetBody(attribute.StringValue("order placed in a span"))
	record.AddAttributes(attribute.Int("order.id", 17))
	r.logger.Emit(ctx, record)

	var event log.Record
	event.SetTimestamp(explicitTime)
	event.SetEventName("order.placed")
	event.AddAttributes(attribute.Int("order.id", 17), attribute.Float64("order.total", 12.5))
	r.logger.Emit(ctx, event)
}

// outside is what is recorded without a span.
func (r *recorder) outside(ctx context.Context) {
	r.orders.Add(ctx, 3, metric.WithAttributes(attribute.String("region", "eu")))
	r.orders.Add(ctx, 4, metric.WithAttributes(
		attribute.String("region", "us"), attribute.Bool("vip", true)))
	r.carts.Add(ctx, 5)
	r.carts.Add(ctx, -2)
	for _, duration := range []float64{3, 120, 20_000} {
		r.duration.Record(ctx, duration,
			metric.WithAttributes(attribute.String("http.route", "/checkout")))
	}
	for _, items := range []int64{1, 2, 3, 9} {
		r.basket.Record(ctx, items)
	}
	r.depth.Record(ctx, 0.25)
	r.depth.Record(ctx, 0.5)
	for number := 1; number <= 24; number++ {
		var record log.Record
		record.SetTimestamp(explicitTime.Add(time.Duration(number)))
		record.SetSeverity(log.Severity(number))
		record.SetSeverityText(log.Severity(number).String())
		record.SetBody(attribute.StringValue(fmt.Sprintf("severity %d", number)))
		r.warehouseLogs.Emit(ctx, record)
	}
	var record log.Record
	record.SetBody(attribute.MapValue(
		attribute.Int("order", 17),
		attribute.Slice("lines",
			attribute.StringValue("a"), attribute.IntValue(1), attribute.BoolValue(false)),
		attribute.ByteSlice("raw", []byte{0x00, 0xff})))
	record.AddAttributes(everyType...)
	r.warehouseLogs.Emit(ctx, record)
}

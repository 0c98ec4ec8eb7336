package main

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var scopeAttributes = []attribute.KeyValue{attribute.String("scope.team", "checkout")}

var everyType = []attribute.KeyValue{
	attribute.String("text", "größer als 3 €"),
	attribute.String("text.empty", ""),
	attribute.Bool("flag.true", true),
	attribute.Bool("flag.false", false),
	attribute.Int("int", 42),
	attribute.Int("int.negative", -7),
	attribute.Int64("int.beyond_double", 9_007_199_254_740_993),
	attribute.Float64("double", 0.1),
	attribute.Float64("double.whole", 2.0),
	attribute.StringSlice("texts", []string{"a", "", "c"}),
	attribute.BoolSlice("flags", []bool{true, false}),
	attribute.Int64Slice("ints", []int64{1, -2, 3}),
	attribute.Float64Slice("doubles", []float64{0.5, 1.5}),
	attribute.StringSlice("texts.empty", []string{}),
	attribute.ByteSlice("bytes", []byte{0x00, 0xff, 0x10}),
	attribute.Map("map",
		attribute.Map("inner", attribute.Int("deep", 1)),
		attribute.Slice("list",
			attribute.StringValue("x"), attribute.IntValue(2), attribute.BoolValue(true))),
}

func remote() trace.SpanContext {
	state, _ := trace.ParseTraceState("vendor=1")
	traceID, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	spanID, _ := trace.SpanIDFromHex("b7ad6b7169203331")
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
}

// emitSpans makes three traces: a checkout, the order's consumption, a request from outside.
func emitSpans(tracers *sdktrace.TracerProvider, record *recorder) {
	shop := tracers.Tracer("scenario.shop",
		trace.WithInstrumentationVersion("1.2.3"),
		trace.WithSchemaURL(schemaURL),
		trace.WithInstrumentationAttributes(scopeAttributes...))
	warehouse := tracers.Tracer("scenario.warehouse")
	none := context.Background()

	ctx, root := shop.Start(none, "POST /checkout", trace.WithSpanKind(trace.SpanKindServer))
	root.SetAttributes(everyType...)
	record.inSpan(ctx)

	_, charge := shop.Start(ctx, "charge", trace.WithSpanKind(trace.SpanKindClient))
	charge.RecordError(errors.New("card declined"), trace.WithStackTrace(true))
	charge.SetStatus(codes.Error, "declined by bank")
	charge.End()

	_, reserve := warehouse.Start(ctx, "reserve stock")
	reserve.AddEvent("cache.miss", trace.WithAttributes(
		attribute.String("cache.key", "sku-1"), attribute.Int("cache.tries", 2)))
	reserve.AddEvent("reserved", trace.WithTimestamp(explicitTime))
	reserve.End()

	_, publish := shop.Start(ctx, "publish order", trace.WithSpanKind(trace.SpanKindProducer))
	publish.End()
	published := publish.SpanContext()
	root.SetStatus(codes.Ok, "")
	root.End()

	_, consume := shop.Start(none, "consume order",
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(
			trace.Link{SpanContext: published, Attributes: []attribute.KeyValue{
				attribute.String("link.reason", "queue"), attribute.Int("link.hops", 1)}},
			trace.Link{SpanContext: remote()}))
	consume.End()

	outside := trace.ContextWithRemoteSpanContext(none, remote())
	ctx, get := shop.Start(outside, "GET /stock", trace.WithSpanKind(trace.SpanKindServer))
	emitOverfull(ctx, shop, trace.Link{SpanContext: published})
	get.End()
}

// emitOverfull makes a span with more of everything than the limits of the environment allow.
func emitOverfull(ctx context.Context, shop trace.Tracer, link trace.Link) {
	_, overfull := shop.Start(ctx, "overfull", trace.WithLinks(link, link, link))
	for number := range 23 {
		overfull.SetAttributes(attribute.Int(fmt.Sprintf("key.%02d", number), number))
	}
	for number := range 3 {
		overfull.AddEvent(fmt.Sprintf("event.%d", number))
	}
	overfull.End()
}

//! Emits a little telemetry with the Rust SDK, shuts it down and exits. It reads only `OTEL_*` variables.
//!
//! The SDK leaves the choice of the transport to the program: here it follows the standard variable.
//! All else is the SDK's own, which does not read `OTEL_<S>_EXPORTER`: every signal is emitted. What
//! the SDK warns of is printed.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Link, Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Array, Context, KeyValue, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::LevelFilter;

type Failure = Box<dyn Error + Send + Sync>;

fn is_grpc() -> bool {
    std::env::var("OTEL_EXPORTER_OTLP_PROTOCOL").is_ok_and(|protocol| protocol == "grpc")
}

/// An exporter of either transport.
macro_rules! exporter {
    ($kind:ident) => {
        if is_grpc() {
            $kind::builder().with_tonic().build()
        } else {
            $kind::builder().with_http().build()
        }
    };
}

fn emit_traces() -> Result<SdkTracerProvider, Failure> {
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter!(SpanExporter)?).build();
    let tracer = provider.tracer("emitter");
    let cause = tracer.start("publish");
    let root = tracer
        .span_builder("POST /checkout")
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("url.path", "/checkout"),
            KeyValue::new("text", "gr\u{f6}\u{df}er 3 \u{20ac} \u{1f600} \u{0} \" \\"),
            KeyValue::new("text.empty", ""),
            KeyValue::new("flag.false", false),
            KeyValue::new("int.zero", 0),
            KeyValue::new("int.beyond_double", 9_007_199_254_740_993_i64),
            KeyValue::new("double", 0.1),
            KeyValue::new("double.zero", 0.0),
            KeyValue::new("double.nan", f64::NAN),
            KeyValue::new("double.infinite", f64::NEG_INFINITY),
            KeyValue::new("ints", Value::Array(vec![1_i64, -2, 0].into())),
            KeyValue::new("texts.empty", Value::Array(Array::String(vec![]))),
        ])
        .with_links(vec![Link::with_context(cause.span_context().clone())])
        .start(&tracer);
    let within = Context::current_with_span(root);
    let mut charge = tracer.start_with_context("charge", &within);
    charge.add_event("declined", vec![KeyValue::new("card.kind", "test")]);
    charge.set_status(Status::error("declined by bank"));
    charge.end();
    within.span().end();
    Ok(provider)
}

fn emit_metrics() -> Result<SdkMeterProvider, Failure> {
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter!(MetricExporter)?).build();
    let meter = provider.meter("emitter");
    meter.u64_counter("orders.placed").build().add(3, &[KeyValue::new("region", "eu")]);
    meter.f64_histogram("http.server.request.duration").with_unit("s").build().record(0.1, &[]);
    meter.u64_histogram("basket.size").build().record(0, &[]);
    meter.i64_up_down_counter("carts.open").build().add(-2, &[]);
    meter.i64_gauge("queue.length").build().record(0, &[]);
    meter.f64_gauge("queue.depth").build().record(0.0, &[]);
    Ok(provider)
}

fn emit_logs() -> Result<SdkLoggerProvider, Failure> {
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter!(LogExporter)?).build();
    let logger = provider.logger("emitter");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Info);
    record.set_severity_text("INFO");
    record.set_body(AnyValue::from("order placed"));
    record.add_attribute("order.id", 42);
    record.add_attribute("raw", AnyValue::Bytes(Box::new(vec![0xff, 0xfe, 0xfd, 0x00])));
    record.add_attribute("list", AnyValue::ListAny(Box::new(vec![AnyValue::from("a"), AnyValue::from(0)])));
    logger.emit(record);
    let mut structured = logger.create_log_record();
    structured.set_severity_number(Severity::Error);
    structured.set_body(AnyValue::Map(Box::new(HashMap::from([
        ("lines".into(), AnyValue::Int(0)),
        ("paid".into(), AnyValue::Boolean(false)),
    ]))));
    logger.emit(structured);
    Ok(provider)
}

fn main() -> Result<(), Failure> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let _entered = is_grpc().then(|| runtime.enter()); // the HTTP client blocks, and must not be within one
    let (traces, metrics, logs) = (emit_traces()?, emit_metrics()?, emit_logs()?);
    let patience = Duration::from_secs(60);
    for ended in [
        traces.shutdown_with_timeout(patience),
        metrics.shutdown_with_timeout(patience),
        logs.shutdown_with_timeout(patience),
    ] {
        if let Err(failed) = ended {
            eprintln!("{failed}"); // a refused export is no failure of the program
        }
    }
    Ok(())
}

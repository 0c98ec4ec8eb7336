// The scenario of tests/integration with the JavaScript SDK; it reads only standard OTEL_* variables.
// JavaScript has one type of number: `2.0` is the integer 2, and integers end at 2^53.
'use strict';

const {
  context, metrics, trace, SpanKind, SpanStatusCode, ValueType, createTraceState, ROOT_CONTEXT,
} = require('@opentelemetry/api');
const { logs } = require('@opentelemetry/api-logs');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { AggregationType, InstrumentType } = require('@opentelemetry/sdk-metrics');

const EXPLICIT_TIME = [1700000000, 123456789];
const SCOPE = ['scenario.shop', '1.2.3', { schemaUrl: 'https://example.com/schemas/1.2.3' }];
const EVERY_TYPE = {
  'text': 'größer als 3 €',
  'text.empty': '',
  'flag.true': true,
  'flag.false': false,
  'int': 42,
  'int.negative': -7,
  'int.beyond_double': 9007199254740991,
  'double': 0.1,
  'double.whole': 2.0,
  'texts': ['a', '', 'c'],
  'flags': [true, false],
  'ints': [1, -2, 3],
  'doubles': [0.5, 1.5],
  'texts.empty': [],
};
const EVERY_LOG_TYPE = {
  ...EVERY_TYPE,
  'bytes': new Uint8Array([0, 255, 16]),
  'map': { inner: { deep: 1 }, list: ['x', 2, true] },
};
const REMOTE = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
  traceState: createTraceState('vendor=1'),
};

// NodeSDK turns all OTEL_* variables into providers, but knows none for the kind of histogram.
function views() {
  const kind = process.env.OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION;
  if (kind !== 'base2_exponential_bucket_histogram') return [];
  const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM };
  return [{ instrumentType: InstrumentType.HISTOGRAM, aggregation }];
}

function emitSpans(record) {
  const shop = trace.getTracer(...SCOPE);
  const warehouse = trace.getTracer('scenario.warehouse');
  const root = shop.startSpan('POST /checkout', { kind: SpanKind.SERVER }, ROOT_CONTEXT);
  let published;
  context.with(trace.setSpan(ROOT_CONTEXT, root), () => {
    root.setAttributes(EVERY_TYPE);
    record.inSpan();
    shop.startActiveSpan('charge', { kind: SpanKind.CLIENT }, (span) => {
      span.recordException(new RangeError('card declined'));
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined by bank' });
      span.end();
    });
    warehouse.startActiveSpan('reserve stock', (span) => {
      span.addEvent('cache.miss', { 'cache.key': 'sku-1', 'cache.tries': 2 });
      span.addEvent('reserved', EXPLICIT_TIME);
      span.end();
    });
    shop.startActiveSpan('publish order', { kind: SpanKind.PRODUCER }, (span) => {
      published = span.spanContext();
      span.end();
    });
    root.setStatus({ code: SpanStatusCode.OK });
  });
  root.end();
  const links = [{ context: published, attributes: { 'link.reason': 'queue', 'link.hops': 1 } }, { context: REMOTE }];
  shop.startSpan('consume order', { kind: SpanKind.CONSUMER, links }, ROOT_CONTEXT).end();
  const outside = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
  shop.startActiveSpan('GET /stock', { kind: SpanKind.SERVER }, outside, (span) => {
    emitOverfull(shop, { context: published });
    span.end();
  });
}

function emitOverfull(shop, link) {
  shop.startActiveSpan('overfull', { links: [link, link, link] }, (span) => {
    for (let number = 0; number < 23; number += 1) {
      span.setAttribute(`key.${String(number).padStart(2, '0')}`, number);
    }
    for (let number = 0; number < 3; number += 1) span.addEvent(`event.${number}`);
    span.end();
  });
}

class Recorder {
  constructor() {
    const shop = metrics.getMeter(...SCOPE);
    const warehouse = metrics.getMeter('scenario.warehouse');
    const valueType = ValueType.INT;
    this.orders = shop.createCounter('orders.placed', { unit: '{order}', description: 'Orders placed', valueType });
    this.carts = shop.createUpDownCounter('carts.open', { unit: '{cart}', description: 'Carts open now', valueType });
    this.duration = shop.createHistogram('checkout.duration', { unit: 'ms', description: 'Time to check out' });
    this.basket = shop.createHistogram('basket.size', {
      unit: '{item}',
      description: 'Items',
      valueType,
      advice: { explicitBucketBoundaries: [1, 2, 5] },
    });
    this.depth = warehouse.createGauge('queue.depth', { unit: '1', description: 'Share of the queue in use' });
    warehouse
      .createObservableCounter('cpu.time', { unit: 's', description: 'Time on a core' })
      .addCallback((result) => {
        result.observe(1.5, { state: 'user' });
        result.observe(0.5, { state: 'system' });
      });
    warehouse
      .createObservableUpDownCounter('workers.busy', { unit: '{worker}', description: 'Workers at work', valueType })
      .addCallback((result) => result.observe(3));
    warehouse
      .createObservableGauge('temperature', { unit: 'Cel', description: 'Of the room' })
      .addCallback((result) => result.observe(-4.5, { room: 'cellar' }));
    this.logger = logs.getLogger(...SCOPE);
    this.otherLogger = logs.getLogger('scenario.warehouse');
  }

  inSpan() {
    this.orders.add(2, { region: 'eu' });
    this.duration.record(7.5, { 'http.route': '/checkout' });
    this.logger.emit({
      timestamp: EXPLICIT_TIME,
      severityNumber: 9,
      severityText: 'INFO',
      body: 'order placed in a span',
      attributes: { 'order.id': 17 },
    });
    this.logger.emit({
      timestamp: EXPLICIT_TIME,
      eventName: 'order.placed',
      attributes: { 'order.id': 17, 'order.total': 12.5 },
    });
  }

  outside() {
    this.orders.add(3, { region: 'eu' });
    this.orders.add(4, { region: 'us', vip: true });
    this.carts.add(5);
    this.carts.add(-2);
    for (const duration of [3, 120, 20000]) this.duration.record(duration, { 'http.route': '/checkout' });
    for (const items of [1, 2, 3, 9]) this.basket.record(items);
    this.depth.record(0.25);
    this.depth.record(0.5);
    const names = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
    for (let number = 1; number <= 24; number += 1) {
      const step = (number - 1) % 4;
      this.otherLogger.emit({
        timestamp: [EXPLICIT_TIME[0], EXPLICIT_TIME[1] + number],
        severityNumber: number,
        severityText: names[Math.floor((number - 1) / 4)] + (step ? step + 1 : ''),
        body: `severity ${number}`,
      });
    }
    const body = { order: 17, lines: ['a', 1, false], raw: new Uint8Array([0, 255]) };
    this.otherLogger.emit({ body, attributes: EVERY_LOG_TYPE });
  }
}

async function main() {
  const sdk = new NodeSDK({ instrumentations: [], views: views() });
  sdk.start();
  const record = new Recorder();
  emitSpans(record);
  record.outside();
  await sdk.shutdown();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

"""Metric data points: generated messages to the model and back (metrics.proto)."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Exemplar as ExemplarMessage,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from otlptest.errors import UsageError
from otlptest.model import (
    AggregationTemporality,
    Buckets,
    DataPoint,
    Exemplar,
    ExponentialHistogramPoint,
    HistogramPoint,
    MetricIdentity,
    MetricType,
    NumberPoint,
    QuantileValue,
    Request,
    Resource,
    Scope,
    SummaryPoint,
)
from otlptest.wire.otlp.grouping import ScopeEntries, writing, written_id
from otlptest.wire.otlp.otlp_values import (
    attributes_from_message,
    attributes_into_message,
    resource_from_message,
    scope_from_message,
)

_TYPES: Final[dict[str | None, MetricType]] = {kind.value: kind for kind in MetricType}
_TEMPORALITIES: Final[dict[int, AggregationTemporality]] = {
    temporality.value: temporality for temporality in AggregationTemporality
}
_WITH_TEMPORALITY: Final = frozenset(
    {MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM}
)


def identity_from_message(message: Metric, resource: Resource, scope: Scope) -> MetricIdentity:
    """Return the metric of the points; `type` is NONE if no data is set."""
    kind = _TYPES.get(message.WhichOneof("data"), MetricType.NONE)
    data: Any = getattr(message, kind.value, None)
    temporality: AggregationTemporality | int | None = None
    if kind in _WITH_TEMPORALITY:
        number = data.aggregation_temporality
        temporality = _TEMPORALITIES.get(number, number)
    return MetricIdentity(
        resource=resource,
        scope=scope,
        name=message.name,
        unit=message.unit,
        type=kind,
        temporality=temporality,
        is_monotonic=data.is_monotonic if kind is MetricType.SUM else None,
        description=message.description,
    )


def points_from_message(
    message: Metric,
    resource: Resource,
    scope: Scope,
    request: Request | None = None,
    *,
    exporter: str | None = None,
) -> Iterator[DataPoint]:
    """Yield every data point of a metric, in its order.

    Args:
        message: One metric.
        resource: Of its envelope, shared between metrics.
        scope: Of its envelope, shared between metrics.
        request: Its request.
        exporter: See `NumberPoint.exporter`.
    """
    identity = identity_from_message(message, resource, scope)
    if identity.type is MetricType.NONE:
        return
    read = _POINT_READERS[identity.type]
    for point in getattr(message, identity.type.value).data_points:
        yield read(
            point,
            metric=identity,
            attributes=attributes_from_message(point.attributes),
            start_time_unix_nano=point.start_time_unix_nano,
            time_unix_nano=point.time_unix_nano,
            flags=point.flags,
            exporter=exporter,
            request=request,
        )


def points_from_request(
    message: ExportMetricsServiceRequest, request: Request | None = None
) -> Iterator[DataPoint]:
    """Yield every data point of a request, in its order."""
    for envelope in message.resource_metrics:
        resource = resource_from_message(envelope.resource, envelope.schema_url)
        for entry in envelope.scope_metrics:
            scope = scope_from_message(entry.scope, entry.schema_url)
            for metric in entry.metrics:
                yield from points_from_message(metric, resource, scope, request)


def request_from_points(points: Iterable[DataPoint]) -> ExportMetricsServiceRequest:
    """Return a request with these points, grouped by resource, scope and metric.

    Raises:
        UsageError: A point has no metric type, an id that is not hex, or a value out of OTLP's
            range.
    """
    request = ExportMetricsServiceRequest()
    entries = ScopeEntries("metrics", request)
    metrics: dict[Any, Any] = {}
    for point in points:
        identity = point.metric
        resource = identity.resource
        key = (
            identity,
            identity.description,
            resource.schema_url,
            resource.dropped_attributes_count,
        )
        metric = metrics.get(key)
        if metric is None:
            metric = entries.of(resource, identity.scope).metrics.add()
            _identity_into_message(identity, metric)
            metrics[key] = metric
        with writing(f"a point of {identity.name!r}"):
            point_into_message(point, getattr(metric, identity.type.value).data_points.add())
    return request


def _identity_into_message(identity: MetricIdentity, message: Any) -> None:  # noqa: ANN401 -- its enum fields take open numbers
    """Write all of a metric but its points.

    Raises:
        UsageError: It has no type.
    """
    if identity.type is MetricType.NONE:
        raise UsageError(
            f"the metric {identity.name!r} has no type", "set MetricIdentity.type, e.g. to SUM"
        )
    message.name = identity.name
    message.unit = identity.unit
    message.description = identity.description
    data = getattr(message, identity.type.value)
    data.SetInParent()
    if identity.type in _WITH_TEMPORALITY:
        data.aggregation_temporality = identity.temporality or 0
    if identity.type is MetricType.SUM:
        data.is_monotonic = bool(identity.is_monotonic)


def _number_point(message: NumberDataPoint, **common: Any) -> NumberPoint:  # noqa: ANN401 -- the fields that all points share
    member: str | None = message.WhichOneof("value")
    return NumberPoint(
        value=None if member is None else getattr(message, member),
        exemplars=tuple(map(_exemplar, message.exemplars)),
        **common,
    )


def _histogram_point(message: HistogramDataPoint, **common: Any) -> HistogramPoint:  # noqa: ANN401 -- the fields that all points share
    return HistogramPoint(
        count=message.count,
        sum=message.sum if message.HasField("sum") else None,
        bucket_counts=tuple(message.bucket_counts),
        explicit_bounds=tuple(message.explicit_bounds),
        min=message.min if message.HasField("min") else None,
        max=message.max if message.HasField("max") else None,
        exemplars=tuple(map(_exemplar, message.exemplars)),
        **common,
    )


def _exponential_point(
    message: ExponentialHistogramDataPoint,
    **common: Any,  # noqa: ANN401 -- the fields that all points share
) -> ExponentialHistogramPoint:
    return ExponentialHistogramPoint(
        count=message.count,
        sum=message.sum if message.HasField("sum") else None,
        scale=message.scale,
        zero_count=message.zero_count,
        zero_threshold=message.zero_threshold,
        positive=_buckets(message.positive),
        negative=_buckets(message.negative),
        min=message.min if message.HasField("min") else None,
        max=message.max if message.HasField("max") else None,
        exemplars=tuple(map(_exemplar, message.exemplars)),
        **common,
    )


def _summary_point(message: SummaryDataPoint, **common: Any) -> SummaryPoint:  # noqa: ANN401 -- the fields that all points share
    return SummaryPoint(
        count=message.count,
        sum=message.sum,
        quantile_values=tuple(
            QuantileValue(quantile=item.quantile, value=item.value)
            for item in message.quantile_values
        ),
        **common,
    )


_POINT_READERS: Final[dict[MetricType, Any]] = {
    MetricType.GAUGE: _number_point,
    MetricType.SUM: _number_point,
    MetricType.HISTOGRAM: _histogram_point,
    MetricType.EXPONENTIAL_HISTOGRAM: _exponential_point,
    MetricType.SUMMARY: _summary_point,
}


def _buckets(message: ExponentialHistogramDataPoint.Buckets) -> Buckets:
    return Buckets(offset=message.offset, bucket_counts=tuple(message.bucket_counts))


def _exemplar(message: ExemplarMessage) -> Exemplar:
    member: str | None = message.WhichOneof("value")
    return Exemplar(
        filtered_attributes=attributes_from_message(message.filtered_attributes),
        time_unix_nano=message.time_unix_nano,
        value=None if member is None else getattr(message, member),
        trace_id=message.trace_id.hex() or None,
        span_id=message.span_id.hex() or None,
    )


def point_into_message(point: DataPoint, message: Any) -> None:  # noqa: ANN401 -- the message of any kind of point
    """Write all of a point but its metric.

    Raises:
        UsageError: It has an id that is not hex, or a value that OTLP does not have.
    """
    attributes_into_message(point.attributes, message.attributes)
    message.start_time_unix_nano = point.start_time_unix_nano
    message.time_unix_nano = point.time_unix_nano
    message.flags = point.flags
    _POINT_WRITERS[type(point)](point, message)


def _write_number_point(point: NumberPoint, message: NumberDataPoint) -> None:
    _write_number(point.value, message)
    _write_exemplars(point.exemplars, message)


def _write_histogram(point: HistogramPoint, message: HistogramDataPoint) -> None:
    message.count = point.count
    _write_optional(point, message)
    message.bucket_counts.extend(point.bucket_counts)
    message.explicit_bounds.extend(point.explicit_bounds)
    _write_exemplars(point.exemplars, message)


def _write_exponential(
    point: ExponentialHistogramPoint, message: ExponentialHistogramDataPoint
) -> None:
    message.count = point.count
    _write_optional(point, message)
    message.scale = point.scale
    message.zero_count = point.zero_count
    message.zero_threshold = point.zero_threshold
    for side, buckets in (
        (message.positive, point.positive),
        (message.negative, point.negative),
    ):
        if buckets != Buckets():
            side.offset = buckets.offset
            side.bucket_counts.extend(buckets.bucket_counts)
    _write_exemplars(point.exemplars, message)


def _write_summary(point: SummaryPoint, message: SummaryDataPoint) -> None:
    message.count = point.count
    message.sum = point.sum
    for item in point.quantile_values:
        message.quantile_values.add(quantile=item.quantile, value=item.value)


_POINT_WRITERS: Final[dict[type, Any]] = {
    NumberPoint: _write_number_point,
    HistogramPoint: _write_histogram,
    ExponentialHistogramPoint: _write_exponential,
    SummaryPoint: _write_summary,
}


def _write_optional(point: HistogramPoint | ExponentialHistogramPoint, message: Any) -> None:  # noqa: ANN401 -- of either kind
    for name in ("sum", "min", "max"):
        value = getattr(point, name)
        if value is not None:
            setattr(message, name, value)


def _write_exemplars(exemplars: Iterable[Exemplar], message: Any) -> None:  # noqa: ANN401 -- of any kind of point
    for exemplar in exemplars:
        _write_exemplar(exemplar, message.exemplars.add())


def _write_exemplar(exemplar: Exemplar, message: ExemplarMessage) -> None:
    attributes_into_message(exemplar.filtered_attributes, message.filtered_attributes)
    message.time_unix_nano = exemplar.time_unix_nano
    _write_number(exemplar.value, message)
    message.trace_id = written_id(exemplar.trace_id)
    message.span_id = written_id(exemplar.span_id)


def _write_number(value: object, message: Any) -> None:  # noqa: ANN401 -- a point's message or an exemplar's
    if isinstance(value, float):
        message.as_double = value
    elif value is not None:
        message.as_int = value

"""Hypothesis strategies for model items, as wide as OTLP is."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.model import (
    AggregationTemporality,
    Attributes,
    Buckets,
    DataPoint,
    Exemplar,
    ExponentialHistogramPoint,
    Frame,
    HistogramPoint,
    Link,
    LogRecord,
    MetricIdentity,
    MetricType,
    NumberPoint,
    Profile,
    QuantileValue,
    Resource,
    Sample,
    Scope,
    Severity,
    Span,
    SpanEvent,
    SpanKind,
    Status,
    StatusCode,
    SummaryPoint,
    ValueType,
)

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
UINT32 = st.integers(0, 2**32 - 1)
INT32 = st.integers(-(2**31), 2**31 - 1)
FLOAT = st.floats(allow_nan=False)


def hex_id(size: int) -> SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).map(bytes.hex)


TRACE_ID, SPAN_ID = hex_id(16), hex_id(8)
LEAVES = st.none() | st.booleans() | INT64 | FLOAT | TEXT | st.binary(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3).map(Attributes)
    ),
    max_leaves=5,
)
ATTRIBUTES = st.dictionaries(TEXT, VALUES | st.just(float("nan")), max_size=3).map(Attributes)
RESOURCES = st.builds(
    lambda items, url, dropped: Resource(items, schema_url=url, dropped_attributes_count=dropped),
    ATTRIBUTES,
    TEXT,
    UINT32,
)
SCOPES = st.builds(
    Scope,
    name=TEXT,
    version=TEXT,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    schema_url=TEXT,
)
SPANS = st.builds(
    Span,
    trace_id=TRACE_ID | st.just(""),
    span_id=SPAN_ID | st.just(""),
    trace_state=TEXT,
    parent_span_id=st.none() | SPAN_ID,
    flags=UINT32,
    name=TEXT,
    kind=st.sampled_from(SpanKind) | st.integers(6, 2**31 - 1),
    start_time_unix_nano=UINT64,
    end_time_unix_nano=UINT64,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    events=st.lists(
        st.builds(
            SpanEvent,
            name=TEXT,
            time_unix_nano=UINT64,
            attributes=ATTRIBUTES,
            dropped_attributes_count=UINT32,
        ),
        max_size=2,
    ).map(tuple),
    dropped_events_count=UINT32,
    links=st.lists(
        st.builds(
            Link,
            trace_id=TRACE_ID,
            span_id=SPAN_ID,
            trace_state=TEXT,
            attributes=ATTRIBUTES,
            dropped_attributes_count=UINT32,
            flags=UINT32,
        ),
        max_size=2,
    ).map(tuple),
    dropped_links_count=UINT32,
    status=st.builds(Status, code=st.sampled_from(StatusCode) | INT32, message=TEXT),
    resource=RESOURCES,
    scope=SCOPES,
    exporter=st.none(),
    request=st.none(),
    has_outside_parent=st.just(value=False),
)
LOGS = st.builds(
    LogRecord,
    time_unix_nano=UINT64,
    observed_time_unix_nano=UINT64,
    severity_number=st.sampled_from(Severity) | st.integers(25, 2**31 - 1),
    severity_text=TEXT,
    body=VALUES,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    flags=UINT32,
    trace_id=st.none() | TRACE_ID,
    span_id=st.none() | SPAN_ID,
    event_name=TEXT,
    resource=RESOURCES,
    scope=SCOPES,
    exporter=st.none(),
    request=st.none(),
)
EXEMPLARS = st.lists(
    st.builds(
        Exemplar,
        filtered_attributes=ATTRIBUTES,
        time_unix_nano=UINT64,
        value=st.none() | INT64 | FLOAT,
        trace_id=st.none() | TRACE_ID,
        span_id=st.none() | SPAN_ID,
    ),
    max_size=2,
).map(tuple)
BUCKETS = st.builds(Buckets, offset=INT32, bucket_counts=st.lists(UINT64, max_size=3).map(tuple))
OPTIONAL = st.none() | FLOAT


def identities(*kinds: MetricType) -> SearchStrategy[MetricIdentity]:
    kind = st.sampled_from(kinds)
    return kind.flatmap(
        lambda chosen: st.builds(
            MetricIdentity,
            resource=RESOURCES,
            scope=SCOPES,
            name=TEXT,
            unit=TEXT,
            type=st.just(chosen),
            temporality=st.sampled_from(AggregationTemporality)
            if chosen in {MetricType.SUM, MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM}
            else st.none(),
            is_monotonic=st.booleans() if chosen is MetricType.SUM else st.none(),
            description=TEXT,
        )
    )


COMMON = {
    "attributes": ATTRIBUTES,
    "start_time_unix_nano": UINT64,
    "time_unix_nano": UINT64,
    "flags": UINT32,
    "exporter": st.none(),
    "request": st.none(),
}
POINTS: SearchStrategy[DataPoint] = st.one_of(
    st.builds(
        NumberPoint,
        metric=identities(MetricType.GAUGE, MetricType.SUM),
        value=st.none() | INT64 | FLOAT,
        exemplars=EXEMPLARS,
        **COMMON,
    ),
    st.builds(
        HistogramPoint,
        metric=identities(MetricType.HISTOGRAM),
        count=UINT64,
        sum=OPTIONAL,
        bucket_counts=st.lists(UINT64, max_size=3).map(tuple),
        explicit_bounds=st.lists(FLOAT, max_size=3).map(tuple),
        min=OPTIONAL,
        max=OPTIONAL,
        exemplars=EXEMPLARS,
        **COMMON,
    ),
    st.builds(
        ExponentialHistogramPoint,
        metric=identities(MetricType.EXPONENTIAL_HISTOGRAM),
        count=UINT64,
        sum=OPTIONAL,
        scale=INT32,
        zero_count=UINT64,
        zero_threshold=FLOAT,
        positive=BUCKETS,
        negative=BUCKETS,
        min=OPTIONAL,
        max=OPTIONAL,
        exemplars=EXEMPLARS,
        **COMMON,
    ),
    st.builds(
        SummaryPoint,
        metric=identities(MetricType.SUMMARY),
        count=UINT64,
        sum=FLOAT,
        quantile_values=st.lists(
            st.builds(QuantileValue, quantile=FLOAT, value=FLOAT), max_size=2
        ).map(tuple),
        **COMMON,
    ),
)
FRAMES = st.builds(
    Frame,
    function=TEXT,
    system_name=TEXT,
    filename=TEXT,
    line=INT64,
    column=INT64,
    address=UINT64,
    mapping=TEXT,
)
VALUE_TYPES = st.builds(ValueType, type=TEXT, unit=TEXT)
PROFILES = st.builds(
    Profile,
    profile_id=st.none() | TRACE_ID,
    sample_type=VALUE_TYPES,
    samples=st.lists(
        st.builds(
            Sample,
            stack=st.lists(FRAMES, max_size=3).map(tuple),
            values=st.lists(INT64, max_size=2).map(tuple),
            timestamps_unix_nano=st.lists(UINT64, max_size=2).map(tuple),
            attributes=ATTRIBUTES,
            trace_id=st.none() | TRACE_ID,
            span_id=st.none() | SPAN_ID,
        ),
        max_size=2,
    ).map(tuple),
    time_unix_nano=UINT64,
    duration_nano=UINT64,
    period_type=VALUE_TYPES,
    period=INT64,
    attributes=ATTRIBUTES,
    dropped_attributes_count=UINT32,
    original_payload_format=TEXT,
    original_payload=st.binary(max_size=8),
    resource=RESOURCES,
    scope=SCOPES,
    exporter=st.none(),
    request=st.none(),
)
ITEMS = {"traces": SPANS, "metrics": POINTS, "logs": LOGS, "profiles": PROFILES}

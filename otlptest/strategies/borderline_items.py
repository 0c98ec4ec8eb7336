"""Borderline data of each signal: spans, metrics, log records and profiles.

A change gets the first item of a request and returns the requirement, the oddity, and the reaction
demanded of a receiver.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from otlptest.model import Signal
from otlptest.strategies.drawing import Draw, new, pick, upto
from otlptest.strategies.mutations import Expected

_Change: TypeAlias = Callable[[Draw, Any], tuple[str, str, Expected]]

_TIMES: Final = (0, 1, 2**63 - 1, 2**63, 2**64 - 1)
_COUNTS: Final = (2**32, 2**63, 2**64 - 1)
_IDS: Final = (b"", bytes(16), b"\x01" * 8, b"\x01" * 15, b"\x01" * 17, b"\x01" * 32)
_NO_SPAN_IDS: Final = (b"", bytes(8), b"\x01" * 7, b"\x01" * 9, b"\x01" * 16)
_NO_ENUM: Final = (99, -1, 2**31 - 1, -(2**31))
_CUMULATIVE: Final = 2
_EXTREMES: Final = (2**31 - 1, -(2**31))


def _span_ids(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    field = pick(draw, ("trace_id", "span_id", "parent_span_id"))
    value = pick(draw, _IDS if field == "trace_id" else _NO_SPAN_IDS)
    if field == "parent_span_id" and not value:
        value = bytes(8)
    setattr(span, field, value)
    return "OTLP-TRACE-044", f"a {field} of {value.hex() or 'no bytes'}", "may_refuse"


def _span_times(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    if upto(draw, 1):
        start = span.start_time_unix_nano
        span.end_time_unix_nano = start - 1 - upto(draw, 1) * 10**9
        return "OTLP-TRACE-017", "an end before the start", "may_refuse"
    span.start_time_unix_nano, span.end_time_unix_nano = pick(draw, _TIMES), pick(draw, _TIMES)
    times = f"{span.start_time_unix_nano} to {span.end_time_unix_nano}"
    return "OTLP-SRV-015", f"the times {times}", "may_refuse"


def _span_kind(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    if upto(draw, 1):
        span.kind = 0
        return "OTLP-TRACE-012", "a span of the kind UNSPECIFIED", "must_accept"
    span.kind = pick(draw, _NO_ENUM)
    return "OTLP-SRV-014", f"the kind {span.kind}", "may_refuse"


def _span_flags(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    span.flags = pick(draw, (0x80000301, 0xFFFFFFFF, 0x400))
    return "OTLP-TRACE-033", f"the flags {span.flags:#x}", "must_accept"


def _span_state(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    if upto(draw, 1):
        span.trace_state = pick(draw, ("a", "a=1,a=2", "=", "a=" + "x" * 300, "ü=1"))
        return "OTLP-SRV-014", f"the trace state {span.trace_state[:20]!r}", "may_refuse"
    span.status.code = pick(draw, _NO_ENUM)
    return "OTLP-SRV-014", f"the status code {span.status.code}", "may_refuse"


def _empty_item(_draw: Draw, item: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    item.Clear()
    return "OTLP-SRV-014", "an item without any field", "may_refuse"


def _span_name(draw: Draw, span: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    span.name = pick(draw, ("", "n" * 65_536))
    return "OTLP-SRV-014", f"a name of {len(span.name)} characters", "may_refuse"


def _metric_shape(draw: Draw, metric: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    kind = pick(draw, ("no data", "no points", "no name", "no temporality", "odd temporality"))
    data = metric.WhichOneof("data")
    if kind == "no data":
        metric.ClearField(data)
    elif kind == "no points":
        del getattr(metric, data).data_points[:]
        return "OTLP-RESP-007", "a metric without points", "must_accept"
    elif kind == "no name":
        metric.name = ""
    else:
        temporality = 0 if kind == "no temporality" else pick(draw, _NO_ENUM)
        _only_point(metric, "sum", temporality=temporality).as_int = 1
    return "OTLP-METRIC-062", f"a metric with {kind}", "may_refuse"


def _number_point(draw: Draw, metric: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    point = _only_point(metric, "gauge")
    kind = pick(draw, ("no value", "nan", "infinity", "time 0", "odd times", "flags"))
    if kind == "no value":
        return "OTLP-METRIC-062", "a point without a value", "may_refuse"
    point.as_int = 1
    if kind == "nan":
        point.as_double = float("nan")
    elif kind == "infinity":
        point.as_double = pick(draw, (float("inf"), float("-inf")))
    elif kind == "time 0":
        point.time_unix_nano = 0
        return "OTLP-METRIC-008", "a point at the time 0", "may_refuse"
    elif kind == "odd times":
        point.start_time_unix_nano, point.time_unix_nano = pick(draw, _TIMES), pick(draw, _TIMES)
    else:
        point.flags = 0xFFFFFFFF
    return "OTLP-SRV-015", f"a point with {kind}", "may_refuse"


def _only_point(metric: Any, kind: str, *, temporality: int = 0) -> Any:  # noqa: ANN401 -- a generated message
    """Return a new point that replaces all others, with the times and series of the first.

    A store that refuses points older than the last of their series refuses the plain one as well.
    """
    data = metric.WhichOneof("data")
    (first, *_) = getattr(metric, data).data_points
    attributes = list(first.attributes)
    start, at = first.start_time_unix_nano, first.time_unix_nano
    metric.ClearField(data)
    holder = getattr(metric, kind)
    if temporality:
        holder.aggregation_temporality = temporality
    point = holder.data_points.add(start_time_unix_nano=start, time_unix_nano=at)
    point.attributes.extend(attributes)
    return point


def _histogram_point(draw: Draw, metric: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    point = _only_point(metric, "histogram", temporality=_CUMULATIVE)
    kind = pick(draw, ("no buckets", "bounds", "order", "nan bounds", "counts", "huge counts"))
    point.count, point.sum = 3, 6.0
    if kind == "no buckets":
        return "OTLP-METRIC-030", "a histogram without buckets", "must_accept"
    point.bucket_counts.extend([1, 2])
    point.explicit_bounds.append(1.0)
    if kind == "bounds":
        point.explicit_bounds.append(2.0)
    elif kind == "order":
        point.explicit_bounds.append(0.5)
        point.bucket_counts.append(0)
    elif kind == "nan bounds":
        point.explicit_bounds[0] = float("nan")
    elif kind == "counts":
        point.count = 7
    else:
        point.count = point.bucket_counts[0] = pick(draw, _COUNTS)
        return "OTLP-SRV-015", f"a count of {point.count}", "may_refuse"
    return "OTLP-METRIC-062", f"a histogram with wrong {kind}", "may_refuse"


def _exponential_point(draw: Draw, metric: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    point = _only_point(metric, "exponential_histogram", temporality=_CUMULATIVE)
    point.count = 1
    point.positive.bucket_counts.append(1)
    kind = pick(draw, ("scale", "offset", "bounds", "buckets", "counts"))
    if kind == "scale":
        point.scale = pick(draw, _EXTREMES)
    elif kind == "offset":
        point.positive.offset = pick(draw, _EXTREMES)
    elif kind == "bounds":
        point.scale, point.positive.offset = pick(draw, ((20, 2**30), (-10, 10)))
        return "OTLP-METRIC-037", "bucket bounds that no double holds", "may_refuse"
    elif kind == "buckets":
        point.positive.bucket_counts.extend([0] * 20_000)
    else:
        point.count = point.positive.bucket_counts[0] = pick(draw, _COUNTS)
    return "OTLP-SRV-015", f"an exponential histogram with extreme {kind}", "may_refuse"


def _log_severity(draw: Draw, record: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    if upto(draw, 1):
        number, text = pick(draw, ((0, "ERROR"), (17, ""), (9, "FATAL"), (1, "\x00")))
        record.severity_number, record.severity_text = number, text
        return "OTLP-LOG-006", f"the severity {number} with the text {text!r}", "must_accept"
    record.severity_number = pick(draw, (25, *_NO_ENUM))
    return "OTLP-LOG-007", f"the severity {record.severity_number}", "may_refuse"


def _log_times(draw: Draw, record: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    record.time_unix_nano, record.observed_time_unix_nano = pick(draw, _TIMES), pick(draw, _TIMES)
    if not record.time_unix_nano and not record.observed_time_unix_nano:
        return "OTLP-LOG-014", "both times 0", "must_accept"
    times = f"{record.time_unix_nano} and {record.observed_time_unix_nano}"
    return "OTLP-SRV-015", f"the times {times}", "may_refuse"


def _log_ids(draw: Draw, record: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    record.trace_id, record.span_id = pick(draw, _IDS), pick(draw, (b"\x01" * 8, *_NO_SPAN_IDS))
    return "OTLP-LOG-018", "ids of other lengths, or of zeros", "may_refuse"


def _log_rest(draw: Draw, record: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    kind = pick(draw, ("flags", "body", "empty body", "text"))
    if kind == "flags":
        record.flags = 0xFFFFFF01
        return "OTLP-LOG-022", "flags whose high bits are set", "must_accept"
    record.ClearField("body")
    if kind == "body":
        return "OTLP-LOG-024", "no body", "must_accept"
    if kind == "empty body":
        record.body.SetInParent()
        return "OTLP-LOG-024", "an empty body", "must_accept"
    record.body.string_value = pick(draw, ("a\nb\r\n", "\x00", "\x1b[31m", "v" * 262_144))
    return "OTLP-LOG-039", f"the body {record.body.string_value[:10]!r}", "must_accept"


def _log_minimal(_draw: Draw, record: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    record.Clear()
    return "OTLP-LOG-038", "a record without any field", "must_accept"


def _profile_indexes(draw: Draw, profile: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    index = pick(draw, (1000, -1, *_EXTREMES))
    field = pick(draw, ("stack_index", "link_index", "attribute_indices"))
    sample = new("profiles", "Sample", values=[1])
    if field == "attribute_indices":
        sample.attribute_indices.append(index)
    else:
        setattr(sample, field, index)
    profile.samples.append(sample)
    return "OTLP-PROF-032", f"the {field} {index}", "may_refuse"


def _profile_type(draw: Draw, profile: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    profile.sample_type.type_strindex = pick(draw, (1000, -1, *_EXTREMES))
    return "OTLP-PROF-032", "a sample type beyond its table", "may_refuse"


def _profile_minimal(_draw: Draw, profile: Any) -> tuple[str, str, Expected]:  # noqa: ANN401 -- a generated message
    profile.Clear()
    return "OTLP-PROF-031", "a profile without any field", "must_accept"


ITEM_ODDITIES: Final[Mapping[Signal, tuple[_Change, ...]]] = MappingProxyType(
    {
        "traces": (
            _span_ids,
            _span_times,
            _span_kind,
            _span_flags,
            _span_state,
            _span_name,
            _empty_item,
        ),
        "metrics": (
            _metric_shape,
            _number_point,
            _histogram_point,
            _exponential_point,
            _empty_item,
        ),
        "logs": (_log_severity, _log_times, _log_ids, _log_rest, _log_minimal),
        "profiles": (_profile_indexes, _profile_type, _profile_minimal),
    }
)
"""Changes of one item, for each signal."""

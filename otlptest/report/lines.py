"""One received item on one line, for a tail: its kind, producer and content."""

from datetime import UTC, datetime

from otlptest.model import (
    Attributes,
    DataPoint,
    ExponentialHistogramPoint,
    HistogramPoint,
    LogRecord,
    NumberPoint,
    Problem,
    Profile,
    Request,
    Severity,
    Span,
    StatusCode,
    SummaryPoint,
)
from otlptest.report.plain_text import cut, one_line

KEY_ATTRIBUTES = (
    "error.type",
    "http.response.status_code",
    "http.route",
    "db.system.name",
    "db.collection.name",
    "rpc.method",
    "messaging.destination.name",
    "server.address",
)
"""Attributes that are shown first: they say most about a span."""

_SHOWN_ATTRIBUTES = 6


def item_line(
    item: Span | DataPoint | LogRecord | Profile, *, at_unix_nano: int, width: int | None = None
) -> str:
    """Return one item as `time kind service: what`, in at most `width` columns (None: unlimited).

    Args:
        item: The received item.
        at_unix_nano: The time to show; the tail shows the arrival.
        width: Columns to fit into.
    """
    match item:
        case Span():
            kind, service, said = "span", item.service, _span(item)
        case LogRecord():
            kind, service, said = "log", item.service, _log(item)
        case Profile():
            kind, service, said = "profile", item.service, _profile(item)
        case _:
            kind, service, said = "metric", item.metric.service, _point(item)
    who = one_line(service or "(no service)")
    return cut(f"{clock_time(at_unix_nano)} {kind:<7} {who}: {said}", width)


def problem_line(problem: Problem, *, at_unix_nano: int, width: int | None = None) -> str:
    """Return one problem as a line of the same shape."""
    place = f" (at {problem.place})" if problem.place else ""
    said = one_line(f"{problem.kind}: {problem.message}{place} [{problem.rule}]")
    return cut(f"{clock_time(at_unix_nano)} problem {said}", width)


def fault_line(request: Request, *, at_unix_nano: int, width: int | None = None) -> str:
    """Return one request that a planned fault answered, as a line of the same shape."""
    fate = "not received" if request.is_discarded else "received"
    said = one_line(f"{request.signal} {fate}: {request.reply_fault}, over {request.protocol}")
    return cut(f"{clock_time(at_unix_nano)} fault {said}", width)


def clock_time(unix_nano: int) -> str:
    """Return the time of day in UTC, to the millisecond; `--:--:--.---` for no time."""
    if unix_nano <= 0:
        return "--:--:--.---"
    moment = datetime.fromtimestamp(unix_nano // 1_000_000 / 1000, UTC)
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def attributes_text(attributes: Attributes, *, limit: int = _SHOWN_ATTRIBUTES) -> str:
    """Return at most `limit` attributes as `key=value` pairs, the most informative first."""
    first = [key for key in KEY_ATTRIBUTES if key in attributes]
    keys = first + [key for key in attributes if key not in first]
    shown = [f"{one_line(key)}={one_line(attributes[key])}" for key in keys[:limit]]
    if len(keys) > limit:
        shown.append(f"(+{len(keys) - limit})")
    return " ".join(shown)


def _span(span: Span) -> str:
    code = span.status.code
    status = code.name if isinstance(code, StatusCode) else f"status {code}"
    if span.status.message:
        status += f" ({one_line(span.status.message)})"
    duration = f"{span.duration_ms:.1f} ms" if span.end_time_unix_nano else "no end"
    said = f"{one_line(span.name)}  {duration}  {status}"
    return _with_attributes(said, span.attributes)


def _log(record: LogRecord) -> str:
    event = f"[{one_line(record.event_name)}] " if record.event_name else ""
    said = f"{severity_name(record)}  {event}{log_body(record)}"
    if record.trace_id:
        said += f"  trace={record.trace_id}"
    return _with_attributes(said, record.attributes)


def severity_name(record: LogRecord) -> str:
    """Return its severity as OTLP names it, else its own text, else the number."""
    number = record.severity_number
    if isinstance(number, Severity) and number is not Severity.UNSPECIFIED:
        return number.name
    return one_line(record.severity_text) or (str(int(number)) if number else "-")


def log_body(record: LogRecord) -> str:
    """Return the body on one line; empty if there is none."""
    return "" if record.body is None else one_line(record.body)


def _point(point: DataPoint) -> str:
    metric = point.metric
    said = f"{one_line(metric.name)}  {point_value(point)}  {metric.type.value}"
    return _with_attributes(said, point.attributes)


def point_value(point: DataPoint) -> str:
    """Return the value of a data point, with its unit."""
    unit = f" {one_line(point.metric.unit)}" if point.metric.unit else ""
    match point:
        case _ if point.has_no_recorded_value:
            return "no recorded value"
        case NumberPoint():
            return f"{_number(point.value)}{unit}"
        case SummaryPoint():
            shown = [f"p{100 * q.quantile:g}={q.value:g}" for q in point.quantile_values]
            return " ".join([f"count={point.count} sum={point.sum:g}{unit}", *shown])
        case HistogramPoint() | ExponentialHistogramPoint():
            facts = [f"count={point.count}"]
            facts += [
                f"{name}={value:g}"
                for name, value in (("sum", point.sum), ("min", point.min), ("max", point.max))
                if value is not None
            ]
            return " ".join(facts) + unit


def _number(value: float | None) -> str:
    if value is None:
        return "no value"
    return str(value) if isinstance(value, int) else f"{value:g}"


def _profile(profile: Profile) -> str:
    kind = profile.sample_type
    said = f"{len(profile.samples)} samples of {one_line(kind.type)} ({one_line(kind.unit)})"
    return _with_attributes(said, profile.attributes)


def _with_attributes(said: str, attributes: Attributes) -> str:
    return f"{said}  {attributes_text(attributes)}" if attributes else said

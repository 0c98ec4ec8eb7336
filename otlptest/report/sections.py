"""Many received items as one block of text: metrics by series, logs by time, profiles.

A table if that fits. If not, each entry takes a line for its name and indented lines for its
content; nothing is cut.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from otlptest.model import (
    AggregationTemporality,
    DataPoint,
    LogRecord,
    Profile,
)
from otlptest.report.lines import (
    attributes_text,
    clock_time,
    log_body,
    point_value,
    severity_name,
)
from otlptest.report.plain_text import one_line, table, wrapped

_NO_SERVICE: Final = "(no service)"


def metrics_text(points: Iterable[DataPoint], *, width: int) -> str:
    """Return one row per series: its newest point as sent, and how many points it has."""
    series: dict[str, list[DataPoint]] = {}
    for point in points:
        key = f"{point.metric!r} {sorted(point.attributes.items(), key=repr)!r}"
        series.setdefault(key, []).append(point)
    rows = [_metric_row(sent) for sent in series.values()]
    headers = ("METRIC", "SERVICE", "TYPE", "SENT", "NEWEST", "ATTRIBUTES")
    return _laid_out(sorted(rows, key=lambda row: (row[1], row[0])), headers, width)


def _metric_row(sent: Sequence[DataPoint]) -> tuple[str, ...]:
    newest = max(sent, key=lambda point: point.time_unix_nano)
    metric = newest.metric
    is_delta = metric.temporality == AggregationTemporality.DELTA
    return (
        metric.name,
        metric.service or _NO_SERVICE,
        metric.type.value + (" (delta)" if is_delta else ""),
        f"{len(sent)} point{'s' if len(sent) > 1 else ''}",
        point_value(newest),
        attributes_text(newest.attributes),
    )


def logs_text(records: Iterable[LogRecord], *, width: int) -> str:
    """Return one row per record, oldest first."""
    ordered = sorted(records, key=_log_time)
    rows = [
        (
            clock_time(_log_time(record)),
            severity_name(record),
            record.service or _NO_SERVICE,
            " ".join(filter(None, (_event(record), log_body(record)))),
            attributes_text(record.attributes),
        )
        for record in ordered
    ]
    return _laid_out(rows, ("TIME", "SEVERITY", "SERVICE", "BODY", "ATTRIBUTES"), width)


def _log_time(record: LogRecord) -> int:
    return record.time_unix_nano or record.observed_time_unix_nano


def _event(record: LogRecord) -> str:
    return f"[{record.event_name}]" if record.event_name else ""


def profiles_text(profiles: Iterable[Profile], *, width: int) -> str:
    """Return one row per profile: what was sampled, how often, and the most expensive function."""
    rows = [
        (
            profile.service or _NO_SERVICE,
            f"{profile.sample_type.type} ({profile.sample_type.unit})",
            str(len(profile.samples)),
            _hottest(profile),
        )
        for profile in profiles
    ]
    return _laid_out(rows, ("SERVICE", "SAMPLES OF", "COUNT", "MOST IN"), width)


def _hottest(profile: Profile) -> str:
    """Return the function that is the leaf of most of what was measured, with its share."""
    costs: dict[str, int] = {}
    for sample in profile.samples:
        leaf = sample.stack[0].function if sample.stack else "(no stack)"
        cost = sum(sample.values) or len(sample.timestamps_unix_nano)
        costs[leaf] = costs.get(leaf, 0) + cost
    total = sum(costs.values())
    if not total:
        return "-"
    name = max(costs, key=lambda leaf: costs[leaf])
    return f"{name or '(no name)'} {100 * costs[name] / total:.0f} %"


def _laid_out(rows: Sequence[Sequence[str]], headers: Sequence[str], width: int) -> str:
    cells = [[one_line(cell) for cell in row] for row in rows]
    return table(cells, headers=headers, width=width) or "\n".join(
        _stacked(row, width) for row in cells
    )


def _stacked(row: Sequence[str], width: int) -> str:
    head, *rest = row
    said = "  ".join(cell for cell in rest if cell)
    return wrapped(head, width) + "\n" + wrapped(said, width, indent="  ")

"""Rules about log records (logs.proto; section 8 of the requirements)."""

from typing import Final

from otlptest.model import Severity
from otlptest.validation.attributes import check_attributes, check_value
from otlptest.validation.finding_builder import Context, Item, Message, Notes, shown_id
from otlptest.validation.times import LATEST_SUSPECT, wrong_unit
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_TRACE_FLAGS: Final = 0xFF


def check_log_record(notes: Notes, context: Context, record: Message, number: int) -> None:
    """Check one log record; `number` is its place among those of its scope, from 1."""
    item = Item(context, "log record", record, number)
    if not Severity.UNSPECIFIED <= record.severity_number <= Severity.FATAL4:
        notes.note("OTLP-LOG-001", item, "severity_number", str(record.severity_number))
    _check_times(notes, item, record)
    if record.trace_id or record.span_id:
        _check_ids(notes, item, record)
    if record.flags & ~_TRACE_FLAGS:
        notes.note("OTLP-LOG-021", item, "flags", f"{record.flags:#x}")
    check_attributes(notes, item, "attributes", record.attributes)
    if record.HasField("body"):
        check_value(notes, item, "body", record.body, shape="body")


def _check_times(notes: Notes, item: Item, record: Message) -> None:
    time, observed = record.time_unix_nano, record.observed_time_unix_nano
    if not observed:
        notes.note("OTLP-LOG-009", item, "observed_time_unix_nano", "0")
    for path, value in (("time_unix_nano", time), ("observed_time_unix_nano", observed)):
        unit = wrong_unit(value) if value < LATEST_SUSPECT else ""
        if unit:
            notes.note("OTLP-LOG-012", item, path, f"{value}, which looks like {unit}")


def _check_ids(notes: Notes, item: Item, record: Message) -> None:
    trace_id, span_id = record.trace_id, record.span_id
    ids = (("trace_id", trace_id, _TRACE_ID_BYTES), ("span_id", span_id, _SPAN_ID_BYTES))
    for path, value, size in ids:
        if value and len(value) != size:
            hint = mistake_in_bytes(value, size)
            notes.note("OTLP-LOG-015", item, path, shown_id(value), hint=hint)
        elif value and not any(value):
            notes.note("OTLP-LOG-016", item, path, f"{size} zero bytes")
    if not trace_id and len(span_id) == _SPAN_ID_BYTES and any(span_id):
        notes.note("OTLP-LOG-017", item, "trace_id", "absent beside a span_id")

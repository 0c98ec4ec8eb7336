"""Log records and events, all valid."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, new, one_in, pick, upto
from otlptest.strategies.values import draw_attributes, draw_id, draw_name, draw_value
from otlptest.wire.otlp.event_names import set_event_name

_SEVERITY_TEXTS: Final = ("", "INFO", "ERROR", "warning")
_COUNTS: Final = (0, 0, 1, 2**32 - 1)
_OFFSETS: Final = st.integers(0, 10_000_000_000)
_NUMBERS: Final = st.integers(0, 24)


def log_records(*, at_unix_nano: int = DEFAULT_UNIX_NANO) -> SearchStrategy[Any]:
    """Draw `LogRecord` messages, inside spans and outside, some of them events.

    Args:
        at_unix_nano: No record is older than this time, or later than some seconds after it.
    """
    return st.composite(lambda draw: draw_log_record(draw, at_unix_nano))()


def events(*, at_unix_nano: int = DEFAULT_UNIX_NANO) -> SearchStrategy[Any]:
    """Draw `LogRecord` messages with an event name.

    Args:
        at_unix_nano: As for `log_records`.
    """
    return st.composite(lambda draw: draw_log_record(draw, at_unix_nano, is_event=True))()


def draw_log_record(draw: Draw, at_unix_nano: int, *, is_event: bool | None = None) -> Any:  # noqa: ANN401 -- a generated message
    """Return one record; whether it is an event is drawn if not given."""
    time = at_unix_nano + draw(_OFFSETS)
    inside = upto(draw, 2)  # no span, a trace, a span
    record = new(
        "logs",
        "LogRecord",
        time_unix_nano=pick(draw, (time, 0)),
        observed_time_unix_nano=time,
        severity_number=draw(_NUMBERS),
        severity_text=pick(draw, _SEVERITY_TEXTS),
        body=None if one_in(draw, 6) else draw_value(draw, 2),
        attributes=draw_attributes(draw),
        dropped_attributes_count=pick(draw, _COUNTS),
        flags=pick(draw, (0, 1)),
        trace_id=draw_id(draw, 16) if inside else None,
        span_id=draw_id(draw, 8) if inside > 1 else None,
    )
    if one_in(draw, 3) if is_event is None else is_event:
        set_event_name(record, draw_name(draw))
    return record

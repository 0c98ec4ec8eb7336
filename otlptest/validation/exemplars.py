"""Rules about exemplars (metrics.proto `Exemplar`, MSDK "ExemplarReservoir")."""

from typing import Final

from otlptest.validation.attributes import check_attributes
from otlptest.validation.finding_builder import Item, Message, Notes, quoted, shown_id
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes

_ID_SIZES: Final = (("trace_id", 16), ("span_id", 8))
# An SDK reads the clock for a measurement a moment before it begins the series, or while it is
# collected. Some clocks step by 16 ms, and on a busy machine the moment may be long.
_SLACK_NANO: Final = 500_000_000


def check_exemplars(notes: Notes, item: Item, point: Message, *, has_start: bool) -> None:
    """Check the exemplars of one point.

    Args:
        notes: Collects the faults.
        item: The point.
        point: Its message.
        has_start: Whether the start of the point means something (not for a gauge).
    """
    own_keys = {attribute.key for attribute in point.attributes}
    for index, exemplar in enumerate(point.exemplars):
        path = f"exemplars[{index}]"
        if exemplar.WhichOneof("value") is None:
            notes.note("OTLP-METRIC-048", item, path, "no value", shape="exemplars")
        _check_ids(notes, item, path, exemplar)
        _check_time(notes, item, path, exemplar, point, has_start=has_start)
        filtered = exemplar.filtered_attributes
        where = f"{path}.filtered_attributes"
        check_attributes(notes, item, where, filtered, shape="exemplars.filtered_attributes")
        both = [attribute.key for attribute in filtered if attribute.key in own_keys]
        if both:
            received = f"{quoted(both[0])}, which is an attribute of the point"
            notes.note("OTLP-METRIC-050", item, where, received, shape="exemplars")


def _check_ids(notes: Notes, item: Item, path: str, exemplar: Message) -> None:
    for name, size in _ID_SIZES:
        value = getattr(exemplar, name)
        if value and (len(value) != size or not any(value)):
            received = shown_id(value) if any(value) else f"{len(value)} zero bytes"
            hint = mistake_in_bytes(value, size)
            notes.note("OTLP-METRIC-049", item, f"{path}.{name}", received, shape=name, hint=hint)


def _check_time(
    notes: Notes, item: Item, path: str, exemplar: Message, point: Message, *, has_start: bool
) -> None:
    time = exemplar.time_unix_nano
    start = point.start_time_unix_nano if has_start else 0
    if not time:
        received = "time 0"
    elif time < start - _SLACK_NANO:
        received = f"a time {(start - time) / 1e6:g} ms before the start of the point"
    elif point.time_unix_nano and time > point.time_unix_nano + _SLACK_NANO:
        received = f"a time {(time - point.time_unix_nano) / 1e6:g} ms after the point"
    else:
        return
    notes.note("OTLP-METRIC-051", item, f"{path}.time_unix_nano", received, shape="exemplars")

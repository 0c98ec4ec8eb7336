"""Rules about spans, their events and links (trace.proto; section 6 of the requirements).

Hot: every received span passes here, so nothing is built for a valid one.
"""

from typing import Final

from otlptest.model import SpanKind, StatusCode
from otlptest.validation.attributes import check_attributes
from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted, shown_id
from otlptest.validation.times import LATEST_SUSPECT, wrong_unit
from otlptest.validation.trace_states import fault_of_ot_member, fault_of_trace_state
from otlptest.wire.otlp.mistaken_ids import mistake_in_bytes

_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8
_NO_TRACE: Final = bytes(_TRACE_ID_BYTES)
_NO_SPAN: Final = bytes(_SPAN_ID_BYTES)
_IS_REMOTE: Final = 0x200
_REMOTE_MASK: Final = 0x300  # HAS_IS_REMOTE and IS_REMOTE
_KNOWN_BITS: Final = 0x3FF
_KINDS: Final = frozenset(int(kind) for kind in SpanKind if kind is not SpanKind.UNSPECIFIED)
_CODES: Final = frozenset(int(code) for code in StatusCode)


def check_span(notes: Notes, context: Context, span: Message) -> None:
    """Check one span by itself."""
    item = Item(context, "span", span)
    _check_ids(notes, item, span)
    _check_times(notes, item, span)
    _check_name_and_kind(notes, item, span)
    if span.trace_state:
        _check_trace_state(notes, item, span.trace_state)
    if span.flags & ~1:
        _check_flags(notes, item, span)
    if span.HasField("status"):
        _check_status(notes, item, span.status)
    check_attributes(notes, item, "attributes", span.attributes)
    for index, event in enumerate(span.events):
        _check_event(notes, item, f"events[{index}]", event)
    for index, link in enumerate(span.links):
        _check_link(notes, item, f"links[{index}]", link)


def _check_ids(notes: Notes, item: Item, span: Message) -> None:
    trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
    if len(trace_id) != _TRACE_ID_BYTES:
        hint = mistake_in_bytes(trace_id, _TRACE_ID_BYTES)
        notes.note("OTLP-TRACE-001", item, "trace_id", _shown(trace_id), hint=hint)
    elif trace_id == _NO_TRACE:
        notes.note("OTLP-TRACE-002", item, "trace_id", "16 zero bytes")
    if len(span_id) != _SPAN_ID_BYTES:
        hint = mistake_in_bytes(span_id, _SPAN_ID_BYTES)
        notes.note("OTLP-TRACE-003", item, "span_id", _shown(span_id), hint=hint)
    elif span_id == _NO_SPAN:
        notes.note("OTLP-TRACE-004", item, "span_id", "8 zero bytes")
    if not parent:
        return
    if len(parent) != _SPAN_ID_BYTES or parent == _NO_SPAN:
        received = "8 zero bytes" if parent == _NO_SPAN else shown_id(parent)
        hint = mistake_in_bytes(parent, _SPAN_ID_BYTES)
        notes.note("OTLP-TRACE-005", item, "parent_span_id", received, hint=hint)
    elif parent == span_id:
        notes.note("OTLP-TRACE-006", item, "parent_span_id", "its own span_id")


def _check_times(notes: Notes, item: Item, span: Message) -> None:
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if not start:
        notes.note("OTLP-TRACE-013", item, "start_time_unix_nano", "0")
    if not end:
        notes.note("OTLP-TRACE-014", item, "end_time_unix_nano", "0")
    elif end < start:
        received = f"an end {(start - end) / 1e6:g} ms before the start"
        notes.note("OTLP-TRACE-015", item, "end_time_unix_nano", received)
    if start < LATEST_SUSPECT or end < LATEST_SUSPECT:
        _check_unit(notes, item, "start_time_unix_nano", start)
        _check_unit(notes, item, "end_time_unix_nano", end)


def _check_unit(notes: Notes, item: Item, path: str, time: int, shape: str = "") -> None:
    unit = wrong_unit(time)
    if unit:
        received = f"{time}, which looks like {unit}"
        notes.note("OTLP-TRACE-016", item, path, received, shape=shape or path)


def _check_name_and_kind(notes: Notes, item: Item, span: Message) -> None:
    if not span.name:
        notes.note("OTLP-TRACE-009", item, "name", "an empty name")
    if span.kind not in _KINDS:
        received = str(span.kind) if span.kind else "0 (UNSPECIFIED)"
        notes.note("OTLP-TRACE-010", item, "kind", received)


def _check_trace_state(notes: Notes, item: Item, text: str) -> None:
    fault = fault_of_trace_state(text)
    if fault:
        notes.note("OTLP-TRACE-026", item, "trace_state", fault)
        return
    fault = fault_of_ot_member(text)
    if fault:
        notes.note("OTLP-TRACE-028", item, "trace_state", fault)


def _check_flags(notes: Notes, item: Item, span: Message) -> None:
    flags = span.flags
    is_remote = flags & _IS_REMOTE
    if is_remote and (flags & _REMOTE_MASK != _REMOTE_MASK or not span.parent_span_id):
        missing = "" if span.parent_span_id else " on a span without a parent"
        notes.note("OTLP-TRACE-030", item, "flags", f"{flags:#x}{missing}")
    if flags & ~_KNOWN_BITS:
        notes.note("OTLP-TRACE-031", item, "flags", f"{flags:#x}")


def _check_status(notes: Notes, item: Item, status: Message) -> None:
    code = status.code
    if code not in _CODES:
        notes.note("OTLP-TRACE-036", item, "status.code", str(code))
    elif status.message and code != StatusCode.ERROR:
        received = f"{StatusCode(code).name} with the message {quoted(status.message)}"
        notes.note("OTLP-TRACE-037", item, "status.message", received)


def _check_event(notes: Notes, item: Item, path: str, event: Message) -> None:
    time = event.time_unix_nano
    if not event.name or not time:
        received = "time 0" if event.name else "an empty name"
        notes.note("OTLP-TRACE-018", item, path, received, shape="events")
    if time < LATEST_SUSPECT:
        _check_unit(notes, item, f"{path}.time_unix_nano", time, shape="events.time_unix_nano")
    check_attributes(notes, item, f"{path}.attributes", event.attributes, shape="events.attributes")


def _check_link(notes: Notes, item: Item, path: str, link: Message) -> None:
    """Check a link; an invalid context is legal if the link carries data (OTLP-TRACE-022).

    Collectors write such ids as empty, SDKs as zeros; both are taken.
    """
    trace_id, span_id = link.trace_id, link.span_id
    sizes = (len(trace_id), len(span_id))
    carries_something = bool(link.attributes) or bool(link.trace_state)
    if sizes != (_TRACE_ID_BYTES, _SPAN_ID_BYTES) and not (sizes == (0, 0) and carries_something):
        received = f"trace_id {_shown(trace_id)}, span_id {_shown(span_id)}"
        hint = mistake_in_bytes(trace_id, _TRACE_ID_BYTES)
        hint = hint or mistake_in_bytes(span_id, _SPAN_ID_BYTES)
        notes.note("OTLP-TRACE-021", item, path, received, shape="links", hint=hint)
    flags = getattr(link, "flags", 0)
    if flags & _REMOTE_MASK == _IS_REMOTE:
        notes.note("OTLP-TRACE-025", item, f"{path}.flags", f"{flags:#x}", shape="links.flags")
    check_attributes(notes, item, f"{path}.attributes", link.attributes, shape="links.attributes")


def _shown(identifier: bytes) -> str:
    return shown_id(identifier) if identifier else "absent"

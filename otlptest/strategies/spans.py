"""Spans with their events and links, all valid."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from otlptest.strategies.drawing import DEFAULT_UNIX_NANO, Draw, new, one_in, pick, upto
from otlptest.strategies.values import draw_attributes, draw_id, draw_name

_TRACE_STATES: Final = ("", "vendor=a1", "ot=th:8;rv:0123456789abcd", "a=1,b@c=2")
_ROOT_FLAGS: Final = (0, 1, 0x100, 0x101)
_CHILD_FLAGS: Final = (0, 1, 0x100, 0x101, 0x300, 0x301)
_STATUSES: Final = (None, (0, ""), (1, ""), (2, ""), (2, "declined"))
_COUNTS: Final = (0, 0, 1, 2**32 - 1)
_OFFSETS: Final = st.integers(0, 10_000_000_000)


def spans(*, at_unix_nano: int = DEFAULT_UNIX_NANO) -> SearchStrategy[Any]:
    """Draw `Span` messages: roots and children, with events, links and status.

    Args:
        at_unix_nano: No span starts before this time, or ends later than some seconds after it.
    """
    return st.composite(lambda draw: draw_span(draw, at_unix_nano))()


def draw_span(
    draw: Draw,
    at_unix_nano: int,
    *,
    trace_id: bytes | None = None,
    span_id: bytes | None = None,
    parents: tuple[bytes, ...] = (),
) -> Any:  # noqa: ANN401 -- a generated message
    """Return one span; ids that are not given are drawn."""
    trace = trace_id or draw_id(draw, 16)
    own = span_id or draw_id(draw, 8)
    parent = pick(draw, (b"", *parents, _other(own)))
    start = at_unix_nano + draw(_OFFSETS)
    duration = draw(_OFFSETS)
    status = pick(draw, _STATUSES)
    return new(
        "traces",
        "Span",
        trace_id=trace,
        span_id=own,
        parent_span_id=parent,
        trace_state=pick(draw, _TRACE_STATES),
        flags=pick(draw, _CHILD_FLAGS if parent else _ROOT_FLAGS),
        name=draw_name(draw),
        kind=1 + upto(draw, 4),
        start_time_unix_nano=start,
        end_time_unix_nano=start + duration,
        attributes=draw_attributes(draw, depth=2),
        dropped_attributes_count=pick(draw, _COUNTS),
        events=[_event(draw, start + duration // 2) for _ in range(upto(draw, 1))],
        dropped_events_count=pick(draw, _COUNTS),
        links=[_link(draw) for _ in range(upto(draw, 1))],
        status=status and new("traces", "Status", code=status[0], message=status[1]),
    )


def _other(span_id: bytes) -> bytes:
    """Return the id of an unknown span: a parent in another process."""
    return bytes([span_id[0] ^ 0x80]) + span_id[1:7] + bytes([span_id[7] | 1])


def _event(draw: Draw, time: int) -> Any:  # noqa: ANN401 -- a generated message
    return new(
        "traces",
        "Event",
        name=draw_name(draw),
        time_unix_nano=time,
        attributes=draw_attributes(draw, most=1),
        dropped_attributes_count=pick(draw, _COUNTS),
    )


def _link(draw: Draw) -> Any:  # noqa: ANN401 -- a generated message
    return new(
        "traces",
        "Link",
        trace_id=draw_id(draw, 16),
        span_id=draw_id(draw, 8),
        trace_state=pick(draw, _TRACE_STATES),
        flags=pick(draw, _CHILD_FLAGS),
        attributes=draw_attributes(draw, most=1),
    )


def draw_scope_spans(draw: Draw, at_unix_nano: int, count: int, group: int) -> list[Any]:
    """Draw the spans of one scope, each with an id of its own; `group` identifies the scope."""
    trace_id = draw_id(draw, 16)
    base = draw_id(draw, 8)
    ids = [base[:6] + bytes([group, number + 1]) for number in range(count)]
    found: list[Any] = []
    for number, span_id in enumerate(ids):
        trace = draw_id(draw, 16) if one_in(draw, 8) else trace_id
        parents = tuple(ids[:number])
        found.append(
            draw_span(draw, at_unix_nano, trace_id=trace, span_id=span_id, parents=parents)
        )
    return found

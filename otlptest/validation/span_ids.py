"""The rule that a span id is unique within its trace and producer (OTLP-TRACE-006).

The same span received twice is not a fault of its id: a retry, or two exporters of a Collector. So
spans of different requests are two spans only if they start at different times; within one request
any difference in name, kind or times is enough.

Ids are many and repetitions few: a first pass keeps one number for each span, and only ids
that it found twice are looked at in a second one.
"""

from typing import NamedTuple

from otlptest.validation.finding_builder import Context, Item, Message, Notes, quoted


class _Seen(NamedTuple):
    """The properties that distinguish a resend from another span with the same id."""

    request_number: int
    start: int
    end: int
    kind: int
    name: str


class SpanIds:
    """The span ids of one validation."""

    def __init__(self) -> None:
        self._producers: dict[object, int] = {}
        self._once: set[int] = set()
        self._again: set[int] = set()
        self._seen: dict[tuple[int, bytes, bytes], _Seen] = {}

    @property
    def has_repeats(self) -> bool:
        """Return whether a second pass is worth it."""
        return bool(self._again)

    def number_of(self, producer: object) -> int:
        """Return a number for a producer."""
        return self._producers.setdefault(producer, len(self._producers))

    def meet(self, producer: int, span: Message) -> None:
        """Remember an id (first pass)."""
        number = hash((producer, span.trace_id, span.span_id))
        if number in self._once:
            self._again.add(number)
        else:
            self._once.add(number)

    def check(self, notes: Notes, context: Context, producer: int, span: Message) -> None:
        """Check a span against earlier ones with the same id (second pass)."""
        identifier = (producer, span.trace_id, span.span_id)
        is_valid = any(span.trace_id) and any(span.span_id)  # other rules are about the rest
        if hash(identifier) not in self._again or not is_valid:
            return
        now = _Seen(
            context.request.number,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            span.kind,
            span.name,
        )
        before = self._seen.setdefault(identifier, now)
        is_another = (
            before != now
            if before.request_number == now.request_number
            else before.start != now.start
        )
        if is_another:
            received = f"the id of {quoted(before.name)} in request {before.request_number}, too"
            notes.note("OTLP-TRACE-006", Item(context, "span", span), "span_id", received)

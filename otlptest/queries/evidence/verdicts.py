"""Verdicts of a query beyond a look: absence, exact counts, and late arrivals."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from otlptest.errors import ExpectationError, Finding
from otlptest.model import LogRecord, Producer, Profile, Request, Span
from otlptest.queries.criteria.conditions import Condition
from otlptest.queries.evidence.judging import Evidence, Selection, examined, judge
from otlptest.queries.messages import miscounts, nearest_miss
from otlptest.queries.messages.nearest_miss import Question
from otlptest.queries.query_run import QueryRun
from otlptest.queries.sources import Remembering, Source

T = TypeVar("T")


def judged(
    query: Question[T], look: QueryRun[T], expected: int | None, evidence: Sequence[Evidence]
) -> Sequence[T]:
    """Return the matches if there are exactly `expected`, and evidence excludes more.

    `expect_none` passes None, `expect_count` a number.

    Raises:
        TruncatedResultError: The source returned only a part.
        ExpectationError: There are fewer or more, or it is not proven.
    """
    __tracebackhide__ = True
    vocabulary = query.vocabulary
    look.check_complete(f"how many {vocabulary.nouns} there are")
    matches = look.matches()
    selection = Selection(
        kind=query.kind,
        where=nearest_miss.place(query),
        expected=nearest_miss.amount(query, expected or 0, exactly=True),
        received=vocabulary.counted(len(matches)) if matches else "none",
        could_match=lambda producer: could_match(query.conditions, producer),
        selects=lambda item: _selects(query, item),
    )
    if len(matches) != (expected or 0):
        proof = examined(query.source, selection, evidence)
        raise ExpectationError([miscounts.miscounted(query, matches, expected, proof)])
    judge(query.source, selection, evidence)
    return matches


def could_match(conditions: Sequence[Condition], producer: Producer) -> bool:
    """Return whether the criteria allow items of `producer`."""
    item = Span(trace_id="", span_id="", resource=producer.resource)
    return all(
        condition.matches(item)
        for condition in conditions
        if condition.criterion in {"service", "resource"} and _goes_by_resource(condition)
    )


def _goes_by_resource(condition: Condition) -> bool:
    """Return False for traces: their service may differ from that of the missing span."""
    return hasattr(condition, "read")


def _selects(query: Question[Any], item: object) -> bool:
    return any(
        all(condition.matches(each) for condition in query.conditions)
        for each in query.grouped([item])
    )


def remember_only(query: Question[Any], source: Source) -> None:
    """Let a view check at the end of the test that there was only one match.

    A second match that began before now and arrives later would have made the wait fail, had it
    arrived earlier: the test passed by luck.
    """
    if not isinstance(source, Remembering):
        return
    now_unix_nano, now = source.clock.unix_nanos(), source.clock.monotonic()

    def began_before(item: object) -> bool:
        if isinstance(item, Request):
            return item.started_at < now
        began = began_unix_nano(item)
        return 0 < began < now_unix_nano

    source.remember(_late_check(query, began_before))


def _late_check(
    query: Question[Any], began_before: Callable[[object], bool]
) -> Callable[[], Finding | None]:
    def check() -> Finding | None:
        matches = query.all()
        if not any(map(began_before, matches[1:])):
            return None
        return miscounts.late_second(query, matches)

    return check


def began_unix_nano(item: object) -> int:
    """Return when an item's event began, by its own clock; 0 if it does not say."""
    if isinstance(item, Span):
        return item.start_time_unix_nano
    if isinstance(item, LogRecord):
        return item.time_unix_nano or item.observed_time_unix_nano
    if isinstance(item, Profile):
        return item.time_unix_nano
    parts: Iterable[Any] = getattr(item, "spans", ()) or getattr(item, "exports", ())
    return min((each for each in map(_point_began, parts) if each), default=0)


def _point_began(part: Any) -> int:  # noqa: ANN401 -- a span or a point
    began: int = part.start_time_unix_nano
    return began or getattr(part, "time_unix_nano", 0)

"""The closest candidates if nothing matched, and each field in which they differ.

Candidates are ranked by their differences (see `conditions`), equal ones
with the newest first. Only the newest 10,000 items are compared, and the message says so. If
nothing is close, the message shows the arrivals (`otlptest.queries.messages.arrival_report`).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from otlptest.errors import Finding
from otlptest.model import LogRecord, Request, Span
from otlptest.queries.criteria.conditions import Condition, Difference
from otlptest.queries.criteria.criteria import Vocabulary
from otlptest.queries.criteria.matching import Matcher
from otlptest.queries.messages.arrival_report import (
    counted,
    losses,
    nothing_of_kind,
    shown_requests,
    what_arrived,
)
from otlptest.queries.messages.hints import closest_hint, look_hint, wait_hint, with_loop_hint
from otlptest.queries.messages.wording import listed, show
from otlptest.queries.query_run import QueryRun
from otlptest.queries.sources import Kind, Newest, Recalling, Source
from otlptest.timing import Deadline

_LOOKED_AT: Final = 10_000
_SHOWN: Final = 3
_CLOSE: Final = 0.5  # a candidate with a smaller difference is worth showing
_PATIENCE_S: Final = 30.0

T_co = TypeVar("T_co", covariant=True)


class Question(Protocol[T_co]):
    """A query as messages need it."""

    @property
    def kind(self) -> Kind: ...  # noqa: D102 -- see Query

    @property
    def vocabulary(self) -> Vocabulary: ...  # noqa: D102 -- see Query

    @property
    def source(self) -> Source: ...  # noqa: D102 -- see Query

    @property
    def conditions(self) -> tuple[Condition, ...]: ...  # noqa: D102 -- see Query

    def grouped(self, items: Sequence[Any]) -> Sequence[T_co]: ...  # noqa: D102 -- see Query

    def all(self) -> tuple[T_co, ...]: ...  # noqa: D102 -- see Query


def place(query: Question[Any]) -> str:
    """Return the subject of a finding: `service 'shop'`, or the source."""
    for condition in query.conditions:
        if condition.criterion == "service":
            wanted = condition.wanted
            return (
                f"service {wanted!r}" if isinstance(wanted, Matcher) else f"service {show(wanted)}"
            )
    return query.source.name


def description(query: Question[Any]) -> str:
    """Return the demand after the noun: `named 'charge' with kind = SpanKind.CLIENT`."""
    phrases = [
        text
        for condition in query.conditions
        if condition.criterion != "service"
        for text in condition.phrases()
    ]
    direct = [text for text in phrases if text.startswith(("named ", "of "))]
    rest = [text for text in phrases if text not in direct]
    return " ".join([*direct, *([f"with {listed(rest)}"] if rest else [])])


def amount(query: Question[Any], count: int, *, exactly: bool = False) -> str:
    """Return the demand with its number: `a span named 'charge'`, `at least 3 spans ...`."""
    vocabulary = query.vocabulary
    if exactly:
        head = f"exactly {vocabulary.counted(count)}" if count else f"no {vocabulary.noun}"
    elif count == 1:
        head = f"a {vocabulary.noun}"
    else:
        head = f"at least {vocabulary.counted(count)}"
    return f"{head} {description(query)}".rstrip()


def missing(
    query: Question[Any],
    look: QueryRun[Any],
    enough: int,
    deadline: Deadline | None = None,
    *,
    is_awaited: bool = False,
) -> Finding:
    """Return the finding that fewer than `enough` match; `deadline` is that of a wait."""
    matched = len(look.matches())
    miss = nearest(query, matched)
    received = miss.received
    if matched:
        head, *rest = received.split("\n")
        received = "\n".join([f"{counted(matched, 'match', 'matches')} among {head}", *rest])
    when = "now" if deadline is None else f"within {deadline.timeout_s} s"
    advice = look_hint if deadline is None else wait_hint
    hint = miss.hint or (advice(differs=bool(miss.differences)) if miss.total else "")
    if deadline is not None and not is_awaited:
        hint = with_loop_hint(hint, query.vocabulary.nouns)
    return Finding(
        rule=f"no_matching_{query.vocabulary.noun.split()[0]}",
        where=place(query),
        expected=amount(query, enough),
        received=_with_time(received, when),
        closest=miss.closest,
        hint=hint,
    )


def _with_time(received: str, when: str) -> str:
    head, *rest = received.split("\n")
    return "\n".join([f"{head}, {when}", *rest])


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """The rows of a finding about missing items.

    Attributes:
        total: How many of the kind arrived.
        received: The same as text, or the arrivals instead.
        closest: The near candidates, or the arrivals if none is near.
        hint: The hint in the facts; empty if there is none.
        differences: Those of the first candidate; empty if none is near.
    """

    total: int
    received: str
    closest: str = ""
    hint: str = ""
    differences: tuple[Difference, ...] = ()


def nearest(query: Question[Any], matched: int = 0) -> Miss:
    """Return the near misses; next to `matched` matches, only very near ones."""
    newest = newest_of(query.source, query.kind)
    if not newest.total:
        report = nothing_of_kind(query.kind, query.vocabulary, query.source)
        return Miss(total=0, received=report.received, hint=report.hint)
    lost = losses(query.kind, query.source)
    arrived = shown_requests(query.kind, query.vocabulary, newest.total, query.source)
    received = f"{arrived}\n{lost.received}".rstrip()
    ranked = _ranked(query, newest.items)
    is_close = _is_very_close if matched else _is_close
    close = [each for each in ranked if is_close(each, len(query.conditions))]
    if close:
        differences = close[0].differences
        return Miss(
            total=newest.total,
            received=received,
            closest=_shown(close, newest, query.vocabulary),
            hint=closest_hint(differences) or lost.hint,
            differences=differences,
        )
    others = "" if matched else what_arrived(newest.items, query.vocabulary)
    return Miss(total=newest.total, received=received, closest=others, hint=lost.hint)


class _Candidate:
    """An item with its differences."""

    def __init__(self, item: object, differences: tuple[Difference, ...]) -> None:
        self.item = item
        self.differences = differences
        self.weight = sum(each.weight for each in differences)

    def __str__(self) -> str:
        """Return one line, or one per difference."""
        lines = [str(each) for each in self.differences]
        if len(lines) == 1:
            return f"{item_name(self.item)}: {lines[0]}"
        return "\n".join([f"{item_name(self.item)}:", *(f"  {line}" for line in lines)])


def _ranked(query: Question[Any], items: Sequence[Any]) -> list[_Candidate]:
    candidates = []
    for item in query.grouped(items):
        differences = tuple(d for each in query.conditions for d in each.differences(item))
        if differences:
            candidates.append(_Candidate(item, differences))
    candidates.reverse()  # the newest first; the sort keeps that order among equals
    candidates.sort(key=lambda each: each.weight)
    return candidates


def _is_close(candidate: _Candidate, conditions: int) -> bool:
    """Return whether it meets one of several criteria, or nearly does."""
    fields = len(candidate.differences)
    return fields < conditions or any(each.distance < _CLOSE for each in candidate.differences)


def _is_very_close(candidate: _Candidate, conditions: int) -> bool:
    """Return whether it may be meant next to matches: never with another name."""
    if all(each.distance < _CLOSE for each in candidate.differences):
        return True
    is_named = not any(each.field == "name" for each in candidate.differences)
    return is_named and len(candidate.differences) == 1 < conditions


def _shown(close: Sequence[_Candidate], newest: Newest, vocabulary: Vocabulary) -> str:
    """Return the best few candidates, equal ones once."""
    alike: dict[str, list[_Candidate]] = {}
    for each in close:
        alike.setdefault(" ".join(map(str, each.differences)), []).append(each)
        if len(alike) > _SHOWN:
            break
    lines = []
    for group in list(alike.values())[:_SHOWN]:
        more = len(group) - 1
        lines.append(f"{group[0]}{f' (and {more:,} more like it)' if more else ''}")
    if newest.total > len(newest.items):
        looked = f"the newest {len(newest.items):,} of {vocabulary.counted(newest.total)}"
        lines.append(f"(looked at {looked})")
    return "\n".join(lines)


def item_name(item: object) -> str:
    """Return an item's name in a message: `'POST /checkout' (span 00f067aa0ba902b7)`."""
    if isinstance(item, Span):
        return f"{show(item.name)} (span {item.span_id or 'without id'})"
    if isinstance(item, Request):
        return f"request {item.number} ({item.method} {item.path})"
    if isinstance(item, LogRecord):
        return f"log record {show(item.event_name or item.body)}"
    for attribute, label in (("name", ""), ("trace_id", "trace "), ("profile_id", "profile ")):
        value = getattr(item, attribute, None)
        if isinstance(value, str):
            return f"{label}{value}" if label else show(value)
    attributes = getattr(item, "attributes", None)
    return f"point {show(attributes)}" if isinstance(attributes, Mapping) else show(item)


def newest_of(source: Source, kind: Kind) -> Newest:
    """Return the newest items of a kind, as many as a message uses."""
    if isinstance(source, Recalling):
        return source.newest(kind, _LOOKED_AT)
    batch = source.fetch(
        kind, pushed_down={}, since=None, deadline=Deadline(_PATIENCE_S, source.clock)
    )
    kept: deque[Any] = deque(maxlen=_LOOKED_AT)
    total = 0
    for item in batch.items:
        kept.append(item)
        total += 1
    return Newest(items=tuple(kept), total=total)

"""Why nothing matched: the closest candidates, and each field in which they differ.

Candidates are ranked by their differences (`otlptest.queries.conditions` says how); of equal ones
the newest comes first. Only the newest 10,000 items are looked at, and the message says so. Where
nothing is close, the message says what did arrive (`otlptest.queries.arrival_report`).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from otlptest.errors import Finding
from otlptest.model import LogRecord, Request, Span
from otlptest.queries.arrival_report import (
    Report,
    counted,
    nothing_of_kind,
    refusals,
    shown_requests,
    what_arrived,
)
from otlptest.queries.conditions import Condition, Difference
from otlptest.queries.criteria import Vocabulary
from otlptest.queries.evidence import Evidence, described
from otlptest.queries.looking import Look
from otlptest.queries.matching import Matcher
from otlptest.queries.sources import Kind, Newest, Recalling, Source
from otlptest.queries.wording import listed, show
from otlptest.timing import Deadline

__all__ = [
    "Question",
    "amount",
    "description",
    "item_name",
    "late_second",
    "missing",
    "place",
    "too_many",
]

_LOOKED_AT: Final = 10_000
_SHOWN: Final = 3
_CLOSE: Final = 0.5  # a difference of less makes a candidate worth showing
_PATIENCE_S: Final = 30.0

T_co = TypeVar("T_co", covariant=True)


class Question(Protocol[T_co]):
    """What a message needs to know of a query."""

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
    """What a finding is about: `service 'shop'`, or the source."""
    for condition in query.conditions:
        if condition.criterion == "service":
            wanted = condition.wanted
            return (
                f"service {wanted!r}" if isinstance(wanted, Matcher) else f"service {show(wanted)}"
            )
    return query.source.name


def description(query: Question[Any]) -> str:
    """What is asked for, after the noun: `named 'charge' with kind = SpanKind.CLIENT`."""
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
    """How many of what is asked for: `a span named 'charge'`, `at least 3 spans ...`."""
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
    look: Look[Any],
    enough: int,
    deadline: Deadline | None = None,
    *,
    exactly: bool = False,
) -> Finding:
    """The finding that fewer than `enough` match."""
    newest = _newest(query.source, query.kind)
    report = _report(query, newest, len(look.matches()))
    when = "now" if deadline is None else f"within {deadline.timeout_s} s"
    return Finding(
        rule=f"no_matching_{query.vocabulary.noun.split()[0]}",
        where=place(query),
        expected=amount(query, enough, exactly=exactly),
        received=_with_time(report.received, when),
        closest=report.closest,
        hint=report.hint,
    )


def _with_time(received: str, when: str) -> str:
    head, *rest = received.split("\n")
    return "\n".join([f"{head}, {when}", *rest])


def _report(query: Question[Any], newest: Newest, matched: int) -> Report:
    if not newest.total:
        return nothing_of_kind(query.kind, query.vocabulary, query.source)
    ranked = _ranked(query, newest.items)
    received = shown_requests(query.kind, query.vocabulary, newest.total, query.source)
    if matched:
        received = f"{counted(matched, 'match', 'matches')} among {received}"
    received = "\n".join([received, *refusals(query.source)])
    close = [each for each in ranked if _is_close(each, len(query.conditions))]
    if close:
        text = _shown(close, newest, query.vocabulary)
        return Report(received=received, closest=text, hint=_hint(close[0].differences))
    arrived = what_arrived(newest.items, query.vocabulary)
    return Report(received=received, closest=arrived, hint=_FLUSH)


_FLUSH: Final = "if the SDK batches, flush it before waiting (force_flush)"


def _hint(differences: Sequence[Difference]) -> str:
    for each in differences:
        if "; there is " in each.received:
            return "the attribute has another name than the test expects"
        types = each.expected.split(" ")[0], each.received.split(" ")[0]
        if set(types) <= {"int", "str", "double", "bool", "bytes", "list", "mapping"}:
            return "attribute values compare by OTLP type: 1, 1.0, '1' and True are four values"
    return _FLUSH


class _Candidate:
    """An item with its differences."""

    def __init__(self, item: object, differences: tuple[Difference, ...]) -> None:
        self.item = item
        self.differences = differences
        self.weight = sum(each.weight for each in differences)

    def __str__(self) -> str:
        """Render in one line, or in one per difference."""
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
    """Whether it meets one of several criteria, or nearly meets one."""
    fields = len(candidate.differences)
    return fields < conditions or any(each.distance < _CLOSE for each in candidate.differences)


def _shown(close: Sequence[_Candidate], newest: Newest, vocabulary: Vocabulary) -> str:
    """The best few, alike ones once."""
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
    """What a message calls an item: `'POST /checkout' (span 00f067aa0ba902b7)`."""
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


def too_many(
    query: Question[Any],
    matches: Sequence[Any],
    expected: int,
    evidence: Sequence[Evidence] = (),
) -> Finding:
    """The finding that more than `expected` match."""
    names = [_located(item) for item in matches[:_SHOWN]]
    if len(matches) > _SHOWN:
        names.append(f"and {len(matches) - _SHOWN:,} more")
    received = f"{query.vocabulary.counted(len(matches))}:\n" + "\n".join(names)
    if evidence:
        received += f"\nafter {described(evidence)}"
    return Finding(
        rule="too_many_matches",
        where=place(query),
        expected=amount(query, expected, exactly=True),
        received=received,
        hint=_too_many_hint(matches, expected),
    )


def _too_many_hint(matches: Sequence[Any], expected: int) -> str:
    if len({id(item) for item in matches}) > 1 and all(item == matches[0] for item in matches):
        return (
            "all are one and the same, sent more than once: is an exporter registered twice, "
            "or did it retry?"
        )
    if expected == 0:
        return ""
    return "narrow the criteria, or use wait_for_first(…) or wait_for(count, …)"


def late_second(query: Question[Any], matches: Sequence[Any]) -> Finding:
    """The finding that a second match came after `wait_for_one` had returned."""
    finding = too_many(query, matches, 1)
    return Finding(
        rule="late_second_match",
        where=finding.where,
        expected=finding.expected,
        received=finding.received,
        hint="the wait returned before the others arrived; narrow the criteria, or judge with "
        "expect_count(1, after=…)",
    )


def _located(item: object) -> str:
    request = getattr(item, "request", None)
    where = f" in request {request.number}" if isinstance(request, Request) else ""
    return f"{item_name(item)}{where}"


def _newest(source: Source, kind: Kind) -> Newest:
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

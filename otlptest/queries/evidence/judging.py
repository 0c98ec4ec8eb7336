"""Evidence, the reason to believe an absence or an exact count without sleeping.

"No such span" is certain only once all that was caused has arrived. A verdict on absence takes
*evidence*: a statement that nothing more can come from certain *producers*. To judge it means to
look for what it does not cover:

* a **gap**: a producer that has sent in this view, could match the criteria, and is covered by no
  evidence; or a doubt that the evidence itself carries (overlapping exports, a refused batch);
* **staleness**: a covered producer that sent more after the evidence was taken.

Either makes the verdict *not proven*, which is a failure. A proven verdict still only says *not
received by this collector*, never *not emitted*. `otlptest.collector` gathers the evidence.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from otlptest.errors import ExpectationError, Finding, UsageError
from otlptest.model import (
    SIGNALS,
    AggregationTemporality,
    DataPoint,
    Producer,
    Signal,
)
from otlptest.queries.evidence.unseen import Unseen, set_aside
from otlptest.queries.messages.arrival_report import CLOCK_HINT
from otlptest.queries.metrics.point_series import numbers, series_key
from otlptest.queries.sources import (
    ITEM_NOUNS,
    Kind,
    ProducerActivity,
    Source,
    producer_of,
)
from otlptest.timing import Deadline

EvidenceKind: TypeAlias = Literal["exited", "flushed", "fence", "quiet"]

_LOCAL_DEADLINE_S = 30.0
_COVER = (
    "cover each sender: after=[otlp.exited(a), otlp.fence(b)], or narrow the criteria with service="
)
_EXPLAIN = "otlptest explain not_proven says what each kind of evidence needs"
_UNKNOWN = (
    "what was refused, cut or taken away cannot be known: see why, or assert on what must arrive"
    " (wait_for_one)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A statement that nothing more can come from certain producers.

    Made by `otlp.exited`, `otlp.fence`, `otlp.quiet` and `otlp_sdk.flushed`; given to
    `expect_none(after=…)` and its like.

    Attributes:
        kind: One of the four kinds.
        what: The observation, for messages: `shop has exited`.
        token: The source's position when it was taken; later arrivals are not covered.
        signals: The signals it covers.
        owners: Processes whose every producer is covered.
        producers: Single producers that are covered.
        covers_all: Whether every sender is covered.
        gaps: The reasons why it proves less; each makes a verdict *not proven*.
        trace_ids: Traces of its own, whose later spans do not make it stale.
        is_guess: Whether it rests on time passing, which every message says.
    """

    kind: EvidenceKind
    what: str
    token: int
    signals: frozenset[Signal] = frozenset(SIGNALS)
    owners: frozenset[str] = frozenset()
    producers: frozenset[Producer] = frozenset()
    covers_all: bool = False
    gaps: tuple[str, ...] = ()
    trace_ids: frozenset[str] = frozenset()
    is_guess: bool = False

    def covers(self, producer: Producer, signal: Signal) -> bool:
        """Return whether what `producer` had to send of `signal` has arrived."""
        if signal not in self.signals:
            return False
        return self.covers_all or producer.owner in self.owners or producer in self.producers

    def __str__(self) -> str:
        """Return its description, coverage and gaps."""
        if self.covers_all:
            covered = "every sender"
        else:
            covered = ", ".join(sorted([*self.owners, *map(str, self.producers)])) or "nobody"
        lines = [f"{self.kind}: {self.what}; covers {covered}"]
        if len(self.signals) < len(SIGNALS):
            lines[0] += f" for {', '.join(s for s in SIGNALS if s in self.signals)}"
        if self.is_guess:
            lines[0] += " (a guess: time passed, nothing more is known)"
        lines += [f"gap: {gap}" for gap in self.gaps]
        return "\n".join(lines)


After: TypeAlias = Evidence | Iterable[Evidence]
"""A value of `after=`: one piece of evidence or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The subject of a verdict, as evidence needs it.

    Attributes:
        kind: The kind of items.
        where: The subject of the finding: `service 'shop'`.
        expected: The expectation, as text: `no span named 'charge'`.
        received: The received items, as text: `none`.
        could_match: Returns whether the criteria allow items of a producer.
        selects: Returns whether an item meets all criteria.
    """

    kind: Kind
    where: str
    expected: str
    received: str
    could_match: Callable[[Producer], bool]
    selects: Callable[[Any], bool]


def checked_evidence(after: object) -> tuple[Evidence, ...]:
    """Return `after` as a tuple.

    Raises:
        UsageError: It is missing, empty, or not evidence.
    """
    hint = "give after=otlp.exited(process), otlp.fence(send), otlp_sdk.flushed() or otlp.quiet(s)"
    if after is None:
        raise UsageError("a verdict on absence or an exact count needs after=", hint)
    pieces = (after,) if isinstance(after, Evidence) else after
    if not isinstance(pieces, Iterable) or isinstance(pieces, str | bytes):
        raise UsageError(f"after= takes evidence, not {after!r}", hint)
    evidence = tuple(pieces)
    if not evidence:
        raise UsageError("after= was given no evidence", hint)
    for piece in evidence:
        if not isinstance(piece, Evidence):
            raise UsageError(f"after= takes evidence, not {piece!r}", hint)
    return evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The evidence of a verdict, with its weaknesses.

    Attributes:
        evidence: The given evidence.
        gaps: Its own doubts, what was not seen, and producers that it does not cover.
        stale: What covered producers sent after it was taken.
        hints: How to close the gaps.
    """

    evidence: tuple[Evidence, ...]
    gaps: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return each piece with its coverage, then the gaps and later arrivals, a line each."""
        lines = [str(piece).splitlines()[0] for piece in self.evidence]
        lines += [f"gap: {gap}" for gap in self.gaps]
        return "\n".join([*lines, *self.stale])

    @property
    def advice(self) -> str:
        """Return how to complete it; empty if it is complete."""
        if self.gaps:
            return f"more may be on its way: {'; '.join(self.hints)}"
        if self.stale:
            return "more may be on its way: take the evidence last, after all that the test causes"
        return ""


def examined(source: Source, selection: Selection, evidence: Sequence[Evidence]) -> Proof:
    """Return the proof for such a verdict. Does not block on a local source."""
    carried = [gap for piece in evidence for gap in piece.gaps]
    ended = {owner for piece in evidence if piece.kind == "exited" for owner in piece.owners}
    not_seen = list(Unseen(source, selection.kind, selection.could_match).clauses(ended))
    doubtful = list(set_aside(source, selection.kind, selection.selects))
    uncovered: list[str] = []
    stale: list[str] = []
    for activity in source.producers():
        if not selection.could_match(activity.producer):
            continue
        for signal in _signals_of(selection.kind):
            if signal in activity.signals or _may_still_send(selection.kind):
                covering = [p for p in evidence if p.covers(activity.producer, signal)]
                if not covering:
                    uncovered.append(_uncovered(activity, signal, evidence))
                else:
                    stale += _staleness(source, selection, activity, signal, covering)
    hints = ((uncovered, _COVER), (carried, _EXPLAIN), (not_seen, _UNKNOWN), (doubtful, CLOCK_HINT))
    return Proof(
        evidence=tuple(evidence),
        gaps=tuple(dict.fromkeys([*carried, *not_seen, *doubtful, *uncovered])),
        stale=tuple(dict.fromkeys(stale)),
        hints=tuple(hint for gaps, hint in hints if gaps),
    )


def judge(source: Source, selection: Selection, evidence: Sequence[Evidence]) -> None:
    """Accept a verdict on absence or an exact count, or refuse it as not proven.

    Call it when the items are as expected. Does not block on a local source.

    Raises:
        ExpectationError: Rule `not_proven` for gaps, `stale_evidence` for later arrivals.
    """
    __tracebackhide__ = True
    proof = examined(source, selection, evidence)
    if proof.gaps:
        raise ExpectationError([_not_proven(selection, proof)])
    if proof.stale:
        raise ExpectationError([_stale(selection, proof)])


def _signals_of(kind: Kind) -> tuple[Signal, ...]:
    return SIGNALS if kind == "requests" else (kind,)


def _may_still_send(kind: Kind) -> bool:
    """Return whether a producer counts for a signal that it has not sent yet.

    It does if one signal is judged: a service that has only sent metrics so far may still
    send the span. For requests of any signal, only the signals seen so far count.
    """
    return kind != "requests"


def _uncovered(activity: ProducerActivity, signal: Signal, evidence: Sequence[Evidence]) -> str:
    sent = ", ".join(
        f"{count} request{'' if count == 1 else 's'} of {name}"
        for name, count in activity.signals.items()
    )
    text = f"{activity.producer} has sent in this test ({sent}) and is not covered"
    if any(p.covers(activity.producer, s) for p in evidence for s in SIGNALS):
        return f"{text} for {signal}"
    return text


def _staleness(
    source: Source,
    selection: Selection,
    activity: ProducerActivity,
    signal: Signal,
    covering: Sequence[Evidence],
) -> list[str]:
    """Return why each covering piece is out of date; empty if one of them is not."""
    reasons: list[str] = []
    for piece in covering:
        if activity.last_tokens.get(signal, -1) < piece.token:
            return []
        later = _later_items(source, signal, activity.producer, piece)
        if signal == "metrics":
            later = _changed(source, activity.producer, later, selection)
        if not later:
            return []
        count = len(later)
        reasons.append(
            f"{activity.producer} sent {count} more {ITEM_NOUNS[signal]}{'' if count == 1 else 's'}"
            f" after the evidence '{piece.kind}' was taken"
        )
    return reasons


def _later_items(source: Source, signal: Signal, producer: Producer, piece: Evidence) -> list[Any]:
    batch = source.fetch(
        signal, pushed_down={}, since=piece.token, deadline=Deadline(_LOCAL_DEADLINE_S)
    )
    return [
        item
        for item in batch.items
        if producer_of(item) == producer and getattr(item, "trace_id", "") not in piece.trace_ids
    ]


def _changed(
    source: Source,
    producer: Producer,
    later: Sequence[DataPoint],
    selection: Selection,
) -> list[DataPoint]:
    """Return the later points with new information for the verdict.

    A periodic reader repeats its values; only a selected series whose numbers moved shows that
    the producer was active after the evidence.
    """
    judged = [p for p in later if selection.kind == "requests" or selection.selects(p)]
    if not judged:
        return []
    after_it = {id(point.request) for point in later}
    everything = source.fetch(
        "metrics", pushed_down={}, since=None, deadline=Deadline(_LOCAL_DEADLINE_S)
    )
    known = {
        series_key(point): numbers(point)
        for point in everything.items
        if id(point.request) not in after_it and producer_of(point) == producer
    }
    return [point for point in judged if _tells_news(point, known.get(series_key(point)))]


def _tells_news(point: DataPoint, before: tuple[object, ...] | None) -> bool:
    """Return whether something was recorded: a nonzero delta, or a changed value."""
    temporality = point.metric.temporality
    if temporality == AggregationTemporality.DELTA:
        return any(numbers(point))
    return before != numbers(point)


def _not_proven(selection: Selection, proof: Proof) -> Finding:
    lines = [f"gap: {gap}" for gap in proof.gaps]
    return Finding(
        rule="not_proven",
        where=selection.where,
        expected=f"{selection.expected}, and proof that none is on its way",
        received=f"{selection.received} so far, but not proven:\n" + "\n".join(lines),
        closest=_evidence_lines(proof),
        hint="; ".join(proof.hints),
    )


def _stale(selection: Selection, proof: Proof) -> Finding:
    return Finding(
        rule="stale_evidence",
        where=selection.where,
        expected=f"{selection.expected}, and nothing sent since the evidence was taken",
        received=f"{selection.received} so far, but not proven:\n" + "\n".join(proof.stale),
        closest=_evidence_lines(proof),
        hint="take the evidence last, after everything that the test causes",
    )


def _evidence_lines(proof: Proof) -> str:
    return "the evidence given:\n" + "\n".join(str(p).splitlines()[0] for p in proof.evidence)

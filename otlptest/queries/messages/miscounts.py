"""Findings of a wrong number of matches: too many, too few, one too late."""

from collections.abc import Sequence
from typing import Any, Final

from otlptest.errors import Finding
from otlptest.model import Request
from otlptest.queries.evidence.judging import Proof
from otlptest.queries.messages.nearest_miss import Question, amount, item_name, nearest, place

_SHOWN: Final = 3
_RESENT: Final = (
    "all are one and the same, sent more than once: is an exporter registered twice, or did it"
    " retry?"
)
_FEWER: Final = (
    "all that the evidence covers has arrived: the others were not recorded, were dropped before"
    " they were sent (sampler, full queue), or do not meet the criteria"
)


def too_many(query: Question[Any], matches: Sequence[Any]) -> Finding:
    """Return the finding that several items match where one is expected."""
    return Finding(
        rule="too_many_matches",
        where=place(query),
        expected=amount(query, 1, exactly=True),
        received=_listed(query, matches),
        hint=_resent(matches)
        or "narrow the criteria, or use wait_for_first(…) or wait_for(count, …)",
    )


def late_second(query: Question[Any], matches: Sequence[Any]) -> Finding:
    """Return the finding that a second match came after `wait_for_one` had returned."""
    return Finding(
        rule="late_second_match",
        where=place(query),
        expected=amount(query, 1, exactly=True),
        received=_listed(query, matches),
        hint="the wait returned before the others arrived; narrow the criteria, or judge with "
        "expect_count(1, after=…)",
    )


def miscounted(
    query: Question[Any], matches: Sequence[Any], expected: int | None, proof: Proof
) -> Finding:
    """Return the finding of `expect_count`, or of `expect_none` if `expected` is None."""
    rule = "unexpected_item" if expected is None else "wrong_count"
    wanted = expected or 0
    received, closest, hint = _listed(query, matches), "", _resent(matches)
    if len(matches) < wanted:
        miss = nearest(query, len(matches))
        head = f"{received}\n" if matches else "none " if miss.total else ""
        received = f"{head}among {miss.received}" if miss.total else miss.received
        closest, hint = miss.closest, miss.hint or proof.advice or _FEWER
    return Finding(
        rule=rule,
        where=place(query),
        expected=amount(query, wanted, exactly=True),
        received=f"{received}\nafter {proof}",
        closest=closest,
        hint=hint,
    )


def _listed(query: Question[Any], matches: Sequence[Any]) -> str:
    names = [_located(item) for item in matches[:_SHOWN]]
    if len(matches) > _SHOWN:
        names.append(f"and {len(matches) - _SHOWN:,} more")
    return f"{query.vocabulary.counted(len(matches))}:\n" + "\n".join(names)


def _resent(matches: Sequence[Any]) -> str:
    is_resent = len({id(item) for item in matches}) > 1 and all(m == matches[0] for m in matches)
    return _RESENT if is_resent else ""


def _located(item: object) -> str:
    request = getattr(item, "request", None)
    where = f" in request {request.number}" if isinstance(request, Request) else ""
    return f"{item_name(item)}{where}"

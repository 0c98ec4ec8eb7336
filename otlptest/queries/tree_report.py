"""The message of a tree that did not match: both trees side by side."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from otlptest.errors import Finding
from otlptest.model import Span
from otlptest.queries.forest import Forest
from otlptest.queries.hints import closest_hint
from otlptest.queries.tree_alignment import Mark, Row, faults, nearest_alignment
from otlptest.queries.trees import Tree, TreeRules
from otlptest.queries.waterfall import printable
from otlptest.queries.wording import show

__all__ = ["side_by_side", "tree_finding", "tree_text"]

_MARKS: dict[Mark, str] = {"same": " ", "differs": "~", "missing": "-", "unexpected": "+"}
_REPORT_WIDTH = 68  # columns of 80 that a finding leaves
_LEAST_CELL = 8
_MOST_ROWS = 60
_FAR = 0.5  # a name with at least this distance is another one
_CANDIDATES = 20  # traces that are compared in detail


def tree_finding(
    forests: Sequence[tuple[str, Forest]],
    pattern: Tree,
    rules: TreeRules,
    *,
    where: str,
    received: str,
    hint: str = "",
    elsewhere: Iterable[Span] = (),
) -> Finding:
    """The finding that no trace has the tree; shows the one that is closest.

    Args:
        forests: Trace ids with their spans, already pruned; the newest last.
        pattern: What is expected.
        rules: How it was compared.
        where: What the finding is about.
        received: What arrived, in few words.
        hint: What to try where spans are missing, and the comparison itself shows no reason.
        elsewhere: Spans of any trace, among which those that are missing may be.
    """
    nearest = _nearest(forests, pattern, rules)
    closest, shown_hint = "", hint
    if nearest is not None:
        trace_id, forest, rows = nearest
        closest = f"trace {trace_id}:\n{side_by_side(rows)}"
        shown_hint = _hint(trace_id, forest, rows, rules, elsewhere) or hint * _lacks(rows)
    return Finding(
        rule="tree_mismatch",
        where=where,
        expected=tree_text(pattern, rules),
        received=received,
        closest=closest,
        hint=shown_hint,
    )


def tree_text(pattern: Tree, rules: TreeRules) -> str:
    """The expectation in one line: `the tree 'POST /checkout' of 3 spans and no others`."""
    least, most = pattern.span_counts()
    number = f"{least} to {most} spans" if least != most else f"{most} span{'s' * (most != 1)}"
    others = "and no others" if rules.extra == "forbid" else "with others allowed"
    order = ", children in order of start" if rules.order == "start" else ""
    pruned = ", some spans pruned" if rules.pruned else ""
    return f"the tree {show(pattern.name)} of {number} {others}{order}{pruned}"


def side_by_side(rows: Sequence[Row], width: int = _REPORT_WIDTH) -> str:
    """Expected and received in two columns, with what differs below each row.

    Args:
        rows: An alignment; after 60 rows only those with faults are shown, and no more than 60.
        width: Columns to fit into, at least 24.
    """
    cell = max(_LEAST_CELL, (width - 4) // 2)
    lines = [f"  {'expected':<{cell}}  received"]
    shown = rows if len(rows) <= _MOST_ROWS else [row for row in rows if row.mark != "same"]
    for row in shown[:_MOST_ROWS]:
        lines += _row_lines(row, cell, width)
    hidden = len(rows) - len(shown[:_MOST_ROWS])
    if hidden:
        lines.append(f"  ({hidden} more rows, {faults(shown[_MOST_ROWS:])} of them with faults)")
    used = {row.mark for row in rows} - {"same"}
    words = [f"{_MARKS[mark]} {mark}" for mark in _MARKS if mark in used]
    if words:
        lines.append("  " + ", ".join(words))
    return "\n".join(line.rstrip() for line in lines)


def _row_lines(row: Row, cell: int, width: int) -> Iterator[str]:
    indent = "  " * min(row.depth, cell // 4)
    left = _wrapped(_pattern_label(row.pattern), indent, cell)
    right = _wrapped(_span_label(row), indent, cell)
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        mark = _MARKS[row.mark] if number == 0 else " "
        yield f"{mark} {one:<{cell}}  {other}"
    details = [str(each) for each in row.differences] + [row.note] * bool(row.note)
    for detail in details:
        yield from textwrap.wrap(
            printable(detail),
            width,
            initial_indent=f"  {indent}  ",
            subsequent_indent=f"  {indent}    ",
        )


def _wrapped(label: str, indent: str, cell: int) -> list[str]:
    return (
        textwrap.wrap(label, cell, initial_indent=indent, subsequent_indent=indent + "  ")
        if label
        else [""]
    )


def _pattern_label(pattern: Tree | None) -> str:
    if pattern is None:
        return ""
    times = f" x{pattern.times}" if pattern.times > 1 else ""
    return printable(f"{show(pattern.name)}{times}{' (optional)' if pattern.optional else ''}")


def _span_label(row: Row) -> str:
    if row.span is None:
        return ""
    service = f" ({row.span.service})" if row.span.service else ""
    return printable(f"{show(row.span.name)}{service}")


def _nearest(
    forests: Sequence[tuple[str, Forest]], pattern: Tree, rules: TreeRules
) -> tuple[str, Forest, tuple[Row, ...]] | None:
    """The trace with the fewest faults; of equal ones the newest."""
    numbered = enumerate(forests)
    ranked = sorted(numbered, key=lambda n: (not any(map(pattern.fits, n[1][1].spans)), -n[0]))
    likely = [each for _, each in ranked[:_CANDIDATES]]
    aligned = [
        (trace_id, forest, nearest_alignment(forest, pattern, rules)) for trace_id, forest in likely
    ]
    return min(aligned, key=lambda each: faults(each[2]), default=None)


def _lacks(rows: Sequence[Row]) -> bool:
    """Whether a span is missing; the top is, where what stands for it has quite another name."""
    return any(
        row.mark == "missing"
        or any(d.field == "name" and d.distance >= _FAR for d in row.differences)
        for row in rows
    )


def _hint(
    trace_id: str,
    forest: Forest,
    rows: Sequence[Row],
    rules: TreeRules,
    elsewhere: Iterable[Span],
) -> str:
    """What the comparison suggests; empty if only that more may come."""
    if rules.extra == "forbid" and forest.orphans and not forest.roots:
        return (
            "the parent was never received; begin the trace with otlp.new_trace(), so that it"
            ' counts as outside, or use extra="allow"'
        )
    if _lacks(rows):
        return _stray(trace_id, rows, rules, elsewhere)
    differences = [each for row in rows for each in row.differences]
    if differences:
        return closest_hint(differences)
    if any(row.mark == "unexpected" for row in rows):
        return 'take what a framework adds out with pruned=, or let others be with extra="allow"'
    return 'order="any" does not ask for the order' if rules.order == "start" else ""


def _stray(trace_id: str, rows: Sequence[Row], rules: TreeRules, elsewhere: Iterable[Span]) -> str:
    """That a missing span has come in another trace; of several the newest."""
    missing = [row.pattern for row in rows if row.pattern is not None and _lacks([row])]
    found: dict[int, Span] = {}
    for span in elsewhere:
        if span.trace_id != trace_id and not rules.prunes(span):
            found |= {at: span for at, pattern in enumerate(missing) if pattern.fits(span)}
    if not found:
        return ""
    span = found[min(found)]
    service = f" of service {show(span.service)}" if span.service else ""
    return (
        f"{printable(show(span.name))}{printable(service)} arrived in another trace,"
        f" {span.trace_id}: does its caller pass the context on (traceparent), and does it read it?"
    )

"""The message of a tree that did not match: the expected and the received one.

They stand side by side if both fit into the width, the wider one with more room;
else one below the other.
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from otlptest.errors import Finding
from otlptest.model import Span
from otlptest.queries.messages.screen import screen_columns
from otlptest.queries.messages.wording import show
from otlptest.queries.traces.forest import Forest
from otlptest.queries.traces.tree_alignment import Mark, Row, faults, nearest_alignment
from otlptest.queries.traces.tree_hints import Comparison, lacks
from otlptest.queries.traces.trees import Tree, TreeRules
from otlptest.queries.traces.waterfall import printable

_MARKS: dict[Mark, str] = {"same": " ", "differs": "~", "missing": "-", "unexpected": "+"}
_MARGIN = 20  # columns that pytest and a finding put before each line
_LEAST_WIDTH = 24
_LEAST_CELL = 28  # columns in which a name and its indentation can still be read
_GAP = "  "
_MOST_DEPTH = 12  # levels that are indented
_MOST_ROWS = 60
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
    """Return the finding that no trace has the tree; shows the closest one.

    Args:
        forests: Trace ids with their spans, already pruned; the newest last.
        pattern: The expected tree.
        rules: The rules of the comparison.
        where: The subject of the finding.
        received: The arrivals, in few words.
        hint: Advice for missing spans if the comparison itself shows no reason.
        elsewhere: Spans of any trace, which may include the missing ones.
    """
    nearest = _nearest(forests, pattern, rules)
    closest, shown_hint = "", hint
    if nearest is not None:
        trace_id, forest, rows = nearest
        closest = f"trace {trace_id}:\n{compared(rows, _width())}"
        comparison = Comparison(
            trace_id=trace_id, forest=forest, pattern=pattern, rules=rules, rows=rows
        )
        shown_hint = comparison.hint(elsewhere) or hint * lacks(rows)
    return Finding(
        rule="tree_mismatch",
        where=where,
        expected=tree_text(pattern, rules),
        received=received,
        closest=closest,
        hint=shown_hint,
    )


def tree_text(pattern: Tree, rules: TreeRules) -> str:
    """Return the expectation: `the tree 'POST /checkout' of 3 spans and no others`."""
    least, most = pattern.span_counts()
    number = f"{least} to {most} spans" if least != most else f"{most} span{'s' * (most != 1)}"
    if rules.extra == "allow":
        others = "with others allowed"
    elif any(each.descendants for each in pattern.walk()):
        others = "and no others but those on the way to descendants"
    else:
        others = "and no others"
    order = ", children in order of start" if rules.order == "start" else ""
    pruned = ", some spans pruned" if rules.pruned else ""
    return f"the tree {show(pattern.name)} of {number} {others}{order}{pruned}"


def _width() -> int:
    """Return the columns of a comparison."""
    return max(_LEAST_WIDTH, screen_columns() - _MARGIN)


def compared(rows: Sequence[Row], width: int) -> str:
    """Return expected and received, with the differences below each row.

    Args:
        rows: An alignment; after 60 rows only those with faults are shown, and no more than 60.
        width: Columns to fit into, at least 24.
    """
    rows = list(_merged(rows))
    shown = rows if len(rows) <= _MOST_ROWS else [row for row in rows if row.mark != "same"]
    shown = shown[:_MOST_ROWS]
    cell = _left_cell(shown, width)
    if cell is None:
        lines = list(_below_each_other(shown, width))
    else:
        lines = [f"  {'expected':<{cell}}{_GAP}received"]
        for row in shown:
            lines += _row_lines(row, cell, width)
    hidden = len(rows) - len(shown)
    if hidden:
        hidden_faults = faults(rows) - faults(shown)
        lines += _plain(f"({hidden} more rows, {hidden_faults} of them with faults)", width)
    used = {row.mark for row in rows} - {"same"}
    words = [f"{_MARKS[mark]} {mark}" for mark in _MARKS if mark in used]
    if words:
        lines += _plain(", ".join(words), width)
    return "\n".join(line.rstrip() for line in lines)


def _plain(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")


def _merged(rows: Sequence[Row]) -> Iterator[Row]:
    """Return rows with equal ones that have nothing below them merged."""
    pending: Row | None = None
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        is_leaf = following is None or following.depth <= row.depth
        if pending is not None and is_leaf and _is_alike(pending, row):
            pending = replace(pending, count=pending.count + row.count)
            continue
        if pending is not None:
            yield pending
        pending = row if is_leaf else None
        if not is_leaf:
            yield row
    if pending is not None:
        yield pending


def _is_alike(one: Row, other: Row) -> bool:
    """Return whether two rows are equal, of indistinguishable spans."""
    if one.differences or other.differences or one.note or other.note:
        return False
    names = [(row.span.name, row.span.service) if row.span else None for row in (one, other)]
    kinds = [(row.mark, row.depth, row.is_descendant) for row in (one, other)]
    return names[0] == names[1] and kinds[0] == kinds[1] and one.pattern is other.pattern


def _left_cell(rows: Sequence[Row], width: int) -> int | None:
    """Return the columns of the expected tree; None if two trees do not fit side by side.

    Each gets what it needs. If that is too much, the smaller one does, and the other one wraps.
    """
    room = width - 2 - len(_GAP)
    left = max([len("expected"), *(len(_indent(row) + _expected(row)) for row in rows)])
    right = max([len("received"), *(len(_indent(row) + _received(row)) for row in rows)])
    if left + right <= room:
        return left
    if left <= right:
        return left if room - left >= _LEAST_CELL else None
    return room - right if room - right >= _LEAST_CELL else None


def _row_lines(row: Row, cell: int, width: int) -> Iterator[str]:
    indent = _indent(row)
    left = _wrapped(_expected(row), indent, cell)
    right = _wrapped(_received(row), indent, width - 2 - cell - len(_GAP))
    height = max(len(left), len(right))
    left += [""] * (height - len(left))
    right += [""] * (height - len(right))
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        mark = _MARKS[row.mark] if number == 0 else " "
        yield f"{mark} {one:<{cell}}{_GAP}{other}"
    yield from _details(row, width)


def _below_each_other(rows: Sequence[Row], width: int) -> Iterator[str]:
    yield "  expected"
    for row in rows:
        yield from _marked(row, _expected(row), width)
    yield "  received"
    for row in rows:
        if row.span is not None:
            yield from _marked(row, _received(row), width)
            yield from _details(row, width)


def _marked(row: Row, label: str, width: int) -> Iterator[str]:
    for number, line in enumerate(_wrapped(label, _indent(row), width - 2) if label else []):
        yield f"{' ' if number else _MARKS[row.mark]} {line}"


def _details(row: Row, width: int) -> Iterator[str]:
    details = [str(each) for each in row.differences] + [row.note] * bool(row.note)
    for detail in details:
        yield from textwrap.wrap(
            printable(detail),
            width,
            initial_indent=f"  {_indent(row)}  ",
            subsequent_indent=f"  {_indent(row)}    ",
        )


def _indent(row: Row) -> str:
    return "  " * min(row.depth, _MOST_DEPTH)


def _wrapped(label: str, indent: str, cell: int) -> list[str]:
    indent = indent[: cell // 2]
    return (
        textwrap.wrap(label, cell, initial_indent=indent, subsequent_indent=indent + "  ")
        if label
        else [""]
    )


def _expected(row: Row) -> str:
    if row.pattern is None:
        return ""
    deeper = " (anywhere below)" if row.is_descendant else ""
    optional = " (optional)" if row.pattern.optional else ""
    return printable(f"{show(row.pattern.name)}{_times(row)}{deeper}{optional}")


def _received(row: Row) -> str:
    if row.span is None:
        return ""
    service = f" ({row.span.service})" if row.span.service else ""
    return printable(f"{show(row.span.name)}{service}{_times(row)}")


def _times(row: Row) -> str:
    return f" x{row.count}" if row.count > 1 else ""


def _nearest(
    forests: Sequence[tuple[str, Forest]], pattern: Tree, rules: TreeRules
) -> tuple[str, Forest, tuple[Row, ...]] | None:
    """Return the trace whose top fits with the fewest faults; of equal ones the newest."""
    numbered = enumerate(forests)
    ranked = sorted(numbered, key=lambda n: (not any(map(pattern.fits, n[1][1].spans)), -n[0]))
    likely = [each for _, each in ranked[:_CANDIDATES]]
    aligned = [
        (trace_id, forest, nearest_alignment(forest, pattern, rules)) for trace_id, forest in likely
    ]
    return min(aligned, key=lambda each: (_top_differs(each[2]), faults(each[2])), default=None)


def _top_differs(rows: Sequence[Row]) -> bool:
    """Return whether the top of the pattern is compared with a span that does not fit it."""
    return rows[0].span is None or bool(rows[0].differences)

"""A trace as text: one line per span, below its parent, with bars on a common time scale.

Spans on the critical path are marked by `*`, failed ones by `ERROR`; colour carries nothing. Lines
fit any width from 40 columns; what does not fit next to the name goes below it, and nothing is cut.
"""

import math
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otlptest.errors import UsageError
from otlptest.model import Span, StatusCode
from otlptest.queries.traces.critical_path import critical_path
from otlptest.queries.traces.forest import Forest

LEAST_WIDTH = 40
_LEAST_BAR = 10
_MARK = "* "
_DETAILS_INDENT = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
    branch: str
    last: str
    through: str
    blank: str
    bar: str


_LINES = _Glyphs(branch="├─ ", last="└─ ", through="│  ", blank="   ", bar="━")
_ASCII = _Glyphs(branch="|- ", last="`- ", through="|  ", blank="   ", bar="=")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One span: its line before the layout."""

    is_critical: bool
    branches: str
    below: str
    span: Span | None
    text: str
    service: str = ""


def waterfall(
    forest: Forest, *, trace_id: str = "", logs: int = 0, width: int = 80, encoding: str = "utf-8"
) -> str:
    """Draw the spans of a trace.

    The same spans always give the same text, in whatever order they arrived.

    Args:
        forest: The spans.
        trace_id: For the first line.
        logs: Number of the trace's log records, for the first line.
        width: Columns to fit into, at least 40.
        encoding: The output encoding; lines are drawn with ASCII characters if it
            has no others, and missing characters in names are escaped.

    Raises:
        UsageError: `width` is below 40.
    """
    if width < LEAST_WIDTH:
        raise UsageError(f"width must be {LEAST_WIDTH} or more, and is {width!r}")
    glyphs = _LINES if _can_write(_LINES.branch + _LINES.bar, encoding) else _ASCII
    critical = frozenset(critical_path(forest))
    canvas = _Canvas(
        forest=forest, critical=critical, glyphs=glyphs, width=width, encoding=encoding
    )
    rows = tuple(canvas.rows())
    extent = _extent(forest.spans)
    lines = _head(forest, trace_id, logs, width, extent)
    lines += _laid_out(rows, extent, width, glyphs.bar)
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str, encoding: str = "utf-8") -> str:
    """Return `text` on one line, with control characters and unencodable ones escaped."""
    escaped = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
    return escaped.encode(encoding, "backslashreplace").decode(encoding)


def duration_text(duration_ms: float) -> str:
    """Return a duration with a suitable unit: `850 us`, `12.3 ms`, `4.56 s`; NaN as `no end`."""
    if math.isnan(duration_ms):
        return "no end"
    if abs(duration_ms) < 1:
        return f"{duration_ms * 1000:.0f} us"
    if abs(duration_ms) < 1000:  # noqa: PLR2004 -- a second
        return f"{duration_ms:.1f} ms"
    return f"{duration_ms / 1000:.2f} s"


def _can_write(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _head(
    forest: Forest, trace_id: str, logs: int, width: int, extent: tuple[int, int]
) -> list[str]:
    spans = forest.spans
    services = {span.service for span in spans} - {None}
    facts = [_counted(len(spans), "span"), _counted(len(services), "service")]
    if logs:
        facts.append(_counted(logs, "log record"))
    if spans:
        since, until = extent
        has_end = any(span.end_time_unix_nano for span in spans)
        facts.append(duration_text((until - since) / 1e6 if has_end else math.nan))
    lines = [f"trace {trace_id}".rstrip(), *textwrap.wrap(", ".join(facts), width - 2)]
    if spans:
        lines.append("* on the critical path")
    return [lines[0], *(f"  {line}" for line in lines[1:])]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _extent(spans: Sequence[Span]) -> tuple[int, int]:
    """Return the first start and the last end."""
    since = min((span.start_time_unix_nano for span in spans), default=0)
    return since, max((span.end_time_unix_nano for span in spans), default=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Canvas:
    """The content and the means of a drawing."""

    forest: Forest
    critical: frozenset[int]
    glyphs: _Glyphs
    width: int
    encoding: str

    def rows(self) -> Iterator[_Row]:
        """Yield all rows: the roots' trees, then the spans below no root."""
        forest = self.forest
        for root in forest.roots:
            yield from self._tree_rows(root, "")
        missing: dict[str, list[int]] = {}
        for orphan in forest.orphans:
            missing.setdefault(forest.spans[orphan].parent_span_id or "", []).append(orphan)
        groups = [(f"missing parent {parent}", tops) for parent, tops in missing.items()]
        groups += [("each other's ancestors", [top]) for top in forest.circles]
        for title, tops in groups:
            yield _Row(is_critical=False, branches="", below="", span=None, text=title)
            for top in tops:
                yield from self._tree_rows(top, "last" if top == tops[-1] else "branch")

    def _tree_rows(self, top: int, hung: str) -> Iterator[_Row]:
        """Yield the rows of one tree; `hung` connects its top to a title, if it has one."""
        glyphs, width = self.glyphs, self.width
        stack = [(top, "", hung, 0)]
        while stack:
            place, inherited, how, depth = stack.pop()
            span = self.forest.spans[place]
            branches, below = inherited, inherited
            if how:
                branches += glyphs.last if how == "last" else glyphs.branch
                below += glyphs.blank if how == "last" else glyphs.through
            children = self.forest.children[place]
            yield _Row(
                is_critical=place in self.critical,
                branches=_shortened(branches, depth, width),
                below=below + (glyphs.through if children else glyphs.blank),
                span=span,
                text=printable(span.name, self.encoding) or "(no name)",
                service=printable(span.service or "(no service)", self.encoding),
            )
            # Beyond half the width lines would only push the names out, so they stop growing.
            handed_down = below if len(below) <= _most_branches(width) else inherited
            stack.extend(
                (child, handed_down, "last" if child == children[-1] else "branch", depth + 1)
                for child in reversed(children)
            )


def _shortened(branches: str, depth: int, width: int) -> str:
    """Show the depth as a number if it no longer fits as lines."""
    return f"{branches}({depth}) " if len(branches) > _most_branches(width) else branches


def _most_branches(width: int) -> int:
    """Return the columns that lines may take before a name."""
    return width // 2 - 6


def _laid_out(rows: Sequence[_Row], extent: tuple[int, int], width: int, bar: str) -> Iterator[str]:
    services = max((_columns(row.service) for row in rows), default=0)
    durations = max(
        (len(duration_text(r.span.duration_ms)) for r in rows if r.span is not None), default=0
    )
    has_status = any(_status(r.span) for r in rows if r.span is not None)
    details = services + 2 + durations + (7 if has_status else 0)
    names = max((_columns(r.branches + r.text) for r in rows if r.span is not None), default=0)
    room = width - len(_MARK) - 2 - details
    is_stacked = room < min(names, width // 2 - 6)
    name_width = min(names, room)
    bar_width = 0 if is_stacked else room - name_width - 2
    for row in rows:
        mark = _MARK if row.is_critical else " " * len(_MARK)
        if row.span is None:
            yield mark + row.text
            continue
        label = row.branches + row.text
        status = _status(row.span)
        service = _padded(row.service, services)
        facts = f"{service}  {duration_text(row.span.duration_ms):>{durations}}"
        if has_status:
            facts += f"  {status:<5}"
        if bar_width >= _LEAST_BAR:
            facts += "  " + _bar(row.span, extent, bar_width, bar)
        below = " " * len(_MARK) + row.below
        if not is_stacked and _columns(label) <= name_width:
            yield f"{mark}{_padded(label, name_width)}  {facts}"
            continue
        prefix = max(_columns(row.branches), _columns(row.below) + len(_DETAILS_INDENT))
        first, *others = _wrapped(row.text, width - len(_MARK) - prefix)
        yield mark + row.branches + first
        yield from (below + _DETAILS_INDENT + other for other in others)
        if is_stacked:
            loose = f"{row.service}  {duration_text(row.span.duration_ms)}  {status}"
            for piece in _wrapped(loose.rstrip(), width - _columns(below)):
                yield below + piece
        else:
            yield f"{_padded(below, name_width + len(_MARK))}  {facts}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(8, width)) or [text]


def _status(span: Span) -> str:
    if span.status.code == StatusCode.ERROR:
        return "ERROR"
    return "OK" if span.status.code == StatusCode.OK else ""


def _bar(span: Span, extent: tuple[int, int], width: int, char: str) -> str:
    since, until = extent
    scale = (width - 1) / max(1, until - since)
    left = round((span.start_time_unix_nano - since) * scale)
    right = round((max(span.start_time_unix_nano, span.end_time_unix_nano) - since) * scale)
    return " " * left + char * (right - left + 1)


def _columns(text: str) -> int:
    """Return a text's columns on a terminal: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))

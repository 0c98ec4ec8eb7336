"""One table of several subjects, as `otlptest conform matrix` prints it."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otlptest.conformance.verdicts import VERDICTS
from otlptest.report.conformance.conformance_json import RecordedRun
from otlptest.report.conformance.conformance_markdown import markdown_cell
from otlptest.report.plain_text import one_line, table
from otlptest.requirements import all_requirements

_NONE: Final = "-"  # the suite of that column does not judge the row
_COLUMNS_BEFORE: Final = ("requirement", "level")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One requirement over all subjects.

    Attributes:
        id: The requirement.
        level: `MUST`, `SHOULD`, `MAY` or `ROBUSTNESS`.
        title: The demand.
        verdicts: One per column; empty where the column does not have the row.
    """

    id: str
    level: str
    title: str
    verdicts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Several runs side by side.

    Attributes:
        columns: The name of each run: its subject and protocol.
        rows: The requirements that any run judged, in the order of the catalogue.
    """

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]

    def count(self, column: int, verdict: str) -> int:
        """Return the number of rows of a column with that verdict."""
        return sum(1 for row in self.rows if row.verdicts[column] == verdict)


def matrix_of(runs: Sequence[RecordedRun]) -> Matrix:
    """Return the table of some runs, in their order."""
    known = {rule.id: number for number, rule in enumerate(all_requirements())}
    ids = {name for run in runs for name in run.results}
    ordered = sorted(ids, key=lambda name: (known.get(name, len(known)), name))
    return Matrix(
        columns=_distinct(f"{run.subject} over {run.protocol}" for run in runs),
        rows=tuple(_matrix_row(name, runs) for name in ordered),
    )


def _matrix_row(name: str, runs: Sequence[RecordedRun]) -> MatrixRow:
    found = next(run.results[name] for run in runs if name in run.results)
    verdicts = (run.results[name]["verdict"] if name in run.results else "" for run in runs)
    return MatrixRow(id=name, level=found["level"], title=found["title"], verdicts=tuple(verdicts))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, later equal ones with a number."""
    seen: dict[str, int] = {}
    distinct: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(distinct)


def matrix_record(matrix: Matrix) -> dict[str, Any]:
    """Return the table as JSON: `columns`, `summary` by column, and `rows`."""
    return {
        "columns": list(matrix.columns),
        "summary": {
            name: {verdict: matrix.count(number, verdict) for verdict in VERDICTS}
            for number, name in enumerate(matrix.columns)
        },
        "rows": [
            {
                "id": row.id,
                "level": row.level,
                "title": row.title,
                "verdicts": {
                    name: verdict
                    for name, verdict in zip(matrix.columns, row.verdicts, strict=True)
                    if verdict
                },
            }
            for row in matrix.rows
        ],
    }


def matrix_text(matrix: Matrix) -> str:
    """Return the table for a terminal: columns by number, their names above."""
    names = [f"[{number}] {name}" for number, name in enumerate(matrix.columns, start=1)]
    headers = [*_COLUMNS_BEFORE, *(f"[{number}]" for number in range(1, len(names) + 1))]
    body = [
        [row.id, row.level, *(verdict or _NONE for verdict in row.verdicts)] for row in matrix.rows
    ]
    totals = [
        ["total", verdict, *(str(matrix.count(number, verdict)) for number in range(len(names)))]
        for verdict in VERDICTS
    ]
    drawn = table([*body, *totals], headers=headers, width=sys.maxsize)
    return "\n".join([*map(one_line, names), "", drawn or ""])


def matrix_markdown(matrix: Matrix) -> str:
    """Return the table as Markdown, totals first."""
    head = [*_COLUMNS_BEFORE, *map(markdown_cell, matrix.columns)]
    totals = [
        ["total", verdict, *(str(matrix.count(n, verdict)) for n in range(len(matrix.columns)))]
        for verdict in VERDICTS
    ]
    body = [
        [f"{row.id} {markdown_cell(row.title)}", row.level, *(v or _NONE for v in row.verdicts)]
        for row in matrix.rows
    ]
    lines = [head, ["---"] * len(head), *totals, *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

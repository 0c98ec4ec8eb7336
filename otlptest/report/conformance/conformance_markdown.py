"""Conformance results as Markdown, for a pull request or a release."""

from collections.abc import Sequence

from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.verdicts import VERDICTS, Result


def conformance_markdown(conformance: Conformance) -> str:
    """Return a summary of the runs, each run's failures and warnings, then all results."""
    lines = [
        "# OTLP conformance",
        "",
        _row(["subject", "protocol", *VERDICTS]),
        _row(["---"] * (2 + len(VERDICTS))),
        *(
            _row([run.subject, run.protocol, *map(str, run.summary.values())])
            for run in conformance.runs
        ),
    ]
    for run in conformance.runs:
        lines += ["", f"## {markdown_cell(run.subject)} over {run.protocol}"]
        lines += _run_lines(run)
    return "\n".join(lines) + "\n"


def _run_lines(run: SuiteRun) -> list[str]:
    if run.problem:
        verdict = "skip" if run.is_lacking else "inconclusive"
        return ["", f"**{verdict}**", "", *_fenced(run.problem)]
    lines: list[str] = ["", f"**{run.interrupted}**"] if run.interrupted else []
    for result in run.results:
        if result.verdict in {"fail", "warn"}:
            lines += ["", *_whole(result)]
    for group, title in (("conformance", "Results"), ("robustness", "Robustness")):
        mine = [result for result in run.results if result.group == group]
        if mine:
            lines += ["", f"### {title}", "", *_table(mine)]
    return lines


def _whole(result: Result) -> list[str]:
    link = f"[{result.id}]({result.source})" if _is_link(result.source) else result.id
    lines = [
        f"### {result.verdict}: {link} ({result.level})",
        "",
        markdown_cell(result.title),
        "",
        *_fenced(result.evidence),
    ]
    return [*lines, "", "Run again:", "", *_fenced(result.run_again)] if result.run_again else lines


def _table(results: Sequence[Result]) -> list[str]:
    return [
        _row(["requirement", "level", "verdict", "title"]),
        _row(["---"] * 4),
        *(
            _row(
                [
                    f"[{each.id}]({each.source})" if _is_link(each.source) else each.id,
                    each.level,
                    each.verdict,
                    each.title,
                ]
            )
            for each in results
        ),
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown_cell, cells))} |"


def markdown_cell(text: str) -> str:
    """Return text that stays in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _fenced(text: str) -> list[str]:
    """Return a code block that no line of the text can end."""
    longest = max((len(part) for part in _backtick_runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *text.splitlines(), fence]


def _backtick_runs(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()


def _is_link(source: str) -> bool:
    return source.startswith("https://")

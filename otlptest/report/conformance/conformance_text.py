"""Conformance results as text: failures first, with evidence and commands to run them again."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.runner import CaseFinished, CaseStarted, Event, SuiteStarted
from otlptest.conformance.verdicts import NOT_EMITTED, Group, Result, VerdictName
from otlptest.report.plain_text import one_line

_WIDTH: Final = 100
_IN_SECONDS: Final = 90.0
_MOST_LINES: Final = 20  # of the evidence of one result
_HEADINGS: Final[dict[VerdictName, str]] = {
    "inconclusive": "inconclusive, it could not be observed",
    "skip": "skipped",
    "pass": "passed",
}


def conformance_text(conformance: Conformance, *, width: int = _WIDTH) -> str:
    """Return all runs as text, each with its failures first.

    Args:
        conformance: The runs to print.
        width: Columns of the lines that can be wrapped.
    """
    return "\n\n".join(_run_text(run, width) for run in conformance.runs)


def summary_text(run: SuiteRun) -> str:
    """Return the count of each verdict: `3 pass, 1 fail, 2 inconclusive, 40 not emitted`."""
    missing = sum(map(_is_not_emitted, run.results))
    found = {**run.summary, "inconclusive": run.summary["inconclusive"] - missing}
    numbers = [*found.items(), ("not emitted", missing)]
    counts = [f"{count} {name}" for name, count in numbers if count]
    return ", ".join(counts) or "no results"


def _is_not_emitted(result: Result) -> bool:
    """Return whether a result is inconclusive only because the command emits no such signal."""
    lines = result.evidence.splitlines()
    return result.verdict == "inconclusive" and all(each.startswith(NOT_EMITTED) for each in lines)


def _not_emitted_line(results: Sequence[Result]) -> str:
    """Return the missing signals, and the number of requirements that need them."""
    told = [
        line.removeprefix(NOT_EMITTED) for each in results for line in each.evidence.splitlines()
    ]
    signals = dict.fromkeys(signal for each in told for signal in each.split(" or "))
    requirements = "1 requirement" if len(results) == 1 else f"{len(results)} requirements"
    return f"not emitted: {', '.join(signals)} ({requirements})"


def _run_text(run: SuiteRun, width: int) -> str:
    signals = f" ({', '.join(run.signals)})" if run.signals else ""
    head = f"{one_line(run.subject)} over {run.protocol}{signals}: {summary_text(run)}"
    if run.problem:
        verdict = "skip" if run.is_lacking else "inconclusive"
        said = "\n".join(map(one_line, run.problem.splitlines()))
        seen = [_whole(each) for each in run.results if each.verdict in {"fail", "warn"}]
        return "\n\n".join([head, *seen, f"{verdict}: {said}"])
    if run.shortfall:
        head = f"{head}\n{one_line(run.shortfall)}"
    blocks = [head, *([run.interrupted] if run.interrupted else [])]
    blocks += _group_blocks(run.results, "conformance", width)
    apart = _group_blocks(run.results, "robustness", width)
    if apart:
        blocks += ["robustness, which is not a part of conformance:", *apart]
    return "\n\n".join(blocks)


def _group_blocks(results: Iterable[Result], group: Group, width: int) -> list[str]:
    mine = [result for result in results if result.group == group]
    blocks = [
        _whole(result)
        for verdict in ("fail", "warn")
        for result in mine
        if result.verdict == verdict
    ]
    for verdict in ("inconclusive", "skip"):
        missing = [result for result in mine if _is_not_emitted(result)]
        alike = [each for each in mine if each.verdict == verdict and each not in missing]
        if verdict == "inconclusive" and missing:
            blocks.append(_not_emitted_line(missing))
        if alike:
            blocks.append("\n".join([f"{_HEADINGS[verdict]}:", *_by_reason(alike)]))
    passed = [result.id for result in mine if result.verdict == "pass"]
    if passed:
        text = f"{_HEADINGS['pass']}: {', '.join(passed)}"
        blocks.append(
            "\n".join(textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False))
        )
    return blocks


def _whole(result: Result) -> str:
    """Return a result that somebody has to look at."""
    marks = f" [{', '.join(result.marks)}]" if result.marks else ""
    harm = f" ({result.harm.replace('_', ' ')})" if result.harm else ""
    lines = [f"{result.verdict.upper()} {result.id} {result.level}{marks}{harm}: {result.title}"]
    shown = result.evidence.splitlines()
    lines += [f"  {one_line(line)}" for line in shown[:_MOST_LINES]]
    if len(shown) > _MOST_LINES:
        lines.append(f"  … and {len(shown) - _MOST_LINES} more lines: see --format json")
    lines.append(f"  read:      {result.source}")
    if result.run_again:
        lines.append(f"  run again: {result.run_again}")
    return "\n".join(lines)


def _by_reason(results: Sequence[Result]) -> list[str]:
    """Group results that share a reason, so that it is printed once."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.evidence, []).append(result)
    lines: list[str] = []
    for reason, alike in groups.items():
        lines += [f"  {result.id} {result.level}: {result.title}" for result in alike]
        shown = reason.splitlines()[:_MOST_LINES]
        lines += [f"    {one_line(line)}" for line in shown]
    return lines


def _about(seconds: float) -> str:
    """Return a rough time: `about 40 s`, `about 3 minutes`."""
    if seconds < _IN_SECONDS:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} minutes"


def event_line(event: Event) -> str:
    """Return one step of a run as a line of progress; empty if it is not worth one."""
    match event:
        case SuiteStarted():
            cases = "1 case" if event.cases == 1 else f"{event.cases} cases"
            return f"{event.subject} over {event.protocol}: {cases}, {_about(event.expected_s)}"
        case CaseFinished():
            outcomes = [each.outcome for each in event.judged]
            broken = outcomes.count("failed")
            told = f"{broken} not as demanded" if broken else "ok"
            if set(outcomes) <= {"inconclusive", "not_applicable"}:
                told = "nothing observed"
            done = f"[{event.finished}/{event.cases}]"
            return f"{done} {event.case}: {told}, {event.elapsed_s:.1f} s"
        case CaseStarted():
            return ""

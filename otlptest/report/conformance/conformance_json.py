"""Conformance results as JSON, and the reader of it for a table of several subjects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.verdicts import VERDICTS, Result
from otlptest.errors import FileFormatError

_RESULT_FIELDS: Final = ("id", "level", "verdict", "title", "evidence", "source")
_MORE_FIELDS: Final = ("group", "case", "run_again")


def conformance_record(conformance: Conformance) -> dict[str, Any]:
    """Return the runs under `runs`, each with `subject`, `protocol`, `summary` and `results`.

    A run that was interrupted also has `interrupted`, one that could not be judged `problem`.
    """
    return {"runs": [_run_record(run) for run in conformance.runs]}


def _run_record(run: SuiteRun) -> dict[str, Any]:
    return {
        "subject": run.subject,
        "protocol": run.protocol,
        "summary": dict(run.summary),
        **({"problem": run.problem} if run.problem else {}),
        **({"interrupted": run.interrupted} if run.interrupted else {}),
        **({"shortfall": run.shortfall} if run.shortfall else {}),
        "results": [_result_record(result) for result in run.results],
    }


def _result_record(result: Result) -> dict[str, Any]:
    record = {name: getattr(result, name) for name in (*_RESULT_FIELDS, *_MORE_FIELDS)}
    record |= {"received": result.received, "exchanges": list(result.exchanges)}
    if result.expected:
        record["expected"] = result.expected
    return {**record, "marks": list(result.marks)} if result.marks else record


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """One run as a results file records it.

    Attributes:
        subject: What was judged.
        protocol: The protocol that was used.
        results: Requirement id to its record: `level`, `verdict`, `title` and more.
    """

    subject: str
    protocol: str
    results: Mapping[str, Mapping[str, Any]]


def recorded_runs(record: object, file: str) -> tuple[RecordedRun, ...]:
    """Return the runs that `conformance_record` wrote; 0.1 wrote a single run.

    Args:
        record: What the file holds, parsed.
        file: Its name, for messages.

    Raises:
        FileFormatError: It is not such a record; the message has the place.
    """
    if isinstance(record, dict) and "runs" in record:
        runs = record["runs"]
        if not isinstance(runs, list):
            raise FileFormatError(file, "runs", "is not a list", _HINT)
        return tuple(_recorded(run, file, f"runs[{n}]") for n, run in enumerate(runs))
    return (_recorded(record, file, ""),)


_HINT: Final = "write it with `otlptest conform … --report json=FILE`"


def _recorded(record: object, file: str, place: str) -> RecordedRun:
    if not isinstance(record, dict):
        raise FileFormatError(file, place, "is not an object", _HINT)
    for name, kind in (("subject", str), ("protocol", str), ("results", list)):
        if not isinstance(record.get(name), kind):
            raise FileFormatError(file, place, f"has no {name!r}", _HINT)
    before = f"{place}." if place else ""
    results = [
        _checked(result, file, f"{before}results[{number}]")
        for number, result in enumerate(record["results"])
    ]
    return RecordedRun(
        subject=record["subject"],
        protocol=record["protocol"],
        results={result["id"]: result for result in results},
    )


def _checked(result: object, file: str, place: str) -> dict[str, Any]:
    if not isinstance(result, dict):
        raise FileFormatError(file, place, "is not an object", _HINT)
    for name in _RESULT_FIELDS:
        if not isinstance(result.get(name), str):
            raise FileFormatError(file, place, f"has no {name!r}", _HINT)
    if result["verdict"] not in VERDICTS:
        verdicts = ", ".join(VERDICTS)
        raise FileFormatError(
            file, place, f"has the verdict {result['verdict']!r}", f"there are: {verdicts}"
        )
    return result

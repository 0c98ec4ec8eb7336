"""The small exporter, held to some cases of the exporter suite."""

import os
import sys
from pathlib import Path

from otlptest.conformance import ExporterSuite, SuiteRun, conform_exporter
from otlptest.model import Protocol
from otlptest.processes.descendants import MARKER

EXPORTER = Path(__file__).parents[1] / "subjects" / "exporters" / "exporter.py"
COMMAND = (sys.executable, str(EXPORTER))


def conformed(protocol: Protocol, *cases: str) -> SuiteRun:
    """The verdicts of the named cases."""
    suite = ExporterSuite(cases=cases, timeout_s=30.0)
    (run,) = conform_exporter(COMMAND, protocols=[protocol], suite=suite).runs
    assert not run.problem
    return run


def broken_rules(run: SuiteRun) -> set[str]:
    """The requirements that fail or warn."""
    return {result.id for result in run.results if result.verdict in {"fail", "warn"}}


def left_over(mark: str) -> list[str]:
    """Processes that still have the marker in their environment, this one left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        marked = any(each.startswith(f"{MARKER}={mark}/".encode()) for each in variables)
        if marked and entry.parent.name != str(os.getpid()):
            found.append(entry.parent.name)
    return found

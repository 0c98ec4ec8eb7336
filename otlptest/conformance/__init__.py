"""Conformance of exporters and receivers: cases against a subject, a verdict per requirement.

`conform_exporter` judges any command that reads the standard `OTEL_*` variables, `conform_receiver`
anything that takes OTLP. `exporter_suite` and `receiver_suite` return the same as pytest classes.

Terms: a *subject* is what is judged; a *case* is one experiment with it (`case`); what a case
finds out becomes a *result* per requirement (`verdicts`); a *run* is all results in one protocol
(`results`). A *lab* is what a case works with (`exporter.lab`, `receiver.lab`).
"""

from importlib import import_module
from typing import TYPE_CHECKING

from otlptest.conformance.case import ExporterCase, ReceiverCase
from otlptest.conformance.coverage import CoverageRow, coverage_rows
from otlptest.conformance.exporter.suite import ExporterSuite, conform_exporter
from otlptest.conformance.receiver.suite import ReceiverSuite, Target, conform_receiver
from otlptest.conformance.results import Conformance, SuiteRun
from otlptest.conformance.runner import CaseFinished, CaseStarted, Event, SuiteStarted
from otlptest.conformance.verdicts import Policy, Result
from otlptest.results import CheckResult

if TYPE_CHECKING:
    from otlptest.conformance.pytest_suites import exporter_suite, receiver_suite

__all__ = [
    "CaseFinished",
    "CaseStarted",
    "CheckResult",
    "Conformance",
    "CoverageRow",
    "Event",
    "ExporterCase",
    "ExporterSuite",
    "Policy",
    "ReceiverCase",
    "ReceiverSuite",
    "Result",
    "SuiteRun",
    "SuiteStarted",
    "Target",
    "conform_exporter",
    "conform_receiver",
    "coverage_rows",
    "exporter_suite",
    "receiver_suite",
]

_OF_PYTEST = {"exporter_suite", "receiver_suite"}  # pytest is not loaded for the command line


def __getattr__(name: str) -> object:
    if name not in _OF_PYTEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("otlptest.conformance.pytest_suites"), name)

"""The judgement at the end of a test: failures, and findings that the run only reports."""

import contextlib
from typing import Final

from otlptest.collector.view import CollectorView
from otlptest.errors import ExpectationError, Finding, ReceiverError
from otlptest.processes.exits import signal_name
from otlptest.pytest_plugin.current_test import CurrentTest
from otlptest.timing import Deadline

_SETTLE_S: Final = 5.0
_GLANCE_S: Final = 1.0
_DATA_RULES: Final = "OTLP-"  # the beginning of a requirement id; other names are our own


def settle(view: CollectorView) -> None:
    """Block until everything sent so far is received; takes milliseconds normally."""
    view.settle(Deadline(_SETTLE_S))


def judge(test: CurrentTest, *views: CollectorView) -> None:
    """Stop the programs of the test, wait for their telemetry, and judge what was received.

    A test that has failed already, or was skipped, is not judged.

    Raises:
        ExpectationError: There are findings that the test did not allow.
        ProcessError: A program could not be stopped.
    """
    __tracebackhide__ = True
    test.stop_programs()
    if test.outcome != "passed":
        return
    failing = [finding for view in views for finding in _failing_of(test, view)]
    if failing:
        raise ExpectationError(failing)


def killed_programs(test: CurrentTest) -> tuple[Finding, ...]:
    """Return one finding for each program that did not end in time on the signal of its `stop`."""
    return tuple(
        Finding(
            rule="program_killed",
            where=program.name,
            expected=f"an end within {ending.timeout_s or 0:g} s of {signal_name(ending.sent)}",
            received=f"it {ending.had_to_be_killed}",
            hint="what it had not sent by then is lost: end it on the signal, give it more time"
            " (--otlp-stop-timeout-s), or say otlp.allow('program_killed')",
        )
        for program in test.programs
        if (ending := program.ending).had_to_be_killed and ending.sent is not None
    )


def _failing_of(test: CurrentTest, view: CollectorView) -> tuple[Finding, ...]:
    """Return the findings that fail the test; keep the others for the end of the run."""
    with contextlib.suppress(ReceiverError):  # a fault may hold something back for long
        view.settle(Deadline(_GLANCE_S))  # bytes sent by now meet the faults in force
    view.end_faults()  # released bytes are judged too
    settle(view)
    always, reported = view.judged()
    strict = tuple(
        one for one in reported if test.settings.strict and one.rule.startswith(_DATA_RULES)
    )
    test.reported_rules.update(one.rule for one in reported if one not in strict)
    return (*always, *strict)

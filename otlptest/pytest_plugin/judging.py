"""The judgement at the end of a test: what fails it, and what the run only tells at its end."""

import contextlib
from typing import Final

from otlptest.collector.view import CollectorView
from otlptest.errors import ExpectationError, Finding, ReceiverError
from otlptest.processes.exits import signal_name
from otlptest.pytest_plugin.current_test import CurrentTest
from otlptest.timing import Deadline

_SETTLE_S: Final = 5.0
_GLANCE_S: Final = 1.0
_DATA_RULES: Final = "OTLP-"  # what a requirement id begins with; other names are our own


def settle(view: CollectorView) -> None:
    """Block until all that was sent so far is received; milliseconds, if nothing is wrong."""
    view.settle(Deadline(_SETTLE_S))


def judge(test: CurrentTest, *views: CollectorView) -> None:
    """Stop what the test started, wait until it is received, and judge what was received.

    A test that has failed already, or was skipped, is not judged.

    Raises:
        ExpectationError: Something is wrong with it, and the test did not allow it.
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
    """One finding for each program that did not end in time on the signal of its `stop`."""
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
    """Return what fails the test; what does not is remembered for the end of the run."""
    with contextlib.suppress(ReceiverError):  # a fault may hold something back for long
        view.settle(Deadline(_GLANCE_S))  # what was sent by now meets the faults in force
    view.end_faults()  # what they hold back belongs to what is judged
    settle(view)
    always, reported = view.judged()
    strict = tuple(
        one for one in reported if test.settings.strict and one.rule.startswith(_DATA_RULES)
    )
    test.reported_rules.update(one.rule for one in reported if one not in strict)
    return (*always, *strict)

"""The judgement at the end of a test: what fails it, and what the run only tells at its end."""

from typing import TYPE_CHECKING, Final

from otlptest.errors import ExpectationError
from otlptest.pytest_plugin.current_test import CurrentTest
from otlptest.timing import Deadline

if TYPE_CHECKING:
    from otlptest.collector.view import CollectorView

__all__ = ["SETTLE_S", "judge"]

SETTLE_S: Final = 5.0
"""How long to wait until all that was sent is handled; it takes milliseconds."""


def judge(test: CurrentTest, view: "CollectorView") -> None:
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
    view.settle(Deadline(SETTLE_S))
    findings = view.findings()
    if not findings:
        return
    failing = findings if test.settings.strict else view.failing_findings()
    test.reported_rules.update(one.rule for one in findings if one not in failing)
    if failing:
        raise ExpectationError(failing)

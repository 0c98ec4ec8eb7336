"""The one line at the end of a run about findings that failed no test.

The reports of a test are attached to its teardown report, as plain data: under pytest-xdist,
only that goes from the worker to the process that prints.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest

from otlptest.pytest_plugin.current_test import CurrentTest

_ATTRIBUTE: Final = "otlptest_reported_rules"
_SHOWN_RULES: Final = 8


def attach_rules(report: pytest.TestReport, test: CurrentTest) -> None:
    """Attach findings that did not fail a test to its report."""
    setattr(report, _ATTRIBUTE, dict(test.reported_rules))


class RunSummary:
    """Collects what tests report, and prints it; a pytest plugin of its own in each process."""

    def __init__(self) -> None:
        self._rules: Counter[str] = Counter()
        self._tests = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the attached data from a report."""
        rules: Mapping[str, int] = getattr(report, _ATTRIBUTE, {})
        self._rules.update(rules)
        self._tests += bool(rules)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Print the line, if there is anything to report."""
        if self._rules:
            terminalreporter.write_line(self.line())

    def line(self) -> str:
        """Return which rules were broken how often, and what to do about it."""
        ranked = self._rules.most_common()
        shown = ", ".join(f"{rule} ({count})" for rule, count in ranked[:_SHOWN_RULES])
        more = f" and {len(ranked) - _SHOWN_RULES} more" if len(ranked) > _SHOWN_RULES else ""
        tests = "1 test" if self._tests == 1 else f"{self._tests} tests"
        return (
            f"otlptest: findings that failed no test, in {tests}: {shown}{more}; "
            f"otlptest explain {ranked[0][0]} tells more, otlp_strict = true makes data rules fail"
        )

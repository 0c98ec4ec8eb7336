"""The judgement of everything that one view received, and its description."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from otlptest import validation
from otlptest.errors import Finding
from otlptest.model import Request
from otlptest.queries.messages.arrival_report import CLOCK_HINT
from otlptest.queries.messages.overview import leftovers_in_words, overview
from otlptest.queries.sources import Arrivals, Source
from otlptest.requirements import checked_rule


class Judged(Source, Protocol):
    """A source whose requests can be judged."""

    def late_findings(self) -> Sequence[Finding]:
        """Return what the checks of earlier waits find now."""
        ...

    def leftover_items(self, request: Request) -> Callable[[Any], bool] | None:
        """Return the test for items that are set aside, if the request has such; else None."""
        ...


class Judge:
    """Judges one view, as often as asked. Thread-safe.

    Args:
        source: The view's source.
        more: Returns further findings; errors fail a test, warnings are reported.
    """

    def __init__(self, source: Judged, more: Callable[[], Sequence[Finding]] = tuple) -> None:
        self._source = source
        self._more = more
        self._lock = threading.Lock()
        self._allowed: frozenset[str] = frozenset()

    def allow(self, *rules: str) -> None:
        """Leave findings of these rules out from now on.

        Raises:
            UnknownNameError: A rule does not exist.
        """
        checked = {checked_rule(rule) for rule in rules}
        with self._lock:
            self._allowed |= checked

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings that are not allowed, those that fail a test first."""
        failing, reported = self.judged()
        return (*failing, *reported)

    def judged(self) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
        """Return the findings that fail even a test that is not strict, and those only reported."""
        arrivals = self._source.arrivals()
        judgement = validation.judge(
            arrivals.requests, arrivals.problems, foreign_items=self._source.leftover_items
        )
        more = self._more()
        errors = (finding for finding in more if finding.severity == "error")
        failing = (*judgement.failing, *self._source.late_findings(), *errors)
        warnings = (finding for finding in more if finding.severity != "error")
        reported = (*judgement.reported, *_leftover_findings(arrivals), *warnings)
        return self._not_allowed(failing), self._not_allowed(reported)

    def _not_allowed(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        with self._lock:
            allowed = self._allowed
        return tuple(finding for finding in findings if finding.rule not in allowed)

    def describe(self) -> str:
        """Return what the view received, in a few lines."""
        return overview(self._source)


def _leftover_findings(arrivals: Arrivals) -> Iterator[Finding]:
    left_over = leftovers_in_words(arrivals)
    if left_over:
        yield Finding(
            rule="leftover",
            where="this test",
            expected="nothing of an earlier test",
            received="\n".join(
                [f"{left_over} set aside", *(f"one of them: {doubt}" for doubt in arrivals.doubts)]
            ),
            severity="warning",
            hint=CLOCK_HINT
            if arrivals.doubts
            else "end the earlier test with evidence, or stop its processes there",
        )

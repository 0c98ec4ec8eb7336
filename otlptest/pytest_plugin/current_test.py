"""What otlptest knows about the test that runs: its views, its programs, how it went."""

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:  # what is heavy to import is imported by the fixture that needs it
    from otlptest.collector.view import CollectorView
    from otlptest.processes import Program
    from otlptest.pytest_plugin.setting_values import Settings


class CurrentTest:
    """One run of one test that uses otlptest.

    Attributes:
        settings: What holds for it.
        views: What it sees of collectors, by the name under which a report tells it.
        programs: What it started, in that order.
        outcome: How setup and call went: `passed`, `failed` or `skipped`.
        reported_rules: How often each rule was broken that did not fail the test.
    """

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self.views: dict[str, CollectorView] = {}
        self.programs: list[Program] = []
        self.outcome = "passed"
        self._owners: set[str] = set()
        self.reported_rules: Counter[str] = Counter()

    def unique_owner(self, name: str) -> str:
        """`name`, or `name (2)` and so on if this test has given it out already.

        A collector tells by it whose ports are whose. The next test may use it again: by then the
        program is gone, its connections are read and its ports closed.
        """
        candidates = [name, *(f"{name} ({number})" for number in range(2, len(self._owners) + 2))]
        owner = next(one for one in candidates if one not in self._owners)
        self._owners.add(owner)
        return owner

    def stop_programs(self) -> None:
        """Stop what still runs, the last started first, so that each can flush.

        Raises:
            ProcessError: One did not end; the others were stopped nevertheless.
        """
        from otlptest.errors import ProcessError  # noqa: PLC0415 -- heavy to import

        first_error = None
        for program in reversed(self.programs):
            try:
                program.stop(timeout_s=self.settings.stop_timeout_s)
            except ProcessError as error:
                first_error = first_error or error
        if first_error is not None:
            raise first_error


COLUMNS: Final = pytest.StashKey[int]()
"""Of a session: how wide its terminal is."""

CURRENT_TEST: Final = pytest.StashKey[CurrentTest]()

RUNNING_TEST: Final = pytest.StashKey[CurrentTest | None]()
"""In the configuration's stash: the test that runs now; None: none that uses otlptest."""

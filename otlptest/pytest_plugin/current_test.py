"""The state of the running test: its views, its programs, its outcome."""

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
        settings: Its settings.
        views: Its views of collectors, by their names in reports.
        programs: The programs that it started, in order.
        outcome: The outcome of setup and call: `passed`, `failed` or `skipped`.
        reported_rules: How often each rule was broken without failing the test.
    """

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings
        self.views: dict[str, CollectorView] = {}
        self.programs: list[Program] = []
        self.outcome = "passed"
        self._owners: set[str] = set()
        self.reported_rules: Counter[str] = Counter()

    def unique_owner(self, name: str) -> str:
        """Return `name`, or `name (2)` and so on if this test has already used it.

        A collector uses it to attribute its ports. The next test may use it again: by then the
        program is gone, its connections are read and its ports closed.
        """
        candidates = [name, *(f"{name} ({number})" for number in range(2, len(self._owners) + 2))]
        owner = next(one for one in candidates if one not in self._owners)
        self._owners.add(owner)
        return owner

    def stop_programs(self) -> None:
        """Stop the running programs, the last started first, so that each can flush.

        Raises:
            ProcessError: One did not end; the others were stopped anyway.
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
"""Stash key of a session: the width of its terminal."""

CURRENT_TEST: Final = pytest.StashKey[CurrentTest]()

RUNNING_TEST: Final = pytest.StashKey[CurrentTest | None]()
"""Stash key of the configuration: the running test; None if it does not use otlptest."""

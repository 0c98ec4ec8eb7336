"""Output on Ctrl-C: what the interrupted test has received, and the output of its programs.

pytest makes no report of an interrupted test. Under pytest-xdist the worker itself prints, because
nothing reaches the main process any more.
"""

import os
import sys
from typing import Final

import pytest

from otlptest.pytest_plugin.current_test import RUNNING_TEST

_NAME: Final = "otlptest-interruption"


def watch_interruptions(config: pytest.Config) -> None:
    """Report what an interrupted test has received, from here on; a second call does nothing."""
    if not config.pluginmanager.has_plugin(_NAME):
        config.pluginmanager.register(Interruption(config), _NAME)


class Interruption:
    """Keeps the report of an interrupted test, and prints it; a plugin of its own.

    Args:
        config: The configuration of this process.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._sections: list[tuple[str, str]] = []

    def pytest_keyboard_interrupt(self) -> None:
        """Record the current state: the fixtures of the test are about to end."""
        test = self._config.stash.get(RUNNING_TEST, None)
        if test is None:
            return
        from otlptest.pytest_plugin.failure_sections import (  # noqa: PLC0415 -- heavy to import
            failure_sections,
        )

        where = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
        self._sections = [
            (f"{title}, when {where} was interrupted", text)
            for title, text in failure_sections(test, ())
        ]
        if "PYTEST_XDIST_WORKER" in os.environ:
            self._print_in_worker()

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Print the report."""
        for title, text in self._sections:
            terminalreporter.section(title, sep="-")
            terminalreporter.write_line(text)

    def _print_in_worker(self) -> None:
        capture = self._config.pluginmanager.getplugin("capturemanager")
        text = "\n".join(f"{title}\n{text}" for title, text in self._sections)
        if capture is None:
            print(text, file=sys.stderr)  # noqa: T201 -- the only way out of a worker
            return
        with capture.global_and_fixture_disabled():
            print(text, file=sys.stderr, flush=True)  # noqa: T201 -- as above

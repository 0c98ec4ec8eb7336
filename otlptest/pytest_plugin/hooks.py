"""The pytest hooks of otlptest."""

import shutil
import sys
from collections.abc import Generator

import pytest

from otlptest.pytest_plugin.current_test import COLUMNS, CURRENT_TEST, RUNNING_TEST
from otlptest.pytest_plugin.run_summary import RunSummary, attach_rules
from otlptest.pytest_plugin.settings import add_options, check_configuration

_MARKER = (
    "otlp(allow=[…], strict=…, stop_timeout_s=…, sdk_protocol=…, sdk_service=…): "
    "how otlptest judges this test; allow names rules whose findings are meant"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register our options and ini keys."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Check the settings and prepare the summary."""
    config.addinivalue_line("markers", _MARKER)
    check_configuration(config)
    config.stash[COLUMNS] = shutil.get_terminal_size((80, 24)).columns  # not captured yet
    config.pluginmanager.register(RunSummary(), "otlptest-run-summary")


# Outermost, so that the effects of skips and expected failures are known.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember the outcome of the test, and add explanations to the report of a failure."""
    _shorten_traceback(item.config, call)
    report = yield
    test = item.stash.get(CURRENT_TEST, None)
    if test is None:
        return report
    if report.when == "teardown":
        item.config.stash[RUNNING_TEST] = None
        attach_rules(report, test)
    elif not report.passed:
        test.outcome = report.outcome
    if report.failed:
        from otlptest.pytest_plugin.failure_sections import (  # noqa: PLC0415 -- heavy to import
            failure_sections,
        )

        error = call.excinfo.value if call.excinfo is not None else None
        report.sections.extend(failure_sections(test, getattr(error, "findings", ())))
        _drop_remark_on_hidden_entries(report)
        _mark_every_line(report)
    return report


def _shorten_traceback(config: pytest.Config, call: pytest.CallInfo[None]) -> None:
    """Leave our own files out of the traceback of our own errors, unless `--full-trace` is on."""
    is_ours_loaded = "otlptest.errors" in sys.modules  # or the error cannot be ours
    if call.excinfo is None or not is_ours_loaded or config.getoption("fulltrace"):
        return
    from otlptest.pytest_plugin.tracebacks import shorten  # noqa: PLC0415 -- only on a failure

    if shorten(call.excinfo.value):
        call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)


def _drop_remark_on_hidden_entries(report: pytest.TestReport) -> None:
    """Drop pytest's remark about a hidden traceback: a judgement has none."""
    for traceback, *_ in getattr(report.longrepr, "chain", ()):
        if traceback.extraline and traceback.extraline.startswith("All traceback entries"):
            traceback.extraline = None


def _mark_every_line(report: pytest.TestReport) -> None:
    """Put pytest's `E` before all lines of an error without a traceback, not only the first."""
    for traceback, *_ in getattr(report.longrepr, "chain", ()):
        for entry in traceback.reprentries:
            first = next((n for n, line in enumerate(entry.lines) if line.startswith("E ")), None)
            if first is not None:
                entry.lines[first:] = [
                    f"E{line[1:]}" if line.startswith("  ") else line
                    for line in entry.lines[first:]
                ]

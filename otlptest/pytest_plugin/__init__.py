"""The pytest plugin: options, marker, fixtures, and nothing heavy at import.

Its modules: `settings` (the options of users), `fixtures`, `hooks`, `current_test` (the state of
the running test), and modules imported only when used: `collector_factory`,
`program_factory`, `in_process_sdk`, `judging` (what fails a test at its end), `failure_sections`,
`run_summary`, `tracebacks`. pytest need not look for assertions here: PYTEST_DONT_REWRITE.
"""

from otlptest.pytest_plugin.fixtures import (
    _otlp_test,
    otlp,
    otlp_collector,
    otlp_collectors,
    otlp_process,
    otlp_proxy,
    otlp_sdk,
)
from otlptest.pytest_plugin.hooks import (
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
)

__all__ = [
    "_otlp_test",
    "otlp",
    "otlp_collector",
    "otlp_collectors",
    "otlp_process",
    "otlp_proxy",
    "otlp_sdk",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_makereport",
]

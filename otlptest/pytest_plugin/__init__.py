"""The pytest plugin: options, marker, fixtures, and nothing heavy at import.

Its modules: `settings` (what a user can set), `fixtures`, `hooks`, `current_test` (what is known of
the running test), `judging` (what fails it at its end), `failure_sections`, `run_summary`,
`in_process_sdk` (only when `otlp_sdk` is used).
"""

from otlptest.pytest_plugin.fixtures import (
    CollectorFactory,
    ProgramFactory,
    _otlp_test,
    otlp,
    otlp_collector,
    otlp_collectors,
    otlp_process,
    otlp_sdk,
)
from otlptest.pytest_plugin.hooks import (
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
)

__all__ = [
    "CollectorFactory",
    "ProgramFactory",
    "_otlp_test",
    "otlp",
    "otlp_collector",
    "otlp_collectors",
    "otlp_process",
    "otlp_sdk",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_makereport",
]

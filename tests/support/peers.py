"""Real peers in tests: where they are, and what happens to a test whose peer is absent.

A pytest plugin of the project's own tests. A test marked `needs_go` and the like is skipped with
the reason and the command that provides the peer. What `OTLPTEST_REQUIRE` names (`all`, or names
separated by commas) must be there: its absence fails the test instead.
"""

import os
import shutil
from pathlib import Path
from typing import Final, NoReturn

import pytest

from tests.peers import installation

__all__ = ["require_peer"]

# What must be on the PATH to run an installed peer; building it needs more.
_RUNNERS: Final = {"node": "node", "java": "java"}
_MARKED: Final = ("go", "node", "java", "rust", "telemetrygen", "h2spec", "otelcol")


def require_peer(name: str) -> Path:
    """The installed file of the peer; skips the running test, or fails it, if there is none."""
    file = installation.installed_file(name)
    runner = _RUNNERS.get(name)
    if file is None:
        _absent(name, f"is not installed: python tests/peers/install.py {name}")
    if runner is not None and shutil.which(runner) is None:
        _absent(name, f"needs {runner} on the PATH")
    return file


def _absent(name: str, problem: str) -> NoReturn:
    what = f"the peer {name!r} ({installation.PEERS[name].what}) {problem}"
    if is_required(name):
        pytest.fail(f"{what}\nOTLPTEST_REQUIRE={os.environ['OTLPTEST_REQUIRE']}", pytrace=False)
    pytest.skip(what)


def is_required(name: str) -> bool:
    """Whether `OTLPTEST_REQUIRE` says that the peer must be there."""
    required = [each.strip() for each in os.environ.get("OTLPTEST_REQUIRE", "").split(",")]
    return name in required or "all" in required


def pytest_configure(config: pytest.Config) -> None:
    """Register one marker for each peer."""
    for name in _MARKED:
        what = installation.PEERS[name].what
        config.addinivalue_line("markers", f"needs_{name}: needs the peer {name!r}: {what}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose peer is absent, before any fixture starts."""
    for name in _MARKED:
        if item.get_closest_marker(f"needs_{name}") is not None:
            require_peer(name)

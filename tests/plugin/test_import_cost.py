"""What the plugin costs a session that does not use it."""

import subprocess
import sys

import pytest

HEAVY = (
    "asyncio",
    "cryptography",
    "google.protobuf",
    "grpc",
    "hpack",
    "http.client",
    "httptools",
    "opentelemetry",
    "requests",
    "rich",
    "ssl",
    "trustme",
    "uvloop",
    "zstandard",
)
MOST_MODULES = 10
"""What it takes in time is in benchmarks/reaction.py."""


def told_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_unused_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import otlptest.pytest_plugin\n"
        f"print([one for one in {HEAVY!r} if one in set(sys.modules) - before])\n"
    )
    assert told_by(code) == "[]"


def test_session_that_does_not_use_it_loads_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import sys

        def test_it():
            assert [one for one in {HEAVY!r} if one in sys.modules] == []
            ours = {{name for name in sys.modules if name.startswith("otlptest.")}}
            assert all(name.startswith("otlptest.pytest_plugin") for name in ours)
        """
    )
    pytester.runpytest_subprocess(
        "--disable-plugin-autoload", "-p", "otlptest.pytest_plugin", "-p", "no:cacheprovider"
    ).assert_outcomes(passed=1)


def test_looking_at_otlptest_does_not_import_it_whole() -> None:
    code = (
        "import sys, otlptest\n"
        "looked_at = [getattr(otlptest, name) for name in dir(otlptest)]  # as freezegun does\n"
        "print([name for name in sys.modules if name.startswith('otlptest.')])\n"
    )
    assert told_by(code) == "[]"


def test_unused_plugin_loads_few_modules() -> None:
    code = (
        "import sys, pytest, _pytest.fixtures, _pytest.terminal\n"
        "before = set(sys.modules)\n"
        "import otlptest.pytest_plugin\n"
        "print(len(set(sys.modules) - before))\n"
    )
    assert int(told_by(code)) <= MOST_MODULES

"""Runs pytest as a child, shows its output as it comes, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from xml.etree import ElementTree as ET

from otlptest.cli.streams import screen_width, wants_color, write

_PATIENCE_S: Final = 60.0
_GRACE_S: Final = 15.0  # pytest stops the services of a test before it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The result of a run of pytest.

    Attributes:
        exit_code: pytest's own: 0 passed, 1 tests failed, others: it could not run.
        failures: The text of each failure or error, without colour, by the name of its test.
    """

    exit_code: int
    failures: Mapping[str, str]


def run_pytest(folder: Path, arguments: Sequence[str], **variables: str) -> Run:
    """Run pytest in `folder` with only the otlptest plugin; print its output.

    Blocks until it ends, at most a minute. Ctrl-C is handed on, so that pytest stops what it
    started, and then raised. What failed is read from its JUnit file: the printed text may be
    coloured and wrapped.
    """
    with tempfile.TemporaryDirectory(prefix="otlptest-junit-") as name:
        junit = Path(name) / "junit.xml"
        child = subprocess.Popen(  # noqa: S603 -- our own arguments, no shell
            [
                sys.executable, "-m", "pytest", "-p", "otlptest.pytest_plugin",
                "-p", "no:cacheprovider", f"--color={'yes' if wants_color() else 'no'}",
                "--disable-warnings", f"--junitxml={junit}", *arguments,
            ],
            cwd=folder,
            env=_environment(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # a Ctrl-C reaches it once: from us, not from the terminal too
        )  # fmt: skip
        try:
            with _in_time(child):
                _show(child.stdout, junit)
                exit_code = child.wait()
        finally:
            _end(child)
        return Run(exit_code=exit_code, failures=_failures(junit))


def without_color(variables: Mapping[str, str]) -> dict[str, str]:
    """Return environment variables for a child whose output is read: none asks for colour."""
    asking = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "PYTHON_COLORS")
    return {name: text for name, text in variables.items() if name not in asking} | {
        "NO_COLOR": "1"
    }


@contextmanager
def _in_time(child: subprocess.Popen[str]) -> Iterator[None]:
    """Interrupt a child that takes too long, and kill it if that does not help."""
    timers = [
        threading.Timer(_PATIENCE_S, child.send_signal, [signal.SIGINT]),
        threading.Timer(_PATIENCE_S + _GRACE_S, child.kill),
    ]
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _show(stream: IO[str] | None, junit: Path) -> None:
    for line in stream or ():
        if str(junit) not in line:  # pytest says where it wrote the file
            write(line.rstrip("\n"))


def _end(child: subprocess.Popen[str]) -> None:
    """Interrupt pytest so that it stops what it started; kill it if it does not end."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=_GRACE_S)  # reads on: a full pipe would keep it from ending
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()


def _failures(junit: Path) -> dict[str, str]:
    """Return the failed tests of pytest's JUnit file; empty if it is missing or incomplete."""
    try:
        root = ET.parse(junit).getroot()  # noqa: S314 -- written by the pytest above
    except (FileNotFoundError, ET.ParseError):  # pytest was ended before it had written it
        return {}
    failures: dict[str, str] = {}
    for case in root.iter("testcase"):
        faults = [each for each in case if each.tag in ("failure", "error")]
        if faults:
            texts = [f"{each.get('message', '')}\n{each.text}" for each in faults]
            failures[case.get("name", "")] = "\n".join(texts)
    return failures


def _environment(variables: dict[str, str]) -> dict[str, str]:
    """Return the user's environment without what would change how pytest runs or prints.

    Only `--color` asks for colour: the output of the tests and the JUnit file have none.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    kept = without_color(kept)
    kept.pop("SHOP_FAULT", None)
    return kept | {
        "COLUMNS": str(screen_width()),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        **variables,
    }

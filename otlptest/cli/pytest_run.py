"""Runs pytest as a child, shows what it prints as it comes, and leaves nothing of it running."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from otlptest.cli.streams import screen_width, write

__all__ = ["Run", "run_pytest"]

_PATIENCE_S: Final = 60.0
_GRACE_S: Final = 15.0  # pytest stops the services of a test before it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run of pytest ended with.

    Attributes:
        exit_code: pytest's own: 0 passed, 1 tests failed, other numbers: it could not run.
        output: All that it printed.
        failed: Names of the tests in its list of failures.
    """

    exit_code: int
    output: str
    failed: frozenset[str]


def run_pytest(folder: Path, arguments: Sequence[str], **variables: str) -> Run:
    """Run pytest in `folder` with the otlptest plugin and no other; print what it prints.

    Blocks until it ends, at most a minute. Ctrl-C is handed on, so that pytest stops what it
    started, and then raised.
    """
    child = subprocess.Popen(  # noqa: S603 -- our own arguments, no shell
        [
            sys.executable, "-m", "pytest", "-p", "otlptest.pytest_plugin",
            "-p", "no:cacheprovider", f"--color={'yes' if _wants_color() else 'no'}",
            "--disable-warnings", *arguments,
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
            output = _shown(child.stdout)
            exit_code = child.wait()
    finally:
        _end(child)
    return Run(exit_code=exit_code, output=output, failed=_failed(output))


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


def _shown(stream: IO[str] | None) -> str:
    lines = []
    for line in stream or ():
        lines.append(line)
        write(line.rstrip("\n"))
    return "".join(lines)


def _end(child: subprocess.Popen[str]) -> None:
    """Have pytest stop what it started; kill it when it does not end by itself."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=_GRACE_S)  # reads on: a full pipe would keep it from ending
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()


def _failed(output: str) -> frozenset[str]:
    lines = (line.split() for line in output.splitlines() if "FAILED " in line)
    return frozenset(word.partition("::")[2] for words in lines for word in words if "::" in word)


def _environment(variables: dict[str, str]) -> dict[str, str]:
    """The user's environment, without what would change how pytest runs or prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    kept.pop("SHOP_FAULT", None)
    return kept | {
        "COLUMNS": str(screen_width()),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        **variables,
    }


def _wants_color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

"""Runs the installed `otlptest` command as a person or a script would: in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("otlptest", path=str(Path(sys.executable).parent)) or "otlptest"
PATIENCE_S = 25.0


def environment(**variables: str) -> dict[str, str]:
    """The environment of a plain terminal: 80 columns, UTF-8, no OpenTelemetry settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    plain = {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""}
    return {**kept, **plain, **variables}


def otlptest(
    *arguments: str | Path, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """The command's exit code, stdout and stderr."""
    variables = environment(**variables)
    encoding = variables["PYTHONIOENCODING"]
    return subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env=variables,
        cwd=cwd,
        capture_output=True,
        encoding=encoding,
        timeout=PATIENCE_S,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@contextmanager
def running(arguments: Sequence[str | Path], **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs, with pipes to read; killed when the test leaves it running."""
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        preexec_fn=WITH_CTRL_C,  # noqa: PLW1509 -- it only resets a signal
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _with_ctrl_c() -> None:
    """Take SIGINT as a foreground job does, also where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


WITH_CTRL_C = _with_ctrl_c if os.name == "posix" else None


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Press Ctrl-C; the exit code and the rest of stdout and stderr."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err

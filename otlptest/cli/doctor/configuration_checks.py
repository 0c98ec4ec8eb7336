"""The pytest settings of otlptest in this folder, and the place that each comes from."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from otlptest.cli.doctor.machine_checks import Check
from otlptest.cli.doctor.pytest_settings import MARK
from otlptest.cli.pytest_run import without_color

_PATIENCE_S: Final = 30.0
_COMMAND: Final = (
    sys.executable, "-m", "pytest", "-p", "otlptest", "-p", "otlptest.cli.doctor.pytest_settings",
    "-p", "no:cacheprovider", "--noconftest", "--color=no",
)  # fmt: skip


def configuration_checks() -> Iterator[Check]:
    """Ask pytest in this folder, without running its `conftest.py` files."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own arguments, no shell
            _COMMAND,
            env={
                **without_color(os.environ),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONIOENCODING": "utf-8",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield _unknown(f"pytest did not answer within {_PATIENCE_S:g} s")
        return
    answer = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
    if answer is None:
        yield _unknown(_reason(done.stderr or done.stdout))
        return
    yield from _settings(json.loads(answer.removeprefix(MARK)))


def _settings(told: dict[str, dict[str, list[list[str]]]]) -> Iterator[Check]:
    yield Check(
        section="configuration",
        name="file",
        status="ok",
        value=str(told["file"]) or "none (no pytest.ini, pyproject.toml or tox.ini with pytest's)",
    )
    for name, places in told["places"].items():
        if not places:
            continue
        (winner, value), *others = places
        beaten = f"; weaker: {', '.join(place for place, _ in others)}" if others else ""
        yield Check(
            section="configuration",
            name=name,
            status="ok",
            value=f"{value} (from {winner}{beaten})",
            hint="the marker @pytest.mark.otlp of a test wins over all" if others else "",
        )


def _unknown(reason: str) -> Check:
    return Check(
        section="configuration",
        name="pytest",
        status="note",
        value=f"pytest cannot be asked: {reason}",
        hint="run pytest --collect-only and read what it says",
    )


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error: " in line.lower() and "usage: " not in line]
    return (errors or lines or ["it said nothing"])[0]

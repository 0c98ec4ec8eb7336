"""`.ci/others`: says which Pythons are missing, and fails for one that is there and fails."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "others"


def run(folder: Path, *versions: str) -> "subprocess.CompletedProcess[str]":
    """The script in a copy, where `python3.12` and so on exist for `versions` and always fail."""
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci")
    programs = folder / "bin"
    programs.mkdir()
    for program in ("bash", "dirname"):
        found = shutil.which(program)
        assert found
        (programs / program).symlink_to(found)
    for version in versions:
        fake = programs / f"python{version}"
        fake.write_text('#!/usr/bin/env bash\n[ "$1" = -c ]\n', "utf-8")
        fake.chmod(0o755)
    environment = {"PATH": str(programs), "PYENV_ROOT": str(folder / "none")}
    return subprocess.run(
        [str(programs / "bash"), str(folder / ".ci" / "others")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_missing_is_said_and_is_no_failure(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"Python {version}: not on this machine" for version in ("3.12", "3.13", "3.14")
    ]


@pytest.mark.parametrize("version", ["3.12", "3.14"])
def test_a_python_that_fails_fails_the_step(tmp_path: Path, version: str) -> None:
    done = run(tmp_path, version)
    assert done.returncode == 1
    assert f"Python {version}: python{version}" in done.stdout
    assert done.stderr.endswith(f"failed under Python {version}\n")

"""What holds for every command: versions, help, mistakes, streams, exit codes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import otlptest as package
from otlptest.cli.application import COMMANDS
from tests.support.command_line import PROGRAM, environment, otlptest

EACH_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=str)


def test_version_goes_to_stdout() -> None:
    done = otlptest("--version")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"otlptest {package.__version__}\n",
        "",
    )


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), ("show", "--help"), ("shwo",), ("--version",), ("show", "nothing.json")],
    ids=" ".join,
)
def test_python_m_otlptest_is_the_same_command(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = otlptest(*arguments, cwd=tmp_path)
    same = subprocess.run(
        [sys.executable, "-m", "otlptest", *arguments],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=25,
        check=False,
    )
    assert (same.returncode, same.stdout, same.stderr) == (
        done.returncode,
        done.stdout,
        done.stderr,
    )
    assert "__main__" not in same.stdout + same.stderr


def test_help_lists_every_command() -> None:
    done = otlptest("--help")
    assert done.returncode == 0
    for command, line in COMMANDS.items():
        assert f"  {command}" in done.stdout
        assert line in done.stdout


def test_no_command_at_all_is_a_usage_error_that_shows_the_help() -> None:
    done = otlptest()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


@EACH_COMMAND
def test_each_command_has_help_with_an_example(command: str) -> None:
    done = otlptest(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Example:\n    otlptest {command}" in done.stdout
    assert "Raises" not in done.stdout


@EACH_COMMAND
def test_each_command_has_help_that_fits_40_columns_of_cp1252(command: str) -> None:
    done = otlptest(command, "--help", COLUMNS="40", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0
    examples = [line for line in done.stdout.splitlines() if line.startswith("    otlptest ")]
    wide = [line for line in done.stdout.splitlines() if len(line) > 40 and line not in examples]
    assert wide == []


def test_the_table_of_the_readme_has_one_row_for_each_command() -> None:
    readme = Path(__file__).resolve().parents[2] / "README.md"
    rows = re.findall(r"^\| `otlptest (\w+)", readme.read_text("utf-8"), re.MULTILINE)
    assert rows == list(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["explian"],
            "error: unknown command 'explian'\nhint: did you mean 'explain'?\n",
            id="unknown-command",
        ),
        pytest.param(
            ["x"],
            "error: unknown command 'x'\n"
            "hint: there are: demo, serve, send, show, conform, doctor, explain, schema\n",
            id="unlike-any-command",
        ),
        pytest.param(
            ["explain", "--formt", "json"],
            "error: no such option '--formt'\nhint: did you mean '--format'?\n",
            id="unknown-option",
        ),
        pytest.param(
            ["explain", "--qq"],
            "error: no such option '--qq'\nhint: otlptest explain --help tells more\n",
            id="unlike-any-option",
        ),
        pytest.param(
            ["explain", "--format", "jsn", "x"],
            "error: invalid value for '--format': 'jsn' is not one of 'text', 'json'\n"
            "hint: did you mean 'json'?\n",
            id="misspelt-choice",
        ),
        pytest.param(
            ["explain", "--format", "?", "x"],
            "error: invalid value for '--format': '?' is not one of 'text', 'json'\n"
            "hint: otlptest explain --help tells more\n",
            id="unlike-any-choice",
        ),
        pytest.param(
            ["show"],
            "error: missing argument 'FILE'\nhint: otlptest show --help tells more\n",
            id="missing-argument",
        ),
    ],
)
def test_a_mistake_in_the_command_line_is_one_sentence_with_the_nearest_name(
    arguments: list[str], message: str
) -> None:
    done = otlptest(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize(
    "arguments", [["explain", "--list"], ["--help"]], ids=["own-output", "help"]
)
def test_a_reader_that_leaves_ends_the_command_quietly(arguments: list[str]) -> None:
    command = subprocess.Popen(
        [PROGRAM, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert command.stdout is not None
    command.stdout.close()
    _, errors = command.communicate(timeout=20)
    assert (command.returncode, errors) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_behind_stdout_is_said(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [PROGRAM, "explain", "--list"],
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=20,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == (
        "error: cannot write the output: no space left on device\nhint: write it somewhere else\n"
    )


def test_starting_is_lean() -> None:
    code = (
        "import sys; from otlptest.cli import main; code = main(['--version']);"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'grpc', 'google', 'opentelemetry', 'rich', 'pytest', 'httptools', 'uvloop'}))"
    )
    python = Path(PROGRAM).with_name("python")
    done = subprocess.run(
        [python, "-c", code], capture_output=True, encoding="utf-8", timeout=20, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"

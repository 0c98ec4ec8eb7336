import os
from collections.abc import Callable
from pathlib import Path

import pytest

from otlptest.errors import ProcessError, UsageError
from otlptest.processes import start_program
from otlptest.processes.commands import (
    checked_command,
    checked_environment,
    short_name,
)


def test_command_of_text_and_paths_becomes_text() -> None:
    assert checked_command(["node", Path("/a/shop.js")]) == ("node", "/a/shop.js")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(
            "node 'my shop.js'",
            "a command is a list of words, and this is one string: \"node 'my shop.js'\"\n"
            "  hint: write it as a list, no shell reads it: ['node', 'my shop.js']",
            id="one string",
        ),
        pytest.param([], "a command is a list of at least one word, and is []", id="empty"),
        pytest.param(None, "a command is a list of at least one word, and is None", id="None"),
        pytest.param(
            ["sleep", 1],
            "a word of a command is text or a path, and this is 1\n  hint: write '1'",
            id="number",
        ),
    ],
)
def test_command_that_is_no_list_of_words_is_refused(command: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_command(command)
    assert str(caught.value) == message


def test_environment_of_something_else_than_text_is_refused() -> None:
    assert checked_environment({"A": "1"}) == {"A": "1"}
    wrong: dict[str, object] = {"A": 1}
    with pytest.raises(UsageError) as caught:
        checked_environment(wrong)  # type: ignore[arg-type]  # the planted fault
    assert str(caught.value) == (
        "the environment variable A must be text, and is 1\n  hint: write '1', or leave it out"
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param(["/usr/bin/node", "shop.js"], "node shop.js", id="short"),
        pytest.param(
            ["python", "-c", "a\nb" * 50], "python -c 'a ba ba ba ba ba ba ba ba ba…", id="long"
        ),
    ],
)
def test_name_is_made_from_the_command(words: list[str], name: str) -> None:
    assert short_name(words) == name


def script(folder: Path, name: str, text: str, mode: int) -> str:
    file = folder / name
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return str(file)


@pytest.mark.parametrize(
    ("make", "problem", "hint"),
    [
        pytest.param(
            lambda _: ["no-such-thing"],
            "could not start: there is no command 'no-such-thing' on the PATH",
            "install it, or write its whole path",
            id="no command",
        ),
        pytest.param(
            lambda _: ["./nothing"],
            "could not start: there is no file './nothing'",
            "it was looked for at 'FOLDER/nothing'",
            id="no file",
        ),
        pytest.param(
            lambda folder: [Path(script(folder, "here", "", 0o755)).name],
            "could not start: there is no command 'here' on the PATH",
            "a file of that name is in the folder: write './here'",
            id="file in the folder",
        ),
        pytest.param(
            lambda folder: [script(folder, "plain", "", 0o644)],
            "could not start: 'FOLDER/plain' is not executable",
            "chmod +x FOLDER/plain",
            id="not executable",
        ),
        pytest.param(
            lambda folder: [str(folder)], "could not start: 'FOLDER' is a folder", "", id="folder"
        ),
        pytest.param(
            lambda folder: [script(folder, "text", "hello", 0o755)],
            "could not start: 'FOLDER/text' is not a program that this machine can run",
            "a script needs an interpreter: put it first in the command, or begin with #!",
            id="no program",
        ),
        pytest.param(
            lambda folder: [script(folder, "script", "#!/no/such/shell\n", 0o755)],
            "could not start: the interpreter in the first line of 'FOLDER/script' does not exist",
            "",
            id="no interpreter",
        ),
        pytest.param(
            lambda _: ["true", "a\0b"],
            "could not start: embedded null byte",
            "",
            id="NUL in an argument",
        ),
    ],
)
def test_command_that_cannot_be_run_says_why(
    make: Callable[[Path], list[str]], problem: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(ProcessError) as caught:
        start_program(make(tmp_path), cwd=tmp_path, env={"PATH": "/nowhere:/usr/bin:/bin"})
    told = (caught.value.problem, caught.value.hint)
    assert tuple(text.replace(str(tmp_path), "FOLDER") for text in told) == (problem, hint)


@pytest.mark.parametrize(
    ("env", "hint"),
    [
        pytest.param({}, "the environment that it was given has no PATH", id="no PATH"),
        pytest.param(
            {"PATH": "/nowhere"},
            "it is on the PATH of the test, which the program was not given",
            id="another PATH",
        ),
    ],
)
def test_command_outside_the_given_path_says_so(
    env: dict[str, str], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "only-here", "#!/bin/sh\n", 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ProcessError) as caught:
        start_program(["only-here"], env=env)
    assert caught.value.hint == hint


def test_folder_to_run_in_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        start_program(["true"], cwd=tmp_path / "nowhere")
    with pytest.raises(UsageError) as file:
        start_program(["true"], cwd=script(tmp_path, "file", "", 0o644))
    assert str(missing.value) == (
        f"true cannot start in '{tmp_path}/nowhere': that folder does not exist"
    )
    assert str(file.value) == f"true cannot start in '{tmp_path}/file': that folder is a file"

"""Starts processes from a test's commands, or explains in one sentence why not."""

import errno
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from otlptest.errors import ProcessError, UsageError

Command: TypeAlias = Sequence[str | os.PathLike[str]]
"""A program and its arguments, each an item of its own; no shell reads them."""

_NAME_COLUMNS = 40


def checked_command(command: Command) -> tuple[str, ...]:
    """Return the words of a command, as text.

    Raises:
        UsageError: It is one string, empty, or holds something other than text or paths.
    """
    given: object = command  # callers may be untyped
    if isinstance(given, str):
        hint = f"write it as a list, no shell reads it: {shlex.split(given)!r}"
        raise UsageError(f"a command is a list of words, and this is one string: {given!r}", hint)
    if not isinstance(given, Sequence) or not given:
        raise UsageError(f"a command is a list of at least one word, and is {given!r}")
    words = []
    for word in given:
        if not isinstance(word, str | os.PathLike):
            hint = f"write {str(word)!r}"
            raise UsageError(f"a word of a command is text or a path, and this is {word!r}", hint)
        words.append(os.fspath(word))
    return tuple(words)


def checked_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of `env`.

    Raises:
        UsageError: A name or a value is not text.
    """
    for name, value in env.items():
        given: object = value  # callers may be untyped
        if not isinstance(given, str):
            raise UsageError(
                f"the environment variable {name} must be text, and is {given!r}",
                f"write {str(given)!r}, or leave it out",
            )
    return dict(env)


def short_name(words: Sequence[str]) -> str:
    """Return the name in messages of a program without one: its words, without folders, cut."""
    name = shlex.join([Path(words[0]).name, *words[1:]]).replace("\n", " ")
    return name if len(name) <= _NAME_COLUMNS else name[: _NAME_COLUMNS - 1] + "…"


def launched(
    name: str,
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None,
    pipe: int,
) -> "subprocess.Popen[bytes]":
    """Return the started process, in a session and process group of its own.

    Raises:
        UsageError: `cwd` is not a folder.
        ProcessError: The command cannot be run; the hint says what to do.
    """
    if cwd is not None and not Path(cwd).is_dir():
        what = "is a file" if Path(cwd).exists() else "does not exist"
        raise UsageError(f"{name} cannot start in {os.fspath(cwd)!r}: that folder {what}")
    try:
        return subprocess.Popen(  # noqa: S603 -- running the test's own command is the purpose
            list(words),
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        problem, hint = _reason(error, words[0], env, cwd)
        raise ProcessError(name, f"could not start: {problem}", "", hint) from error


def _reason(
    error: OSError | ValueError,
    program: str,
    env: Mapping[str, str],
    cwd: str | os.PathLike[str] | None,
) -> tuple[str, str]:
    """Return why a command cannot be run, and what to do about it."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOENT:
        return _missing(program, env, cwd)
    if number == errno.EACCES:
        if Path(cwd or ".", program).is_dir():
            return f"{program!r} is a folder", ""
        return f"{program!r} is not executable", f"chmod +x {shlex.quote(program)}"
    if number == errno.ENOEXEC:
        hint = "a script needs an interpreter: put it first in the command, or begin with #!"
        return f"{program!r} is not a program that this machine can run", hint
    return str(error), ""


def _missing(
    program: str, env: Mapping[str, str], cwd: str | os.PathLike[str] | None
) -> tuple[str, str]:
    file = Path(cwd or ".", program).absolute()
    if os.sep in program:
        if file.exists():
            return f"the interpreter in the first line of {program!r} does not exist", ""
        return f"there is no file {program!r}", f"it was looked for at {str(file)!r}"
    problem = f"there is no command {program!r} on the PATH"
    if file.is_file():
        return problem, f"a file of that name is in the folder: write './{program}'"
    if "PATH" not in env:
        return problem, "the environment that it was given has no PATH"
    if shutil.which(program):
        return problem, "it is on the PATH of the test, which the program was not given"
    return problem, "install it, or write its whole path"

"""Finds the command, runs it, and turns every way to end into one sentence and an exit code."""

import errno
from collections.abc import Sequence
from importlib import import_module

import click

from otlptest import __version__
from otlptest.cli.exits import Exit, exit_for
from otlptest.cli.options import NarrowContext
from otlptest.cli.streams import (
    complain,
    complain_of,
    note,
    prepare_streams,
    screen_width,
    silence_stdout,
    write,
)
from otlptest.errors import ExpectationError, OtlptestError, UnknownNameError, nearest_name

COMMANDS = {
    "demo": "test a small shop of real services, then break it",
    "serve": "run the fake collector and watch what arrives",
    "send": "send captures or payloads to a receiver",
    "show": "draw what a capture holds: traces, metrics, logs",
    "conform": "judge an exporter or a receiver",
    "doctor": "check this machine: versions, ports, variables",
    "explain": "tell what a finding means",
    "schema": "print the JSON Schema of a file that you write",
}
"""The commands, each with its line in the overview and a module of the same name."""

_READABLE_WIDTH = 80


class _Commands(click.Group):
    """Imports the module of a command only when that command is asked for."""

    context_class: type[click.Context] = NarrowContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"otlptest.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise UnknownNameError("command", args[0], tuple(COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:  # noqa: FBT001 -- click calls it
    if is_asked:
        write(f"otlptest {__version__}")
        ctx.exit()


_HELP = """\
Test anything that sends or receives OTLP.

\b
Example:
  otlptest demo
"""


@click.group(
    cls=_Commands,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 as expected, 1 findings, 2 usage, 3 environment or nothing to judge.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def application() -> None:
    """Find the command; without one, show the help."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; never raise for a mistake of the user, a port or a pipe."""
    prepare_streams()
    try:
        # Not application.main(): it exits with 1, our code for findings, when a pipe is closed.
        width = min(_READABLE_WIDTH, screen_width())  # click itself never goes below 50
        with application.make_context("otlptest", list(arguments), terminal_width=width) as context:
            result = application.invoke(context)
    except (click.ClickException, OtlptestError, ExpectationError) as problem:
        return _told(problem)
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except OSError as problem:
        return _os_failure(problem)
    return result if isinstance(result, int) else Exit.OK


def _told(problem: click.ClickException | OtlptestError | ExpectationError) -> int:
    """Print what is wrong to stderr and return the exit code for it."""
    match problem:
        case click.exceptions.NoArgsIsHelpError():
            note(problem.format_message())
            return Exit.USAGE
        case click.ClickException():
            complain_of(*_click_sentence(problem))
            return Exit.USAGE
        case ExpectationError():
            note(str(problem))
            return Exit.FINDINGS
        case _:
            complain(problem)
            return exit_for(problem)


def _os_failure(problem: OSError) -> int:
    """Handle a reader that left (silently), or a failed file, disk or descriptor (by name)."""
    if problem.errno == errno.EPIPE:
        silence_stdout()
        return Exit.PIPE_CLOSED
    reason = problem.strerror or str(problem)
    if problem.filename is None and problem.errno == errno.ENOSPC:
        silence_stdout()
        complain_of("cannot write the output: no space left on device", "write it somewhere else")
    else:
        place = f"{problem.filename}: " if problem.filename is not None else ""
        complain_of(f"{place}{reason}", "check the path and its permissions")
    return Exit.ENVIRONMENT


def _click_sentence(problem: click.ClickException) -> tuple[str, str]:
    """Return what is wrong with the command line, and the nearest right one."""
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    general = f"{context.command_path} --help tells more" if context else ""
    if isinstance(problem, click.NoSuchOption):
        known = _options(context)
        nearest = nearest_name(problem.option_name, known)
        hint = f"did you mean {nearest!r}?" if nearest else general
        return f"no such option {problem.option_name!r}", hint
    if isinstance(problem, click.BadParameter) and problem.param is not None:
        return _sentence(problem.format_message()), _nearest_choice(problem) or general
    return _sentence(problem.format_message()), general


def _sentence(text: str) -> str:
    """Return click's sentence in our form: one line, no capital, no full stop."""
    text = " ".join(text.split()).rstrip(".")
    return text[:1].lower() + text[1:]


def _options(context: click.Context | None) -> list[str]:
    parameters = context.command.get_params(context) if context else []
    return [name for parameter in parameters for name in parameter.opts if name.startswith("--")]


def _nearest_choice(problem: click.BadParameter) -> str:
    choices = getattr(getattr(problem.param, "type", None), "choices", None)
    if not choices:
        return ""
    given = problem.message.split("'")[1] if "'" in problem.message else ""
    nearest = nearest_name(given, [str(choice) for choice in choices])
    return f"did you mean {nearest!r}?" if nearest else ""

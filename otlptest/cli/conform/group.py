"""`otlptest conform`: the conformance suites, and a table of their results."""

from importlib import import_module

import click

from otlptest.cli.options import NarrowContext
from otlptest.errors import UnknownNameError

_SUITES = {
    "exporter": "judge a command that exports, by what it sends",
    "receiver": "judge a receiver, by what it answers and stores",
    "matrix": "make one table of several results",
}

_HELP = """\
Judge exporters and receivers, a verdict for each requirement of OTLP.

\b
Example:
  otlptest conform exporter -- python emit.py
"""


class _Suites(click.Group):
    """Imports the module of a suite only when that suite is asked for."""

    context_class: type[click.Context] = NarrowContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_SUITES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _SUITES:
            return None
        command: click.Command = import_module(f"otlptest.cli.conform.{cmd_name}_command").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _SUITES and not args[0].startswith("-"):
            raise UnknownNameError("suite", args[0], tuple(_SUITES))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUITES.items()))


@click.group("conform", cls=_Suites, help=_HELP)
def command() -> None:
    """Find the suite; without one, show the help."""

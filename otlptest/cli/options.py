"""Options that several commands share, and the help that fits a narrow terminal."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., object])


class _NarrowFormatter(click.HelpFormatter):
    """Limits the names of options to a third of the line; the text needs the rest."""

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        super().write_dl(rows, min(col_max, max(12, self.width // 3)), col_spacing)


class NarrowContext(click.Context):
    """A context whose help fits 40 columns."""

    formatter_class: type[click.HelpFormatter] = _NarrowFormatter


class NarrowCommand(click.Command):
    """A command whose help fits 40 columns."""

    context_class: type[click.Context] = NarrowContext


def format_option(command: _Command) -> _Command:
    """Add `--format text|json`, the form of the result."""
    decorate = click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the result.",
    )
    return decorate(command)

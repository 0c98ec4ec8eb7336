"""Options that several commands share."""

from collections.abc import Callable
from typing import TypeVar

import click

__all__ = ["format_option"]

_Command = TypeVar("_Command", bound=Callable[..., object])


def format_option(command: _Command) -> _Command:
    """`--format text|json`: how the result is printed."""
    decorate = click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the result.",
    )
    return decorate(command)

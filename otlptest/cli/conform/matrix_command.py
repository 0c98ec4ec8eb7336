"""`otlptest conform matrix`: one table of the results of several subjects."""

import json
from pathlib import Path

import click

from otlptest.cli.options import NarrowCommand
from otlptest.cli.streams import write
from otlptest.errors import FileFormatError

_HELP = """\
Make one table of several results.

RESULTS are files that `otlptest conform exporter` or `receiver` wrote with --report json=FILE.

\b
Example:
  otlptest conform matrix python.json go.json --format markdown
"""


@click.command("matrix", cls=NarrowCommand, help=_HELP)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULTS..."
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print the table.",
)
def command(*, files: tuple[Path, ...], output_format: str) -> None:
    """Read the results and print the table."""
    from otlptest.report import json_text  # noqa: PLC0415 -- with the next
    from otlptest.report.conformance.conformance_json import recorded_runs  # noqa: PLC0415 -- loads all cases
    from otlptest.report.conformance.conformance_matrix import (  # noqa: PLC0415 -- as above
        matrix_markdown,
        matrix_of,
        matrix_record,
        matrix_text,
    )

    runs = [run for file in files for run in recorded_runs(_parsed(file), str(file))]
    matrix = matrix_of(runs)
    if output_format == "json":
        write(json_text(matrix_record(matrix), indent=2))
    elif output_format == "markdown":
        write(matrix_markdown(matrix).rstrip("\n"))
    else:
        write(matrix_text(matrix))


def _parsed(file: Path) -> object:
    """Return the JSON of a file.

    Raises:
        FileFormatError: It cannot be read, or is not valid JSON.
    """
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as problem:
        raise FileFormatError(str(file), "", problem.strerror or str(problem)) from problem
    except ValueError as problem:
        raise FileFormatError(str(file), "", f"is not valid JSON: {problem}") from problem

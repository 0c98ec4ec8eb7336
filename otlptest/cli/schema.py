"""`otlptest schema`: JSON Schemas of the files that people write, for their editors."""

import click

from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand
from otlptest.cli.streams import write
from otlptest.report import json_text

_HELP = """\
Print the JSON Schema of a kind of file, for editors that check and complete YAML.

KIND is fault-plan: what `otlptest serve --fault PLAN` reads.

\b
Example:
  otlptest schema fault-plan > fault_plan.schema.json
"""


@click.command("schema", cls=NarrowCommand, help=_HELP)
@click.argument("kind", type=click.Choice(["fault-plan"]))
def command(kind: str) -> int:
    """Print one schema."""
    from otlptest.faults.plan_schema import fault_plan_schema  # noqa: PLC0415 -- slow to import

    del kind  # there is one so far
    write(json_text(fault_plan_schema(), indent=2))
    return Exit.OK

"""`otlptest explain`: the demand behind the rule of a finding, and its source."""

import re

import click

from otlptest.cli.exits import Exit
from otlptest.cli.options import NarrowCommand, format_option
from otlptest.cli.streams import screen_width, write
from otlptest.errors import UnknownNameError, UsageError, nearest_name
from otlptest.report import Rule, cut, explanation_record, explanation_text, json_text, one_line
from otlptest.requirements import (
    Ambiguity,
    Verdict,
    all_ambiguities,
    all_requirements,
    all_verdicts,
)

_HELP = """\
Tell what a finding means.

RULE is the id of a requirement (OTLP-TRACE-002), the name of a verdict (no_matching_span) or the
mark of an open question (AMBIG-2), as findings print it.

\b
Example:
  otlptest explain OTLP-TRACE-002
"""


@click.command("explain", cls=NarrowCommand, help=_HELP)
@click.argument("rule", required=False)
@click.option("--list", "is_list", is_flag=True, help="List every rule with its title.")
@format_option
def command(rule: str | None, *, is_list: bool, output_format: str) -> int:
    """Print one rule, or the list of all.

    Raises:
        click.UsageError: Neither a rule nor `--list` was given, or both.
        UsageError: No rule has that name.
        UnknownNameError: The same, and one has a name much like it.
    """
    if (rule is None) != is_list:
        raise click.UsageError("give one RULE, or --list", click.get_current_context())
    known = _rules()
    if rule is None:
        _print_list(known, output_format)
        return Exit.OK
    found = known.get(_full_name(rule))
    if found is None:
        names = tuple(map(_name, known.values()))
        if nearest_name(rule, names) is None:  # too many to name them all
            raise UsageError(f"unknown rule {rule!r}", "otlptest explain --list shows all rules")
        raise UnknownNameError("rule", rule, names)
    if output_format == "json":
        write(json_text(explanation_record(found), indent=2))
    else:
        write(explanation_text(found, width=min(100, screen_width())))
    return Exit.OK


def _rules() -> dict[str, Rule]:
    """Return every rule by its name in lower case."""
    rules: tuple[Rule, ...] = (*all_requirements(), *all_verdicts(), *all_ambiguities())
    return {_name(rule).lower(): rule for rule in rules}


def _full_name(rule: str) -> str:
    """Return the key for a typed name: `trace-2` and `OTLP-TRACE-002` are the same."""
    short = re.fullmatch(r"(?:otlp-)?([a-z]+)-0*(\d{1,3})", rule.lower())
    if short and short[1] != "ambig":
        return f"otlp-{short[1]}-{int(short[2]):03d}"
    return rule.lower()


def _name(rule: Rule) -> str:
    return rule.name if isinstance(rule, Verdict) else rule.id


def _title(rule: Rule) -> str:
    return rule.question if isinstance(rule, Ambiguity) else rule.title


def _print_list(known: dict[str, Rule], output_format: str) -> None:
    if output_format == "json":
        write(json_text([explanation_record(rule) for rule in known.values()], indent=2))
        return
    width = screen_width()
    write(
        "\n".join(cut(f"{_name(rule)}  {one_line(_title(rule))}", width) for rule in known.values())
    )

"""The meaning of otlptest's own finding names, read from `contracts/verdicts.toml`.

A new verdict is one entry in that file; a test checks that every rule the package uses is there.
"""

import tomllib
from dataclasses import dataclass
from functools import cache

from otlptest import bundled
from otlptest.errors import UnknownNameError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One judgement that otlptest makes about a test.

    Attributes:
        name: Stable, e.g. `no_matching_span`; the value of `Finding.rule`.
        title: One line.
        text: Its meaning and causes; a line is a paragraph.
        to_try: What usually helps, most likely first.
    """

    name: str
    title: str
    text: str
    to_try: tuple[str, ...]


def find_verdict(name: str) -> Verdict:
    """Return the finding name's entry.

    Raises:
        UnknownNameError: The name does not exist; the hint has the nearest one.
    """
    known = {verdict.name: verdict for verdict in all_verdicts()}
    if name not in known:
        raise UnknownNameError("verdict", name, tuple(known))
    return known[name]


@cache
def all_verdicts() -> tuple[Verdict, ...]:
    """Return every finding name's entry, in the order of the file."""
    table = tomllib.loads(bundled.path("contracts", "verdicts.toml").read_text("utf-8"))
    return tuple(
        Verdict(
            name=row["name"],
            title=row["title"],
            text=_unwrapped(row["text"]),
            to_try=tuple(map(_unwrapped, row["to_try"])),
        )
        for row in table["verdict"]
    )


def _unwrapped(text: str) -> str:
    """Return each paragraph as one line: line breaks of the file have no meaning."""
    return "\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))

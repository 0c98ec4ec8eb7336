"""The requirements of OTLP and the open questions in its sources, read from the shipped files."""

import tomllib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from otlptest import bundled
from otlptest.errors import UnknownNameError

_FOLDER = "requirements/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One checkable demand.

    Attributes:
        id: Stable, e.g. `OTLP-TRACE-002`.
        title: One line.
        text: The whole demand; equals `title` if that is complete.
        level: `MUST`, `SHOULD` or `MAY`, or `ROBUSTNESS`: in no OTLP text, but what a careful
            operator expects.
        data_model: Whether it is about the validity of a payload, independent of its producer.
        binds: The parties it binds: `client`, `server`, `data`; rarely two.
        check: How it is checked: stimulus and expected outcome. Begins with what a check needs:
            W the wire only, C the configuration of the system under test, D a driver that makes it
            emit chosen telemetry, R read-back of what it stored, M a person.
        source: The document that says so, and the place in it.
        links: Links to its text; empty only for otlptest's own robustness rules.
        since: The OTLP version that brought it, e.g. `1.11`; empty if it was always there.
        development: The source text is not stable yet.
        ambiguity: The open question it depends on, e.g. `AMBIG-2`; empty for none.
        section: Number of the section it belongs to, 1 to 12.
        section_title: Title of that section.
    """

    id: str
    title: str
    text: str
    level: str
    data_model: bool = False
    binds: tuple[str, ...]
    check: str
    source: str
    links: tuple[str, ...] = ()
    since: str = ""
    development: bool = False
    ambiguity: str = ""
    section: int
    section_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """A contradiction or open question in the sources, and what otlptest does about it."""

    id: str
    question: str
    proposal: str


def find(rule_id: str) -> Requirement:
    """Return the requirement with that id.

    Raises:
        UnknownNameError: The id does not exist; the hint has the nearest one.
    """
    known = _by_id()
    if rule_id not in known:
        raise UnknownNameError("requirement", rule_id, tuple(known))
    return known[rule_id]


def find_ambiguity(mark: str) -> Ambiguity:
    """Return the open question with that mark, e.g. `AMBIG-2`.

    Raises:
        UnknownNameError: The mark does not exist.
    """
    known = {question.id: question for question in all_ambiguities()}
    if mark not in known:
        raise UnknownNameError("open question", mark, tuple(known))
    return known[mark]


@cache
def all_requirements() -> tuple[Requirement, ...]:
    """Return every requirement, in the order of sections and numbers."""
    return tuple(
        _requirement(row, section["section"], section["title"])
        for section in _sections()
        for row in section.get("requirement", ())
    )


@cache
def all_ambiguities() -> tuple[Ambiguity, ...]:
    """Return every open question, in order."""
    return tuple(
        Ambiguity(**row) for section in _sections() for row in section.get("ambiguity", ())
    )


@cache
def _by_id() -> MappingProxyType[str, Requirement]:
    return MappingProxyType({rule.id: rule for rule in all_requirements()})


def _requirement(row: dict[str, Any], section: int, title: str) -> Requirement:
    lists = {name: tuple(row.get(name, ())) for name in ("binds", "links")}
    text = row.get("text", row["title"])
    return Requirement(**{**row, **lists, "text": text, "section": section, "section_title": title})


def _sections() -> list[dict[str, Any]]:
    names = [name for name in bundled.names("contracts") if name.startswith(_FOLDER)]
    return [tomllib.loads(bundled.path("contracts", name).read_text("utf-8")) for name in names]

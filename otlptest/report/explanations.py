"""A rule for a person or as JSON: a requirement, a verdict of otlptest, an open question."""

from typing import Any

from otlptest.report.plain_text import wrapped
from otlptest.requirements import Ambiguity, Requirement, Verdict, find_ambiguity

Rule = Requirement | Verdict | Ambiguity

_LEVELS = {
    "MUST": "MUST: breaking it is a failure",
    "SHOULD": "SHOULD: broken is reported, and fails only when asked to",
    "MAY": "MAY: a capability, never wrong",
    "ROBUSTNESS": "ROBUSTNESS: not in the specification; what a careful operator expects",
}
_BOUND = {
    "client": "whoever sends (an exporter, an SDK, a forwarder)",
    "server": "whoever receives (a collector, a backend)",
    "data": "the payload, whoever produced it",
}
_NEEDS = {
    "W": "the wire only",
    "C": "a way to configure what is tested",
    "D": "a driver that makes it emit chosen telemetry",
    "R": "a look at what it stored",
    "M": "a person",
}
_INDENT = "  "


def explanation_text(rule: Rule, *, width: int) -> str:
    """Return all that is known of a rule, in at most `width` columns; links are never wrapped."""
    head, sections = _told(rule)
    lines = [wrapped(head, width)]
    for title, text in sections:
        if text:
            lines += ["", f"{title}:", _body(text, width)]
    return "\n".join(lines)


def _told(rule: Rule) -> tuple[str, list[tuple[str, str]]]:
    """Return the first line, and the sections below it."""
    match rule:
        case Requirement():
            return f"{rule.id}: {rule.title}", _requirement(rule)
        case Verdict():
            steps = "\n".join(f"- {step}" for step in rule.to_try)
            told = [("what it means", rule.text), ("what to try", steps)]
            return f"{rule.name}: {rule.title}", told
        case Ambiguity():
            told = [("question", rule.question), ("what otlptest does", rule.proposal)]
            return f"{rule.id}: an open question in the sources", told


def explanation_record(rule: Rule) -> dict[str, Any]:
    """Return the same as one JSON object; `kind` says which of the three it is."""
    match rule:
        case Requirement():
            known: dict[str, Any] = {
                "kind": "requirement",
                "rule": rule.id,
                "title": rule.title,
                "level": rule.level,
                "data_model": rule.data_model,
                "binds": list(rule.binds),
                "text": rule.text,
                "check": rule.check,
                "source": rule.source,
                "links": list(rule.links),
                "since": rule.since,
                "development": rule.development,
            }
            asked = _question(rule)
            return {**known, "ambiguity": explanation_record(asked) if asked else None}
        case Verdict():
            return {
                "kind": "verdict",
                "rule": rule.name,
                "title": rule.title,
                "text": rule.text,
                "to_try": list(rule.to_try),
            }
        case Ambiguity():
            return {
                "kind": "ambiguity",
                "rule": rule.id,
                "question": rule.question,
                "proposal": rule.proposal,
            }


def _requirement(rule: Requirement) -> list[tuple[str, str]]:
    since = f"OTLP {rule.since}; older software was made before it" if rule.since else ""
    asked = _question(rule)
    return [
        ("level", _LEVELS.get(rule.level, rule.level)),
        ("binds", "\n".join(_BOUND.get(who, who) for who in rule.binds)),
        ("text", rule.text if rule.text != rule.title else ""),
        ("check", _check(rule.check)),
        ("source", "\n".join([rule.source, *rule.links])),
        ("since", since),
        ("stability", "the source text is in development" if rule.development else ""),
        ("open question", f"{asked.id}: {asked.question}" if asked else ""),
        ("what otlptest does", asked.proposal if asked else ""),
    ]


def _question(rule: Requirement) -> Ambiguity | None:
    return find_ambiguity(rule.ambiguity) if rule.ambiguity else None


def _check(check: str) -> str:
    """Return how it is checked, with its letters spelt out."""
    letters, colon, how = check.partition(":")
    if not set(letters) <= {*_NEEDS, "/"}:
        return check
    needs = ", ".join(_NEEDS[letter] for letter in letters.split("/") if letter)
    return f"needs {needs}" + (f"\n{how.strip()}" if colon else "")


def _body(text: str, width: int) -> str:
    """Return text indented and wrapped, but with whole links, which people click or copy."""
    lines = [
        _INDENT + line if line.startswith("https://") else wrapped(line, width, indent=_INDENT)
        for line in text.splitlines()
    ]
    return "\n".join(lines)

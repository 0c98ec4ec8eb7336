"""Every name that a finding's rule can have."""

from otlptest.errors import UnknownNameError
from otlptest.requirements.catalogue import all_requirements
from otlptest.requirements.finding_names import all_verdicts


def rule_names() -> tuple[str, ...]:
    """Return all finding names, then the ids of all requirements."""
    return (*(v.name for v in all_verdicts()), *(r.id for r in all_requirements()))


def checked_rule(rule: str) -> str:
    """Return `rule` itself, if a finding can have it.

    Raises:
        UnknownNameError: No verdict and no requirement has that name.
    """
    known = rule_names()
    if rule not in known:
        raise UnknownNameError("rule", rule, known)
    return rule

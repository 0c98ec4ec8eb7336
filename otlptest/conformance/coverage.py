"""The requirements that conformance cases judge, and a reason for each one that none judges.

The reasons are data: `contracts/conformance/coverage.toml`. Every requirement of the catalogue has
a row: those of sections 1 to 5 for exporters, those of sections 1 to 4 and 6 to 12 for receivers.
The demands of sections 6 to 11 on telemetry and its producers are a side of their own: they are
judged on what a command emits. If a payload cannot show one, `otlptest.validation` says why.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from otlptest import bundled
from otlptest.conformance.case import ExporterCase, ReceiverCase
from otlptest.conformance.exporter import cases as exporter_cases
from otlptest.conformance.receiver import cases as receiver_cases
from otlptest.requirements import Requirement, all_requirements
from otlptest.validation import unchecked_reasons

Side: TypeAlias = Literal["client", "server", "data"]

_SECTIONS: Final[Mapping[Side, frozenset[int]]] = MappingProxyType(
    {
        "client": frozenset({1, 2, 3, 4, 5}),
        "server": frozenset({1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12}),
        "data": frozenset({6, 7, 8, 9, 10, 11}),
    }
)
_BOUND: Final[Mapping[Side, frozenset[str]]] = MappingProxyType(
    {
        "client": frozenset({"client"}),
        "server": frozenset({"server"}),
        "data": frozenset({"data", "client"}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One requirement and the cases that judge it.

    Attributes:
        requirement: Its id.
        side: `client` for how exporters send, `data` for what they send, `server` for receivers.
        cases: Ids of the cases that judge it; empty if there is a reason.
        reason: Why no case does; empty if one does.
    """

    requirement: str
    side: Side
    cases: tuple[str, ...] = ()
    reason: str = ""


def coverage_rows() -> tuple[CoverageRow, ...]:
    """Return every requirement that the suites could judge, in the order of the catalogue.

    One that binds both sides has a row for each.
    """
    exporters, receivers = _judges(exporter_cases.CASES), _judges(receiver_cases.CASES)
    judges = {"client": exporters, "data": exporters, "server": receivers}
    return tuple(
        CoverageRow(
            requirement=rule.id,
            side=side,
            cases=judges[side].get(rule.id, ()),
            reason=unjudged_reasons(side).get(rule.id, "")
            or _reason_of_validation(rule, judges[side]),
        )
        for rule in all_requirements()
        for side, sections in _SECTIONS.items()
        if _BOUND[side] & set(rule.binds) and rule.section in sections
    )


def _reason_of_validation(rule: Requirement, judges: Mapping[str, tuple[str, ...]]) -> str:
    """Return why no payload is judged by the rule, if a whole run is not either."""
    return "" if rule.id in judges else unchecked_reasons().get(rule.id, "").strip()


@cache
def unjudged_reasons(side: Side) -> Mapping[str, str]:
    """Return requirement ids with the reason why no case of that side judges them."""
    file = bundled.path("contracts", "conformance/coverage.toml")
    table = tomllib.loads(file.read_text("utf-8"))
    return MappingProxyType(
        {
            rule: group["reason"].strip()
            for group in table["unjudged"]
            if group["side"] == side
            for rule in group["rules"]
        }
    )


def _judges(
    cases: tuple[ExporterCase, ...] | tuple[ReceiverCase, ...],
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for case in cases:
        for rule in case.requirements:
            found[rule] = (*found.get(rule, ()), case.id)
    return found

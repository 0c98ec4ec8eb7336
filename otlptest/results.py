"""The result of a check: the one shape that every suite yields and every report renders.

A *check* compares what is demanded with what was seen. Its result names the rule, the outcome, and
the evidence as data: what was expected, what was received, and the exchanges that show it. A failed
one becomes a `Finding`. How suites of every kind say what they found:

    # conformance: a requirement of OTLP
    failed(
        "OTLP-RESP-059",
        expected="a BadRequest detail in the Status",
        received="3 of 3 answers have none",
        exchanges=("0.02 s: POST /v1/traces, 41 bytes; answered HTTP 400 at 0.02 s",),
    )
    # load: a gate of a profile
    failed(
        "load_gate",
        expected="p99_ms < 10",
        received="14.2 ms, of 1,203,221 requests in 60 s",
        where="builtin:steady, step 3 (20,000 items/s)",
        hint="the generator was not behind: the receiver took that long",
    )
    # chaos: an expectation of an experiment
    failed(
        "items_lost",
        expected="lost == 0",
        received="412 of 1,203,221 acknowledged items were not found",
        exchanges=("12.40 s: SIGKILL of the Collector", "14.43 s: it was ready again"),
        where="builtin:collector_restart",
    )
    # contracts: what a dashboard relies on
    failed(
        "missing_attribute",
        expected="http.response.status_code, an int, on each SERVER span",
        received="3 of 40 spans have none",
        exchanges=("request 7, span 'POST /checkout'",),
        where="contracts/dashboards.yaml: spans/0/attributes/http.response.status_code",
    )
    # scenarios: a step that could not show anything
    inconclusive("step", "the service was not ready, so nothing was sent", where="checkout: step 2")

Nothing here blocks, and all of it is immutable.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

__all__ = [
    "CheckResult",
    "Finding",
    "Harm",
    "Outcome",
    "condensed",
    "evidence_text",
    "failed",
    "inconclusive",
    "not_applicable",
    "passed",
]

Outcome: TypeAlias = Literal["passed", "failed", "inconclusive", "not_applicable"]
"""What a check found: `inconclusive` if the run did not show it, `not_applicable` if the subject
has not what the check needs."""

Harm: TypeAlias = Literal["crash", "hang", "memory", "server_error"]
"""What a failed check did to its subject; `server_error` is a 5xx on bad input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check found out about one rule.

    Attributes:
        rule: A requirement id (`OTLP-RESP-062`), or a name of otlptest's own (`load_gate`).
        outcome: What was found.
        expected: What the rule demands here, as text; empty where `received` says it.
        received: What was seen instead, or as demanded; of an inconclusive result why it could not
            be seen, of one that is not applicable what is missing. Never empty.
        exchanges: The requests, replies and events that show it, a line each, oldest first.
        where: What it is about, e.g. a file and a place in it; empty where the report says it.
        hint: What to try.
        harm: What the check did to its subject.
    """

    rule: str
    outcome: Outcome
    received: str
    expected: str = ""
    exchanges: tuple[str, ...] = ()
    where: str = ""
    hint: str = ""
    harm: Harm | None = None

    def __post_init__(self) -> None:
        """Check that there is evidence.

        Raises:
            ValueError: `received` is empty.
        """
        if not self.received.strip():
            raise ValueError(f"a result of {self.rule} came without evidence: say what was seen")

    @property
    def evidence(self) -> str:
        """All that was seen, as text of one line or several."""
        return evidence_text(self.expected, self.received, self.exchanges)

    def finding(self, *, severity: str = "error") -> "Finding":
        """Return it as a finding, for a failed check."""
        return Finding(
            rule=self.rule,
            where=self.where,
            expected=self.expected,
            received="\n".join([self.received, *self.exchanges]),
            severity=severity,
            hint=self.hint,
        )


def evidence_text(expected: str, received: str, exchanges: Iterable[str]) -> str:
    """Return evidence as text: what was expected and received, then the exchanges."""
    demand = f"expected: {expected}; " if expected else ""
    return "\n".join([f"{demand}{received}", *exchanges])


def _lines(exchanges: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(exchanges.splitlines() if isinstance(exchanges, str) else exchanges)


def passed(rule: str, received: str, *, exchanges: str | Iterable[str] = ()) -> CheckResult:
    """Return the result of a rule that was seen to be kept.

    Args:
        rule: Its id.
        received: In what it was seen.
        exchanges: What shows it: lines, or a text of lines.

    Raises:
        ValueError: `received` is empty.
    """
    return CheckResult(rule=rule, outcome="passed", received=received, exchanges=_lines(exchanges))


def failed(
    rule: str,
    received: str,
    *,
    expected: str = "",
    exchanges: str | Iterable[str] = (),
    where: str = "",
    hint: str = "",
    harm: Harm | None = None,
) -> CheckResult:
    """Return the result of a rule that was seen to be broken; `CheckResult` has the arguments.

    Raises:
        ValueError: `received` is empty.
    """
    return CheckResult(
        rule=rule,
        outcome="failed",
        received=received,
        expected=expected,
        exchanges=_lines(exchanges),
        where=where,
        hint=hint,
        harm=harm,
    )


def inconclusive(
    rule: str, reason: str, *, exchanges: str | Iterable[str] = (), where: str = ""
) -> CheckResult:
    """Return the result of a check that did not show whether the rule is kept, and why.

    Raises:
        ValueError: `reason` is empty.
    """
    return CheckResult(
        rule=rule,
        outcome="inconclusive",
        received=reason,
        exchanges=_lines(exchanges),
        where=where,
    )


def not_applicable(rule: str, reason: str) -> CheckResult:
    """Return the result of a check whose subject has not what it needs (TLS, read-back).

    Raises:
        ValueError: `reason` is empty.
    """
    return CheckResult(rule=rule, outcome="not_applicable", received=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which what happened differs from what was expected.

    What a failed check becomes, and what waits, validation and evidence make.

    Attributes:
        rule: A requirement id (`OTLP-TRACE-002`) for a finding about received bytes, else a
            verdict's name (`no_matching_span`). Stable; `otlptest explain RULE` tells more.
        where: What the finding is about, e.g. `service 'shop'` or `request 3, span 'charge'`.
        expected: What the test or the specification wants, as text.
        received: What arrived, as text.
        severity: `error` fails a test, `warning` is reported.
        closest: The nearest candidates and how each differs; may have several lines.
        hint: What to try.
    """

    rule: str
    where: str
    expected: str
    received: str
    severity: str = "error"
    closest: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Render as the block a person reads in a failing test."""
        rows = [
            ("expected", self.expected),
            ("received", self.received),
            ("closest", self.closest),
            ("hint", self.hint),
            ("explain", f"otlptest explain {self.rule}"),
        ]
        lines = [f"{self.rule}: {self.where}"]
        for label, text in rows:
            if text:
                lines.append(f"  {label + ':':<9} {_indented(text)}")
        return "\n".join(lines)


def condensed(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings; those that differ only in their place become one that counts them."""
    alike: dict[Finding, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(replace(finding, where=""), []).append(finding)
    return [
        group[0]
        if len(group) == 1
        else replace(group[0], where=f"{group[0].where}, and {len(group) - 1:,} more like it")
        for group in alike.values()
    ]


def _indented(text: str) -> str:
    """Put every line after the first below the first one's text."""
    return text.replace("\n", "\n            ")

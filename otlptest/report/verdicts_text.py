"""Findings as text for a terminal; repeated findings of one rule are printed once."""

from collections.abc import Sequence

from otlptest.errors import Finding


def findings_text(findings: Sequence[Finding]) -> str:
    """Return each rule's first finding, errors before warnings, and the number of others."""
    by_rule: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((finding.severity, finding.rule), []).append(finding)
    blocks = []
    for (severity, _), alike in sorted(by_rule.items(), key=lambda entry: entry[0][0]):
        block = f"{severity} {alike[0]}"
        if len(alike) > 1:
            block += f"\n  ... and {len(alike) - 1} more of this rule"
        blocks.append(block)
    return "\n".join(blocks)

"""The requirements of OTLP, rule by rule, and the meaning of otlptest's own finding names.

The texts are data: `contracts/requirements/*.toml`, one file per section, and
`contracts/verdicts.toml`. They are read on first use and kept; importing this reads nothing.

Terms: a *requirement* is one checkable demand of the OTLP specification, its .proto files or a
document they rest on, with a stable id (`OTLP-TRACE-002`). A *verdict* is a judgement of otlptest's
own about a test (`no_matching_span`). `Finding.rule` is the id of the one or the name of the other.
"""

from otlptest.requirements.catalogue import (
    Ambiguity,
    Requirement,
    all_ambiguities,
    all_requirements,
    find,
    find_ambiguity,
)
from otlptest.requirements.finding_names import Verdict, all_verdicts, find_verdict
from otlptest.requirements.names import checked_rule, rule_names

__all__ = [
    "Ambiguity",
    "Requirement",
    "Verdict",
    "all_ambiguities",
    "all_requirements",
    "all_verdicts",
    "checked_rule",
    "find",
    "find_ambiguity",
    "find_verdict",
    "rule_names",
]

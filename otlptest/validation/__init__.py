"""Checks every received payload against the data rules of OTLP (requirements, sections 6 to 10).

`judge` is what a test's end needs: which findings fail it, and which are only told. Which rules
are checked is `DATA_RULES`; what a payload alone cannot show, and why, is
`unchecked_reasons()`. A rule that nothing broke may have had no occasion to be broken:
`count_occasions` tells.
"""

from otlptest.validation.coverage import unchecked_reasons
from otlptest.validation.judgement import Judgement, judge, validate_requests
from otlptest.validation.occasions import Occasion, occasion_of
from otlptest.validation.problems import findings_of_problems
from otlptest.validation.rules import DATA_RULES, DataRule, severity_of
from otlptest.validation.seen_items import count_occasions

__all__ = [
    "DATA_RULES",
    "DataRule",
    "Judgement",
    "Occasion",
    "count_occasions",
    "findings_of_problems",
    "judge",
    "occasion_of",
    "severity_of",
    "unchecked_reasons",
    "validate_requests",
]

"""Checks of every received payload against the data rules of OTLP (sections 6 to 10).

`judge` decides at the end of a test which findings fail it and which are only reported.
`DATA_RULES` lists the rules that are checked, `unchecked_reasons()` those that a payload alone
cannot show. A rule that nothing broke may have had no occasion; `count_occasions` counts them.
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

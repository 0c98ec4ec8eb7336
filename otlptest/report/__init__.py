"""Terminal text and JSON for findings and received items. Knows no command and no fixture."""

from otlptest.report.explanations import Rule, explanation_record, explanation_text
from otlptest.report.json_shapes import (
    duration_value,
    fault_record,
    item_record,
    json_text,
    plain_value,
    verdict_record,
)
from otlptest.report.lines import fault_line, item_line, problem_line
from otlptest.report.plain_text import cut, one_line, table, wrapped
from otlptest.report.sections import logs_text, metrics_text, profiles_text
from otlptest.report.sent_lines import sent_finding, sent_line, sent_record
from otlptest.report.verdicts_text import findings_text

__all__ = [
    "Rule",
    "cut",
    "duration_value",
    "explanation_record",
    "explanation_text",
    "fault_line",
    "fault_record",
    "findings_text",
    "item_line",
    "item_record",
    "json_text",
    "logs_text",
    "metrics_text",
    "one_line",
    "plain_value",
    "problem_line",
    "profiles_text",
    "sent_finding",
    "sent_line",
    "sent_record",
    "table",
    "verdict_record",
    "wrapped",
]

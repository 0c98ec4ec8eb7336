"""The data rules that are checked: demand, usual fix, and whether they fail a test.

One place for all three. The strength of a rule comes from the catalogue of requirements: a MUST is
an error; a SHOULD, a rule whose source is in Development or ambiguous, and one newer than most
deployed software, are warnings (section 13 of the requirements).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from otlptest.requirements import find


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRule:
    """One requirement that is checked on every payload.

    Attributes:
        id: The requirement.
        expected: The demand of the specification, as in a finding.
        hint: What to try; empty if `expected` is enough.
        fails_test: Whether breaking it fails a test that did not ask for strictness: invalid ids
            do, because nothing that rests on them (traces, links, correlation) can be judged.
    """

    id: str
    expected: str
    hint: str = ""
    fails_test: bool = False


_TIME_HINT: Final = "OTLP times are nanoseconds since 1970; seconds, milli- or microseconds are not"
_TWO_WRITERS: Final = "two processes may share one resource: give each its own service.instance.id"
_DEVELOPMENT: Final = "producer and otlptest may differ in their version of profiles"

_TRACES: Final = (
    DataRule(id="OTLP-TRACE-001", expected="a trace_id of 16 bytes", fails_test=True),
    DataRule(id="OTLP-TRACE-002", expected="a trace_id that is not all zero", fails_test=True),
    DataRule(id="OTLP-TRACE-003", expected="a span_id of 8 bytes", fails_test=True),
    DataRule(id="OTLP-TRACE-004", expected="a span_id that is not all zero", fails_test=True),
    DataRule(
        id="OTLP-TRACE-005",
        expected="a parent_span_id of 8 bytes that are not all zero, or none at all for a root",
        hint="leave parent_span_id empty for a root span",
        fails_test=True,
    ),
    DataRule(id="OTLP-TRACE-006", expected="a span_id of its own for each span of a trace"),
    DataRule(id="OTLP-TRACE-009", expected="a name that is not empty"),
    DataRule(
        id="OTLP-TRACE-010",
        expected="a kind from 1 (INTERNAL) to 5 (CONSUMER)",
        hint="a span whose kind nobody gave is INTERNAL",
    ),
    DataRule(id="OTLP-TRACE-013", expected="a start_time_unix_nano above 0"),
    DataRule(id="OTLP-TRACE-014", expected="an end_time_unix_nano above 0"),
    DataRule(id="OTLP-TRACE-015", expected="an end that is not before the start"),
    DataRule(id="OTLP-TRACE-016", expected="times in nanoseconds since 1970", hint=_TIME_HINT),
    DataRule(id="OTLP-TRACE-018", expected="an event with a name and a time above 0"),
    DataRule(
        id="OTLP-TRACE-021",
        expected="links with a trace_id of 16 and a span_id of 8 bytes",
        fails_test=True,
    ),
    DataRule(
        id="OTLP-TRACE-025",
        expected="link flags with bit 9 (is remote) only beside bit 8 (remoteness is known)",
    ),
    DataRule(id="OTLP-TRACE-026", expected="a trace_state as W3C Trace Context defines it"),
    DataRule(
        id="OTLP-TRACE-028",
        expected="an `ot` member of the trace_state as OpenTelemetry defines it",
    ),
    DataRule(
        id="OTLP-TRACE-030",
        expected="flags with bit 9 (is remote) only beside bit 8, and only on a span with a parent",
    ),
    DataRule(id="OTLP-TRACE-031", expected="flags whose bits 10 to 31 are 0"),
    DataRule(id="OTLP-TRACE-036", expected="a status code of 0 (UNSET), 1 (OK) or 2 (ERROR)"),
    DataRule(
        id="OTLP-TRACE-037",
        expected="a status message only beside the code ERROR",
        hint="OK and UNSET carry no description",
    ),
)

_METRICS: Final = (
    DataRule(id="OTLP-METRIC-001", expected="a metric name that is not empty"),
    DataRule(
        id="OTLP-METRIC-002",
        expected="one of gauge, sum, histogram, exponential_histogram and summary",
    ),
    DataRule(
        id="OTLP-METRIC-003",
        expected="at least one data point in each metric",
        hint="leave a metric without points out of the request",
    ),
    DataRule(id="OTLP-METRIC-004", expected="a unit of at most 63 ASCII characters (UCUM)"),
    DataRule(
        id="OTLP-METRIC-005",
        expected="one type, unit, temporality and monotonicity for each metric name of a scope",
        hint="two instruments of one name may be registered differently",
    ),
    DataRule(id="OTLP-METRIC-007", expected="a time_unix_nano above 0 on every point"),
    DataRule(
        id="OTLP-METRIC-009",
        expected="a start_time_unix_nano on points of sums and histograms",
        hint="without it a reset of the counter cannot be told",
    ),
    DataRule(id="OTLP-METRIC-010", expected="a start that is not after the time of the point"),
    DataRule(id="OTLP-METRIC-013", expected="as_int or as_double on a point that has a value"),
    DataRule(
        id="OTLP-METRIC-016", expected="an aggregation temporality of 1 (DELTA) or 2 (CUMULATIVE)"
    ),
    DataRule(id="OTLP-METRIC-018", expected="delta values of a monotonic sum that are 0 or more"),
    DataRule(
        id="OTLP-METRIC-019",
        expected="a monotonic cumulative sum that does not fall while its start stays the same",
        hint=_TWO_WRITERS,
    ),
    DataRule(
        id="OTLP-METRIC-020",
        expected="the same start on successive cumulative points, or after a reset one that is "
        "not before the last reported time",
        hint=_TWO_WRITERS,
    ),
    DataRule(
        id="OTLP-METRIC-021",
        expected="delta points of one series whose intervals do not overlap",
        hint=_TWO_WRITERS,
    ),
    DataRule(
        id="OTLP-METRIC-024",
        expected="at most one point for each set of attributes and time in a metric of a request",
    ),
    DataRule(
        id="OTLP-METRIC-025",
        expected="one bucket count more than explicit bounds, or neither bounds nor counts",
    ),
    DataRule(id="OTLP-METRIC-026", expected="bucket counts that add up to the count"),
    DataRule(id="OTLP-METRIC-027", expected="finite explicit bounds, each above the one before"),
    DataRule(id="OTLP-METRIC-031", expected="a sum of 0, or none, where the count is 0"),
    DataRule(
        id="OTLP-METRIC-032",
        expected="no sum in a histogram of values that can be negative",
        hint="readers take the sum of a histogram for monotonic",
    ),
    DataRule(
        id="OTLP-METRIC-033",
        expected="min and max that fit each other, the buckets and the sum",
    ),
    DataRule(
        id="OTLP-METRIC-035",
        expected="zero_count and the positive and negative bucket counts adding up to the count",
    ),
    DataRule(
        id="OTLP-METRIC-036", expected="bucket indexes within the range of a signed 32-bit integer"
    ),
    DataRule(id="OTLP-METRIC-042", expected="a zero_threshold of 0 or more"),
    DataRule(id="OTLP-METRIC-044", expected="quantiles from 0 to 1, each above the one before"),
    DataRule(
        id="OTLP-METRIC-045",
        expected="summary values that are not negative, and a sum of 0 where the count is 0",
    ),
    DataRule(
        id="OTLP-METRIC-046",
        expected="a summary whose count and sum do not fall while its start stays the same",
        hint=_TWO_WRITERS,
    ),
    DataRule(id="OTLP-METRIC-048", expected="as_int or as_double on every exemplar"),
    DataRule(
        id="OTLP-METRIC-049",
        expected="exemplar ids of 16 and 8 bytes that are not all zero, or none",
        fails_test=True,
    ),
    DataRule(
        id="OTLP-METRIC-050", expected="filtered attributes that are not attributes of the point"
    ),
    DataRule(id="OTLP-METRIC-051", expected="an exemplar time within the interval of its point"),
    DataRule(id="OTLP-METRIC-055", expected="point flags whose bits 1 to 31 are 0"),
)

_LOGS: Final = (
    DataRule(id="OTLP-LOG-001", expected="a severity_number from 0 to 24"),
    DataRule(
        id="OTLP-LOG-009",
        expected="an observed_time_unix_nano above 0",
        hint="an SDK or Collector that has seen the record sets it",
    ),
    DataRule(id="OTLP-LOG-012", expected="times in nanoseconds since 1970", hint=_TIME_HINT),
    DataRule(
        id="OTLP-LOG-015",
        expected="a trace_id of 16 and a span_id of 8 bytes, or none",
        fails_test=True,
    ),
    DataRule(
        id="OTLP-LOG-016",
        expected="no trace_id and no span_id on a record outside a span",
        hint="leave the fields empty instead of filling them with zeros",
    ),
    DataRule(id="OTLP-LOG-017", expected="a valid trace_id beside a valid span_id"),
    DataRule(id="OTLP-LOG-021", expected="flags whose bits 8 to 31 are 0"),
)

_PROFILES: Final = (
    DataRule(id="OTLP-PROF-004", expected="a dictionary in a request that uses indexes"),
    DataRule(id="OTLP-PROF-005", expected="an entry 0 in each of the seven tables"),
    DataRule(id="OTLP-PROF-006", expected="the zero value as entry 0 of every table"),
    DataRule(id="OTLP-PROF-008", expected="indexes within their tables", hint=_DEVELOPMENT),
    DataRule(id="OTLP-PROF-009", expected="no entry twice in a table"),
    DataRule(id="OTLP-PROF-011", expected="no table entries that nothing refers to"),
    DataRule(id="OTLP-PROF-013", expected="at least one value or timestamp in each sample"),
    DataRule(id="OTLP-PROF-014", expected="as many values as timestamps where there are both"),
    DataRule(id="OTLP-PROF-016", expected="samples of one shape in one profile"),
    DataRule(id="OTLP-PROF-017", expected="one sample for each stack, set of attributes and link"),
    DataRule(id="OTLP-PROF-018", expected="timestamps within the time of the profile"),
    DataRule(id="OTLP-PROF-019", expected="a profile_id of 16 bytes, not all zero, or none"),
    DataRule(
        id="OTLP-PROF-020",
        expected="original_payload and original_payload_format, or neither of them",
    ),
    DataRule(id="OTLP-PROF-021", expected="a sample_type with a type and a unit"),
    DataRule(id="OTLP-PROF-022", expected="a function with a name, system name or file name"),
    DataRule(id="OTLP-PROF-023", expected="links with a trace_id of 16 and a span_id of 8 bytes"),
    DataRule(id="OTLP-PROF-025", expected="lines and columns of 1 or more, or 0 where unknown"),
    DataRule(id="OTLP-PROF-026", expected="an address within its mapping"),
    DataRule(id="OTLP-PROF-027", expected="attribute_indices that lead to different keys"),
    DataRule(id="OTLP-PROF-028", expected="a key or a key_strindex, not both"),
    DataRule(
        id="OTLP-PROF-029",
        expected="a mapping with an attribute process.executable.build_id.gnu, .go or .htlhash",
    ),
    DataRule(
        id="OTLP-PROF-034",
        expected="no key_strindex and no string_value_strindex outside profiles",
    ),
)

_COMMON: Final = (
    DataRule(
        id="OTLP-COMMON-001",
        expected="every attribute key once",
        hint="a receiver keeps one of the values, and which is not defined",
    ),
    DataRule(id="OTLP-COMMON-002", expected="every key once inside a map value"),
    DataRule(id="OTLP-COMMON-003", expected="attribute keys that are not empty"),
    DataRule(id="OTLP-COMMON-033", expected="a resource with the telemetry"),
    DataRule(
        id="OTLP-COMMON-043", expected="a schema URL of the form http[s]://host[:port]/path/version"
    ),
    DataRule(id="OTLP-COMMON-049", expected="an entity reference with a type and id_keys"),
    DataRule(
        id="OTLP-COMMON-050",
        expected="entity keys that are attributes of the resource",
    ),
)

DATA_RULES: Final[Mapping[str, DataRule]] = MappingProxyType(
    {rule.id: rule for rule in (*_TRACES, *_METRICS, *_LOGS, *_PROFILES, *_COMMON)}
)
"""Every data rule that is checked, by its id."""


@cache
def severity_of(rule_id: str) -> str:
    """Return `error` or `warning`: the severity of a finding about this requirement.

    Raises:
        UnknownNameError: The requirement does not exist.
    """
    rule = find(rule_id)
    is_settled = not (rule.development or rule.ambiguity or rule.since)
    return "error" if rule.level == "MUST" and is_settled else "warning"

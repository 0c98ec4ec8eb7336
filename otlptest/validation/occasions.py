"""The *occasion* of a data rule: the part of a payload that could break it.

A rule about links says nothing about a payload without links: not being broken there proves
nothing. So each data rule names its occasion, and `count_occasions` counts how often it came. If a
payload shows only a part of what a requirement demands, the occasion is what that part can fail on.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final


class Occasion(Enum):
    """Something in a payload on which a rule can fail, with its name in evidence."""

    SPAN = "span"
    ROOT_SPAN = "root span"
    ROOT_OR_REMOTE_SPAN = "root span, or one with a remote parent"
    RELATED_SPAN = "span with a parent, or second one of a trace"
    TIMED_SPAN = "span with both times"
    TRACE_STATE = "trace_state"
    OT_MEMBER = "trace_state with an `ot` member"
    STATUS = "span status that is set"
    STATUS_MESSAGE = "span status with a message"
    EVENT = "span event"
    LINK = "span link"
    REMOTE_LINK = "span link whose remoteness is told"

    METRIC = "metric"
    NAMED_AGAIN = "metric whose name came before in its scope"
    UNIT = "unit"
    POINT = "data point"
    POINT_WITH_START = "data point with a start and a time (not of a gauge)"
    AGGREGATED_POINT = "point of a sum or histogram"
    NUMBER_POINT = "point of a gauge or sum"
    AGGREGATED_METRIC = "sum or histogram"
    SEVERAL_POINTS = "metric with several points"
    MONOTONIC_DELTA = "delta point of a monotonic sum"
    CUMULATIVE_PAIR = "pair of successive cumulative points with one start"
    MONOTONIC_PAIR = "pair of successive points of a monotonic cumulative sum with one start"
    DELTA_PAIR = "pair of successive delta points"
    SUMMARY_PAIR = "pair of successive summary points with one start"
    HISTOGRAM_POINT = "histogram point"
    BUCKETS = "histogram point with buckets"
    BOUNDS = "histogram point with bounds"
    EMPTY_HISTOGRAM = "histogram point with a count of 0"
    NEGATIVE_HISTOGRAM = "histogram point of values below 0"
    EXTREMES = "histogram point with min and max"
    EXPONENTIAL_POINT = "exponential histogram point"
    EXPONENTIAL_BUCKETS = "exponential histogram point with buckets"
    QUANTILES = "summary point with quantiles"
    SUMMARY_POINT = "summary point"
    EXEMPLAR = "exemplar"
    FILTERED_ATTRIBUTES = "exemplar with filtered attributes"

    LOG_RECORD = "log record"
    LOG_TIME = "time of a log record"
    LOG_ID = "trace_id or span_id of a log record"
    LOG_OUTSIDE_SPAN = "log record without a valid trace_id and span_id"
    LOG_SPAN_ID = "log record with a valid span_id"

    PROFILE = "profile"
    DICTIONARY = "profiles dictionary"
    DICTIONARY_ENTRY = "dictionary entry after entry 0"
    SAMPLE = "profile sample"
    SAMPLE_WITH_BOTH = "profile sample with values and timestamps"
    SAMPLE_PAIR = "second sample of a profile"
    SAMPLE_TIME = "sample timestamp in a profile with a time and a duration"
    PROFILE_ID = "profile_id"
    ORIGINAL_PAYLOAD = "original payload of a profile"
    FUNCTION = "function"
    PROFILE_LINK = "link of a profile"
    LINE = "line of a location, or start line of a function"
    MAPPED_ADDRESS = "address in a mapping"
    ATTRIBUTE_INDICES = "message with several attribute_indices"
    PROFILES_ATTRIBUTE = "resource or scope attribute in a profiles request"
    MAPPING = "mapping"

    RESOURCE = "resource entry of a request"
    ATTRIBUTE = "attribute"
    PLAIN_ATTRIBUTE = "attribute outside profiles"
    SEVERAL_ATTRIBUTES = "list of several attributes"
    MAP_VALUE = "map value with several entries"
    SCHEMA_URL = "schema URL"
    ENTITY = "entity reference"


def _ids(group: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"OTLP-{group}-{number:03}" for number in numbers)


RULES_BY_OCCASION: Final[Mapping[Occasion, tuple[str, ...]]] = MappingProxyType(
    {
        Occasion.SPAN: _ids("TRACE", 1, 2, 3, 4, 9, 10, 13, 14, 31),
        Occasion.ROOT_SPAN: _ids("TRACE", 5),
        Occasion.RELATED_SPAN: _ids("TRACE", 6),
        Occasion.TIMED_SPAN: _ids("TRACE", 15, 16),
        Occasion.EVENT: _ids("TRACE", 18),
        Occasion.LINK: _ids("TRACE", 21),
        Occasion.REMOTE_LINK: _ids("TRACE", 25),
        Occasion.TRACE_STATE: _ids("TRACE", 26),
        Occasion.OT_MEMBER: _ids("TRACE", 28),
        Occasion.ROOT_OR_REMOTE_SPAN: _ids("TRACE", 30),
        Occasion.STATUS: _ids("TRACE", 36),
        Occasion.STATUS_MESSAGE: _ids("TRACE", 37),
        Occasion.METRIC: _ids("METRIC", 1, 2, 3),
        Occasion.UNIT: _ids("METRIC", 4),
        Occasion.NAMED_AGAIN: _ids("METRIC", 5),
        Occasion.POINT: _ids("METRIC", 7, 55),
        Occasion.AGGREGATED_POINT: _ids("METRIC", 9),
        Occasion.POINT_WITH_START: _ids("METRIC", 10),
        Occasion.NUMBER_POINT: _ids("METRIC", 13),
        Occasion.AGGREGATED_METRIC: _ids("METRIC", 16),
        Occasion.MONOTONIC_DELTA: _ids("METRIC", 18),
        Occasion.MONOTONIC_PAIR: _ids("METRIC", 19),
        Occasion.CUMULATIVE_PAIR: _ids("METRIC", 20),
        Occasion.DELTA_PAIR: _ids("METRIC", 21),
        Occasion.SEVERAL_POINTS: _ids("METRIC", 24),
        Occasion.HISTOGRAM_POINT: _ids("METRIC", 25),
        Occasion.BUCKETS: _ids("METRIC", 26),
        Occasion.BOUNDS: _ids("METRIC", 27),
        Occasion.EMPTY_HISTOGRAM: _ids("METRIC", 31),
        Occasion.NEGATIVE_HISTOGRAM: _ids("METRIC", 32),
        Occasion.EXTREMES: _ids("METRIC", 33),
        Occasion.EXPONENTIAL_POINT: _ids("METRIC", 35, 42),
        Occasion.EXPONENTIAL_BUCKETS: _ids("METRIC", 36),
        Occasion.QUANTILES: _ids("METRIC", 44),
        Occasion.SUMMARY_POINT: _ids("METRIC", 45),
        Occasion.SUMMARY_PAIR: _ids("METRIC", 46),
        Occasion.EXEMPLAR: _ids("METRIC", 48, 49, 51),
        Occasion.FILTERED_ATTRIBUTES: _ids("METRIC", 50),
        Occasion.LOG_RECORD: _ids("LOG", 1, 9, 21),
        Occasion.LOG_TIME: _ids("LOG", 12),
        Occasion.LOG_ID: _ids("LOG", 15),
        Occasion.LOG_OUTSIDE_SPAN: _ids("LOG", 16),
        Occasion.LOG_SPAN_ID: _ids("LOG", 17),
        Occasion.PROFILE: _ids("PROF", 4, 21),
        Occasion.DICTIONARY: _ids("PROF", 5, 6),
        Occasion.DICTIONARY_ENTRY: _ids("PROF", 8, 9, 11),
        Occasion.SAMPLE: _ids("PROF", 13),
        Occasion.SAMPLE_WITH_BOTH: _ids("PROF", 14),
        Occasion.SAMPLE_PAIR: _ids("PROF", 16, 17),
        Occasion.SAMPLE_TIME: _ids("PROF", 18),
        Occasion.PROFILE_ID: _ids("PROF", 19),
        Occasion.ORIGINAL_PAYLOAD: _ids("PROF", 20),
        Occasion.FUNCTION: _ids("PROF", 22),
        Occasion.PROFILE_LINK: _ids("PROF", 23),
        Occasion.LINE: _ids("PROF", 25),
        Occasion.MAPPED_ADDRESS: _ids("PROF", 26),
        Occasion.ATTRIBUTE_INDICES: _ids("PROF", 27),
        Occasion.PROFILES_ATTRIBUTE: _ids("PROF", 28),
        Occasion.MAPPING: _ids("PROF", 29),
        Occasion.PLAIN_ATTRIBUTE: _ids("PROF", 34),
        Occasion.SEVERAL_ATTRIBUTES: _ids("COMMON", 1),
        Occasion.MAP_VALUE: _ids("COMMON", 2),
        Occasion.ATTRIBUTE: _ids("COMMON", 3),
        Occasion.RESOURCE: _ids("COMMON", 33),
        Occasion.SCHEMA_URL: _ids("COMMON", 43),
        Occasion.ENTITY: _ids("COMMON", 49, 50),
    }
)
"""Every data rule, by its occasion."""

_BY_RULE: Final = MappingProxyType(
    {rule: occasion for occasion, rules in RULES_BY_OCCASION.items() for rule in rules}
)


def occasion_of(rule_id: str) -> Occasion:
    """Return what a payload must contain so that it could break a data rule.

    Raises:
        KeyError: `DATA_RULES` does not have the rule.
    """
    return _BY_RULE[rule_id]
